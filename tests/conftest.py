"""What tests of several folders share."""

import gc
from collections.abc import Generator, Iterator

import pytest

from softswitch.platform.logs import configure_logs
from tests.support.server import Server, running

configure_logs("warning")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="the one seed that tests/scenarios/test_simulation.py runs")


def pytest_collection_finish() -> None:
    """As a switch does at its start: a million objects of libraries and of tests that stay need not be looked at again
    in every round of the garbage collector, which was a tenth of the time of the tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running demo switch, one for all tests of a file."""
    with running(tmp_path_factory.mktemp("switch")) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the switch's log beside a test that failed while it used one."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Server):
                report.sections.append((f"log of the switch ({value.log})", value.log_tail()))
    return report

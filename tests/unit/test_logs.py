import io
import json
from collections.abc import Iterator

import pytest
import structlog

from softswitch.platform.logs import configure_logs


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    before = structlog.get_config()
    yield io.StringIO()
    structlog.configure(**before)


def test_an_event_is_one_line_of_json_when_no_terminal_reads_it(written: io.StringIO) -> None:
    configure_logs("info", written)
    structlog.get_logger().info("a call ended", number="客服")
    entry = json.loads(written.getvalue())
    assert (entry["event"], entry["level"], entry["number"]) == ("a call ended", "info", "客服")
    assert "客服" in written.getvalue()


def test_what_is_below_the_level_is_not_written(written: io.StringIO) -> None:
    configure_logs("warning", written)
    structlog.get_logger().info("chatter")
    assert written.getvalue() == ""


def test_a_traceback_shows_no_local_variables(written: io.StringIO) -> None:
    configure_logs("info", written)
    try:
        password = "hu" + "sh"
        raise ValueError("no")
    except ValueError:
        structlog.get_logger().exception("it failed")
    assert "ValueError: no" in json.loads(written.getvalue())["exception"]
    assert password not in written.getvalue()

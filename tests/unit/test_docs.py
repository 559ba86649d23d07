"""The documents know what the code has: a word, a command, a setting or a feature without an entry fails here."""

import argparse
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import ivr_flows
from gateways.sip.ua.abilities import KNOWN_METHODS, METHODS
from gateways.sip.ua.causes import status_of
from softswitch import cli, events, settings
from softswitch.features.ivr.local import LocalParts
from softswitch.features.ivr.source import check_file
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts
from softswitch.kernel.cause import Cause
from softswitch.phone import command
from tests.support import flow_nodes, mqtt_topics, sip_table

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])


def text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("fact", [fact.__name__ for fact in events.AnyFact.__args__])
def test_every_fact_is_in_the_glossary(fact: str) -> None:
    assert f"| `{fact}` |" in text("glossary.md")


@pytest.mark.parametrize("cause", Cause, ids=lambda cause: cause.name)
def test_every_cause_is_in_the_glossary_with_its_value_and_status(cause: Cause) -> None:
    assert f"| `{cause.name}` | {cause.value} | {status_of(cause)} |" in text("glossary.md")


@pytest.mark.parametrize("name", [each.name for each in cli.COMMANDS])
def test_every_command_is_in_the_reference(name: str) -> None:
    assert re.search(rf"^\| `{name}\b", text("reference/commands.md"), re.MULTILINE)


def test_every_option_of_the_phone_is_in_the_reference() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    command.configure(parser)

    for option in parser._option_string_actions:
        assert option in text("reference/commands.md")


def leaves(tree: type, prefix: str = "") -> Iterator[str]:
    """The settings' names, as a configuration file writes them."""
    for field in dataclasses.fields(tree):
        nested = field.default_factory
        if isinstance(nested, type) and dataclasses.is_dataclass(nested):
            yield from leaves(nested, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


@pytest.mark.parametrize("name", list(leaves(settings.Settings)))
def test_every_setting_is_in_the_reference(name: str) -> None:
    assert f"`{name}`" in text("reference/settings.md")


@pytest.mark.parametrize(
    "name", [path.parent.name for path in sorted((ROOT / "softswitch/features").glob("*/feature.py"))]
)
def test_every_feature_has_an_entry(name: str) -> None:
    assert f"| `{name}` |" in text("features.md")


@pytest.mark.parametrize("method", sorted(KNOWN_METHODS))
def test_every_method_has_a_row_that_says_whether_it_is_handled(method: str) -> None:
    rows = [row for section in sip_table.sections() for row in section.row if row.what == method]

    assert len(rows) == 1
    assert (rows[0].state in ("yes", "partly")) == (method in METHODS)


def test_the_flow_of_the_tutorial_is_right(tmp_path: Path) -> None:
    written = re.search(r"```yaml\n(flow: repair.*?)```", text("howto/flows.md"), re.DOTALL)
    assert written is not None
    file = tmp_path / "repair.yaml"
    file.write_text(written[1], encoding="utf-8")
    assert check_file(file, LocalParts(ShippedPrompts(SHIPPED), set())) == []
    done = ivr_flows.call(file, ",12345#")
    assert "one two three four five" in done.heard


def test_the_page_on_nodes_is_what_their_types_make() -> None:
    assert flow_nodes.PAGE.read_text(encoding="utf-8") == flow_nodes.page(), "run python -m tests.support.flow_nodes"


def test_the_page_on_mqtt_is_what_the_facts_make() -> None:
    assert mqtt_topics.PAGE.read_text(encoding="utf-8") == mqtt_topics.page(), "run python -m tests.support.mqtt_topics"


def test_the_page_on_sip_is_what_its_table_makes() -> None:
    assert sip_table.PAGE.read_text(encoding="utf-8") == sip_table.page(), "run python -m tests.support.sip_table"


def test_what_the_page_on_sip_claims_is_shown_by_tests_that_exist() -> None:
    known = sip_table.known_tests()
    for section in sip_table.sections():
        for row in section.row:
            assert row.shown_by or row.state == "no", f"{row.what}: no test shows it"
            assert set(row.shown_by) <= known, f"{row.what}: no such test: {set(row.shown_by) - known}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("target", re.findall(r"^    make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE))
def test_the_make_targets_of_the_readme_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((DOCS / "decisions").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


def test_no_line_of_the_changelog_stands_twice() -> None:
    """Where two branches append to it, a merge may keep a line of both."""
    lines = re.findall(r"^(?:- |#).{0,60}", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert [line for line in set(lines) if lines.count(line) > 1] == []

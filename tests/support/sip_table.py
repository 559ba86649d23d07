"""`docs/protocols/sip.md` is made from `sip.toml` beside it: `python -m tests.support.sip_table` writes it anew."""

import re
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs/protocols/sip.toml"
PAGE = ROOT / "docs/protocols/sip.md"

_INTRO = """\
# SIP: what is supported, partly supported, refused, and why

The switch is a back-to-back user agent (RFC 3261 section 6) and a registrar. The code is in `gateways/sip` (Python, the
transaction user) and `gateways/rust/crates/sip-message` and `sip-transaction` (parser, printer, section 17 with
RFC 6026).

This page is made from `sip.toml`; each line that claims something names the tests in `tests/` that show it.

Compact forms, folded lines, several values in a line, escapes, quoted strings, IPv6 references and any order of headers
are read. What is broken gets a 400 with the reason when it can be answered, is counted in `/metrics`, and never more.
"""
_MARKS = {"yes": "✅", "partly": "partly", "refused": "refused", "no": "no"}


class Row(msgspec.Struct, forbid_unknown_fields=True):
    """One thing that SIP knows, and what the switch does with it."""

    what: str
    state: Literal["yes", "partly", "refused", "no"]
    note: str = ""
    shown_by: list[str] = []
    """Names of tests."""


class Section(msgspec.Struct, forbid_unknown_fields=True):
    """Rows of one kind."""

    title: str
    row: list[Row]
    intro: str = ""


def sections() -> list[Section]:
    """The table, read."""
    with TABLE.open("rb") as file:
        return msgspec.convert(tomllib.load(file)["section"], list[Section])


def page() -> str:
    """The page that the table makes."""
    text = [_INTRO]
    for section in sections():
        text.append(f"## {section.title}\n")
        if section.intro:
            text.append(f"{section.intro}\n")
        text.append("| what | state | notes | shown by |\n|---|---|---|---|")
        text += [
            f"| {row.what} | {_MARKS[row.state]} | {row.note} | {', '.join(f'`{test}`' for test in row.shown_by)} |"
            for row in section.row
        ]
        text.append("")
    return "\n".join(text)


def known_tests() -> set[str]:
    """The name of every Python test there is."""
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

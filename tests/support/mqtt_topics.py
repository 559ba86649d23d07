"""`docs/reference/mqtt.md` is made from the facts: `python -m tests.support.mqtt_topics` writes it."""

import inspect
from collections.abc import Iterator
from pathlib import Path

from gateways.mqtt.topics import pattern
from softswitch.events import AnyFact, Fact

PAGE = Path(__file__).parents[2] / "docs/reference/mqtt.md"

INTRODUCTION = """\
# Topics of MQTT

Made from the facts in `softswitch/events` by `python -m tests.support.mqtt_topics`.
[How to](../howto/mqtt.md) use them.

Each topic begins with `mqtt.prefix` (`softswitch/`). A payload is JSON, the same text as on `WS /api/v1/events`:
`fact` is its name, `at` wall milliseconds (UTC), and other fields are those that the words in braces are taken
from; all facts are explained in the [glossary](../glossary.md). In names, `+`, `#`, `/`, `%` and control characters are
written `%` and two hexadecimal digits as in URLs (`+4930` is `%2B4930`); a name that is empty is `-`.

The broker **keeps** (retains) what lasts, and tells it to whoever subscribes later.

| topic | kept | payload |
|---|---|---|
| `online` | yes | `true` while the switch is there; `false` when it has stopped, or, by its last will, is gone |
| `dropped` | | the broker took too little: `{"count", "from", "until"}` of the facts it was not told; `at` of two |
"""


def page() -> str:
    """What the page is to be."""
    return INTRODUCTION + "\n".join(rows()) + "\n"


def rows() -> Iterator[str]:
    kinds: tuple[type[Fact], ...] = AnyFact.__args__
    subject = ""
    for kind in sorted(kinds, key=lambda kind: (pattern(kind).text, kind.__name__)):
        form = pattern(kind)
        first = form.text.partition("/")[0]
        if first != subject:
            subject = first
            yield ""
            yield f"## {subject}"
            yield ""
            yield "| topic | kept | fact | |"
            yield "|---|---|---|---|"
        kept = "yes" if form.kept else ""
        yield f"| `{form.text}` | {kept} | `{kind.__name__}` | {_first(kind)} |"


def _first(kind: type[Fact]) -> str:
    """What it is, in its own words; nothing where it has none."""
    said = kind.__doc__ or ""
    return " ".join(inspect.cleandoc(said).partition("\n\n")[0].split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

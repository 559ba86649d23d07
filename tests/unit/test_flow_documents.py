"""Flows in YAML as they are read and checked: each thing that is wrong, with its line and node."""

import os
import subprocess
import sys
import textwrap

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.features.ivr.local import LocalParts
from softswitch.features.ivr.model import document, tree
from softswitch.features.ivr.model.finding import Finding
from softswitch.features.ivr.source import findings, from_yaml
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts
from softswitch.kernel.errors import Invalid

SOUNDS = ShippedPrompts(SHIPPED)


class Strict(LocalParts):
    """Knows one calendar, one query, one host and one account."""

    def no_destination(self, destination: object) -> str | None:
        return None if str(destination) in ("account/1001", "queue/sales") else f"there is no {destination}"

    def no_calendar(self, name: str) -> str | None:
        return None if name == "office" else f"there is no calendar {name!r}"

    def no_query(self, name: str) -> str | None:
        return None if name == "balance" else f"there is no query {name!r}"

    def no_host(self, host: str) -> str | None:
        return None if host == "crm.example.com" else f"{host} is not allowed"

    def no_voice(self, language: str) -> str | None:
        return "there is no voice"


def found(nodes: str) -> list[str]:
    """What is wrong with a flow, `line: node: message`. The nodes begin in line 4."""
    head = "flow: x\nvariables: {n: number, t: text, f: flag}\nnodes:\n"
    text = head + textwrap.indent(textwrap.dedent(nodes), "  ")
    return [
        f"{each.line}: {each.node}: {'warning: ' if each.warning else ''}{each.message}"
        for each in findings(text, "x.yaml", Strict(SOUNDS, {"x", "survey"}))
    ]


END = "end: {do: hang_up}\n"


def test_a_flow_that_is_right_has_no_findings() -> None:
    assert found("a: {do: play, hear: main/welcome, next: end}\n" + END) == []


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ("a: {do: play, hear: main/welcome, next: b}\n" + END, "4: a: there is no node 'b', which should follow heard"),
        ("a: {do: fly}", "4: a: do: invalid value 'fly'"),
        ("a: {hear: main/welcome}", "4: a: `do` is missing"),
        ("a: {do: play, hear: main/welcome}", "4: a: `next` is missing"),
        ("a:\n  do: hang_up\n  here: main/welcome", "6: a: `here` is not known here"),
        ("a:\n  do: hang_up\n  hear: main/nothing", "6: a: there is no prompt 'main/nothing' in 'en'"),
        ("A: {do: hang_up}", "4: A: a node's name is small letters, digits, - and _"),
        ("a: {do: hang_up}\nb: {do: hang_up}", "5: b: no way leads to this node"),
        (
            "a: {do: menu, hear: main/menu, choices: {12: a}, otherwise: end}\n" + END,
            "4: a: choices: expected `str` matching regex '^[0-9*#A-D]$'",
        ),
        (
            "a: {do: menu, hear: main/menu, choices: {1: a, 2: b}, otherwise: b}\n"
            "b: {do: play, hear: main/welcome, next: a}",
            "4: a: a menu without an exit: no way from here leads to the end of the flow",
        ),
        (
            "a: {do: play, hear: main/welcome, next: a}",
            "4: a: a loop without an end: no way from here leads to the end of the flow",
        ),
        (
            "a: {do: menu, hear: main/menu, choices: {1: end}, otherwise: b}\n"
            "b: {do: play, hear: main/welcome, next: a}\n" + END,
            "4: a: an unbounded loop: a caller who does nothing is led round by b for ever; "
            "count the rounds and test them",
        ),
        (
            "a:\n  do: transfer\n  hear: main/sales\n  to: account/9999",
            "7: a: there is no account/9999",
        ),
        ("a: {do: transfer, to: 'nowhere/x{caller}'}", "4: a: nothing takes calls for 'nowhere'"),
        ("a: {do: flow, flow: x, next: end}\n" + END, "4: a: 'x' goes through itself"),
        ("a: {do: flow, flow: y, next: end}\n" + END, "4: a: there is no flow 'y'"),
        ("a: {do: hours, calendar: moon, open: end, closed: end}\n" + END, "4: a: there is no calendar 'moon'"),
        ("a: {do: lookup, query: q, next: end, otherwise: end}\n" + END, "4: a: there is no query 'q'"),
        (
            "a: {do: http, url: 'http://10.0.0.1/x', next: end, otherwise: end}\n" + END,
            "4: a: 10.0.0.1 is not allowed",
        ),
        (
            "a: {do: http, url: 'http://{caller}.example.com/', next: end, otherwise: end}\n" + END,
            "4: a: 'http://{caller}.example.com/' should begin with http:// or https:// and a host",
        ),
        (
            "a: {do: http, url: 'https://crm.example.com/', into: {t: a..b}, next: end, otherwise: end}\n" + END,
            "4: a: into.t: 'a..b' is no path: write account.balance or orders[0].id",
        ),
        (
            "a: {do: survey, question: q, hear: main/menu, low: 5, high: 5, next: end, otherwise: end}\n" + END,
            "4: a: the lowest mark should be below the highest",
        ),
        (
            "a: {do: say, what: {text: {en: hello}}, next: end}\n" + END,
            "4: a: the text is not there in 'zh'",
        ),
        (
            "a: {do: say, what: {number: 1, text: one}, next: end}\n" + END,
            "4: a: what.0: one thing is said at a time, and here stand text, number",
        ),
        (
            "a: {do: listen, hear: main/menu, phrases: {yes: [yes]}, choices: {no: end}, otherwise: end}\n" + END,
            "4: a: there are no phrases for 'no'",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_node(nodes: str, message: str) -> None:
    assert message in found(nodes)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ("a: {do: set, values: {n: '\"x\"'}, next: end}\n", "values.n: 'n' is a number, and this is a text"),
        ("a: {do: set, values: {m: 1}, next: end}\n", "values.m: there is no variable 'm': name it under `variables`"),
        ("a: {do: set, values: {caller: '\"1\"'}, next: end}\n", "values.caller: 'caller' cannot be set"),
        ("a: {do: test, if: n + 1, then: end, else: end}\n", "if: this is a number; a flag is needed"),
        ("a: {do: test, if: n == t, then: end, else: end}\n", "if: 'n == t': a number is compared with a text"),
        ("a: {do: test, if: n >, then: end, else: end}\n", "if: 'n >': it ends too early"),
        ("a: {do: test, if: f < f, then: end, else: end}\n", "if: 'f < f': flags have no order: <"),
        ("a: {do: say, what: {number: t}, next: end}\n", "what.0: number needs a number, and this is a text"),
        ("a: {do: say, what: {text: 'you {who}'}, next: end}\n", "what.0: 'who': there is no variable 'who'"),
        (
            "a: {do: collect, hear: main/extension, into: f, most: 1, next: end, otherwise: end}\n",
            "into: 'f' is a flag: digits are a text or a number",
        ),
        ("a: {do: record, into: n, next: end, otherwise: end}\n", "into: 'n' is a number; a text is needed"),
    ],
)
def test_kinds_of_variables_are_checked(nodes: str, message: str) -> None:
    assert any(each.startswith(f"4: a: {message}") for each in found(nodes + END))


def test_a_loop_that_is_counted_is_bounded() -> None:
    nodes = """
    a: {do: menu, hear: main/menu, choices: {1: end}, otherwise: count}
    count: {do: set, values: {n: n + 1}, next: again}
    again: {do: test, if: n < 3, then: a, else: end}
    """
    assert found(textwrap.dedent(nodes).lstrip() + END) == []


def test_a_destination_with_another_way_need_not_be_there() -> None:
    nodes = "a: {do: transfer, to: queue/nobody, otherwise: end}\n" + END
    assert found(nodes) == ["4: a: warning: there is no queue/nobody"]


def test_all_that_is_wrong_is_told_at_once_and_refused() -> None:
    text = "flow: x\nnodes:\n  a: {do: fly}\n  b: {do: play, hear: main/welcome}\n"
    with pytest.raises(Invalid) as refused:
        from_yaml(text, "x.yaml", 1)
    assert (refused.value.where, refused.value.more) == ("x.yaml:3: a", [("x.yaml:4: b", "`next` is missing")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.yaml: it is empty"),
        ("a: [1, 2", "x.yaml:1: this is no YAML"),
        ("a: 1\nb: &x 2\nc: *x\n", "x.yaml:2: anchors and aliases"),
        ("a: 1\na: 2\n", "x.yaml:2: 'a' stands here twice"),
        ("a: !!python/object:os.system x\n", "x.yaml:1: tags"),
        ("? [a]\n: b\n", "x.yaml:1: a key should be a word"),
        ("[" * 5000, "x.yaml"),
        ("a: " + "x" * 300_000, "x.yaml: it is longer than"),
        ("a: \x00", "x.yaml: this is no YAML"),
    ],
)
def test_what_is_no_yaml_of_ours_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        tree.read(text, "x.yaml")
    assert str(refused.value).startswith(message)


def test_scalars_are_what_they_look_like_and_no_more() -> None:
    read = tree.read("a: 1\nb: 1.5\nc: yes\nd: 010\ne: true\nf: '1'\n0: x\n\"*\": y\n", "x.yaml").value
    assert read == {"a": 1, "b": 1.5, "c": "yes", "d": "010", "e": True, "f": "1", "0": "x", "*": "y"}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for source in (text, f"flow: x\nnodes: {{a: {{do: test, if: {text!r}, then: a, else: a}}}}\n"):
        try:
            findings(source, "x.yaml", Strict(SOUNDS, set()))
        except Invalid as refused:
            assert str(refused).startswith("x.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: " + "[" * 100_000, "f:1: it is nested deeper than 20"),
        ("a: " + "{b: " * 20_000, "f:1: it is nested deeper than 20"),
        ("a:\n" + "- 1\n" * 60_000, "f:9998: it is more than 10000 pieces"),
    ],
)
def test_what_would_take_minutes_to_read_is_refused_before_a_tree_is_made_of_it(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml, "compose", lambda *_, **__: pytest.fail("a tree was made"))
    with pytest.raises(Invalid) as refused:
        tree.read(text, "f")
    assert str(refused.value) == said


def test_what_cannot_be_a_prompts_name_is_named() -> None:
    nodes = "  a: {do: play, hear: ../secret, next: b}\n  b: {do: hang_up, hear: [ivr/goodbye, 'a b']}\n"
    assert document.read(f"flow: x\nnodes:\n{nodes}", "x")[1] == [
        Finding(3, "a", "hear: '../secret' is no name of a prompt"),
        Finding(4, "b", "hear: 'a b' is no name of a prompt"),
    ]


@pytest.mark.parametrize("seed", range(8))
def test_reading_a_flow_harms_no_process(seed: int) -> None:
    """The types of nodes are freed at the end of the process: some types made msgspec free what it does not own."""
    code = "from softswitch.features.ivr.model.nodes import AnyNode; import msgspec; msgspec.json.Decoder(AnyNode)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": str(seed)}, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")

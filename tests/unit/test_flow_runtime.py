"""What the nodes of a flow do, with a caller on paper."""

import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ivr_flows import call
from softswitch.features.ivr.local import LocalParts
from softswitch.features.ivr.simulator import Simulation, script
from softswitch.features.ivr.source import check_file
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts
from softswitch.kernel.errors import Invalid, NotFound

END = "  end: {do: hang_up}\n"


@pytest.fixture
def through(tmp_path: Path) -> Any:
    """Goes through a flow of some nodes."""

    def go(nodes: str, press: str = "", head: str = "", **more: Any) -> Simulation:
        file = tmp_path / "x.yaml"
        body = textwrap.indent(textwrap.dedent(nodes).strip("\n"), "  ")
        file.write_text(f"flow: x\n{head}\nnodes:\n{body}\n{END}", encoding="utf-8")
        return call(file, press, **more)

    return go


def results(done: Simulation) -> list[tuple[str, str]]:
    return [(step.node, step.result) for step in done.path.steps]


def test_values_are_said_in_the_language_and_texts_by_its_voice(through: Any) -> None:
    nodes = """
  a:
    do: play
    hear:
      - {number: 20003}
      - {digits: caller}
      - {money: 12.5, currency: CNY}
      - {duration: 90}
      - {date: "'2026-11-26'"}
      - {time: "'14:05'"}
      - {ordinal: 3}
      - {silence: 500}
      - {tone: 440}
      - {text: {en: "Hello {caller}", zh: "您好 {caller}"}}
    next: end
"""
    english = through(nodes, caller="21").heard[0]
    assert english == (
        "twenty thousand three two one twelve yuan and fifty fen two minutes Thursday November twenty-sixth twenty "
        "twenty-six two oh five P M third [tone 440 Hz] Hello 21"
    )
    mandarin = through(nodes, language="zh", caller="21").heard[0]
    assert mandarin.replace(" ", "").startswith(
        "两万零三二幺十二元五角两分钟二零二六年十一月二十六日星期四下午两点零五分第三"
    )
    assert mandarin.endswith("您好 21")


def test_a_value_that_cannot_be_said_is_left_out_and_told(through: Any) -> None:
    done = through("  a: {do: play, hear: [main/welcome, {date: \"'today'\"}], next: end}\n")
    assert done.heard == ["Welcome."]
    told = next(line.text for line in done.lines if line.what == "is told")
    assert told.startswith("flow x: a: Invalid isoformat")


@pytest.mark.parametrize(
    ("press", "node", "tries"),
    [("1", "1", 1), ("7,1", "1", 2), ("7,,7,,7", "invalid", 3), ("", "silent", 3)],
)
def test_a_menu_asks_again_a_few_times(through: Any, press: str, node: str, tries: int) -> None:
    done = through("  a: {do: menu, hear: main/menu, choices: {1: end}, otherwise: end}\n", press)
    assert results(done)[0] == ("a", node)
    assert len(done.heard) == tries
    if node == "invalid":
        assert done.heard[1].startswith("Sorry, that is not one of the choices.")


@pytest.mark.parametrize(
    ("press", "value"),
    [("1234", "1234"), ("12#", "12"), ("1#,2#", "12"), ("1,,,,,,,,,,,,12#", "12"), ("", "")],
)
def test_digits_are_collected_and_not_kept_in_the_path(through: Any, press: str, value: str) -> None:
    nodes = """
  a: {do: collect, hear: main/extension, into: pin, most: 4, least: 2, next: b, otherwise: end}
  b: {do: say, what: {digits: pin}, next: end}
"""
    done = through(nodes, press, "variables: {pin: text}")
    said = {"1": "one", "2": "two", "3": "three", "4": "four"}
    if value:
        assert done.heard[-1] == " ".join(said[digit] for digit in value)
        assert results(done)[0] == ("a", "keyed")
        assert all(result != value for _, result in results(done))
    else:
        assert results(done)[0] == ("a", "silent")


def test_variables_are_set_tested_and_counted(through: Any) -> None:
    nodes = """
  ask: {do: menu, hear: main/menu, tries: 1, choices: {1: end}, otherwise: count}
  count: {do: set, values: {n: n + 1, t: t + "x"}, next: again}
  again: {do: test, if: n < 3 and t != "xxxx", then: ask, else: tell}
  tell: {do: say, what: {number: n}, next: end}
"""
    done = through(nodes, "", "variables: {n: number, t: text}")
    assert done.heard[-1] == "three"
    assert [node for node, _ in results(done)].count("ask") == 3


def test_a_calendar_decides_and_says_why(through: Any) -> None:
    nodes = """
  a: {do: hours, calendar: office, open: b, closed: end}
  b: {do: transfer, to: account/1002}
"""
    assert str(through(nodes).destination) == "account/1002"
    done = through(nodes, closed=("office",))
    assert done.destination is None and results(done) == [("a", "closed"), ("end", "ended")]


BALANCE = """
  a:
    do: http
    url: "https://crm.example.com/balance/{caller}?x={t}"
    body: {n: 2.5, who: caller}
    method: POST
    into: {n: account.balance, t: "names[1]", f: good}
    next: tell
    otherwise: end
  tell: {do: say, what: {money: n, currency: CNY}, next: which}
  which: {do: test, if: f and t == "b", then: end, else: other}
  other: {do: hang_up, hear: main/welcome}
"""
HELD = "variables: {n: number, t: text, f: flag}"


def test_a_web_service_is_asked_and_its_answer_taken(through: Any) -> None:
    good = {"account": {"balance": 12.5}, "names": ["a", "b"], "good": True}
    done = through(BALANCE, "", HELD, web={"https://crm.example.com/balance/10%2F01?x=": good}, caller="10/01")
    assert results(done) == [("a", "answered"), ("tell", "heard"), ("which", "true"), ("end", "ended")]
    assert done.heard == ["twelve yuan and fifty fen"]


@pytest.mark.parametrize(
    "answer", [None, [], {"account": 1}, {"account": {"balance": "much"}, "names": ["a", "b"], "good": True}]
)
def test_an_answer_that_is_not_what_variables_hold_comes_to_nothing(through: Any, answer: Any) -> None:
    web = {} if answer is None else {"https://crm.example.com/": answer}
    done = through(BALANCE, "", HELD, web=web)
    assert results(done)[1] == ("end", "ended")


def test_a_query_and_a_queue_are_asked(through: Any) -> None:
    nodes = """
  a: {do: lookup, query: balance, with: {who: caller}, into: {n: owes}, next: b, otherwise: end}
  b: {do: queue, queue: sales, waiting: n, wait: w, next: c, otherwise: end}
  c: {do: play, hear: [{number: n}, {duration: w}], next: end}
"""
    head = "variables: {n: number, w: number}"
    assert results(through(nodes, "", head)) == [("a", "nothing"), ("end", "ended")]
    rows = {"balance": {"owes": 7}}
    assert results(through(nodes, "", head, rows=rows))[1:] == [("b", "unknown"), ("end", "ended")]
    done = through(nodes, "", head, rows=rows, queues={"sales": (3, 41.7)})
    assert done.heard == ["three forty-two seconds"]


def test_an_event_a_message_and_a_recording(through: Any) -> None:
    nodes = """
  a: {do: record, hear: main/welcome, into: file, ends_with: "#", next: b, otherwise: end}
  b: {do: send, to: repair-order, data: {account: caller, file: file}, next: c}
  c: {do: send, kind: sms, to: "{caller}", text: thanks, next: end}
"""
    done = through(nodes, ",,,#", "variables: {file: text}")
    assert results(done) == [("a", "recorded"), ("b", "sent"), ("c", "nothing"), ("end", "ended")]
    told = [line.text for line in done.lines if line.what in ("is told", "is recorded")]
    assert told[0] == "flows/x/simulated-1.wav"
    assert told[1] == "event repair-order: account 1001, file flows/x/simulated-1.wav"
    for nothing in (",#", ""):
        assert results(through(nodes, nothing, "variables: {file: text}"))[0] == ("a", "nothing")


@pytest.mark.parametrize(("press", "mark"), [("4", "4"), ("0,,5", "5"), ("9,,9,,9", "invalid"), ("", "silent")])
def test_a_survey_keeps_its_mark_in_the_path(through: Any, press: str, mark: str) -> None:
    nodes = "  q: {do: survey, question: service, hear: main/menu, into: n, next: end, otherwise: end}\n"
    assert results(through(nodes, press, "variables: {n: number}"))[0] == ("q", mark)


@pytest.mark.parametrize(("press", "mark"), [("10", "10"), ("9", "9"), ("0", "0"), ("11,,8", "8")])
def test_a_mark_may_have_two_digits(through: Any, press: str, mark: str) -> None:
    nodes = "  q: {do: survey, question: promoter, low: 0, high: 10, hear: main/menu, next: end, otherwise: end}\n"
    assert results(through(nodes, press))[0] == ("q", mark)


def test_phrases_may_be_keyed_in_where_nobody_understands_speech(through: Any) -> None:
    nodes = """
  a:
    do: listen
    hear: main/menu
    phrases: {yes: [yes, right], no: {en: [no], zh: [不是]}}
    keys: {1: yes, 2: no}
    choices: {yes: end, no: other}
    otherwise: end
  other: {do: transfer, to: account/1002}
"""
    assert str(through(nodes, "2").destination) == "account/1002"
    assert results(through(nodes, "1"))[0] == ("a", "yes")
    assert results(through(nodes, "5,,,5,,,5"))[0] == ("a", "invalid")


def test_phrases_are_said_where_somebody_understands_speech(through: Any) -> None:
    nodes = """
  a:
    do: listen
    hear: main/menu
    phrases: {yes: [yes please, right], no: {en: [no], zh: [不是]}}
    keys: {1: yes, 2: no}
    choices: {yes: end, no: other}
    otherwise: end
  other: {do: transfer, to: account/1002}
"""
    for says, press, result in (
        (["right"], "", "yes"),
        (["no"], "", "no"),
        (["nonsense", "no"], "", "no"),
        (["nonsense"] * 3, "", "invalid"),
        (["nonsense"], "", "silent"),
        (["nonsense"], ",,2", "no"),
    ):
        done = through(nodes, press, says=says)
        assert results(done)[0] == ("a", result), (says, press)
    done = through(nodes, says=["不是"], language="zh")
    assert str(done.destination) == "account/1002"
    told = [line.text for line in through(nodes, says=["right"]).lines if line.what == "says"]
    assert told == ["right"]


def test_a_message_that_was_spoken_is_kept_and_silence_is_not(through: Any) -> None:
    nodes = "  a: {do: record, into: t, silence_seconds: 2, next: end, otherwise: other}\n  other: {do: return}\n"
    assert results(through(nodes, "", "variables: {t: text}", says=["my telephone is broken"]))[0][1] == "recorded"
    assert results(through(nodes, "", "variables: {t: text}"))[0][1] == "nothing"


def test_what_is_told_may_be_called_anything(through: Any) -> None:
    nodes = """
  a: {do: send, to: order, data: {name: caller, node: caller, event: caller}, next: b}
  b: {do: lookup, query: q, with: {query: caller, node: caller, parameters: caller}, next: end, otherwise: end}
"""
    done = through(nodes)
    assert done.lines[0].text == "event order: name 1001, node 1001, event 1001"


def test_the_dial_plan_is_a_destination_with_a_number(through: Any) -> None:
    done = through("  a: {do: transfer, to: dialplan/default, number: '9{caller}', otherwise: end}\n")
    assert str(done.destination) == "dialplan/default"


def test_a_flow_within_a_flow_that_goes_round_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "round.yaml"
    file.write_text("flow: round\nnodes:\n  a: {do: flow, flow: round, next: b}\n  b: {do: return}\n")
    done = call(file)
    assert done.path.outcome == "refused"
    assert done.lines[-1].text == "the call is refused: flows go through flows more than 10 deep"


def test_a_caller_who_hangs_up_ends_the_simulation() -> None:
    done = call("main", hangs_up_after=3.0)
    assert done.path.outcome == "left" and done.lines[-1].text == "the caller hangs up"


# Flows in Python ----------------------------------------------------------------------------------------

PYTHON = '''
"""A flow in Python."""

from softswitch.features.ivr import Destination, Flow, Text


async def trial(flow: Flow) -> Destination | None:
    await flow.play("main/welcome", flow.say.number(3), Text("hello", "您好"))
    match await flow.menu("main/menu", keys="12"):
        case "1":
            return Destination("queue", "sales")
        case "2":
            if flow.open("office"):
                return await flow.transfer("account/1002", "main/sales")
    destination, _ = await flow.through("main")
    return destination
'''


def test_a_flow_in_python_runs_on_the_same_nodes(tmp_path: Path) -> None:
    file = tmp_path / "trial.py"
    file.write_text(PYTHON, encoding="utf-8")
    done = call(file, "1")
    assert done.heard == ["Welcome. three hello"] or done.heard[0] == "Welcome. three hello"
    assert str(done.destination) == "queue/sales"
    assert results(done) == [("play main/welcome", "heard"), ("menu main/menu", "1")]
    done = call(file, "2", closed=("office",), missing=("queue/sales", "queue/support"), language="zh")
    assert results(done)[2] == ("hours office", "closed")
    assert results(done)[-1] == ("main/closed", "flow/after-hours")
    assert str(done.destination) == "flow/after-hours"


@pytest.mark.parametrize(
    ("old", "new", "line", "node", "message"),
    [
        (
            "async def trial",
            "async def other",
            1,
            "",
            "there is no `async def trial(flow: Flow)`, which would be the flow",
        ),
        ("    match", "  match", 9, "", "this is no Python: unindent does not match any outer indentation level"),
        ('"main/menu"', '"main/nothing"', 9, "trial", "there is no prompt 'main/nothing' in 'zh'"),
        ('"queue", "sales"', '"moon", "sales"', 11, "trial", "nothing takes calls for 'moon'"),
        ('"account/1002"', '"moon/1002"', 14, "trial", "nothing takes calls for 'moon'"),
        ('through("main")', 'through("nobody")', 15, "trial", "there is no flow 'nobody'"),
        (
            "    destination, _",
            "    while True:\n        destination, _",
            15,
            "trial",
            "an unbounded loop: a caller who does nothing must come to an end; use for",
        ),
    ],
)
def test_what_is_wrong_with_a_flow_in_python_is_found_without_running_it(
    tmp_path: Path, old: str, new: str, line: int, node: str, message: str
) -> None:
    file = tmp_path / "trial.py"
    known = LocalParts(ShippedPrompts(SHIPPED), {"main"})
    file.write_text(PYTHON, encoding="utf-8")
    assert check_file(file, known) == []
    assert old in PYTHON
    file.write_text(PYTHON.replace(old, new), encoding="utf-8")
    assert (line, node, message, False) in check_file(file, known)


def test_what_is_no_flow_is_refused(tmp_path: Path) -> None:
    for name, text, expected in (
        ("a.txt", "", Invalid),
        ("b.py", "x = 1\n", Invalid),
        ("c.py", "import nothing_of_this_name\n", Invalid),
        ("d.yaml", "flow: d\nnodes: {}\n", Invalid),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(expected):
            call(tmp_path / name)
    with pytest.raises(NotFound):
        call(tmp_path / "nothing.yaml")
    with pytest.raises(NotFound):
        call("nothing")


def test_a_script_of_keys_has_times() -> None:
    assert script("1,,9#") == [(0.0, "1"), (pytest.approx(2.3), "9"), (pytest.approx(2.6), "#")]
    with pytest.raises(Invalid, match="is no key"):
        script("1x")


def test_the_time_of_the_call_is_what_was_said() -> None:
    at = datetime(2026, 2, 17, 10, 0, tzinfo=UTC)
    assert call("main", at=at).path.began_at == round(at.timestamp() * 1000)

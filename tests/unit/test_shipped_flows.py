"""The flows that ship, by scripted callers without a telephone."""

from pathlib import Path

import pytest

import ivr_flows
from ivr_flows import call
from softswitch.events import FlowSent
from softswitch.features.ivr import source
from softswitch.features.ivr.local import LocalParts
from softswitch.features.ivr.model.spelling import keyed, spells
from softswitch.features.ivr.simulator import Simulation
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts

FILES = source.files(ivr_flows)
PEOPLE = {"1001": "Ann Smith", "1002": "Jörg Weiß", "1003": "Li Wei", "1004": "Ana López"}
LONG = "," * 25
"""Longer than anything that is heard."""


def results(done: Simulation) -> list[tuple[str, str]]:
    return [(step.node, step.result) for step in done.path.steps]


def sent(done: Simulation) -> FlowSent:
    (event,) = done.sent
    return event


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_is_wrong_with_a_flow_that_ships(file: Path) -> None:
    known = LocalParts(ShippedPrompts(SHIPPED), {each.stem.replace("_", "-") for each in FILES})
    assert source.check_file(file, known) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_caller_who_does_nothing_comes_to_an_end(file: Path, language: str) -> None:
    done = call(file.stem.replace("_", "-"), language=language)
    assert done.path.outcome in ("ended", "transferred")
    assert done.heard


def test_the_main_menu_leads_to_sales_and_by_night_to_the_message() -> None:
    assert str(call("main", ",,1").destination) == "queue/sales"
    assert str(call("main", ",,2", missing=["queue/support"]).destination) == "account/1003"
    night = call("main", closed=["office"])
    assert str(night.destination) == "flow/after-hours"
    repeated = call("main", ",,*,,,0")
    assert len([line for line in repeated.heard if line.startswith("For sales")]) == 2
    assert str(repeated.destination) == "account/1001"
    chinese = call("main", ",,9,,1")
    assert chinese.heard[-1] == "正在为您转接销售部。"


@pytest.mark.parametrize(
    ("press", "destination"),
    [
        (",,3,,266#,,1", "account/1001"),
        (",,3,,5674#,,1", "account/1002"),
        (",,3,,1003#", "account/1003"),
        (",,3,,26#,,2,,1", "account/1001"),  # Ana López is offered first
        (",,3,,926#,,,,5674#,,1", "account/1002"),  # the first three letters are nobody's
    ],
)
def test_people_are_found_by_the_letters_of_their_names(press: str, destination: str) -> None:
    done = call("main", press, people=PEOPLE)
    assert str(done.destination) == destination
    assert ("Nobody of that name was found." in done.heard) == ("926" in press)


def test_names_are_spelled_on_keys_from_each_of_their_words() -> None:
    assert keyed("Jörg Weiß") == ("567493477", "93477")
    assert keyed("Ana López") == ("26256739", "56739")
    assert keyed("O'Neil") == ("66345", "6345")
    assert keyed("张三") == ()
    assert spells("Li Wei", "93") and spells("Li Wei", "54934") and not spells("Li Wei", "39")
    assert not spells("Li Wei", "")


def test_after_hours_the_companys_mailbox_takes_the_message_or_the_flow_itself() -> None:
    assert str(call("after-hours", ",,1").destination) == "voicemail/1001"
    done = call("after-hours", ",,1", missing=["voicemail/1001"], says=["call me"])
    assert ("message", "recorded") in results(done)
    event = sent(done)
    assert (event.event, event.data["from"]) == ("message-left", "1001")
    assert event.data["recording"].startswith("flows/after-hours/")
    assert done.heard[-1].startswith("Your message was recorded.")


def test_a_fault_is_reported_with_account_and_kind() -> None:
    done = call("repair", LONG + "12345#" + LONG + "1" + LONG + "3")
    event = sent(done)
    assert event.event == "repair-order"
    assert {name: event.data[name] for name in ("account", "fault", "caller")} == {
        "account": "12345",
        "fault": "noise",
        "caller": "1001",
    }
    assert any("one two three four five" in line for line in done.heard)
    assert str(call("repair", LONG + "12345#" + LONG + "1" + LONG + "0").destination) == "queue/support"


def test_a_survey_keeps_both_marks_and_asks_the_discontent_why() -> None:
    content = call("survey", LONG + "5" + LONG + "10")
    assert results(content)[:2] == [("satisfaction", "5"), ("recommend", "10")]
    assert ("why", "recorded") not in results(content)
    discontent = call("survey", LONG + "1" + LONG + "0", says=["it was slow"])
    assert results(discontent)[:2] == [("satisfaction", "1"), ("recommend", "0")]
    assert sent(discontent).event == "complaint"


def test_a_follow_up_call_ends_in_a_word_about_the_repair() -> None:
    works = call("follow-up", LONG + "1" + LONG + "1" + LONG + "4")
    assert ("good", "4") in results(works)
    assert sent(works).data["outcome"] == "works"
    broken = call("follow-up", LONG + "1" + LONG + "2")
    assert (sent(broken).data["outcome"], str(broken.destination)) == ("does not work", "queue/support")
    assert sent(call("follow-up")).data["outcome"] == "not reached"


def test_an_announcement_is_heard_again_by_one() -> None:
    assert len([line for line in call("announcement", ",,,,1").heard if "as usual" in line]) == 2


def test_a_room_is_entered_by_its_number_and_looking_for_rooms_ends() -> None:
    assert str(call("conference-entry", LONG + "3001#").destination) == "conference/3001"
    second = call("conference-entry", LONG + "4444#" + LONG + "3000#", missing=["conference/4444"])
    assert str(second.destination) == "conference/3000"
    assert any(line.startswith("There is no such room") for line in second.heard)
    guesses = (LONG + "4444#") * 3
    guessed = call("conference-entry", guesses, missing=["conference/4444"])
    assert (guessed.destination, guessed.path.outcome) == (None, "ended")


def test_a_balance_is_asked_of_the_billing_system_and_said() -> None:
    web = {"http://127.0.0.1:8090/accounts/12345": {"account": {"balance": 12.5, "due": "2026-12-01"}}}
    press = LONG + "12345#" + LONG + "4321#"
    done = call("balance", press, web=web)
    (told,) = [line for line in done.heard if line.startswith("Your balance is")]
    assert "twelve yuan" in told and "December first" in told
    unknown = call("balance", press)
    assert any("could not be found" in line for line in unknown.heard)
    assert str(unknown.destination) == "queue/support"

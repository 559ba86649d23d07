"""Which codecs each party is told of."""

import pytest

from softswitch.calls.codec_choice import agreed, answered, label, offered, rule_of
from softswitch.kernel.media import Codec

PCMU, PCMA, G722, G729 = Codec(0, "PCMU"), Codec(8, "PCMA"), Codec(9, "G722"), Codec(18, "G729")
OPUS = Codec(107, "OPUS", 48000, 2, "useinbandfec=1")
L16 = Codec(118, "L16", 16000)
EVENTS, EVENTS_48 = Codec(101, "TELEPHONE-EVENT", parameters="0-16"), Codec(100, "TELEPHONE-EVENT", 48000)
ABLE = (PCMA, PCMU, G722, OPUS, L16)


def test_without_rules_an_offer_with_g711_passes_as_it_is() -> None:
    for said in ((PCMA, EVENTS), (OPUS, G729, PCMU, EVENTS, EVENTS_48)):
        assert offered(said, (), (), ABLE) == said


def test_an_offer_without_g711_gets_it_and_keys_that_go_with_it() -> None:
    assert offered((G722,), (), (), ABLE) == (G722, PCMA, PCMU)
    said = (OPUS, EVENTS_48)
    assert offered(said, (), (), ABLE) == (OPUS, EVENTS_48, PCMA, PCMU, EVENTS)


def test_what_we_cannot_convert_passes_alone() -> None:
    assert offered((G729, EVENTS), (), (), ABLE) == (G729, EVENTS)
    assert offered((G722,), (), (), ()) == (G722,), "an engine that converts nothing"


def test_a_rule_says_what_may_be_offered_and_the_common_codec_comes_first() -> None:
    said = (OPUS, PCMU, G729, EVENTS)
    assert offered(said, (), ("G722", "PCMA", "PCMU"), ABLE) == (PCMU, EVENTS, G722, PCMA)
    assert offered(said, (), ("G729",), ABLE) == (G729, EVENTS)


def test_the_rule_of_whoever_offers_puts_its_codecs_in_order() -> None:
    said = (PCMU, PCMA, OPUS, EVENTS)
    assert offered(said, ("OPUS", "PCMA"), (), ABLE) == (OPUS, PCMA, EVENTS)


def test_rules_that_leave_no_voice_are_not_applied() -> None:
    assert offered((G729, EVENTS), (), ("OPUS",), ABLE) == (G729, EVENTS)
    assert offered((PCMA, EVENTS), (), ("G729",), ABLE) == (PCMA, EVENTS)
    assert offered((PCMA,), ("G729",), (), ABLE) == (PCMA,)


def test_a_party_that_is_known_is_offered_what_it_speaks_under_its_own_number() -> None:
    theirs = OPUS._replace(payload_type=111)
    assert offered((PCMA, EVENTS), (), (), ABLE, (theirs, G729)) == (
        PCMA,
        EVENTS,
        theirs,
        Codec(96, "TELEPHONE-EVENT", 48000, parameters="0-16"),
    )


def test_added_codecs_take_no_number_that_is_taken() -> None:
    said = (Codec(107, "SPEEX", 16000), G722, Codec(96, "TELEPHONE-EVENT"))
    told = offered(said, (), ("OPUS", "G722", "SPEEX"), ABLE)
    assert told[:3] == said
    assert told[3] == OPUS._replace(payload_type=97)
    numbers = [codec.payload_type for codec in told]
    assert len(numbers) == len(set(numbers))


def test_an_answer_is_what_was_taken_of_the_offer() -> None:
    assert answered((PCMA, EVENTS), (OPUS, PCMA, EVENTS), (), ABLE) == (PCMA, EVENTS)
    assert answered((OPUS, PCMA, EVENTS), (G722, OPUS), (), ABLE) == (OPUS,)


def test_where_nothing_of_the_offer_was_taken_the_first_that_we_convert_answers_it() -> None:
    offer = (G729, G722, OPUS, EVENTS)
    assert answered((PCMA, EVENTS), offer, (), ABLE) == (G722, EVENTS)
    assert answered((PCMA, EVENTS), (*offer, EVENTS_48), ("OPUS",), ABLE) == (OPUS, EVENTS_48)
    assert answered((PCMA,), (Codec(9, "G722", 16000),), (), ABLE) == (Codec(9, "G722", 16000),)


def test_what_we_cannot_convert_makes_no_answer_of_ours() -> None:
    assert answered((PCMA,), (G729,), (), ABLE) == (PCMA,)
    assert answered((G729,), (G722,), (), ABLE) == (G729,)
    assert answered((PCMA,), (G722,), (), ()) == (PCMA,)


def test_the_speech_agreed_is_the_partys_first_that_it_was_told_of() -> None:
    assert agreed((PCMU, PCMA), (EVENTS, G722, PCMA, PCMU)) == PCMA
    assert agreed((PCMU,), (PCMA,)) is None


def test_a_codec_is_named_by_its_rate_where_that_is_part_of_it() -> None:
    assert [label(codec) for codec in (PCMA, OPUS, L16)] == ["PCMA", "OPUS", "L16/16000"]


def test_a_rule_is_written_in_any_case_and_names_what_is_wrong() -> None:
    assert rule_of(["opus", "g722", "L16/16000", "PCMA", "G729", "AMR-WB"]) == (
        "OPUS",
        "G722",
        "L16/16000",
        "PCMA",
        "G729",
        "AMR-WB",
    )
    for bad in (["L16"], ["L16/44100"], ["telephone-event"], ["PCMA", "pcma"], ["G722/8000"], [""], ["a b"]):
        with pytest.raises(ValueError, match=repr(bad[-1])):
            rule_of(bad)


def test_a_known_party_with_a_codec_in_common_is_offered_no_more() -> None:
    assert offered((PCMA, EVENTS), (), ("PCMA", "OPUS"), ABLE, (PCMA, G722)) == (PCMA, EVENTS)

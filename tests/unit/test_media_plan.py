"""Offers and answers as they cross the switch."""

from softswitch.calls import media_plan
from softswitch.calls.leg import Leg
from softswitch.kernel.address import HostPort
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import PLAIN, Codec, Direction, MediaDescription, Security, SrtpKey

PCMU, PCMA, OPUS = Codec(0, "PCMU"), Codec(8, "PCMA"), Codec(96, "OPUS", 48000, 2)
EVENT, EVENT_ELSEWHERE = Codec(101, "TELEPHONE-EVENT"), Codec(97, "TELEPHONE-EVENT")
PHONE, OURS = HostPort("10.0.0.9", 7000), HostPort("127.0.0.1", 4000)


def test_what_passes_through_keeps_its_codecs_and_gets_our_address() -> None:
    said = MediaDescription(PHONE, (OPUS, PCMA, EVENT), Direction.SENDONLY, 20, HostPort("10.0.0.9", 7001), True)
    told = media_plan.through(said, OURS)
    assert told == MediaDescription(OURS, (OPUS, PCMA, EVENT), Direction.SENDONLY, 20)


def test_what_bypasses_us_is_told_to_the_letter() -> None:
    for security in (PLAIN, Security(True, ((1, SrtpKey("AES_CM_128_HMAC_SHA1_80", bytes(30))),))):
        said = MediaDescription(PHONE, (OPUS,), security=security)
        assert media_plan.through(said, None) is said


def test_who_says_nothing_of_keys_speaks_in_the_clear_where_sound_bypasses_us() -> None:
    assert media_plan.through(MediaDescription(PHONE, (OPUS,)), None) == MediaDescription(
        PHONE, (OPUS,), security=PLAIN
    )


def test_the_keys_of_one_party_are_never_told_to_another_that_we_stand_between() -> None:
    keyed = Security(True, ((1, SrtpKey("AES_CM_128_HMAC_SHA1_80", bytes(30))),))
    assert media_plan.through(MediaDescription(PHONE, (OPUS,), security=keyed), OURS).security is None


def test_a_new_key_makes_a_new_offer_only_where_sound_bypasses_us() -> None:
    keys = [Security(True, ((1, SrtpKey("AES_CM_128_HMAC_SHA1_80", bytes(30 * [n]))),)) for n in (1, 2)]
    before, after = (MediaDescription(PHONE, (PCMU,), security=security) for security in keys)
    leg = Leg(LegId("c.1"), None, None)
    leg.local = before
    assert media_plan.understood(leg, before)
    assert not media_plan.understood(leg, after)
    leg.local, leg.address = media_plan.through(before, OURS), OURS
    assert media_plan.understood(leg, after)


def test_our_answer_speaks_the_offers_first_codec_that_we_know_under_its_payload_types() -> None:
    offer = MediaDescription(PHONE, (OPUS, PCMU, PCMA, EVENT_ELSEWHERE))
    answer = media_plan.answer(offer, (PCMA, PCMU, EVENT), OURS)
    assert answer == MediaDescription(OURS, (PCMU, EVENT_ELSEWHERE), ptime=20)


def test_our_answer_to_a_hold_only_listens() -> None:
    offer = MediaDescription(PHONE, (PCMA,), Direction.SENDONLY)
    answer = media_plan.answer(offer, (PCMA,), OURS)
    assert answer is not None and answer.direction is Direction.RECVONLY


def test_digits_alone_are_no_common_codec() -> None:
    assert media_plan.answer(MediaDescription(PHONE, (OPUS, EVENT)), (PCMA, EVENT), OURS) is None


def test_same_speech_looks_at_the_first_codec_only() -> None:
    assert media_plan.same_speech(MediaDescription(PHONE, (PCMA, EVENT)), MediaDescription(OURS, (PCMA, PCMU)))
    assert not media_plan.same_speech(MediaDescription(PHONE, (PCMU, PCMA)), MediaDescription(OURS, (PCMA, PCMU)))

"""The media doctor: each trouble named, and none invented."""

from typing import Any

import pytest

from softswitch.calls.clues import clues
from softswitch.calls.leg import Leg, LegState
from softswitch.calls.signals import Ended
from softswitch.events import MediaFigures, TraceLine, Trouble
from softswitch.features.quality.model import KINDS, Suspect, diagnose
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec, Direction, MediaDescription

OURS, THEIRS = HostPort("203.0.113.1", 20000), HostPort("198.51.100.7", 4000)
PCMU, EVENTS = Codec(0, "PCMU"), Codec(101, "TELEPHONE-EVENT")
WELL = MediaFigures(
    received=500, sent=500, jitter_ms=1.0, first_packet_ms=5030, last_address=str(THEIRS), payload_types=(0,)
)
HUNG_UP = Ended(Cause.NORMAL_CLEARING, by_party=True)
CLEARED = Ended(Cause.NORMAL_CLEARING, by_party=False)
ACKED = [TraceLine(0, LegId("call.1"), "in", "ACK")]


def make_leg(number: int = 1, **changes: Any) -> Leg:
    leg = Leg(LegId(f"call.{number}"), Destination("account", "1002") if number > 1 else None, OURS)
    leg.state, leg.inbound = LegState.UP, number == 1
    leg.local = MediaDescription(OURS, (PCMU, EVENTS))
    leg.remote = MediaDescription(THEIRS, (PCMU, EVENTS))
    for name, value in changes.items():
        setattr(leg, name, value)
    return leg


def said(
    leg: Leg,
    figures: MediaFigures | None = WELL,
    ended: Ended = HUNG_UP,
    *,
    talked_ms: int = 10_000,
    others: tuple[Leg, ...] = (),
    ladder: list[TraceLine] = ACKED,
) -> dict[str, str]:
    """Kind and sentence of what is found."""
    found = clues(leg, others, ended, figures, talked_ms, 5000 + talked_ms)
    if found is None:
        return {}
    troubles = diagnose([Suspect(leg.id, found, ended.cause, ended.status, ended.by_party, figures)], ladder)
    assert all(isinstance(trouble, Trouble) and trouble.leg == leg.id for trouble in troubles)
    return {trouble.kind: trouble.sentence for trouble in troubles}


def with_figures(**changes: Any) -> MediaFigures:
    return MediaFigures(**{name: getattr(WELL, name) for name in WELL.__struct_fields__} | changes)


SILENT = with_figures(received=0, first_packet_ms=None, last_address="", payload_types=())
TIMED_OUT = Ended(Cause.RECOVERY_ON_TIMER_EXPIRY, by_party=False, status=408)


def at(host: str, *codecs: Codec, direction: Direction = Direction.SENDRECV) -> MediaDescription:
    return MediaDescription(HostPort(host, 4000), codecs or (PCMU, EVENTS), direction)


FAULTS: dict[str, tuple[dict[str, str], str]] = {
    "no_ack": (said(make_leg(), ended=TIMED_OUT, ladder=[]), "no ACK came for our 200 OK to its INVITE"),
    "refresh_failed": (said(make_leg(), ended=TIMED_OUT), "Session-Expires"),
    "srtp_against_rtp": (
        said(
            make_leg(
                unfit="its SDP offers only RTP/SAVP (SRTP), and this switch was to speak plain RTP (RTP/AVP) with it",
                remote=None,
            ),
            None,
            Ended(Cause.INCOMPATIBLE_DESTINATION, by_party=False, status=488),
            talked_ms=0,
        ),
        "offers only RTP/SAVP (SRTP)",
    ),
    "srtp_key": (
        said(make_leg(), with_figures(received=0, forged=400, first_packet_ms=None, last_address="", payload_types=())),
        "400 SRTP packets from it were not under the key in its SDP",
    ),
    "no_common_codec": (
        said(make_leg(2), None, Ended(Cause.INCOMPATIBLE_DESTINATION, by_party=True, status=488), talked_ms=0),
        "refused our SDP offer (0 PCMU, 101 TELEPHONE-EVENT) with 488",
    ),
    "private_address": (said(make_leg(remote=at("192.168.1.20")), SILENT), "192.168.1.20:4000, a private address"),
    "no_rtp": (said(make_leg(2), SILENT), "not one RTP packet came from it to 203.0.113.1:20000 in 10 s"),
    "other_address": (
        said(make_leg(), with_figures(last_address="198.51.100.99:4000")),
        "its RTP came from 198.51.100.99:4000, and its SDP (the c= line) named 198.51.100.7:4000",
    ),
    "refused_payload": (said(make_leg(), with_figures(payload_types=(0, 18))), "payload type 18"),
    "dtmf_mismatch": (
        said(make_leg(), with_figures(telephone_events=12), others=(make_leg(2, remote=at("198.51.100.8", PCMU)),)),
        "telephone-events (RFC 4733), which the other party's SDP did not agree on",
    ),
    "left_on_hold": (said(make_leg(held=True), ended=CLEARED), "had put the other party on hold"),
    "only_silence": (
        said(make_leg(), with_figures(sound_percent=0.0)),
        "all that it sent was silence (500 RTP packets)",
    ),
    "unheard": (
        said(make_leg(2), with_figures(party_lost_percent=100.0)),
        "100 % of what it was sent lately never came, of 500 RTP packets in all: the way to it is cut, and only it is",
    ),
    "late_rtp": (said(make_leg(), with_figures(first_packet_ms=9500)), "4.5 s after the answer"),
    "loss": (
        said(make_leg(), with_figures(lost=100, bursts=3)),
        "100 of 600 RTP packets from it were lost (17 %), 3 times several close together",
    ),
    "jitter": (said(make_leg(), with_figures(jitter_ms=80.0)), "a jitter of 80 ms"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_is_named_and_nothing_else(kind: str) -> None:
    found, words = FAULTS[kind]
    assert list(found) == [kind]
    assert words in found[kind]
    assert found[kind].startswith(("leg 1 (the caller): ", "leg 2 (account/1002): "))


def test_sound_of_the_other_kind_than_was_agreed_is_named_both_ways() -> None:
    plain = said(make_leg(), with_figures(received=0, forged=400, mismatched=390, first_packet_ms=None))
    assert list(plain) == ["srtp_against_rtp"]
    assert "SRTP was agreed, and it sent plain RTP: 400 packets were refused" in plain["srtp_against_rtp"]
    secured = said(make_leg(), with_figures(mismatched=100))
    assert list(secured) == ["srtp_against_rtp"]
    assert "plain RTP was agreed" in secured["srtp_against_rtp"]


def test_a_talk_in_which_nobody_hears_anything_is_told_from_one_way_sound() -> None:
    silent = with_figures(received=0, first_packet_ms=None, last_address="", payload_types=(), party_lost_percent=99.0)
    found = said(make_leg(2), silent)
    assert list(found) == ["no_rtp", "unheard"] and found["unheard"].endswith("both hear nothing")


def test_a_few_forged_packets_in_a_talk_are_no_trouble() -> None:
    assert said(make_leg(), with_figures(received=500, forged=20)) == {}
    assert said(make_leg(), with_figures(received=5000, forged=60)) == {}
    assert said(make_leg(), with_figures(mismatched=3)) == {}


def test_keys_by_info_are_not_passed_on_in_a_talk() -> None:
    found = said(make_leg(informed=True), others=(make_leg(2),))
    assert "as INFO" in found["dtmf_mismatch"]
    # In a menu of our own they are understood.
    assert said(make_leg(informed=True)) == {}


HEALTHY = {
    "a talk": said(make_leg()),
    "a short call without sound": said(make_leg(), SILENT, talked_ms=1500),
    "a call nobody answered": said(make_leg(), SILENT, talked_ms=0),
    "a busy phone": said(make_leg(2), SILENT, Ended(Cause.USER_BUSY, by_party=True, status=486), talked_ms=0),
    "a phone behind a NAT that was found by its sound": said(
        make_leg(remote=at("192.168.1.20")), with_figures(last_address="198.51.100.7:31000")
    ),
    "another port of the same phone": said(make_leg(), with_figures(last_address="198.51.100.7:31000")),
    "hold and resume": said(make_leg(held=False)),
    "hung up by the one who held": said(make_leg(held=True), ended=HUNG_UP),
    "silent while on hold": said(make_leg(remote=at("198.51.100.7", direction=Direction.INACTIVE)), SILENT),
    "only listening": said(make_leg(remote=at("198.51.100.7", direction=Direction.RECVONLY)), SILENT),
    "early media, then a refusal": said(
        make_leg(2), WELL, Ended(Cause.USER_BUSY, by_party=True, status=486), talked_ms=0
    ),
    "keys that the other party takes": said(
        make_leg(), with_figures(telephone_events=9, payload_types=(0, 101)), others=(make_leg(2),)
    ),
    "keys for a menu of our own": said(make_leg(), with_figures(telephone_events=9, payload_types=(0, 101))),
    "hardly any loss": said(make_leg(), with_figures(lost=20)),
    "much of it lost on the way there": said(make_leg(), with_figures(party_lost_percent=60.0)),
    "all of a little lost on the way there": said(make_leg(), with_figures(sent=10, party_lost_percent=100.0)),
    "sound that bypasses us": said(make_leg(address=None), None),
    "both on one private network": said(
        make_leg(address=HostPort("192.168.1.1", 20000), remote=at("192.168.1.20")),
        with_figures(last_address="192.168.1.20:4000"),
    ),
    "IPv6": said(
        make_leg(address=HostPort("2001:db8::1", 20000), remote=at("2001:db8::7")),
        with_figures(last_address="[2001:db8::7]:4000"),
    ),
    "a hold by 0.0.0.0": said(make_leg(remote=at("0.0.0.0", direction=Direction.SENDONLY)), WELL),
}


@pytest.mark.parametrize("what", HEALTHY)
def test_nothing_is_invented(what: str) -> None:
    assert HEALTHY[what] == {}


def test_a_leg_that_is_well_leaves_no_evidence() -> None:
    assert clues(make_leg(), (), HUNG_UP, WELL, 10_000, 15_000) is None

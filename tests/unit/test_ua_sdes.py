"""Keys in descriptions (SDES, RFC 4568), as stories of both kinds of leg and all policies."""

import base64
import re

import pytest

from gateways._native import SessionDescription
from gateways.sip.ua.settings import UserAgentSettings
from softswitch.calls.signals import (
    AcceptOffer,
    Answer,
    Answered,
    Confirm,
    Confirmed,
    HangUp,
    Invitation,
    Offer,
    OfferAnswered,
    Offered,
    Progressed,
    Ring,
    Target,
)
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.media import PLAIN, MediaDescription, Srtp, SrtpKey
from tests.support.ua_story import CALLER, LEG, OURS, US, Story

KEY = bytes(range(30))
INLINE = base64.b64encode(KEY).decode()
OTHER_KEY = bytes(range(100, 130))
CRYPTO = f"a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:{INLINE}|2^31"
IN_CLEAR = UserAgentSettings(host=US.host, srtp_keys_in_clear=True)


def described(*streams: str, version: int = 1) -> str:
    """A peer's description; a stream is `PROTOCOL` or `PROTOCOL a=…`."""
    lines = ["v=0", f"o=peer 1 {version} IN IP4 192.0.2.9", "s=-", "c=IN IP4 192.0.2.9", "t=0 0"]
    for number, stream in enumerate(streams):
        protocol, _, attributes = stream.partition(" ")
        lines += [f"m=audio {30000 + 2 * number} {protocol} 0 8", *filter(None, attributes.split("\n"))]
    return "\r\n".join(lines) + "\r\n"


def plain() -> str:
    return described("RTP/AVP")


def secure(attributes: str = CRYPTO, version: int = 1) -> str:
    return described(f"RTP/SAVP {attributes}", version=version)


def optional(attributes: str = CRYPTO) -> str:
    return described(f"RTP/AVP {attributes}")


def protocol_of(body: bytes) -> str:
    ((_, _, protocol),) = [media for media in SessionDescription.parse(body).media if media[1]]
    return protocol


def ways_of(body: bytes) -> list[tuple[int, str, bytes]]:
    read = SessionDescription.parse(body)
    audio = read.secure_audio or read.audio
    assert audio is not None
    return [(tag, suite, key) for tag, suite, key, _ in audio.crypto]


def called(policy: Srtp, body: str, settings: UserAgentSettings = IN_CLEAR) -> Story:
    story = Story(settings)
    story.accounts.srtp = policy
    story.calls(body)
    return story


def offered_media(story: Story) -> MediaDescription:
    (asked,) = story.switch.incoming_calls
    assert asked.offer is not None, asked.unfit
    return asked.offer


# Legs that call us ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [Srtp.OPTIONAL, Srtp.PREFERRED, Srtp.REQUIRED])
@pytest.mark.parametrize(("offer", "protocol"), [(secure(), "RTP/SAVP"), (optional(), "RTP/AVP")])
def test_srtp_that_is_offered_is_taken_under_its_tag_and_profile(policy: Srtp, offer: str, protocol: str) -> None:
    story = called(policy, offer)
    security = offered_media(story).security
    assert security is not None and security.ours is not None
    assert security.theirs == SrtpKey("AES_CM_128_HMAC_SHA1_80", KEY)
    story.commands(Ring(OURS), CALLER)
    early = story.only_response(183)
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    assert protocol_of(answer.body) == protocol
    assert ways_of(answer.body) == [(4, "AES_CM_128_HMAC_SHA1_80", security.ours.key)] == ways_of(early.body)
    assert security.ours.key != KEY


def test_two_callers_are_given_two_keys() -> None:
    story = called(Srtp.OPTIONAL, secure())
    story.calls(secure(), call_id="c2@peer", cseq=5)
    first, second = (asked.offer.security for asked in story.switch.incoming_calls if asked.offer is not None)
    assert first is not None and second is not None
    assert first.ours != second.ours


def test_plain_sound_is_taken_where_srtp_is_not_required() -> None:
    for policy in (Srtp.OPTIONAL, Srtp.PREFERRED):
        story = called(policy, plain())
        assert offered_media(story).security == PLAIN
        story.commands(Answer(OURS), CALLER)
        answer = story.only_response(200)
        assert (protocol_of(answer.body), ways_of(answer.body)) == ("RTP/AVP", [])


@pytest.mark.parametrize(
    ("policy", "offer", "why"),
    [
        (Srtp.OFF, secure(), "only RTP/SAVP (SRTP), and this switch was to speak plain RTP"),
        (Srtp.REQUIRED, plain(), "only plain RTP (RTP/AVP), and SRTP is required"),
        (Srtp.REQUIRED, optional("a=crypto:1 F8_128_HMAC_SHA1_80 inline:x"), "only plain RTP"),
        (Srtp.OPTIONAL, secure("a=crypto:1 F8_128_HMAC_SHA1_80 inline:x"), "no a=crypto line"),
    ],
)
def test_what_cannot_be_agreed_is_refused_with_488_and_the_reason(policy: Srtp, offer: str, why: str) -> None:
    story = called(policy, offer)
    (asked,) = story.switch.incoming_calls
    assert asked.offer is None
    assert why in asked.unfit
    story.commands(HangUp(Cause.INCOMPATIBLE_DESTINATION), CALLER)
    warning = story.only_response(488).header("Warning") or ""
    assert warning.startswith("302 192.0.2.1 ")
    assert why in warning


def test_required_keys_do_not_go_over_unencrypted_signalling() -> None:
    story = called(Srtp.REQUIRED, secure(), UserAgentSettings(host=US.host))
    (asked,) = story.switch.incoming_calls
    assert "over UDP would carry the keys in the clear" in asked.unfit
    assert asked.offer is None
    for policy in (Srtp.OPTIONAL, Srtp.PREFERRED):
        assert offered_media(called(policy, secure(), UserAgentSettings(host=US.host))).security is not None


def test_of_a_stream_offered_twice_the_protected_one_is_taken_and_the_other_refused() -> None:
    story = called(Srtp.OPTIONAL, described("RTP/AVP", f"RTP/SAVP {CRYPTO}"))
    assert offered_media(story).address == HostPort("192.0.2.9", 30002)
    story.commands(Answer(OURS), CALLER)
    media = SessionDescription.parse(story.only_response(200).body).media
    assert [(port != 0, protocol) for _, port, protocol in media] == [(False, "RTP/AVP"), (True, "RTP/SAVP")]
    off = called(Srtp.OFF, described(f"RTP/SAVP {CRYPTO}", "RTP/AVP"))
    assert offered_media(off).address == HostPort("192.0.2.9", 30002)
    off.commands(Answer(OURS), CALLER)
    media = SessionDescription.parse(off.only_response(200).body).media
    assert [(port != 0, protocol) for _, port, protocol in media] == [(False, "RTP/SAVP"), (True, "RTP/AVP")]


def test_with_srtp_off_the_ways_beside_plain_sound_are_passed_over() -> None:
    story = called(Srtp.OFF, optional())
    assert offered_media(story).security is None
    story.commands(Answer(OURS), CALLER)
    assert b"crypto" not in story.only_response(200).body


@pytest.mark.parametrize(
    ("policy", "protocol", "ways"),
    [(Srtp.OPTIONAL, "RTP/AVP", 0), (Srtp.PREFERRED, "RTP/AVP", 3), (Srtp.REQUIRED, "RTP/SAVP", 3)],
)
def test_a_caller_without_offer_is_offered_what_the_policy_says(policy: Srtp, protocol: str, ways: int) -> None:
    story = called(policy, "")
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    assert protocol_of(answer.body) == protocol
    said = ways_of(answer.body)
    assert [tag for tag, _, _ in said] == list(range(1, ways + 1))
    if not said:
        return
    tag, suite, ours = said[-1]
    theirs = f"a=crypto:{tag} {suite} inline:{INLINE}"
    story.in_call("ACK", answer, 1, body=described(f"{protocol} {theirs}"))
    (confirmed,) = [signal for signal in story.told if isinstance(signal, Confirmed)]
    assert confirmed.media is not None and confirmed.media.security is not None
    assert confirmed.media.security.theirs == SrtpKey(suite, KEY)
    assert confirmed.media.security.ours == SrtpKey(suite, ours)


# Legs that we call ----------------------------------------------------------------------------------------


def reply(invite_body: bytes, protocol: str, place: int = -1) -> str:
    tag, suite, _ = ways_of(invite_body)[place]
    key = base64.b64encode(KEY[: 28 if "GCM" in suite else 30] if "256" not in suite else bytes(46)).decode()
    return described(f"{protocol} a=crypto:{tag} {suite} inline:{key}")


@pytest.mark.parametrize(("policy", "protocol"), [(Srtp.PREFERRED, "RTP/AVP"), (Srtp.REQUIRED, "RTP/SAVP")])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_party_is_offered_several_ways_and_takes_one(policy: Srtp, protocol: str, place: int) -> None:
    story = Story(IN_CLEAR)
    invite = story.dials(srtp=policy)
    assert protocol_of(invite.body) == protocol
    ways = ways_of(invite.body)
    assert len({key for _, _, key in ways}) == 3
    story.replies(invite, 200, body=reply(invite.body, protocol, place))
    (answered,) = [signal for signal in story.told if isinstance(signal, Answered)]
    assert answered.media is not None and answered.media.security is not None
    security = answered.media.security
    assert security.ours is not None and security.theirs is not None
    assert (security.ours.suite, security.ours.key) == ways[place][1:]
    assert security.theirs.suite == ways[place][1]


def test_optional_srtp_is_not_offered() -> None:
    invite = Story().dials(srtp=Srtp.OPTIONAL)
    assert (protocol_of(invite.body), ways_of(invite.body)) == ("RTP/AVP", [])


def test_a_party_that_prefers_plain_sound_has_it_unless_srtp_is_required() -> None:
    story = Story(IN_CLEAR)
    invite = story.dials(srtp=Srtp.PREFERRED)
    story.replies(invite, 200, body=plain())
    (answered,) = [signal for signal in story.told if isinstance(signal, Answered)]
    assert answered.media is not None and answered.media.security == PLAIN

    story = Story(IN_CLEAR)
    invite = story.dials(srtp=Srtp.REQUIRED)
    story.replies(invite, 200, body=plain())
    assert story.lines() == ["ACK", "BYE"]
    assert story.ended[0].cause is Cause.PROTOCOL_ERROR


def test_an_answer_by_a_way_that_was_not_offered_is_none() -> None:
    story = Story(IN_CLEAR)
    invite = story.dials(srtp=Srtp.REQUIRED)
    wrong = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{INLINE}"  # tag 1 is another suite of ours
    story.replies(invite, 200, body=secure(wrong))
    assert story.lines() == ["ACK", "BYE"]


def test_each_branch_of_a_fork_has_its_own_keys() -> None:
    story = Story(IN_CLEAR)
    invite = story.dials(srtp=Srtp.PREFERRED)
    tag, suite, _ = ways_of(invite.body)[-1]
    for name, key in (("f1", KEY), ("f2", OTHER_KEY)):
        line = f"a=crypto:{tag} {suite} inline:{base64.b64encode(key).decode()}"
        story.replies(invite, 183, tag=name, body=described(f"RTP/AVP {line}"))
    heard = [signal.media.security for signal in story.told if isinstance(signal, Progressed) and signal.media]
    assert [security.theirs.key for security in heard if security and security.theirs] == [KEY, OTHER_KEY]
    assert len({security.ours for security in heard if security}) == 1


def test_no_invite_with_required_keys_goes_over_unencrypted_signalling() -> None:
    story = Story()
    target = Target("sip:1002@192.0.2.9:5060")
    story.agent.dial(LEG, Invitation(target, Party("1001"), Party("1002"), OURS, srtp=Srtp.REQUIRED), story.now)
    story.settle()
    assert story.lines() == []
    (ended,) = story.ended
    assert (ended.cause, ended.status) == (Cause.INCOMPATIBLE_DESTINATION, 488)
    assert any("SRTP is required" in line for line in story.switch.ladder)


def test_who_is_asked_for_an_offer_is_answered_by_its_way() -> None:
    story = Story(IN_CLEAR)
    invite = story.dials(None, srtp=Srtp.REQUIRED)
    story.replies(invite, 200, body=secure())
    (answered,) = [signal for signal in story.told if isinstance(signal, Answered)]
    assert answered.media is not None and answered.media.security is not None
    story.said()
    story.commands(Confirm(OURS))
    ack = story.only_request("ACK")
    assert answered.media.security.ours is not None
    assert ways_of(ack.body) == [(4, "AES_CM_128_HMAC_SHA1_80", answered.media.security.ours.key)]


# Later offers ---------------------------------------------------------------------------------------------


def talking(policy: Srtp = Srtp.OPTIONAL, offer: str = "") -> tuple[Story, MediaDescription]:
    """A caller with SRTP, established."""
    story = called(policy, offer or secure())
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    story.in_call("ACK", answer, 1)
    story.answer = answer  # type: ignore[attr-defined]
    return story, offered_media(story)


def test_the_same_again_is_a_refresh_with_the_same_key() -> None:
    story, before = talking()
    answer = story.answer  # type: ignore[attr-defined]
    story.in_call("INVITE", answer, 2, body=secure())
    again = story.only_response(200)
    assert not any(isinstance(signal, Offered) for signal in story.told)
    assert again.body == answer.body
    assert before.security is not None and before.security.ours is not None


def test_a_new_key_of_theirs_is_an_offer_and_ours_stays() -> None:
    story, before = talking()
    answer = story.answer  # type: ignore[attr-defined]
    changed = CRYPTO.replace(INLINE, base64.b64encode(OTHER_KEY).decode())
    story.in_call("INVITE", answer, 2, body=secure(changed, 2))
    (offered,) = [signal for signal in story.told if isinstance(signal, Offered)]
    assert offered.media is not None and offered.media.security is not None and before.security is not None
    assert offered.media.security.theirs == SrtpKey("AES_CM_128_HMAC_SHA1_80", OTHER_KEY)
    assert offered.media.security.ours == before.security.ours
    story.commands(AcceptOffer(OURS), CALLER)
    assert ways_of(story.only_response(200).body) == ways_of(answer.body)


def test_our_later_offers_keep_what_was_agreed() -> None:
    for offer, protocol in ((secure(), "RTP/SAVP"), (optional(), "RTP/AVP")):
        story, before = talking(Srtp.OPTIONAL, offer)
        story.commands(Offer(OURS), CALLER)
        invite = story.only_request("INVITE")
        assert protocol_of(invite.body) == protocol
        ways = {suite: key for _, suite, key in ways_of(invite.body)}
        assert before.security is not None and before.security.ours is not None
        assert ways["AES_CM_128_HMAC_SHA1_80"] == before.security.ours.key
        story.replies(invite, 200, body=reply(invite.body, protocol))
        (answered,) = [signal for signal in story.told if isinstance(signal, OfferAnswered)]
        assert answered.media is not None and answered.media.security is not None
        assert answered.media.security.ours == before.security.ours


def test_who_must_have_srtp_cannot_leave_it_later() -> None:
    story, _ = talking(Srtp.REQUIRED)
    story.in_call("INVITE", story.answer, 2, body=plain())  # type: ignore[attr-defined]
    assert story.lines() == ["488 INVITE"]


# Bypass ---------------------------------------------------------------------------------------------------


def test_where_sound_bypasses_us_the_keys_of_the_parties_go_through() -> None:
    caller = called(Srtp.OPTIONAL, secure(f"a=crypto:9 AES_CM_128_HMAC_SHA1_32 inline:{INLINE}|5:2"))
    theirs = offered_media(caller)
    callee = Story(IN_CLEAR)
    invite = callee.dials(theirs, srtp=Srtp.OPTIONAL)
    assert protocol_of(invite.body) == "RTP/SAVP"
    assert f"a=crypto:9 AES_CM_128_HMAC_SHA1_32 inline:{INLINE}|5:2".encode() in invite.body
    line = f"a=crypto:9 AES_CM_128_HMAC_SHA1_32 inline:{base64.b64encode(OTHER_KEY).decode()}"
    callee.replies(invite, 200, body=secure(line))
    (answered,) = [signal for signal in callee.told if isinstance(signal, Answered)]
    assert answered.media is not None
    caller.commands(Answer(answered.media), CALLER)
    assert line.encode() in caller.only_response(200).body


def test_in_bypass_a_policy_is_kept_by_refusing() -> None:
    protected = offered_media(called(Srtp.OPTIONAL, secure()))
    in_clear = offered_media(called(Srtp.OPTIONAL, plain()))
    for offer, policy in ((protected, Srtp.OFF), (in_clear, Srtp.REQUIRED)):
        story = Story(IN_CLEAR)
        target = Target("sip:1002@192.0.2.9:5060")
        story.agent.dial(LEG, Invitation(target, Party("1001"), Party("1002"), offer, srtp=policy), story.now)
        story.settle()
        assert story.lines() == []
        assert story.ended[0].status == 488


# Secrets --------------------------------------------------------------------------------------------------


def test_no_key_is_in_a_ladder_a_repr_or_an_error() -> None:
    story = called(Srtp.OPTIONAL, secure())
    story.commands(Answer(OURS), CALLER)
    answer = story.only_response(200)
    story.in_call("ACK", answer, 1)
    story.in_call("INVITE", answer, 2, body=secure(CRYPTO + "\0"))
    refused = story.only_response(400)
    ours = re.findall(rb"inline:(\S+)", answer.body)[0].decode()
    seen = repr(story.switch.incoming_calls) + repr(story.told) + repr(story.switch.ladder) + repr(refused.raw)
    for secret in (INLINE, ours, repr(KEY), KEY.hex()):
        assert secret not in seen
    assert "SrtpKey('AES_CM_128_HMAC_SHA1_80')" in seen

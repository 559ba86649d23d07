"""From the evidence of a call to sentences: pure.

A sentence is said only where the evidence leaves no other reading: a phone behind a NAT whose private address was
overcome by latching is well, and so is one that was silent because it was on hold.
"""

import ipaddress
from collections.abc import Callable, Sequence

from msgspec import Struct

from softswitch.calls.clues import ENOUGH, JITTER_MS, LATE_MS, LOST_PART, SILENT_PACKETS, SPOKEN_MS, UNHEARD_PERCENT
from softswitch.events import LegClues, MediaFigures, TraceLine, Trouble
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId

_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
        "fc00::/7", "fe80::/10", "::1/128",
    )
)  # fmt: skip


class Suspect(Struct, frozen=True):
    """A leg that is looked at."""

    leg: LegId
    clues: LegClues
    cause: Cause | None = None
    """How it ended; None: it has not."""
    status: int | None = None
    by_party: bool = False
    figures: MediaFigures | None = None


def diagnose(suspects: Sequence[Suspect], ladder: Sequence[TraceLine]) -> tuple[Trouble, ...]:
    """What went wrong in a call: each kind at most once for each leg, the leg that called first."""
    return tuple(
        Trouble(kind, suspect.leg, f"{_label(suspect)}: {sentence}")
        for suspect in suspects
        for kind, examine in _EXAMINATIONS.items()
        if (sentence := examine(suspect, ladder)) is not None
    )


def _label(suspect: Suspect) -> str:
    number = suspect.leg.rpartition(".")[2]
    return f"leg {number} ({suspect.clues.name})"


# Signalling -----------------------------------------------------------------------------------------------


def _no_ack(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    if not _timed_out(suspect) or not suspect.clues.called_us or _was_acknowledged(suspect, ladder):
        return None
    return (
        "no ACK came for our 200 OK to its INVITE, so the call was ended after 32 s; the ACK goes to the address in our"
        " Contact: look at what stands between (a NAT, a proxy that does not record its route)"
    )


def _refresh_failed(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    if suspect.clues.called_us and _timed_out(suspect) and not _was_acknowledged(suspect, ladder):
        return None
    if suspect.clues.talked_ms == 0 or (suspect.by_party and suspect.status is None):
        return None
    if _timed_out(suspect):
        return (
            "its session was not refreshed in time (Session-Expires, RFC 4028): no re-INVITE or UPDATE came through, or"
            " ours was not answered"
        )
    if suspect.status in (408, 481):
        return f"it answered a request inside the call with {suspect.status}: for it the call had ended already"
    return None


def _timed_out(suspect: Suspect) -> bool:
    return suspect.cause is Cause.RECOVERY_ON_TIMER_EXPIRY and not suspect.by_party and suspect.clues.talked_ms > 0


def _was_acknowledged(suspect: Suspect, ladder: Sequence[TraceLine]) -> bool:
    return any(line.leg == suspect.leg and line.direction == "in" and line.what.startswith("ACK") for line in ladder)


def _srtp_against_rtp(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    if "SRTP" in suspect.clues.unfit:
        return suspect.clues.unfit
    figures = suspect.figures
    if figures is None or not suspect.clues.talked_ms:
        return None
    if _refused_by_key(suspect) and figures.mismatched * 2 > figures.forged:
        return f"SRTP was agreed, and it sent plain RTP: {figures.forged} packets were refused"
    if not figures.forged and figures.mismatched >= ENOUGH:
        return "plain RTP was agreed (no key in its SDP), and it sent SRTP: what it said was heard as noise"
    return None


def _srtp_key(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    figures = suspect.figures
    if figures is None or not _refused_by_key(suspect) or figures.mismatched * 2 > figures.forged:
        return None
    return (
        f"{figures.forged} SRTP packets from it were not under the key in its SDP (a=crypto) and were refused,"
        f" {figures.received} were: it has changed its key without saying so, or something on the way changed the SDP"
    )


def _refused_by_key(suspect: Suspect) -> bool:
    """Whether so many packets were refused for their tags that it can be heard."""
    figures = suspect.figures
    return (
        figures is not None
        and suspect.clues.talked_ms > 0
        and figures.forged >= ENOUGH
        and figures.forged * LOST_PART > figures.received
    )


def _no_common_codec(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    clues = suspect.clues
    if clues.unfit or clues.talked_ms:
        return None
    if suspect.status not in (415, 488, 606) and suspect.cause is not Cause.INCOMPATIBLE_DESTINATION:
        return None
    theirs, ours = ", ".join(clues.their_codecs), ", ".join(clues.our_codecs)
    if suspect.clues.called_us:
        return f"no codec of its SDP offer ({theirs or 'none'}) was taken at the other end"
    said = f" with {suspect.status}" if suspect.status is not None else ""
    return f"it refused our SDP offer ({ours or theirs or 'none'}){said}: there is no codec in common"


# Sound ----------------------------------------------------------------------------------------------------


def _private_address(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    clues = suspect.clues
    if not _is_silent(suspect) or not _is_elsewhere(clues):
        return None
    return (
        f"its SDP (the c= line) names {clues.theirs}, a private address that cannot be reached from {clues.ours}, and"
        " no RTP came from it by which it could be found: it is behind a NAT"
    )


def _no_rtp(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    clues = suspect.clues
    if not _is_silent(suspect) or _is_elsewhere(clues):
        return None
    return (
        f"not one RTP packet came from it to {clues.ours} in {clues.talked_ms / 1000:.0f} s; its SDP said that it would"
        f" speak from {clues.theirs}: look for a firewall on the way, or at the phone"
    )


def _other_address(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    clues, figures = suspect.clues, suspect.figures
    if figures is None or figures.received < ENOUGH or not clues.talked_ms or _is_elsewhere(clues):
        return None
    came, said = _host(figures.last_address), _host(clues.theirs)
    if came == said or said in ("0.0.0.0", "::", ""):
        return None
    return f"its RTP came from {figures.last_address}, and its SDP (the c= line) named {clues.theirs}"


def _refused_payload(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    clues, figures = suspect.clues, suspect.figures
    if figures is None or not clues.talked_ms:
        return None
    agreed = {int(codec.partition(" ")[0]) for codec in (*clues.our_codecs, *clues.their_codecs)}
    odd = [str(payload_type) for payload_type in figures.payload_types if payload_type not in agreed]
    if not odd:
        return None
    return (
        f"it sent RTP of payload type {', '.join(odd)}, which the SDP did not agree on (agreed:"
        f" {', '.join(clues.our_codecs) or 'none'})"
    )


def _dtmf_mismatch(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    clues, figures = suspect.clues, suspect.figures
    if clues.other_hears_keys is None:
        return None
    if clues.keys_by_info:
        return (
            "it sends keys (DTMF) as INFO, which is not passed on to the other party: that hears"
            f" {'telephone-events' if clues.other_hears_keys else 'only sound'}; set the phone to RFC 4733"
        )
    if figures is not None and figures.telephone_events and not clues.other_hears_keys:
        return (
            "it sends keys (DTMF) as telephone-events (RFC 4733), which the other party's SDP did not agree on: the"
            " keys were not heard there"
        )
    return None


def _held(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    if not suspect.clues.left_on_hold or suspect.by_party or suspect.cause is None:
        return None
    return (
        "it had put the other party on hold (a=sendonly or a=inactive) and never took it back: the other heard nothing"
        " and hung up"
    )


def _late_rtp(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    clues, figures = suspect.clues, suspect.figures
    if figures is None or figures.first_packet_ms is None or not clues.talked_ms or not clues.sends:
        return None
    late = figures.first_packet_ms - clues.answered_after_ms
    if late <= LATE_MS:
        return None
    return f"its first RTP packet came {late / 1000:.1f} s after the answer: until then nobody heard it"


def _loss(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    figures = _enough(suspect)
    if figures is None or figures.lost * LOST_PART <= figures.received + figures.lost:
        return None
    part = 100 * figures.lost / (figures.received + figures.lost)
    how = f", {figures.bursts} times several close together" if figures.bursts else ""
    return f"{figures.lost} of {figures.received + figures.lost} RTP packets from it were lost ({part:.0f} %){how}"


def _jitter(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    figures = _enough(suspect)
    if figures is None or figures.jitter_ms <= JITTER_MS:
        return None
    return f"its RTP packets came unevenly: a jitter of {figures.jitter_ms:.0f} ms"


def _only_silence(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    figures = _enough(suspect)
    if figures is None or figures.sound_percent != 0.0 or figures.received < SILENT_PACKETS:
        return None
    return (
        f"all that it sent was silence ({figures.received} RTP packets): its microphone is muted, or is not the one"
        " that is spoken into"
    )


def _unheard(suspect: Suspect, ladder: Sequence[TraceLine]) -> str | None:
    figures = suspect.figures
    if figures is None or figures.sent < ENOUGH or not suspect.clues.talked_ms:
        return None
    lost = figures.party_lost_percent
    if lost is None or lost < UNHEARD_PERCENT:
        return None
    return (
        f"its RTCP reports that {lost:.0f} % of what it was sent lately never came, of {figures.sent} RTP packets in"
        f" all: the way to it is cut, and {'both hear nothing' if _is_silent(suspect) else 'only it is heard'}"
    )


def _enough(suspect: Suspect) -> MediaFigures | None:
    figures = suspect.figures
    return figures if figures is not None and figures.received >= ENOUGH and suspect.clues.talked_ms else None


def _is_silent(suspect: Suspect) -> bool:
    """Whether nothing came from a party that should have spoken."""
    clues = suspect.clues
    return (
        suspect.figures is not None
        and suspect.figures.received == suspect.figures.forged == 0
        and clues.talked_ms >= SPOKEN_MS
        and clues.sends
        and clues.we_receive
        and not clues.left_on_hold
    )


def _is_elsewhere(clues: LegClues) -> bool:
    """Whether a party's address means something only in a network that ours is not in."""
    theirs = _network(_host(clues.theirs))
    return theirs is not None and theirs is not _network(_host(clues.ours))


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


def _network(host: str) -> object | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return next((network for network in _NETWORKS if address in network), None)


_EXAMINATIONS: dict[str, Callable[[Suspect, Sequence[TraceLine]], str | None]] = {
    "no_ack": _no_ack,
    "refresh_failed": _refresh_failed,
    "srtp_against_rtp": _srtp_against_rtp,
    "srtp_key": _srtp_key,
    "no_common_codec": _no_common_codec,
    "private_address": _private_address,
    "no_rtp": _no_rtp,
    "other_address": _other_address,
    "refused_payload": _refused_payload,
    "dtmf_mismatch": _dtmf_mismatch,
    "left_on_hold": _held,
    "only_silence": _only_silence,
    "unheard": _unheard,
    "late_rtp": _late_rtp,
    "loss": _loss,
    "jitter": _jitter,
}
KINDS = tuple(_EXAMINATIONS)
"""The names of all troubles, as metrics and the API know them."""

"""What about a leg is out of the ordinary: a few comparisons for a leg that is well, and the evidence for one that is
not. What the evidence means is said by the feature `quality`."""

from collections.abc import Iterable

from softswitch.calls.leg import Leg
from softswitch.calls.signals import Ended
from softswitch.events import LegClues, MediaFigures
from softswitch.kernel.cause import Cause
from softswitch.kernel.media import MediaDescription

SPOKEN_MS = 2000
"""A party that has said nothing for so long after the answer is not heard; in a shorter talk nobody can tell."""
LATE_MS = 3000
"""A first packet that comes so long after the answer is late."""
JITTER_MS = 50.0
LOST_PART = 20
"""One packet in so many lost can be heard."""
SILENT_PACKETS = 500
"""Ten seconds of packets with not one louder than silence: no room is as quiet as that before a microphone."""
UNHEARD_PERCENT = 95.0
"""A party that reports so much of what it was sent as lost does not hear the other."""
ENOUGH = 50
"""Packets of which a part can be taken."""
_TELLING_STATUS = frozenset({408, 415, 481, 488, 606})
_TELLING_CAUSE = frozenset({Cause.RECOVERY_ON_TIMER_EXPIRY, Cause.INCOMPATIBLE_DESTINATION})


def clues(
    leg: Leg,
    others: Iterable[Leg],
    ended: Ended | None,
    figures: MediaFigures | None,
    talked_ms: int,
    opened_ms: int,
) -> LegClues | None:
    """The evidence; None: there is nothing to look at.

    `others` are the other legs of the call, also those that have ended. `ended` is None while the leg is up.
    `talked_ms`: since it was answered, 0 without an answer; `opened_ms`: since its port was opened.
    """
    if not (
        (
            ended is not None
            and (ended.status in _TELLING_STATUS or ended.cause in _TELLING_CAUSE or (leg.held and not ended.by_party))
        )
        or leg.informed
        or leg.unfit
        or (talked_ms >= SPOKEN_MS and figures is not None and _sounds_odd(leg, figures, opened_ms - talked_ms))
    ):
        return None
    local, remote = leg.local, leg.remote
    hears_keys = [_hears_keys(other.remote) for other in others if other.remote is not None]
    return LegClues(
        name=str(leg.destination) if leg.destination is not None else "the caller",
        called_us=leg.inbound,
        talked_ms=talked_ms,
        answered_after_ms=opened_ms - talked_ms,
        ours=str(leg.address) if leg.address is not None else "",
        theirs=str(remote.address) if remote is not None else "",
        our_codecs=_codecs(local),
        their_codecs=_codecs(remote),
        sends=remote is None or remote.direction.sends,
        we_receive=local is None or local.direction.receives,
        left_on_hold=leg.held,
        keys_by_info=leg.informed,
        other_hears_keys=any(hears_keys) if hears_keys else None,
        unfit=leg.unfit,
    )


def _sounds_odd(leg: Leg, figures: MediaFigures, answered_after_ms: int) -> bool:
    remote = leg.remote
    if remote is None:
        return False
    if figures.received == 0 or figures.telephone_events or figures.forged or figures.mismatched:
        return True
    agreed = leg.local.codecs if leg.local is not None else ()
    return (
        not figures.last_address.startswith(remote.address.host)
        or figures.lost * LOST_PART > figures.received + figures.lost
        or figures.jitter_ms > JITTER_MS
        or (figures.sound_percent == 0.0 and figures.received >= SILENT_PACKETS)
        or (figures.party_lost_percent or 0.0) >= UNHEARD_PERCENT
        or (figures.first_packet_ms or 0) - answered_after_ms > LATE_MS
        or not set(figures.payload_types) <= {codec.payload_type for codec in (*agreed, *remote.codecs)}
    )


def _hears_keys(description: MediaDescription | None) -> bool:
    return description is not None and any(codec.name == "TELEPHONE-EVENT" for codec in description.codecs)


def _codecs(description: MediaDescription | None) -> tuple[str, ...]:
    if description is None:
        return ()
    return tuple(f"{codec.payload_type} {codec.name}" for codec in description.codecs)

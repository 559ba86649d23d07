"""How good a connection was, by the E-model of ITU-T G.107 cut down to what a phone can measure: loss and delay."""

from msgspec import Struct

BEST_R = 93.2
"""R of an undisturbed narrow-band connection with G.107's default values."""
G711_LOSS_ROBUSTNESS = 25.1
"""Bpl of G.711 with packet loss concealment (G.113 appendix I)."""
PACKET_MS = 20.0


class Quality(Struct, frozen=True):
    """One call's received sound."""

    packets: int
    lost: int
    loss_percent: float
    jitter_ms: float
    """The mean of RFC 3550's interarrival jitter."""
    round_trip_ms: float | None
    """From RTCP; None when no report told it."""
    mos: float | None
    """Estimated listening quality, 1 to 4.4; None when nothing arrived."""


def judge(packets: int, lost: int, jitter_ms: float, round_trip_ms: float | None, buffer_ms: float) -> Quality:
    """Rate what was received: `buffer_ms` is the mean delay in the jitter buffer."""
    expected = packets + lost
    loss_percent = 100 * lost / expected if expected else 0.0
    one_way = (round_trip_ms or 0.0) / 2 + buffer_ms + PACKET_MS
    return Quality(
        packets=packets,
        lost=lost,
        loss_percent=round(loss_percent, 2),
        jitter_ms=round(jitter_ms, 2),
        round_trip_ms=None if round_trip_ms is None else round(round_trip_ms, 1),
        mos=round(mos(rating(loss_percent, one_way)), 2) if packets else None,
    )


def rating(loss_percent: float, one_way_ms: float) -> float:
    """R: 0 (unusable) to 93.2.

    The delay term is the usual straight-line fit to G.107's Idd (a knee at 177.3 ms); loss is taken as random.
    """
    delay = 0.024 * one_way_ms + 0.11 * max(0.0, one_way_ms - 177.3)
    # G.107 section 3.5 with Ie = 0 (G.711) and BurstR = 1.
    loss = 95 * loss_percent / (loss_percent + G711_LOSS_ROBUSTNESS)
    return BEST_R - delay - loss


def mos(r: float) -> float:
    """The mean opinion score of a rating (G.107 annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6

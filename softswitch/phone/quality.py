"""How good a connection was, by the E-model (ITU-T G.107, edition of 06/2015, narrow band): the formula by which the
media engine rates its legs (`rtp::quality`), for what a phone measures."""

from math import exp, log2, log10, pow, sqrt

from msgspec import Struct

BEST_R = 93.2
"""R of an undisturbed narrow-band connection with G.107's default values."""
G711_LOSS_ROBUSTNESS = 25.1
"""Bpl of G.711 with packet loss concealment (G.113 appendix I)."""
TALKER_ECHO_LOUDNESS = 65.0
ECHO_PATH_LOSS = 110.0
OWN_ECHO_R = 94.77
"""Table 2: TELR, WEPL, and Roe and Ro that follow from its other values."""
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
    """R: 0 (unusable) to 93.2. Loss is taken as random (BurstR = 1), the codec for G.711 (Ie = 0)."""
    # Section 3.5, formula 3-29.
    loss = 95 * loss_percent / (loss_percent + G711_LOSS_ROBUSTNESS)
    return min(max(BEST_R - _delay_impairment(one_way_ms) - loss, 0.0), BEST_R)


def _delay_impairment(one_way_ms: float) -> float:
    """Id of section 3.4: talker echo (3-18 to 3-22), listener echo (3-25, 3-26) and delay itself (3-27, 3-28)."""
    masked = (
        TALKER_ECHO_LOUDNESS
        - 40 * log10((1 + one_way_ms / 10) / (1 + one_way_ms / 150))
        + 6 * exp(-0.3 * one_way_ms * one_way_ms)
    )
    half = (OWN_ECHO_R - (80 + 2.5 * (masked - 14))) / 2
    talker = (half + sqrt(half * half + 100) - 1) * (1 - exp(-one_way_ms))
    half = (OWN_ECHO_R - 10.5 * (ECHO_PATH_LOSS + 7) * pow(2 * one_way_ms + 1, -0.25)) / 2
    listener = half + sqrt(half * half + 169)
    if one_way_ms <= 100:
        return talker + listener
    x = log2(one_way_ms / 100)
    return talker + listener + 25 * (_sixth_root(x) - 3 * _sixth_root(x / 3) + 2)


def _sixth_root(x: float) -> float:
    return pow(1 + pow(x, 6), 1 / 6)


def mos(r: float) -> float:
    """The mean opinion score of a rating (G.107 annex B, formula B-4)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    # Below a rating of 6.5 the polynomial dips under the scale.
    return max(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1.0)

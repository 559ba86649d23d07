import pytest

from softswitch.phone.quality import judge, mos, rating


def test_an_undisturbed_call_scores_what_g107_gives_for_its_defaults() -> None:
    assert mos(rating(0, 0)) == pytest.approx(4.41, abs=0.01)


@pytest.mark.parametrize(
    ("loss_percent", "one_way_ms", "r", "score"),
    [
        (0, 0, 93.051, 4.406),
        (0, 50, 91.601, 4.376),
        (0, 150, 89.384, 4.324),
        (0, 300, 72.511, 3.712),
        (1, 50, 87.961, 4.286),
        (2, 100, 83.497, 4.149),
        (5, 200, 69.869, 3.591),
        (20, 400, 19.963, 1.251),
    ],
)
def test_the_media_engine_rates_by_the_same_formula(
    loss_percent: float, one_way_ms: float, r: float, score: float
) -> None:
    """The table stands in the tests of the crate `rtp`, too."""
    rated = rating(loss_percent, one_way_ms)

    assert rated == pytest.approx(r, abs=0.001)
    assert mos(rated) == pytest.approx(score, abs=0.001)


def test_more_loss_is_never_better() -> None:
    scores = [mos(rating(loss, 50)) for loss in range(0, 60, 5)]

    assert scores == sorted(scores, reverse=True)


def test_delay_hurts_more_beyond_the_knee() -> None:
    before = rating(0, 100) - rating(0, 150)
    beyond = rating(0, 300) - rating(0, 350)

    assert 0 < before < beyond


def test_the_score_stays_on_its_scale() -> None:
    assert (mos(-20), mos(120)) == (1.0, 4.5)


def test_lost_packets_count_among_the_expected_ones() -> None:
    quality = judge(packets=90, lost=10, jitter_ms=1.0, round_trip_ms=None, buffer_ms=40)

    assert quality.loss_percent == 10.0
    assert quality.mos is not None
    assert quality.mos < 3.6


def test_a_call_that_heard_nothing_has_no_score() -> None:
    assert judge(packets=0, lost=0, jitter_ms=0, round_trip_ms=None, buffer_ms=0).mos is None

from itertools import count

from gateways.media.playing import Playing
from softswitch.kernel.ids import LegId

A = LegId("1.1")


def test_the_end_of_what_is_played_is_told_once() -> None:
    told: list[str] = []
    playing: Playing[LegId] = Playing(count(1))
    operation = playing.begin(A, lambda: told.append("ended"))
    playing.end(A, operation)
    playing.end(A, operation)
    assert told == ["ended"]


def test_what_was_replaced_or_stopped_is_not_told() -> None:
    told: list[str] = []
    playing: Playing[LegId] = Playing(count(1))
    first = playing.begin(A, lambda: told.append("first"))
    second = playing.begin(A, lambda: told.append("second"))
    playing.end(A, first)
    assert told == []
    playing.forget(A)
    playing.end(A, second)
    assert told == []


def test_a_failure_ends_whatever_is_played() -> None:
    told: list[str] = []
    playing: Playing[LegId] = Playing(count(1))
    playing.begin(A, lambda: told.append("ended"))
    playing.end(A)
    playing.begin(A, None)
    playing.end(A)
    assert told == ["ended"]

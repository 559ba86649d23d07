"""Pictures of members that are decoded, and those that are not: one thread decodes for all."""

from dataclasses import replace

import pytest

av = pytest.importorskip("av")

from gateways.video.composer.sources import LEAST_PIXELS, MOST_PIXELS_A_SECOND, Member  # noqa: E402
from tests.support.composing import BLUE, Sender  # noqa: E402


def test_who_sends_more_pictures_than_anybody_sees_costs_the_others_nothing() -> None:
    member, sender = Member(), Sender(1, BLUE)
    member.show(True)
    picture = sender.picture(key=True)
    most = MOST_PIXELS_A_SECOND // LEAST_PIXELS
    for _ in range(most + 500):
        member.feed(replace(picture, arrived_us=5_000_000))
    assert member.decoded == most and member.wants_key
    # Half a second later it is seen again, from a key frame on.
    member.feed(replace(sender.picture(), arrived_us=5_500_000))
    assert member.decoded == most
    member.feed(replace(sender.picture(key=True), arrived_us=5_500_000))
    assert member.decoded == most + 1


def test_sixty_pictures_a_second_of_the_largest_size_are_all_seen() -> None:
    member, sender = Member(), Sender(1, BLUE, 1920, 1080)
    member.show(True)
    picture = sender.picture(key=True)
    for number in range(90):
        member.feed(replace(picture, arrived_us=round(1e6 + number * 1e6 / 60)))
    assert member.decoded == 90


def test_a_picture_too_large_to_be_shown_is_not_decoded() -> None:
    member, sender = Member(), Sender(1, BLUE, 4096, 2160)
    member.show(True)
    member.feed(sender.picture(key=True))
    assert (member.decoded, member.broken, member.seen) == (0, 1, False)

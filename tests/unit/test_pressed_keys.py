import random

from softswitch.calls.pressed_keys import PressedKeys


def test_keys_sent_in_both_ways_are_told_once_in_a_thousand_sequences() -> None:
    dice = random.Random(4733)
    for _ in range(1000):
        keys = PressedKeys()
        pressed = [dice.choice("0123456789*#ABCD") for _ in range(dice.randint(1, 12))]
        arrivals = []
        at = 0.0
        for digit in pressed:
            at += dice.uniform(0.1, 0.6)
            arrivals += [(at + dice.uniform(0, 0.09), digit, False), (at + dice.uniform(0, 0.09), digit, True)]
        told = [digit for now, digit, by_info in sorted(arrivals) if keys.is_new(digit, by_info, now)]
        assert told == pressed


def test_one_way_alone_repeats_a_key_as_often_as_it_was_pressed() -> None:
    for by_info in (False, True):
        keys = PressedKeys()
        assert [keys.is_new("5", by_info, 0.2 * n) for n in range(20)] == [True] * 20


def test_the_other_way_later_is_another_key() -> None:
    keys = PressedKeys()
    assert keys.is_new("5", False, 0.0)
    assert keys.is_new("5", True, 2.5)

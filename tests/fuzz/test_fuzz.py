"""A short run of the fuzzer; `make fuzz` runs it for as long as wanted."""

from tests.fuzz.mutate import Mutator, media_originals, sip_originals
from tests.fuzz.run import Fuzz, fire
from tests.support.server import Server


def test_the_switch_carries_calls_under_twenty_seconds_of_fire(switch: Server) -> None:
    work = Fuzz(switch, seed=20_030_408)
    fire(work, 20)
    assert work.rounds >= 1


def test_the_same_seed_sends_the_same_bytes() -> None:
    originals = [*sip_originals("127.0.0.2", 5066, "127.0.0.1:5060"), *media_originals()]
    one, two, other = Mutator(1, originals), Mutator(1, originals), Mutator(2, originals)
    first = [one.next() for _ in range(200)]
    assert first == [two.next() for _ in range(200)]
    assert first != [other.next() for _ in range(200)]

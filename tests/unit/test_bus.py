from softswitch.engine.bus import Bus
from softswitch.events import CallEnded, CallFact, Fact, SwitchStarted
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import CallId


def ended() -> CallEnded:
    return CallEnded(at=1, call=CallId("a-1"), cause=Cause.NORMAL_CLEARING)


def test_a_hearer_gets_its_type_and_subclasses_in_order() -> None:
    bus, heard = Bus(), list[tuple[str, Fact]]()
    bus.subscribe(CallFact, lambda fact: heard.append(("call", fact)))
    bus.subscribe(Fact, lambda fact: heard.append(("all", fact)))
    start = SwitchStarted(at=0, version="1")
    bus.publish(start)
    bus.publish(ended())
    assert heard == [("all", start), ("call", ended()), ("all", ended())]


def test_a_hearer_that_fails_harms_nobody() -> None:
    bus, heard = Bus(), list[Fact]()

    def fails(fact: Fact) -> None:
        raise RuntimeError("no")

    bus.subscribe(Fact, fails)
    bus.subscribe(Fact, heard.append)
    bus.publish(ended())
    assert heard == [ended()]


def test_an_unsubscribed_hearer_hears_no_more() -> None:
    bus, heard = Bus(), list[Fact]()
    bus.subscribe(Fact, heard.append)
    bus.publish(ended())
    bus.unsubscribe(Fact, heard.append)
    bus.publish(ended())
    assert len(heard) == 1

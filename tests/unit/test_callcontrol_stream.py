import pytest

from softswitch.engine.bus import Bus
from softswitch.events import AccountUnregistered, SwitchStarted
from softswitch.features.callcontrol.stream import MOST_LISTENERS, EventStream
from softswitch.kernel.errors import Conflict

STARTED = SwitchStarted(at=1, version="1")
GONE = AccountUnregistered(at=2, aor="1001", contact="sip:1001@127.0.0.1", reason="expired")


async def test_a_listener_hears_what_it_wants_in_order() -> None:
    bus = Bus()
    stream = EventStream(bus)
    everything, some = stream.join(frozenset()), stream.join(frozenset({"SwitchStarted"}))
    for fact in (STARTED, GONE, STARTED):
        bus.publish(fact)
    started = '{"fact":"SwitchStarted","at":1,"version":"1"}'
    gone = '{"fact":"AccountUnregistered","at":2,"aor":"1001","contact":"sip:1001@127.0.0.1","reason":"expired"}'
    assert [await everything.next() for _ in range(3)] == [started, gone, started]
    assert [await some.next() for _ in range(2)] == [started, started]
    stream.leave(everything)
    bus.publish(GONE)
    assert await everything.next() is None


async def test_a_listener_that_falls_behind_is_given_up_and_harms_nobody() -> None:
    bus = Bus()
    stream = EventStream(bus, bound=2)
    slow, quick = stream.join(frozenset()), stream.join(frozenset())
    for _ in range(4):
        bus.publish(STARTED)
        assert await quick.next() is not None
    await slow.gone()
    assert slow.too_slow
    assert await slow.next() is None
    assert not quick.too_slow


async def test_there_is_an_end_to_how_many_may_listen() -> None:
    stream = EventStream(Bus())
    listeners = [stream.join(frozenset()) for _ in range(MOST_LISTENERS)]
    with pytest.raises(Conflict):
        stream.join(frozenset())
    stream.leave(listeners[0])
    stream.join(frozenset())

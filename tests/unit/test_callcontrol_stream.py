import pytest

from softswitch.engine.bus import Bus
from softswitch.events import AccountUnregistered, AgentReserved, AgentStateChanged, CallAnswered, Fact, SwitchStarted
from softswitch.features.callcontrol.stream import MOST_LISTENERS, EventStream, Wanted
from softswitch.kernel.errors import Conflict
from softswitch.kernel.ids import CallId

STARTED = SwitchStarted(at=1, version="1")
GONE = AccountUnregistered(at=2, aor="1001", contact="sip:1001@127.0.0.1", reason="expired")


async def test_a_listener_hears_what_it_wants_in_order() -> None:
    bus = Bus()
    stream = EventStream(bus)
    everything, some = stream.join(Wanted()), stream.join(Wanted(frozenset({"SwitchStarted"})))
    for fact in (STARTED, GONE, STARTED):
        bus.publish(fact)
    started = '{"fact":"SwitchStarted","at":1,"version":"1"}'
    gone = '{"fact":"AccountUnregistered","at":2,"aor":"1001","contact":"sip:1001@127.0.0.1","reason":"expired"}'
    assert [await everything.next() for _ in range(3)] == [started, gone, started]
    assert [await some.next() for _ in range(2)] == [started, started]
    stream.leave(everything)
    bus.publish(GONE)
    assert await everything.next() is None


ANSWERED = CallAnswered(at=3, call=CallId("x-1"))
RESERVED = AgentReserved(at=4, queue="sales", stay=1, of_call="x-1", agent="anna", attempt=1, steps=())
READY = AgentStateChanged(at=5, agent="anna", state="available", before="not_ready", before_ms=9)
ELSEWHERE = AgentReserved(at=6, queue="support", stay=2, of_call="x-2", agent="ben", attempt=2, steps=())


@pytest.mark.parametrize(
    ("wanted", "heard"),
    [
        (Wanted(), [GONE, ANSWERED, RESERVED, READY, ELSEWHERE]),
        (Wanted(queues=frozenset({"sales"})), [RESERVED]),
        (Wanted(queues=frozenset({"sales", "support"})), [RESERVED, ELSEWHERE]),
        (Wanted(agents=frozenset({"anna"})), [RESERVED, READY]),
        (Wanted(agents=frozenset({"anna"}), queues=frozenset({"support"})), []),
        (Wanted(types=frozenset({"AgentStateChanged"}), agents=frozenset({"anna"})), [READY]),
        (Wanted(calls=frozenset({"x-1"})), [ANSWERED, RESERVED]),
    ],
)
async def test_facts_are_those_of_the_queues_agents_and_calls_that_were_asked_for(
    wanted: Wanted, heard: list[Fact]
) -> None:
    assert [fact for fact in (GONE, ANSWERED, RESERVED, READY, ELSEWHERE) if wanted.fits(fact)] == heard


async def test_a_listener_that_falls_behind_is_given_up_and_harms_nobody() -> None:
    bus = Bus()
    stream = EventStream(bus, bound=2)
    slow, quick = stream.join(Wanted()), stream.join(Wanted())
    for _ in range(4):
        bus.publish(STARTED)
        assert await quick.next() is not None
    await slow.gone()
    assert slow.too_slow
    assert await slow.next() is None
    assert not quick.too_slow


async def test_there_is_an_end_to_how_many_may_listen() -> None:
    stream = EventStream(Bus())
    listeners = [stream.join(Wanted()) for _ in range(MOST_LISTENERS)]
    with pytest.raises(Conflict):
        stream.join(Wanted())
    stream.leave(listeners[0])
    stream.join(Wanted())

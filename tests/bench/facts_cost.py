"""What the facts of a call cost: bus, call record, event log on SQLite.

    python tests/bench/facts_cost.py [CALLS]

Prints CPU microseconds of the whole process (the database's thread included) for each call, and for each fact logged.
"""

import asyncio
import sys
import tempfile
import time

from softswitch.engine.bus import Bus
from softswitch.events import (
    CallAnswered,
    CallEnded,
    CallFact,
    CallOffered,
    CallRouted,
    CallTraced,
    Fact,
    LegAnswered,
    LegDialed,
    LegEnded,
    LegRang,
    LegsBridged,
    MediaFigures,
    RoutingStep,
    TraceLine,
)
from softswitch.feature import hears
from softswitch.features.cdr.service import CallRecords
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, IdSource
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog

CALLS_A_TURN = 20
STEPS = (RoutingStep("guest/uas", "matched", "the number matches 8XXXX: to trunk/uas; number unchanged"),)


def begin(call: CallId, at: int) -> list[CallFact]:
    """The facts of a call through a trunk until both parties talk."""
    caller, called = IdSource.leg(call, 1), IdSource.leg(call, 2)
    uas = Destination("trunk", "uas")
    return [
        CallOffered(
            at=at,
            call=call,
            leg=caller,
            from_number="sipp",
            from_name="",
            to_number="81234",
            origin_kind="guest",
            origin="127.0.0.1",
            context="guest",
            source="127.0.0.1:5070",
        ),
        CallRouted(at=at, call=call, destination=uas, by="dialplan:guest", plan_version=1, steps=STEPS),
        LegDialed(at=at + 1, call=call, leg=called, destination=uas, number="81234", target="sip:81234@127.0.0.1:5080"),
        LegRang(at=at + 2, call=call, leg=called),
        LegAnswered(at=at + 3, call=call, leg=called),
        CallAnswered(at=at + 3, call=call),
        LegsBridged(at=at + 3, call=call, a=caller, b=called),
    ]


def end(call: CallId, at: int) -> list[CallFact]:
    """The facts of its end."""
    legs = IdSource.leg(call, 1), IdSource.leg(call, 2)
    lines = tuple(TraceLine(at, legs[number % 2], "in", "INVITE sip:81234@127.0.0.1:5060") for number in range(12))
    figures = MediaFigures(received=100, sent=100, jitter_ms=0.25, first_packet_ms=20, last_address="127.0.0.1:4000")
    over = [
        LegEnded(at=at, call=call, leg=leg, cause=Cause.NORMAL_CLEARING, by_party=True, figures=figures) for leg in legs
    ]
    return [*over, CallTraced(at=at, call=call, lines=lines), CallEnded(at=at, call=call, cause=Cause.NORMAL_CLEARING)]


async def measure(calls: int, folder: str) -> None:
    """Begin calls and end each a hundred turns later, as those of a busy second are."""
    database = Database(f"sqlite:///{folder}/facts.db")
    await database.migrate()
    bus, event_log = Bus(), EventLog(database)
    records, ids = CallRecords(event_log), IdSource("bench")
    bus.subscribe(Fact, event_log.append)
    bus.subscribe(*hears(CallFact, records.hear))
    event_log.start()
    names = [ids.call() for _ in range(calls)]
    batches = [[fact for call in names[i : i + CALLS_A_TURN] for fact in begin(call, 1_795_300_000_000 + i)]
               for i in range(0, calls, CALLS_A_TURN)]  # fmt: skip
    ends = [[fact for call in names[i : i + CALLS_A_TURN] for fact in end(call, 1_795_300_000_000 + i)]
            for i in range(0, calls, CALLS_A_TURN)]  # fmt: skip
    empty: list[CallFact] = []
    turns = len(batches) + 100
    facts = sum(map(len, batches)) + sum(map(len, ends))
    started = time.process_time()
    for turn in range(turns):
        for fact in batches[turn] if turn < len(batches) else empty:
            bus.publish(fact)
        for fact in ends[turn - 100] if turn >= 100 else empty:
            bus.publish(fact)
        await asyncio.sleep(0.004)
    await event_log.flush()
    used = time.process_time() - started - turns * await idle_turn()
    await event_log.stop()
    await database.close()
    print(
        f"facts of a call: {used / calls * 1e6:.1f} us, {facts / calls:.0f} facts, {used / facts * 1e6:.2f} us a fact"
    )


async def idle_turn() -> float:
    """What a turn costs in which nothing happens."""
    started = time.process_time()
    for _ in range(200):
        await asyncio.sleep(0.004)
    return (time.process_time() - started) / 200


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, folder))

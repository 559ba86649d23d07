import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from softswitch.calls.signals import Target
from softswitch.engine.caller import Candidate, DialOutcome, Later
from softswitch.events import AccountRegistered, AccountUnregistered, Fact
from softswitch.features.registrar.feature import build
from softswitch.features.registrar.phones import Phones, candidates_of
from softswitch.features.registrar.service import Registrations
from softswitch.features.registrar.tables import LocationRow
from softswitch.features.registrar.writer import BindingWriter
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.binding import Binding, PushTarget
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.platform.database import Database, DatabaseUnavailable
from tests.support.admin_plane import StandingClock, admin_client

CALLED = Party("1001")


class FakeCaller:
    """Writes down what it is told to dial."""

    def __init__(self, to: Party = CALLED) -> None:
        self.from_ = Party("1002")
        self.to = to
        self.dialled: list[tuple[Sequence[Candidate], float]] = []
        self.joined: list[Candidate] = []
        self.dialling: asyncio.Future[None] | None = None
        """Where set, dialling goes on until it is done."""

    async def dial(
        self, candidates: Sequence[Candidate], ring_seconds: float, later: Sequence[Later] = ()
    ) -> DialOutcome:
        self.dialled.append((candidates, ring_seconds))
        if self.dialling is not None:
            await self.dialling
        return DialOutcome(True, Cause.NORMAL_CLEARING)

    def also(self, candidates: Sequence[Candidate]) -> None:
        self.joined += candidates
        if self.dialling is not None:
            self.dialling.set_result(None)


class FakeNotifier:
    """Does to each phone that is to be woken what the test says."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.woken: list[tuple[PushTarget, str, Party]] = []
        self.reasons: list[str] = []
        self._then = then

    def wake(self, target: PushTarget, account: str, caller: Party, why: str) -> None:
        self.woken.append((target, account, caller))
        self.reasons.append(why)
        asyncio.get_running_loop().call_soon(self._then)


@pytest.fixture
def facts() -> list[Fact]:
    return []


@pytest.fixture
def registrations(clock: StandingClock, facts: list[Fact]) -> Registrations:
    return Registrations(clock, facts.append)


@pytest.fixture
def bound(clock: StandingClock) -> Callable[..., Binding]:
    def make(aor: str = "1001", host: str = "192.0.2.1", seconds: int = 60, **fields: Any) -> Binding:
        return Binding(
            aor=aor,
            contact=f"sip:{aor}@{host}",
            expires_at=clock.wall_ms() + seconds * 1000,
            call_id="c",
            cseq=1,
            source=HostPort(host, 5060),
            **fields,
        )

    return make


Bound = Callable[..., Binding]


async def test_bindings_come_by_preference_then_newest(registrations: Registrations, bound: Bound) -> None:
    low, old, new = bound(host="a", q=0.5), bound(host="b", seconds=30), bound(host="c", seconds=60)
    registrations.replace("1001", [low, old, new])
    assert list(registrations.bindings("1001")) == [new, old, low]
    assert list(registrations.bindings("1002")) == []


async def test_a_new_contact_a_moved_one_and_a_removed_one_are_facts_and_a_refresh_is_none(
    registrations: Registrations, bound: Bound, facts: list[Fact], clock: StandingClock
) -> None:
    first = bound(host="a")
    registrations.replace("1001", [first])
    registrations.replace("1001", [replace(first, expires_at=first.expires_at + 1000, cseq=2)])
    registrations.replace("1001", [replace(first, source=HostPort("b", 1))])
    registrations.replace("1001", [replace(first, source=HostPort("b", 1)), bound(host="c")])
    registrations.replace("1001", [bound(host="c")])
    told = [
        (type(fact).__name__, fact.contact)
        for fact in facts
        if isinstance(fact, AccountRegistered | AccountUnregistered)
    ]
    assert told == [
        ("AccountRegistered", "sip:1001@a"),
        ("AccountRegistered", "sip:1001@a"),
        ("AccountRegistered", "sip:1001@c"),
        ("AccountUnregistered", "sip:1001@a"),
    ]


async def test_a_binding_that_ran_out_is_gone_at_once_and_told_when_swept(
    registrations: Registrations, bound: Bound, facts: list[Fact], clock: StandingClock
) -> None:
    registrations.replace("1001", [bound(host="a", seconds=10), bound(host="b", seconds=20)])
    facts.clear()
    clock.now += 10
    assert [binding.contact for binding in registrations.bindings("1001")] == ["sip:1001@b"]
    registrations.expire()
    assert facts == [
        AccountUnregistered(at=clock.wall_ms(), aor="1001", contact="sip:1001@a", reason="expired"),
    ]
    assert len(registrations) == 1
    clock.now += 10
    registrations.expire()
    assert (len(facts), len(registrations)) == (2, 0)
    registrations.stop()


async def test_refreshed_bindings_do_not_run_out_and_leave_one_watch_each(
    registrations: Registrations, bound: Bound, clock: StandingClock
) -> None:
    for _ in range(50):
        registrations.replace("1001", [bound(seconds=30)])
        clock.now += 10
        registrations.expire()
    assert len(registrations.bindings("1001")) == 1
    assert len(registrations._expiries) == 1
    registrations.stop()


async def test_the_timer_sweeps_by_itself(bound: Bound, facts: list[Fact]) -> None:
    swept = asyncio.Event()

    class LoopClock:
        def monotonic(self) -> float:
            return asyncio.get_running_loop().time()

        def wall_ms(self) -> int:
            return int(self.monotonic() * 1000)

    def publish(fact: Fact) -> None:
        if isinstance(fact, AccountUnregistered):
            swept.set()

    registrations = Registrations(LoopClock(), publish)
    registrations.start({}, lambda: None)
    registrations.replace("1001", [replace(bound(), expires_at=LoopClock().wall_ms() + 5)])
    await asyncio.wait_for(swept.wait(), 10)
    registrations.stop()


async def test_bindings_survive_a_restart_but_those_that_ran_out_and_connections_do_not(
    database: Database, registrations: Registrations, bound: Bound, clock: StandingClock, facts: list[Fact]
) -> None:
    writer = BindingWriter(registrations, database, clock)
    await writer.start()
    stays = bound(host="a", seconds=60, transport="tcp", connection=7, path=("<sip:edge;lr>",), user_agent="话机")
    registrations.replace("1001", [stays, bound(host="b", seconds=5)])
    registrations.replace("1002", [bound("1002", seconds=5)])
    registrations.replace("1003", [bound("1003")])
    registrations.replace("1003", [])
    await writer.stop()

    clock.now += 10
    again = Registrations(clock, facts.append)
    facts.clear()
    writer = BindingWriter(again, database, clock)
    await writer.start()
    assert list(again.bindings("1001")) == [replace(stays, connection=None)]
    assert (len(again), facts) == (1, [])
    await writer.stop()
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(LocationRow)) == 1


async def test_changes_are_written_without_being_asked(
    database: Database, registrations: Registrations, bound: Bound, clock: StandingClock
) -> None:
    writer = BindingWriter(registrations, database, clock)
    await writer.start()
    registrations.replace("1001", [bound()])
    async with asyncio.timeout(10):
        while True:
            async with database.reading() as session:
                if await session.scalar(select(func.count()).select_from(LocationRow)):
                    break
    await writer.stop()


async def test_only_a_refresh_that_gains_time_is_written(
    registrations: Registrations, bound: Bound, clock: StandingClock
) -> None:
    registrations.replace("1001", [bound(seconds=3600)])
    assert list(registrations.take_marked(10)) == ["1001"]
    for _ in range(29):
        clock.now += 30
        registrations.replace("1001", [bound(seconds=3600)])
    assert registrations.take_marked(10) == {}
    clock.now += 60
    registrations.replace("1001", [bound(seconds=3600)])
    assert list(registrations.take_marked(10)) == ["1001"]
    registrations.replace("1001", [bound(seconds=3600, host="192.0.2.2")])
    assert list(registrations.take_marked(10)) == ["1001"]


async def test_what_could_not_be_stored_is_kept_for_the_next_time(
    database: Database, registrations: Registrations, bound: Bound, clock: StandingClock, monkeypatch: Any
) -> None:
    writer = BindingWriter(registrations, database, clock)
    await writer.start()
    registrations.replace("1001", [bound()])

    def away() -> None:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(database, "session", away)
        with pytest.raises(DatabaseUnavailable):
            await writer.stop()
    await writer.stop()
    async with database.reading() as session:
        assert await session.scalar(select(LocationRow.aor)) == "1001"


async def test_a_call_rings_all_phones_of_an_account_where_they_registered_from(
    registrations: Registrations, bound: Bound
) -> None:
    registrations.replace(
        "1001",
        [bound(host="a", transport="tcp", connection=3), bound(host="b", seconds=5, path=("<sip:edge;lr>",))],
    )
    caller: Any = FakeCaller()
    phones = Phones(registrations)
    assert phones.registered("1001")
    assert (await phones.ring(caller, "1001", 25)).answered
    account = Destination("account", "1001")
    assert caller.dialled == [
        (
            [
                Candidate(Target("sip:1001@a", "tcp", HostPort("a", 5060), 3), account, "1001"),
                Candidate(Target("sip:1001@b", path=("<sip:edge;lr>",)), account, "1001"),
            ],
            25,
        )
    ]


async def test_an_account_without_a_phone_is_absent(registrations: Registrations) -> None:
    caller: Any = FakeCaller()
    phones = Phones(registrations)
    assert not phones.registered("1001")
    with pytest.raises(Rejected) as rejected:
        await phones.ring(caller, "1001", 25)
    assert rejected.value.cause is Cause.SUBSCRIBER_ABSENT


def flow(bound: Bound, number: int, **fields: Any) -> Binding:
    """A binding that came by connection `number`."""
    return bound(host=f"192.0.2.{number}", transport="tls", connection=number, **fields)


async def test_a_phone_whose_connection_died_is_rung_no_more_until_it_is_back(
    registrations: Registrations, bound: Bound
) -> None:
    registrations.replace("1001", [flow(bound, 3), flow(bound, 4)])
    registrations.flow_failed(3)
    caller: Any = FakeCaller()
    await Phones(registrations).ring(caller, "1001", 25)
    assert [candidate.target.connection for candidate in caller.dialled[0][0]] == [4]
    assert {b.connection: b.reachable for b in registrations.bindings("1001")} == {None: False, 4: True}
    registrations.flow_failed(4)
    assert not Phones(registrations).registered("1001")
    registrations.replace("1001", [flow(bound, 5)])
    assert Phones(registrations).registered("1001")


@pytest.mark.parametrize(
    ("transport", "natted", "path", "reachable", "address"),
    [
        ("udp", True, (), True, HostPort("192.0.2.1", 5060)),
        ("tcp", False, (), True, None),
        ("tcp", True, (), False, None),
        ("tls", False, (), False, None),
        ("ws", False, (), False, None),
        ("ws", False, ("<sip:edge;lr>",), True, None),
    ],
)
async def test_another_way_to_a_phone_is_taken_where_there_is_one(
    registrations: Registrations,
    bound: Bound,
    transport: str,
    natted: bool,
    path: tuple[str, ...],
    reachable: bool,
    address: HostPort | None,
) -> None:
    registrations.replace("1001", [bound(transport=transport, natted=natted, path=path, connection=3)])
    registrations.flow_failed(3)
    (binding,) = registrations.bindings("1001")
    assert binding.reachable is reachable
    if reachable:
        (candidate,) = candidates_of("1001", registrations)
        assert (candidate.target.connection, candidate.target.address) == (None, address)


async def test_of_one_device_only_the_flow_that_was_registered_last_is_rung(
    registrations: Registrations, bound: Bound
) -> None:
    registrations.replace(
        "1001",
        [
            flow(bound, 1, instance="a", reg_id=1, seconds=60),
            flow(bound, 2, instance="a", reg_id=2, seconds=90),
            flow(bound, 3, instance="b", reg_id=1, seconds=30),
        ],
    )
    assert {candidate.target.connection for candidate in candidates_of("1001", registrations)} == {2, 3}
    registrations.flow_failed(2)
    assert {candidate.target.connection for candidate in candidates_of("1001", registrations)} == {1, 3}


async def test_a_call_for_one_device_rings_no_other(registrations: Registrations, bound: Bound) -> None:
    registrations.replace("1001", [flow(bound, 1, instance="a"), flow(bound, 2, instance="b")])
    caller: Any = FakeCaller(Party("1001", "", "b"))
    await Phones(registrations).ring(caller, "1001", 25)
    assert [candidate.target.connection for candidate in caller.dialled[0][0]] == [2]
    caller.to = Party("1001", "", "gone")
    with pytest.raises(Rejected):
        await Phones(registrations).ring(caller, "1001", 25)


PUSH = PushTarget("fcm", "token-1")


async def test_a_sleeping_phone_is_woken_and_rung_once_it_is_back(registrations: Registrations, bound: Bound) -> None:
    registrations.replace("1001", [flow(bound, 1, push=PUSH)])
    registrations.flow_failed(1)
    notifier = FakeNotifier(lambda: registrations.replace("1001", [flow(bound, 2, push=PUSH)]))
    phones = Phones(registrations, notifier)
    assert phones.registered("1001")
    caller: Any = FakeCaller()
    assert (await phones.ring(caller, "1001", 25)).answered
    assert notifier.woken == [(PUSH, "1001", Party("1002"))]
    assert [candidate.target.connection for candidate in caller.dialled[0][0]] == [2]


async def test_a_phone_that_does_not_wake_up_is_absent(registrations: Registrations, bound: Bound) -> None:
    registrations.replace("1001", [bound(push=PUSH, transport="tls", reachable=False)])
    caller: Any = FakeCaller()
    with pytest.raises(Rejected, match="woken up"):
        await Phones(registrations, FakeNotifier(), 0.01).ring(caller, "1001", 25)


async def test_phones_that_are_awake_ring_at_once_and_the_woken_one_joins_them(
    registrations: Registrations, bound: Bound
) -> None:
    desk = flow(bound, 1)
    registrations.replace("1001", [desk, bound(push=PUSH, transport="tls", reachable=False)])
    notifier = FakeNotifier(lambda: registrations.replace("1001", [desk, flow(bound, 2, push=PUSH)]))
    caller: Any = FakeCaller()
    caller.dialling = asyncio.get_running_loop().create_future()
    await Phones(registrations, notifier).ring(caller, "1001", 25)
    assert [candidate.target.connection for candidate in caller.dialled[0][0]] == [1]
    assert [candidate.target.connection for candidate in caller.joined] == [2]


async def test_a_sleeping_phone_is_woken_for_a_message_and_waited_for(
    registrations: Registrations, bound: Bound
) -> None:
    registrations.replace("1001", [bound(push=PUSH, transport="tls", reachable=False)])
    notifier = FakeNotifier(lambda: registrations.replace("1001", [flow(bound, 2, push=PUSH)]))
    phones = Phones(registrations, notifier)
    await phones.rouse("1001", Party("1002"))
    assert notifier.woken == [(PUSH, "1001", Party("1002"))] and notifier.reasons == ["message"]
    assert [target.connection for target in phones.targets("1001")] == [2]


async def test_nobody_waits_for_a_phone_that_does_not_wake_or_where_another_is_awake(
    registrations: Registrations, bound: Bound
) -> None:
    sleeping = bound(push=PUSH, transport="tls", reachable=False)
    registrations.replace("1001", [sleeping])
    async with asyncio.timeout(1):
        await Phones(registrations, FakeNotifier(), 0.01).rouse("1001", Party("1002"))
        registrations.replace("1001", [flow(bound, 1), sleeping])
        notifier = FakeNotifier()
        await Phones(registrations, notifier, 60).rouse("1001", Party("1002"))
        assert len(notifier.woken) == 1
        registrations.replace("1001", [flow(bound, 1)])
        await Phones(registrations, notifier, 60).rouse("1001", Party("1002"))
        await Phones(registrations).rouse("1001", Party("1002"))
    assert len(notifier.woken) == 1


@pytest.fixture
def client(database: Database, registrations: Registrations, clock: StandingClock) -> httpx.AsyncClient:
    router = build(registrations, clock).router
    assert router is not None
    return admin_client(database, [router])


async def test_registrations_are_listed_page_by_page(
    client: httpx.AsyncClient, registrations: Registrations, bound: Bound, clock: StandingClock
) -> None:
    for aor in ("1003", "1001", "1002"):
        registrations.replace(aor, [bound(aor, "b", user_agent="Phone 1"), bound(aor, "a")])
    clock.now += 1
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (
            await client.get("/api/v1/registrations", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen, cursor = seen + page["items"], page["next"]
    assert [(item["aor"], item["contact"]) for item in seen] == [
        (aor, f"sip:{aor}@{host}") for aor in ("1001", "1002", "1003") for host in ("a", "b")
    ]
    assert seen[1].items() >= {"expires": 59, "source": "b:5060", "user_agent": "Phone 1", "transport": "udp"}.items()
    only = (await client.get("/api/v1/registrations", params={"aor": "1002"})).json()
    assert [item["aor"] for item in only["items"]] == ["1002", "1002"]


async def test_an_operator_removes_one_binding(
    client: httpx.AsyncClient, registrations: Registrations, bound: Bound
) -> None:
    registrations.replace("1001", [bound(host="a"), bound(host="b", seconds=30)])
    first, second = (await client.get("/api/v1/registrations")).json()["items"]
    path = f"/api/v1/registrations/{first['id']}"
    assert (await client.delete(path, headers={"Authorization": "Bearer viewer"})).status_code == 403
    assert (await client.delete(path, headers={"Authorization": "Bearer operator"})).status_code == 204
    assert (await client.delete(path)).status_code == 404
    assert (await client.get("/api/v1/registrations")).json()["items"] == [second]

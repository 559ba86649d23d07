from collections.abc import Mapping, Sequence

import httpx
import pytest

from softswitch.engine.bus import Bus
from softswitch.events import (
    CallAnswered,
    CallEnded,
    CallFact,
    CallRouted,
    CallTraced,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegRang,
    LegResumed,
    MediaFigures,
    RoutingStep,
    TraceLine,
    Trouble,
)
from softswitch.features.callcontrol.feature import build
from softswitch.features.callcontrol.model import view
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.database import Database
from softswitch.platform.event_log import LoggedFact
from tests.support.admin_plane import admin_client
from tests.support.call_facts import CALL, A, B, T, dialed, offered

LADDER = (
    TraceLine(T, A, "in", "INVITE sip:1002@127.0.0.1"),
    TraceLine(T + 2, B, "out", "INVITE sip:1002@127.0.0.1:5080"),
    TraceLine(T + 900, B, "in", "200 OK (INVITE)"),
    TraceLine(T + 901, A, "note", "the caller hears 1002"),
)


ROUTED = CallRouted(
    at=T + 1,
    call=CALL,
    destination=Destination("account", "1002"),
    by="dialplan:default",
    plan_version=3,
    steps=(RoutingStep("default/accounts", "matched", "the number matches 1XXX: to account/{number}"),),
)
RANG = LegRang(at=T + 50, call=CALL, leg=B)
ANSWERED = [LegAnswered(at=T + 900, call=CALL, leg=B), CallAnswered(at=T + 901, call=CALL)]


def state(facts: Sequence[CallFact]) -> str:
    call = view(facts)
    assert call is not None
    return call.state


def test_a_call_is_routing_then_ringing_then_talking_and_held_while_a_party_holds() -> None:
    facts: list[CallFact] = [offered()]
    assert state(facts) == "routing"
    facts += [ROUTED, dialed(B, T + 2), RANG]
    assert state(facts) == "ringing"
    facts += ANSWERED
    assert state(facts) == "talking"
    facts.append(LegHeld(at=T + 1000, call=CALL, leg=B))
    assert state(facts) == "held"
    facts.append(LegResumed(at=T + 2000, call=CALL, leg=B))
    assert state(facts) == "talking"
    assert view([ROUTED]) is None


def test_in_a_call_of_the_switchs_own_the_phone_that_answers_first_is_the_callers() -> None:
    facts: list[CallFact] = [offered(), dialed(A, T + 2), dialed(B, T + 2)]
    call = view(facts)
    assert call is not None
    assert [(leg.leg, leg.role) for leg in call.legs.values()] == [(A, "caller"), (B, "called")]
    call = view([*facts, LegAnswered(at=T + 900, call=CALL, leg=B), CallAnswered(at=T + 950, call=CALL)])
    assert call is not None
    assert [(leg.leg, leg.role, leg.answered_at) for leg in call.legs.values()] == [
        (A, "called", None),
        (B, "caller", T + 900),
    ]


class Engine:
    """One live call, `x-1`."""

    def __init__(self) -> None:
        self.live_facts: list[CallFact] | None = [offered(), ROUTED, dialed(B, T + 2), RANG, *ANSWERED]
        self.logged: list[CallFact] = []
        self.done: list[str] = []

    def hang_up(self, call: CallId) -> bool:
        self.done.append(f"hang up {call}")
        return call == CALL

    def transfer(self, call: CallId, number: str, leg: LegId | None) -> None:
        self.done.append(f"transfer {call} {leg} to {number}")
        if call != CALL:
            raise NotFound("call", call)

    def hold(self, call: CallId, leg: LegId | None, holds: bool) -> None:
        if call != CALL:
            raise NotFound("live call", call)
        if not holds and not self.done:
            raise Conflict("not-held", "the party holds nobody by the switch")
        self.done.append(f"{leg} {'holds' if holds else 'resumes'}")

    def unite(self, call: CallId, other: CallId) -> None:
        if call != CALL:
            raise NotFound("live call", call)
        self.done.append(f"{other} comes to {call}")

    def hang_up_leg(self, call: CallId, leg: LegId) -> None:
        if (call, leg) != (CALL, B):
            raise NotFound("leg", leg)
        self.done.append(f"hang up {leg}")

    def originate(
        self, account: str, number: str, *, auto_answer: bool = False, data: Mapping[str, str] = {}
    ) -> CallId:
        if account != "1001":
            raise NotFound("account", account)
        self.done.append(f"{account} calls {number}" + " at once" * auto_answer + f" about {dict(data)}" * bool(data))
        return CallId("x-2")

    def ladder(self, call: CallId) -> Sequence[TraceLine] | None:
        return LADDER if call == CALL else None

    def figures(self, leg: LegId) -> MediaFigures | None:
        return MediaFigures(received=150, sent=149, jitter_ms=1.25, first_packet_ms=12) if leg == A else None

    def troubles(self, call: CallId) -> Sequence[Trouble]:
        return [Trouble("no_rtp", B, "leg 2 (account/1002): not one RTP packet came from it")]

    def live(self) -> Sequence[CallId]:
        return [CALL] if self.live_facts is not None else []

    def facts(self, call: CallId) -> Sequence[CallFact] | None:
        return self.live_facts if call == CALL else None

    async def flush(self) -> None:
        return

    async def read(self, *, call: CallId | None = None) -> Sequence[LoggedFact]:
        return [LoggedFact(number, fact) for number, fact in enumerate(self.logged) if fact.call == call]

    def end(self) -> None:
        assert self.live_facts is not None
        figures = MediaFigures(received=200, sent=199, lost=1, jitter_ms=0.5, mos=4.4, last_address="127.0.0.1:9")
        self.logged = [
            *self.live_facts,
            LegEnded(
                at=T + 5000, call=CALL, leg=B, cause=Cause.NORMAL_CLEARING, by_party=True, status=None, figures=figures
            ),
            CallTraced(at=T + 5003, call=CALL, lines=LADDER),
            CallEnded(at=T + 5003, call=CALL, cause=Cause.NORMAL_CLEARING),
        ]
        self.live_facts = None


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def client(database: Database, engine: Engine) -> httpx.AsyncClient:
    router = build(engine, engine, engine, Bus()).router
    assert router is not None
    return admin_client(database, [router])


async def test_live_calls_are_listed_and_ended(client: httpx.AsyncClient, engine: Engine) -> None:
    [call] = (await client.get("/api/v1/calls")).json()["items"]
    assert (call["call_id"], call["from"], call["to"], call["state"]) == (CALL, "1001", "1002", "talking")
    assert call["started_at"] == "2026-11-21T22:34:13.120Z"
    assert [(leg["leg"], leg["role"], leg["state"]) for leg in call["legs"]] == [
        (A, "caller", "up"),
        (B, "called", "up"),
    ]
    assert (await client.get(f"/api/v1/calls/{CALL}")).json() == call
    assert (await client.get("/api/v1/calls/x-9")).status_code == 404
    assert (await client.delete(f"/api/v1/calls/{CALL}")).status_code == 204
    assert (await client.delete("/api/v1/calls/x-9")).status_code == 404
    assert engine.done == ["hang up x-1", "hang up x-9"]


async def test_a_party_is_sent_on_to_a_number(client: httpx.AsyncClient, engine: Engine) -> None:
    path = f"/api/v1/calls/{CALL}/transfer"
    assert (await client.post(path, json={"to": "1003"})).status_code == 202
    assert (await client.post(path, json={"to": "1003", "leg": B})).status_code == 202
    assert (await client.post("/api/v1/calls/x-9/transfer", json={"to": "1003"})).status_code == 404
    assert (await client.post(path, json={})).status_code == 422
    client.headers["Authorization"] = "Bearer viewer"
    assert (await client.post(path, json={"to": "1003"})).status_code == 403
    assert engine.done == [f"transfer {CALL} None to 1003", f"transfer {CALL} {B} to 1003", "transfer x-9 None to 1003"]


async def test_a_party_is_told_to_hold_to_resume_and_to_go_over_http(client: httpx.AsyncClient, engine: Engine) -> None:
    path = f"/api/v1/calls/{CALL}"
    early = await client.post(f"{path}/resume")
    assert (early.status_code, early.json()["error_id"]) == (409, "not-held")
    assert (await client.post(f"{path}/hold")).status_code == 204
    assert (await client.post(f"{path}/resume", json={"leg": B})).status_code == 204
    assert (await client.post("/api/v1/calls/x-9/hold")).status_code == 404
    assert (await client.delete(f"{path}/legs/{A}")).status_code == 404
    assert (await client.delete(f"{path}/legs/{B}")).status_code == 204
    assert engine.done == ["None holds", f"{B} resumes", f"hang up {B}"]
    assert (await client.post(f"{path}/conference", json={"call": "x-2"})).status_code == 204
    assert (await client.post("/api/v1/calls/x-9/conference", json={"call": CALL})).status_code == 404
    assert engine.done[-1] == f"x-2 comes to {CALL}"
    viewer = {"Authorization": "Bearer viewer"}
    assert (await client.post(f"{path}/hold", headers=viewer)).status_code == 403


async def test_a_call_is_placed_for_an_account(client: httpx.AsyncClient, engine: Engine) -> None:
    made = await client.post("/api/v1/calls", json={"from": "1001", "to": "9196"})
    assert (made.status_code, made.json()) == (201, {"call_id": "x-2"})
    about = {"from": "1001", "to": "6001", "data": {"ticket": "17"}}
    assert (await client.post("/api/v1/calls", json=about)).status_code == 201
    assert (await client.post("/api/v1/calls", json=about | {"data": {"a b": "1"}})).status_code == 422
    assert (await client.post("/api/v1/calls", json={"from": "1099", "to": "9196"})).status_code == 404
    assert (await client.post("/api/v1/calls", json={"from": "1001"})).status_code == 422
    assert engine.done == ["1001 calls 9196", "1001 calls 6001 about {'ticket': '17'}"]


async def test_a_viewer_sees_calls_and_may_not_touch_them(client: httpx.AsyncClient, engine: Engine) -> None:
    client.headers["Authorization"] = "Bearer viewer"
    assert (await client.get("/api/v1/calls")).status_code == 200
    assert (await client.delete(f"/api/v1/calls/{CALL}")).status_code == 403
    assert (await client.post("/api/v1/calls", json={"from": "1001", "to": "9196"})).status_code == 403
    assert engine.done == []


async def test_the_trace_of_a_live_call_has_its_ladder_and_figures_so_far(client: httpx.AsyncClient) -> None:
    story = (await client.get(f"/api/v1/calls/{CALL}/trace")).json()
    assert (story["live"], story["ended_at"], story["cause"]) == (True, None, None)
    assert story["decisions"][0]["steps"][0]["rule"] == "default/accounts"
    assert [(line["after_ms"], line["leg"], line["direction"]) for line in story["ladder"]] == [
        (0, A, "in"),
        (2, B, "out"),
        (900, B, "in"),
        (901, A, "note"),
    ]
    assert [leg["media"] and leg["media"]["received"] for leg in story["legs"]] == [150, None]
    assert [(one["kind"], one["leg"]) for one in story["trouble"]] == [("no_rtp", B)]


async def test_the_trace_of_an_ended_call_comes_from_the_log(client: httpx.AsyncClient, engine: Engine) -> None:
    engine.end()
    story = (await client.get(f"/api/v1/calls/{CALL}/trace")).json()
    assert (story["live"], story["cause"], len(story["ladder"])) == (False, "normal clearing", 4)
    assert [leg["media"] and leg["media"]["received"] for leg in story["legs"]] == [None, 200]
    assert (await client.get("/api/v1/calls/x-9/trace")).status_code == 404
    assert (await client.get("/api/v1/calls")).json()["items"] == []


async def test_a_trace_as_text_reads_in_columns(client: httpx.AsyncClient, engine: Engine) -> None:
    engine.end()
    text = (await client.get(f"/api/v1/calls/{CALL}/trace", headers={"Accept": "text/plain"})).text
    assert text == (
        "Call      x-1\n"
        "From      1001 (Ann), account/1001\n"
        "To        1002, context default\n"
        "Started   2026-11-21 22:34:13.120 UTC\n"
        "Answered  22:34:14.021, after 0.901 s\n"
        "Ended     22:34:18.123, after 5.003 s: normal clearing\n"
        "\n"
        "Decisions\n"
        "  22:34:13.121  dialplan:default version 3 → account/1002\n"
        "                matched  default/accounts  the number matches 1XXX: to account/{number}\n"
        "\n"
        "Signalling\n"
        "  22:34:13.120    +0  leg 1  ──▶ switch  INVITE sip:1002@127.0.0.1\n"
        "  22:34:13.122    +2  leg 2  ◀── switch  INVITE sip:1002@127.0.0.1:5080\n"
        "  22:34:14.020  +900  leg 2  ──▶ switch  200 OK (INVITE)\n"
        "  22:34:14.021  +901  leg 1      switch  the caller hears 1002\n"
        "\n"
        "Legs\n"
        "  leg    party         number  ended by  cause            received  sent  lost  jitter  MOS  first  from\n"
        "  leg 1  account/1001  1001\n"
        "  leg 2  account/1002  1002    party     normal clearing       200   199     1  0.5 ms"
        "  4.4  never  127.0.0.1:9\n"
    )

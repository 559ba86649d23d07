"""Who may supervise by HTTP and by code, what is stored of it, and what the audit log says."""

from collections.abc import AsyncIterator, Callable, Collection

import httpx
import pytest

from softswitch.events import SupervisionBegan, SupervisionEnded, SupervisionModeChanged
from softswitch.features.supervision.feature import build
from softswitch.features.supervision.model import Mode, Rights
from softswitch.features.supervision.service import Supervisors
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound, NotPermitted
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.audit import Audit, page
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client

CALL, AGENT, OWN = CallId("call"), LegId("call.2"), CallId("own")


class Running:
    """A supervision as the engine has it."""

    watches, account, watched_account, watched_in = AGENT, "1020", "1002", CALL

    def __init__(self, mode: Mode, over: Callable[[str], None]) -> None:
        self.mode: Mode = mode
        self.taken = False
        self._over = over

    def change(self, mode: Mode, ordered_by: str = "") -> None:
        self.mode = mode

    def take_over(self) -> None:
        if self.taken:
            raise Conflict("not-talking", "with nobody")
        self.taken = True

    def end(self, reason: str) -> None:
        self._over(reason)


class Board:
    """A switch in which one agent talks."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, str, bool]] = []
        self.running: list[Running] = []
        self.living: set[CallId] = set()

    def supervise(self, by: CallId, leg: LegId, mode: Mode, *, ordered_by: str, over: Callable[[str], None]) -> Running:
        self.running.append(Running(mode, over))
        return self.running[-1]

    def may_be_supervised(self, call: CallId, leg: LegId | None) -> LegId:
        if call != CALL:
            raise NotFound("live call", call)
        if leg == "past":
            raise Conflict("not-through-us", "the sound of the call does not pass through the switch")
        return leg or AGENT

    def talk_of(self, account: str) -> LegId | None:
        return AGENT if account == "1002" else None

    def lives(self, call: CallId) -> bool:
        return call in self.living

    def ring(self, account: str, shown: str, destination: Destination, *, auto_answer: bool) -> CallId:
        self.rung.append((account, str(destination), auto_answer))
        return CallId(f"own{len(self.rung)}")

    def groups_of(self, number: str) -> Collection[str]:
        return {"1002": ("sales",)}.get(number, ())


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def supervisors(board: Board) -> Supervisors:
    return Supervisors(board, board)


@pytest.fixture
async def client(database: Database, supervisors: Supervisors) -> AsyncIterator[httpx.AsyncClient]:
    router = build(supervisors).router
    assert router is not None
    async with admin_client(database, [router]) as client:
        client.base_url = httpx.URL("http://switch/api/v1")
        yield client


def bearer(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {role}"}


@pytest.mark.parametrize(
    ("act", "why"), [("listen", ""), ("barge", "1020 may not barge"), ("take-over", "1020 may not take-over")]
)
def test_an_account_may_do_what_its_rights_say(act: str, why: str) -> None:
    rights = Rights(account="1020", everybody=True, acts=("listen", "whisper"))
    assert rights.refusal(act, "1002", ()) == why  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rights", "may"),
    [
        (Rights(account="1020", accounts=("1002",)), True),
        (Rights(account="1020", accounts=("1003",)), False),
        (Rights(account="1020", groups=("sales", "night")), True),
        (Rights(account="1020", groups=("support",)), False),
        (Rights(account="1020", everybody=True), True),
        (Rights(account="1020"), False),
    ],
    ids=str,
)
def test_whom_an_account_may_supervise_is_named_or_in_a_group(rights: Rights, may: bool) -> None:
    assert (rights.refusal("listen", "1002", {"sales"}) == "") == may


def test_a_code_is_for_those_who_were_given_the_right(supervisors: Supervisors) -> None:
    with pytest.raises(NotPermitted):
        supervisors.dialled("1020", "listen", "1002")
    supervisors._take({"1020": Rights(account="1020", groups=("sales",), acts=("listen",))})
    order = supervisors.dialled("1020", "listen", "1002")
    assert (order.leg, order.acts, order.ordered_by) == (AGENT, ("listen",), "")
    with pytest.raises(NotPermitted):
        supervisors.dialled("1020", "listen", "1003")
    supervisors._take({"1020": Rights(account="1020", everybody=True)})
    with pytest.raises(NotFound):
        supervisors.dialled("1020", "listen", "1003")


async def test_the_role_decides_over_http(client: httpx.AsyncClient) -> None:
    for role, status in (("viewer", 403), ("operator", 403), ("supervisor", 201), ("admin", 201)):
        answer = await client.post("/calls/call/supervise", json={"by": "1020"}, headers=bearer(role))
        assert answer.status_code == status, role
    for path in ("/supervisions", "/supervisors", "/supervisors/1020"):
        assert (await client.get(path, headers=bearer("operator"))).status_code == 403
    answer = await client.put("/supervisors/1020", json={"everybody": True}, headers=bearer("supervisor"))
    assert answer.status_code == 403, "nobody makes themselves one by telephone"


async def test_an_order_is_refused_where_nobody_can_be_heard(client: httpx.AsyncClient, board: Board) -> None:
    for path, body, status in (
        ("/calls/none/supervise", {"by": "1020"}, 404),
        ("/calls/call/supervise", {"by": "1020", "leg": "past"}, 409),
        ("/calls/call/supervise", {"by": "1020", "mode": "shout"}, 422),
        ("/calls/call/supervise", {"mode": "listen"}, 422),
    ):
        assert (await client.post(path, json=body)).status_code == status, body
    assert not board.rung
    answer = await client.post("/calls/call/supervise", json={"by": "1020", "mode": "barge", "auto_answer": True})
    assert answer.json() == {"call_id": "own1"}
    assert board.rung == [("1020", "supervise/barge", True)]


async def test_one_under_way_is_listed_changed_and_ended(
    client: httpx.AsyncClient, supervisors: Supervisors, board: Board
) -> None:
    own = CallId((await client.post("/calls/call/supervise", json={"by": "1020", "mode": "whisper"})).json()["call_id"])
    order = supervisors.ordered(own)
    assert order is not None and supervisors.ordered(own) is None, "it is carried out once"
    told: list[str] = []
    supervisors.begin(own, order, told.append)
    (found,) = (await client.get("/supervisions")).json()["items"]
    assert found == {
        "id": own,
        "by": "1020",
        "ordered_by": "the admin",
        "mode": "whisper",
        "call_id": "call",
        "leg": "call.2",
        "account": "1002",
    }
    for mode, status in (("listen", 204), ("take-over", 204), ("take-over", 409)):
        assert (await client.patch(f"/supervisions/{own}", json={"mode": mode})).status_code == status
    assert (board.running[0].mode, board.running[0].taken) == ("listen", True)
    assert (await client.delete(f"/supervisions/{own}")).status_code == 204
    assert told == ["left"]
    assert (await client.get("/supervisions")).json()["items"] == []
    assert (await client.patch(f"/supervisions/{own}", json={"mode": "barge"})).status_code == 404
    assert (await client.delete(f"/supervisions/{own}")).status_code == 404


async def test_rights_are_stored_and_go_with_their_account(
    client: httpx.AsyncClient, supervisors: Supervisors, board: Board, database: Database
) -> None:
    body = {"everybody": False, "accounts": ["1002", "1003"], "groups": ["sales"], "acts": ["listen", "barge"]}
    assert (await client.put("/supervisors/1020", json=body)).json() == {"account": "1020", **body}
    again = Supervisors(board, board)
    await again.load(database)
    assert again.all_rights() == supervisors.all_rights()
    assert (await client.get("/supervisors/1020")).json() == {"account": "1020", **body}
    assert [each["account"] for each in (await client.get("/supervisors")).json()["items"]] == ["1020"]
    assert (await client.put("/supervisors/1019", json={"accounts": ["a b"]})).status_code == 422
    assert (await client.put("/supervisors/1019", json={"acts": ["shout"]})).status_code == 422
    async with database.session() as session:
        await supervisors.forget(session, "1020")
    assert (await client.get("/supervisors/1020")).status_code == 404
    await again.load(database)
    assert not again.all_rights()


async def test_orders_of_calls_that_are_over_are_forgotten(supervisors: Supervisors, board: Board) -> None:
    first = supervisors.order(CALL, None, "1020", "listen", "ann")
    second = supervisors.order(CALL, None, "1020", "listen", "ann")
    board.living = {second}
    supervisors.order(CALL, None, "1020", "listen", "ann")
    assert supervisors.ordered(first) is None and supervisors.ordered(second) is not None


async def test_every_act_is_in_the_audit_log(database: Database) -> None:
    audit = Audit(database, StandingClock())
    what = {"at": 1, "call": CALL, "leg": AGENT, "by": "1020", "supervisor": OWN}
    audit.hear(SupervisionBegan(**what, mode="listen", ordered_by="ann"))  # type: ignore[arg-type]
    audit.hear(SupervisionModeChanged(**what, mode="barge"))  # type: ignore[arg-type]
    audit.hear(SupervisionEnded(**what, reason="left"))  # type: ignore[arg-type]
    await audit.write()
    async with database.reading() as session:
        rows = await page(session, None, 10, None)
    assert [(row.who, row.action, row.detail) for row in reversed(rows)] == [
        ("ann", "supervise call call", "listen: 1020 in call own, of leg call.2"),
        ("1020", "supervise call call", "barge: 1020 in call own, of leg call.2"),
        ("1020", "supervise call call no more", "left: 1020 in call own, of leg call.2"),
    ]

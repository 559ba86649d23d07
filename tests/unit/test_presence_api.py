"""/api/v1/presence and mailbox counts."""

from collections.abc import AsyncIterator, Sequence

import httpx
import pytest

from softswitch.events import CallFact, Fact, MailboxChanged, PresencePublished
from softswitch.features.presence.api import build_router
from softswitch.features.presence.model import NOBODY, Privacy
from softswitch.features.presence.service import PresenceService
from softswitch.kernel.binding import Binding
from softswitch.kernel.ids import CallId
from softswitch.kernel.watching import Mailbox, Permission, Published, Subject
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client
from tests.support.demo_parts import DemoDirectory


class Surroundings:
    """No phone, no call; and watchers that write down what they are told."""

    def __init__(self) -> None:
        self.told: list[tuple[Subject | str, str]] = []

    def bindings(self, aor: str) -> Sequence[Binding]:
        return ()

    def replace(self, aor: str, bindings: Sequence[Binding]) -> None:
        raise AssertionError

    def flow_failed(self, transport: int) -> None:
        raise AssertionError

    def live(self) -> Sequence[CallId]:
        return ()

    def facts(self, call: CallId) -> Sequence[CallFact] | None:
        return None

    def changed(self, subject: Subject, account: str) -> None:
        self.told.append((subject, account))

    def reachable(self, account: str) -> None:
        self.told.append(("reachable", account))

    def review(self, account: str) -> None:
        self.told.append(("review", account))

    def unwatch(self, account: str) -> None:
        raise AssertionError


class Parts:
    def __init__(self) -> None:
        self.around = Surroundings()
        self.facts: list[Fact] = []
        clock = StandingClock()
        self.presence = PresenceService(
            DemoDirectory(clock), self.around, self.around, clock, self.facts.append, lambda account: account == "1003"
        )
        self.presence.connect(self.around)


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
async def client(parts: Parts, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with admin_client(database, [build_router(parts.presence)]) as client:
        yield client


async def test_presence_is_shown_as_it_is_composed(parts: Parts, client: httpx.AsyncClient) -> None:
    parts.presence.published("1002", [Published(None, ("meeting",), "Back at 3")])
    shown = (await client.get("/api/v1/presence/1002")).json()
    assert shown == {
        "account": "1002",
        "open": False,
        "activities": ["meeting"],
        "note": "Back at 3",
        "do_not_disturb": False,
        "calls": [],
    }
    assert (await client.get("/api/v1/presence/1003")).json()["do_not_disturb"] is True
    assert (await client.get("/api/v1/presence/4711")).status_code == 404
    (fact,) = parts.facts
    assert isinstance(fact, PresencePublished) and fact.activities == ("meeting",)


async def test_mailbox_counts_are_set_told_and_survive(
    parts: Parts, client: httpx.AsyncClient, database: Database
) -> None:
    for counts in ({"new": 1}, {"new": 2, "old": 8, "urgent_new": 1}):
        assert (await client.put("/api/v1/accounts/1002/mwi", json=counts)).status_code == 200
    assert (await client.get("/api/v1/accounts/1002/mwi")).json() == {
        "new": 2,
        "old": 8,
        "urgent_new": 1,
        "urgent_old": 0,
    }
    assert parts.around.told == [(Subject.MAILBOX, "1002")] * 2
    assert isinstance(parts.facts[-1], MailboxChanged)
    later = Parts()
    await later.presence.load(database)
    assert later.presence.mailbox("1002") == Mailbox(2, 8, 1, 0)


async def test_counts_that_cannot_be_are_refused(client: httpx.AsyncClient) -> None:
    put = client.put
    assert (await put("/api/v1/accounts/1002/mwi", json={"new": -1})).status_code == 422
    assert (await put("/api/v1/accounts/1002/mwi", json={"new": 1, "fax": 1})).status_code == 422
    assert (await put("/api/v1/accounts/4711/mwi", json={"new": 1})).status_code == 404
    viewer = {"Authorization": "Bearer viewer"}
    assert (await put("/api/v1/accounts/1002/mwi", json={"new": 1}, headers=viewer)).status_code == 403


async def test_who_may_see_an_account_is_changed_by_name(
    parts: Parts, client: httpx.AsyncClient, database: Database
) -> None:
    path = "/api/v1/presence/1002/privacy"
    assert (await client.get(path)).json() == {"state_for": "colleagues", "parties_for": "nobody"}
    changed = await client.patch(path, json={"parties_for": ["1001"]})
    assert changed.json() == {"state_for": "colleagues", "parties_for": ["1001"]}
    permission = parts.presence.permission
    assert permission(Subject.CALLS, "1002", "1001") is Permission.PARTIES
    assert permission(Subject.CALLS, "1002", "1003") is Permission.STATE
    await client.patch(path, json={"state_for": "nobody"})
    assert permission(Subject.PRESENCE, "1002", "1001") is Permission.NOTHING
    assert permission(Subject.PRESENCE, "1002", "1002") is Permission.PARTIES
    assert permission(Subject.MAILBOX, "1003", "1001") is Permission.NOTHING
    assert permission(Subject.CALLS, "4711", "1001") is None
    assert parts.around.told == [("review", "1002")] * 2
    assert (await client.patch(path, json={"state_for": "everyone"})).status_code == 422
    later = Parts()
    await later.presence.load(database)
    assert later.presence.privacy("1002") == Privacy(NOBODY, ("1001",))


async def test_nothing_is_kept_of_an_account_that_is_gone(
    parts: Parts, client: httpx.AsyncClient, database: Database
) -> None:
    await client.put("/api/v1/accounts/1002/mwi", json={"new": 1})
    await client.patch("/api/v1/presence/1002/privacy", json={"state_for": "nobody"})
    async with database.session() as session:
        await parts.presence.forget(session, "1002")
    await parts.presence.load(database)
    assert parts.presence.mailbox("1002") == Mailbox()
    assert parts.presence.privacy("1002") == Privacy()

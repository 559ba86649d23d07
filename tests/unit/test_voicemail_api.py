"""Boxes, greetings, messages and lists over HTTP, on a real database and real files."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from gateways.media.uploads import read_upload
from gateways.media.wav import write_wav
from softswitch.events import Fact, MailboxChanged, MessageLeft
from softswitch.features.directory.model import NewAccount
from softswitch.features.directory.service import Directory
from softswitch.features.voicemail.boxes import Boxes
from softswitch.features.voicemail.feature import build
from softswitch.features.voicemail.files import DiskFiles
from softswitch.features.voicemail.model.message import Message
from softswitch.features.voicemail.retention import Retention
from softswitch.features.voicemail.service import CUT_OFF, Voicemail
from softswitch.features.voicemail.store import VoicemailStore
from softswitch.kernel.address import Party
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId
from softswitch.kernel.watching import Mailbox
from softswitch.platform import audit as audits
from softswitch.platform.audit import Audit
from softswitch.platform.database import Database
from softswitch.platform.users import PinHashes
from tests.support.admin_plane import StandingClock, admin_client


class Everywhere:
    """Accounts and places of which all exist but those that begin with `no`."""

    def account(self, number: str) -> object | None:
        return None if number.startswith("no") else self

    def why_missing(self, destination: Destination) -> str | None:
        return f"there is no {destination}" if destination.name.startswith("no") else None


class Lamps:
    def __init__(self) -> None:
        self.now: dict[str, Mailbox] = {}

    def shown(self, account: str) -> Mailbox:
        return self.now.get(account, Mailbox())

    async def show(self, account: str, mailbox: Mailbox) -> None:
        self.now[account] = mailbox


class House:
    """The feature as a switch has it."""

    def __init__(self, database: Database, folder: Path, clock: StandingClock) -> None:
        self.facts: list[Fact] = []
        self.lamps = Lamps()
        self.directory = Directory("softswitch", clock)
        self.store = VoicemailStore(database)
        self.files = DiskFiles(folder)
        self._ids = 0
        pins = PinHashes()
        self.boxes = Boxes(self.store, pins, self.directory, Everywhere())
        self.service = Voicemail(
            self.boxes, self.store, self.files, self.lamps, pins, clock, self.facts.append, self._id, mails=True
        )
        self.directory.goes_with(self.service.forget)

    def _id(self) -> str:
        self._ids += 1
        return f"id{self._ids}"

    async def left(self, box: str = "1001", seconds: float = 2.0, *, urgent: bool = False) -> Message:
        """A message that somebody has left."""
        draft = self.service.begin(box, Party("2001", "Zoë"), CallId("c1"))
        name = await self.service.take(draft)
        await self.files.write(name, wav(seconds))
        draft.urgent = urgent
        assert await self.service.keep(draft)
        return await self.service.message(box, draft.message.id)


def wav(seconds: float, level: int = 1000) -> bytes:
    return write_wav(level.to_bytes(2, "little") * round(8000 * seconds), 8000)


@pytest.fixture
async def house(database: Database, tmp_path: Path, clock: StandingClock) -> House:
    house = House(database, tmp_path / "data", clock)
    async with database.session() as session:
        await house.directory.create(
            session, [NewAccount(number=number, password="x") for number in ("1001", "1002", "1003")]
        )
    await house.service.load(database)
    return house


@pytest.fixture
async def audit(database: Database, clock: StandingClock) -> AsyncIterator[Audit]:
    audit = Audit(database, clock)
    audit.start()
    yield audit
    await audit.stop()


@pytest.fixture
async def client(database: Database, house: House, audit: Audit) -> AsyncIterator[httpx.AsyncClient]:
    router = build(house.service, house.directory, read_upload).router
    assert router is not None
    async with admin_client(database, [router], audit=audit) as client:
        client.base_url = httpx.URL("http://switch/api/v1")
        yield client


async def box(client: httpx.AsyncClient, number: str = "1001", **more: object) -> dict[str, object]:
    answer = await client.post("/voicemail", json={"number": number, "pin": "2580", **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, object] = answer.json()
    return body


async def test_a_box_is_made_changed_and_deleted_and_its_pin_is_never_told(
    client: httpx.AsyncClient, house: House, database: Database
) -> None:
    made = await box(client)
    assert made["account"] == "1001" and made["has_pin"] and "pin" not in made
    assert (await client.post("/voicemail", json={"number": "1001"})).status_code == 409
    assert (await box(client, "7000"))["account"] == "", "a number of its own"
    answer = await client.patch("/voicemail/1001", json={"operator": "account/1003", "email": "a@example.com"})
    assert answer.status_code == 200 and answer.json()["operator"] == "account/1003"
    before = house.boxes.all
    fresh = Voicemail(
        Boxes(house.store, PinHashes(), house.directory, Everywhere()),
        house.store,
        house.files,
        house.lamps,
        PinHashes(),
        StandingClock(),
        house.facts.append,
        lambda: "x",
    )
    await fresh.load(database)
    assert fresh.boxes.all == before and before[0].pin.startswith("$argon2id$")
    assert [each["number"] for each in (await client.get("/voicemail")).json()["items"]] == ["1001", "7000"]
    assert (await client.delete("/voicemail/1001")).status_code == 204
    assert (await client.get("/voicemail/1001")).status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pin": "1234"}, "pin"),
        ({"pin": "abcd"}, "pin"),
        ({"operator": "account/nobody"}, "operator"),
        ({"operator": "/"}, "operator"),
        ({"operator": "voicemail/1001"}, "operator"),
        ({"operator": "dialplan/default"}, "operator"),
        ({"account": "nobody"}, "account"),
        ({"timezone": "Nowhere"}, "timezone"),
        ({"email": "nobody"}, "email"),
        ({"most_messages": 0}, "most_messages"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(
    client: httpx.AsyncClient, changes: dict[str, object], field: str
) -> None:
    await box(client)
    before = (await client.get("/voicemail/1001")).json()
    answer = await client.patch("/voicemail/1001", json=changes)
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == field
    assert (await client.get("/voicemail/1001")).json() == before


async def test_an_account_has_one_box(client: httpx.AsyncClient) -> None:
    await box(client)
    answer = await client.post("/voicemail", json={"number": "7000", "account": "1001"})
    assert answer.status_code == 409


async def test_messages_are_listed_heard_moved_and_deleted_and_lamps_follow(
    client: httpx.AsyncClient, house: House, audit: Audit, database: Database
) -> None:
    await box(client)
    first, second = await house.left(), await house.left(seconds=3, urgent=True)
    assert house.lamps.now["1001"] == Mailbox(2, 0, 1, 0)
    listed = (await client.get("/voicemail/1001/messages")).json()["items"]
    assert [(each["id"], each["from"], each["seconds"], each["urgent"]) for each in listed] == [
        (first.id, "2001", 2.0, False),
        (second.id, "2001", 3.0, True),
    ]
    page = (await client.get("/voicemail/1001/messages?limit=1")).json()
    rest = (await client.get("/voicemail/1001/messages", params={"cursor": page["next"]})).json()
    assert page["items"] + rest["items"] == listed and rest["next"] is None
    sound = await client.get(f"/voicemail/1001/messages/{first.id}/sound")
    assert sound.content == wav(2.0) and sound.headers["Content-Type"] == "audio/wav"
    moved = await client.patch(f"/voicemail/1001/messages/{first.id}", json={"folder": "old"})
    assert moved.json()["folder"] == "old" and house.lamps.now["1001"] == Mailbox(1, 1, 1, 0)
    assert len((await client.get("/voicemail/1001/messages?folder=new")).json()["items"]) == 1
    assert (await client.get("/voicemail/1001")).json()["seconds"] == 5.0
    assert (await client.delete(f"/voicemail/1001/messages/{second.id}")).status_code == 204
    assert house.lamps.now["1001"] == Mailbox(0, 1) and not house.files.path(second.file).exists()
    for path in (f"/voicemail/1001/messages/{second.id}", f"/voicemail/7000/messages/{first.id}"):
        assert (await client.get(path)).status_code == 404
    await audit.stop()
    async with database.reading() as session:
        entries = await audits.page(session, None, 100, None)
    assert any(entry.action.endswith("/sound") and entry.who == "the admin" for entry in entries)


async def test_who_may_only_look_hears_nothing(client: httpx.AsyncClient, house: House) -> None:
    await box(client)
    message = await house.left()
    path = f"/voicemail/1001/messages/{message.id}"
    viewer, operator = ({"Authorization": f"Bearer {role}"} for role in ("viewer", "operator"))
    assert (await client.get("/voicemail/1001", headers=viewer)).status_code == 200
    for denied in ("/voicemail/1001/messages", path, f"{path}/sound", "/voicemail/1001/greetings/busy"):
        assert (await client.get(denied, headers=viewer)).status_code == 403
    assert (await client.get(f"{path}/sound", headers=operator)).status_code == 200
    assert (await client.patch(path, json={"folder": "old"}, headers=operator)).status_code == 200
    assert (await client.delete(path, headers=operator)).status_code == 403
    assert (await client.patch("/voicemail/1001", json={"name": "x"}, headers=operator)).status_code == 403


async def test_a_message_is_forwarded_to_those_of_a_list_that_have_room(
    client: httpx.AsyncClient, house: House
) -> None:
    for number in ("1001", "1002", "1003"):
        await box(client, number, most_messages=1)
    await house.left("1003")
    put = await client.put("/voicemail-lists/7100", json={"name": "all", "boxes": ["1002", "1003", "1002"]})
    assert put.json() == {"number": "7100", "name": "all", "boxes": ["1002", "1003"]}
    message = await house.left()
    path = f"/voicemail/1001/messages/{message.id}/forward"
    assert (await client.post(path, json={"to": "7100"})).json() == {"boxes": ["1002"]}
    (copy,) = await house.service.messages("1002")
    assert copy.forwarded_by == "1001" and house.files.path(copy.file).read_bytes() == wav(2.0)
    assert (await client.post(path, json={"to": "7100"})).json()["error_id"] == "box-full"
    assert (await client.post(path, json={"to": "4711"})).status_code == 404
    house.files.path(message.file).unlink()
    await house.service.delete(await house.service.messages("1002"))
    assert (await client.post(path, json={"to": "1002"})).json()["error_id"] == "no-copy"
    assert (await client.put("/voicemail-lists/1001", json={"boxes": []})).status_code == 409
    assert (await client.put("/voicemail-lists/7100", json={"boxes": ["4711"]})).status_code == 422
    assert (await client.delete("/voicemail-lists/7100")).status_code == 204
    assert (await client.get("/voicemail-lists/7100")).status_code == 404


async def test_greetings_are_uploaded_replaced_and_deleted(client: httpx.AsyncClient, house: House) -> None:
    await box(client)
    path = "/voicemail/1001/greetings/busy"
    assert (await client.get(path)).status_code == 404
    for level in (1, 2):
        answer = await client.put(path, content=wav(1.0, level))
        assert answer.status_code == 200 and answer.json()["greetings"] == ["busy"], answer.text
        assert (await client.get(path)).content == wav(1.0, level)
    await asyncio.sleep(0)
    await house.service.stop()
    assert len(list(house.files.path("voicemail/1001").iterdir())) == 1, "the first one's file is gone"
    assert (await client.put(path, content=b"nothing")).status_code == 422
    assert (await client.put(path, content=wav(181))).status_code == 422
    assert (await client.put("/voicemail/1001/greetings/rude", content=wav(1))).status_code == 422
    assert (await client.delete(path)).status_code == 204
    await house.service.stop()
    assert not list(house.files.path("voicemail/1001").iterdir())


async def test_a_box_goes_with_its_account_and_so_do_its_files(
    client: httpx.AsyncClient, house: House, database: Database
) -> None:
    await box(client)
    await client.put("/voicemail/1001/greetings/name", content=wav(1.0))
    await house.left()
    async with database.session() as session:
        await house.directory.remove(session, "1001")
    await house.service.stop()
    assert house.boxes.all == [] and await house.store.boxes() == []
    assert await house.store.messages("1001") == []
    assert not list(house.files.path("voicemail/1001").iterdir())


async def test_what_a_killed_switch_was_recording_is_found_by_the_next(
    client: httpx.AsyncClient, house: House, database: Database
) -> None:
    await box(client)
    draft = house.service.begin("1001", Party("2001"), CallId("c1"))
    name = await house.service.take(draft)
    await house.files.write(f"{name}.part", wav(4.0))
    silent = house.service.begin("1001", Party("2002"), CallId("c2"))
    await house.service.take(silent)
    assert house.service.tally("1001").arriving == 2
    house.facts.clear()
    await house.service.load(database)
    assert await house.service.recover() == 1
    await house.service.light()
    (message,) = await house.service.messages("1001")
    assert (message.note, message.seconds) == (CUT_OFF, 4.0)
    sound = await client.get(f"/voicemail/1001/messages/{message.id}/sound")
    assert sound.content == wav(4.0)
    assert house.lamps.now["1001"].new == 1 and house.service.tally("1001").arriving == 0
    (fact,) = house.facts
    assert isinstance(fact, MessageLeft) and fact.note == CUT_OFF


async def test_old_messages_are_deleted_where_a_box_says_so(
    client: httpx.AsyncClient, house: House, clock: StandingClock, audit: Audit
) -> None:
    await box(client, "1001", keep_days=7)
    await box(client, "1002")
    old, kept = await house.left("1001"), await house.left("1002")
    clock.now += 6 * 86_400
    young = await house.left("1001")
    retention = Retention(house.service, audit)
    assert await retention.sweep() == 0
    clock.now += 2 * 86_400
    assert await retention.sweep() == 1
    left: Sequence[Message] = [*await house.service.messages("1001"), *await house.service.messages("1002")]
    assert [message.id for message in left] == [young.id, kept.id] and not house.files.path(old.file).exists()


async def test_a_number_with_what_a_database_cannot_hold_is_kept_without_it(
    client: httpx.AsyncClient, house: House
) -> None:
    await box(client)
    draft = house.service.begin("1001", Party("20\x0001", "a\x00b"), CallId("c1"))
    await house.files.write(await house.service.take(draft), wav(2.0))
    assert await house.service.keep(draft)
    (message,) = await house.service.messages("1001")
    assert (message.from_number, message.from_name) == ("2001", "ab")


async def test_a_box_is_unlocked(client: httpx.AsyncClient, house: House) -> None:
    from softswitch.features.voicemail.doors import Visitor

    await box(client)
    stranger = Visitor(CallId("c"), "trunk/uas", "555", "")
    for expected in ["wrong"] * 4 + ["locked"]:
        assert await house.service.doors.open("1001", "9999", stranger) == expected
    assert (await client.get("/voicemail/1001")).json()["locked"]
    assert (await client.post("/voicemail/1001/unlock")).status_code == 204
    assert not (await client.get("/voicemail/1001")).json()["locked"]
    other = Visitor(CallId("c"), "trunk/uas", "556", "")
    assert await house.service.doors.open("1001", "2580", other) == "open"
    assert await house.service.doors.open("1001", "2580", stranger) == "locked", "who guessed is known still"
    assert not any(isinstance(fact, MailboxChanged) for fact in house.facts)

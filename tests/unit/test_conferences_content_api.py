"""Documents and cameras in meetings, over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from sqlalchemy import select

from softswitch.engine.bus import Bus
from softswitch.events.rooms import MemberTerminal
from softswitch.features.conference.around import Around
from softswitch.features.conference.feature import build
from softswitch.features.conference.files import MeetingFiles
from softswitch.features.conference.model.inputs import Came
from softswitch.features.conference.model.scene import Scene
from softswitch.features.conference.roster import RoomRosters
from softswitch.features.conference.seats import Seat
from softswitch.features.conference.service import Conferences
from softswitch.features.conference.tables import RoomRow
from softswitch.kernel.errors import Conflict, Invalid, NotPermitted
from softswitch.kernel.ids import CallId, LegId, MixId
from softswitch.platform.database import Database
from softswitch.platform.vault import Vault
from tests.support.admin_plane import StandingClock, admin_client
from tests.support.disk import NoDisk
from tests.support.model_media import ModelMedia

PATH = "/api/v1/conferences"


class Screen:
    """Shows documents of as many pages as they have letters."""

    def __init__(self) -> None:
        self.document = b""
        self.page = 0
        self.cameras: dict[int, tuple[str, bool]] = {}
        self.composed = 0
        self.ended: list[MixId] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def terminal(self, leg: LegId) -> MemberTerminal:
        return "audio"

    def show(self, viewer: LegId, source: LegId | None, content: LegId | None = None) -> None: ...

    def show_content(self, viewer: LegId, source: LegId | None) -> None: ...

    def compose(self, room: MixId, scene: Scene, legs: Mapping[int, LegId], content: LegId | None = None) -> bool:
        self.composed += 1
        return True

    def end(self, room: MixId) -> None:
        self.ended.append(room)

    def record(self, room: MixId, name: str, to: Literal["on", "paused", "off"]) -> None: ...

    def follow(self, room: MixId, scene: Scene, legs: Mapping[int, LegId], content: LegId | None = None) -> None: ...

    def keep(self, name: str, sound: str, began: float, kept: Callable[[str, int, str], None]) -> None: ...

    def must_compose(self, room: MixId) -> bool:
        return bool(self.document)

    async def present(self, room: MixId, document: bytes, page: int) -> int:
        self.meanwhile()
        if page > len(document):
            raise Invalid("document", f"it has {len(document)} pages")
        self.document, self.page = document, page
        return len(document)

    async def turn(self, room: MixId, page: int) -> int:
        if not self.document:
            raise Conflict("no-document", "no document is shown in this meeting")
        return await self.present(room, self.document, page)

    def take_away(self, room: MixId) -> None:
        self.document = b""

    async def check_camera(self, url: str) -> None:
        self.meanwhile()
        if "door" not in url:
            raise NotPermitted("video.camera_hosts does not allow it")

    async def add_camera(
        self, room: MixId, member: int, url: str, sound: bool, lost: Callable[[str], None]
    ) -> LegId | None:
        await self.check_camera(url)
        self.cameras[member] = url, sound
        lost("Connection refused")
        return None

    def remove_camera(self, room: MixId, member: int) -> None:
        self.cameras.pop(member, None)


class Nobody:
    """Whom rooms ask about calls."""

    def account_of(self, call: CallId, leg: LegId) -> str:
        return ""

    def account_name(self, account: str) -> str:
        return ""

    def hang_up(self, call: CallId) -> bool:
        return True


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
async def conferences(
    database: Database, clock: StandingClock, screen: Screen, tmp_path: Path
) -> AsyncIterator[Conferences]:
    nobody: Any = Nobody()
    around = Around(
        clock=clock,
        publish=lambda fact: None,
        sounds=ModelMedia(asyncio.get_running_loop(), "10.0.0.1"),
        switchboard=nobody,
        prompt=lambda language, name: f"{language}/{name}",
        language="en",
        music="music/hold",
        pictures=screen,
    )
    conferences = Conferences(around, nobody, database, Vault(bytes(32)), MeetingFiles(tmp_path), Bus(), NoDisk())
    await conferences.load(database)
    yield conferences
    await conferences.stop()


@pytest.fixture
async def client(database: Database, conferences: Conferences, tmp_path: Path) -> httpx.AsyncClient:
    schedule: Any = None
    router = build(conferences, schedule, RoomRosters(), MeetingFiles(tmp_path)).router
    assert router is not None
    client = admin_client(database, [router])
    assert (await client.post(PATH, json={"number": "3100"})).status_code == 201
    return client


def comes(conferences: Conferences) -> Seat:
    room = conferences.open("3100")
    seat = Seat(room)
    leg = LegId("call-1.1")
    conferences.open("3100")._around.sounds.open(leg)  # type: ignore[attr-defined]
    seat.put(leg)
    assert room.enter(seat, Came(call=CallId("call-1"), number="1001")) == ""
    return seat


async def test_a_document_is_shown_turned_and_taken_away(
    client: httpx.AsyncClient, conferences: Conferences, screen: Screen
) -> None:
    path = f"{PATH}/3100/meeting/document"
    assert (await client.put(path, content=b"abc")).status_code == 409, "there is no meeting"
    comes(conferences)
    assert (await client.put(path, content=b"abc")).json() == {"page": 1, "pages": 3}
    assert (await client.patch(path, json={"page": 3})).json() == {"page": 3, "pages": 3}
    assert (screen.document, screen.page) == (b"abc", 3)
    refused = await client.put(path, params={"page": 4}, content=b"abc")
    assert refused.status_code == 422 and "it has 3 pages" in refused.text
    assert (await client.delete(path)).status_code == 204
    nothing = await client.patch(path, json={"page": 1})
    assert nothing.status_code == 409 and "no document is shown" in nothing.text


async def test_a_meeting_that_ends_meanwhile_leaves_nothing_on_the_screen(
    client: httpx.AsyncClient, conferences: Conferences, screen: Screen
) -> None:
    seat = comes(conferences)
    room = conferences.meeting("3100")
    screen.meanwhile = lambda: room.leave(seat)
    response = await client.put(f"{PATH}/3100/meeting/document", content=b"abc")
    assert response.status_code == 409
    assert screen.ended[-1] == room.mix


async def test_cameras_come_and_go(client: httpx.AsyncClient, conferences: Conferences, screen: Screen) -> None:
    comes(conferences)
    path = f"{PATH}/3100/meeting/cameras"
    assert (await client.put(f"{path}/Gate", json={"url": "rtsp://me:secret@door/1"})).status_code == 204
    assert (await client.put(f"{path}/Yard", json={"url": "rtsp://door/2", "sound": False})).status_code == 204
    await asyncio.sleep(0)
    assert screen.cameras == {2: ("rtsp://me:secret@door/1", True), 3: ("rtsp://door/2", False)}
    assert (await client.put(f"{path}/Gate", json={"url": "rtsp://127.0.0.1/1"})).status_code == 403
    assert (await client.put(f"{path}/Gate", json={"url": "http://door/1"})).status_code == 422
    page = await client.get(f"{PATH}/3100/members")
    shown = [(each["kind"], each["name"], each["sound"], each["lost"]) for each in page.json()["items"]]
    assert shown[1:] == [
        ("camera", "Gate", True, "Connection refused"),
        ("camera", "Yard", False, "Connection refused"),
    ]
    assert "secret" not in page.text
    meeting = (await client.get(f"{PATH}/3100")).json()["meeting"]
    assert (meeting["members"], meeting["cameras"]) == (1, 2)
    assert (await client.patch(f"{PATH}/3100/members/2", json={"role": "host"})).status_code == 409
    muted = (await client.patch(f"{PATH}/3100/members/2", json={"muted": True, "name": "North"})).json()
    assert (muted["muted_by_host"], muted["name"]) == (True, "North")
    assert (await client.delete(f"{path}/Gate")).status_code == 204, "it keeps the name that it came under"
    assert (await client.delete(f"{path}/Gate")).status_code == 404
    assert (await client.delete(f"{PATH}/3100/members/3")).status_code == 204
    assert not screen.cameras
    for number in range(8):
        assert (await client.put(f"{path}/{number}", json={"url": "rtsp://door/1"})).status_code == 204
    assert (await client.put(f"{path}/9", json={"url": "rtsp://door/1"})).status_code == 409


async def test_a_camera_for_a_meeting_that_ends_meanwhile_is_not_fetched(
    client: httpx.AsyncClient, conferences: Conferences, screen: Screen
) -> None:
    seat = comes(conferences)
    screen.meanwhile = lambda: conferences.meeting("3100").leave(seat)
    response = await client.put(f"{PATH}/3100/meeting/cameras/Gate", json={"url": "rtsp://door/1"})
    assert response.status_code == 409
    await asyncio.sleep(0)
    assert not screen.cameras


async def test_cameras_of_a_room_are_stored_sealed_and_shown_without_their_passwords(
    client: httpx.AsyncClient, conferences: Conferences, database: Database, screen: Screen
) -> None:
    gate = {"name": "Gate", "url": "rtsp://me:secret@door:8554/1?password=hidden&x=1"}
    answer = await client.patch(f"{PATH}/3100", json={"cameras": [gate, {"name": "Yard", "url": "rtsp://door/2"}]})
    shown = answer.json()["cameras"]
    assert shown[0] == {"name": "Gate", "url": "rtsp://me:***@door:8554/1?password=***&x=1", "sound": True}
    assert "secret" not in answer.text + (await client.get(PATH)).text
    async with database.reading() as session:
        stored = (await session.scalars(select(RoomRow.rules))).one()
    assert "secret" not in stored and "hidden" not in stored
    # As they are shown, they can be given again.
    shown[0]["sound"] = False
    await client.patch(f"{PATH}/3100", json={"cameras": shown[:1]})
    await conferences.load(database)
    comes(conferences)
    await asyncio.sleep(0)
    assert list(screen.cameras.values()) == [(gate["url"], False)]


@pytest.mark.parametrize(
    "cameras",
    [
        [{"name": "Gate", "url": "rtsp://door/1"}] * 2,
        [{"name": "Gate", "url": "file:///etc/passwd"}],
        [{"name": "Gate", "url": "rtsp://me:pass/word@door/1"}],
        [{"name": "Gate", "url": "rtsp:///1"}],
        [{"name": "Gate", "url": "rtsp://door/a b"}],
        [{"name": f"Gate {number}", "url": "rtsp://door/1"} for number in range(9)],
    ],
)
async def test_cameras_that_cannot_be_are_refused(client: httpx.AsyncClient, cameras: list[dict[str, str]]) -> None:
    answer = await client.patch(f"{PATH}/3100", json={"cameras": cameras})
    assert answer.status_code == 422 and "word@door" not in answer.text


async def test_a_room_without_pictures_shows_nothing(client: httpx.AsyncClient, conferences: Conferences) -> None:
    assert (await client.patch(f"{PATH}/3100", json={"pictures": "off"})).status_code == 200
    comes(conferences)
    assert (await client.put(f"{PATH}/3100/meeting/document", content=b"abc")).status_code == 409

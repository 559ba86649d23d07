"""Conference rooms over HTTP: what is set of them, and what is done in a meeting."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from softswitch.calls.leg import OurVideo
from softswitch.calls.signals import Origin
from softswitch.engine.bus import Bus
from softswitch.engine.caller import Confirmation
from softswitch.events import Fact, MeetingReminded, MemberChanged, MemberUnreached, RoomChanged, RoomClosed
from softswitch.features.conference.around import Around
from softswitch.features.conference.feature import build
from softswitch.features.conference.files import NAMES, MeetingFiles
from softswitch.features.conference.model.inputs import Came
from softswitch.features.conference.roster import RoomRosters
from softswitch.features.conference.schedule import Schedule
from softswitch.features.conference.seats import Seat
from softswitch.features.conference.service import Conferences
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.opening import Opening
from softswitch.kernel.sound import Prompt
from softswitch.platform.database import Database
from softswitch.platform.vault import Vault
from tests.support.admin_plane import StandingClock, admin_client
from tests.support.disk import NoDisk
from tests.support.model_media import ModelMedia

PATH = "/api/v1/conferences"


class Switchboard:
    """Calls nobody but on paper."""

    def __init__(self) -> None:
        self.called: dict[str, Callable[[Cause], None]] = {}
        self.hung_up: list[CallId] = []
        self.dispersed: list[tuple[CallId, Destination]] = []

    def invite(
        self,
        origin: Origin,
        from_: Party,
        number: str,
        destination: Destination,
        home: Destination,
        *,
        ring_seconds: float,
        rang: Callable[[], None],
        over: Callable[[Cause], None],
        confirm: Confirmation | None = None,
        video: Sequence[OurVideo] = (),
    ) -> CallId:
        self.called[f"{destination}:{number}"] = over
        return CallId(f"to-{number}")

    def disperse(self, call: CallId, destination: Destination) -> None:
        if call == "nowhere":
            raise NotFound("live call", call)
        self.dispersed.append((call, destination))

    def hang_up(self, call: CallId) -> bool:
        self.hung_up.append(call)
        return True

    def account_of(self, call: CallId, leg: LegId) -> str:
        return "1001"

    def account_name(self, account: str) -> str:
        return ""


@pytest.fixture
def published() -> list[Fact]:
    return []


@pytest.fixture
def switchboard() -> Switchboard:
    return Switchboard()


@pytest.fixture
async def media() -> ModelMedia:
    return ModelMedia(asyncio.get_running_loop(), "10.0.0.1")


@pytest.fixture
def around(clock: StandingClock, published: list[Fact], switchboard: Switchboard, media: ModelMedia) -> Around:
    return Around(
        clock=clock,
        publish=published.append,
        sounds=media,
        switchboard=switchboard,
        prompt=lambda language, name: f"{language}/{name}",
        language="en",
        music="music/hold",
    )


@pytest.fixture
async def conferences(
    database: Database, around: Around, switchboard: Switchboard, tmp_path: Path
) -> AsyncIterator[Conferences]:
    conferences = Conferences(around, switchboard, database, Vault(bytes(32)), MeetingFiles(tmp_path), Bus(), NoDisk())
    await conferences.load(database)
    yield conferences
    await conferences.stop()


class Post:
    def __init__(self) -> None:
        self.mails: list[tuple[str, str, str]] = []

    def mail(self, to: str, subject: str, text: str) -> bool:
        self.mails.append((to, subject, text))
        return True

    def exists(self, name: str) -> bool:
        return name == "office"

    def opening(self, calendar: str, at_ms: int) -> Opening:
        """On 18 November 2023 the office is closed."""
        return Opening(not 1_700_265_600_000 <= at_ms < 1_700_352_000_000, "by the day")


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
async def schedule(conferences: Conferences, around: Around, post: Post, database: Database) -> Schedule:
    schedule = Schedule(conferences, around, post, post, database)
    await schedule.load(database)
    return schedule


@pytest.fixture
def client(database: Database, conferences: Conferences, schedule: Schedule, tmp_path: Path) -> httpx.AsyncClient:
    router = build(conferences, schedule, RoomRosters(), MeetingFiles(tmp_path)).router
    assert router is not None
    return admin_client(database, [router])


async def make(client: httpx.AsyncClient, **room: Any) -> dict[str, Any]:
    response = await client.post(PATH, json=room)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


def comes(conferences: Conferences, media: ModelMedia, number: str, user: str, **more: Any) -> Seat:
    """Somebody comes into a room."""
    room, leg = conferences.open(number), LegId(f"call-{user}.1")
    media.open(leg)
    seat = Seat(room)
    seat.put(leg)
    assert room.enter(seat, Came(call=CallId(f"call-{user}"), number=user, **more)) == ""
    return seat


async def roster(client: httpx.AsyncClient, number: str) -> dict[str, Any]:
    members = (await client.get(f"{PATH}/{number}/members")).json()["items"]
    return {member["number"]: member for member in members}


async def test_a_room_is_made_changed_and_kept_with_its_pins_sealed(
    client: httpx.AsyncClient, conferences: Conferences, database: Database
) -> None:
    made = await make(client, number="3100", title="Round", pin="2468", host_pin="1357", members=[{"number": "1001"}])
    assert (made["has_pin"], made["has_host_pin"], made["kind"]) == (True, True, "permanent")
    assert "2468" not in str(made) and made["meeting"] is None
    assert (await client.post(PATH, json={"number": "3100"})).status_code == 409
    changed = await client.patch(f"{PATH}/3100", json={"lobby": True, "members": [{"number": "person/7001"}]})
    assert changed.json()["lobby"] is True and changed.json()["members"][0]["number"] == "person/7001"
    assert changed.json()["has_pin"] is True
    async with database.reading() as session:
        (row,) = (await session.execute(text("SELECT rules FROM conference_room"))).all()
    assert "2468" not in row[0] and "1357" not in row[0]
    await conferences.load(database)
    assert conferences.rules("3100").pin == "2468"
    assert (await client.get(PATH)).json()["items"][0]["number"] == "3100"
    assert (await client.delete(f"{PATH}/3100")).status_code == 204
    assert (await client.get(f"{PATH}/3100")).status_code == 404


async def test_a_room_whose_key_is_lost_is_there_and_open_to_nobody_by_pin(
    client: httpx.AsyncClient, database: Database, around: Around, switchboard: Switchboard, tmp_path: Path
) -> None:
    camera = {"name": "Gate", "url": "rtsp://viewer:secret@door.example.com/"}
    await make(client, number="3100", title="Round", pin="2468", host_pin="1357", cameras=[camera])
    other = Conferences(around, switchboard, database, Vault(bytes([1]) * 32), MeetingFiles(tmp_path), Bus(), NoDisk())
    await other.load(database)
    rules = other.rules("3100")
    assert (rules.title, rules.cameras) == ("Round", ())
    assert len(rules.pin) == len(rules.host_pin) == 12 and rules.pin != rules.host_pin
    await other.stop()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"pin": "12"}, "pin: a PIN has four to twelve digits"),
        ({"pin": "1234", "host_pin": "1234"}, "host_pin"),
        ({"lobby": True}, "lobby"),
        ({"members": [{"number": "queue/sales"}]}, "number"),
        ({"most": 1}, "most"),
        ({"call": True}, "members"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    refused = await client.post(PATH, json=body)
    assert refused.status_code == 422 and field in refused.text, refused.text


async def test_who_may_do_what(client: httpx.AsyncClient) -> None:
    await make(client, number="3100")
    viewer, operator = ({"Authorization": f"Bearer {role}"} for role in ("viewer", "operator"))
    assert (await client.get(f"{PATH}/3100", headers=viewer)).status_code == 200
    assert (await client.post(f"{PATH}/3100/unlock", headers=viewer)).status_code == 403
    assert (await client.post(f"{PATH}/3100/unlock", headers=operator)).status_code == 204
    assert (await client.patch(f"{PATH}/3100", json={"title": "x"}, headers=operator)).status_code == 403
    assert (await client.delete(f"{PATH}/3100/meeting", headers=operator)).status_code == 409


async def test_a_caller_who_keyed_in_wrong_pins_is_let_in_again_by_its_number(
    client: httpx.AsyncClient, conferences: Conferences
) -> None:
    await make(client, number="3100", pin="2468")
    conferences.door.take([("caller/account/1004/1004", 5, 0), ("caller/trunk/uas/+49301234", 5, 0)])
    path = f"{PATH}/3100/unlock"
    assert (await client.post(path)).status_code == 204
    for caller in ("1004", "+49301234"):
        assert (await client.post(path, json={"caller": caller})).status_code == 204, "the room's do not stand for it"
        again = await client.post(path, json={"caller": caller})
        assert again.status_code == 404 and caller in again.text
    assert (await client.post(path, json={"number": "1004"})).status_code == 422


async def test_whom_there_is_not_is_named(
    client: httpx.AsyncClient, conferences: Conferences, media: ModelMedia
) -> None:
    await make(client, number="3100")
    comes(conferences, media, "3100", "1001")
    for path in ("meeting/spotlight", "members/1/pinned"):
        refused = await client.put(f"{PATH}/3100/{path}", json={"shown": 77})
        assert refused.status_code == 404 and "'77'" in refused.text
    nobodies: list[dict[str, Any]] = [{}, {"members": []}, {"members": [{"name": "Ann"}]}]
    for nobody in nobodies:
        refused = await client.post(f"{PATH}/3100/members", json=nobody)
        assert refused.status_code == 422 and "members: there is nobody to call" in refused.text
    stays = await client.post(f"{PATH}/3100/members/1/move", json={"room": "3100"})
    assert stays.status_code == 409 and "member 1 is in the room 3100 now" in stays.text


async def test_members_are_muted_given_the_floor_renamed_and_removed(
    client: httpx.AsyncClient, conferences: Conferences, media: ModelMedia, published: list[Fact]
) -> None:
    await make(client, number="3100")
    seats = [comes(conferences, media, "3100", user) for user in ("1001", "1002", "1003")]
    a, b, c = [LegId(f"call-{user}.1") for user in ("1001", "1002", "1003")]
    assert all(media.hears(one, other) for one in (a, b, c) for other in (a, b, c) if one != other)
    member = f"{PATH}/3100/members/2"
    changed = await client.patch(member, json={"muted": True, "name": "Bob", "gain": -6})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["muted_by_host"], changed.json()["name"], changed.json()["gain"]) == (True, "Bob", -6)
    assert not media.hears(a, b) and media.hears(b, a)
    assert (await client.patch(member, json={"muted": False})).json()["muted_by_host"] is False
    assert media.hears(a, b)
    assert (await client.patch(f"{PATH}/3100/members/9", json={"muted": True})).status_code == 404
    shown = await client.patch(f"{PATH}/3100/meeting", json={"mode": "lecture", "locked": True})
    assert shown.json()["meeting"]["mode"] == "lecture" and shown.json()["meeting"]["locked"] is True
    assert not media.hears(a, b)
    await client.patch(member, json={"floor": True})
    assert media.hears(a, b) and not media.hears(b, a)
    last = [fact for fact in published if isinstance(fact, RoomChanged)][-1]
    assert last.by == "api/the admin"
    assert [fact.member for fact in published if isinstance(fact, MemberChanged)][-1] == 2
    assert (await client.delete(member)).status_code == 204
    assert await seats[1].dropped == "conference/removed"
    assert (await roster(client, "3100"))["1002"]["left"] == "kicked"
    assert (await client.delete(f"{PATH}/3100")).status_code == 409
    assert (await client.delete(f"{PATH}/3100/meeting")).status_code == 204
    assert await seats[0].dropped == await seats[2].dropped == "conference/ended"
    assert media.mixes == {} and conferences.now("3100") is None


async def test_the_next_hand_has_the_floor_and_a_member_goes_on_to_another_room(
    client: httpx.AsyncClient, conferences: Conferences, media: ModelMedia
) -> None:
    await make(client, number="3100", mode="lecture")
    await make(client, number="3200")
    seats = [comes(conferences, media, "3100", user) for user in ("1001", "1002")]
    nobody = await client.post(f"{PATH}/3100/meeting/next-hand")
    assert nobody.status_code == 409 and "no-hand" in nobody.text
    asks = await client.patch(f"{PATH}/3100/members/2", json={"hand": True})
    assert asks.json()["hand_at"] is not None
    assert (await client.post(f"{PATH}/3100/meeting/next-hand")).status_code == 200
    second = (await roster(client, "3100"))["1002"]
    assert (second["floor"], second["hand"], second["hand_at"]) == (True, False, None)
    moved = await client.post(f"{PATH}/3100/members/2/move", json={"room": "3200"})
    assert (moved.status_code, moved.json()["left"]) == (202, "moved")
    assert await seats[1].dropped == "" and seats[1].goes_to == "3200"
    came = conferences.moved("3200", CallId("call-1002"))
    assert came is not None and came.number == "1002"
    assert conferences.moved("3200", CallId("call-1002")) is None, "once"
    assert (await client.post(f"{PATH}/3100/members/1/move", json={"room": "3999"})).status_code == 404
    assert (await client.post(f"{PATH}/3100/members/1/move", json={"room": "3100"})).status_code == 409


async def test_one_call_rings_a_group_and_again_who_does_not_come(
    client: httpx.AsyncClient, conferences: Conferences, switchboard: Switchboard, published: list[Fact]
) -> None:
    members = [{"number": "1001", "role": "host"}, {"number": "person/7001", "name": "Ann"}, {"number": "1003"}]
    made = await make(client, kind="instant", call=True, attempts=2, members=members)
    number = made["number"]
    assert list(switchboard.called) == ["dialplan/default:1001", "person/7001:7001", "dialplan/default:1003"]
    switchboard.called["person/7001:7001"](Cause.USER_BUSY)
    switchboard.called["dialplan/default:1003"](Cause.CALL_REJECTED)
    members_now = await roster(client, number)
    ann = members_now["person/7001"]
    assert (ann["state"], ann["unreached"], ann["attempts"]) == ("invited", "busy", 1) and ann["again_at"] is not None
    assert (members_now["1003"]["state"], members_now["1003"]["unreached"]) == ("unreached", "declined")
    unreached = [fact for fact in published if isinstance(fact, MemberUnreached)]
    assert [fact.reason for fact in unreached] == ["busy", "declined"]
    assert (await client.delete(f"{PATH}/{number}/members/1")).status_code == 204
    assert switchboard.hung_up == ["to-1001"]
    assert (await client.delete(f"{PATH}/{number}/members/2")).status_code == 204
    assert conferences.now(number) is None, "nobody is there, and nobody is called any more"
    for _ in range(100):
        if (await client.get(f"{PATH}/{number}")).status_code == 404:
            break
        await asyncio.sleep(0.05)
    assert (await client.get(f"{PATH}/{number}")).status_code == 404, "an instant room is gone with its meeting"


async def test_the_parties_of_a_call_come_into_a_room(client: httpx.AsyncClient, switchboard: Switchboard) -> None:
    await make(client, number="3100")
    assert (await client.post(f"{PATH}/3100/members", json={"call": "abc-1"})).status_code == 202
    assert switchboard.dispersed == [("abc-1", Destination("conference", "3100"))]
    assert (await client.post(f"{PATH}/3100/members", json={"call": "nowhere"})).status_code == 404
    assert (await client.post(f"{PATH}/3100/start")).status_code == 409


# The schedule: it is 14 November 2023, 22:30 (UTC), a Tuesday -------------------------------------------------


async def scheduled(client: httpx.AsyncClient, **entry: Any) -> dict[str, Any]:
    response = await client.put(f"{PATH}/3100/schedule/round", json=entry)
    assert response.status_code == 200, response.text
    put: dict[str, Any] = response.json()
    return put


async def test_members_are_reminded_called_and_let_go_when_the_time_is_over(
    client: httpx.AsyncClient,
    schedule: Schedule,
    clock: StandingClock,
    conferences: Conferences,
    switchboard: Switchboard,
    post: Post,
    published: list[Fact],
    database: Database,
) -> None:
    members = [
        {"number": "1001", "role": "host", "email": "host@example.org"},
        {"number": "1002", "email": "guest@example.org"},
    ]
    await make(client, number="3100", title="Round", kind="scheduled", pin="2468", host_pin="1357", members=members)
    put = await scheduled(
        client, starts_at="2023-11-14T22:50:00Z", minutes=30, remind=[15, 5], calls=True, ends=True, repeat="daily"
    )
    assert put["next"] == "2023-11-14T22:50:00Z"
    rules = conferences.rules("3100")
    assert await schedule.look() == 0 and not conferences.open_now(rules)
    clock.now += 6 * 60
    assert await schedule.look() == 1 and conferences.open_now(rules)
    (reminded,) = [fact for fact in published if isinstance(fact, MeetingReminded)]
    assert (reminded.minutes, reminded.members, reminded.mailed) == (15, ("1001", "1002"), 2)
    assert [to for to, _, _ in post.mails] == ["host@example.org", "guest@example.org"]
    (_, subject, to_host), (_, _, to_guest) = post.mails
    assert "PIN: 1357" in to_host and "PIN: 2468" in to_guest and "2023-11-14 22:50" in subject
    again = Schedule(conferences, schedule._around, post, post, database)
    await again.load(database)
    assert await again.look() == 0, "what was done is not done again after a restart"
    clock.now += 15 * 60
    assert await again.look() == 2
    assert list(switchboard.called) == ["dialplan/default:1001", "dialplan/default:1002"]
    media = schedule._around.sounds
    assert isinstance(media, ModelMedia)
    clock.now += 19.5 * 60
    assert await again.look() == 1
    (warning,) = [sounds for _, sounds in media.announced]
    assert warning[0] == Prompt("en/conference/ends-in")
    clock.now += 10.5 * 60
    assert await again.look() == 3 and len(media.announced) == 1, "the other warnings came too late to be told"
    assert [fact.reason for fact in published if isinstance(fact, RoomClosed)] == ["over"]
    assert not conferences.open_now(rules)
    assert (await client.get(f"{PATH}/3100/schedule")).json()["items"][0]["next"] == "2023-11-15T22:50:00Z"
    clock.now += 86_400 + 3600
    assert await again.look() == 0, "what is long past is not made up for"


async def test_a_calendar_and_the_days_of_the_week_leave_meetings_out(
    client: httpx.AsyncClient, clock: StandingClock
) -> None:
    await make(client, number="3100")
    days = {"starts_at": "2023-11-16T09:00:00+01:00", "timezone": "Europe/Berlin"}
    assert (await scheduled(client, **days, repeat="weekdays"))["next"] == "2023-11-16T08:00:00Z"
    clock.now += 3 * 86_400
    items = (await client.get(f"{PATH}/3100/schedule")).json()["items"]
    assert items[0]["next"] == "2023-11-20T08:00:00Z", "it is Saturday"
    daily = {"starts_at": "2023-11-18T09:00:00Z", "repeat": "daily", "calendar": "office"}
    assert (await scheduled(client, **daily))["next"] == "2023-11-19T09:00:00Z"
    assert (await client.put(f"{PATH}/3100/schedule/x", json={**daily, "calendar": "none"})).status_code == 422
    assert (await client.put(f"{PATH}/3100/schedule/x", json={**daily, "timezone": "Mars"})).status_code == 422
    for odd in ("0001-01-01T00:00:00Z", "9999-12-31T23:30:00Z"):
        for zone in ("America/New_York", "Asia/Shanghai"):
            refused = await client.put(f"{PATH}/3100/schedule/x", json={"starts_at": odd, "timezone": zone})
            assert refused.status_code == 422 and "starts_at" in refused.text
    assert (await client.put(f"{PATH}/none/schedule/x", json=daily)).status_code == 404
    assert (await client.delete(f"{PATH}/3100/schedule/round")).status_code == 204
    assert (await client.delete(f"{PATH}/3100/schedule/round")).status_code == 404


async def test_what_was_recorded_is_listed_heard_and_deleted(client: httpx.AsyncClient, tmp_path: Path) -> None:
    await make(client, number="3100")
    path = f"{PATH}/3100/recordings"
    assert (await client.get(path)).json()["items"] == []
    folder = tmp_path / "conferences" / "3100"
    folder.mkdir(parents=True)
    for name in ("1700000000000-1.wav", "1700000000000-1.wav.part", "notes.txt", "1700000900000-1.mp4"):
        (folder / name).write_bytes(b"sound")
    items = (await client.get(path)).json()["items"]
    assert [item["name"] for item in items] == ["1700000000000-1.wav", "1700000900000-1.mp4"]
    assert (items[0]["began_at"], items[0]["bytes"]) == ("2023-11-14T22:13:20Z", 5)
    assert (await client.get(f"{path}/1700000000000-1.wav")).content == b"sound"
    for none in ("notes.txt", "..%2F..%2Fswitch.db", "1700000000000-2.wav"):
        assert (await client.get(f"{path}/{none}")).status_code == 404
    viewer = {"Authorization": "Bearer viewer"}
    assert (await client.get(f"{path}/1700000000000-1.wav", headers=viewer)).status_code == 403
    assert (await client.delete(f"{path}/1700000000000-1.wav")).status_code == 204
    assert (await client.delete(f"{PATH}/3100")).status_code == 204
    assert len((await client.get(path)).json()["items"]) == 1, "also of a room that is gone"
    assert (await client.get(f"{path}/1700000900000-1.mp4")).content == b"sound"
    assert (await client.delete(f"{path}/1700000900000-1.mp4")).status_code == 204
    assert (await client.get(path)).status_code == 404
    (tmp_path / "1700000000000-1.wav").write_bytes(b"elsewhere")
    assert (await client.get(f"{PATH}/%2E%2E/recordings/1700000000000-1.wav")).status_code == 404


async def test_one_account_does_not_take_all_numbers_of_rooms(conferences: Conferences) -> None:
    numbers = {await conferences.made_for("1001", "default") for _ in range(10)}
    assert len(numbers) == 10
    with pytest.raises(Conflict):
        await conferences.made_for("1001", "default")
    assert await conferences.made_for("1002", "default") not in numbers


async def test_what_is_recorded_in_a_room_of_any_name_stays(tmp_path: Path) -> None:
    files = MeetingFiles(tmp_path)
    kept = tmp_path / "conferences" / "names" / "1700000000000-1.wav"
    said = tmp_path / NAMES / "a-1.wav"
    for path in (kept, said):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"RIFF")
    await files.forget_names(())
    assert [each.name for each in await files.list("names")] == [kept.name] and not said.exists()

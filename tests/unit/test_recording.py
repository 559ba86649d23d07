"""Whose calls are recorded, what orders and codes do, and what is left after a kill."""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from softswitch.engine.bus import Bus
from softswitch.events import (
    CallAnswered,
    CallEnded,
    CallFact,
    CallOffered,
    Fact,
    LegAnswered,
    LegDialed,
    LegEnded,
    RecordingFinished,
    RecordingPaused,
    RecordingStarted,
)
from softswitch.features.recording.feature import build
from softswitch.features.recording.files import Files
from softswitch.features.recording.model import Policy, expiry, file_of, legs_of, party_of
from softswitch.features.recording.retention import Retention
from softswitch.features.recording.service import Recordings
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.audit import Audit
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog
from tests.support.admin_plane import StandingClock, admin_client

CALL, CALLER, CALLED = CallId("b1-000001"), LegId("b1-000001.1"), LegId("b1-000001.2")
STARTED = 1_700_001_000_000
"""2023-11-14T22:30:00Z"""
OFFERED = CallOffered(
    at=1,
    call=CALL,
    leg=CALLER,
    from_number="1001",
    from_name="",
    to_number="1002",
    origin_kind="account",
    origin="1001",
    context="default",
    source="",
)
DIALED = LegDialed(at=2, call=CALL, leg=CALLED, destination=Destination("account", "1002"), number="1002", target="")
GONE = LegEnded(at=9, call=CALL, leg=CALLER, cause=Cause.NORMAL_CLEARING, by_party=True)


class Studio:
    """Notes its orders; a leg may have no sound here."""

    def __init__(self) -> None:
        self.orders: list[tuple[object, ...]] = []
        self.past_us: set[LegId] = set()
        self.kept: dict[Path, int] = {}

    def record(self, leg: LegId, recording: int, file: Path, *, layout: str, format: str) -> None:
        if leg in self.past_us:
            raise Conflict("not-through-us", "its sound does not pass through the switch")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_name(file.name + ".part").write_bytes(wav(500))
        self.orders.append(("record", leg, recording, file.name, layout, format))

    def pause_recording(self, recording: int, mask: str) -> None:
        self.orders.append(("pause", recording, mask))

    def resume_recording(self, recording: int) -> None:
        self.orders.append(("resume", recording))

    def stop_recording(self, recording: int) -> None:
        self.orders.append(("stop", recording))

    def kept_recordings(self) -> dict[Path, int]:
        return self.kept

    def beep(self, leg: LegId) -> None:
        self.orders.append(("beep", leg))


class Calls:
    def __init__(self) -> None:
        self.live: dict[CallId, list[CallFact]] = {CALL: [OFFERED, DIALED]}

    def facts(self, call: CallId) -> Sequence[CallFact] | None:
        return self.live.get(call)


def wav(milliseconds: int) -> bytes:
    """Silence in mono at 8 kHz, as the recorder writes it."""
    size = milliseconds * 16
    head = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", size + 36, b"WAVEfmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", size)
    return head + bytes(size)


class Parts:
    """The service with what it stands on."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.clock = StandingClock()
        self.bus = Bus()
        self.told: list[Fact] = []
        self.bus.subscribe(Fact, self.told.append)
        self.log = EventLog(database)
        self.bus.subscribe(Fact, self.log.append)
        self.studio, self.calls = Studio(), Calls()
        self.chance = 0.5
        self.files = Files(folder)
        self.recordings = self.again()

    def again(self) -> Recordings:
        """The service as after a start."""
        return Recordings(
            self.studio, self.calls, self.log, self.bus, self.clock, self.files, lambda: self.chance, beep_after=0
        )

    async def allow(self, *policies: Policy) -> None:
        async with self.database.session() as session:
            for policy in policies:
                await self.recordings.set_policy(session, policy)

    def happen(self, fact: CallFact) -> None:
        self.calls.live[CALL].append(fact)
        self.bus.publish(fact)

    def of(self, kind: type[Fact]) -> list[Fact]:
        return [fact for fact in self.told if type(fact) is kind]


@pytest.fixture
async def parts(database: Database, tmp_path: Path) -> AsyncIterator[Parts]:
    parts = Parts(database, tmp_path / "recordings")
    parts.log.start()
    yield parts
    await parts.log.stop()


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    router = build(parts.recordings).router
    assert router is not None
    audit = Audit(parts.database, parts.clock)
    async with admin_client(parts.database, [router], audit=audit) as client:
        yield client


def test_a_leg_belongs_to_whoever_it_was_dialled_for_or_called() -> None:
    party = party_of([OFFERED, DIALED], CALLED)
    assert party is not None and (party.account, party.from_number, party.to_number) == ("1002", "1001", "1002")
    assert party_of([OFFERED, DIALED, GONE], CALLER) is None
    assert party_of([], CALLER) is None
    assert legs_of([OFFERED, DIALED]) == [CALLER, CALLED]
    assert legs_of([OFFERED, DIALED, GONE]) == [CALLED]


def test_a_file_is_kept_by_its_day() -> None:
    assert file_of("b1-000001.2-7", 1_700_000_000_000, "opus") == "2023/11/14/b1-000001.2-7.opus"
    assert (expiry(1000, 0), expiry(1000, 2)) == (None, 172_801_000)


@pytest.mark.parametrize(
    ("mode", "chance", "begins"),
    [
        ("none", 0.0, False),
        ("on-demand", 0.0, False),
        ("all", 0.999, True),
        ("percentage", 0.19, True),
        ("percentage", 0.2, False),
    ],
)
def test_a_policy_says_which_calls_are_recorded_from_the_answer_on(mode: str, chance: float, begins: bool) -> None:
    assert Policy(account="1", mode=mode, percentage=20).begins(chance) is begins  # type: ignore[arg-type]


async def test_calls_of_an_account_are_recorded_as_its_policy_says(parts: Parts) -> None:
    parts.happen(CallAnswered(at=3, call=CALL))
    assert parts.studio.orders == [], "nothing is set"
    await parts.allow(
        Policy(account="1002", mode="all", layout="mixed", format="opus", consent_tone=True, keep_days=1),
        Policy(account="1001", mode="percentage", percentage=50),
    )
    parts.happen(LegAnswered(at=3, call=CALL, leg=CALLED))
    parts.happen(CallAnswered(at=3, call=CALL))  # of the caller's calls half are, and this is not
    await asyncio.sleep(0.01)
    assert parts.studio.orders == [
        ("record", CALLED, 1, "b1-000001.2-1.opus", "mixed", "opus"),
        ("beep", CALLER),
        ("beep", CALLED),
    ]
    parts.chance = 0.49
    parts.happen(CallAnswered(at=4, call=CALL))
    assert parts.studio.orders[3][:3] == ("record", CALLER, 2)
    started = parts.of(RecordingStarted)
    assert [fact.by for fact in started] == ["policy", "policy"]  # type: ignore[attr-defined]


async def test_the_default_holds_for_all_without_a_policy_of_their_own(parts: Parts) -> None:
    await parts.allow(Policy(account="default", mode="all"), Policy(account="1001"))
    parts.happen(CallAnswered(at=3, call=CALL))
    parts.happen(LegAnswered(at=3, call=CALL, leg=CALLED))
    assert [order[1] for order in parts.studio.orders] == [CALLED]
    async with parts.database.session() as session:
        await parts.recordings.remove_policy(session, "default")
    assert parts.recordings.policy("1002").mode == "none"


async def test_sound_that_goes_past_us_is_not_recorded_and_harms_no_call(parts: Parts) -> None:
    await parts.allow(Policy(account="default", mode="all"))
    parts.studio.past_us.add(CALLER)
    parts.happen(CallAnswered(at=3, call=CALL))
    with pytest.raises(Conflict):
        parts.recordings.start(CALL, CALLER, "me")
    assert parts.studio.orders == [] and parts.of(RecordingStarted) == []


async def test_the_code_begins_and_ends_what_it_began(parts: Parts) -> None:
    assert parts.recordings.toggle(CALL, CALLED) == "what 1002 says may not be recorded"
    await parts.allow(Policy(account="1002", mode="on-demand"))
    assert parts.recordings.toggle(CALL, CALLED) == "b1-000001.2-1 begins"
    assert parts.recordings.toggle(CALL, CALLED) == "b1-000001.2-1 ends"
    parts.recordings.recording_ended(1, 500, 8044, 0, "")
    assert parts.recordings.toggle(CALL, CALLED) == "b1-000001.2-2 begins"
    parts.recordings.start(CALL, CALLER, "the operator")
    assert parts.recordings.toggle(CALL, CALLER) == "b1-000001.1-3 was begun by the operator and goes on"
    assert parts.recordings.toggle(CallId("nothing"), LegId("nothing.1")) == "the party is in no call"


async def test_orders_over_http(parts: Parts, client: httpx.AsyncClient) -> None:
    viewer, operator = {"Authorization": "Bearer viewer"}, {"Authorization": "Bearer operator"}
    path = f"/api/v1/calls/{CALL}/recordings"
    assert (await client.post(path, headers=viewer)).status_code == 403
    made = await client.post(path, json={"layout": "mixed"}, headers=operator)
    assert made.status_code == 201
    assert made.json() == {
        "id": "b1-000001.1-1",
        "call_id": CALL,
        "leg": CALLER,
        "account": "1001",
        "from": "1001",
        "to": "1002",
        "by": "the operator",
        "rule": "",
        "queue": "",
        "stay": 0,
        "agent": "",
        "started_at": "2023-11-14T22:30:00Z",
        "ended_at": None,
        "state": "recording",
        "layout": "mixed",
        "format": "wav",
        "milliseconds": 0,
        "bytes": 0,
        "lost_ms": 0,
        "note": "",
        "expires_at": None,
    }
    assert (await client.post(path, json={"leg": CALLER})).status_code == 409
    assert (await client.post("/api/v1/calls/none/recordings")).status_code == 404
    assert (await client.post(path, json={"leg": "b1-000001.9"})).status_code == 404
    one = "/api/v1/recordings/b1-000001.1-1"
    assert (await client.post(f"{one}/resume")).status_code == 409
    assert (await client.post(f"{one}/pause", json={"mask": "tone"})).json()["state"] == "paused"
    assert (await client.get(one)).json()["state"] == "paused"
    assert (await client.post(f"{one}/resume")).json()["state"] == "recording"
    assert (await client.get(f"{one}/sound")).status_code == 409, "it runs"
    assert (await client.delete(one)).status_code == 409
    assert (await client.post(f"{one}/stop")).status_code == 200
    parts.files.complete("2023/11/14/b1-000001.1-1.wav")
    parts.recordings.recording_ended(1, 500, 8044, 20, "")
    assert parts.studio.orders[1:] == [("pause", 1, "tone"), ("resume", 1), ("stop", 1)]
    assert len(parts.of(RecordingPaused)) == len(parts.of(RecordingFinished)) == 1
    for order in ("pause", "resume", "stop"):
        assert (await client.post(f"{one}/{order}")).status_code == 409, order
    ended = (await client.get(one)).json()
    assert (ended["state"], ended["milliseconds"], ended["bytes"], ended["lost_ms"]) == ("finished", 500, 8044, 20)
    sound = await client.get(f"{one}/sound", headers=operator)
    assert (sound.content, sound.headers["content-type"]) == (wav(500), "audio/wav")
    assert (await client.get(f"{one}/sound", headers=viewer)).status_code == 403
    assert (await client.delete(one, headers=operator)).status_code == 403
    assert (await client.delete(one)).status_code == 204
    assert (await client.get(one)).status_code == 404
    assert list(parts.files.folder.iterdir()) == []


async def test_recordings_are_found_by_time_number_account_call_and_state(
    parts: Parts, client: httpx.AsyncClient
) -> None:
    for number in range(3):
        parts.recordings.start(CALL, (CALLER, CALLED)[number % 2], "me")
        parts.recordings.recording_ended(number + 1, 500, 8044, 0, "")
        parts.clock.now += 60
    parts.recordings.start(CALL, CALLED, "me")

    async def found(query: str) -> list[str]:
        answer = await client.get(f"/api/v1/recordings?{query}")
        assert answer.status_code == 200, answer.text
        return [each["id"].rpartition("-")[2] for each in answer.json()["items"]]

    assert await found("") == ["4", "3", "2", "1"]
    assert await found("account=1002") == ["4", "2"]
    assert await found("number=1001&state=finished") == ["3", "2", "1"]
    assert await found("number=1003") == []
    assert await found(f"call={CALL}&since=2023-11-14T22:31:00Z&until=2023-11-14T22:32:00Z") == ["2"]
    page = (await client.get("/api/v1/recordings?limit=3")).json()
    rest = (await client.get(f"/api/v1/recordings?limit=3&cursor={page['next']}")).json()
    assert [each["id"][-1] for each in page["items"] + rest["items"]] == ["4", "3", "2", "1"]
    of_call = (await client.get(f"/api/v1/calls/{CALL}/recordings")).json()["items"]
    assert len(of_call) == 4


async def test_policies_over_http(parts: Parts, client: httpx.AsyncClient) -> None:
    path = "/api/v1/recording-policies/1002"
    assert (await client.get(path)).json()["mode"] == "none"
    assert (await client.put(path, json={"mode": "sometimes"})).status_code == 422
    assert (await client.put(path, json={"mode": "percentage", "percentage": 101})).status_code == 422
    operator = {"Authorization": "Bearer operator"}
    assert (await client.put(path, json={"mode": "all"}, headers=operator)).status_code == 403
    made = await client.put(path, json={"mode": "percentage", "percentage": 20, "keep_days": 30})
    assert made.json()["account"] == "1002" and made.json()["layout"] == "stereo"
    again = parts.again()
    await again.load(parts.database)
    assert again.policy("1002") == parts.recordings.policy("1002")
    listed = (await client.get("/api/v1/recording-policies")).json()["items"]
    assert [each["account"] for each in listed] == ["1002"]
    assert (await client.delete(path)).status_code == 204
    assert (await client.delete(path)).status_code == 404


async def test_a_recording_is_kept_as_long_as_it_is_to_be(parts: Parts, client: httpx.AsyncClient) -> None:
    await parts.allow(Policy(account="1001", keep_days=1), Policy(account="1002", keep_days=1))
    for number, leg in ((1, CALLER), (2, CALLED)):
        recording = parts.recordings.start(CALL, leg, "me")
        parts.recordings.recording_ended(number, 500, 8044, 0, "")
        parts.files.complete(recording.file)
    kept = await client.patch("/api/v1/recordings/b1-000001.2-2", json={"expires_at": None})
    assert kept.json()["expires_at"] is None
    audit = Audit(parts.database, parts.clock)
    retention = Retention(parts.recordings, parts.database, parts.clock, audit)
    assert await retention.sweep() == 0
    parts.clock.now += 86_401
    assert await retention.sweep() == 1
    left = (await client.get("/api/v1/recordings")).json()["items"]
    assert [each["id"] for each in left] == ["b1-000001.2-2"]
    assert [path.name for path in parts.files.folder.rglob("*.wav")] == ["b1-000001.2-2.wav"]


async def test_what_a_kill_interrupted_is_complete_after_the_next_start(
    parts: Parts, client: httpx.AsyncClient
) -> None:
    parts.bus.publish(OFFERED)
    parts.recordings.start(CALL, CALLER, "me")
    parts.recordings.start(CALL, CALLED, "me")
    parts.files.path("2023/11/14/b1-000001.2-2.wav.part").unlink()
    await parts.log.flush()
    # The row of a third was not written any more, ...
    parts.bus.publish(DIALED)
    await parts.log.flush()
    stray = parts.files.path("2023/11/14/b1-000001.2-3.wav.part")
    stray.write_bytes(wav(20)[:-3])
    # ... and the switch was killed.
    parts.told.clear()
    parts.clock.now += 60
    again = parts.again()
    parts.bus.publish(CallEnded(at=STARTED, call=CALL, cause=Cause.TEMPORARY_FAILURE))
    await parts.log.flush()
    assert await again.recover(parts.database) == 3
    listed = {each["id"]: each for each in (await client.get("/api/v1/recordings")).json()["items"]}
    first, second, third = (listed[name] for name in ("b1-000001.1-1", "b1-000001.2-2", "b1-000001.2-3"))
    assert (first["state"], first["milliseconds"], first["note"]) == (
        "finished",
        500,
        "the switch was stopped in the middle of it",
    )
    assert (second["state"], second["note"]) == ("failed", "there is no file")
    assert (third["state"], third["account"], third["call_id"], third["leg"]) == ("finished", "1002", CALL, CALLED)
    sound = await client.get("/api/v1/recordings/b1-000001.1-1/sound")
    assert sound.content == wav(500)
    assert list(parts.files.folder.rglob("*.part")) == []
    assert await again.recover(parts.database) == 0


async def test_trouble_and_an_early_end_are_noted(parts: Parts, client: httpx.AsyncClient) -> None:
    parts.recordings.start(CALL, CALLER, "me")
    parts.recordings.recording_troubled(1, "No space left on device")
    assert (await client.get("/api/v1/recordings/b1-000001.1-1")).json()["note"] == "No space left on device"
    parts.recordings.recording_ended(1, 0, 0, 700, "it cannot be made")
    ended = (await client.get("/api/v1/recordings/b1-000001.1-1")).json()
    assert (ended["state"], ended["note"], ended["lost_ms"]) == ("failed", "it cannot be made", 700)
    assert (await client.get("/api/v1/recordings/b1-000001.1-1/sound")).status_code == 404


def test_the_length_of_an_opus_file_is_that_of_its_last_whole_page(tmp_path: Path) -> None:
    def page(position: int, payload: bytes) -> bytes:
        head = struct.pack("<4sBBqIIIB", b"OggS", 0, 0, position, 1, 0, 0, 1)
        return head + bytes([len(payload)]) + payload

    head = page(0, b"OpusHead\x01\x01" + struct.pack("<H", 312) + bytes(7))
    whole = head + page(312 + 48_000, b"1" * 20)
    files = Files(tmp_path)
    (tmp_path / "a.opus.part").write_bytes(whole + page(999_999, b"2" * 200)[:-1])
    found = files.complete("a.opus")
    assert found is not None and found.milliseconds == 1000
    assert files.complete("b.opus") is None
    (tmp_path / "c.wav").write_bytes(b"RIFF")
    empty = files.complete("c.wav")
    assert empty is not None and (empty.milliseconds, empty.size) == (0, 4)


def test_no_file_outside_the_days_is_taken_for_one_of_ours(tmp_path: Path) -> None:
    files = Files(tmp_path)
    (tmp_path / "2026/11/26").mkdir(parents=True)
    (tmp_path / "2026/11/26/x.wav.part").touch()
    assert files.unfinished(["2026/11/25", "2026/11/26"]) == ["2026/11/26/x.wav"]
    with pytest.raises(NotFound):
        files.present("2026/11/26/x.wav")


async def test_what_an_engine_outside_has_kept_running_goes_on_after_the_next_start(
    parts: Parts, client: httpx.AsyncClient
) -> None:
    parts.bus.publish(OFFERED)
    parts.recordings.start(CALL, CALLER, "me")
    parts.bus.publish(DIALED)
    await parts.log.flush()
    # Two more were begun before the kill, whose rows were not written any more; one of them has ended since.
    folder = parts.files.folder / "2023/11/14"
    (folder / "b1-000001.2-2.wav.part").write_bytes(wav(20))
    (folder / "b1-000001.2-3.wav").write_bytes(wav(40))
    names = ("b1-000001.1-1", "b1-000001.2-2", "b1-000001.2-3")
    parts.studio.kept = {(folder / f"{name}.wav").absolute(): number for number, name in enumerate(names, 1)}
    again = parts.again()
    assert await again.recover(parts.database) == 0
    assert (folder / "b1-000001.1-1.wav.part").is_file(), "somebody writes it"
    await parts.log.flush()
    states = {each["id"]: each["state"] for each in (await client.get("/api/v1/recordings")).json()["items"]}
    assert states == dict.fromkeys(names, "recording")
    with pytest.raises(Conflict, match=r"recorded already, as b1-000001\.1-1"):
        again.start(CALL, CALLER, "me")
    for number in (1, 2, 3):
        again.recording_ended(number, 900, 14_444, 0, "")
    await parts.log.flush()
    listed = {each["id"]: each for each in (await client.get("/api/v1/recordings")).json()["items"]}
    assert {(each["state"], each["milliseconds"], each["note"]) for each in listed.values()} == {("finished", 900, "")}
    assert listed["b1-000001.2-3"]["account"] == "1002"
    parts.studio.orders.clear()
    again.start(CALL, CALLER, "me")
    assert parts.studio.orders[0][:3] == ("record", CALLER, 4), "no number is given twice"


async def test_with_the_engine_that_dies_end_its_recordings(parts: Parts, client: httpx.AsyncClient) -> None:
    parts.bus.publish(OFFERED)
    parts.recordings.start(CALL, CALLER, "me")
    done = asyncio.Event()
    parts.bus.subscribe(RecordingFinished, lambda fact: done.set())
    parts.recordings.recordings_lost("the media engine has died")
    async with asyncio.timeout(5):
        await done.wait()
    await parts.log.flush()
    (recording,) = (await client.get("/api/v1/recordings")).json()["items"]
    assert (recording["state"], recording["milliseconds"]) == ("finished", 500)
    assert recording["note"] == "the media engine has died"
    parts.recordings.start(CALL, CALLER, "me")

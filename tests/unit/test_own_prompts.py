"""Prompts of one's own: uploaded, spoken, described, replaced, deleted, and found again."""

import asyncio
from array import array
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.media.uploads import read_take, read_upload
from gateways.media.wav import read_wav, write_wav
from softswitch.features.prompts.feature import build
from softswitch.features.prompts.model import check_name
from softswitch.features.prompts.service import Library
from softswitch.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from softswitch.kernel.sound import Prompt, SoundFile
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock, admin_client

PROMPTS = Path(__file__).parents[2] / "softswitch" / "prompts"


def sound(level: int, milliseconds: int = 500) -> bytes:
    return write_wav(array("h", [level] * (8 * milliseconds)).tobytes(), 8000)


class Voice:
    """Says every text in the same way, as long as it has letters."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def why_silent(self, language: str) -> str | None:
        return None if language == "en" else "pip install it"

    async def synthesise(self, text: str, language: str, voice: str = "") -> SoundFile:
        if voice == "gone":
            raise Unavailable("the voice is not installed")
        if voice:
            raise NotFound("voice", voice)
        (self._data / "said.wav").write_bytes(sound(len(text), 100 * len(text)))
        return SoundFile("said.wav")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    folder = tmp_path / "shipped"
    for name in ("en/main/welcome", "zh/main/welcome", "music/hold"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.wav").write_bytes(sound(1))
    (folder / "en" / "texts.toml").write_text('[main]\nwelcome = "Welcome."\n')
    return folder


def library(shipped: Path, database: Database, tmp_path: Path, *, voice: bool = True) -> Library:
    (tmp_path / "data").mkdir(exist_ok=True)
    return Library(
        shipped,
        tmp_path / "data",
        database,
        StandingClock(),
        read_upload,
        read_take,
        Voice(tmp_path / "data") if voice else None,
    )


@pytest.fixture
async def prompts(shipped: Path, database: Database, tmp_path: Path) -> Library:
    prompts = library(shipped, database, tmp_path)
    await prompts.load(database)
    return prompts


@pytest.fixture
async def client(prompts: Library, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    router = build(prompts, Path()).router
    assert router is not None
    async with admin_client(database, [router]) as client:
        yield client


def level(prompts: Library, name: str, tmp_path: Path) -> int:
    """What the media engine's gateway would find in the file that goes before those that ship."""
    samples, _ = read_wav((tmp_path / "data" / prompts.own[name]).read_bytes())
    return array("h", samples)[0]


async def put(client: httpx.AsyncClient, path: str, level: int, **query: str) -> httpx.Response:
    headers = {"Content-Type": "audio/wav"}
    return await client.put(f"/api/v1/prompts/{path}", content=sound(level), headers=headers, params=query)


async def test_what_ships_is_listed_with_texts_and_lengths(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/api/v1/prompts")).json()
    assert listed["next"] is None
    assert [(each["language"], each["name"], each["text"]) for each in listed["items"]] == [
        ("en", "main/welcome", "Welcome."),
        ("none", "music/hold", ""),
        ("zh", "main/welcome", ""),
    ]
    for each in listed["items"]:
        assert each["origin"] == "shipped" and each["seconds"] == 0.5 and each["made_at"] is None
    first = (await client.get("/api/v1/prompts?limit=1")).json()
    second = (await client.get("/api/v1/prompts", params={"limit": 1, "cursor": first["next"]})).json()
    assert second["items"] == listed["items"][1:2] and second["next"] is not None
    assert len((await client.get("/api/v1/prompts?language=zh")).json()["items"]) == 1
    assert len((await client.get("/api/v1/prompts?origin=uploaded")).json()["items"]) == 0
    assert len((await client.get("/api/v1/prompts?under=music/")).json()["items"]) == 1


async def test_an_uploaded_prompt_goes_before_the_one_that_ships_until_it_is_deleted(
    client: httpx.AsyncClient, prompts: Library, tmp_path: Path
) -> None:
    answer = await put(client, "en/main/welcome", 7, text="Welcome to us.")
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["origin"], shown["text"], shown["seconds"], shown["by"]) == (
        "uploaded",
        "Welcome to us.",
        0.5,
        "the admin",
    )
    assert shown["hides_shipped"] and shown["made_at"].startswith("2023-11-14")
    assert level(prompts, "en/main/welcome", tmp_path) == 7
    assert (await client.get("/api/v1/prompts/en/main/welcome")).json() == shown
    heard = await client.get("/api/v1/prompts/en/main/welcome/sound")
    assert heard.headers["Content-Type"] == "audio/wav" and heard.content == sound(7)
    assert "main-welcome.wav" in heard.headers["Content-Disposition"]
    assert (await client.get("/api/v1/prompts/zh/main/welcome/sound")).content == sound(1)

    assert (await client.delete("/api/v1/prompts/en/main/welcome")).status_code == 204
    assert prompts.own == {} and [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []
    assert (await client.get("/api/v1/prompts/en/main/welcome")).json()["origin"] == "shipped"
    refused = await client.delete("/api/v1/prompts/en/main/welcome")
    assert refused.status_code == 409 and refused.json()["error_id"] == "shipped"


async def test_another_sound_has_another_file_and_the_old_one_goes(
    client: httpx.AsyncClient, prompts: Library, tmp_path: Path
) -> None:
    await put(client, "zh/shop/hours", 1, text="九点到五点")
    first = prompts.own["zh/shop/hours"]
    await put(client, "zh/shop/hours", 2)
    second = prompts.own["zh/shop/hours"]
    assert first != second and not (tmp_path / "data" / first).exists()
    assert (await client.get("/api/v1/prompts/zh/shop/hours")).json()["text"] == "九点到五点", "it was not named"
    await put(client, "zh/shop/hours", 2)
    assert prompts.own["zh/shop/hours"] == second and level(prompts, "zh/shop/hours", tmp_path) == 2
    await asyncio.gather(*(put(client, "zh/shop/hours", level) for level in (3, 4, 3, 5, 3)))
    assert [path.name for path in (tmp_path / "data").rglob("*.wav")] == [Path(prompts.own["zh/shop/hours"]).name]


async def test_a_sound_without_words_has_a_name_without_a_language(
    client: httpx.AsyncClient, prompts: Library, tmp_path: Path
) -> None:
    assert (await put(client, "none/music/hold", 9)).json()["hides_shipped"]
    assert level(prompts, "music/hold", tmp_path) == 9


async def test_a_text_is_spoken_and_kept(client: httpx.AsyncClient, prompts: Library, tmp_path: Path) -> None:
    body = {"language": "en", "name": "shop/open", "text": "We are open."}
    answer = await client.post("/api/v1/prompts", json=body)
    assert answer.status_code == 201
    assert answer.json().items() >= {**body, "origin": "synthesised", "seconds": 1.2, "hides_shipped": False}.items()
    assert level(prompts, "en/shop/open", tmp_path) == 12
    for wrong, status in (
        ({**body, "text": "  "}, 422),
        ({**body, "text": "a\nb"}, 422),
        ({**body, "text": "a" * 2001}, 422),
        ({**body, "language": "fr"}, 422),
        ({**body, "name": "Shop"}, 422),
        ({**body, "voice": "loud"}, 404),
        ({**body, "voice": "gone"}, 503),
    ):
        assert (await client.post("/api/v1/prompts", json=wrong)).status_code == status, wrong


async def test_a_text_that_a_prompt_says_is_not_spoken_anew(prompts: Library) -> None:
    assert (prompts.why_silent("en"), prompts.why_silent("zh")) == (None, "pip install it")
    assert await prompts.synthesise(" welcome. ", "en") == Prompt("en/main/welcome")
    assert await prompts.synthesise("Welcome.", "zh") == SoundFile("said.wav"), "nobody has written down what zh says"
    await prompts.upload("zh", "shop/hi", sound(1), "", "Welcome.", "ann")
    assert await prompts.synthesise("Welcome.", "zh") == Prompt("zh/shop/hi")
    await prompts.set_text("zh", "shop/hi", "Hello.")
    assert await prompts.synthesise("Welcome.", "zh") == SoundFile("said.wav")
    assert await prompts.synthesise("Hello.", "zh") == Prompt("zh/shop/hi")
    await prompts.remove("zh", "shop/hi")
    assert await prompts.synthesise("Hello.", "zh") == SoundFile("said.wav")


async def test_without_a_voice_nothing_is_spoken(shipped: Path, database: Database, tmp_path: Path) -> None:
    prompts = library(shipped, database, tmp_path, voice=False)
    with pytest.raises(Unavailable):
        await prompts.speak("en", "a", "text", "", "")
    with pytest.raises(Unavailable):
        await prompts.synthesise("text", "en")
    assert prompts.why_silent("en") == "this switch has no voice"


async def test_what_is_recorded_by_phone_is_kept_too(prompts: Library, tmp_path: Path) -> None:
    (tmp_path / "take.wav").write_bytes(sound(5000))
    prompt = await prompts.take("en", "main/welcome", tmp_path / "take.wav", None, "1001")
    assert (prompt.origin, prompt.text, prompt.by) == ("recorded", "Welcome.", "1001")


async def test_the_text_of_ones_own_can_be_written_down(client: httpx.AsyncClient) -> None:
    await put(client, "en/shop/hours", 1)
    changed = await client.patch("/api/v1/prompts/en/shop/hours", json={"text": "Nine to five."})
    assert changed.status_code == 200 and changed.json()["text"] == "Nine to five."
    assert (await client.get("/api/v1/prompts/en/shop/hours")).json() == changed.json()
    assert (await client.patch("/api/v1/prompts/en/shop/hours", json={})).json() == changed.json()
    for path, body, status in (
        ("en/main/welcome", {"text": "Hello."}, 409),
        ("en/absent", {"text": "Hello."}, 404),
        ("en/shop/hours", {"text": "a\0b"}, 422),
        ("en/shop/hours", {"text": None}, 422),
        ("en/shop/hours", {"name": "x"}, 422),
    ):
        assert (await client.patch(f"/api/v1/prompts/{path}", json=body)).status_code == status, (path, body)


@pytest.mark.parametrize(
    ("path", "content", "field", "reason"),
    [
        ("en/shop/hours", b"", "sound", "neither a WAV nor an Ogg Opus file"),
        ("en/shop/hours", b"MZ\x90 a program", "sound", "neither a WAV nor an Ogg Opus file"),
        ("en/shop/hours", sound(1)[:40], "sound", "no samples"),
        ("en/shop/hours", sound(1, 10), "sound", "too short"),
        ("en/Shop", sound(1), "name", "no name of a prompt"),
        ("en/shop//hours", sound(1), "name", "no name of a prompt"),
        ("en/..%2F..%2Fetc", sound(1), "name", "no name of a prompt"),
        ("en/" + "a" * 129, sound(1), "name", "no name of a prompt"),
        ("en/shop/sound", sound(1), "name", "cannot be 'sound'"),
        ("none/en/shop", sound(1), "name", "language"),
        ("fr/shop", sound(1), "language", "none of en, zh"),
    ],
)
async def test_what_cannot_be_kept_is_refused_with_the_field_and_the_reason(
    client: httpx.AsyncClient, prompts: Library, tmp_path: Path, path: str, content: bytes, field: str, reason: str
) -> None:
    answer = await client.put(f"/api/v1/prompts/{path}", content=content, headers={"Content-Type": "audio/wav"})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == field and reason in error["message"]
    assert prompts.own == {} and [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []


async def test_bare_samples_are_kept_as_their_type_says(client: httpx.AsyncClient) -> None:
    answer = await client.put(
        "/api/v1/prompts/en/a", content=bytes(8000), headers={"Content-Type": "audio/L16;rate=16000"}
    )
    assert answer.json()["seconds"] == 0.25


async def test_only_an_administrator_changes_prompts(client: httpx.AsyncClient) -> None:
    operator, viewer = ({"Authorization": f"Bearer {role}"} for role in ("operator", "viewer"))
    assert (await client.get("/api/v1/prompts", headers=operator)).status_code == 200
    assert (await client.get("/api/v1/prompts", headers=viewer)).status_code == 403
    for method, path in (("PUT", "/en/a"), ("POST", ""), ("PATCH", "/en/a"), ("DELETE", "/en/a")):
        answer = await client.request(method, f"/api/v1/prompts{path}", headers=operator, json={})
        assert answer.status_code == 403, method


async def test_a_full_library_takes_no_more(prompts: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("softswitch.features.prompts.service.MOST_PROMPTS", 1)
    await prompts.upload("en", "a", sound(1), "", None, "")
    await prompts.upload("en", "a", sound(2), "", None, "")
    with pytest.raises(Conflict, match="there are 1 prompts already"):
        await prompts.upload("en", "b", sound(1), "", None, "")
    monkeypatch.setattr("softswitch.features.prompts.service.MOST_PROMPTS", 9)
    monkeypatch.setattr("softswitch.features.prompts.service.MOST_BYTES", 10_000)
    with pytest.raises(Conflict, match="10000 bytes"):
        await prompts.upload("en", "b", sound(1), "", None, "")


async def test_they_are_found_again_but_for_one_whose_file_is_gone(
    prompts: Library, shipped: Path, database: Database, tmp_path: Path
) -> None:
    await prompts.upload("en", "main/welcome", sound(3), "", "Hello.", "ann")
    await prompts.upload("en", "gone", sound(4), "", None, "ann")
    (tmp_path / "data" / prompts.own["en/gone"]).unlink()
    again = library(shipped, database, tmp_path)
    mapping = again.own
    await again.load(database)
    assert mapping is again.own and list(mapping) == ["en/main/welcome"]
    assert again.find("en", "main/welcome") == prompts.find("en", "main/welcome")
    with pytest.raises(NotFound):
        again.find("en", "gone")
    await again.upload("en", "gone", sound(4), "", None, "ann")
    assert again.has("en", "gone")


async def test_the_prompts_of_the_tree_are_all_known_and_readable(database: Database, tmp_path: Path) -> None:
    prompts = library(PROMPTS, database, tmp_path)
    shown = await prompts.measured(prompts.all())
    assert {"en", "zh", "none"} == {prompt.language for prompt in shown}
    assert all(prompt.milliseconds > 50 for prompt in shown)
    assert all(prompt.text for prompt in shown if prompt.language != "none")
    for prompt in shown:
        check_name(prompt.language, prompt.name)


@given(st.sampled_from(["en", "zh", "none", "", "..", "xx"]), st.text(max_size=40))
def test_a_name_that_is_taken_stays_inside_its_folder(language: str, name: str) -> None:
    try:
        check_name(language, name)
    except Invalid:
        return
    assert language in ("en", "zh", "none")
    assert name.isascii() and all(part and part[0].isalnum() and "." not in part for part in name.split("/"))

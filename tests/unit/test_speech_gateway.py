"""What was spoken is kept and shared; what cannot be spoken or understood is told with the reason."""

import asyncio
import wave
from pathlib import Path

import pytest

from gateways.media.prompts import read_samples
from gateways.speech import recognition
from gateways.speech.cache import SoundCache
from gateways.speech.gateway import SpeechGateway
from gateways.speech.jobs import Answer, Hear, Job, Said, Say, Understood
from gateways.speech.process import Worker
from gateways.speech.voices import VOICES, EnglishVoice
from softswitch.kernel.errors import Invalid, NotFound, Unavailable
from softswitch.kernel.speech import Heard
from tests.support.admin_plane import StandingClock


class Jobs(Worker):
    """Notes the jobs; each takes a moment."""

    def __init__(self) -> None:
        super().__init__("voices")
        self.jobs: list[Job] = []

    async def do(self, job: Job) -> Answer:
        self.jobs.append(job)
        await asyncio.sleep(0.05)
        if isinstance(job, Hear):
            return Understood("to sales", 0.8, "sales")
        if job.text == "fail":
            raise Unavailable("the process of the voices ended")
        return Said(job.text.encode().ljust(400, b"\0"), 24_000)


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def gateway(tmp_path: Path, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> SpeechGateway:
    monkeypatch.setattr(EnglishVoice, "must_be_installed", lambda self: None)
    return SpeechGateway(tmp_path, StandingClock(), read_samples, voices=jobs, ears=jobs)


async def test_a_text_is_spoken_once_and_its_file_found_again(
    gateway: SpeechGateway, jobs: Jobs, tmp_path: Path
) -> None:
    first, second = await asyncio.gather(gateway.synthesise("Hello.", "en"), gateway.synthesise(" Hello.\n", "en"))
    assert first == second == await gateway.synthesise("Hello.", "en", "hibari-heart")
    assert jobs.jobs == [Say("Hello.", "en")]
    with wave.open(str(tmp_path / first.name)) as file:
        assert (file.getframerate(), file.readframes(3)) == (24_000, b"Hello.")
    again = SpeechGateway(tmp_path, StandingClock(), read_samples, voices=jobs)
    assert await again.synthesise("Hello.", "en") == first and len(jobs.jobs) == 1
    assert await gateway.synthesise("hello.", "en") != first


async def test_who_hangs_up_leaves_the_text_to_the_others(gateway: SpeechGateway, jobs: Jobs, tmp_path: Path) -> None:
    gone = asyncio.create_task(gateway.synthesise("Hello.", "en"))
    await asyncio.sleep(0.01)
    gone.cancel()
    sound = await gateway.synthesise("Hello.", "en")
    assert (tmp_path / sound.name).is_file() and len(jobs.jobs) == 1


async def test_a_text_that_failed_is_tried_again_when_it_is_asked_for_again(gateway: SpeechGateway, jobs: Jobs) -> None:
    for _ in range(2):
        with pytest.raises(Unavailable, match="ended"):
            await gateway.synthesise("fail", "en")
    assert len(jobs.jobs) == 2


async def test_what_cannot_be_spoken_is_told(gateway: SpeechGateway, jobs: Jobs, tmp_path: Path) -> None:
    for text in ("", "  ", "a" * 2001):
        with pytest.raises(Invalid, match="text"):
            await gateway.synthesise(text, "en")
    assert gateway.why_silent("en") is None
    with pytest.raises(NotFound):
        await gateway.synthesise("Bonjour.", "fr")
    with pytest.raises(NotFound):
        await gateway.synthesise("Hello.", "en", "loud")
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(Unavailable, match="cannot be kept"):
        await gateway.synthesise("Hello.", "en")


async def test_a_voice_that_is_not_installed_says_what_to_install(
    tmp_path: Path, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for language in VOICES:
        gateway = SpeechGateway(tmp_path, StandingClock(), read_samples, voices=jobs)
        with pytest.raises(Unavailable, match=rf"pip install 'softswitch\[speech-{language}\]'") as raised:
            await gateway.synthesise("Hello.", language)
        assert gateway.why_silent(language) == str(raised.value)
    assert gateway.why_silent("fr") == "no voice speaks 'fr'"
    assert jobs.jobs == []


async def test_what_is_said_is_given_to_the_ears(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scribe = Jobs()
    gateway = SpeechGateway(tmp_path, StandingClock(), read_samples, voices=jobs, ears=jobs, scribe=scribe)
    with wave.open(str(tmp_path / "said.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"ab" * 800)
    monkeypatch.setattr(recognition, "installed", lambda package: True)
    heard = await gateway.recognise(tmp_path / "said.wav", "en", ["sales", "support"])
    assert heard == Heard("to sales", 0.8, "sales")
    assert jobs.jobs == [Hear(b"ab" * 800, 8000, "en", ("sales", "support"))]
    assert scribe.jobs == []
    await gateway.recognise(tmp_path / "said.wav", "en")
    assert scribe.jobs == [Hear(b"ab" * 800, 8000, "en", ())], "a message keeps no caller waiting"


async def test_what_cannot_be_understood_is_told(
    gateway: SpeechGateway, jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16_000 * 301))
    with pytest.raises(NotFound):
        await gateway.recognise(tmp_path / "text.wav", "fr")
    monkeypatch.setattr(recognition, "installed", lambda package: True)
    for name, reason in (
        ("text.wav", "no WAV file"),
        ("long.wav", "longer than 300 s"),
        ("gone.wav", "cannot be read"),
    ):
        with pytest.raises(Invalid, match=reason):
            await gateway.recognise(tmp_path / name, "en")
    monkeypatch.setattr(recognition, "installed", lambda package: package in ("pocketsphinx", "numpy"))
    with pytest.raises(Unavailable, match=r"pip install softswitch\[ears\]"):
        await gateway.recognise(tmp_path / "long.wav", "zh")
    monkeypatch.setattr(recognition, "installed", lambda package: False)
    with pytest.raises(Unavailable, match="ears-en"):
        await gateway.recognise(tmp_path / "long.wav", "en")
    assert jobs.jobs == []


def test_sounds_that_were_not_asked_for_for_longest_go_first(tmp_path: Path) -> None:
    cache = SoundCache(tmp_path, most_bytes=250)

    def there() -> set[str]:
        return {path.name for path in tmp_path.rglob("*") if path.is_file()}

    for at, key in enumerate(("aa1", "bb2")):
        cache.keep(key, bytes(100))
        cache.find(key, at)
    changed = cache.path("aa1").stat().st_mtime_ns
    assert cache.find("aa1", 5) == cache.path("aa1")
    assert cache.path("aa1").stat().st_mtime_ns == changed, "what plays it would read it again"
    cache.keep("cc3", bytes(100))
    assert there() == {"aa1.wav", "cc3.wav"} and cache.find("bb2", 6) is None
    cache.keep("dd4", bytes(1000))
    assert there() == {"dd4.wav"}, "the newest stays, whatever its length"

"""The voices and recognisers that are installed, in their processes: what a voice says is speech of its length and
height, and a recogniser hears the words, also over the sound of a telephone."""

import array
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateways.media.prompts import read_samples
from gateways.media.wav import write_wav
from gateways.speech.gateway import SpeechGateway
from gateways.speech.matching import spelled_in_english
from gateways.speech.recognition import must_be_installed
from gateways.speech.voices import VOICES
from softswitch.kernel.errors import Unavailable
from tests.support.admin_plane import StandingClock

numpy = pytest.importorskip("numpy")


def skipped_without(what: str, language: str) -> None:
    """Skip with the reason where a voice or the ears of a language are not installed."""
    try:
        if what == "voice":
            VOICES[language].must_be_installed()
        else:
            must_be_installed(language, ())
    except Unavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture
async def speech(tmp_path: Path) -> AsyncIterator[SpeechGateway]:
    gateway = SpeechGateway(tmp_path, StandingClock(), read_samples)
    yield gateway
    await gateway.stop()


async def said(speech: SpeechGateway, folder: Path, text: str, language: str) -> Path:
    return folder / (await speech.synthesise(text, language)).name


def by_telephone(sound: Path, to: Path, seconds_before: float = 0.5) -> Path:
    """The same at 8 kHz, between silences, as it would be recorded."""
    samples, rate = read_samples(sound)
    wide = numpy.frombuffer(samples, "<i2").astype(float)
    length = round(len(wide) * 8000 / rate)
    narrow = numpy.fft.irfft(numpy.fft.rfft(wide)[: length // 2 + 1], length) * (length / len(wide))
    before, behind = numpy.zeros(round(8000 * seconds_before)), numpy.zeros(7000)
    to.write_bytes(
        write_wav(numpy.concatenate([before, narrow, behind]).clip(-32768, 32767).astype("<i2").tobytes(), 8000)
    )
    return to


def height(sound: Any, rate: int) -> float:
    """Hz of the voice: the middle of what frames that are voiced repeat at."""
    found = []
    for start in range(0, len(sound) - 2048, 1024):
        frame = sound[start : start + 2048] - sound[start : start + 2048].mean()
        like = numpy.fft.irfft(numpy.abs(numpy.fft.rfft(frame, 4096)) ** 2)[:1024]
        low, high = rate // 400, rate // 60
        at = low + int(like[low:high].argmax())
        if like[0] > 2048 * 500**2 and like[at] > 0.5 * like[0]:
            found.append(rate / at)
    return float(numpy.median(found)) if found else 0.0


@pytest.mark.parametrize(
    ("language", "short", "long"),
    [
        ("en", "Please hold the line.", "Please hold the line, we will be with you as soon as somebody is free."),
        ("zh", "请稍等。", "请稍等，我们的工作人员会尽快为您服务，谢谢您的耐心。"),
    ],
)
async def test_a_voice_says_a_text_at_the_height_and_speed_of_a_voice(
    speech: SpeechGateway, tmp_path: Path, language: str, short: str, long: str
) -> None:
    skipped_without("voice", language)
    lengths = []
    for text in (short, long):
        path = await said(speech, tmp_path, text, language)
        with wave.open(str(path)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
            samples = array.array("h", file.readframes(file.getnframes()))
        sound = numpy.array(samples, dtype=float)
        level = 20 * numpy.log10(numpy.sqrt((sound**2).mean()) / 32768)
        assert -35 < level < -10
        assert 80 < height(sound, 24_000) < 350
        lengths.append(len(sound) / 24_000)
        letters = len(text) * (3 if language == "zh" else 1)
        assert 8 < letters / lengths[-1] < 30, "letters a second"
    assert lengths[1] > 2 * lengths[0]


@pytest.mark.parametrize(
    "text",
    [
        "I would like to speak to the operator.",
        "My telephone does not work since yesterday.",
        "What is the weather today?",
    ],
)
async def test_what_the_english_voice_says_is_understood(speech: SpeechGateway, tmp_path: Path, text: str) -> None:
    skipped_without("voice", "en")
    skipped_without("ears", "en")
    heard = await speech.recognise(await said(speech, tmp_path, text, "en"), "en")
    words, understood = spelled_in_english(text), spelled_in_english(heard.text)
    assert sum(word in understood for word in words) >= 0.8 * len(words), heard
    assert 0.2 < heard.confidence <= 1 and heard.phrase is None


async def test_a_message_of_a_minute_is_written_down_to_its_end(speech: SpeechGateway, tmp_path: Path) -> None:
    skipped_without("voice", "en")
    skipped_without("ears", "en")
    samples, rate = b"", 24_000
    for sentence in MESSAGE:
        spoken, rate = read_samples(await said(speech, tmp_path, sentence, "en"))
        samples += spoken + bytes(2 * rate)
    assert len(samples) > 2 * 35 * rate, "longer than the model listens to at once"
    (tmp_path / "message.wav").write_bytes(write_wav(samples, rate))
    heard = await speech.recognise(tmp_path / "message.wav", "en")
    words, understood = spelled_in_english(" ".join(MESSAGE)), spelled_in_english(heard.text)
    assert sum(word in understood for word in words) >= 0.75 * len(words), heard
    assert "morning" in understood[-4:], heard


MESSAGE = (
    "Hello, this is a message for the people who look after our telephones.",
    "Since yesterday afternoon none of the phones on the second floor can be called.",
    "We have taken one of them to another room, and there it works.",
    "So I think that something is wrong with the cable, or with the box that it leads to.",
    "There are about thirty people who cannot work without a telephone.",
    "It would be good if somebody could come today, before the office closes.",
    "If that is not possible, please tell us when you can come.",
    "My number is on the list that we sent to you in the spring.",
    "Please call me back this evening, or tomorrow in the morning.",
)
PHRASES = ["repair", "billing", "operator", "opening hours", "technical support", "monday", "three"]


async def test_english_phrases_are_known_by_telephone_and_what_is_none_is_not(
    speech: SpeechGateway, tmp_path: Path
) -> None:
    skipped_without("voice", "en")
    skipped_without("ears", "en")
    for text in PHRASES:
        sound = by_telephone(await said(speech, tmp_path, text, "en"), tmp_path / "said.wav")
        assert (await speech.recognise(sound, "en", PHRASES)).phrase == text
    late = by_telephone(await said(speech, tmp_path, "operator", "en"), tmp_path / "said.wav", seconds_before=5.0)
    assert (await speech.recognise(late, "en", PHRASES)).phrase == "operator", "who thinks before speaking"
    for text in ("the house is on fire", "can you hear me", "never mind", "elephant"):
        sound = by_telephone(await said(speech, tmp_path, text, "en"), tmp_path / "said.wav")
        heard = await speech.recognise(sound, "en", PHRASES)
        assert heard.phrase is None, heard


async def test_mandarin_phrases_are_known_by_their_sound_and_what_is_none_is_not(
    speech: SpeechGateway, tmp_path: Path
) -> None:
    # In wide band: the voice has the accent of another language, and the model is small.
    skipped_without("voice", "zh")
    skipped_without("ears", "zh")
    phrases = ["销售", "技术支持", "维修", "人工服务", "营业时间"]
    said_and_meant = {
        "维修": "维修",
        "人工服务": "人工服务",
        "你们的营业时间是几点": "营业时间",
        "请转销售部": "销售",
        "今天天气怎么样": None,
    }
    for text, phrase in said_and_meant.items():
        heard = await speech.recognise(await said(speech, tmp_path, text, "zh"), "zh", phrases)
        assert heard.phrase == phrase, heard


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_nobody_is_understood_where_nobody_speaks(speech: SpeechGateway, tmp_path: Path, language: str) -> None:
    skipped_without("ears", language)
    quiet = tmp_path / "quiet.wav"
    noise = numpy.random.default_rng(3).normal(0, 30, 24_000).astype("<i2")
    quiet.write_bytes(write_wav(noise.tobytes(), 8000))
    heard = await speech.recognise(quiet, language, PHRASES)
    assert heard.phrase is None, heard

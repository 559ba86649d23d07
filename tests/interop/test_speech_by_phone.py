"""A phone (pjsua2) says a word to a flow and is answered with a text that a voice speaks."""

from array import array
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest

from gateways.media.prompts import read_samples
from gateways.media.wav import write_wav
from gateways.speech.gateway import SpeechGateway
from gateways.speech.recognition import must_be_installed
from gateways.speech.voices import VOICES
from softswitch.kernel.errors import Unavailable
from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import Phone, ready
from tests.support.admin_plane import StandingClock
from tests.support.server import Server

numpy = pytest.importorskip("numpy")

pytestmark = [phones.needed]

FLOW = """
flow: spoken
languages: [en]
start: ask
nodes:
  ask:
    do: listen
    hear: {text: "Please say what you need."}
    seconds: 10
    phrases:
      repairs: ["repair"]
      bills: ["billing", "accounts"]
    choices: {repairs: repairs, bills: bills}
    otherwise: bye
  repairs: {do: say, what: {text: "The operator will speak with you about your telephone."}, next: bye}
  bills: {do: say, what: {text: "Nobody is there."}, next: bye}
  bye: {do: hang_up}
"""


async def test_a_flow_understands_a_word_and_answers_with_a_text(switch: Server, tmp_path: Path) -> None:
    try:
        VOICES["en"].must_be_installed()
        must_be_installed("en", ())
    except Unavailable as missing:
        pytest.skip(str(missing))
    speech = SpeechGateway(tmp_path, StandingClock(), read_samples)
    samples, rate = read_samples(tmp_path / (await speech.synthesise("repair", "en")).name)
    # The phone says it again and again: what is asked, and what is listened for, falls between.
    (tmp_path / "repair.wav").write_bytes(write_wav(samples + array("h", bytes(2 * 5 * rate)).tobytes(), rate))
    admin = Admin(switch)
    phone = Phone(switch, "1013", tmp_path / "phone", play=str(tmp_path / "repair.wav"))
    async with (
        httpx.AsyncClient(
            base_url=f"{switch.url}/api/v1", headers={"Authorization": "Bearer demo-admin"}, trust_env=False, timeout=30
        ) as client,
        ready(phone),
    ):
        (await client.post("/flows/spoken/publish", json={"source": FLOW})).raise_for_status()
        rule = {"name": "spoken", "number": "5077", "destination": "flow/spoken"}
        (await client.post("/routes", json=rule)).raise_for_status()
        await phone.do("dial", number="5077")
        await phone.state("confirmed")
        await phone.expect("state", within=60, state="disconnected")
        await phone.leave()
    (path, *_) = admin.eventually(lambda: admin.all("/flows/spoken/paths"), lambda paths: paths)
    assert ("ask", "repairs") in [(step["node"], step["result"]) for step in path["steps"]]
    text = await speech.synthesise("The operator will speak with you about your telephone.", "en")
    await speech.stop()
    heard, spoken = at_8000(phone.recording), at_8000(tmp_path / text.name)
    assert median(likeness(heard, piece) for piece in pieces(spoken)) > 0.8, "the phone heard the text"
    assert median(likeness(heard, piece) for piece in pieces(spoken[::-1])) < 0.6
    admin.close()


def at_8000(path: Path) -> Any:
    samples, rate = read_samples(path)
    sound = numpy.frombuffer(samples, "<i2").astype(float)
    length = round(len(sound) * 8000 / rate)
    return numpy.fft.irfft(numpy.fft.rfft(sound)[: length // 2 + 1], length)


def pieces(sound: Any, length: int = 4000) -> list[Any]:
    """Half seconds of a sound, those in which something is said. A busy machine makes a phone leave out or fill in some
    milliseconds between two of them, which would put all that follows out of step with the whole."""
    cut = [sound[start : start + length] for start in range(0, len(sound) - length + 1, length)]
    return [piece for piece in cut if (piece**2).sum() > (sound**2).sum() / (4 * len(cut))]


def likeness(heard: Any, sound: Any) -> float:
    """How like a sound the most like part of what was heard is, from 0 to 1."""
    size = len(heard) + len(sound)
    product = numpy.fft.irfft(numpy.fft.rfft(heard, size) * numpy.fft.rfft(sound, size).conj(), size)[: len(heard)]
    power = numpy.cumsum(numpy.concatenate([[0.0], numpy.pad(heard, (0, len(sound))) ** 2]))
    local = power[len(sound) : len(sound) + len(heard)] - power[: len(heard)]
    loud = local > local.max() / 100
    return float((product[loud] / numpy.sqrt(local[loud] * (sound**2).sum())).max())

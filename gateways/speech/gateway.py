"""The speech gateway: `Synthesiser` and `Recogniser` of `softswitch.ports`, in processes of their own."""

import asyncio
import hashlib
import io
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

from gateways.speech.cache import SoundCache
from gateways.speech.jobs import Hear, Said, Say, Understood
from gateways.speech.process import Worker
from gateways.speech.recognition import must_be_installed
from gateways.speech.voices import VOICES
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Invalid, NotFound, Unavailable
from softswitch.kernel.sound import SoundFile
from softswitch.kernel.speech import Heard

MOST_LETTERS = 2000
"""Of one text."""
MOST_SECONDS = 300
"""Of a sound that is listened to."""
_FOLDER = "cache/speech"

Read = Callable[[Path], tuple[bytes, int]]
"""The samples of a sound file (16-bit little-endian mono) and their rate. Raises Invalid."""


class SpeechGateway:
    """Speaks and listens. What was spoken is kept below `data`, the data folder."""

    def __init__(
        self,
        data: Path,
        clock: Clock,
        read: Read,
        *,
        voices: Worker | None = None,
        ears: Worker | None = None,
        scribe: Worker | None = None,
    ) -> None:
        self._data = data
        self._clock = clock
        self._read = read
        self._voices = voices or Worker("voices")
        self._ears = ears or Worker("ears")
        self._scribe = scribe or Worker("ears")
        """For free speech, such as messages of minutes: a caller who has said a word does not wait for them."""
        self._cache = SoundCache(data / _FOLDER)
        self._spoken_now: dict[str, asyncio.Task[Path]] = {}

    async def stop(self) -> None:
        """End the processes."""
        for task in list(self._spoken_now.values()):
            task.cancel()
        await self._voices.stop()
        await self._ears.stop()
        await self._scribe.stop()

    @property
    def waiting(self) -> dict[str, int]:
        """What is not done yet, by what does it."""
        return {"voices": self._voices.waiting, "ears": self._ears.waiting, "scribe": self._scribe.waiting}

    async def synthesise(self, text: str, language: str, voice: str = "") -> SoundFile:
        """See `softswitch.ports.speech.Synthesiser`."""
        speaker = VOICES.get(language)
        if speaker is None:
            raise NotFound("voice that speaks", language)
        if voice not in ("", speaker.name):
            raise NotFound("voice", voice)
        text = " ".join(text.split())
        if not text or len(text) > MOST_LETTERS:
            raise Invalid("text", f"there must be one to {MOST_LETTERS} letters, not {len(text)}")
        key = hashlib.sha256(f"{speaker.name}\0{text}".encode()).hexdigest()
        path = self._cache.find(key, self._clock.wall_ms())
        if path is None:
            speaker.must_be_installed()
            path = await self._speak_once(key, Say(text, language))
        return SoundFile(path.relative_to(self._data).as_posix())

    def why_silent(self, language: str) -> str | None:
        """See `softswitch.ports.speech.Synthesiser`."""
        speaker = VOICES.get(language)
        if speaker is None:
            return f"no voice speaks {language!r}"
        try:
            speaker.must_be_installed()
        except Unavailable as missing:
            return str(missing)
        return None

    async def _speak_once(self, key: str, job: Say) -> Path:
        """Who asks for what is being spoken waits for the same, and who is cancelled meanwhile leaves it to the others:
        the text will be asked for again."""
        task = self._spoken_now.get(key)
        if task is None:
            task = asyncio.create_task(self._speak(key, job), name=f"speak {key[:8]}")
            self._spoken_now[key] = task
            task.add_done_callback(lambda done: self._spoken(key, done))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise Unavailable("the switch is stopping") from None
            raise

    def _spoken(self, key: str, task: "asyncio.Task[Path]") -> None:
        self._spoken_now.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever still waits is told; nobody need

    async def _speak(self, key: str, job: Say) -> Path:
        said = await self._voices.do(job)
        assert isinstance(said, Said)
        try:
            return await asyncio.to_thread(self._cache.keep, key, _wav(said))
        except OSError as error:
            raise Unavailable(f"what was spoken cannot be kept: {error}") from error

    async def recognise(self, sound: Path, language: str, phrases: Sequence[str] = ()) -> Heard:
        """See `softswitch.ports.speech.Recogniser`."""
        must_be_installed(language, phrases)
        try:
            samples, rate = await asyncio.to_thread(self._read, sound)
        except OSError as error:
            raise Invalid("sound", f"{sound.name} cannot be read: {error.strerror}") from error
        if len(samples) > 2 * rate * MOST_SECONDS:
            raise Invalid("sound", f"it is longer than {MOST_SECONDS} s")
        worker = self._ears if phrases else self._scribe
        heard = await worker.do(Hear(samples, rate, language, tuple(phrases)))
        assert isinstance(heard, Understood)
        return Heard(heard.text, heard.confidence, heard.phrase)


def _wav(said: Said) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, said.rate, 0, "NONE", ""))
        file.writeframes(said.samples)
    return content.getvalue()

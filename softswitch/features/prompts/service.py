"""All prompts: those that ship, and those of one's own, which go before them."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import structlog
from msgspec.structs import replace

from softswitch.features.prompts import store
from softswitch.features.prompts.model import (
    Origin,
    Prompt,
    check_name,
    check_text,
    file_of,
    sound_name,
)
from softswitch.features.prompts.needs import Reader, TakeReader
from softswitch.features.prompts.shipped import Shipped
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, Invalid, NotFound, SwitchError, Unavailable
from softswitch.kernel.sound import Prompt as SoundPrompt
from softswitch.kernel.sound import Sound, SoundData, SoundFile
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database
from softswitch.ports.speech import Synthesiser

log = structlog.get_logger(__name__)

CHANGED = "prompts"
"""What these are called among the `Changes`."""
MOST_PROMPTS = 10_000
MOST_BYTES = 4 * 1024**3
"""Of all files together."""

Prepare = Callable[[Sequence[Sound]], Awaitable[None]]
Key = tuple[str, str]
"""Language and name."""


class Library:
    """All prompts. `own` is what the media engine's gateway looks into before it takes one that ships: names of sounds,
    and their files below the data folder."""

    def __init__(
        self,
        shipped: Path,
        data: Path,
        database: Database,
        clock: Clock,
        read: Reader,
        read_take: TakeReader,
        synthesiser: Synthesiser | None = None,
    ) -> None:
        self._shipped = Shipped(shipped, read)
        self._of_old: Mapping[Key, Prompt] = self._shipped.load()
        self._data = data
        self._database = database
        self._clock = clock
        self._read = read
        self._read_take = read_take
        self._synthesiser = synthesiser
        self._prepare: Prepare | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._own: dict[Key, Prompt] = {}
        self._names: Mapping[Key, str] | None = None
        self.own: dict[str, str] = {}
        self._changing = asyncio.Lock()
        """One change after the other: a file that one brings must not be what another takes away."""

    def start(self, prepare: Prepare) -> None:
        """Have the media engine read one's own prompts before they are played, which takes a while and waits for
        nobody. `prepare` is `softswitch.ports.media.Player.prepare`."""
        self._prepare = prepare
        self._preparing = asyncio.create_task(self._prepare_all(), name="own prompts")

    async def stop(self) -> None:
        """Stopping twice does nothing."""
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.wait([self._preparing])
            self._preparing = None

    async def _prepare_all(self) -> None:
        for file in list(self.own.values()):
            await self._prepared(file)

    async def _prepared(self, file: str) -> None:
        if self._prepare is not None:
            try:
                await self._prepare([SoundFile(file)])
            except SwitchError as error:
                log.warning("a prompt cannot be played", file=file, error=str(error))

    async def load(self, database: Database) -> None:
        """Read which there are: before the first call, and again when another process has changed them."""
        async with database.reading() as session:
            stored = await store.all_prompts(session)
        there = await asyncio.to_thread(lambda: [prompt for prompt in stored if (self._data / prompt.file).is_file()])
        for lost in set(stored) - set(there):
            log.warning("a prompt's file is gone", language=lost.language, name=lost.name, file=lost.file)
        self._own = {(prompt.language, prompt.name): prompt for prompt in there}
        # The gateway holds this very mapping.
        self.own.clear()
        self.own.update({sound_name(*key): prompt.file for key, prompt in self._own.items()})
        self._names = None

    # What there is ------------------------------------------------------------------------------------------

    def find(self, language: str, name: str) -> Prompt:
        """What is heard by that name: one's own, or the one that ships. Raises NotFound."""
        found = self._own.get((language, name)) or self._of_old.get((language, name))
        if found is None:
            raise NotFound("prompt", f"{language}/{name}")
        return found

    def has(self, language: str, name: str) -> bool:
        return (language, name) in self._own or (language, name) in self._of_old

    def hides_shipped(self, prompt: Prompt) -> bool:
        """Whether one that ships has the same name and is not heard because of this one."""
        return prompt.origin != "shipped" and (prompt.language, prompt.name) in self._of_old

    def all(self) -> Sequence[Prompt]:
        """By language and name."""
        both = {**self._of_old, **self._own}
        return [both[key] for key in sorted(both)]

    async def measured(self, prompts: Sequence[Prompt]) -> Sequence[Prompt]:
        """The same with their lengths."""
        return await asyncio.to_thread(
            lambda: [prompt if prompt.milliseconds else self._shipped.measured(prompt) for prompt in prompts]
        )

    def path(self, prompt: Prompt) -> Path:
        """Where its sound is."""
        return self._shipped.path(prompt) if prompt.origin == "shipped" else self._data / prompt.file

    # What is said -------------------------------------------------------------------------------------------

    async def synthesise(self, text: str, language: str, voice: str = "") -> Sound:
        """A sound that says a text: the prompt that says just this, where there is one, else what a voice makes of it.
        Raises as `softswitch.ports.speech.Synthesiser`."""
        name = None if voice else self._by_text().get((language, _plain(text)))
        if name is not None:
            return SoundPrompt(sound_name(language, name))
        return await self._voice().synthesise(text, language, voice)

    def why_silent(self, language: str) -> str | None:
        """As `softswitch.ports.speech.Synthesiser` has it."""
        return "this switch has no voice" if self._synthesiser is None else self._synthesiser.why_silent(language)

    def _voice(self) -> Synthesiser:
        if self._synthesiser is None:
            raise Unavailable("this switch has no voice")
        return self._synthesiser

    def _by_text(self) -> Mapping[Key, str]:
        """Names of prompts by language and text."""
        if self._names is None:
            self._names = {(prompt.language, _plain(prompt.text)): prompt.name for prompt in self.all() if prompt.text}
        return self._names

    # What is changed ----------------------------------------------------------------------------------------

    async def upload(self, language: str, name: str, data: bytes, media_type: str, text: str | None, by: str) -> Prompt:
        """Keep a sound that was sent. `text` left out: it says what the one says that had the name before. Raises
        Invalid for what is no sound, and Conflict when there are too many."""
        check_name(language, name)
        sound = await asyncio.to_thread(self._read, data, media_type)
        return await self._keep(language, name, sound, text, "uploaded", by)

    async def take(self, language: str, name: str, file: Path, text: str | None, by: str) -> Prompt:
        """Keep what somebody has recorded. Raises as `upload`."""
        check_name(language, name)
        sound = await asyncio.to_thread(lambda: self._read_take(file.read_bytes()))
        return await self._keep(language, name, sound, text, "recorded", by)

    async def speak(self, language: str, name: str, text: str, voice: str, by: str) -> Prompt:
        """Have a text spoken and keep that. Raises as `upload` and as `softswitch.ports.speech.Synthesiser`."""
        check_name(language, name)
        check_text(text)
        if not text.strip():
            raise Invalid("text", "there is nothing to be said")
        spoken = await self._voice().synthesise(text, language, voice)
        sound = await asyncio.to_thread(lambda: self._read((self._data / spoken.name).read_bytes(), ""))
        return await self._keep(language, name, sound, text, "synthesised", by, voice)

    async def set_text(self, language: str, name: str, text: str) -> Prompt:
        """Write down what one of one's own says. Raises NotFound, Invalid, and Conflict for one that ships."""
        check_text(text)
        self._must_be_own(language, name)
        async with self._changing, self._database.session() as session:
            stored = await store.find(session, language, name)
            if stored is None:
                raise NotFound("prompt", f"{language}/{name}")
            prompt = replace(stored, text=text)
            await store.write(session, prompt)
            await count_change(session, CHANGED)
            session.after_commit(lambda: self._take(prompt))
        return prompt

    async def remove(self, language: str, name: str) -> None:
        """Forget one of one's own: the one that ships is heard again, if there is one. Raises NotFound, and Conflict
        for one that ships."""
        self._must_be_own(language, name)
        async with self._changing, self._database.session() as session:
            stored = await store.find(session, language, name)
            await store.remove(session, language, name)
            await count_change(session, CHANGED)
            session.after_commit(lambda: self._forget(language, name, stored))

    def _must_be_own(self, language: str, name: str) -> None:
        if self.find(language, name).origin == "shipped":
            raise Conflict("shipped", f"{language}/{name} ships with the switch: put one of your own in its place")

    async def _keep(
        self, language: str, name: str, sound: SoundData, text: str | None, origin: Origin, by: str, voice: str = ""
    ) -> Prompt:
        key = language, name
        if text is None:
            text = self.find(language, name).text if self.has(language, name) else ""
        check_text(text)
        prompt = Prompt(
            language=language,
            name=name,
            text=text,
            milliseconds=sound.milliseconds,
            origin=origin,
            voice=voice,
            by=by,
            made_at=self._clock.wall_ms(),
            file=file_of(language, name, hashlib.sha256(sound.content).hexdigest(), sound.suffix),
            size=len(sound.content),
        )
        others = [other for of, other in self._own.items() if of != key]
        if len(others) >= MOST_PROMPTS:
            raise Conflict("too-many-prompts", f"there are {MOST_PROMPTS} prompts already")
        if sum(other.size for other in others) + prompt.size > MOST_BYTES:
            raise Conflict("too-many-prompts", f"all prompts together may have {MOST_BYTES} bytes")
        async with self._changing:
            await asyncio.to_thread(_write, self._data / prompt.file, sound.content)
            await self._prepared(prompt.file)
            async with self._database.session() as session:
                before = await store.find(session, language, name)
                await store.write(session, prompt)
                await count_change(session, CHANGED)
                session.after_commit(lambda: self._take(prompt, before))
        return prompt

    def _take(self, prompt: Prompt, before: Prompt | None = None) -> None:
        self._own[prompt.language, prompt.name] = prompt
        self._names = None
        self.own[sound_name(prompt.language, prompt.name)] = prompt.file
        if before is not None and before.file != prompt.file:
            _delete(self._data / before.file)

    def _forget(self, language: str, name: str, stored: Prompt | None) -> None:
        self._own.pop((language, name), None)
        self._names = None
        self.own.pop(sound_name(language, name), None)
        if stored is not None:
            _delete(self._data / stored.file)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _write(path: Path, content: bytes) -> None:
    """On the disk, whole, before anybody finds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("a prompt's old file could not be deleted", file=str(path), error=str(error))

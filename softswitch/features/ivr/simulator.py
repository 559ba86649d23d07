"""A flow without a telephone: what a scripted caller would hear, in text and in virtual time.

The caller's keys and what is heard go through the same `engine.hearing` as in a call; only the media engine is another,
which tells what it was given to play instead of playing it.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

from msgspec import structs

from softswitch.calls.signals import Origin
from softswitch.engine.caller import Keyed, Keys, Recorded, Spoken
from softswitch.engine.hearing import Hearing, sounds
from softswitch.engine.virtual_time import VirtualTimeLoop
from softswitch.events import Fact, FlowEnded, FlowSent, RoutingStep
from softswitch.features.ivr.journey import Flows
from softswitch.features.ivr.needs import Parts
from softswitch.features.ivr.runtime import run
from softswitch.features.ivr.texts import seconds
from softswitch.kernel.address import Party
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid, Rejected, SwitchError
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.sound import Prompt, Silence, Sound, SoundFile, Tone

KEY_SECONDS = 0.3
"""From one key to the next, and what a comma waits: as `softswitch call --digits` has it."""
PAUSE_SECONDS = 1.0
THINKING_SECONDS = 0.5
"""From the end of a question to the first word of its answer."""
FILE_SECONDS = 2.0
"""What a sound file takes that is not looked at."""
CALL = CallId("simulated")
LEG = LegId("simulated.1")


class Line(NamedTuple):
    """One thing that happened."""

    after: float
    """Seconds from the beginning of the call."""
    what: Literal["hears", "presses", "says", "is recorded", "is told", "goes to", "ends"]
    text: str


class Simulation(NamedTuple):
    """How it went."""

    lines: Sequence[Line]
    path: FlowEnded
    """As a call's would be kept."""
    destination: Destination | None
    sent: Sequence[FlowSent]
    """What the flow told others."""

    @property
    def heard(self) -> list[str]:
        """What the caller heard."""
        return [line.text for line in self.lines if line.what == "hears"]


class Prompts(NamedTuple):
    """What prompts say, and for how long."""

    in_language: Callable[[str, str], str]
    """As `Surroundings.prompt` has it."""
    text: Callable[[str], str | None]
    seconds: Callable[[str], float]

    def shown(self, heard: Sequence[Sound]) -> str:
        """Sounds as text."""
        words = [self._shown(sound) for sound in heard]
        return " ".join(word for word in words if word)

    def _shown(self, sound: Sound) -> str:
        match sound:
            case Prompt(name):
                return self.text(name) or f"[{name}]"
            case SoundFile(name):
                return f"[{name}]"
            case Tone(parts):
                return f"[tone {' + '.join(f'{hertz:g}' for hertz, _ in parts)} Hz]"
        return ""

    def lasts(self, heard: Sequence[Sound]) -> float | None:
        """How long sounds take; None: they go on for ever."""
        total = 0.0
        for sound in heard:
            match sound:
                case Prompt(name, from_ms):
                    total += max(0.0, self.seconds(name) - from_ms / 1000)
                case SoundFile():
                    total += FILE_SECONDS
                case Tone(ms=None):
                    return None
                case Tone(ms=int(ms)) | Silence(ms):
                    total += ms / 1000
        return total


def script(press: str) -> list[tuple[float, str]]:
    """When which key is pressed, by `1,,9`: a comma waits a second. Raises Invalid."""
    at, keys = 0.0, []
    for key in press.replace(" ", ""):
        if key == ",":
            at += PAUSE_SECONDS
        elif key in "0123456789*#ABCD":
            keys.append((at, key))
            at += KEY_SECONDS
        else:
            raise Invalid("press", f"{key!r} is no key: 0 to 9, *, #, A to D, and commas, each of which waits a second")
    return keys


def simulate(
    flow: str,
    flows: Flows,
    prompts: Prompts,
    *,
    at_ms: int,
    press: str = "",
    says: Sequence[str] = (),
    parts: Parts | None = None,
    caller: str = "1001",
    called: str = "5000",
    language: str = "en",
    hangs_up_after: float | None = None,
) -> Simulation:
    """Let a caller go through a flow, who presses keys and says things, one whenever somebody listens. Raises NotFound
    for an unknown flow, and Invalid for keys that are none.

    Nothing outside is asked but what `parts` has, and that must not wait for a socket: no time goes by here.
    """
    keys = script(press)

    def go() -> Simulation:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            listener = SimulatedCaller(prompts, at_ms, caller, called, language, says)
            return runner.run(_go(listener, flow, flows, _hearing(parts or Parts(), listener), keys, hangs_up_after))

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return go()
    with ThreadPoolExecutor(1) as elsewhere:  # a thread has one loop
        return elsewhere.submit(go).result()


def _hearing(parts: Parts, listener: "SimulatedCaller") -> Parts:
    """Somebody understands what a caller on paper says, where it says anything."""
    return structs.replace(parts, ears=listener) if listener.speaks else parts


async def _go(
    listener: "SimulatedCaller",
    flow: str,
    flows: Flows,
    parts: Parts,
    keys: Sequence[tuple[float, str]],
    hangs_up_after: float | None,
) -> Simulation:
    loop = asyncio.get_running_loop()
    facts: list[Fact] = []

    def hear(fact: Fact) -> None:
        facts.append(fact)
        if isinstance(fact, FlowSent):
            data = ", ".join(f"{name} {value}" for name, value in fact.data.items())
            listener.tell("is told", f"event {fact.event}" + (f": {data}" if data else ""))

    for at, key in keys:
        loop.call_later(at, listener.press, key)
    task = loop.create_task(run(listener, flow, flows, parts, hear))
    if hangs_up_after is not None:
        loop.call_later(hangs_up_after, task.cancel)
    destination = None
    try:
        destination = await task
    except asyncio.CancelledError:
        listener.tell("ends", "the caller hangs up")
    except Rejected as rejected:
        listener.tell("ends", f"the call is refused: {rejected}")
    except SwitchError:
        if not facts:
            raise
        listener.tell("ends", "the flow fails")
    else:
        if destination is None:
            listener.tell("ends", "the switch hangs up")
        else:
            listener.tell("goes to", str(destination))
    path = facts[-1]
    assert isinstance(path, FlowEnded), "the path comes last"
    sent = [fact for fact in facts if isinstance(fact, FlowSent)]
    return Simulation(listener.lines, path, destination, sent)


class SimulatedCaller:
    """A `Listener` who exists on paper."""

    def __init__(
        self, prompts: Prompts, at_ms: int, caller: str, called: str, language: str, words: Sequence[str] = ()
    ) -> None:
        self.call = CALL
        self.from_ = Party(caller)
        self.to = Party(called)
        self.routed_as = Origin("account", caller, "default")
        self.language = language
        self.data: dict[str, str] = {}
        self.lines: list[Line] = []
        self._prompts = prompts
        self._at_ms = at_ms
        self._words = list(words)
        self.said: dict[str, str] = {}
        """What is said in each recording."""
        engine = _Engine(self)
        self.hearing = Hearing(engine, engine, self)
        self._over: asyncio.TimerHandle | None = None
        self._recordings: dict[int, tuple[str, float, Callable[[int, int, str], None]]] = {}

    def tell(self, what: Any, text: str) -> None:
        self.lines.append(Line(round(self._now(), 3), what, text))

    def press(self, key: str) -> None:
        self.tell("presses", key)
        self.hearing.pressed(key)

    @property
    def speaks(self) -> bool:
        return bool(self._words)

    async def phrase(self, recording: str, language: str, phrases: Sequence[str]) -> str | None:
        """See `needs.Ears`: what is said is one of the phrases to the letter, or none."""
        said = self.said.get(recording)
        return said if said in phrases else None

    async def forget(self, recording: str) -> None:
        self.said.pop(recording, None)

    # What a flow asks (`Listener`) ---------------------------------------------------------------------------

    def wall_ms(self) -> int:
        return self._at_ms + round(self._now() * 1000)

    def note(self, what: str) -> None:
        self.tell("is told", what)

    def routed(
        self, destination: Destination | None, by: str, version: int | None, steps: Sequence[RoutingStep]
    ) -> None:
        """The path is kept by whoever runs the flow."""

    async def play(self, *spoken: Spoken) -> None:
        await self.hearing.play(LEG, self._sounds(spoken))

    async def gather(self, *spoken: Spoken, keys: Keys) -> Keyed:
        return await self.hearing.gather(LEG, self._sounds(spoken), keys)

    async def record(
        self,
        name: str,
        *,
        most_seconds: float,
        silence_seconds: float | None = None,
        patience_seconds: float | None = None,
        ends_with: str = "#*0123456789",
    ) -> Recorded:
        hears, later = self.hearing, asyncio.get_running_loop().call_later
        ends = 0.0
        if self._words:
            said = self.said[name] = self._words.pop(0)
            ends = THINKING_SECONDS + seconds(said, self.language)
            later(THINKING_SECONDS, self._speak, said)
        timer = later(ends + silence_seconds, hears.spoke, False) if silence_seconds is not None else None
        try:
            return await hears.record(
                LEG, name, most_seconds=most_seconds, patience_seconds=patience_seconds, ends_with=ends_with
            )
        finally:
            if timer is not None:
                timer.cancel()

    def _speak(self, said: str) -> None:
        self.tell("says", said)
        self.hearing.spoke(True)

    def _sounds(self, spoken: Sequence[Spoken]) -> list[Sound]:
        return sounds(spoken, self.language, self._prompts.in_language)

    # The media engine ----------------------------------------------------------------------------------------

    def hears(self, heard: Sequence[Sound], ended: Callable[[], None]) -> None:
        self.tell("hears", self._prompts.shown(heard))
        seconds = self._prompts.lasts(heard)
        if seconds is not None:
            self._over = asyncio.get_running_loop().call_later(seconds, ended)

    def silence(self) -> None:
        if self._over is not None:
            self._over.cancel()

    def record_said(self, leg: LegId, name: str, *, ended: Callable[[int, int, str], None]) -> int:
        self.tell("is recorded", name)
        number = len(self.lines)
        self._recordings[number] = (name, self._now(), ended)
        return number

    def stop_recording(self, recording: int) -> None:
        _, began, ended = self._recordings.pop(recording)
        milliseconds = round((self._now() - began) * 1000)
        asyncio.get_running_loop().call_soon(ended, milliseconds, 44 + 16 * milliseconds, "")

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class _Engine:
    """What `Hearing` asks of a media engine."""

    def __init__(self, caller: SimulatedCaller) -> None:
        self._caller = caller

    def play(self, leg: LegId, prompt: str, *, loop: bool = False) -> None:
        self._caller.hears([Prompt(prompt)], self._caller.hearing.played)

    def play_list(self, leg: LegId, sounds: Sequence[Sound], *, ended: Callable[[], None] | None = None) -> None:
        self._caller.hears(sounds, ended or (lambda: None))

    def silence(self, leg: LegId) -> None:
        self._caller.silence()

    def listen_for(self, leg: LegId, *, keys: bool = False, pause_ms: int | None = None) -> None:
        """Every key is heard as it is, and nothing is said."""

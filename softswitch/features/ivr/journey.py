"""Flows as calls go through them, and one call's way through one: its steps, which are kept."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog
from msgspec import Struct

from softswitch.engine.caller import Keys, Spoken
from softswitch.events import Fact, FlowStep
from softswitch.features.ivr.model.expression import Value
from softswitch.features.ivr.needs import Listener, Parts
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected, SwitchError
from softswitch.kernel.spoken import Grammar, grammar_of

if TYPE_CHECKING:
    from softswitch.features.ivr.runtime import Flow

log = structlog.get_logger(__name__)

MOST_STEPS = 1000
"""Nodes that one call may come through: more is a circle."""
MOST_KEPT = 200
"""Of them, those that its path keeps."""


class Text(NamedTuple):
    """A text that is spoken by the voice of the caller's language."""

    en: str
    zh: str = ""

    def in_language(self, language: str) -> str:
        return (self.zh if language == "zh" else self.en) or self.en or self.zh


Said = Spoken | Text


class Published(Struct, frozen=True, eq=False):
    """A flow that calls may enter."""

    name: str
    version: int
    """0: as it ships."""
    title: str
    language: str
    """`yaml` or `python`."""
    source: str
    run: Callable[["Flow"], Awaitable[Destination | None]]
    calendars: Collection[str] = ()
    """Those that it goes by."""
    within: Collection[str] = ()
    """The flows that it goes through."""


Flows = Mapping[str, Published]


class Journey:
    """One call's way through a flow and those within it. All are of the versions that were live when it began."""

    def __init__(self, flows: Flows, parts: Parts, publish: Callable[[Fact], None]) -> None:
        self.flows = flows
        self.parts = parts
        self.publish = publish
        self.steps: list[FlowStep] = []
        self.count = 0
        self.recordings = 0


class Steps:
    """What every node needs: the caller, the path, and words for what goes wrong."""

    def __init__(
        self, caller: Listener, published: Published, journey: Journey, began: int, prefix: str = "", depth: int = 0
    ) -> None:
        self._caller = caller
        self._published = published
        self._journey = journey
        self._began = began
        self._prefix = prefix
        self._depth = depth
        self.variables: dict[str, Value] = {}
        """What the flow that goes through this one gives it, and takes back."""

    # What is known ------------------------------------------------------------------------------------------

    @property
    def caller(self) -> str:
        """The caller's number."""
        return self._caller.from_.number

    @property
    def called(self) -> str:
        """The number that was called."""
        return self._caller.to.number

    @property
    def language(self) -> str:
        """In which the caller is spoken to."""
        return self._caller.language

    @property
    def say(self) -> Grammar:
        """How the language says values: `await flow.play("balance/is", flow.say.number(3))`."""
        return grammar_of(self._caller.language)

    # Steps --------------------------------------------------------------------------------------------------

    def _step(self, kind: str, node: str, hear: Sequence[Said] = ()) -> int:
        """A node begins: gives its place in the path. Without a name it is called by its kind and what is heard."""
        journey = self._journey
        journey.count += 1
        if journey.count > MOST_STEPS:
            raise Rejected(Cause.DESTINATION_OUT_OF_ORDER, f"{self._published.name} led through {MOST_STEPS} nodes")
        if len(journey.steps) >= MOST_KEPT:
            return -1
        first = hear[0] if hear and isinstance(hear[0], str) else ""
        name = self._prefix + (node or f"{kind} {first}".strip())
        journey.steps.append(FlowStep(name, kind, self._caller.wall_ms() - self._began))
        return len(journey.steps) - 1

    def mark(self, kind: str, node: str, result: str) -> None:
        """A node that does nothing but decide."""
        self._came(self._step(kind, node), result)

    def _came(self, step: int, result: str) -> None:
        if step >= 0:
            self._journey.steps[step] = msgspec.structs.replace(self._journey.steps[step], result=result)

    async def _gather(self, hear: Sequence[Said], keys: Keys) -> str:
        return (await self._caller.gather(*await self._sounds(hear), keys=keys)).digits

    async def _play(self, hear: Sequence[Said]) -> None:
        if hear:
            await self._caller.play(*await self._sounds(hear))

    async def _sounds(self, hear: Sequence[Said]) -> list[Spoken]:
        spoken: list[Spoken] = []
        for each in hear:
            if not isinstance(each, Text):
                spoken.append(each)
                continue
            voice, text = self._journey.parts.voice, each.in_language(self.language)
            try:
                if voice is None:
                    raise NotFound("voice for", self.language)
                spoken.append(await voice.synthesise(text, self.language))
            except SwitchError as error:
                # The rest of the flow is worth more to the caller than an apology.
                self.trouble(f"{text[:60]!r} is not said: {error}")
        return spoken

    def _note(self, what: str) -> None:
        self._caller.note(f"flow {self._published.name}: {what}")

    def trouble(self, what: str) -> None:
        """Something did not go as the flow meant it: noted in the ladder and in the log."""
        self._note(what)
        log.warning("a flow met trouble", flow=self._published.name, call=self._caller.call, trouble=what)

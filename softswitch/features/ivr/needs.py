"""What flows ask of others."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from softswitch.calls.signals import Origin
from softswitch.engine.caller import Keyed, Keys, Recorded, Spoken
from softswitch.events import RoutingStep
from softswitch.kernel.address import Party
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId
from softswitch.kernel.sound import Sound
from softswitch.platform.event_log import Rows


class Listener(Protocol):
    """Who goes through a flow: what is asked of an `engine.caller.Caller`."""

    @property
    def call(self) -> CallId: ...
    @property
    def from_(self) -> Party: ...

    to: Party
    language: str

    @property
    def data(self) -> dict[str, str]: ...

    @property
    def routed_as(self) -> Origin: ...

    def wall_ms(self) -> int: ...
    def note(self, what: str) -> None: ...
    def routed(
        self, destination: Destination | None, by: str, version: int | None, steps: Sequence[RoutingStep]
    ) -> None: ...
    async def play(self, *spoken: Spoken) -> None: ...
    async def gather(self, *spoken: Spoken, keys: Keys) -> Keyed: ...
    async def record(
        self,
        name: str,
        *,
        most_seconds: float,
        silence_seconds: float | None = None,
        patience_seconds: float | None = None,
        ends_with: str = "#*0123456789",
    ) -> Recorded: ...


class Opening(Protocol):
    """Whether something is open."""

    @property
    def open(self) -> bool: ...
    @property
    def reason(self) -> str:
        """Such as `holiday: Spring Festival`."""
        ...


class Calendars(Protocol):
    """Who knows when what is open."""

    def opening(self, calendar: str, at_ms: int) -> Opening:
        """Raises NotFound for an unknown calendar."""
        ...


class Voice(Protocol):
    """Speaks texts."""

    async def synthesise(self, text: str, language: str) -> Sound:
        """A text as a sound, as `softswitch.ports.speech.Synthesiser` has it. Raises SwitchError."""
        ...

    def why_silent(self, language: str) -> str | None:
        """Why nobody here speaks a language; None: somebody does."""
        ...


class Answer(Protocol):
    """What a web service said."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class Web(Protocol):
    """Asks web services."""

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> Answer:
        """Raises NotPermitted for a host that is not allowed, OSError where there is no answer, or not in time."""
        ...


class Queries(Protocol):
    """Asks databases."""

    async def look_up(self, query: str, parameters: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The first row that a declared query gives, by its columns. Raises SwitchError for an unknown query, a missing
        parameter or a database that does not answer."""
        ...


class QueueStatus(Protocol):
    """How it stands with a queue."""

    @property
    def waiting(self) -> int: ...
    @property
    def wait_seconds(self) -> float:
        """How long the next caller will wait, as far as can be known."""
        ...


class Queues(Protocol):
    """Who knows queues."""

    def status(self, queue: str) -> QueueStatus | None:
        """None for an unknown one."""
        ...


class Person(NamedTuple):
    """Somebody with an extension."""

    number: str
    name: str


class People(Protocol):
    """Who knows everybody's name."""

    def person(self, number: str) -> Person | None:
        """Who has an extension; None: nobody."""
        ...

    def spelled(self, keys: str) -> Sequence[Person]:
        """Those whose name begins so on the keys of a telephone (`model.spelling`), by name."""
        ...


class Post(Protocol):
    """Sends to people. Does not wait, and does not raise; False: nobody takes it."""

    def sms(self, sender: str, to: str, text: str) -> bool: ...
    def mail(self, to: str, subject: str, text: str) -> bool: ...


class Ears(Protocol):
    """Understands what is said."""

    async def phrase(self, recording: str, language: str, phrases: Sequence[str]) -> str | None:
        """Which of some phrases is said in a file below the data folder; None: none of them. Raises SwitchError when
        nobody understands a language, or it takes too long."""
        ...

    async def forget(self, recording: str) -> None:
        """Delete such a file, if it is there."""
        ...


class Log(Protocol):
    """What is asked of the event log (`softswitch.platform.event_log.EventLog`)."""

    def add(self, into: Rows, row: tuple[object, ...]) -> None: ...


class Sounds(Protocol):
    """Who knows the prompts (`texts.ShippedPrompts`)."""

    def has(self, language: str, name: str) -> bool:
        """Whether a prompt is there in a language, or needs none."""
        ...

    def in_language(self, language: str, name: str) -> str:
        """The prompt as it is said in a language, as `Surroundings.prompt` has it."""
        ...

    def text(self, name: str) -> str | None:
        """What a prompt says, named with its language; None: nobody knows."""
        ...

    def seconds(self, name: str) -> float:
        """About how long a prompt is."""
        ...


class Places(Protocol):
    """What there is to be called."""

    def why_missing(self, destination: Destination) -> str | None:
        """Why nothing answers at a destination, in words; None: it exists."""
        ...


class Parts(Struct, frozen=True):
    """Those there are; None: there is none, and what needs it comes to nothing."""

    places: Places | None = None
    calendars: Calendars | None = None
    voice: Voice | None = None
    web: Web | None = None
    queries: Queries | None = None
    queues: Queues | None = None
    people: People | None = None
    post: Post | None = None
    ears: Ears | None = None

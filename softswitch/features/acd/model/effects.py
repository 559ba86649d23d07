"""What the engine wants done. Facts (`softswitch.events`) are effects, too: they are to be published in order."""

from msgspec import Struct

from softswitch.events import Fact
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId


class Ring(Struct, frozen=True, gc=False):
    """Ring an agent's phone. Its answers name the attempt."""

    attempt: int
    agent: str
    seat: str
    call: CallId
    """For whom; the call that once asked for it, where it is a callback."""
    callback: bool = False


class StopRinging(Struct, frozen=True, gc=False):
    """An attempt is over: let the phone ring no more; if it has been answered meanwhile, hang it up."""

    attempt: int
    answered_elsewhere: bool = False


class Connect(Struct, frozen=True, gc=False):
    """Let an agent that answered and a caller hear each other."""

    attempt: int
    agent: str
    call: CallId


class Announce(Struct, frozen=True, gc=False):
    """Say something to a caller that waits."""

    call: CallId
    position: int | None
    """Counted from 1; None: it is not to be said."""
    expected_ms: int | None
    comfort: str = ""
    """A prompt."""


class SendOn(Struct, frozen=True, gc=False):
    """A caller leaves the queue for somewhere else; None: its call ends."""

    call: CallId
    to: Destination | None
    reason: str
    waited_ms: int
    """In this queue and those before."""


class OfferCallback(Struct, frozen=True, gc=False):
    """Ask a caller for the number at which it is to be called back. It keeps waiting meanwhile."""

    call: CallId


class DialCallback(Struct, frozen=True, gc=False):
    """Call a number for an agent, who is on the line."""

    stay: int
    attempt: int
    """The agent's; what becomes of the number is told by it."""
    agent: str
    number: str


class StopCallback(Struct, frozen=True, gc=False):
    """Call a number no more; if it has answered meanwhile, hang it up."""

    attempt: int
    """The agent's for whom it was called."""


class DropAgent(Struct, frozen=True, gc=False):
    """Hang up an agent who waits for a callback that failed or was cancelled."""

    attempt: int
    agent: str


class AskWebhook(Struct, frozen=True, gc=False):
    """Ask another system which agent should take a caller."""

    question: int
    queue: str
    call: CallId
    waited_ms: int
    agents: tuple[str, ...]
    """Who could."""


class Refused(Struct, frozen=True, gc=False):
    """What somebody wanted cannot be; nothing has changed. `error_id` is a word for programs."""

    error_id: str
    message: str


Effect = (
    Fact
    | Ring
    | StopRinging
    | Connect
    | Announce
    | SendOn
    | OfferCallback
    | DialCallback
    | StopCallback
    | DropAgent
    | AskWebhook
    | Refused
)

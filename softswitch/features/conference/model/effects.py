"""What a room wants done. Facts are effects, too: they are to be published in order."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from softswitch.events import Fact
from softswitch.kernel.ids import CallId


class Place(Struct, frozen=True, gc=False):
    """Let a member hear all others and be heard by them, or wait with music."""

    member: int
    where: Literal["mix", "lobby"]
    again: bool = False
    """It was there before the switch was killed, and is not told of it twice."""


class Level(Struct, frozen=True, gc=False):
    """How a member of the mix is heard, and whether it hears."""

    member: int
    muted: bool
    deaf: bool
    gain: float


class Hear(Struct, frozen=True, gc=False):
    """Let one member hear another otherwise than all do; gain None: not at all."""

    listener: int
    speaker: int
    gain: float | None


class Count(Struct, frozen=True, gc=False):
    """A number, as it is said in the language of who hears it."""

    value: int


class Duration(Struct, frozen=True, gc=False):
    """A time, as it is said in the language of who hears it."""

    seconds: int


Spoken = str | Count | Duration
"""What is heard: a prompt by its name, or a value."""


class Say(Struct, frozen=True, gc=False):
    """Let one member hear prompts over the rest."""

    member: int
    prompts: tuple[Spoken, ...]


class Announce(Struct, frozen=True, gc=False):
    """Let all members hear something: a prompt, or `tone:entry`, `tone:exit`, and the name that a member has said
    before it."""

    prompt: str
    name_file: str = ""
    then: tuple[Spoken, ...] = ()
    """What is heard behind it."""


class Call(Struct, frozen=True, gc=False):
    """Call somebody. What comes of it is told by the attempt."""

    member: int
    attempt: int
    number: str
    name: str
    confirm: bool


class StopCall(Struct, frozen=True, gc=False):
    """Call somebody no more."""

    member: int


class Drop(Struct, frozen=True, gc=False):
    """End the call of a member, after it has heard something."""

    call: CallId
    member: int
    prompt: str
    to: str = ""
    """The room that it goes on to instead."""


class OpenCamera(Struct, frozen=True, gc=False):
    """Fetch a camera. `name` is what the room's rules call it, `source` its sealed URL where those do not know it."""

    member: int
    name: str
    source: str
    sound: bool


class CloseCamera(Struct, frozen=True, gc=False):
    """Fetch a camera no more."""

    member: int


class Recording(Struct, frozen=True, gc=False):
    """Record the mix, do not, or pause."""

    to: Literal["on", "off", "paused"]
    again: bool = False
    """It was recorded before the switch was killed: nobody is told twice."""


class Music(Struct, frozen=True, gc=False):
    """Let who is in the room alone hear music, or no more."""

    on: bool


class Redraw(Struct, frozen=True, gc=False):
    """What members see may be another now."""


class Refused(Struct, frozen=True, gc=False):
    """What somebody wanted cannot be; nothing has changed. `error_id` is a word for programs."""

    error_id: str
    message: str
    member: int = 0
    """Whom there is not, where that is why."""


Effect = (
    Fact
    | Place
    | Level
    | Hear
    | Say
    | Announce
    | Call
    | StopCall
    | Drop
    | OpenCamera
    | CloseCamera
    | Recording
    | Music
    | Redraw
    | Refused
)
Effects = Sequence[Effect]

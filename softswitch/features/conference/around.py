"""What every meeting is carried out with."""

from collections.abc import Callable

from msgspec import Struct

from softswitch.events import Fact
from softswitch.features.conference.needs import Floors, Pictures, Sounds, Switchboard
from softswitch.kernel.clock import Clock


class Around(Struct, frozen=True):
    """What every meeting is carried out with."""

    clock: Clock
    publish: Callable[[Fact], None]
    sounds: Sounds
    switchboard: Switchboard
    prompt: Callable[[str, str], str]
    """Which sound a prompt is in a language."""
    language: str
    music: str
    pictures: Pictures | None = None
    floors: Floors | None = None
    unseal: Callable[[str], str] = lambda sealed: sealed
    """The URL of a camera that is kept sealed; rooms give it."""

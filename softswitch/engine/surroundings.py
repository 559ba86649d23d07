"""What every call is built with."""

from collections.abc import Callable

from softswitch.events import Fact
from softswitch.kernel.clock import Clock
from softswitch.ports import Media, Signalling


class Surroundings:
    """The gateways, the clock and the bus, as a call uses them."""

    __slots__ = ("clock", "media", "publish", "signalling")

    def __init__(self, signalling: Signalling, media: Media, clock: Clock, publish: Callable[[Fact], None]) -> None:
        self.signalling = signalling
        self.media = media
        self.clock = clock
        self.publish = publish

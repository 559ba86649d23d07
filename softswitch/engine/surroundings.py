"""What every call is built with."""

from collections.abc import Callable
from typing import NamedTuple

from softswitch.events import Fact
from softswitch.kernel.clock import Clock
from softswitch.ports import Media, Signalling


class Surroundings(NamedTuple):
    """The gateways, the clock and the bus, as a call uses them."""

    signalling: Signalling
    media: Media
    clock: Clock
    publish: Callable[[Fact], None]

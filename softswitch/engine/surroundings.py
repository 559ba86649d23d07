"""What every call is built with."""

from collections.abc import Callable

from softswitch.calls.signals import Origin
from softswitch.events import Fact
from softswitch.kernel.clock import Clock
from softswitch.kernel.destination import Destination
from softswitch.ports import Media, Signalling


class Surroundings:
    """The gateways, the clock and the bus, as a call uses them."""

    __slots__ = ("clock", "may_pick_up", "media", "music", "origin_of", "publish", "signalling")

    def __init__(
        self,
        signalling: Signalling,
        media: Media,
        clock: Clock,
        publish: Callable[[Fact], None],
        *,
        origin_of: Callable[[str], Origin | None] = lambda account: None,
        may_pick_up: Callable[[str, Destination], bool] = lambda account, ringing: False,
        music: str = "",
    ) -> None:
        self.signalling = signalling
        self.media = media
        self.clock = clock
        self.publish = publish
        self.origin_of = origin_of
        """Whom an account's calls are from: a party may have others called only as the account that it is."""
        self.may_pick_up = may_pick_up
        """Whether an account may answer a phone of another that rings."""
        self.music = music
        """The prompt that a waiting party hears; empty: what whoever holds it sends."""

"""What every call is built with."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from softswitch.calls.in_call import Keypad
from softswitch.calls.signals import Origin
from softswitch.events import Fact
from softswitch.kernel.clock import Clock
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId
from softswitch.ports.media import Media, Player, Recorder
from softswitch.ports.mixes import Mixer
from softswitch.ports.signalling import Signalling
from softswitch.ports.video import Video

if TYPE_CHECKING:
    from softswitch.engine.call import LiveCall
    from softswitch.engine.supervision import Supervisions


class Surroundings:
    """The gateways, the clock and the bus, as a call uses them."""

    __slots__ = (
        "call_of",
        "clock",
        "keypad",
        "language",
        "may_pick_up",
        "media",
        "mixer",
        "music",
        "new_call",
        "origin_of",
        "player",
        "prompt",
        "publish",
        "record",
        "recorder",
        "ringback",
        "room",
        "signalling",
        "video",
        "watching",
    )

    def __init__(
        self,
        signalling: Signalling,
        media: Media,
        clock: Clock,
        publish: Callable[[Fact], None],
        new_call: "Callable[[Origin], LiveCall]",
        *,
        origin_of: Callable[[str], Origin | None] = lambda account: None,
        may_pick_up: Callable[[str, Destination], bool] = lambda account, ringing: False,
        keypad: Callable[[Destination], Keypad | None] = lambda destination: None,
        record: Callable[[CallId, LegId], str] = lambda call, leg: "nothing records here",
        room: Callable[[CallId, LegId], str] = lambda call, leg: "there are no rooms here",
        mixer: Mixer | None = None,
        player: Player | None = None,
        recorder: Recorder | None = None,
        video: Video | None = None,
        prompt: Callable[[str, str], str] = lambda language, name: name,
        language: str = "en",
        music: str = "",
        ringback: str = "",
        call_of: "Callable[[LegId], LiveCall | None]" = lambda leg: None,
    ) -> None:
        self.signalling = signalling
        self.media = media
        self.clock = clock
        self.publish = publish
        self.origin_of = origin_of
        """Whom an account's calls are from: a party may have others called only as the account that it is."""
        self.may_pick_up = may_pick_up
        """Whether an account may answer a phone of another that rings."""
        self.keypad = keypad
        """What a party that belongs to a destination may press while it talks; None: nothing."""
        self.record = record
        """Begins or ends the recording of a call, because a party asks for it; says which, or why not."""
        self.room = room
        """Makes a conference room of a call, because a party asks for it; says which, or why not."""
        self.mixer = mixer
        """None: nobody can be brought together but two and two."""
        self.player = player
        """None: nothing can be said that is put together of several sounds."""
        self.recorder = recorder
        """None: nothing that a caller says can be kept."""
        self.video = video
        """None: no pictures pass through us."""
        self.prompt = prompt
        """Which sound a prompt is in a language: takes the language and the prompt's name."""
        self.language = language
        """In which callers are spoken to until they choose another."""
        self.new_call = new_call
        """A call of our own making."""
        self.music = music
        """The prompt that a waiting party hears; empty: what whoever holds it sends."""
        self.ringback = ringback
        """The prompt that an answered caller hears while somebody rings; empty: silence."""
        self.call_of = call_of
        """The call that a leg is in."""
        self.watching: Supervisions | None = None
        """Who supervises whom; None while nobody does."""

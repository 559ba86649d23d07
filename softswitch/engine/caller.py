"""What a call application holds in its hands: the party who called, and what can be done for it."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

from msgspec import Struct

from softswitch.calls.identity import Identity, IdentityStyle
from softswitch.calls.leg import OurFloor, OurVideo
from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import Alert, Credentials, Origin, Target
from softswitch.events import RoutingStep
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.media import Srtp, VideoLine
from softswitch.kernel.sound import Sound
from softswitch.kernel.spoken import Said

Spoken = str | Said | Sound
"""What a caller hears: a prompt by its name without a language (`voicemail/greeting`), a value said by the grammar of a
language (`softswitch.kernel.spoken`), or a sound."""


class Confirmation(Struct, frozen=True, gc=False):
    """What a terminal must do before it has the call: whoever answers hears something, again and again, and presses a
    key. A machine that answers presses none."""

    spoken: tuple[Spoken, ...]
    language: str
    key: str = "1"
    within: float = 20.0
    """Seconds from the answer."""


class Candidate(Struct, frozen=True, gc=False):
    """One terminal that may take the call."""

    target: Target
    destination: Destination
    """What it belongs to: `account/1002`, `trunk/uas`."""
    number: str
    """The number this terminal is called by."""
    anchored: bool = True
    """Whether sound passes through our media engine; False: the parties' own addresses are exchanged (bypass)."""
    credentials: Credentials | None = None
    """For a terminal that asks for a password."""
    from_: Party | None = None
    """Who is shown to it as the caller, where that is another than for the rest."""
    identity: Identity | None = None
    """What it is told of the caller beside that."""
    style: IdentityStyle | None = None
    alert: Alert | None = None
    """How it should ring; None: as the caller would have it."""
    codecs: tuple[str, ...] = ()
    """Which codecs it is told of, best first; empty: as its account says, or no rule (see `codec_choice`)."""
    rules: LegRules | None = None
    """How its signalling differs from what holds for all."""
    srtp: Srtp = Srtp.OFF
    """Whether its sound, and its pictures, are encrypted."""
    video: bool = True
    """Whether it may have video."""
    ring_seconds: float | None = None
    """How long it rings; None: as long as any."""
    confirm: Confirmation | None = None
    """None: who answers has the call."""


class Later(Struct, frozen=True):
    """Terminals that join the ringing."""

    after: float
    """Seconds; or at once when nobody rings any more."""
    candidates: Callable[[], Awaitable[Sequence[Candidate]]]
    """Asked then."""


class DialOutcome(Struct, frozen=True, gc=False):
    """How a dial ended."""

    answered: bool
    cause: Cause
    status: int | None = None
    """The best refusal's SIP status, where one came."""
    contacts: tuple[str, ...] = ()
    """Where a party sent us instead (3xx): see `calls.redirect`."""
    unheard: int | None = None
    """Where a terminal never answered a word or could not be reached: the status that stands for it (RFC 3261 section
    8.1.3.1), 408 or 503; 404 where its name leads nowhere."""


class Keys(Struct, frozen=True, gc=False):
    """Which keys are waited for, and for how long."""

    most: int
    """After so many digits no more is waited for."""
    least: int = 1
    """With fewer digits a key that ends them means nothing: one pressed behind a full entry does not end the next."""
    ends_with: str = "#"
    """Keys that end the digits and are none of them; empty: every key is a digit."""
    first_within: float = 5.0
    """Seconds from the end of what is heard to the first digit."""
    next_within: float = 3.0
    """Seconds from each digit to the next."""
    barge: bool = True
    """Whether a digit ends what is heard. Then those that were pressed before count, too; else they are forgotten."""


class Keyed(Struct, frozen=True, gc=False):
    """What was pressed."""

    digits: str
    ended_by: str
    """`full`, `terminator`, or `timeout`: then there may be fewer than the least."""


class Recorded(Struct, frozen=True, gc=False):
    """What a caller has said, in a file."""

    name: str
    """Below the data folder."""
    seconds: float
    ended_by: str
    """`key:#` (or another key), `silence`, `limit`, or `fault`: the sound could not be written, or came no more."""
    spoken: bool = True
    """False: silence was listened for, and there was nothing else."""


class Ringer(Protocol):
    """Is told what becomes of terminals that ring for a caller who waits: `answered` or `refused` in the end."""

    def rang(self) -> None:
        """One of them is being alerted; maybe told more than once."""
        ...

    def answered(self, leg: LegId) -> None:
        """One has been answered. It is this leg of the caller's call, and waits on the line with silence."""
        ...

    def refused(self, cause: Cause) -> None:
        """None of them will be answered; the best of what they said."""
        ...


class Ring(Protocol):
    """Terminals that ring for a caller who waits. Nothing is joined by itself: an answer only waits on the line."""

    @property
    def legs(self) -> Collection[LegId]:
        """Those that were invited."""
        ...

    def stop(self, *, elsewhere: bool = False) -> None:
        """Let them ring no more, and hang up on one that was answered. `elsewhere`: another took the call, so that the
        phones show none that was missed. The `Ringer` is told nothing any more."""
        ...

    async def join(self) -> None:
        """Let the caller talk with the party that was answered, until one of them is gone. At once when it is gone
        already."""
        ...


Refer = Callable[[str, Callable[[int], None]], None]
"""Brings somebody into a room: the number, and what is to be told once how that went, as a SIP status. Raises Conflict
where it cannot be."""


class Caller(Protocol):
    """The calling party of one call, as call applications see it.

    When the caller hangs up, the application's coroutine is cancelled where it awaits; `finally` is the place for
    what must still be done.
    """

    call: CallId
    from_: Party
    to: Party
    """What was dialled, as the dial plan has rewritten it so far. Applications may replace it."""
    origin: Origin
    routed_as: Origin
    """Whose rights the dial plan goes by: the caller's, or those of the account that forwarded the call last."""

    identity: Identity | None
    """What is known of the caller beside `from_`: whom a trusted trunk says it is, its privacy, who sent the call on.
    Applications may replace it: `Identity(privacy=("id",))` hides the caller's number from whoever is dialled next."""

    language: str
    """In which prompts are heard and values said, `en` or `zh`. Applications may replace it."""

    @property
    def data(self) -> dict[str, str]:
        """What is known of the caller's matter, by name: set by flows and by whoever made the call, shown to whom it is
        put through. Applications may add to it; it goes with the call."""
        ...

    @property
    def leg(self) -> LegId:
        """Its leg, by which facts name it; another once another phone has taken its place."""
        ...

    @property
    def gone(self) -> bool:
        """Whether the caller has hung up, or is being hung up. An application that is cancelled while it is there is
        given up for another: the caller was fetched or transferred."""
        ...

    @property
    def resumed(self) -> bool:
        """Whether the application is begun anew because the switch was restarted while it, or one before it, served the
        caller: who has been greeted need not be greeted again."""
        ...

    def wall_ms(self) -> int:
        """Now, wall milliseconds."""
        ...

    def routed(
        self, destination: Destination | None, by: str, version: int | None, steps: Sequence[RoutingStep]
    ) -> None:
        """Record a routing decision."""
        ...

    def forward(self, by: Origin, number: str, reason: str) -> None:
        """Let the call be for another number from now on, in the name of whom it was for, and record it.

        `reason` in the words of RFC 5806. Raises Rejected when it was forwarded too often.
        """
        ...

    def redirect(self, contacts: Sequence[str]) -> None:
        """Should the call end without an answer, let the caller try these itself."""
        ...

    def identified(self, from_: Party, to: Party, identity: Identity) -> None:
        """The trunk that the call came by has said who calls whom: take it from here on, and record it."""
        ...

    def note(self, what: str) -> None:
        """Add what was decided to the call's ladder."""
        ...

    async def answer(self, *, wide: bool = False) -> None:
        """Answer the caller with our own media engine. Does nothing when already answered. `wide`: in the codec that it
        likes best, rather than the one that costs us least.

        Raises Rejected(INCOMPATIBLE_DESTINATION) when no codec is common.
        """
        ...

    async def play(self, *spoken: Spoken) -> None:
        """Answer if needed, and let the caller hear one thing after the other in its language, to the end of the last.
        Keys pressed meanwhile are kept. Raises NotFound for an unknown prompt or sound file."""
        ...

    async def gather(self, *spoken: Spoken, keys: Keys) -> Keyed:
        """The same, and then, or as soon as a digit is pressed, collect what the caller keys in."""
        ...

    async def record(
        self,
        name: str,
        *,
        most_seconds: float,
        silence_seconds: float | None = None,
        patience_seconds: float | None = None,
        ends_with: str = "#*0123456789",
    ) -> Recorded:
        """Answer if needed, and write what the caller says to a WAV file, until it presses one of the keys, has said
        nothing for `silence_seconds`, or the time is up. Keys pressed before are forgotten. `patience_seconds`: how
        long it may say nothing before its first word; None: no longer than afterwards.

        `name` is a path below the data folder, such as `voicemail/1001/abc.wav`. When the caller hangs up meanwhile the
        application is cancelled as always, and in `finally` the file is complete. Raises Invalid for a name that leads
        out of the folder.
        """
        ...

    async def digit(self, within: float) -> str | None:
        """The next key pressed, or None after `within` seconds."""
        ...

    def with_video(
        self, lines: Sequence[OurVideo], changed: Callable[[], None] | None = None, floor: OurFloor | None = None
    ) -> None:
        """Have video with the caller while it talks with nobody but us: what it offers of these lines is accepted, when
        it is answered and later. A caller who is up is offered those that it has not got, and its others end; none: all
        do. `floor`: where the caller may ask for the floor of its slides, if it has floor control.

        `changed` is told whenever what is agreed may have changed: then `video_lines` has what there is.
        """
        ...

    @property
    def video_lines(self) -> Sequence[tuple[LegId, VideoLine, VideoLine]]:
        """The video lines that are agreed with the caller: the leg that each is to the media engine, what we said of
        it, and what the caller said."""
        ...

    async def echo(self) -> None:
        """Answer, and send the caller's sound back until it hangs up, and its pictures."""
        ...

    async def tone(self, frequency: float, seconds: float | None = None) -> None:
        """Answer, and send a tone in Hz for some seconds; None: until the caller hangs up."""
        ...

    async def music(self, seconds: float | None = None, prompt: str = "") -> None:
        """Answer, and let the caller hear music, or silence where none is set, for some seconds; None: until it hangs
        up or is fetched. `prompt`: another one than the switch's. Raises NotFound for an unknown prompt."""
        ...

    async def place(self, order: Callable[[LegId], None], pressed: Callable[[str], None]) -> None:
        """Answer, and put the caller where an order to the media engine puts a leg: into a mix, say. Whoever takes the
        caller's place is put there, too. From now on `pressed` is told of each key, and nothing else is. Returns at
        once."""
        ...

    def enter_room(self, room: str, refer: Refer) -> None:
        """The caller, and whoever takes its place, is in a conference room from now on, named by its number: its phone
        is told so (RFC 4579), and what it asks for by REFER is done by `refer`."""
        ...

    def leave_room(self) -> None:
        """It is in none any more, and about to go."""
        ...

    async def dial(
        self, candidates: Sequence[Candidate], ring_seconds: float, later: Sequence[Later] = ()
    ) -> DialOutcome:
        """Ring all candidates at once, and those of `later` when their time comes; the first to answer (and to confirm
        it, where it must) talks with the caller and the others stop, told that the call was completed elsewhere.
        Returns when that talk has ended (`answered=True`) or when nobody answered: all refused, or the time was up."""
        ...

    def also(self, candidates: Sequence[Candidate]) -> None:
        """Let more terminals ring in the dial that is under way; does nothing once it has been answered or is over."""
        ...

    def ring(self, candidates: Sequence[Candidate], ringer: Ringer) -> Ring:
        """Ring terminals while the caller hears and does something else; more than one such ring may be under way. They
        ring until they are stopped. The caller must have been answered.

        Raises Rejected(SWITCH_CONGESTION) when no port is left for one of them, and Rejected(NO_ROUTE_TO_DESTINATION)
        after too many hops.
        """
        ...

"""What passes between the switch and a leg, in no protocol's words.

*Commands* (imperative) go to a gateway; *signals* (past tense) come from it. A gateway turns them into its own
protocol: 180, 200, re-INVITE and BYE exist only below.

An offer and its answer always alternate (RFC 3264). Where a field says "offer or answer", it is an answer if the
other side has made an offer that is still open, and an offer otherwise (late offer, RFC 3261 section 13.2.1).
"""

from msgspec import Struct

from softswitch.calls.identity import Identity, IdentityStyle
from softswitch.calls.leg_rules import LegRules
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import MediaDescription, Srtp


class Origin(Struct, frozen=True, gc=False):
    """Whom a call is from, once that was established, and the dial plan context it may use."""

    kind: str
    """`account`, `trunk`, `guest` or `api`."""
    name: str
    context: str
    codecs: tuple[str, ...] = ()
    """Which codecs it is told of, best first; empty: no rule (see `codec_choice`)."""
    rules: LegRules | None = None
    """How its signalling differs from what holds for all; None: in nothing."""
    shown_name: str = ""
    """The name that its calls show, whatever the caller says; empty: what the caller says."""
    srtp: Srtp = Srtp.OFF
    """Whether its sound, and its pictures, are encrypted."""
    video: bool = True
    """Whether it may have video."""


class Alert(Struct, frozen=True, gc=False):
    """How a party is to be alerted."""

    answer_after: int | None = None
    """Seconds after which the phone answers by itself; None: when somebody picks it up."""
    ring: str = ""
    """A kind of ringing by its URN (RFC 7462), such as `urn:alert:source:internal`; empty: as always."""


class Incoming(Struct, frozen=True, gc=False):
    """A party asks for a call."""

    origin: Origin
    from_: Party
    to: Party
    """`to.number` is the number dialled: the user part of the Request-URI, unescaped."""
    source: HostPort
    offer: MediaDescription | None
    """None: the party wants us to offer."""
    hops_left: int = 70
    """RFC 3261 section 8.1.1.6 Max-Forwards as received; a call goes on with one fewer."""
    identity: Identity | None = None
    """What a trunk says of the caller beside From, or an account of its privacy; None: nothing."""
    replaces: LegId | None = None
    """The party wants to take the place of this leg (RFC 3891), which the gateway has matched."""
    unfit: str = ""
    """What is wrong with the protocol of its offer, as the end of a sentence: the call is refused, and recorded."""
    session_id: str = ""
    """The caller's half of the name that the call has on all its legs (RFC 7989); empty: it gives none."""
    alert: Alert | None = None
    """How the caller would have the other party alerted."""


class Target(Struct, frozen=True, gc=False):
    """How one terminal is reached."""

    uri: str
    """The Request-URI."""
    transport: str = "udp"
    address: HostPort | None = None
    """Send here instead of where the URI or route points: a registered phone's source address (RFC 3581)."""
    connection: int | None = None
    """The connection to reuse while it lives."""
    path: tuple[str, ...] = ()
    patience: float = 0.0
    """Seconds within which it must say anything to an invitation, or count as silent; 0: as long as the protocol has
    it."""
    tcp_if_large: bool = False
    """Whether what is too long for UDP goes over TCP (RFC 3261 section 18.1.1)."""


class Credentials(Struct, frozen=True, gc=False):
    """What proves us to a party that asks. The password stays out of `repr`, and so out of every log."""

    username: str
    password: str
    realm: str = ""
    """The only realm that may ask for it; any may when empty."""

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"


class Invitation(Struct, frozen=True, gc=False):
    """The switch invites a party."""

    target: Target
    from_: Party
    to: Party
    offer: MediaDescription | None
    """None: let the party offer (the caller sent no offer, and sound is relayed)."""
    hops_left: int = 70
    credentials: Credentials | None = None
    """For a party that asks for a password; None: its 401 is a refusal."""
    identity: Identity | None = None
    """What it is told of the caller beside From."""
    style: IdentityStyle | None = None
    """How it is told; plainly when None."""
    alert: Alert | None = None
    session_id: str = ""
    """The caller's half, see `Incoming`."""
    rules: LegRules | None = None
    """How the party's signalling differs from what holds for all."""
    srtp: Srtp = Srtp.OFF
    """Whether its sound, and its pictures, are encrypted."""
    video: bool = True
    """Whether it may have video."""
    referred_by: Party | None = None
    """RFC 3892: the account that transfers the caller to it."""


# Commands ------------------------------------------------------------------------------------------------


class Ring(Struct, frozen=True, gc=False):
    """Tell the caller that it rings; with early media, let it hear it."""

    media: MediaDescription | None = None
    """An answer to the caller's offer."""
    session_id: str = ""
    """The other party's half, see `Incoming`."""


class Answer(Struct, frozen=True, gc=False):
    """Answer the caller."""

    media: MediaDescription
    """Offer or answer."""
    session_id: str = ""
    """The other party's half, see `Incoming`."""


class Confirm(Struct, frozen=True, gc=False):
    """Give the answer to the offer that a dialled party's `Answered` or a party's `OfferAnswered` carried."""

    media: MediaDescription


class Offer(Struct, frozen=True, gc=False):
    """Change the sound of an established leg; None asks the party for its offer."""

    media: MediaDescription | None
    at_once: bool = False
    """Whoever asked for it waits for the reply no longer than for any request: the party should not be asked first
    whether it likes it."""


class AcceptOffer(Struct, frozen=True, gc=False):
    """Reply to a party's `Offered`."""

    media: MediaDescription
    """Offer or answer."""


class RefuseOffer(Struct, frozen=True, gc=False):
    """Refuse a party's `Offered`: the sound stays as it was."""

    cause: Cause
    status: int | None = None
    """A SIP status to refuse with, where one was relayed from the other leg; None: by the cause."""


class SendDigit(Struct, frozen=True, gc=False):
    """Tell an established party of a key by signalling, because it was not agreed to hear keys in the sound."""

    digit: str
    duration_ms: int


class AskPicture(Struct, frozen=True, gc=False):
    """Ask an established party for a whole picture: the other one has lost the thread (RFC 5168)."""


class SendText(Struct, frozen=True, gc=False):
    """Give an established party a message of whom it talks with. What it says to that comes as `TextAnswered`."""

    reference: int
    content_type: str
    body: bytes


class AnswerText(Struct, frozen=True, gc=False):
    """Tell a party what became of its message, by a SIP status."""

    reference: int
    status: int


class HangUp(Struct, frozen=True, gc=False):
    """End the leg, in whatever state it is: refuse, cancel or clear it. Hanging up twice does nothing."""

    cause: Cause = Cause.NORMAL_CLEARING
    status: int | None = None
    """A SIP status to refuse with, where one was relayed from the other leg; None: by the cause."""
    elsewhere: bool = False
    """Another device answered: a cancelled phone should show no missed call (RFC 3326)."""
    contacts: tuple[str, ...] = ()
    """Where the caller may try instead; they go with a status of 300 to 399."""


class TransferProgress(Struct, frozen=True, gc=False):
    """Tell the party that asked for a transfer what becomes of it."""

    status: int
    """100 while it is tried, 180 when the target rings, 200 when it is done; else why it failed; 0: by the cause."""
    cause: Cause = Cause.NORMAL_CLEARING


class BecomeFocus(Struct, frozen=True, gc=False):
    """The party is in a conference from now on: whatever we say to it names the room (RFC 4579 section 5.1)."""

    room: str
    """The number by which the room is reached and watched."""


LegCommand = (
    Ring
    | Answer
    | Confirm
    | Offer
    | AcceptOffer
    | RefuseOffer
    | SendDigit
    | AskPicture
    | SendText
    | AnswerText
    | HangUp
    | TransferProgress
    | BecomeFocus
)


# Signals -------------------------------------------------------------------------------------------------


class Progressed(Struct, frozen=True, gc=False):
    """A dialled party is being alerted, or sends early media."""

    ringing: bool
    media: MediaDescription | None = None
    session_id: str = ""
    """The party's half, see `Incoming`."""
    silenced: bool = False
    """The early media that it sent has ended, and no other has begun."""


class Answered(Struct, frozen=True, gc=False):
    """A dialled party answered."""

    media: MediaDescription | None
    """Answer; or an offer that awaits `Confirm`, when the invitation carried none."""
    session_id: str = ""
    """The party's half, see `Incoming`."""


class Confirmed(Struct, frozen=True, gc=False):
    """The party acknowledged our answer; the leg is established. Only for legs that called us."""

    media: MediaDescription | None = None
    """Its answer, where ours was an offer."""


class Offered(Struct, frozen=True, gc=False):
    """An established party wants to change the sound (hold, resume, another codec or address).

    The switch must reply with `AcceptOffer` or `RefuseOffer`. None: the party asks for our offer.
    """

    media: MediaDescription | None
    at_once: bool = False
    """The party waits no longer than for any request (RFC 3311)."""


class OfferWithdrawn(Struct, frozen=True, gc=False):
    """The party's `Offered` came to nothing, whatever is or was replied to it: it took it back, or no answer of ours
    could be put in its words. Its sound stays as it was."""


class OfferAnswered(Struct, frozen=True, gc=False):
    """The party accepted our `Offer`."""

    media: MediaDescription | None
    """Answer; or an offer that awaits `Confirm`, when ours was None."""


class OfferRefused(Struct, frozen=True, gc=False):
    """The party refused our `Offer`; the sound stays as it was."""

    cause: Cause
    status: int


class DigitPressed(Struct, frozen=True, gc=False):
    """The party pressed a key, however that was signalled."""

    digit: str
    duration_ms: int


class TransferAsked(Struct, frozen=True, gc=False):
    """The party wants whom it talks with to talk with somebody else (RFC 3515 REFER).

    The switch replies with `TransferProgress`, the last of which has a status of 200 or more.
    """

    target: str
    """The number to call, as if the asking party had dialled it."""
    replaces: LegId | None = None
    """The other party is to take the place of this leg in its call (attended transfer)."""


class Aside(Struct, frozen=True, gc=False):
    """Something that a party says to whom it talks with, beside the sound."""


class PictureAsked(Aside, frozen=True, gc=False):
    """The party asks for a whole picture (RFC 5168)."""


class Texted(Aside, frozen=True, gc=False):
    """The party sends a message inside its call (RFC 3428). The switch replies with `AnswerText`, or it is told in time
    that nobody took it."""

    reference: int
    """By which the reply finds back."""
    content_type: str
    body: bytes


class TextAnswered(Aside, frozen=True, gc=False):
    """What the party said to a `SendText`."""

    reference: int
    status: int
    """Of SIP; 408 when it said nothing."""


class Ended(Struct, frozen=True, gc=False):
    """The leg is over. Exactly one for every leg, also after `HangUp`; nothing follows it."""

    cause: Cause
    by_party: bool
    status: int | None = None
    contacts: tuple[str, ...] = ()
    """Where a dialled party sends us instead (3xx): URIs, the most wanted first. See `calls.redirect`."""
    retry_after: int | None = None
    """Seconds after which a party that refused says it may be tried again."""


LegSignal = (
    Progressed
    | Answered
    | Confirmed
    | Offered
    | OfferWithdrawn
    | OfferAnswered
    | OfferRefused
    | DigitPressed
    | TransferAsked
    | PictureAsked
    | Texted
    | TextAnswered
    | Ended
)

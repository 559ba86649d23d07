"""What happens to calls."""

from msgspec import Struct

from softswitch.events.base import Fact
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId


class VideoFigures(Struct, frozen=True, gc=False):
    """What one leg's pictures measured, from the media engine's counters."""

    received: int = 0
    """RTP packets from the party."""
    sent: int = 0
    lost: int = 0
    """RFC 3550 section A.3, of what the party sent."""
    frames: int = 0
    """Pictures that came whole from the party."""
    key_frames: int = 0
    """Those among them that need no other."""
    jitter_ms: float = 0.0
    """RFC 3550 section A.8, at the end."""
    first_packet_ms: int | None = None
    """From the line's opening to its first packet; None: it never sent one."""
    asked_by_party: int = 0
    """Times that the party asked for a whole picture, by RTCP (PLI, FIR)."""
    asked_of_party: int = 0
    """Times that it was asked for one."""
    resent: int = 0
    """Packets sent again because the party missed them (NACK)."""
    width: int = 0
    """Of the last picture whose size was read; 0: none was."""
    height: int = 0


class MediaFigures(Struct, frozen=True, gc=False):
    """What one leg's sound measured, from the media engine's counters."""

    received: int = 0
    """RTP packets from the party."""
    sent: int = 0
    lost: int = 0
    """RFC 3550 section A.3, of what the party sent."""
    jitter_ms: float = 0.0
    """RFC 3550 section A.8, at the end."""
    first_packet_ms: int | None = None
    """From the leg's opening to its first packet; None: it never sent one."""
    last_address: str = ""
    """Where the last packet came from, `host:port`."""
    discarded: int = 0
    """Packets refused: from a stranger's address after latching, or no RTP at all."""
    telephone_events: int = 0
    """Packets of keys (RFC 4733) among those received."""
    payload_types: tuple[int, ...] = ()
    """Those that were received."""
    forged: int = 0
    """Packets of a leg with SRTP that were refused: they were under another key, in the clear, or forged."""
    replayed: int = 0
    """Packets of such a leg that had been there before."""
    mismatched: int = 0
    """Packets that look plain where SRTP was agreed, or like SRTP where it was not."""
    bursts: int = 0
    """RFC 3611 section 4.7.2: times when packets were lost close together."""
    burst_loss_percent: float = 0.0
    """Packets lost within bursts, and in the gaps between them."""
    gap_loss_percent: float = 0.0
    burst_ms: float = 0.0
    """The mean length of a burst."""
    late: int = 0
    """Packets that came when their time was over, where the sound is decoded here."""
    concealed_ms: int = 0
    """Sound made up in place of what was missing, where it is decoded here."""
    buffer_ms: float | None = None
    """The mean time in the jitter buffer; None where the sound was passed on as it came."""
    round_trip_ms: float | None = None
    """To the party and back, from RTCP; None when no report told it."""
    party_lost_percent: float | None = None
    """How much of what it was sent the party lost lately, as it reported; None when it did not."""
    sound_percent: float | None = None
    """The part of the party's packets that were more than silence; None where nothing was heard or can be told."""
    r: float | None = None
    """The rating of what came from the party by the E-model (ITU-T G.107), 0 to 93.2; None when nothing came."""
    mos: float | None = None
    """The same as a mean opinion score, 1 to 4.4."""


class LegClues(Struct, frozen=True, gc=False, kw_only=True):
    """The evidence about a leg that something is out of the ordinary with. Addresses are `host:port`."""

    name: str
    """What the leg belongs to: `account/1002`, or `the caller`."""
    called_us: bool
    talked_ms: int
    """Since it was answered; 0: it was not."""
    answered_after_ms: int
    """From the opening of its port to its answer."""
    ours: str
    """Where it was told to send sound; empty where sound bypassed us."""
    theirs: str
    """Where it said that it receives."""
    our_codecs: tuple[str, ...]
    """`0 PCMU`: payload type and name, as we said last."""
    their_codecs: tuple[str, ...]
    sends: bool
    """Whether its last description let it speak."""
    we_receive: bool
    """Whether ours let it."""
    left_on_hold: bool
    """Whether it had put the other party on hold and not taken it back."""
    keys_by_info: bool
    """Whether it sent keys as INFO."""
    other_hears_keys: bool | None
    """Whether the other party agreed to telephone-events; None: there was none."""
    unfit: str = ""
    """What was wrong with the protocol of its offer, as the end of a sentence."""


class Trouble(Struct, frozen=True, gc=False):
    """What went wrong with a leg."""

    kind: str
    leg: LegId
    sentence: str


class RoutingStep(Struct, frozen=True, gc=False):
    """One rule of the dial plan as it was tried."""

    rule: str
    """`context/rule name`."""
    result: str
    """`matched`, `skipped` or `failed`."""
    reason: str
    """In words: which condition decided."""


class TraceLine(Struct, frozen=True, gc=False, array_like=True):
    """One line of a call's ladder."""

    at: int
    leg: LegId
    direction: str
    """`in`: from the party to the switch; `out`: to the party; `note`: inside the switch."""
    what: str


class CallFact(Fact, frozen=True, gc=False, kw_only=True):
    """A fact about one call."""

    call: CallId


class CallOffered(CallFact, frozen=True, gc=False, kw_only=True):
    """A party asked for a call. The first fact of every call."""

    leg: LegId
    from_number: str
    from_name: str
    to_number: str
    origin_kind: str
    """`account`, `trunk`, `guest` or `api`."""
    origin: str
    context: str
    source: str
    """The address the request came from."""
    session_id: str = ""
    """The caller's half of the Session-ID (RFC 7989), by which other systems know the call."""


class CallerIdentified(CallFact, frozen=True, gc=False, kw_only=True):
    """The trunk that a call came by has said who calls whom, and it was taken as its rules allow."""

    from_number: str
    to_number: str
    asserted: str = ""
    """The caller's number as the trunk's network vouches for it (P-Asserted-Identity); empty where it does not."""
    private: bool = False
    """Whether the caller's number is not to be shown."""
    diverted_by: str = ""
    """Who sent the call on last."""
    verstat: str = ""
    """What the check of the caller's passport gave (RFC 8224)."""


class CallRouted(CallFact, frozen=True, gc=False, kw_only=True):
    """The dial plan or an application sent the call on."""

    destination: Destination | None
    by: str
    """`dialplan:<context>` or the call application's kind."""
    plan_version: int | None = None
    steps: tuple[RoutingStep, ...] = ()


class CallForwarded(CallFact, frozen=True, gc=False, kw_only=True):
    """Whom the call was for has sent it on to another number, with its own rights."""

    by: Destination
    """`account/1002`."""
    number: str
    reason: str
    """In the words of RFC 5806 section 5: `unconditional`, `user-busy`, `no-answer`, `unavailable`, …"""


class LegDialed(CallFact, frozen=True, gc=False, kw_only=True):
    """The switch invited a party."""

    leg: LegId
    destination: Destination
    """What it belongs to: `account/1002`, `trunk/uas`."""
    number: str
    target: str
    """The URI that was invited."""


class LegRang(CallFact, frozen=True, gc=False, kw_only=True):
    leg: LegId


class LegAnswered(CallFact, frozen=True, gc=False, kw_only=True):
    """A dialled party answered."""

    leg: LegId


class CallAnswered(CallFact, frozen=True, gc=False, kw_only=True):
    """The caller was answered: billing starts here."""


class LegsBridged(CallFact, frozen=True, gc=False, kw_only=True):
    """Two parties hear each other."""

    a: LegId
    b: LegId


class LegsParted(CallFact, frozen=True, gc=False, kw_only=True):
    """Two parties hear each other no more, and both are still there."""

    a: LegId
    b: LegId


class LegsMixed(CallFact, frozen=True, gc=False, kw_only=True):
    """Several parties hear each other from now on: these, and no others."""

    legs: tuple[LegId, ...]


class LegMoved(CallFact, frozen=True, gc=False, kw_only=True):
    """A leg goes on in another call: its last fact in this one."""

    leg: LegId
    to: CallId


class LegArrived(CallFact, frozen=True, gc=False, kw_only=True):
    """A leg came from another call: its first fact in this one."""

    leg: LegId
    from_call: CallId
    destination: Destination
    """What it belongs to: `account/1002`, `trunk/uas`."""
    number: str
    up: bool
    """Whether it had been answered."""


class TransferBegan(CallFact, frozen=True, gc=False, kw_only=True):
    """A party, or an administrator, wants another party to talk with somebody else."""

    by: LegId
    kind: str
    """`blind`, `attended`, `replaced`, `pickup` or `parked`."""
    target: str
    """The number called, or the call joined."""


class TransferCompleted(CallFact, frozen=True, gc=False, kw_only=True):
    """The other party has been taken by the target."""

    by: LegId


class TransferFailed(CallFact, frozen=True, gc=False, kw_only=True):
    """The target did not take the other party, who goes back to whom it talked with."""

    by: LegId
    cause: Cause
    status: int | None = None


class LegHeld(CallFact, frozen=True, gc=False, kw_only=True):
    """`leg` put the other party on hold."""

    leg: LegId


class LegResumed(CallFact, frozen=True, gc=False, kw_only=True):
    leg: LegId


class LegVideo(Struct, frozen=True, gc=False):
    """One video line that a leg has had."""

    codec: str
    """What was agreed last, such as `H264`."""
    content: str = ""
    """What was to be seen, where the party said so: `main`, `slides` ..."""
    figures: VideoFigures | None = None
    """None: the pictures did not pass through us."""


class LegEnded(CallFact, frozen=True, gc=False, kw_only=True):
    """A leg is over; the one such fact of every leg, the caller's included."""

    leg: LegId
    cause: Cause
    by_party: bool
    """Whether the party ended it (or refused), rather than the switch."""
    status: int | None = None
    """The SIP status that said so, where one did."""
    figures: MediaFigures | None = None
    contacts: tuple[str, ...] = ()
    """Where a party that redirected the call sent it: URIs."""
    clues: LegClues | None = None
    """None: nothing about it is out of the ordinary."""
    codec: str = ""
    """The speech agreed with the party last, such as `PCMA` or `L16/16000`; empty where the leg was never up."""
    video: tuple[LegVideo, ...] = ()
    """Its video lines that were ever agreed."""


class CallTroubled(CallFact, frozen=True, gc=False, kw_only=True):
    """The call had trouble with its sound. Comes before `CallEnded`, once at the most."""

    troubles: tuple[Trouble, ...]


class CallTraced(CallFact, frozen=True, gc=False, kw_only=True):
    """The call's ladder, written once at its end."""

    lines: tuple[TraceLine, ...]


class CallEnded(CallFact, frozen=True, gc=False, kw_only=True):
    """Nothing of the call is left. The last fact of every call, and there is exactly one."""

    cause: Cause
    caller_gave_up: bool = False
    """Whether the caller hung up before an answer."""
    note: str = ""
    """What the causes cannot say, such as that the switch itself had stopped."""

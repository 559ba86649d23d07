"""A live call as it is written down for the process after this one: what the engine knows, and each leg's dialog as the
signalling gateway writes it."""

from msgspec import Raw, Struct, json

from softswitch.calls.identity import Identity
from softswitch.calls.leg import Leg
from softswitch.calls.signals import Origin
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId


class LegRecord(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One leg that is up."""

    leg: LegId
    destination: Destination | None
    party: Party
    inbound: bool
    address: HostPort | None
    codecs: tuple[str, ...] = ()
    opened_at: int = 0
    informed: bool = False
    session_id: str = ""
    far_session_id: str = ""
    aside: bool = False
    sees: bool = True
    pictures: tuple[HostPort, ...] = ()
    seen: tuple[tuple[int, str, str], ...] = ()
    """Of its video lines that were ever agreed: place, codec, content."""
    leaving: bool = False
    dialog: Raw
    """See `softswitch.ports.takeover.Memory.remembered`."""


class TransferRecord(Struct, frozen=True, gc=False):
    """A transfer that is not settled."""

    asked: LegId
    by: LegId | None
    recall: Destination | None
    referrer: Party | None


class CallRecord(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One call that is answered."""

    call: CallId
    origin: Origin
    routed_as: Origin
    from_: Party
    to: Party
    identity: Identity | None = None
    language: str
    data: dict[str, str] = {}
    """What applications know of the caller's matter."""
    answered_at: int
    hops_left: int
    forwards: tuple[tuple[str, str, str], ...] = ()
    legs_so_far: int
    legs: tuple[LegRecord, ...]
    caller: LegId
    partner: LegId | None = None
    """Whom the caller talks with."""
    at: Destination | None = None
    """The application that serves the caller, or has put it through."""
    transfer: TransferRecord | None = None
    mixed: bool = False
    """Whether more than two talk: that cannot be gone on with."""


encode = json.Encoder().encode
decode = json.Decoder(CallRecord).decode


def leg_record(leg: Leg, dialog: bytes) -> LegRecord:
    """A leg that is up, with its dialog."""
    return LegRecord(
        leg=leg.id,
        destination=leg.destination,
        party=leg.party,
        inbound=leg.inbound,
        address=leg.address,
        codecs=leg.codecs,
        opened_at=leg.opened_at,
        informed=leg.informed,
        session_id=leg.session_id,
        far_session_id=leg.far_session_id,
        aside=leg.aside,
        sees=leg.sees,
        pictures=leg.pictures,
        seen=tuple((place, *what) for place, what in leg.seen.items()) if leg.seen else (),
        leaving=leg.leaving,
        dialog=Raw(dialog),
    )

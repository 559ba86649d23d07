"""Who tells whom which address and which codecs: offers and answers as they cross the switch (RFC 3264).

What they say of video is `video_plan`'s."""

from collections.abc import Sequence

from msgspec import structs

from softswitch.calls import video_plan
from softswitch.calls.codec_choice import Allowed, Codecs, agreed, answered, label, offered, same_format
from softswitch.calls.leg import Leg, LegState
from softswitch.kernel.address import HostPort
from softswitch.kernel.media import PLAIN, Codec, Direction, MediaDescription

TELEPHONE_EVENT = "TELEPHONE-EVENT"


def through(description: MediaDescription, address: HostPort | None, rtcp_mux: bool = False) -> MediaDescription:
    """What one party said, as the other is told it: the same codecs under the same payload types, at our address.

    `address` None means that sound bypasses us: the other is told the very same. `rtcp_mux` may be true only in
    an answer to an offer of it (RFC 5761 section 5.1.1); we never offer it.
    """
    if address is None:
        return past_us(description)
    return MediaDescription(address, description.codecs, description.direction, description.ptime, None, rtcp_mux)


def past_us(description: MediaDescription) -> MediaDescription:
    """What one party said, as the other is told it where sound bypasses us: its keys with it, since the party beyond
    protects the sound, or nobody does."""
    if description.video:
        lines = tuple(structs.replace(line, security=line.security or PLAIN) for line in description.video)
        description = structs.replace(description, video=lines)
    return description if description.security is not None else structs.replace(description, security=PLAIN)


def offer_to(leg: Leg, said: MediaDescription, able: Codecs, by: Allowed = ()) -> MediaDescription:
    """What a leg's party is offered of what another `said`, whose rule is `by`; `able` is what we convert between."""
    if leg.address is None:
        return past_us(said)
    known = leg.remote.codecs if leg.remote is not None else ()
    codecs = offered(said.codecs, by, leg.codecs, able, known)
    video = video_plan.offered(leg, said) if said.video else ()
    return MediaDescription(leg.address, codecs, said.direction, said.ptime, video=video)


def answer_to(leg: Leg, said: MediaDescription, able: Codecs) -> MediaDescription:
    """What a leg's party, which made an offer, is answered of what another `said` to it."""
    if leg.address is None:
        return past_us(said)
    offer = leg.remote
    if offer is None:
        return through(said, leg.address)
    codecs = said.codecs if said.codecs == offer.codecs else answered(said.codecs, offer.codecs, leg.codecs, able)
    video = video_plan.answered(leg, offer, said) if said.video else ()
    return MediaDescription(leg.address, codecs, said.direction, said.ptime, None, offer.rtcp_mux, video=video)


def relayed(leg: Leg, said: MediaDescription, able: Codecs, by: Allowed, *, music: bool) -> MediaDescription:
    """`offer_to` for an established leg. With `music`, a party that is put on hold by `inactive` is told `sendonly`: it
    is to hear ours (RFC 3264 section 8.4 lets the holder send)."""
    told = offer_to(leg, said, able, by)
    held = music and told.direction is Direction.INACTIVE and leg.address is not None
    return _with(told, Direction.SENDONLY) if held else told


def spoken(leg: Leg) -> MediaDescription | None:
    """What a party that is up is to be introduced to another with: what it said last, without what is past.

    Its direction may still tell of a hold by whom it talked with before: unless it holds itself, it speaks and hears.
    """
    if leg.remote is None or leg.state is not LegState.UP or leg.held:
        return leg.remote
    said = leg.remote
    if said.direction is Direction.SENDRECV:
        return said
    return _with(video_plan.spoken(said) if said.video else said, Direction.SENDRECV)


def speech(leg: Leg) -> str:
    """The codec agreed with a leg's party, as records name it; empty where none is."""
    if leg.local is None or leg.remote is None:
        return ""
    codec = agreed(leg.local.codecs, leg.remote.codecs)
    return "" if codec is None else label(codec)


def is_spoken(leg: Leg, codecs: Codecs) -> bool:
    """Whether what a leg's party speaks is one of these."""
    codec = None if leg.local is None or leg.remote is None else agreed(leg.local.codecs, leg.remote.codecs)
    return codec is not None and any(same_format(codec, each) for each in codecs)


def conversion(a: Leg, b: Leg) -> tuple[str, str] | None:
    """Between which codecs the sound of two parties is converted; None: it passes as it is, or is not settled yet."""
    if a.local is None or a.remote is None or b.local is None or b.remote is None or b.address is None:
        return None
    if a.local.codecs == b.remote.codecs:
        return None
    one, other = agreed(a.local.codecs, a.remote.codecs), agreed(b.local.codecs, b.remote.codecs)
    return None if one is None or other is None or same_format(one, other) else (label(one), label(other))


def _with(description: MediaDescription, direction: Direction) -> MediaDescription:
    if description.direction is direction:
        return description
    return structs.replace(description, direction=direction)


def offer(codecs: Sequence[Codec], address: HostPort) -> MediaDescription:
    """Our own media engine's offer."""
    return MediaDescription(address, tuple(codecs), ptime=20)


def answer(
    their_offer: MediaDescription, codecs: Sequence[Codec], address: HostPort, able: Codecs = ()
) -> MediaDescription | None:
    """Our own media engine's answer to an offer; None when no codec for speech is common.

    The codecs are those common to both, in the order and under the payload types of the offer (RFC 3264 section
    6.1: "the answerer SHOULD use the same payload type numbers"), one for speech and telephone-event if offered:
    an engine that speaks one codec at a time is not to be surprised by another. What it is `able` to speak but costs
    more than `codecs` counts where none of those was offered.
    """
    voices = [codec for codec in their_offer.codecs if codec.name != TELEPHONE_EVENT]
    speech = _first_common(voices, codecs) or _first_common(voices, able)
    if speech is None:
        return None
    events = [codec for codec in their_offer.codecs if codec.name == TELEPHONE_EVENT]
    digits = [codec for codec in events if codec.clock_rate == speech.clock_rate][:1]
    return MediaDescription(
        address,
        (speech, *digits),
        their_offer.direction.reversed,
        their_offer.ptime or 20,
        None,
        their_offer.rtcp_mux,
    )


def _first_common(offered: Sequence[Codec], ours: Sequence[Codec]) -> Codec | None:
    return next((codec for codec in offered if any(same_format(codec, our) for our in ours)), None)


def understood(leg: Leg, said: MediaDescription) -> bool:
    """Whether a leg's party needs no new offer to talk with one that `said` so."""
    told, address = leg.local, leg.address
    return (
        told is not None
        and told.address == (said.address if address is None else address)
        and told.direction is said.direction
        and same_speech(told, said)
        and (address is not None or (told.security == (said.security or PLAIN) and told.video == said.video))
        and (address is None or not (told.video or said.video) or video_plan.understood(leg, said))
    )


def hears_keys(description: MediaDescription) -> bool:
    """Whether a party takes keys in the sound (RFC 4733)."""
    return any(codec.name == TELEPHONE_EVENT for codec in description.codecs)


def same_speech(a: MediaDescription, b: MediaDescription) -> bool:
    """Whether a party that speaks as `a` says is understood by one that hears as `b` says: the first codec for
    speech agrees, payload type included."""
    first_a = next((codec for codec in a.codecs if codec.name != TELEPHONE_EVENT), None)
    first_b = next((codec for codec in b.codecs if codec.name != TELEPHONE_EVENT), None)
    return (
        first_a is not None
        and first_b is not None
        and (first_a.payload_type, first_a.name)
        == (
            first_b.payload_type,
            first_b.name,
        )
    )

"""Two parties with and without a codec in common: what each is told, over a whole call."""

from msgspec import structs

from softswitch.calls.signals import (
    AcceptOffer,
    Answer,
    Answered,
    Confirm,
    Confirmed,
    Ended,
    HangUp,
    Invitation,
    Offer,
    OfferAnswered,
    Offered,
    Progressed,
    Ring,
)
from softswitch.events import CallTraced, LegEnded
from softswitch.kernel.cause import Cause
from softswitch.kernel.media import PLAIN, Codec, Direction, MediaDescription
from tests.support.virtual_time import VirtualTimeLoop, run
from tests.unit.test_call import B1, CALLER, World, at, dials, said, terminal

PCMU, PCMA, G722 = Codec(0, "PCMU"), Codec(8, "PCMA"), Codec(9, "G722")
OPUS = Codec(107, "OPUS", 48000, 2)
ABLE = (PCMA, PCMU, G722, OPUS)


def converting(loop: VirtualTimeLoop, codecs: tuple[str, ...] = ()) -> World:
    """A switch whose media engine converts; `codecs` is the rule of whoever is called."""
    phone = terminal("1002")
    world = World(loop, dials(type(phone)(phone.target, phone.destination, phone.number, codecs=codecs)))
    world.media.converts = ABLE
    return world


async def invited(world: World, offer: MediaDescription | None) -> MediaDescription | None:
    """What the called party is offered."""
    await world.call(offer)
    ((leg, invitation),) = world.signalling.take()
    assert leg == B1 and isinstance(invitation, Invitation)
    return invitation.offer


async def over(world: World) -> dict[str, str]:
    """The caller hangs up: the codecs of the record, by leg."""
    assert (B1, HangUp()) in await world.hear(CALLER, Ended(Cause.NORMAL_CLEARING, by_party=True))
    await world.hear(B1, Ended(Cause.NORMAL_CLEARING, by_party=False))
    world.ended_well()
    return {fact.leg: fact.codec for fact in world.facts if isinstance(fact, LegEnded)}


def notes(world: World) -> list[str]:
    (traced,) = (fact for fact in world.facts if isinstance(fact, CallTraced))
    return [line.what for line in traced.lines if line.direction == "note"]


def test_with_a_codec_in_common_nothing_is_converted() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = converting(loop)
        assert await invited(world, said(1000, G722, PCMA)) == at(4002, G722, PCMA)
        assert await world.hear(B1, Answered(said(2000, PCMA))) == [(CALLER, Answer(at(4000, PCMA)))]
        assert await over(world) == {CALLER: "PCMA", B1: "PCMA"}
        assert notes(world) == []

    run(main)


def test_without_one_each_party_hears_of_its_own_and_the_record_says_so() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = converting(loop)
        assert await invited(world, said(1000, G722)) == at(4002, G722, PCMA, PCMU)
        assert await world.hear(B1, Answered(said(2000, PCMA))) == [(CALLER, Answer(at(4000, G722)))]
        assert await over(world) == {CALLER: "G722", B1: "PCMA"}
        assert notes(world) == ["sound is converted between G722 and PCMA"]

    run(main)


def test_early_media_is_converted_too() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = converting(loop)
        await invited(world, said(1000, G722))
        ringing = await world.hear(B1, Progressed(ringing=True, media=said(2000, PCMU)))
        assert ringing == [(CALLER, Ring(at(4000, G722)))]
        assert await world.hear(B1, Answered(None)) == [(CALLER, Answer(at(4000, G722)))]

    run(main)


def test_a_rule_of_who_is_called_puts_what_both_have_first() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = converting(loop, ("OPUS", "PCMU"))
        offer = await invited(world, said(1000, PCMA, PCMU))
        assert offer == at(4002, PCMU, OPUS)
        answers = await world.hear(B1, Answered(said(2000, OPUS)))
        assert answers == [(CALLER, Answer(at(4000, PCMA)))], "the first of its offer"

    run(main)


def test_a_late_offer_reaches_the_caller_with_what_we_convert_to() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = converting(loop)
        assert await invited(world, None) is None
        answered = await world.hear(B1, Answered(said(2000, G722)))
        assert answered == [(CALLER, Answer(at(4000, G722, PCMA, PCMU)))]
        confirmed = await world.hear(CALLER, Confirmed(said(1000, PCMU)))
        assert confirmed == [(B1, Confirm(at(4002, G722)))]
        assert await over(world) == {CALLER: "PCMU", B1: "G722"}

    run(main)


def test_a_hold_in_a_converted_call_reaches_a_party_in_its_own_codec() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = converting(loop)
        await invited(world, said(1000, G722))
        await world.hear(B1, Answered(said(2000, PCMA)))
        held = await world.hear(B1, Offered(said(2000, PCMA, direction=Direction.SENDONLY)))
        ((leg, offer),) = held
        assert leg == CALLER and isinstance(offer, Offer) and offer.media is not None
        assert (offer.media.codecs, offer.media.direction) == ((PCMA, G722), Direction.SENDONLY)
        told = await world.hear(CALLER, OfferAnswered(said(1000, G722, direction=Direction.RECVONLY)))
        ((leg, accepted),) = told
        assert leg == B1 and isinstance(accepted, AcceptOffer)
        assert (accepted.media.codecs, accepted.media.direction) == ((PCMA,), Direction.RECVONLY)
        back = await world.hear(CALLER, Offered(said(1000, G722)))
        assert [type(command) for _, command in back] == [Offer]
        assert await world.hear(B1, OfferAnswered(said(2000, PCMA))) == [(CALLER, AcceptOffer(at(4000, G722)))]
        assert await over(world) == {CALLER: "G722", B1: "PCMA"}

    run(main)


def test_sound_that_bypasses_us_is_not_converted() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002", anchored=False)))
        world.media.converts = ABLE
        assert await invited(world, said(1000, G722)) == structs.replace(said(1000, G722), security=PLAIN)

    run(main)

"""Offers between two established legs."""

from softswitch.calls.leg import Leg, LegState, Open
from softswitch.calls.relay import Connect, Held, Relay, Send, State
from softswitch.calls.signals import (
    AcceptOffer,
    Confirm,
    Confirmed,
    Offer,
    OfferAnswered,
    Offered,
    OfferRefused,
    OfferWithdrawn,
    RefuseOffer,
)
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec, Direction, MediaDescription

PCMA = Codec(8, "PCMA")
OURS_A, OURS_B = HostPort("127.0.0.1", 4000), HostPort("127.0.0.1", 4002)


def party(port: int, direction: Direction = Direction.SENDRECV) -> MediaDescription:
    return MediaDescription(HostPort("10.0.0.1", port), (PCMA,), direction)


def ours(address: HostPort, direction: Direction = Direction.SENDRECV) -> MediaDescription:
    return MediaDescription(address, (PCMA,), direction)


def two_legs() -> tuple[Leg, Leg, Relay]:
    a, b = Leg(LegId("c.1"), None, OURS_A), Leg(LegId("c.2"), None, OURS_B)
    for leg, port in ((a, 1000), (b, 2000)):
        leg.state, leg.remote = LegState.UP, party(port)
    return a, b, Relay(a, b)


def test_a_hold_is_put_to_the_other_party_at_our_address_and_its_answer_brought_back() -> None:
    a, b, relay = two_legs()
    assert relay.receive(a, Offered(party(1000, Direction.SENDONLY))) == [
        Send(b, Offer(ours(OURS_B, Direction.SENDONLY)))
    ]
    assert relay.receive(b, OfferAnswered(party(2000, Direction.RECVONLY))) == [
        Send(a, AcceptOffer(ours(OURS_A, Direction.RECVONLY))),
        Connect(a),
        Connect(b),
        Held(a, True),
    ]
    assert relay.state is State.IDLE


def test_a_resume_ends_the_hold() -> None:
    a, b, relay = two_legs()
    relay.receive(a, Offered(party(1000, Direction.SENDONLY)))
    relay.receive(b, OfferAnswered(party(2000, Direction.RECVONLY)))
    relay.receive(a, Offered(party(1000)))
    assert Held(a, False) in relay.receive(b, OfferAnswered(party(2000)))


def test_a_refused_offer_is_refused_to_the_asker_with_the_same_status() -> None:
    a, b, relay = two_legs()
    relay.receive(b, Offered(party(2000)))
    assert relay.receive(a, OfferRefused(Cause.INCOMPATIBLE_DESTINATION, 488)) == [
        Send(b, RefuseOffer(Cause.INCOMPATIBLE_DESTINATION, 488))
    ]
    assert relay.state is State.IDLE


def test_an_offer_that_meets_one_in_progress_is_refused_as_pending() -> None:
    a, b, relay = two_legs()
    relay.receive(a, Offered(party(1000)))
    assert relay.receive(b, Offered(party(2000))) == [Send(b, RefuseOffer(Cause.TEMPORARY_FAILURE, 491))]


def test_a_request_for_an_offer_passes_through_and_the_answer_comes_with_the_acknowledgement() -> None:
    a, b, relay = two_legs()
    assert relay.receive(a, Offered(None)) == [Send(b, Offer(None))]
    assert relay.receive(b, OfferAnswered(party(2000))) == [Send(a, AcceptOffer(ours(OURS_A)))]
    assert relay.awaits(a) and not relay.awaits(b)
    assert relay.receive(a, Confirmed(party(1000))) == [Send(b, Confirm(ours(OURS_B))), Connect(a), Connect(b)]
    assert relay.state is State.IDLE


def test_an_acceptance_without_a_description_settles_nothing() -> None:
    a, b, relay = two_legs()
    relay.receive(a, Offered(party(1000)))
    assert relay.receive(b, OfferAnswered(None)) == [Send(a, RefuseOffer(Cause.PROTOCOL_ERROR, 488))]


def test_an_offer_to_a_party_that_is_gone_is_refused() -> None:
    a, b, relay = two_legs()
    relay.receive(a, Offered(party(1000, Direction.SENDONLY)))
    a.state = LegState.ENDED
    assert relay.abandon() == []  # who asked will not hear the answer
    assert b.open is Open.OFFER  # and it is ours from now on
    a, b, relay = two_legs()
    relay.receive(a, Offered(party(1000, Direction.SENDONLY)))
    b.state = LegState.ENDED
    assert relay.abandon() == [Send(a, RefuseOffer(Cause.INTERWORKING, 488))]
    assert relay.state is State.IDLE


def test_parties_that_are_taken_apart_in_the_middle_of_an_exchange_are_left_with_nothing_open_between_them() -> None:
    a, b, relay = two_legs()
    relay.receive(a, Offered(party(1000)))
    assert relay.abandon() == [Send(a, RefuseOffer(Cause.TEMPORARY_FAILURE, 491))]
    assert (a.open, b.open) == (Open.NOTHING, Open.OFFER)
    a, b, relay = two_legs()
    relay.receive(a, Offered(None))
    relay.receive(b, OfferAnswered(party(2000)))
    assert relay.abandon() == [Send(b, Confirm(ours(OURS_B)))]
    assert (a.open, b.open) == (Open.ANSWER, Open.NOTHING)


def test_with_music_an_inactive_holder_stays_inactive_and_the_held_party_is_told_that_it_will_hear() -> None:
    a, b, _ = two_legs()
    relay = Relay(a, b, music=True)
    assert relay.receive(a, Offered(party(1000, Direction.INACTIVE))) == [
        Send(b, Offer(ours(OURS_B, Direction.SENDONLY)))
    ]
    effects = relay.receive(b, OfferAnswered(party(2000, Direction.RECVONLY)))
    assert effects[0] == Send(a, AcceptOffer(ours(OURS_A, Direction.INACTIVE)))
    assert Held(a, True) in effects


def test_an_offer_that_cannot_wait_is_passed_on_as_one() -> None:
    a, b, relay = two_legs()
    assert relay.receive(a, Offered(party(1002), at_once=True)) == [Send(b, Offer(ours(OURS_B), at_once=True))]


def test_an_offer_taken_back_before_the_other_party_replied_is_undone_once_it_agrees() -> None:
    a, b, relay = two_legs()
    relay.receive(a, Offered(party(1000, Direction.SENDONLY)))
    assert relay.receive(a, OfferWithdrawn()) == []
    assert a.remote == party(1000)
    assert relay.receive(a, Offered(party(1001))) == [Send(a, RefuseOffer(Cause.TEMPORARY_FAILURE, 491))]
    assert relay.receive(b, OfferAnswered(party(2000, Direction.RECVONLY))) == [Send(b, Offer(ours(OURS_B)))]
    assert relay.receive(b, OfferAnswered(party(2000))) == [Connect(a), Connect(b)]
    assert relay.state is State.IDLE


def test_an_offer_taken_back_that_the_other_party_refuses_leaves_nothing_to_undo() -> None:
    a, b, relay = two_legs()
    relay.receive(a, Offered(party(1000, Direction.SENDONLY)))
    relay.receive(a, OfferWithdrawn())
    assert relay.receive(b, OfferRefused(Cause.INCOMPATIBLE_DESTINATION, 488)) == []
    assert relay.state is State.IDLE


def test_an_offer_taken_back_while_the_other_partys_yes_was_under_way_is_undone() -> None:
    a, b, relay = two_legs()
    relay.receive(a, Offered(party(1000, Direction.SENDONLY)))
    relay.receive(b, OfferAnswered(party(2000, Direction.RECVONLY)))
    assert relay.receive(a, OfferWithdrawn()) == [Send(b, Offer(ours(OURS_B)))]
    assert relay.receive(b, OfferAnswered(party(2000))) == [Connect(a), Connect(b), Held(a, False)]


def test_the_answer_to_an_offer_that_was_asked_for_and_is_not_wanted_any_more_is_what_held_before() -> None:
    a, b, relay = two_legs()
    relay.receive(a, Offered(None))
    relay.receive(a, OfferWithdrawn())
    assert relay.receive(b, OfferAnswered(party(2002))) == [Send(b, Confirm(ours(OURS_B))), Connect(a), Connect(b)]
    assert (a.remote, b.remote) == (party(1000), party(2002))


def test_a_refused_offer_is_forgotten() -> None:
    a, b, relay = two_legs()
    relay.receive(a, Offered(party(1000, Direction.SENDONLY)))
    relay.receive(b, OfferRefused(Cause.INCOMPATIBLE_DESTINATION, 488))
    assert a.remote == party(1000)
    assert relay.receive(a, OfferWithdrawn()) == []

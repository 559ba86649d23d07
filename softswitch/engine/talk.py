"""Whom the caller talks to, us or another party, and the offers and answers that pass meanwhile."""

from typing import Any

from softswitch.calls import media_plan
from softswitch.calls.leg import Leg, LegState
from softswitch.calls.relay import Connect, Effect, Held, Relay, Send
from softswitch.calls.relay import State as RelayState
from softswitch.calls.signals import (
    AcceptOffer,
    Confirmed,
    LegSignal,
    Offer,
    OfferAnswered,
    Offered,
    RefuseOffer,
)
from softswitch.engine.legs import CallLegs
from softswitch.engine.surroundings import Surroundings
from softswitch.events import LegHeld, LegResumed, LegsBridged
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import CallId


class Talk:
    """The sound of one call. `Relay` decides while two parties talk; alone with us, we accept what we can."""

    __slots__ = ("_around", "_call", "_legs", "_relay")

    def __init__(self, around: Surroundings, legs: CallLegs[Any], call: CallId) -> None:
        self._around = around
        self._legs = legs
        self._call = call
        self._relay: Relay | None = None

    def with_us(self, caller: Leg) -> None:
        """Settle what to tell a caller that our own media engine answers.

        Raises Rejected: INCOMPATIBLE_DESTINATION without a common codec, SWITCH_CONGESTION without a free port.
        """
        self._legs.open_media(caller)
        assert caller.address is not None
        codecs = self._around.media.codecs
        if caller.remote is None:
            caller.local = media_plan.offer(codecs, caller.address)
            return
        caller.local = media_plan.answer(caller.remote, codecs, caller.address)
        if caller.local is None:
            raise Rejected(Cause.INCOMPATIBLE_DESTINATION, "the caller offers no codec that we speak")
        self._legs.connect(caller)

    def early(self, caller: Leg, leg: Leg) -> None:
        """Let the caller hear what a ringing party sends."""
        assert leg.remote is not None and caller.remote is not None
        self._relaying(caller, leg)
        caller.local = media_plan.through(leg.remote, leg.address and caller.address, caller.remote.rtcp_mux)
        if leg.address is not None:
            self._legs.connect(leg)
            self._legs.connect(caller)
            self._around.media.bridge(caller.id, leg.id)

    def put_through(self, caller: Leg, leg: Leg) -> None:
        """Join the caller and the party that answered; `caller.local` is then what to answer the caller with."""
        assert leg.remote is not None
        if leg.address is None:
            self._legs.close_media(caller)  # it was opened for a candidate that did not win
        late = caller.remote is None
        relay = self._relaying(caller, leg)
        if caller.state is LegState.UP:
            self._align(caller, leg)
        else:
            muxed = caller.remote is not None and caller.remote.rtcp_mux
            caller.local = media_plan.through(leg.remote, caller.address, muxed)
            if late:
                relay.await_answer(caller)
        if leg.address is not None:
            if not late:
                self._legs.connect(caller)
                self._legs.connect(leg)
            self._around.media.bridge(caller.id, leg.id)

    def _relaying(self, caller: Leg, leg: Leg) -> Relay:
        """The relay between two legs: the one that was there before the answer, with what it is at, or a new one."""
        relay = self._relay
        if relay is None or not relay.between(caller, leg):
            if relay is not None:
                self._carry_out(relay.abandon(leg))
            relay = self._relay = Relay(caller, leg)
        return relay

    def lost(self, caller: Leg, leg: Leg) -> None:
        """A party is gone before it answered."""
        if self._relay is not None and self._relay.between(caller, leg):
            self._carry_out(self._relay.abandon(leg))
            self._relay = None

    def bridged(self, caller: Leg, leg: Leg) -> None:
        """Record that two parties hear each other."""
        self._around.publish(LegsBridged(at=self._around.clock.wall_ms(), call=self._call, a=caller.id, b=leg.id))

    def parted(self, caller: Leg) -> None:
        """The other party is gone; the caller hears silence until something else is done."""
        self._relay = None
        if caller.address is not None and caller.state is LegState.UP:
            self._around.media.silence(caller.id)

    def negotiated(self, leg: Leg, signal: LegSignal) -> None:
        """An offer, an answer or an acknowledgement on an established leg.

        Raises Rejected(PROTOCOL_ERROR) when a party leaves an offer of ours unanswered for good.
        """
        relay = self._relay
        if isinstance(signal, Confirmed) and signal.media is None:
            if relay is not None and relay.awaits(leg):
                raise Rejected(Cause.PROTOCOL_ERROR, "the party acknowledged our offer without answering it")
        elif (
            isinstance(signal, Offered)
            and leg.destination is not None
            and leg.state is not LegState.UP
            and not (relay is not None and relay.holds(leg))
        ):
            self._negotiated_unheard(leg, signal)
        elif relay is None:
            self._negotiated_with_us(leg, signal)
        elif relay.state is RelayState.IDLE and isinstance(signal, OfferAnswered):
            if signal.media is not None:  # the answer to an offer of our own, see `_align`
                leg.remote = signal.media
                self._legs.connect(leg)
        else:
            self._relayed(relay, leg, signal)

    def _relayed(self, relay: Relay, leg: Leg, signal: LegSignal) -> None:
        self._carry_out(relay.receive(leg, signal))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(to, command):
                    self._around.signalling.send(to.id, command)
                case Connect(to):
                    self._legs.connect(to)
                case Held(by, held):
                    fact = LegHeld if held else LegResumed
                    self._around.publish(fact(at=self._around.clock.wall_ms(), call=self._call, leg=by.id))

    def _negotiated_unheard(self, leg: Leg, offered: Offered) -> None:
        """A ringing party that the caller does not hear yet changes its mind: it is told what it was told before."""
        if offered.media is None or leg.local is None:
            self._around.signalling.send(leg.id, RefuseOffer(Cause.INCOMPATIBLE_DESTINATION))
            return
        leg.remote = offered.media
        self._around.signalling.send(leg.id, AcceptOffer(leg.local))

    def _negotiated_with_us(self, leg: Leg, signal: LegSignal) -> None:
        codecs, send = self._around.media.codecs, self._around.signalling.send
        match signal:
            case Offered(None):
                self._legs.open_media(leg)
                assert leg.address is not None
                leg.local = media_plan.offer(codecs, leg.address)
                send(leg.id, AcceptOffer(leg.local))
            case Offered(offered) if offered is not None:
                self._legs.open_media(leg)
                assert leg.address is not None
                answer = media_plan.answer(offered, codecs, leg.address)
                if answer is None:
                    send(leg.id, RefuseOffer(Cause.INCOMPATIBLE_DESTINATION))
                    return
                leg.remote, leg.local = offered, answer
                self._legs.connect(leg)
                send(leg.id, AcceptOffer(answer))
            case Confirmed(answered) | OfferAnswered(answered) if answered is not None:
                leg.remote = answered
                self._legs.connect(leg)

    def _align(self, caller: Leg, leg: Leg) -> None:
        """The caller talked to us before: if it speaks otherwise than the new party hears, offer it that."""
        assert leg.remote is not None
        if caller.local is None or not media_plan.same_speech(caller.local, leg.remote):
            caller.local = media_plan.through(leg.remote, caller.address)
            self._around.signalling.send(caller.id, Offer(caller.local))

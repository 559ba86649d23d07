"""Whom the caller talks to, us or another party, and the offers and answers that pass meanwhile."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import structs

from softswitch.calls import media_plan, video_plan
from softswitch.calls.dial import over
from softswitch.calls.leg import Leg, LegState, Open
from softswitch.calls.relay import Connect, Effect, Held, Relay, Send
from softswitch.calls.relay import State as RelayState
from softswitch.calls.signals import (
    AcceptOffer,
    AnswerText,
    Aside,
    AskPicture,
    Confirm,
    Confirmed,
    DigitPressed,
    LegSignal,
    Offer,
    OfferAnswered,
    Offered,
    OfferRefused,
    PictureAsked,
    RefuseOffer,
    SendDigit,
    SendText,
    TextAnswered,
    Texted,
)
from softswitch.engine import pictures
from softswitch.engine.legs import CallLegs
from softswitch.engine.surroundings import Surroundings
from softswitch.events import LegHeld, LegResumed, LegsBridged, LegsParted
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Conflict, Rejected
from softswitch.kernel.ids import CallId
from softswitch.kernel.media import Codec, MediaDescription


class Talk:
    """The sound of one call. `Relay` decides while two parties talk; alone with us, we accept what we can."""

    __slots__ = ("_around", "_call", "_legs", "_relay", "_rings_back", "_to_align", "_when_quiet")

    def __init__(self, around: Surroundings, legs: CallLegs[Any], call: CallId) -> None:
        self._around = around
        self._legs = legs
        self._call = call
        self._relay: Relay | None = None
        self._to_align: list[Leg] = []
        """Legs that may have to be offered what their new partner says, one after the other."""
        self._when_quiet: list[Callable[[], None]] = []
        self._rings_back = False
        """Whether the caller was given a ringing tone, which nobody has taken from it yet."""

    # With us ----------------------------------------------------------------------------------------------

    def with_us(self, caller: Leg, *, wide: bool = False) -> None:
        """Settle what to tell a caller that our own media engine answers; `wide`: in the codec that it likes best.

        Raises Rejected: INCOMPATIBLE_DESTINATION without a common codec, SWITCH_CONGESTION without a free port.
        """
        self._legs.open_media(caller)
        assert caller.address is not None
        if caller.state is LegState.UP:
            self._align_with_us(caller)
            return
        if caller.remote is None:
            caller.local = self.our_offer(caller)
            return
        caller.local = self._our_answer(caller, caller.remote, wide=wide)
        if caller.local is None:
            raise Rejected(Cause.INCOMPATIBLE_DESTINATION, "the caller offers no codec that we speak")
        self._legs.connect(caller)

    def music(self, leg: Leg) -> None:
        """Let a party that is up hear music while it waits; silence where none is set."""
        if leg.address is not None and leg.state is LegState.UP:
            self._play_music(leg)

    def _play_music(self, leg: Leg) -> None:
        if self._around.music:
            self._around.media.play(leg.id, self._around.music, loop=True)
        else:
            self._around.media.silence(leg.id)

    def ring_back(self, caller: Leg) -> None:
        """Let a caller who hears us hear that it rings; nothing where no tone is set."""
        if caller.address is None or not self._around.ringback or self._rings_back:
            return
        self._rings_back = True
        self._around.media.play(caller.id, self._around.ringback, loop=True)

    def ring_no_more(self, caller: Leg) -> None:
        """Nobody rings any more."""
        if self._rings_back:
            self._rings_back = False
            if caller.address is not None and not over(caller):
                self._around.media.silence(caller.id)

    # With another party -----------------------------------------------------------------------------------

    def early(self, caller: Leg, leg: Leg) -> None:
        """Let the caller hear what a ringing party sends."""
        assert leg.remote is not None and caller.remote is not None
        self._rings_back = False
        self._relaying(caller, leg)
        bypassed = leg.address is None
        caller.local = leg.remote if bypassed else self._answer_to(caller, leg.remote)
        if not bypassed:
            self._legs.connect(leg)
            self._legs.connect(caller)
            self._bridge(caller, leg)

    def early_to_answered(self, caller: Leg, leg: Leg) -> bool:
        """The same for a caller who was answered already: only where the two understand each other as it is, since it
        is not to be asked for a new offer by a party that has not answered. False where they do not."""
        assert leg.remote is not None
        if caller.address is None or leg.address is None or caller.local is None or caller.remote is None:
            return False
        if not media_plan.same_speech(leg.remote, caller.local) or not media_plan.same_speech(
            caller.remote, leg.remote
        ):
            return False
        self._relaying(caller, leg)
        self._rings_back = False
        self._legs.connect(leg)
        self._bridge(caller, leg)
        return True

    def between(self, caller: Leg, leg: Leg) -> bool:
        """Whether what one of them sends reaches the other."""
        return self._relay is not None and self._relay.between(caller, leg)

    def put_through(self, caller: Leg, leg: Leg) -> None:
        """Join the caller and the party that answered; `caller.local` is then what to answer the caller with."""
        assert leg.remote is not None
        if leg.address is None:
            self._legs.close_media(caller)  # it was opened for a candidate that did not win
        late = caller.remote is None
        self._rings_back = False
        relay = self._relaying(caller, leg)
        said = media_plan.spoken(caller)
        if leg.local is None and said is not None:
            # It was invited without an offer, by a caller whose place another has taken meanwhile: its own is open.
            leg.local = self._answer_to(leg, said)
            self._around.signalling.send(leg.id, Confirm(leg.local))
        if caller.state is LegState.UP:
            self._to_align = [caller]
            self._align()
        else:
            if late:
                caller.local = self._offer_to(caller, leg.remote, leg.codecs)
                relay.await_answer(caller)
            else:
                caller.local = self._answer_to(caller, leg.remote)
        if leg.address is not None:
            if not late:
                self._legs.connect(caller)
                self._legs.connect(leg)
            if caller.state is LegState.UP:
                self._let_hear(caller, leg)  # it may have put on hold what it was with before
            else:
                self._bridge(caller, leg)

    def _relaying(self, caller: Leg, leg: Leg) -> Relay:
        """The relay between two legs: the one that was there before the answer, with what it is at, or a new one."""
        relay = self._relay
        if relay is None or not relay.between(caller, leg):
            if relay is not None:
                self._carry_out(relay.abandon())
            relay = self._relay = self._relay_between(caller, leg)
        return relay

    def _relay_between(self, a: Leg, b: Leg) -> Relay:
        return Relay(a, b, music=bool(self._around.music), able=self._around.media.converts)

    def lost(self, caller: Leg, leg: Leg) -> None:
        """A party is gone before it answered."""
        if self._relay is not None and self._relay.between(caller, leg):
            self._carry_out(self._relay.abandon())
            self._relay = None

    def join(self, a: Leg, b: Leg) -> None:
        """Let two parties hear each other that did not come together by a dial: one that is up is offered what the
        other says; one that is not is to be answered with its `local`.

        Raises Rejected(SWITCH_CONGESTION) when no port is left.
        """
        for leg in (a, b):
            self._legs.open_media(leg)
        self._abandon()
        self._relay = self._relay_between(a, b)
        for leg, other in ((a, b), (b, a)):
            said = media_plan.spoken(other)
            if leg.state is not LegState.UP:
                leg.local = self._first_words(leg, said, other.codecs)
                if leg.remote is None:
                    leg.open = Open.ANSWER
            self._legs.connect(leg)
        self._let_hear(a, b)
        self._to_align = [leg for leg in (a, b) if leg.state is LegState.UP]
        self._align()

    def _first_words(self, leg: Leg, said: MediaDescription | None, by: tuple[str, ...]) -> MediaDescription:
        """What to answer a party with: what its partner `said`, whose rule is `by`, or, where that has said nothing
        yet, what our own media engine would; that is put right once the partner has spoken."""
        assert leg.address is not None
        if said is not None:
            return self._offer_to(leg, said, by) if leg.remote is None else self._answer_to(leg, said)
        answer = self._our_answer(leg, leg.remote) if leg.remote is not None else None
        return answer or self.our_offer(leg)

    def restore(self, a: Leg, b: Leg) -> None:
        """Let two parties go on that talked, or held one another, when an earlier process ended."""
        self._relay = self._relay_between(a, b)
        self._let_hear(a, b)

    def say_again(self, leg: Leg) -> None:
        """A party was offered something, and nobody knows what it has said to that: it is offered what holds."""
        if leg.local is not None and leg.open is Open.NOTHING and not over(leg):
            self._offer(leg, leg.local)

    def regroup(self, a: Leg, b: Leg) -> None:
        """Two that talk are supervised from now on, or no more: what they hear comes another way."""
        if self._relay is not None and self._relay.holds(a) and self._relay.holds(b):
            self._let_hear(a, b)

    def bridged(self, caller: Leg, leg: Leg) -> None:
        """Record that two parties hear each other."""
        self._around.publish(LegsBridged(at=self._around.clock.wall_ms(), call=self._call, a=caller.id, b=leg.id))

    def part(self, a: Leg, b: Leg) -> None:
        """Take two parties apart that both stay; what they hear is then for whoever parts them to say."""
        self._abandon()
        self._around.publish(LegsParted(at=self._around.clock.wall_ms(), call=self._call, a=a.id, b=b.id))

    def hold(self, leg: Leg) -> None:
        """Let a party hear silence, and whom it talks with music, without a word to either phone. Holding twice is
        holding once. Raises Conflict while it talks with nobody, or past us."""
        other = self._other(leg)
        if other is None or leg.state is not LegState.UP or leg.address is None or other.address is None:
            raise Conflict("not-talking", "the party talks with nobody, or its sound does not pass through the switch")
        if not leg.aside:
            leg.aside = True
            if not leg.held:
                self._tell_held(leg, True)
            self._let_hear(leg, other)

    def resume(self, leg: Leg) -> None:
        """End what `hold` began. Raises Conflict where it did not."""
        other = self._other(leg)
        if other is None or not leg.aside:
            raise Conflict("not-held", "the party holds nobody by the switch")
        leg.aside = False
        if not leg.held:
            self._tell_held(leg, False)
        self._let_hear(leg, other)

    def parted(self, caller: Leg) -> None:
        """The other party is gone; the caller hears silence until something else is done."""
        self._abandon()
        if caller.address is not None and caller.state is LegState.UP:
            self._around.media.silence(caller.id)

    def when_quiet(self, action: Callable[[], None]) -> None:
        """Do something once no exchange of offers runs between the two parties: at once, or when it is over."""
        if self._relay is None or self._relay.state is RelayState.IDLE:
            action()
        else:
            self._when_quiet.append(action)

    def _abandon(self) -> None:
        relay, self._relay = self._relay, None
        self._to_align.clear()
        if relay is not None:
            a, b = relay.legs
            if a.aside or b.aside:
                self._hold_no_more(a, b)
            if self._around.watching is not None:
                self._around.watching.apart(a, b)
            for leg in (a, b):
                if leg.pictures:
                    pictures.silence(self._around, leg)
            self._carry_out(relay.abandon())
        self._quiet()

    def _hold_no_more(self, *legs: Leg) -> None:
        for leg in legs:
            if leg.aside:
                leg.aside = False
                if not leg.held and leg.state is not LegState.ENDED:
                    self._tell_held(leg, False)

    def _quiet(self) -> None:
        waiting, self._when_quiet = self._when_quiet, []
        for action in waiting:
            action()

    def _let_hear(self, a: Leg, b: Leg) -> None:
        """Bridge two parties, or let whom the other holds hear music."""
        if a.address is None or b.address is None:
            return
        if a.pictures and b.pictures:
            self._let_see(a, b)
        a_holds, b_holds = self._holds(a), self._holds(b)
        if a_holds or b_holds:
            if self._around.watching is not None:
                self._around.watching.apart(a, b)
            self._around.media.silence(a.id)
            self._around.media.silence(b.id)
            for holds, held, other in ((a_holds, b_holds, b), (b_holds, a_holds, a)):
                if holds and not held:
                    self._play_music(other)  # also to one that is about to be answered
        elif self._around.watching is None or not self._around.watching.bridge(a, b):
            self._around.media.bridge(a.id, b.id)

    def _bridge(self, a: Leg, b: Leg) -> None:
        self._around.media.bridge(a.id, b.id)
        if a.pictures and b.pictures:
            pictures.bridge(self._around, a, b)

    def _let_see(self, a: Leg, b: Leg) -> None:
        """A party that holds by its own descriptions says there what of its pictures may go; one that the switch holds
        for sees nothing and is not seen."""
        if a.aside or b.aside:
            pictures.silence(self._around, a)
            pictures.silence(self._around, b)
        else:
            pictures.bridge(self._around, a, b)

    def _holds(self, leg: Leg) -> bool:
        """Whether whom a party talks with hears us and not it."""
        return leg.aside or (leg.held and bool(self._around.music))

    def _tell_held(self, leg: Leg, holds: bool) -> None:
        fact = LegHeld if holds else LegResumed
        self._around.publish(fact(at=self._around.clock.wall_ms(), call=self._call, leg=leg.id))

    def pressed(self, leg: Leg, pressed: DigitPressed) -> None:
        """A key by signalling goes on by signalling, to a party that has not agreed to hear keys in the sound."""
        other = self._other(leg)
        if other is not None and not (other.remote is not None and media_plan.hears_keys(other.remote)):
            self._around.signalling.send(other.id, SendDigit(pressed.digit, pressed.duration_ms))

    def beside(self, leg: Leg, said: Aside) -> None:
        """A party says something to whom it talks with, beside the sound."""
        other, send = self._other(leg), self._around.signalling.send
        match said:
            case PictureAsked():
                if not pictures.refresh(self._around, leg) and other is not None:
                    send(other.id, AskPicture())
            case Texted(reference, content_type, body):
                if other is not None:
                    send(other.id, SendText(reference, content_type, body))
                else:
                    send(leg.id, AnswerText(reference, 480))
            case TextAnswered(reference, status) if other is not None:
                send(other.id, AnswerText(reference, status))

    def _other(self, leg: Leg) -> Leg | None:
        """Whom an established party talks to, if that is established, too."""
        other = self._relay.other(leg) if self._relay is not None and self._relay.holds(leg) else None
        return other if other is not None and other.state is LegState.UP and not other.leaving else None

    # Offers and answers -----------------------------------------------------------------------------------

    def negotiated(self, leg: Leg, signal: LegSignal) -> None:
        """An offer, an answer or an acknowledgement on an established leg.

        Raises Rejected(PROTOCOL_ERROR) when a party leaves an offer of ours unanswered for good.
        """
        relay = self._relay
        if leg.open is not Open.NOTHING and self._replied(leg, signal):
            self._align()
        elif isinstance(signal, Confirmed) and signal.media is None:
            if relay is not None and relay.awaits(leg):
                raise Rejected(Cause.PROTOCOL_ERROR, "the party acknowledged our offer without answering it")
        elif (
            isinstance(signal, Offered)
            and not leg.inbound
            and leg.state is not LegState.UP
            and not (relay is not None and relay.holds(leg))
        ):
            self._negotiated_unheard(leg, signal)
        elif relay is None or not relay.holds(leg):
            self._negotiated_with_us(leg, signal)
        else:
            self._relayed(relay, leg, signal)
            if self._when_quiet and relay.state is RelayState.IDLE:
                self._quiet()

    def _replied(self, leg: Leg, signal: LegSignal) -> bool:
        """A party's reply to an offer of our own making; False where the signal is none."""
        match leg.open, signal:
            case Open.OFFER, OfferAnswered(media):
                leg.remote = media or leg.remote
            case Open.REQUEST, OfferAnswered(media) if media is not None and leg.address is not None:
                leg.remote = media
                leg.local = self._our_answer(leg, media) or media_plan.through(media, leg.address)
                self._around.signalling.send(leg.id, Confirm(leg.local))
            case Open.OFFER | Open.REQUEST, OfferAnswered() | OfferRefused():
                pass
            case Open.ANSWER, Confirmed(media):
                if media is None:
                    raise Rejected(Cause.PROTOCOL_ERROR, "the party acknowledged our offer without answering it")
                leg.remote = media
                if self._relay is not None and self._relay.holds(leg):
                    self._to_align.append(self._relay.other(leg))
            case _:
                return False
        leg.open = Open.NOTHING
        self._legs.connect(leg)
        return True

    def _relayed(self, relay: Relay, leg: Leg, signal: LegSignal) -> None:
        other = relay.other(leg)
        said = getattr(signal, "media", None)
        if said is not None and said.video:
            for each in (leg, other):
                self._legs.give_pictures(each, len(said.video))
        effects = relay.receive(leg, signal)
        self._carry_out(effects)
        if leg.pictures and other.pictures and any(type(effect) is Connect for effect in effects):
            self._let_see(leg, other)
        up = leg.state is other.state is LegState.UP
        ours = self._around.music or leg.aside or other.aside or self._around.watching is not None
        if up and ours and any(type(effect) is Held for effect in effects):
            self._let_hear(leg, other)

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(to, command):
                    self._around.signalling.send(to.id, command)
                case Connect(to):
                    self._legs.connect(to)
                case Held(by, holds) if not by.aside:
                    self._tell_held(by, holds)

    def _negotiated_unheard(self, leg: Leg, offered: Offered) -> None:
        """A ringing party that the caller does not hear yet changes its mind: it is told what it was told before."""
        if offered.media is None or leg.local is None:
            self._around.signalling.send(leg.id, RefuseOffer(Cause.INCOMPATIBLE_DESTINATION))
            return
        leg.remote = offered.media
        self._around.signalling.send(leg.id, AcceptOffer(leg.local))

    def _negotiated_with_us(self, leg: Leg, signal: LegSignal) -> None:
        send = self._around.signalling.send
        match signal:
            case Offered() if leg.open is not Open.NOTHING:
                send(leg.id, RefuseOffer(Cause.TEMPORARY_FAILURE, 491))
            case Offered(None):
                self._legs.open_media(leg)
                assert leg.address is not None
                leg.local = self.our_offer(leg)
                send(leg.id, AcceptOffer(leg.local))
            case Offered(offered) if offered is not None:
                self._legs.open_media(leg)
                assert leg.address is not None
                answer = self._our_answer(leg, offered)
                if answer is None:
                    send(leg.id, RefuseOffer(Cause.INCOMPATIBLE_DESTINATION))
                    return
                # A camera that never wanted to hear us holds nobody.
                deaf = leg.remote is not None and leg.remote.on_hold and not leg.held
                leg.remote, leg.local = offered, answer
                holds = offered.on_hold and not deaf
                changed, leg.held = leg.held != holds, holds
                self._legs.connect(leg)
                send(leg.id, AcceptOffer(answer))
                if changed and leg.state is LegState.UP:
                    self._tell_held(leg, leg.held)
            case Confirmed(answered) | OfferAnswered(answered) if answered is not None:
                leg.remote = answered
                self._legs.connect(leg)

    def _align(self) -> None:
        """A party that talked to us or somebody else before, and was told otherwise than its new partner hears, is
        offered that. One at a time: what the first answers decides what the second is to be told."""
        relay = self._relay
        while self._to_align and relay is not None:
            leg = self._to_align[0]
            other = relay.other(leg)
            if leg.open is not Open.NOTHING or other.open is not Open.NOTHING:
                return
            del self._to_align[0]
            said = media_plan.spoken(other)
            if said is not None and leg.held and leg.local is not None:
                # Whoever holds is not asked to speak: it resumes itself.
                said = structs.replace(said, direction=leg.local.direction)
            if said is not None and not over(leg) and not media_plan.understood(leg, said):
                self._offer(leg, self._offer_to(leg, said, other.codecs))
                return

    def _align_with_us(self, leg: Leg) -> None:
        """The same towards our own media engine."""
        assert leg.address is not None
        said = self.our_offer(leg)
        ours = media_plan.offer_to(leg, said, self._around.media.converts)
        if said.video:
            ours = structs.replace(ours, video=said.video)
        if leg.open is Open.NOTHING and not (
            leg.local is not None
            and leg.local.address == leg.address
            and leg.local.direction is ours.direction
            and leg.remote is not None
            and self._our_answer(leg, leg.remote)
            and video_plan.alike(leg.local.video, ours.video)
        ):
            self._offer(leg, ours)

    # What is said -----------------------------------------------------------------------------------------

    def _offer_to(self, leg: Leg, said: MediaDescription, by: tuple[str, ...]) -> MediaDescription:
        if said.video:
            self._legs.give_pictures(leg, len(said.video))
        return media_plan.offer_to(leg, said, self._around.media.converts, by)

    def _answer_to(self, leg: Leg, said: MediaDescription) -> MediaDescription:
        if said.video:
            self._legs.give_pictures(leg, len(said.video))
        return media_plan.answer_to(leg, said, self._around.media.converts)

    def our_offer(self, leg: Leg, codecs: Sequence[Codec] = ()) -> MediaDescription:
        """What our own media engine would have with a party: speech of these codecs, or of those that cost least, and
        the video that the leg `shows`."""
        assert leg.address is not None
        said = media_plan.offer(codecs or self._around.media.codecs, leg.address)
        if leg.shows and self._around.video is not None:
            self._legs.give_pictures(leg, video_plan.wanted(leg, None))
            said = structs.replace(said, video=video_plan.offer_ours(leg, tuple(self._around.video.video_codecs)))
        return said

    def _our_answer(self, leg: Leg, offer: MediaDescription, *, wide: bool = False) -> MediaDescription | None:
        """What it answers an offer, of wide-band speech, too; None when no codec for speech is common."""
        assert leg.address is not None
        ours = self._around.media
        codecs = (*ours.codecs, *ours.converts) if wide else ours.codecs
        answer = media_plan.answer(offer, codecs, leg.address, ours.converts)
        if answer is not None and leg.shows and offer.video and self._around.video is not None:
            self._legs.give_pictures(leg, video_plan.wanted(leg, offer))
            video = video_plan.answer_ours(leg, offer, tuple(self._around.video.video_codecs))
            video, floor = video_plan.floor_ours(leg, offer, video)
            return structs.replace(answer, video=video, floor=floor)
        return answer

    def _offer(self, leg: Leg, media: MediaDescription) -> None:
        leg.local, leg.open = media, Open.OFFER
        self._around.signalling.send(leg.id, Offer(media))

"""The caller is served: it hears something, others are rung for it, and it is brought together with one of them.

What a call application asks for is done here, and a party that comes from another call takes its place here.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import structs

from softswitch.calls import media_plan, video_plan
from softswitch.calls.dial import over
from softswitch.calls.identity import ANONYMOUS, Identity, IdentityStyle
from softswitch.calls.leg import Leg, LegState, OurFloor, OurVideo
from softswitch.calls.signals import Alert, Answer, BecomeFocus, Origin, Ring
from softswitch.engine.caller import Candidate, DialOutcome, Keyed, Keys, Later, Recorded, Refer, Ringer, Spoken
from softswitch.engine.dialling import Dialling, through_caller
from softswitch.engine.hearing import Hearing, Order, sounds
from softswitch.engine.legs import CallLegs
from softswitch.engine.record import RecordedCall
from softswitch.engine.ringing import Ringing
from softswitch.engine.surroundings import Surroundings
from softswitch.engine.talk import Talk
from softswitch.engine.transfer import Transfer
from softswitch.events import CallAnswered, LegAnswered
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import CallId, IdSource, LegId
from softswitch.kernel.media import MediaDescription, VideoLine
from softswitch.kernel.sound import Sound, SoundFile


class ServedCall(RecordedCall):
    """The part of a call that does what applications ask of a `Caller`, and knows who is with whom."""

    __slots__ = (
        "_alert",
        "_contacts",
        "_dial",
        "_hearing",
        "_hops_left",
        "_rings",
        "_room",
        "_shows",
        "legs",
        "talk",
        "transfer",
    )

    def __init__(self, around: Surroundings, call: CallId, origin: Origin, legs: CallLegs[Any]) -> None:
        super().__init__(around, call, origin)
        self._hops_left = 70
        self._alert: Alert | None = None
        """How the caller would have phones ring."""
        self.legs = legs
        self.talk = Talk(around, legs, call)
        self.transfer: Transfer | None = None
        """The transfer that the present life came of."""
        self._dial: Dialling | None = None
        self._rings: tuple[Ringing, ...] = ()
        """Terminals that ring for it while it waits."""
        self._contacts: tuple[str, ...] = ()
        """Where the caller is sent if nobody answers."""
        self._hearing: Hearing | None = None
        self._room: tuple[str, Refer] | None = None
        """The conference room that the caller is in."""
        self._shows: tuple[OurVideo, ...] = ()
        """What a party is offered to see whom we ring as if it had called."""

    # What call applications do (the `Caller` protocol) -----------------------------------------------------

    def redirect(self, contacts: Sequence[str]) -> None:
        self._contacts = tuple(contacts)

    async def answer(self, *, wide: bool = False) -> None:
        if self.caller_leg.state is not LegState.UP or self.transfer is not None:
            self.talk.with_us(self.caller_leg, wide=wide)
        self._answer_caller()

    async def play(self, *spoken: Spoken) -> None:
        await self.answer()
        self._listen_for_keys()
        heard = await self._ready(spoken)
        await self._hears().play(self.caller_leg.id, heard)

    async def gather(self, *spoken: Spoken, keys: Keys) -> Keyed:
        await self.answer()
        self._listen_for_keys()
        heard = await self._ready(spoken)
        return await self._hears().gather(self.caller_leg.id, heard, keys)

    async def record(
        self,
        name: str,
        *,
        most_seconds: float,
        silence_seconds: float | None = None,
        patience_seconds: float | None = None,
        ends_with: str = "#*0123456789",
    ) -> Recorded:
        await self.answer()
        self._listen_for_keys()
        leg, hears = self.caller_leg.id, self._hears()
        if silence_seconds is not None:
            hears.listen_for_pauses(leg, silence_seconds)
        recorded = await hears.record(
            leg, name, most_seconds=most_seconds, patience_seconds=patience_seconds, ends_with=ends_with
        )
        if silence_seconds is not None and self.caller_leg.id == leg:
            hears.listen_for_pauses(leg, None)
        return recorded

    async def digit(self, within: float) -> str | None:
        self._listen_for_keys()
        return await self._hears().digit(within)

    def _listen_for_keys(self) -> None:
        leg = self.caller_leg
        if leg.address is not None and leg.remote is not None and not media_plan.hears_keys(leg.remote):
            self._hears().listen_for_keys(leg.id)

    async def _ready(self, spoken: Sequence[Spoken]) -> list[Sound]:
        """What is to be heard, with its files read."""
        heard = self._sounds(spoken)
        files = [sound for sound in heard if isinstance(sound, SoundFile)]
        if files and self._around.player is not None:
            await self._around.player.prepare(files)
        return heard

    def _sounds(self, spoken: Sequence[Spoken]) -> list[Sound]:
        return sounds(spoken, self.language, self._around.prompt)

    def with_video(
        self, lines: Sequence[OurVideo], changed: Callable[[], None] | None = None, floor: OurFloor | None = None
    ) -> None:
        leg = self.caller_leg
        leg.shows, leg.watcher, leg.floor = tuple(lines), changed, floor
        if leg.state is LegState.UP and self.other(leg) is None:
            self.talk.with_us(leg)

    @property
    def video_lines(self) -> Sequence[tuple[LegId, VideoLine, VideoLine]]:
        leg = self.caller_leg
        return [(IdSource.video(leg.id, place), local, remote) for place, local, remote in video_plan.lines_of(leg)]

    async def echo(self) -> None:
        video = self._around.video

        def pictures_too() -> None:
            assert video is not None
            for line, _, _ in self.video_lines:
                video.echo_video(line)

        if video is not None:
            # What a phone has it may see; one without pictures that is sent here is not asked for any.
            self.with_video((OurVideo(offered=False), OurVideo("slides", offered=False)), pictures_too)
        try:
            await self._hear(self._around.media.echo, None)
        finally:
            # Whoever serves the caller next says for itself whether there is anything to see.
            self.caller_leg.shows, self.caller_leg.watcher = (), None

    async def tone(self, frequency: float, seconds: float | None = None) -> None:
        await self._hear(lambda leg: self._around.media.tone(leg, frequency), seconds)

    async def music(self, seconds: float | None = None, prompt: str = "") -> None:
        if prompt:
            name = self._around.prompt(self.language, prompt)
            await self._hear(lambda leg: self._around.media.play(leg, name, loop=True), seconds)
        else:
            await self._hear(lambda leg: self.talk.music(self.caller_leg), seconds)

    async def _hear(self, order: Order, seconds: float | None) -> None:
        await self.answer()
        self._hears().give(self.caller_leg.id, order)
        await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=seconds)

    async def place(self, order: Order, pressed: Callable[[str], None]) -> None:
        await self.answer()
        self._listen_for_keys()
        self._hears().give(self.caller_leg.id, order)
        self._hears().tell_keys(pressed)

    def enter_room(self, room: str, refer: Refer) -> None:
        self._room = (room, refer)
        if self.caller_leg.state is LegState.UP and not over(self.caller_leg):
            self._around.signalling.send(self.caller_leg.id, BecomeFocus(room))

    def leave_room(self) -> None:
        self._room = None

    def _hears(self) -> Hearing:
        if self._hearing is None:
            self._hearing = Hearing(self._around.media, self._around.player, self._around.recorder)
        return self._hearing

    async def dial(
        self, candidates: Sequence[Candidate], ring_seconds: float, later: Sequence[Later] = ()
    ) -> DialOutcome:
        if self._hops_left <= 1:
            # RFC 3261 section 16.3 step 3, which a B2BUA must obey as a proxy does, or two of them loop for ever.
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, "too many hops (Max-Forwards)")
        if any(candidate.anchored for candidate in candidates):
            self.legs.open_media(self.caller_leg)
        dial = self._dial = self._new_dial(alerted=self._alerted, joined=self._joined)
        self._invite(dial, candidates)
        if later:
            dial.await_later(later, self.also)
        elif not candidates:
            return DialOutcome(False, Cause.SUBSCRIBER_ABSENT)
        await dial.run(ring_seconds)
        if dial.winner is None:
            self.talk.ring_no_more(self.caller_leg)
            if dial.empty:
                return DialOutcome(False, Cause.SUBSCRIBER_ABSENT)
            refusal = dial.refusal
            return DialOutcome(False, refusal.cause, refusal.status, refusal.contacts, dial.unheard)
        return DialOutcome(True, self._cause[0] if self._cause else Cause.NORMAL_CLEARING)

    def also(self, candidates: Sequence[Candidate]) -> None:
        dial = self._dial
        if dial is not None and dial.open:
            if any(candidate.anchored for candidate in candidates):
                self.legs.open_media(self.caller_leg)
            self._invite(dial, candidates)

    def ring(self, candidates: Sequence[Candidate], ringer: Ringer) -> Ringing:
        if self._hops_left <= 1:
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, "too many hops (Max-Forwards)")
        ring = Ringing(self, ringer)
        ring.dialling = self._new_dial(alerted=ring.alerted, joined=ring.on_line)
        self._rings = (*self._rings, ring)
        try:
            self._invite(ring.dialling, candidates, waits=True)
        except Rejected:
            ring.stop()
            raise
        return ring

    def forget_ring(self, ring: Ringing) -> None:
        """It is over, or has become the dial by which the caller talks."""
        self._rings = tuple([each for each in self._rings if each is not ring])

    def dialled(self, leg: Leg) -> Dialling | Ringing | None:
        """Which dial or ring a leg is of."""
        dial = self._dial
        if dial is not None and dial.holds(leg):
            return dial
        return next((ring for ring in self._rings if ring.holds(leg)), None)

    # Whom it is brought together with ----------------------------------------------------------------------

    async def join(self, ring: Ringing) -> None:
        """Let the caller talk with who answered a ring, until one of them is gone."""
        leg = ring.dialling.winner
        self.forget_ring(ring)
        if leg is None or over(leg) or over(self.caller_leg):
            return
        self._dial, self._hearing = ring.dialling, None
        self._pair(leg)
        await ring.dialling.run()

    async def together(self, leg: Leg) -> None:
        """Let the caller talk with a party that is there already, until one of them is gone."""
        await self._pair_by_dial(leg).run()

    def _pair_by_dial(self, leg: Leg) -> Dialling:
        dial = self._dial = self._new_dial(alerted=self._alerted, joined=self._joined)
        dial.adopt(leg)
        self._pair(leg)
        return dial

    def _invite(self, dial: Dialling, candidates: Sequence[Candidate], *, waits: bool = False) -> None:
        """Invite terminals, which are told of the caller what they may be told. `waits`: see `Dialling.invite`."""
        caller, from_, identity = self.caller_leg, self.from_, self.identity
        if identity is not None:
            from_ = ANONYMOUS if identity.private else from_
            if identity.verstat:
                candidates = [_with_verstat(candidate, from_, identity) for candidate in candidates]
        offer, half = through_caller(self.legs, caller, self._around.media.converts), caller.session_id
        transfer = self.transfer
        dial.invite(
            candidates,
            from_,
            self._hops_left - 1,
            offer,
            alert=self._alert,
            session_id=half,
            referred_by=transfer.referrer if transfer is not None and not transfer.settled else None,
            waits=waits,
        )

    async def _ring_caller(self, candidates: Sequence[Candidate], ring_seconds: float) -> None:
        """Ring the party that is to be the caller, with our own media engine's offer; it becomes the caller's leg."""

        def offer(leg: Leg) -> MediaDescription:
            self.legs.open_media(leg)
            leg.shows = self._shows
            return self.talk.our_offer(leg)

        def becomes_caller(leg: Leg) -> None:
            self.caller_leg = leg
            self.legs.connect(leg)
            dial.finish()

        dial = self._dial = self._new_dial(alerted=lambda leg, early, silenced: None, joined=becomes_caller)
        dial.invite(candidates, self.to, self._hops_left, offer)
        await dial.run(ring_seconds)
        if dial.winner is None:
            raise Rejected(dial.refusal.cause)
        self._dial = None

    def _new_dial(self, *, alerted: Callable[[Leg, bool, bool], None], joined: Callable[[Leg], None]) -> Dialling:
        return Dialling(self._around, self.legs, self.call, alerted=alerted, joined=joined)

    def _alerted(self, leg: Leg, early: bool, silenced: bool) -> None:
        """A dialled party rings, sends early media, or sends it no more.

        A caller whose phone hears us already makes no ringing tone of its own: it is given one.
        """
        caller = self.caller_leg
        heard = None
        if silenced:
            self.talk.lost(caller, leg)
        if caller.state is LegState.INVITED:
            if early and caller.remote is not None:
                self.talk.early(caller, leg)
                heard = caller.local
            elif caller.local is not None and not self.talk.between(caller, leg):
                self.talk.ring_back(caller)
            self._around.signalling.send(caller.id, Ring(heard, leg.session_id))
        elif self.transfer is None and not (early and self.talk.early_to_answered(caller, leg)):
            self.talk.ring_back(caller)
        if self.transfer is not None:
            self.transfer.rang()

    def _joined(self, leg: Leg) -> None:
        """A dialled party answered first."""
        if over(self.caller_leg):
            self.legs.hang_up(leg, Cause.NORMAL_CLEARING)
            return
        self.caller_leg.far_session_id = leg.session_id
        if self._dial is not None and self._dial.confirmed(leg):
            self._pair(leg)
            return
        self.talk.put_through(self.caller_leg, leg)
        self._answer_caller()
        self._bridged(leg)

    def _bridged(self, leg: Leg) -> None:
        self.talk.bridged(self.caller_leg, leg)
        converted = media_plan.conversion(self.caller_leg, leg)
        if converted is not None:
            self.note("sound is converted between {} and {}".format(*converted))

    def _answer_caller(self) -> None:
        """Answer the caller unless it is up; the first time, the call is answered."""
        self._answer(self.caller_leg)
        if self.answered_at is None:
            self.answered_at = self.wall_ms()
            self._around.publish(CallAnswered(at=self.answered_at, call=self.call))
        if self.transfer is not None and not self.transfer.settled:
            self.transfer.completed()
            if self.transfer.by is not None:
                self.legs.hang_up(self.transfer.by, Cause.NORMAL_CLEARING)

    def _answer(self, leg: Leg) -> None:
        if leg.state is not LegState.UP:
            assert leg.local is not None
            leg.state = LegState.UP
            if self._room is not None and leg is self.caller_leg:
                self._around.signalling.send(leg.id, BecomeFocus(self._room[0]))
            self._around.signalling.send(leg.id, Answer(leg.local, leg.far_session_id))
            if leg is not self.caller_leg or self.answered_at is not None:
                self._around.publish(LegAnswered(at=self.wall_ms(), call=self.call, leg=leg.id))

    def _pair(self, leg: Leg) -> None:
        """The caller and a party that is there already hear each other."""
        self.talk.join(self.caller_leg, leg)
        self._answer(leg)
        self._answer_caller()
        self._bridged(leg)

    # Who is where ------------------------------------------------------------------------------------------

    def other(self, leg: Leg) -> Leg | None:
        """Whom a party of this call talks with; None while it talks with nobody but us."""
        partner = self._dial.winner if self._dial is not None else None
        if partner is None or over(partner) or over(self.caller_leg):
            return None
        return self.caller_leg if leg is partner else partner if leg is self.caller_leg else None

    def parties(self) -> list[Leg]:
        """Those who talk here, or the one who waits."""
        partner = self.other(self.caller_leg)
        return [
            leg for leg in (self.caller_leg, partner) if leg is not None and leg.state is LegState.UP and not over(leg)
        ]

    def has_place(self, leg: Leg) -> bool:
        """Whether another party could be where this one is: a caller who is up or whom another is rung for, whoever it
        talks with, or a phone that rings."""
        if over(leg) or over(self.caller_leg) or self.legs.get(leg.id) is None:
            return False
        if leg is self.caller_leg:
            return leg.state is LegState.UP or self._dial is not None
        dial = self._dial
        return dial is not None and dial.holds(leg) and dial.winner in (None, leg)

    def has_company(self, caller: Leg) -> bool:
        """Whether another could take the caller's place: it talks, somebody is rung for it, or we serve it."""
        ringing = self._dial is not None and self._dial.open
        return caller is self.caller_leg and (ringing or self.other(caller) is not None or self._hearing is not None)

    def take_place(self, old: Leg, new: Leg) -> None:
        """A party that has come from another call is from now on where `old` is, which is hung up.

        `old` is the caller, whom the caller talks with, or a terminal that rings: that one is answered by it.
        """
        dial, partner = self._dial, self.other(old)
        if partner is not None:
            assert dial is not None and dial.winner is not None
            self.talk.part(self.caller_leg, dial.winner)
        if old is self.caller_leg:
            was_up = old.state is LegState.UP
            self.caller_leg, self.from_ = new, new.party
            self.legs.hang_up(old, Cause.NORMAL_CLEARING)
            if partner is not None:
                self._pair(partner)
            elif was_up and (dial is None or not dial.open):
                new.shows, new.watcher, new.floor = old.shows, old.watcher, old.floor
                self.talk.with_us(new)
                came_up = new.state is LegState.UP
                self._answer_caller()
                if self._room is not None and came_up:
                    self._around.signalling.send(new.id, BecomeFocus(self._room[0]))
                if self._hearing is not None:
                    self._hearing.taken_over_by(new.id)
            else:
                self.talk.music(new)
        else:
            assert dial is not None and dial.holds(old)
            elsewhere = partner is None
            self.legs.hang_up(
                old, Cause.ANSWERED_ELSEWHERE if elsewhere else Cause.NORMAL_CLEARING, elsewhere=elsewhere
            )
            dial.adopt(new)
            self._pair(new)


def _with_verstat(candidate: Candidate, from_: Party, identity: Identity) -> Candidate:
    """What the check of the caller's passport gave is told to phones; a trunk is told what its own rules say."""
    if candidate.style is not None:
        return candidate
    told = Identity(asserted=from_, privacy=identity.privacy, verstat=identity.verstat)
    return structs.replace(candidate, identity=told, style=IdentityStyle("p-asserted-identity"))

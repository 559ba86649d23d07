"""One call, live: the asyncio shell around the pure machines of `softswitch.calls`.

A call is a task that runs call applications one after another for a party, the *caller*, and the legs whose signals
arrive meanwhile. What a signal means is decided by `Dial` (while terminals ring) and `Relay` (while two parties talk);
here it is done.

A call has more than one life: a transfer gives up the application that runs and begins anew with the party that stays,
whoever called whom; and a leg may leave for another call, or come from one (`engine.transfer`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from msgspec import structs

from softswitch.calls import media_plan
from softswitch.calls.dial import over
from softswitch.calls.identity import ANONYMOUS, Diversion, Identity, IdentityStyle
from softswitch.calls.leg import Leg, LegState
from softswitch.calls.signals import (
    Alert,
    Answer,
    Answered,
    DigitPressed,
    Ended,
    Incoming,
    LegSignal,
    Origin,
    PictureAsked,
    Progressed,
    Ring,
    TransferAsked,
)
from softswitch.engine import transfer as transfers
from softswitch.engine.caller import Candidate, DialOutcome
from softswitch.engine.dialling import Dialling, through_caller
from softswitch.engine.hearing import Hearing, Order
from softswitch.engine.legs import CallLegs
from softswitch.engine.surroundings import Surroundings
from softswitch.engine.talk import Talk
from softswitch.engine.transfer import Transfer
from softswitch.events import (
    CallAnswered,
    CallEnded,
    CallerIdentified,
    CallForwarded,
    CallOffered,
    CallRouted,
    CallTraced,
    LegAnswered,
    LegClues,
    MediaFigures,
    RoutingStep,
    TraceLine,
)
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import CallId, IdSource, LegId
from softswitch.kernel.media import MediaDescription

log = structlog.get_logger(__name__)

MOST_HANDOVERS = 30
"""How often a call may be handed from one application to the next before it counts as a loop."""
MOST_FORWARDS = 8
MOST_TRACE_LINES = 500

CallApp = Callable[["LiveCall", str], Awaitable[Destination | None]]
"""A call application as the engine runs it; `softswitch.feature.CallApp` is the same seen from a feature."""

Outcome = tuple[Cause, int | None]
"""How a life of a call ended, with the SIP status that said so, where one did."""


class LiveCall:
    """A call in progress; to call applications it is the `Caller`."""

    __slots__ = (
        "_alert",
        "_apps",
        "_around",
        "_cause",
        "_contacts",
        "_dial",
        "_forwards",
        "_gave_up",
        "_hearing",
        "_hops_left",
        "_note",
        "_over",
        "_task",
        "_trace",
        "answered_at",
        "call",
        "caller_leg",
        "from_",
        "identity",
        "legs",
        "origin",
        "routed_as",
        "talk",
        "to",
        "transfer",
    )

    def __init__(
        self,
        around: Surroundings,
        apps: Mapping[str, "CallApp"],
        index: dict[LegId, "LiveCall"],
        over: Callable[[CallId], None],
        call: CallId,
        origin: Origin,
    ) -> None:
        """`over` is told once, when nothing of the call is left."""
        self._around = around
        self._apps = apps
        self._over = over
        self.call = call
        self.origin = self.routed_as = origin
        self.from_ = Party(origin.name)
        self.to = Party("")
        self.identity: Identity | None = None
        self.answered_at: int | None = None
        self._hops_left = 70
        self._alert: Alert | None = None
        """How the caller would have phones ring."""
        self.legs = CallLegs(around, index, call, self)
        self.talk = Talk(around, self.legs, call)
        self.caller_leg = _nobody(call)
        """The leg of the party whom the application holds; in a call of our own, the party that was rung first."""
        self.transfer: Transfer | None = None
        """The transfer that the present life came of."""
        self._dial: Dialling | None = None
        self._task: asyncio.Task[None] | None = None
        self._trace: list[TraceLine] = []
        self._cause: Outcome | None = None
        self._gave_up = False
        self._note = ""
        self._forwards: set[tuple[str, str]] = set()
        """Contexts and numbers it was forwarded to."""
        self._contacts: tuple[str, ...] = ()
        """Where the caller is sent if nobody answers."""
        self._hearing: Hearing | None = None

    # Beginning and end ------------------------------------------------------------------------------------

    def offered(self, incoming: Incoming) -> LegId:
        """A party called: gives its leg. `start` sets the call going."""
        self.from_, self.to = incoming.from_, incoming.to
        if self.origin.kind == "account":
            # Who proved to be an account calls as that account, whatever its From says.
            self.from_ = Party(self.origin.name, incoming.from_.name)
        self._hops_left, self.identity = incoming.hops_left, incoming.identity
        if incoming.alert is not None and incoming.alert.ring:
            # How a phone rings may be the caller's wish; that it answers by itself, and listens, may not.
            self._alert = Alert(ring=incoming.alert.ring)
        leg = self.caller_leg = self.legs.add(Destination(self.origin.kind, self.origin.name), anchored=False)
        leg.inbound = True
        leg.session_id = incoming.session_id
        leg.remote = incoming.offer
        leg.party = self.from_
        leg.unfit = incoming.unfit
        self._publish_offered(leg.id, str(incoming.source))
        return leg.id

    def originated(self, to: Party) -> None:
        """The call is of our own making: `start` rings the party that is to have called."""
        self.to = to
        self._publish_offered(IdSource.leg(self.call, 1), "")

    def _publish_offered(self, leg: LegId, source: str) -> None:
        self._around.publish(
            CallOffered(
                at=self.wall_ms(),
                call=self.call,
                leg=leg,
                from_number=self.from_.number,
                from_name=self.from_.name,
                to_number=self.to.number,
                origin_kind=self.origin.kind,
                origin=self.origin.name,
                context=self.origin.context,
                source=source,
                session_id=self.caller_leg.session_id,
            )
        )

    @property
    def ladder(self) -> Sequence[TraceLine]:
        """The call's ladder so far."""
        return self._trace

    def heard(self) -> int | None:
        """How many packets of sound have come from its parties; None: nobody need be heard now, because the call is not
        answered, somebody is on hold, or the sound goes past us."""
        if self.answered_at is None:
            return None
        packets = 0
        for leg in self.legs:
            if leg.address is None or (leg.remote is not None and leg.remote.on_hold):
                return None
            packets += self._around.media.heard(leg.id)
        return packets

    def evidence(self) -> dict[LegId, tuple[LegClues, MediaFigures | None]]:
        """What is out of the ordinary about its legs so far."""
        now = self.wall_ms()
        found = {leg.id: self.legs.evidence(leg, None, self.answered_at, now) for leg in self.legs}
        return {leg: (clues, figures) for leg, (clues, figures) in found.items() if clues is not None}

    def start(self, destination: Destination, first_ring: Sequence[Candidate] = (), ring_seconds: float = 60) -> None:
        """Hand the call to its first application, in a task of its own.

        `first_ring`: the terminals of the party that is to be the caller, for a call of our own.
        """

        async def first() -> Outcome:
            if first_ring:
                try:
                    await self._ring_caller(first_ring, ring_seconds)
                except Rejected as rejected:
                    return self._refused(rejected)
            return await self.route(destination)

        self.begin(first)

    def begin(self, life: Callable[[], Awaitable[Outcome]]) -> None:
        """A life of the call. The one before is given up: its application is cancelled where it awaits."""
        before = self._task
        self._task = asyncio.get_running_loop().create_task(self._live(life), name=self.call)
        self._task.add_done_callback(self._task_over)
        if before is not None:
            before.cancel()

    def hang_up(self, cause: Cause, *, note: str = "") -> None:
        """End the call, whatever it is doing. `note` goes into its record."""
        if note and self._cause is None:
            self._note = note
        self._remember(cause, None)
        self.legs.hang_up_all(cause)
        if self._task is not None:
            self._task.cancel()

    async def _live(self, life: Callable[[], Awaitable[Outcome]]) -> None:
        """Run a life to its end, which is the call's. One call's bug ends one call."""
        cause, status = Cause.TEMPORARY_FAILURE, None
        try:
            cause, status = await life()
            if self.transfer is not None and not self.transfer.settled:
                cause, status = await self._give_back(self.transfer, cause, status)
        except asyncio.CancelledError:
            if asyncio.current_task() is not self._task or over(self.caller_leg):
                raise
            # Otherwise the switch itself is stopping.
        except Exception:
            log.exception("a call application failed", call=self.call, ladder=[line.what for line in self._trace])
            self.note("a call application failed; the switch's log has the details")
        self._remember(cause, status)
        if self._contacts and status is not None and self.answered_at is None:
            self.legs.send_elsewhere(self.caller_leg, cause, status, self._contacts)
        self.legs.hang_up_all(cause, status)

    async def route(self, destination: Destination | None) -> Outcome:
        """Run applications until one of them has no more to hand the call to."""
        try:
            handovers = 0
            while destination is not None:
                handovers += 1
                if handovers > MOST_HANDOVERS:
                    raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, "the call was handed round in a circle")
                app = self._apps.get(destination.kind)
                if app is None:
                    raise Rejected(Cause.SERVICE_NOT_IMPLEMENTED, f"nothing takes calls for {destination}")
                destination = await app(self, destination.name)
        except Rejected as rejected:
            return self._refused(rejected)
        if self.answered_at is not None and (self.transfer is None or self.transfer.settled):
            return Cause.NORMAL_CLEARING, None
        if self._dial is None:
            return Cause.NORMAL_UNSPECIFIED, None
        return self._dial.refusal.cause, self._dial.refusal.status

    def _refused(self, rejected: Rejected) -> Outcome:
        self.note(str(rejected))
        if rejected.status is not None:
            return rejected.cause, rejected.status
        refusal = self._dial.refusal if self._dial is not None else None
        return rejected.cause, refusal.status if refusal is not None and refusal.cause is rejected.cause else None

    async def _give_back(self, transfer: Transfer, cause: Cause, status: int | None) -> Outcome:
        """The target of a transfer did not take the party: it talks again with who transferred it, whose phones ring
        if it has hung up already."""
        self.transfer = None
        transfer.failed(cause, status)
        if transfer.by is not None and not over(transfer.by):
            await self.together(transfer.by)
            return Cause.NORMAL_CLEARING, None
        if transfer.recall is None:
            return cause, status
        self.note(f"back to {transfer.recall}")
        self._dial = None
        self.to = Party(transfer.recall.name)
        return await self.route(transfer.recall)

    def _task_over(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a call's task failed", call=self.call, exc_info=error)
            self.legs.hang_up_all(Cause.TEMPORARY_FAILURE)
        if task is self._task:
            self._task = None
            self._end_if_over()

    def _end_if_over(self) -> None:
        if self._task is not None or self.legs:
            return
        if self.transfer is not None:
            self.transfer.failed(Cause.NORMAL_CLEARING, 487)
        now = self._around.clock.wall_ms()
        cause = self._cause[0] if self._cause else Cause.NORMAL_CLEARING
        self._around.publish(CallTraced(at=now, call=self.call, lines=tuple(self._trace)))
        self._around.publish(
            CallEnded(at=now, call=self.call, cause=cause, caller_gave_up=self._gave_up, note=self._note)
        )
        self._over(self.call)
        # What refers back to the call is let go: then it is gone at once, and the garbage collector, which would stop
        # all calls while it looks for it, finds nothing.
        self._dial = None
        self.legs.let_go()

    def _remember(self, cause: Cause, status: int | None) -> None:
        """The first thing that ended the call is its cause; what follows from it is not."""
        if self._cause is None:
            self._cause = (cause, status)

    # What call applications do (the `Caller` protocol) -------------------------------------------------------

    def wall_ms(self) -> int:
        return self._around.clock.wall_ms()

    def routed(
        self, destination: Destination | None, by: str, version: int | None, steps: Sequence[RoutingStep]
    ) -> None:
        self._around.publish(
            CallRouted(
                at=self.wall_ms(),
                call=self.call,
                destination=destination,
                by=by,
                plan_version=version,
                steps=tuple(steps),
            )
        )

    def forward(self, by: Origin, number: str, reason: str) -> None:
        visited = (by.context, number)
        if visited in self._forwards or len(self._forwards) >= MOST_FORWARDS:
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, "the call was forwarded in a circle")
        self._forwards.add(visited)
        # RFC 5806 section 3: whoever sends the call on puts itself on top.
        before = self.identity or Identity()
        diversion = Diversion(Party(by.name), reason)
        self.identity = structs.replace(before, diversions=(diversion, *before.diversions))
        self.to, self.routed_as = Party(number), by
        self._around.publish(
            CallForwarded(
                at=self.wall_ms(), call=self.call, by=Destination(by.kind, by.name), number=number, reason=reason
            )
        )

    def redirect(self, contacts: Sequence[str]) -> None:
        self._contacts = tuple(contacts)

    def identified(self, from_: Party, to: Party, identity: Identity) -> None:
        self.from_, self.to, self.identity = from_, to, identity
        asserted = identity.asserted
        self._around.publish(
            CallerIdentified(
                at=self.wall_ms(),
                call=self.call,
                from_number=from_.number,
                to_number=to.number,
                asserted="" if asserted is None else asserted.number,
                private=identity.private,
                diverted_by=identity.diversions[0].party.number if identity.diversions else "",
                verstat=identity.verstat,
            )
        )

    async def answer(self) -> None:
        if self.caller_leg.state is not LegState.UP or self.transfer is not None:
            self.talk.with_us(self.caller_leg)
        self._answer_caller()

    async def play(self, prompt: str) -> None:
        await self.answer()
        await self._hears().play(self.caller_leg.id, prompt)

    async def digit(self, within: float) -> str | None:
        return await self._hears().digit(within)

    async def echo(self) -> None:
        await self._hear_for_ever(self._around.media.echo)

    async def tone(self, frequency: float) -> None:
        await self._hear_for_ever(lambda leg: self._around.media.tone(leg, frequency))

    async def music(self) -> None:
        await self._hear_for_ever(lambda leg: self.talk.music(self.caller_leg))

    async def _hear_for_ever(self, order: Order) -> None:
        await self.answer()
        self._hears().give(self.caller_leg.id, order)
        await asyncio.get_running_loop().create_future()

    def _hears(self) -> Hearing:
        if self._hearing is None:
            self._hearing = Hearing(self._around.media)
        return self._hearing

    async def dial(self, candidates: Sequence[Candidate], ring_seconds: float) -> DialOutcome:
        if self._hops_left <= 1:
            # RFC 3261 section 16.3 step 3, which a B2BUA must obey as a proxy does, or two of them loop for ever.
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, "too many hops (Max-Forwards)")
        if any(candidate.anchored for candidate in candidates):
            self.legs.open_media(self.caller_leg)
        dial = self._dial = self._new_dial(alerted=self._alerted, joined=self._joined)
        self._invite(dial, candidates)
        if not candidates:
            return DialOutcome(False, Cause.SUBSCRIBER_ABSENT)
        await dial.run(ring_seconds)
        if dial.winner is None:
            refusal = dial.refusal
            return DialOutcome(False, refusal.cause, refusal.status, refusal.contacts, dial.unheard)
        return DialOutcome(True, self._cause[0] if self._cause else Cause.NORMAL_CLEARING)

    def also(self, candidates: Sequence[Candidate]) -> None:
        dial = self._dial
        if dial is not None and dial.open:
            if any(candidate.anchored for candidate in candidates):
                self.legs.open_media(self.caller_leg)
            self._invite(dial, candidates)

    async def together(self, leg: Leg) -> None:
        """Let the caller talk with a party that is there already, until one of them is gone."""
        await self._pair_by_dial(leg).run()

    def meet(self, leg: Leg) -> None:
        """A party that has come from another call fetches the caller from whatever it waits for."""
        dial = self._pair_by_dial(leg)
        self._hearing = None

        async def talk() -> Outcome:
            await dial.run()
            return Cause.NORMAL_CLEARING, None

        self.begin(talk)

    def _pair_by_dial(self, leg: Leg) -> Dialling:
        dial = self._dial = self._new_dial(alerted=self._alerted, joined=self._joined)
        dial.adopt(leg)
        self._pair(leg)
        return dial

    def _invite(self, dial: Dialling, candidates: Sequence[Candidate]) -> None:
        """Invite terminals, which are told of the caller what they may be told."""
        caller, from_, identity = self.caller_leg, self.from_, self.identity
        if identity is not None:
            from_ = ANONYMOUS if identity.private else from_
            if identity.verstat:
                candidates = [_with_verstat(candidate, from_, identity) for candidate in candidates]
        offer, half = through_caller(caller), caller.session_id
        dial.invite(candidates, from_, self._hops_left - 1, offer, alert=self._alert, session_id=half)

    async def _ring_caller(self, candidates: Sequence[Candidate], ring_seconds: float) -> None:
        """Ring the party that is to be the caller, with our own media engine's offer; it becomes the caller's leg."""

        def offer(leg: Leg) -> MediaDescription:
            self.legs.open_media(leg)
            assert leg.address is not None
            return media_plan.offer(self._around.media.codecs, leg.address)

        def becomes_caller(leg: Leg) -> None:
            self.caller_leg = leg
            self.legs.connect(leg)
            dial.finish()

        dial = self._dial = self._new_dial(alerted=lambda leg, early: None, joined=becomes_caller)
        dial.invite(candidates, self.to, self._hops_left, offer)
        await dial.run(ring_seconds)
        if dial.winner is None:
            raise Rejected(dial.refusal.cause)
        self._dial = None

    def _new_dial(self, *, alerted: Callable[[Leg, bool], None], joined: Callable[[Leg], None]) -> Dialling:
        return Dialling(self._around, self.legs, self.call, alerted=alerted, joined=joined)

    # What the gateways tell -------------------------------------------------------------------------------

    def receive(self, leg_id: LegId, signal: LegSignal) -> None:
        """A party did something."""
        leg = self.legs.get(leg_id)
        if leg is None:
            return
        if isinstance(signal, Ended):
            self._ended(leg, signal)
        elif leg.leaving:
            return  # what it says while it is being hung up changes nothing
        elif isinstance(signal, Progressed):
            if self._dial is not None and self._dial.holds(leg):
                self._dial.progressed(leg, signal)
        elif isinstance(signal, Answered):
            if self._dial is not None and self._dial.holds(leg):
                self._dial.answered(leg, signal)
        elif isinstance(signal, DigitPressed):
            leg.informed = True
            self.digit_pressed(leg_id, signal.digit)
            self.talk.pressed(leg, signal)
        elif isinstance(signal, PictureAsked):
            self.talk.picture_asked(leg)
        elif isinstance(signal, TransferAsked):
            transfers.asked(self, leg, signal, self._around)
        else:
            try:
                self.talk.negotiated(leg, signal)
            except Rejected as rejected:
                self.note(str(rejected))
                self.hang_up(rejected.cause)

    def played(self, leg: LegId) -> None:
        """The caller's prompt came to its end."""
        if self._hearing is not None and leg == self.caller_leg.id:
            self._hearing.played()

    def digit_pressed(self, leg: LegId, digit: str) -> None:
        """A key, however signalled; the caller's are kept for `digit`."""
        if leg == self.caller_leg.id:
            self._hears().pressed(digit)

    def trace(self, leg: LegId, direction: str, what: str) -> None:
        """Add a line to the ladder."""
        lines = self._trace
        if len(lines) < MOST_TRACE_LINES:
            lines.append(TraceLine(self._around.clock.wall_ms(), leg, direction, what))

    def note(self, what: str) -> None:
        """Add what happened inside the switch to the ladder."""
        self.trace(self.caller_leg.id, "note", what)

    # Legs ---------------------------------------------------------------------------------------------------

    def _alerted(self, leg: Leg, early: bool) -> None:
        """A dialled party rings, or sends early media."""
        caller = self.caller_leg
        heard = None
        if early and caller.remote is not None and caller.state is LegState.INVITED:
            self.talk.early(caller, leg)
            heard = caller.local
        if caller.state is LegState.INVITED:
            self._around.signalling.send(caller.id, Ring(heard, leg.session_id))
        if self.transfer is not None:
            self.transfer.rang()

    def _joined(self, leg: Leg) -> None:
        """A dialled party answered first."""
        if over(self.caller_leg):
            self.legs.hang_up(leg, Cause.NORMAL_CLEARING)
            return
        self.caller_leg.far_session_id = leg.session_id
        self.talk.put_through(self.caller_leg, leg)
        self._answer_caller()
        self.talk.bridged(self.caller_leg, leg)

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
            self._around.signalling.send(leg.id, Answer(leg.local, leg.far_session_id))
            if leg is not self.caller_leg or self.answered_at is not None:
                self._around.publish(LegAnswered(at=self.wall_ms(), call=self.call, leg=leg.id))

    def _ended(self, leg: Leg, ended: Ended) -> None:
        dial, transfer = self._dial, self.transfer
        self.legs.ended(leg, ended, self.answered_at)
        if leg is self.caller_leg:
            self._gave_up = self.answered_at is None and ended.by_party
            self._remember(ended.cause, ended.status)
            if transfer is not None:
                transfer.failed(Cause.NORMAL_CLEARING, 487)
            # A caller whose own switch let another phone take the call says so: none here shows a missed one.
            elsewhere = ended.cause is Cause.ANSWERED_ELSEWHERE
            self.legs.hang_up_all(Cause.NORMAL_CLEARING, elsewhere=elsewhere)
            if self._task is not None:
                self._task.cancel()
        elif dial is not None and dial.holds(leg):
            if leg is dial.winner:
                self._remember(ended.cause, ended.status)
                self.talk.parted(self.caller_leg)
            else:
                self.talk.lost(self.caller_leg, leg)
            dial.ended(leg, ended)
        self._end_if_over()

    # More lives than one --------------------------------------------------------------------------------------

    def other(self, leg: Leg) -> Leg | None:
        """Whom a party of this call talks with; None while it talks with nobody but us."""
        partner = self._dial.winner if self._dial is not None else None
        if partner is None or over(partner) or over(self.caller_leg):
            return None
        return self.caller_leg if leg is partner else partner if leg is self.caller_leg else None

    def has_place(self, leg: Leg) -> bool:
        """Whether another party could be where this one is: a caller who is up or whom another is rung for, whoever it
        talks with, or a phone that rings."""
        if over(leg) or over(self.caller_leg) or self.legs.get(leg.id) is None:
            return False
        if leg is self.caller_leg:
            return leg.state is LegState.UP or self._dial is not None
        dial = self._dial
        return dial is not None and dial.holds(leg) and dial.winner in (None, leg)

    def refuse(self, cause: Cause, status: int, why: str) -> None:
        """End a call that was not answered."""
        self.note(why)
        self._remember(cause, status)
        self.legs.hang_up_all(cause, status)

    def send_on(self, leg: Leg, target: str, transfer: Transfer, origin: Origin) -> None:
        """A party of this call is the caller from now on, of a number that `origin` may dial, and waits with music."""
        gone = self.other(leg)
        if gone is not None:
            self.talk.part(leg, gone)
            if gone.address is not None:
                self._around.media.silence(gone.id)
        self.caller_leg, self.transfer, self._dial = leg, transfer, None
        self.from_, self.to, self.identity = leg.party, Party(target), None
        self.origin = self.routed_as = origin
        self._hearing = None
        self.talk.music(leg)
        self.begin(lambda: self.route(Destination("dialplan", origin.context)))

    def leave(self, leg: Leg, to: "LiveCall") -> None:
        """A party goes on in another call; what is left of this one ends."""
        self.talk.parted(leg)
        self.note(f"goes on in call {to.call}")
        if self.answered_at is None:
            self.answered_at = self.wall_ms()
            self._around.publish(CallAnswered(at=self.answered_at, call=self.call))
        self.legs.release(leg, to.call)
        if leg is self.caller_leg:
            self.caller_leg = _nobody(self.call)
        to.legs.welcome(leg, self.call)
        self.hang_up(Cause.NORMAL_CLEARING)
        self._end_if_over()

    def take_place(self, old: Leg, new: Leg) -> None:
        """A party that has come from another call is from now on where `old` is, which is hung up.

        `old` is the caller, whom the caller talks with, or a terminal that rings: that one is answered by it.
        """
        dial, partner = self._dial, self.other(old)
        if partner is not None:
            self.talk.part(self.caller_leg, self._dial.winner)  # type: ignore[union-attr, arg-type]
        if old is self.caller_leg:
            was_up = old.state is LegState.UP
            self.caller_leg, self.from_ = new, new.party
            self.legs.hang_up(old, Cause.NORMAL_CLEARING)
            if partner is not None:
                self._pair(partner)
            elif was_up:
                self.talk.with_us(new)
                self._answer_caller()
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

    def _pair(self, leg: Leg) -> None:
        """The caller and a party that is there already hear each other."""
        self.talk.join(self.caller_leg, leg)
        self._answer(leg)
        self._answer_caller()
        self.talk.bridged(self.caller_leg, leg)


def _nobody(call: CallId) -> Leg:
    """In place of a caller that is not there: an ended leg, which nothing is sent to."""
    leg = Leg(IdSource.leg(call, 0), None, None)
    leg.state = LegState.ENDED
    return leg


def _with_verstat(candidate: Candidate, from_: Party, identity: Identity) -> Candidate:
    """What the check of the caller's passport gave is told to phones; a trunk is told what its own rules say."""
    if candidate.style is not None:
        return candidate
    told = Identity(asserted=from_, privacy=identity.privacy, verstat=identity.verstat)
    return structs.replace(candidate, identity=told, style=IdentityStyle("p-asserted-identity"))

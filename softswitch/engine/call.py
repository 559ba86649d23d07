"""One call, live: the asyncio shell around the pure machines of `softswitch.calls`.

A call is a task that runs call applications one after another, and the legs whose signals arrive meanwhile. What a
signal means is decided by `Dial` (while terminals ring) and `Relay` (while two parties talk); here it is done.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from softswitch.calls import media_plan
from softswitch.calls.dial import over
from softswitch.calls.leg import Leg, LegState
from softswitch.calls.signals import (
    Answer,
    Answered,
    DigitPressed,
    Ended,
    Incoming,
    LegSignal,
    Origin,
    Progressed,
    Ring,
)
from softswitch.engine.caller import Candidate, DialOutcome
from softswitch.engine.dialling import Dialling, through_caller
from softswitch.engine.legs import CallLegs
from softswitch.engine.surroundings import Surroundings
from softswitch.engine.talk import Talk
from softswitch.events import (
    CallAnswered,
    CallEnded,
    CallForwarded,
    CallOffered,
    CallRouted,
    CallTraced,
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
MOST_WAITING_DIGITS = 64


CallApp = Callable[["LiveCall", str], Awaitable[Destination | None]]
"""A call application as the engine runs it; `softswitch.feature.CallApp` is the same seen from a feature."""


class LiveCall:
    """A call in progress; to call applications it is the `Caller`."""

    __slots__ = (
        "_apps",
        "_around",
        "_caller",
        "_cause",
        "_contacts",
        "_dial",
        "_digit_waiter",
        "_digits",
        "_forwards",
        "_gave_up",
        "_hops_left",
        "_legs",
        "_note",
        "_over",
        "_played",
        "_talk",
        "_task",
        "_trace",
        "answered_at",
        "call",
        "from_",
        "origin",
        "routed_as",
        "to",
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
        self.answered_at: int | None = None
        self._hops_left = 70
        self._legs = CallLegs(around, index, call, self)
        self._talk = Talk(around, self._legs, call)
        self._caller = Leg(IdSource.leg(call, 0), None, None)
        """The leg of the calling party; in a call of our own, the party that was rung first. Until there is one: an
        ended leg, which nothing is sent to."""
        self._caller.state = LegState.ENDED
        self._dial: Dialling | None = None
        self._task: asyncio.Task[None] | None = None
        self._trace: list[TraceLine] = []
        self._cause: tuple[Cause, int | None] | None = None
        self._gave_up = False
        self._note = ""
        self._forwards: set[tuple[str, str]] = set()
        """Contexts and numbers it was forwarded to."""
        self._contacts: tuple[str, ...] = ()
        """Where the caller is sent if nobody answers."""
        self._played: asyncio.Future[None] | None = None
        self._digits: deque[str] = deque(maxlen=MOST_WAITING_DIGITS)
        self._digit_waiter: asyncio.Future[None] | None = None

    # Beginning and end ------------------------------------------------------------------------------------

    def offered(self, incoming: Incoming) -> LegId:
        """A party called: gives its leg. `start` sets the call going."""
        self.from_, self.to = incoming.from_, incoming.to
        if self.origin.kind == "account":
            # Who proved to be an account calls as that account, whatever its From says.
            self.from_ = Party(self.origin.name, incoming.from_.name)
        self._hops_left = incoming.hops_left
        self._caller = self._legs.add(None, anchored=False)
        self._caller.remote = incoming.offer
        self._publish_offered(self._caller.id, str(incoming.source))
        return self._caller.id

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
        for leg in self._legs:
            if leg.address is None or (leg.remote is not None and leg.remote.on_hold):
                return None
            packets += self._around.media.heard(leg.id)
        return packets

    def start(self, destination: Destination, first_ring: Sequence[Candidate] = (), ring_seconds: float = 60) -> None:
        """Hand the call to its first application, in a task of its own.

        `first_ring`: the terminals of the party that is to be the caller, for a call of our own.
        """
        self._task = asyncio.get_running_loop().create_task(
            self._run(destination, first_ring, ring_seconds), name=self.call
        )
        self._task.add_done_callback(self._task_over)

    def hang_up(self, cause: Cause, *, note: str = "") -> None:
        """End the call, whatever it is doing. `note` goes into its record."""
        if note and self._cause is None:
            self._note = note
        self._remember(cause, None)
        self._legs.hang_up_all(cause)
        if self._task is not None:
            self._task.cancel()

    async def _run(self, destination: Destination | None, first_ring: Sequence[Candidate], ring_seconds: float) -> None:
        """Run applications until one of them has no more to hand the call to. One call's bug ends one call."""
        cause, status = Cause.NORMAL_CLEARING, None
        try:
            if first_ring:
                await self._ring_caller(first_ring, ring_seconds)
            handovers = 0
            while destination is not None:
                handovers += 1
                if handovers > MOST_HANDOVERS:
                    raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, "the call was handed round in a circle")
                app = self._apps.get(destination.kind)
                if app is None:
                    raise Rejected(Cause.SERVICE_NOT_IMPLEMENTED, f"nothing takes calls for {destination}")
                destination = await app(self, destination.name)
            if self.answered_at is None:
                cause = Cause.NORMAL_UNSPECIFIED
                if self._dial is not None:
                    cause, status = self._dial.refusal.cause, self._dial.refusal.status
        except Rejected as rejected:
            cause = rejected.cause
            self.note(str(rejected))
            if self._dial is not None and self._dial.refusal.cause is cause:
                status = self._dial.refusal.status
        except asyncio.CancelledError:
            if self._caller.state is not LegState.ENDED and not self._caller.leaving:
                cause = Cause.TEMPORARY_FAILURE  # the switch itself is stopping
            else:
                raise
        except Exception:
            cause, status = Cause.TEMPORARY_FAILURE, None
            log.exception("a call application failed", call=self.call, ladder=[line.what for line in self._trace])
            self.note("a call application failed; the switch's log has the details")
        self._remember(cause, status)
        if self._contacts and status is not None and self.answered_at is None:
            self._legs.send_elsewhere(self._caller, cause, status, self._contacts)
        self._legs.hang_up_all(cause, status)

    def _task_over(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a call's task failed", call=self.call, exc_info=error)
            self._legs.hang_up_all(Cause.TEMPORARY_FAILURE)
        self._task = None
        self._end_if_over()

    def _end_if_over(self) -> None:
        if self._task is not None or self._legs:
            return
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
        self._legs.let_go()

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
        self.to, self.routed_as = Party(number), by
        self._around.publish(
            CallForwarded(
                at=self.wall_ms(), call=self.call, by=Destination(by.kind, by.name), number=number, reason=reason
            )
        )

    def redirect(self, contacts: Sequence[str]) -> None:
        self._contacts = tuple(contacts)

    async def answer(self) -> None:
        if self._caller.state is not LegState.UP:
            self._talk.with_us(self._caller)
        self._answer_caller()

    async def play(self, prompt: str) -> None:
        await self.answer()
        self._played = asyncio.get_running_loop().create_future()
        self._around.media.play(self._caller.id, prompt)
        try:
            await self._played
        finally:
            self._played = None

    async def digit(self, within: float) -> str | None:
        if not self._digits:
            self._digit_waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(within):
                    await self._digit_waiter
            except TimeoutError:
                return None
            finally:
                self._digit_waiter = None
        return self._digits.popleft()

    async def echo(self) -> None:
        await self.answer()
        self._around.media.echo(self._caller.id)
        await asyncio.get_running_loop().create_future()

    async def tone(self, frequency: float) -> None:
        await self.answer()
        self._around.media.tone(self._caller.id, frequency)
        await asyncio.get_running_loop().create_future()

    async def dial(self, candidates: Sequence[Candidate], ring_seconds: float) -> DialOutcome:
        if self._hops_left <= 1:
            # RFC 3261 section 16.3 step 3, which a B2BUA must obey as a proxy does, or two of them loop for ever.
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, "too many hops (Max-Forwards)")
        if any(candidate.anchored for candidate in candidates):
            self._legs.open_media(self._caller)
        dial = self._dial = self._new_dial(alerted=self._alerted, joined=self._joined)
        dial.invite(candidates, self.from_, self._hops_left - 1, through_caller(self._caller))
        if not candidates:
            return DialOutcome(False, Cause.SUBSCRIBER_ABSENT)
        await dial.run(ring_seconds)
        if dial.winner is None:
            return DialOutcome(False, dial.refusal.cause, dial.refusal.status, dial.refusal.contacts)
        return DialOutcome(True, self._cause[0] if self._cause else Cause.NORMAL_CLEARING)

    def also(self, candidates: Sequence[Candidate]) -> None:
        dial = self._dial
        if dial is not None and dial.open:
            if any(candidate.anchored for candidate in candidates):
                self._legs.open_media(self._caller)
            dial.invite(candidates, self.from_, self._hops_left - 1, through_caller(self._caller))

    async def _ring_caller(self, candidates: Sequence[Candidate], ring_seconds: float) -> None:
        """Ring the party that is to be the caller, with our own media engine's offer; it becomes the caller's leg."""

        def offer(leg: Leg) -> MediaDescription:
            self._legs.open_media(leg)
            assert leg.address is not None
            return media_plan.offer(self._around.media.codecs, leg.address)

        def becomes_caller(leg: Leg) -> None:
            self._caller = leg
            self._legs.connect(leg)
            dial.finish()

        dial = self._dial = self._new_dial(alerted=lambda leg, early: None, joined=becomes_caller)
        dial.invite(candidates, self.to, self._hops_left, offer)
        await dial.run(ring_seconds)
        if dial.winner is None:
            raise Rejected(dial.refusal.cause)
        self._dial = None

    def _new_dial(self, *, alerted: Callable[[Leg, bool], None], joined: Callable[[Leg], None]) -> Dialling:
        return Dialling(self._around, self._legs, self.call, alerted=alerted, joined=joined)

    # What the gateways tell -------------------------------------------------------------------------------

    def receive(self, leg_id: LegId, signal: LegSignal) -> None:
        """A party did something."""
        leg = self._legs.get(leg_id)
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
            self.digit_pressed(leg_id, signal.digit)
        else:
            try:
                self._talk.negotiated(leg, signal)
            except Rejected as rejected:
                self.note(str(rejected))
                self.hang_up(rejected.cause)

    def played(self) -> None:
        """The caller's prompt came to its end."""
        if self._played is not None and not self._played.done():
            self._played.set_result(None)

    def digit_pressed(self, leg: LegId, digit: str) -> None:
        """A key, however signalled; the caller's are kept for `digit`."""
        if leg == self._caller.id:
            self._digits.append(digit)
            if self._digit_waiter is not None and not self._digit_waiter.done():
                self._digit_waiter.set_result(None)

    def trace(self, leg: LegId, direction: str, what: str) -> None:
        """Add a line to the ladder."""
        if len(self._trace) < MOST_TRACE_LINES:
            self._trace.append(TraceLine(self._around.clock.wall_ms(), leg, direction, what))

    def note(self, what: str) -> None:
        """Add what happened inside the switch to the ladder."""
        self.trace(self._caller.id, "note", what)

    # Legs ---------------------------------------------------------------------------------------------------

    def _alerted(self, leg: Leg, early: bool) -> None:
        """A dialled party rings, or sends early media."""
        caller = self._caller
        heard = None
        if early and caller.remote is not None:
            self._talk.early(caller, leg)
            heard = caller.local
        if caller.state is LegState.INVITED:
            self._around.signalling.send(caller.id, Ring(heard))

    def _joined(self, leg: Leg) -> None:
        """A dialled party answered first."""
        if over(self._caller):
            self._legs.hang_up(leg, Cause.NORMAL_CLEARING)
            return
        self._talk.put_through(self._caller, leg)
        self._answer_caller()
        self._talk.bridged(self._caller, leg)

    def _answer_caller(self) -> None:
        """Answer the caller unless it is up; the first time, the call is answered."""
        caller = self._caller
        if caller.state is not LegState.UP:
            assert caller.local is not None
            caller.state = LegState.UP
            self._around.signalling.send(caller.id, Answer(caller.local))
        if self.answered_at is None:
            self.answered_at = self.wall_ms()
            self._around.publish(CallAnswered(at=self.answered_at, call=self.call))

    def _ended(self, leg: Leg, ended: Ended) -> None:
        dial = self._dial
        self._legs.ended(leg, ended)
        if leg is self._caller:
            self._gave_up = self.answered_at is None and ended.by_party
            self._remember(ended.cause, ended.status)
            self._legs.hang_up_all(Cause.NORMAL_CLEARING)
            if self._task is not None:
                self._task.cancel()
        elif dial is not None and dial.holds(leg):
            if leg is dial.winner:
                self._remember(ended.cause, ended.status)
                self._talk.parted(self._caller)
            else:
                self._talk.lost(self._caller, leg)
            dial.ended(leg, ended)
        self._end_if_over()

"""One call, live: the asyncio shell around the pure machines of `softswitch.calls`.

A call is a task that runs call applications one after another for a party, the *caller*, and the legs whose signals
arrive meanwhile. What a signal means is decided by `Dial` (while terminals ring) and `Relay` (while two parties talk);
here it is done.

What a call tells of itself is in `engine.record`, what it does for the caller in `engine.serving`; each builds on
the one before, so that a call is one object and a signal takes one step. Here it begins, lives and ends.

A call has more than one life: a transfer gives up the application that runs and begins anew with the party that stays,
whoever called whom; and a leg may leave for another call, or come from one (`engine.transfer`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from softswitch.calls.dial import over
from softswitch.calls.leg import Leg, LegState, OurVideo
from softswitch.calls.pressed_keys import PressedKeys
from softswitch.calls.signals import (
    Alert,
    Answered,
    Aside,
    AskPicture,
    DigitPressed,
    Ended,
    Incoming,
    LegSignal,
    Origin,
    Progressed,
    TransferAsked,
)
from softswitch.engine import transfer as transfers
from softswitch.engine.caller import Candidate
from softswitch.engine.conference import Conference, confer
from softswitch.engine.consultation import Consultation
from softswitch.engine.in_call import InCallKeys
from softswitch.engine.legs import CallLegs
from softswitch.engine.memory import CallRecord, LegRecord, TransferRecord, leg_record
from softswitch.engine.record import Outcome, nobody
from softswitch.engine.serving import ServedCall
from softswitch.engine.surroundings import Surroundings
from softswitch.engine.transfer import Transfer
from softswitch.events import CallAnswered, CallEnded, CallTraced, LegClues, MediaFigures
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import CallId, IdSource, LegId
from softswitch.ports.takeover import Memory

log = structlog.get_logger(__name__)

MOST_HANDOVERS = 30
"""How often a call may be handed from one application to the next before it counts as a loop."""

CallApp = Callable[["LiveCall", str], Awaitable[Destination | None]]
"""A call application as the engine runs it; `softswitch.feature.CallApp` is the same seen from a feature."""


class LiveCall(ServedCall):
    """A call in progress; to call applications it is the `Caller`."""

    __slots__ = ("_apps", "_at", "_gave_up", "_keys", "_note", "_over", "_task", "conference", "consultation")

    legs: CallLegs["LiveCall"]
    resumed = False

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
        super().__init__(around, call, origin, CallLegs(around, index, call, self))
        self._apps = apps
        self._over = over
        self._at: Destination | None = None
        """The application that the caller was handed to last."""
        self._task: asyncio.Task[None] | None = None
        self._gave_up = False
        self._note = ""
        self._keys: InCallKeys | None = None
        self.conference: Conference | None = None
        """More than two talk here."""
        self.consultation: Consultation | None = None
        """The caller has come from another call, to ask somebody here."""

    # Beginning and end -------------------------------------------------------------------------------------

    def offered(self, incoming: Incoming) -> LegId:
        """A party called: gives its leg. `start` sets the call going."""
        self.from_, self.to = incoming.from_, incoming.to
        if self.origin.kind == "account":
            # Who proved to be an account calls as that account, whatever its From says.
            self.from_ = Party(self.origin.name, self.origin.shown_name or incoming.from_.name)
        self._hops_left, self.identity = incoming.hops_left, incoming.identity
        if incoming.alert is not None and incoming.alert.ring:
            # How a phone rings may be the caller's wish; that it answers by itself, and listens, may not.
            self._alert = Alert(ring=incoming.alert.ring)
        leg = self.caller_leg = self.legs.add(Destination(self.origin.kind, self.origin.name), anchored=False)
        leg.inbound = True
        leg.codecs = self.origin.codecs
        leg.sees = self.origin.video
        leg.session_id = incoming.session_id
        leg.remote = incoming.offer
        leg.party = self.from_
        leg.unfit = incoming.unfit
        self._publish_offered(leg.id, str(incoming.source))
        return leg.id

    def originated(self, to: Party, video: tuple[OurVideo, ...] = ()) -> None:
        """The call is of our own making: `start` rings the party that is to have called, and offers it `video`."""
        self.to, self._shows = to, video
        self._publish_offered(IdSource.leg(self.call, 1), "")

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

    def remembered(self, memory: Memory) -> CallRecord | None:
        """The call as the process after this one may go on with it; None: nobody is up whom it could find again."""
        if self.answered_at is None:
            return None
        legs: list[LegRecord] = []
        for leg in self.legs:
            dialog = memory.remembered(leg.id) if leg.state is LegState.UP else None
            if dialog is not None:
                legs.append(leg_record(leg, dialog))
        if not legs:
            return None
        partner, transfer = self.other(self.caller_leg), self.transfer
        if transfer is not None and transfer.settled:
            transfer = None
        by = transfer.by if transfer is not None else None
        return CallRecord(
            call=self.call,
            origin=self.origin,
            routed_as=self.routed_as,
            from_=self.from_,
            to=self.to,
            identity=self.identity,
            language=self.language,
            data=self._data or {},
            answered_at=self.answered_at,
            hops_left=self._hops_left,
            forwards=() if self._forwards is None else self._forwards.seen,
            legs_so_far=self.legs.so_far,
            legs=tuple(legs),
            caller=self.caller_leg.id,
            partner=None if partner is None else partner.id,
            at=self._at,
            transfer=None
            if transfer is None
            else TransferRecord(
                transfer.asked, None if by is None or over(by) else by.id, transfer.recall, transfer.referrer
            ),
            mixed=self.conference is not None,
        )

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

    def refuse(self, cause: Cause, status: int, why: str) -> None:
        """End a call that was not answered."""
        self.note(why)
        self._remember(cause, status)
        self.legs.hang_up_all(cause, status)

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
        if self.consultation is not None:
            self.consultation.give_back(self)
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
                self._at = destination
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
        if self._keys is not None:
            self._keys.let_go()
            self._keys = None
        self.legs.let_go()

    # What the gateways tell --------------------------------------------------------------------------------

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
            if (dialled := self.dialled(leg)) is not None:
                dialled.progressed(leg, signal)
        elif isinstance(signal, Answered):
            if (dialled := self.dialled(leg)) is not None:
                dialled.answered(leg, signal)
        elif isinstance(signal, DigitPressed):
            leg.informed = True
            if not self.digit_pressed(leg_id, signal.digit, by_info=True):
                self.talk.pressed(leg, signal)
        elif isinstance(signal, Aside):
            self.talk.beside(leg, signal)
        elif isinstance(signal, TransferAsked):
            if self._room is not None and leg is self.caller_leg:
                transfers.brought_in(self, leg, signal, self._room[1], self._around)
            else:
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

    def picture_wanted(self, leg_id: LegId) -> None:
        """Somebody needs a whole picture of what a party shows, which takes no such wish but by signalling."""
        leg = self.legs.get(leg_id)
        if leg is not None and leg.state is LegState.UP and not over(leg):
            self._around.signalling.send(leg_id, AskPicture())

    def detected(self, leg: LegId, what: str) -> None:
        """Something was heard in a party's sound that was listened for."""
        if what not in ("speech", "pause"):
            self.trace(leg, "in", f"sound: {what}")
        elif self._hearing is not None and leg == self.caller_leg.id:
            self._hearing.spoke(what == "speech")

    def digit_pressed(self, leg_id: LegId, digit: str, *, by_info: bool = False) -> bool:
        """A key, however signalled; whether it was for us alone. The caller's others are kept for `digit`."""
        leg = self.legs.get(leg_id)
        if leg is None or leg.leaving:
            return False
        if leg.pressed is None:
            leg.pressed = PressedKeys()
        if not leg.pressed.is_new(digit, by_info, self._around.clock.monotonic()):
            return True
        if self._dial is not None and self._dial.pressed(leg, digit):
            return True
        if self._keys is None and (self.other(leg) or self.consultation or self.conference) is not None:
            self._keys = InCallKeys(self, self._around)
        if self._keys is not None and self._keys.pressed(leg, digit):
            return True
        if leg is self.caller_leg:
            self._hears().pressed(digit)
        return False

    def _ended(self, leg: Leg, ended: Ended) -> None:
        if self.consultation is not None and leg is self.consultation.asker:
            self.consultation.asker_gone(self, hung_up=ended.by_party)
        dial, transfer = self._dial, self.transfer
        if self._around.watching is not None:
            self._around.watching.gone(leg)
        self.legs.ended(leg, ended, self.answered_at)
        if self.conference is not None and leg in self.conference.legs:
            self.conference.left(leg)
        elif leg is self.caller_leg:
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
        elif (ring := self.dialled(leg)) is not None:
            ring.ended(leg, ended)
        self._end_if_over()

    # More lives than one -----------------------------------------------------------------------------------

    def meet(self, leg: Leg) -> None:
        """A party that has come from another call fetches the caller from whatever it waits for."""
        dial = self._pair_by_dial(leg)
        self._hearing = None

        async def talk() -> Outcome:
            await dial.run()
            return Cause.NORMAL_CLEARING, None

        self.begin(talk)

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

    def hand_to(self, leg: Leg, destination: Destination) -> None:
        """A party of this call, who talks with nobody any more, is handed to an application."""
        if leg.address is not None:
            self._around.media.silence(leg.id)
        self.caller_leg, self.from_, self.to = leg, leg.party, Party(destination.name)
        self._dial = self._hearing = self.conference = None
        self.begin(lambda: self.route(destination))

    def leave(self, leg: Leg, to: "LiveCall") -> None:
        """A party goes on in another call; what is left of this one ends."""
        if self.consultation is not None and leg is self.consultation.asker:
            self.consultation.asker_gone(self, hung_up=False)
        if self.answered_at is None:
            self.answered_at = self.wall_ms()
            self._around.publish(CallAnswered(at=self.answered_at, call=self.call))
        self.part_with(leg, to)
        self.hang_up(Cause.NORMAL_CLEARING)
        self._end_if_over()

    def part_with(self, leg: Leg, to: "LiveCall") -> None:
        """A party goes on in another call."""
        if self._around.watching is not None:
            self._around.watching.moves(leg)
        self.talk.parted(leg)
        self.note(f"goes on in call {to.call}")
        self.legs.release(leg, to.call)
        if leg is self.caller_leg:
            self._gave_up = self.answered_at is None and self._cause is None
            self.caller_leg = nobody(self.call)
        to.legs.welcome(leg, self.call)

    def parties(self) -> list[Leg]:
        return super().parties() if self.conference is None else list(self.conference.legs)

    def has_place(self, leg: Leg) -> bool:
        # Of several that hear each other through a mix, none has a partner whom another could be given instead.
        return self.conference is None and super().has_place(leg)

    def convene(self, conference: Conference) -> None:
        """The parties of this call will talk with more than one other."""
        partner = self.other(self.caller_leg)
        if partner is not None:
            self.talk.part(self.caller_leg, partner)
        self._dial = self._hearing = self.consultation = None
        self.conference = conference
        self.begin(lambda: confer(conference))

    def give_away(self, legs: Sequence[Leg], to: "LiveCall") -> None:
        """Some parties go on in another call; what is left of this one ends."""
        for leg in legs:
            self.part_with(leg, to)
        self.hang_up(Cause.NORMAL_CLEARING)
        self._end_if_over()

    @property
    def life(self) -> "asyncio.Task[None] | None":
        """What the call is at."""
        return self._task

    def take_from(self, before: "LiveCall", leg: Leg, destination: Destination) -> None:
        """A party comes from another call, and is handed to an application here."""
        self.from_, self.to, self.caller_leg = leg.party, Party(destination.name), leg
        self._publish_offered(leg.id, "")
        before.part_with(leg, self)
        self.hand_to(leg, destination)

    def consult(self, asker: Leg, home: "LiveCall", number: str) -> None:
        """A party comes from another call and may go back there: somebody is rung for it here."""
        self.from_, self.to, self.caller_leg = asker.party, Party(number), asker
        self._publish_offered(asker.id, "")
        wait = home.lend(asker, self)
        self.consultation = Consultation(asker, home, wait, self._around)
        self.begin(lambda: self.route(Destination("dialplan", self.origin.context)))

    def lend(self, leg: Leg, to: "LiveCall") -> "asyncio.Task[None] | None":
        """A party goes to another call and may come back; whom it talks with waits with music. Gives that life."""
        stays = self.other(leg)
        assert stays is not None, "who talks with nobody asks nobody"
        self.talk.part(leg, stays)
        if leg.address is not None:
            self._around.media.silence(leg.id)
        self._dial = self._hearing = None
        self.part_with(leg, to)
        self.caller_leg, self.from_ = stays, stays.party
        self._at = leg.destination if leg.destination is not None and leg.destination.kind == "account" else None
        self.talk.music(stays)

        async def wait() -> Outcome:
            await asyncio.get_running_loop().create_future()
            return Cause.NORMAL_CLEARING, None

        self.begin(wait)
        return self._task

    def recall(self, destination: Destination) -> None:
        """Who waits for a party is put through to its phones."""
        self.note(f"back to {destination}")
        self.to = Party(destination.name)
        self.begin(lambda: self.route(destination))

"""A call that an earlier process was killed in goes on: its parties talk as they did, or the application that served
its caller begins anew. What cannot go on is ended as any call is, so that its parties are told and its record is right.
"""

from collections.abc import Iterable

import structlog
from msgspec import structs

from softswitch.calls.forwards import Forwards
from softswitch.calls.leg import Leg, LegState
from softswitch.calls.restored import RestoredLeg
from softswitch.engine import pictures
from softswitch.engine.call import LiveCall
from softswitch.engine.memory import CallRecord, LegRecord, TransferRecord
from softswitch.engine.record import Outcome
from softswitch.engine.transfer import Transfer
from softswitch.events import CallFact, CallOffered, LegArrived, LegDialed, LegEnded, LegMoved
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import IdSource, LegId
from softswitch.ports.takeover import Memory, Takeover

log = structlog.get_logger(__name__)

NOTE = "the switch was stopped"
"""In the record of a call that could not go on."""


class RestoredCall(LiveCall):
    """Made by `Switch.restore`."""

    __slots__ = ()

    resumed = True

    def resume(self, record: CallRecord, facts: Iterable[CallFact], memory: Memory, media: Takeover) -> None:
        """Go on, or end. `facts` are those on record: a leg that they speak of and the record does not (it rang, say)
        has ended with the process."""
        self.from_, self.to, self.routed_as = record.from_, record.to, record.routed_as
        self.identity, self.language = record.identity, record.language
        self._data = dict(record.data)
        self.answered_at, self._hops_left = record.answered_at, record.hops_left
        self._forwards = Forwards(record.forwards) if record.forwards else None
        self._at = record.at
        self.legs.count_on(record.legs_so_far)
        offering: list[Leg] = []
        whole = not record.mixed
        for each in record.legs:
            restored = self._dialog(each, memory)
            if restored is None:
                whole = False
                continue
            leg = _leg(each, restored)
            self.legs.restore(leg)
            whole = self._has_sound(leg, media) and whole
            has_video = self._has_video(leg, media)  # asked of every leg: what is not resumed is gone
            if restored.offering or not has_video:
                offering.append(leg)
        self._lost(facts)
        caller = self.legs.get(record.caller)
        partner = self.legs.get(record.partner) if record.partner is not None else None
        if caller is not None:
            self.caller_leg = caller
        if record.transfer is not None:
            self.transfer = self._transfer(record.transfer)
        self.note("the switch has been restarted")
        if not whole or caller is None or (partner is None and (record.partner is not None or record.at is None)):
            self.hang_up(Cause.TEMPORARY_FAILURE, note=NOTE)
            self._end_if_over()
            return
        by = self.transfer.by if self.transfer is not None else None
        leaving = {each.leg for each in record.legs if each.leaving}  # who told them to may not have been heard
        for leg in self.legs:
            if leg.id in leaving or leg not in (caller, partner, by):
                self.legs.hang_up(leg, Cause.NORMAL_CLEARING)
        if partner is not None:
            self._talk_on(caller, partner)
        else:
            self.begin(lambda: self.route(record.at))
        for leg in offering:
            self.talk.say_again(leg)

    def _talk_on(self, caller: Leg, partner: Leg) -> None:
        dial = self._dial = self._new_dial(alerted=self._alerted, joined=self._joined)
        dial.adopt(partner)
        self.talk.restore(caller, partner)

        async def talk() -> Outcome:
            await dial.run()
            return Cause.NORMAL_CLEARING, None

        self.begin(talk)

    def _dialog(self, each: LegRecord, memory: Memory) -> RestoredLeg | None:
        try:
            return memory.restore(each.leg, bytes(each.dialog))
        except ValueError:
            log.exception("a leg's dialog could not be read", leg=each.leg)
            return None

    def _has_sound(self, leg: Leg, media: Takeover) -> bool:
        """Whether a leg's sound goes on; one whose sound is gone has no port any more."""
        if leg.local is None or leg.remote is None:
            found = False
        else:
            found = leg.address is None or media.resume(leg.id, leg.address, leg.local, leg.remote)
        if not found:
            leg.address = None
        return found

    def _has_video(self, leg: Leg, media: Takeover) -> bool:
        """Whether a leg's video goes on, if it had any; else the party is to be told that it has ended."""
        if leg.address is None:
            leg.pictures = ()  # the call ends, and the engine gives back what nobody has resumed
            return True
        lines = ((IdSource.video(leg.id, place), address) for place, address in enumerate(leg.pictures))
        if all(media.resume_video(line, address) for line, address in lines):
            return True
        pictures.close(self._around, leg)
        self.note(f"the video of {leg.id} has ended with the switch that carried it")
        assert leg.local is not None and leg.remote is not None, "only a leg with sound has had ports for pictures"
        leg.local, leg.remote = structs.replace(leg.local, video=()), structs.replace(leg.remote, video=())
        return False

    def _lost(self, facts: Iterable[CallFact]) -> None:
        open_legs: dict[LegId, None] = {}
        for fact in facts:
            if isinstance(fact, CallOffered | LegDialed | LegArrived):
                open_legs[fact.leg] = None
            elif isinstance(fact, LegEnded | LegMoved):
                open_legs.pop(fact.leg, None)
        for leg in open_legs:
            if self.legs.get(leg) is None:
                self._around.publish(
                    LegEnded(
                        at=self.wall_ms(),
                        call=self.call,
                        leg=leg,
                        cause=Cause.TEMPORARY_FAILURE,
                        by_party=False,
                        status=None,
                        figures=None,
                    )
                )

    def _transfer(self, record: TransferRecord) -> Transfer:
        by = self.legs.get(record.by) if record.by is not None else None
        transfer = Transfer(self._around, self.call, by, record.asked)
        transfer.recall, transfer.referrer = record.recall, record.referrer
        return transfer


def _leg(record: LegRecord, restored: RestoredLeg) -> Leg:
    leg = Leg(record.leg, record.destination, record.address)
    leg.state = LegState.UP
    leg.party, leg.inbound, leg.codecs = record.party, record.inbound, record.codecs
    leg.opened_at, leg.informed = record.opened_at, record.informed
    leg.session_id, leg.far_session_id = record.session_id, record.far_session_id
    leg.aside, leg.sees, leg.pictures = record.aside, record.sees, record.pictures
    leg.seen = {place: (codec, content) for place, codec, content in record.seen} or None
    leg.local, leg.remote = restored.local, restored.remote
    leg.held = leg.remote is not None and leg.remote.on_hold
    return leg

"""The keys that parties press while they talk: codes are taken, their numbers waited for, and what they ask is done."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from softswitch.calls.dial import over
from softswitch.calls.in_call import Action, Chosen, Code, GivenUp, Keypad, Keys, Meaning, NumberWanted
from softswitch.calls.leg import Leg
from softswitch.engine import conference, consultation, transfer
from softswitch.engine.surroundings import Surroundings
from softswitch.kernel.errors import Conflict, Rejected
from softswitch.kernel.ids import LegId

if TYPE_CHECKING:
    from softswitch.engine.call import LiveCall

DIAL_TONE_HZ = 425.0
"""ITU-T E.180 section 4: what says that a number is awaited."""


class InCallKeys:
    """Made at the first key that somebody presses who talks: most calls have none.

    While a number is awaited, whoever presses it hears nobody, and whom it talks with hears music.
    """

    __slots__ = ("_around", "_call", "_parties", "_timers")

    def __init__(self, call: "LiveCall", around: Surroundings) -> None:
        self._call = call
        self._around = around
        self._parties: dict[LegId, Keys] = {}
        self._timers: dict[LegId, asyncio.TimerHandle] = {}

    def let_go(self) -> None:
        """The call is over."""
        for timer in self._timers.values():
            timer.cancel()

    def pressed(self, leg: Leg, key: str) -> bool:
        """A key of a party; whether it was for us alone, as part of a number."""
        keys = self._parties.get(leg.id)
        asking = self._asking(leg)
        mixed = self._call.conference
        talks = asking or self._call.other(leg) is not None or (mixed is not None and leg in mixed.legs)
        if keys is None or not keys.waiting:
            # Looked up anew with each code: what a party may press can be changed meanwhile.
            keypad = self._around.keypad(leg.destination) if talks and leg.destination is not None else None
            if keypad is None:
                return False
            if keys is None or keys.keypad is not keypad:
                keys = self._parties[leg.id] = Keys(keypad)
        ours = keys.number_awaited
        if ours and not talks:
            return False
        if (timer := self._timers.pop(leg.id, None)) is not None:
            timer.cancel()
        if ours and leg.aside:
            self._around.media.silence(leg.id)  # the dial tone ends with the first key
        self._take(leg, keys, keys.press(key, bare=asking))
        if keys.waiting:
            self._timers[leg.id] = asyncio.get_running_loop().call_later(
                keys.keypad.key_seconds, self._time_out, leg, keys
            )
        return ours

    def _time_out(self, leg: Leg, keys: Keys) -> None:
        del self._timers[leg.id]
        meaning = keys.time_out()
        if not over(leg) and self._call.legs.get(leg.id) is leg:
            self._take(leg, keys, meaning)

    def _asking(self, leg: Leg) -> bool:
        """Whether a party has come from another call to ask somebody here."""
        asked = self._call.consultation
        return asked is not None and leg is asked.asker

    def _take(self, leg: Leg, keys: Keys, meaning: Meaning | None) -> None:
        match meaning:
            case NumberWanted(code):
                self._note(leg, code, "a number is awaited")
                try:
                    self._call.talk.hold(leg)
                except Conflict as conflict:
                    keys.time_out()
                    self._note(leg, code, str(conflict))
                else:
                    self._around.media.tone(leg.id, DIAL_TONE_HZ)
            case GivenUp(code):
                self._note(leg, code, "no number came")
                self._back(leg)
            case Chosen(code, number):
                self._do(leg, code, number, keys.keypad)

    def _do(self, leg: Leg, code: Code, number: str, keypad: Keypad) -> None:
        call = self._call
        self._note(leg, code, number)
        if call.transfer is not None and not call.transfer.settled:
            self._note(leg, code, "not while a party is being transferred")
            self._back(leg)
            return
        match code.action:
            case Action.ATTENDED if call.consultation is not None and self._asking(leg):
                call.consultation.go_back(call)
            case Action.CONFERENCE if call.consultation is not None and self._asking(leg):
                self._unite(leg, code, call.consultation)
            case _ if self._asking(leg):
                self._note(leg, code, "not while somebody is asked")
            case Action.BLIND:
                call.talk.when_quiet(partial(transfer.blind, call, leg, number, keypad.rights, self._around))
            case Action.ATTENDED:
                call.talk.when_quiet(partial(consultation.ask, call, leg, number, keypad.rights, self._around))
            case Action.CONFERENCE:
                self._note(leg, code, "first ask whom to bring in")
            case Action.RECORD:
                self._note(leg, code, self._around.record(call.call, leg.id))
            case Action.ROOM:
                call.talk.when_quiet(lambda: self._note(leg, code, self._around.room(call.call, leg.id)))

    def _unite(self, leg: Leg, code: Code, asked: consultation.Consultation) -> None:
        if not asked.awaited:
            self._note(leg, code, "nobody waits any more")
            return
        try:
            conference.unite(self._call, asked.home, self._around)
        except (Conflict, Rejected) as error:
            self._note(leg, code, str(error))

    def _back(self, leg: Leg) -> None:
        """Nothing comes of it: the party talks again with whom it talked with, if that is still there."""
        if leg.aside:
            self._call.talk.resume(leg)

    def _note(self, leg: Leg, code: Code, what: str) -> None:
        self._call.note(f"code {code.keys} of {leg.destination}: {code.action.value}" + f", {what}" * bool(what))

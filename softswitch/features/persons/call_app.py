"""What happens to a call for a person, and to one by which a person sets something."""

import asyncio
from collections.abc import Sequence
from functools import partial

from msgspec import structs

from softswitch.calls.identity import Diversion, Identity, is_hidden
from softswitch.calls.onward import Calling
from softswitch.engine.caller import Caller, Candidate, Confirmation, DialOutcome, Later
from softswitch.feature import CallApp
from softswitch.features.persons.model import Device, Person, Turn, final_step
from softswitch.features.persons.needs import Phones, Ways
from softswitch.features.persons.service import NOBODY, Persons
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, Invalid, NotFound, Rejected
from softswitch.platform.database import Database

CONFIRMATION_HZ, CONFIRMATION_SECONDS = 440.0, 1.5
"""What a caller hears when a setting is stored."""
ROUND_SECONDS = 5.0
"""From the beginning of a round to the next: phones that refuse at once are not rung at once again."""
QUESTION = "persons/press-one"
_WORTH = {Cause.CALL_REJECTED: 0, Cause.USER_BUSY: 1, Cause.NO_ANSWER: 2, Cause.NO_USER_RESPONDING: 2}
"""Which outcome says most about the person; others say less."""


class Ringing:
    """One call for one person: round by round, turn by turn."""

    def __init__(self, persons: Persons, phones: Phones, ways: Ways, caller: Caller, person: Person) -> None:
        self._persons = persons
        self._phones = phones
        self._ways = ways
        self._caller = caller
        self._person = person
        self._best: DialOutcome | None = None
        """Of those who did not take the call, what says most about the person."""

    async def run(self) -> DialOutcome | None:
        """Ring until somebody answers, and return when that talk is over; otherwise what the best of them said, or None
        when none could be rung."""
        now, person, caller = asyncio.get_running_loop().time, self._person, self._caller
        until, said = now() + person.seconds, None
        for number in range(person.rounds if person.strategy == "cyclic" else 1):
            began = now()
            shown = "" if is_hidden(caller.from_, caller.identity) else caller.from_.number
            calling = Calling(shown, caller.routed_as, caller.origin, caller.wall_ms())
            decision = self._persons.decide(person, calling)
            if decision.steps != said:
                said = decision.steps
                caller.routed(Destination("person", person.number), f"person:{person.number}", None, said)
            if number and decision.turns:
                caller.note(f"round {number + 1} of {person.number}")
            for turn in decision.turns:
                if until - now() <= 0:
                    return self._best
                outcome = await self._ring(turn, until - now())
                if outcome.answered:
                    return outcome
                if self._best is None or _worth(outcome) < _worth(self._best):
                    self._best = outcome
            if not decision.turns:
                break
            if number + 1 < person.rounds and person.strategy == "cyclic":
                await asyncio.sleep(max(0, min(began + ROUND_SECONDS, until) - now()))
        return self._best

    async def _ring(self, turn: Turn, seconds: float) -> DialOutcome:
        at_once: list[Candidate] = []
        later: list[Later] = []
        for device in turn:
            if device.delay_seconds:
                later.append(Later(device.delay_seconds, partial(self._come, device)))
            else:
                at_once += self._candidates(device)
            if device.account and self._phones.sleeps(device.account):
                later.append(Later(device.delay_seconds, partial(self._woken, device)))
        return await self._caller.dial(at_once, seconds, later)

    async def _come(self, device: Device) -> Sequence[Candidate]:
        return self._candidates(device)

    def _candidates(self, device: Device) -> Sequence[Candidate]:
        if device.account:
            account = self._persons.accounts.account(device.account)
            rules = None if account is None else account.origin.rules
            return self._of(device, self._phones.awake(device.account, rules))
        owner = self._persons.accounts.account(self._person.owner)
        by = None if owner is None else owner.origin
        try:
            return self._of(device, [self._ways.candidate(self._caller, device.trunk, device.number, by)])
        except Rejected as rejected:
            self._caller.note(f"{device.name} of {self._person.number} is passed over: {rejected}")
            return ()

    async def _woken(self, device: Device) -> Sequence[Candidate]:
        account = self._persons.accounts.account(device.account)
        rules = None if account is None else account.origin.rules
        return self._of(device, await self._phones.woken(device.account, self._caller.from_, rules))

    def _of(self, device: Device, candidates: Sequence[Candidate]) -> list[Candidate]:
        confirm = None
        if device.confirm:
            confirm = Confirmation((QUESTION,), device.language or self._caller.language)
        return [structs.replace(each, ring_seconds=device.ring_seconds, confirm=confirm) for each in candidates]


def person_app(persons: Persons, phones: Phones, ways: Ways) -> CallApp:
    """Takes the calls for `person/NUMBER`."""

    async def call_person(caller: Caller, number: str) -> Destination | None:
        person = persons.person(number)
        if person is None:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"there is no person {number}")
        outcome = await Ringing(persons, phones, ways, caller, person).run()
        if outcome is not None and outcome.answered:
            return None
        return _goes_on(persons, caller, person, outcome)

    return call_person


def _goes_on(persons: Persons, caller: Caller, person: Person, outcome: DialOutcome | None) -> Destination | None:
    """Nobody took the call."""
    cause = None if outcome is None else outcome.cause
    step, by = final_step(person, cause), f"person:{person.number}"
    reason = "unavailable" if cause is None else "user-busy" if _WORTH.get(cause, 3) < 2 else "no-answer"
    owner = persons.accounts.account(person.owner)
    if person.final_number and owner is not None:
        onward = Destination("dialplan", owner.origin.context)
        caller.routed(onward, by, None, (step,))
        caller.forward(owner.origin, person.final_number, reason)
        return onward
    if person.final:
        onward = Destination.parse(person.final)
        caller.routed(onward, by, None, (step,))
        before = caller.identity or Identity()
        diversion = Diversion(Party(person.number), reason)
        caller.identity = structs.replace(before, diversions=(diversion, *before.diversions))
        return onward
    caller.routed(Destination("person", person.number), by, None, (step,))
    raise Rejected(NOBODY if cause is None else cause, step.reason, None if outcome is None else outcome.status)


def _worth(outcome: DialOutcome) -> int:
    return _WORTH.get(outcome.cause, 3)


def person_setting_app(persons: Persons, database: Database) -> CallApp:
    """Takes the calls for `person-setting/NAME:VALUE`: the caller sets something of the person that it owns, and hears
    a tone when it is stored. The dial plan's codes lead here."""

    async def set_person(caller: Caller, name: str) -> Destination | None:
        if caller.origin.kind != "account":
            raise Rejected(Cause.FACILITY_REJECTED, "only accounts own persons")
        if caller.routed_as != caller.origin:
            # Else a forward to such a code would set something of everybody who calls.
            raise Rejected(
                Cause.FACILITY_REJECTED, f"{caller.routed_as.name} forwards to a code of {caller.origin.name}"
            )
        setting, _, value = name.partition(":")
        try:
            async with database.session() as session:
                await persons.dialled(session, caller.origin.name, setting, value)
        except NotFound as missing:
            raise Rejected(Cause.FACILITY_REJECTED, str(missing)) from missing
        except (Conflict, Invalid) as wrong:
            raise Rejected(Cause.INVALID_NUMBER_FORMAT, str(wrong)) from wrong
        await caller.tone(CONFIRMATION_HZ, CONFIRMATION_SECONDS)
        return None

    return set_person

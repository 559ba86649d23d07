"""People with one number: in memory for calls, changed by HTTP and by feature codes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from softswitch.calls.onward import Calling, Onward, Prospect
from softswitch.features.persons import store
from softswitch.features.persons.model import (
    Decision,
    Device,
    Person,
    Situation,
    checked,
    decide,
    dialled,
    final_step,
    later_step,
    with_device,
    without_device,
)
from softswitch.features.persons.model.document import check_finals
from softswitch.features.persons.needs import Accounts, Calendars, Whereabouts
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

CHANGED = "persons"
"""What these are called among the `Changes`."""


NOBODY = Cause.SUBSCRIBER_ABSENT
"""What a call ends with for which nobody can be rung."""


class Persons:
    """Every person. Memory changes when a change is stored."""

    def __init__(self, accounts: Accounts, whereabouts: Whereabouts, calendars: Calendars) -> None:
        self.accounts = accounts
        self._whereabouts = whereabouts
        self._calendars = calendars
        self._persons: dict[str, Person] = {}

    async def load(self, database: Database) -> None:
        """Read all of them: before the first call, and again when another process has changed one."""
        async with database.reading() as session:
            self._persons = dict(await store.all_persons(session))

    # What calls and others ask -------------------------------------------------------------------------------

    def person(self, number: str) -> Person | None:
        """Somebody by number."""
        return self._persons.get(number)

    def page(self, after: str | None, most: int) -> Sequence[Person]:
        """Some of them by number, from behind one on."""
        numbers = sorted(number for number in self._persons if after is None or number > after)
        return [self._persons[number] for number in numbers[:most]]

    def owned_by(self, account: str) -> Person | None:
        """Whose settings an account's codes change."""
        return next((person for person in self._persons.values() if account and person.owner == account), None)

    def decide(self, person: Person, calling: Calling) -> Decision:
        """Who rings for a call, as things stand."""
        ask, first = self._whereabouts, calling.first
        own = first.name if first.kind == "account" else ""
        now = Situation(calling.at, calling.shown, own, ask.account_state, ask.trunk_refusal, self._calendars.opening)
        return decide(person, now)

    def onward(self, number: str, calling: Calling) -> Onward | None:
        """What becomes of a call for a person before anything rings; None: it rings, or there is no such person."""
        person = self.person(number)
        if person is None:
            return None
        decision = self.decide(person, calling)
        if decision.turns:
            return None
        step = final_step(person, None)
        owner = self.accounts.account(person.owner)
        steps = (*decision.steps, step)
        if person.final_number and owner is not None:
            return Onward(steps, person.final_number, owner.origin, reason="unavailable")
        if person.final:
            return Onward(steps, destination=Destination.parse(person.final))
        return None

    def prospect(self, number: str, calling: Calling) -> Prospect:
        """What awaits a call that rings at a person, or one that ends there."""
        person = self.person(number)
        if person is None:
            return Prospect()
        decision = self.decide(person, calling)
        if not decision.turns:
            return Prospect((*decision.steps, final_step(person, None)), NOBODY)
        return Prospect((*decision.steps, *later_step(person)))

    def users_of(self, calendar: str) -> Sequence[str]:
        """Whose devices go by a calendar."""
        return [
            f"device {device.name} of person {person.number}"
            for person in self._persons.values()
            for device in person.devices
            if calendar in (device.while_open, device.while_closed)
        ]

    # What is changed -----------------------------------------------------------------------------------------

    async def create(self, session: Session, person: Person) -> Person:
        """Add somebody. Raises Conflict and Invalid."""
        if person.number in await store.all_persons(session):
            raise Conflict("exists", f"there is a person {person.number} already")
        return await self._set(session, person)

    async def change(self, session: Session, number: str, changes: Mapping[str, Any]) -> Person:
        """Set what `changes` names, fields of `Person`. Raises NotFound and Invalid."""
        return await self._edit(session, number, lambda person: replace(person, **changes))

    async def put_device(self, session: Session, number: str, device: Device) -> Person:
        """Add a device, or change the one of its name. Raises NotFound and Invalid."""
        return await self._edit(session, number, lambda person: with_device(person, device))

    async def remove_device(self, session: Session, number: str, device: str) -> Person:
        """Take a device away. Raises NotFound."""
        return await self._edit(session, number, lambda person: without_device(person, device))

    async def dialled(self, session: Session, owner: str, setting: str, value: str) -> Person:
        """Set what an account has dialled a code for, see `model.dialled`. Raises NotFound and Invalid."""
        person = self.owned_by(owner)
        if person is None:
            raise NotFound("person owned by", owner)
        return await self._edit(session, person.number, lambda known: dialled(known, setting, value))

    async def remove(self, session: Session, number: str) -> None:
        """Delete somebody. Raises NotFound, and Conflict while another's calls go on to that person."""
        persons = await store.all_persons(session)
        if number not in persons:
            raise NotFound("person", number)
        users = [other.number for other in persons.values() if other.final == f"person/{number}"]
        if users:
            raise Conflict("in-use", f"calls of {', '.join(users[:5])} go on to {number}")
        await store.remove(session, number)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._forget(number))

    async def forget(self, session: Session, account: str) -> None:
        """The account is deleted: a later one of the same number owns nobody, and rings for nobody."""
        for person in (await store.all_persons(session)).values():
            devices = tuple(device for device in person.devices if device.account != account)
            kept = replace(person, devices=devices)
            if person.owner == account:
                kept = replace(kept, owner="", final_number="")
            if kept != person:
                await self._store(session, kept)

    async def _edit(self, session: Session, number: str, edit: Callable[[Person], Person]) -> Person:
        person = (await store.all_persons(session)).get(number)
        if person is None:
            raise NotFound("person", number)
        return await self._set(session, edit(person))

    async def _set(self, session: Session, person: Person) -> Person:
        checked(person)
        others = {**await store.all_persons(session), person.number: person}
        check_finals(person, others.get)
        if person.owner:
            if self.accounts.account(person.owner) is None:
                raise Invalid("owner", f"there is no account {person.owner!r}")
            known = [other.number for other in others.values() if other.owner == person.owner]
            if known != [person.number]:
                raise Conflict("owned", f"account {person.owner} owns another person already")
        if person.final:
            self._must_exist("final", Destination.parse(person.final))
        for device in person.devices:
            where = f"devices.{device.name}"
            if device.account:
                self._must_exist(f"{where}.account", Destination("account", device.account))
            else:
                self._must_exist(f"{where}.trunk", Destination("trunk", device.trunk))
            for field, name in (("while_open", device.while_open), ("while_closed", device.while_closed)):
                if name and not self._calendars.exists(name):
                    raise Invalid(f"{where}.{field}", f"there is no calendar {name!r}")
        await self._store(session, person)
        return person

    def _must_exist(self, where: str, destination: Destination) -> None:
        why = self._whereabouts.why_missing(destination)
        if why is not None:
            raise Invalid(where, why)

    async def _store(self, session: Session, person: Person) -> None:
        await store.write(session, person)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take(person))

    def _take(self, person: Person) -> None:
        self._persons[person.number] = person

    def _forget(self, number: str) -> None:
        self._persons.pop(number, None)

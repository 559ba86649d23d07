"""Questions of one part that another answers: the gatekeeper's, the engine's, and those of features by their `needs`.

Each is a line or two of translation; nothing here decides anything about a call.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from gateways.media.gateway import MediaGateway
from gateways.sip.gateway import SipGateway
from softswitch.calls.identity import ANONYMOUS
from softswitch.calls.onward import Calling, Onward, Prospect
from softswitch.calls.signals import Alert, Origin
from softswitch.engine.call import CallApp
from softswitch.engine.caller import Candidate
from softswitch.engine.supervision import Mode, Supervision
from softswitch.engine.switch import Switch
from softswitch.events import MediaFigures, RoutingStep, TraceLine, Trouble
from softswitch.features.acd.service import Queues
from softswitch.features.calendars.service import Calendars
from softswitch.features.cdr import store as records
from softswitch.features.conference.service import Conferences
from softswitch.features.directory.model import Account
from softswitch.features.directory.service import Directory
from softswitch.features.ivr.journey import Flows
from softswitch.features.ivr.model.spelling import spells
from softswitch.features.ivr.needs import Person
from softswitch.features.ivr.texts import seconds
from softswitch.features.persons.model import AccountState
from softswitch.features.persons.service import Persons
from softswitch.features.presence.service import PresenceService
from softswitch.features.prompts.model import WORDLESS, Prompt
from softswitch.features.prompts.service import Library
from softswitch.features.quality.service import Doctor
from softswitch.features.reach.service import Reach
from softswitch.features.registrar.phones import candidates_of
from softswitch.features.registrar.service import Registrations
from softswitch.features.routing.needs import PastCall
from softswitch.features.routing.service import DialPlan
from softswitch.features.trunks.departure import Departures
from softswitch.features.trunks.groups import Groups
from softswitch.features.trunks.service import Trunks
from softswitch.features.voicemail.boxes import Boxes
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.watching import Mailbox
from softswitch.platform.database import Database, Session
from softswitch.ports.speech import Recogniser


class MailboxLamps:
    """Voicemail asks to let the phones of an account show what waits."""

    def __init__(self, presence: PresenceService, database: Database) -> None:
        self._presence = presence
        self._database = database

    def shown(self, account: str) -> Mailbox:
        return self._presence.mailbox(account)

    async def show(self, account: str, mailbox: Mailbox) -> None:
        async with self._database.session() as session:
            await self._presence.set_mailbox(session, account, mailbox)


_RUNG_SECONDS = 600.0
"""How long a phone rings which whoever has it rung should have stopped long before."""


class Answers:
    """Knows whom to ask. Built before the parts that ask, and connected once those that answer are there."""

    _switch: Switch
    _sip: SipGateway
    _media: MediaGateway
    _departures: Departures
    _dial_plan: DialPlan
    _calendars: Calendars
    _persons: Persons
    _presence: PresenceService
    _apps: Mapping[str, CallApp]
    _flows: Callable[[], Flows]
    _boxes: Boxes
    _queues: Queues
    _conferences: Conferences

    def __init__(
        self,
        directory: Directory,
        registrations: Registrations,
        reach: Reach,
        trunks: Trunks,
        groups: Groups,
        doctor: Doctor,
    ) -> None:
        self._directory = directory
        self._registrations = registrations
        self._reach = reach
        self._trunks = trunks
        self._groups = groups
        self._doctor = doctor

    def connect(
        self,
        switch: Switch,
        sip: SipGateway,
        media: MediaGateway,
        departures: Departures,
        dial_plan: DialPlan,
        calendars: Calendars,
        persons: Persons,
        presence: PresenceService,
        apps: Mapping[str, CallApp],
        flows: Callable[[], Flows],
        boxes: Boxes,
        queues: Queues,
        conferences: Conferences,
    ) -> None:
        """Before the first call."""
        self._switch = switch
        self._sip = sip
        self._media = media
        self._departures = departures
        self._dial_plan = dial_plan
        self._calendars = calendars
        self._persons = persons
        self._presence = presence
        self._apps = apps
        self._flows = flows
        self._boxes = boxes
        self._queues = queues
        self._conferences = conferences

    # Who proves itself by a password: an account, or the far end of a trunk ----------------------------------

    def ha1(self, username: str, algorithm: str) -> str | None:
        """The gatekeeper asks for what a password is checked by."""
        known = self._directory if self._directory.account(username) is not None else self._trunks
        return known.ha1(username, algorithm)

    def origin(self, username: str) -> Origin:
        """The gatekeeper asks whom a request is from. An account's name is never a trunk's."""
        account = self._directory.account(username)
        if account is not None:
            return account.origin
        return self._trunks.origin(username) or self._directory.origin(username)

    # What features ask of each other, by their `needs` -----------------------------------------------------

    def origin_of(self, number: str) -> Origin | None:
        """The dial plan asks whom a number belongs to."""
        account = self._directory.account(number)
        return None if account is None else account.origin

    def why_missing(self, destination: Destination) -> str | None:
        """The dial plan asks whether anything answers at a destination."""
        kind, name = destination
        if kind not in self._apps:
            return f"nothing takes calls for {destination}"
        if kind == "account" and self._directory.account(name) is None:
            return f"there is no account {name!r}"
        if kind == "calendar" and not self._calendars.exists(name.partition(":")[0]):
            return f"there is no calendar {name.partition(':')[0]!r}"
        if kind == "person" and self._persons.person(name) is None:
            return f"there is no person {name!r}"
        if kind == "flow" and name not in self._flows():
            return f"there is no flow {name!r}"
        if kind == "voicemail" and self._boxes.find(name) is None and self._boxes.find_list(name) is None:
            return f"there is no voicemail box or list {name!r}"
        if kind == "mailbox" and name and self._boxes.find(name) is None:
            return f"there is no voicemail box {name!r}"
        if kind == "queue":
            return self._queues.why_not(name)
        if kind == "conference" and not self._conferences.exists(name):
            return f"there is no conference {name!r}"
        if kind == "trunk" and self._trunks.trunk(name) is None:
            return f"there is no trunk {name!r}"
        if kind == "trunk-group" and self._groups.group(name) is None:
            return f"there is no trunk group {name!r}"
        if kind == "pbx" and self._trunks.pbx_of(name) is None:
            return f"no PBX has the number {name!r}"
        return None

    def prospect(self, destination: Destination, number: str, calling: Calling) -> Prospect:
        """The dial plan asks what awaits a call at a destination that exists."""
        kind, name = destination
        caller, by, first = Party(calling.shown or ANONYMOUS.number), calling.origin, calling.first
        match kind:
            case "account" | "speeddial":
                return self._reach.prospect(kind, name, by)
            case "person":
                return self._persons.prospect(name, calling)
            case "setting" | "callback" | "calendar" | "person-setting":
                why = self._why_no_code(kind, calling)
                steps = (RoutingStep(str(destination), "failed", why),) if why else ()
                return Prospect(steps, Cause.FACILITY_REJECTED if why else None)
            case "trunk-group" if (group := self._groups.group(name)) is not None:
                return self._departures.prospect_of_group(group, number, caller, first, by)
            case "pbx" if (pbx := self._trunks.pbx_of(name)) is not None:
                return self._departures.prospect(pbx.name, number, caller, first, by)
            case "trunk":
                return self._departures.prospect(name, number, caller, first, by)
            case "queue":
                return self._queues.prospect(name, calling.at)
            case "flow" if (flow := self._flows().get(name)) is not None:
                which = f"version {flow.version}" if flow.version else "as it ships"
                said = f"it is entered, {which}" + (f": {flow.title}" if flow.title else "")
                opened = (
                    RoutingStep(f"calendar/{calendar}", "open" if opening.open else "closed", opening.reason)
                    for calendar in sorted(flow.calendars)
                    if self._calendars.exists(calendar)
                    for opening in (self._calendars.opening(calendar, calling.at),)
                )
                return Prospect((RoutingStep(str(destination), "matched", said), *opened))
        return Prospect()

    def _why_no_code(self, kind: str, calling: Calling) -> str:
        """Why a code would do nothing."""
        by, first = calling.origin, calling.first
        if first.kind != "account":
            return "only accounts dial codes"
        if by != first:
            return f"{by.name} forwards to a code of {first.name}"
        if kind == "person-setting" and self._persons.owned_by(by.name) is None:
            return f"{by.name} owns no person"
        return ""

    def onward(self, destination: Destination, calling: Calling) -> Onward | None:
        """The dial plan asks what becomes of a call at a destination before anything rings."""
        if destination.kind == "person":
            return self._persons.onward(destination.name, calling)
        return self._reach.onward(destination.kind, destination.name, calling)

    def account_state(self, account: str) -> AccountState | None:
        """People with one number ask how things stand with an account."""
        known = self._directory.account(account)
        if known is None:
            return None
        rules = self._reach.rules(account)
        return AccountState(
            enabled=known.enabled,
            registered=self._reach.phones.registered(account),
            busy=self._reach.busy(account),
            second_call=rules.call_waiting,
            do_not_disturb=rules.do_not_disturb,
            away=self._presence.absence(account),
            refuses_hidden=rules.reject_anonymous,
        )

    def trunk_refusal(self, trunk: str, number: str) -> str | None:
        """People with one number ask why a trunk would not take one now."""
        return self._departures.refusal(trunk, number)

    def person(self, number: str) -> Person | None:
        """Flows ask who has an extension."""
        account = self._directory.account(number)
        return None if account is None or not account.enabled else Person(number, account.name)

    def spelled(self, keys: str) -> Sequence[Person]:
        """Flows ask whose name is spelled so on the keys of a telephone."""
        found = [
            Person(account.number, account.name)
            for account in self._directory.accounts()
            if account.enabled and spells(account.name, keys)
        ]
        return sorted(found, key=lambda person: (person.name, person.number))

    async def between(self, session: Session, since: int, until: int) -> AsyncIterator[PastCall]:
        """The dial plan asks for the calls that it has routed, for a replay."""
        async for cdr in records.between(session, since, until):
            if cdr.plan_version is not None:
                yield PastCall(cdr.call_id, cdr.started_at, cdr.from_, cdr.to, cdr.origin, cdr.context, cdr.destination)

    def users_of(self, calendar: str) -> Sequence[str]:
        """Calendars ask who goes by one of them."""
        rules = [f"dial plan rule {rule}" for rule in self._dial_plan.rules_by_calendar(calendar)]
        flows = [f"flow {name}" for name, flow in self._flows().items() if calendar in flow.calendars]
        return [
            *rules,
            *flows,
            *self._persons.users_of(calendar),
            *self._conferences.users_of(calendar),
            *self._queues.users_of(calendar),
        ]

    def hang_up(self, call: CallId) -> bool:
        """Call control asks to end a call."""
        return self._switch.hang_up(call)

    def transfer(self, call: CallId, number: str, leg: LegId | None) -> None:
        """Call control asks to send a party on to a number."""
        self._switch.transfer(call, number, leg)

    def hold(self, call: CallId, leg: LegId | None, holds: bool) -> None:
        """Call control asks to let a party hold another, or resume."""
        self._switch.hold(call, leg, holds)

    def unite(self, call: CallId, other: CallId) -> None:
        """Call control asks to let the parties of two calls talk together."""
        self._switch.unite(call, other)

    def account_of(self, call: CallId, leg: LegId) -> str:
        """Rooms ask whose phone a party is that makes one of its call."""
        return self._switch.account_of(call, leg)

    def account_name(self, account: str) -> str:
        """Rooms ask how somebody is called who says no name itself, since it was called."""
        known = self._directory.account(account)
        return "" if known is None else known.name

    def hang_up_leg(self, call: CallId, leg: LegId) -> None:
        """Call control asks to end one party's half of a call."""
        self._switch.hang_up_leg(call, leg)

    def ring_for(self, account: str, candidates: Sequence[Candidate], to: Destination, number: str) -> CallId:
        """Queues ask to ring phones of an agent in a call of our own."""
        who = self._directory.account(account)
        if who is None:
            raise NotFound("account", account)
        return self._switch.originate(who.origin, number, candidates, _RUNG_SECONDS, to)

    def pick_up(self, by: CallId, accounts: Collection[str]) -> bool:
        """Pickup asks to answer a phone that rings."""
        return self._switch.pick_up(by, accounts)

    def picked_up_by(self, number: str) -> Collection[str]:
        """Pickup asks for whom an account answers."""
        return self._directory.picked_up_by(number)

    def meet(self, by: CallId, waiting: CallId) -> bool:
        """Parking asks to let two callers talk."""
        return self._switch.meet(by, waiting)

    def may_pick_up(self, account: str, ringing: Destination) -> bool:
        """The engine asks whether an account may answer another's phone: where both dial by the same context."""
        own, other = self.origin_of(account), self.origin_of(ringing.name) if ringing.kind == "account" else None
        return own is not None and other is not None and own.context == other.context

    def ladder(self, call: CallId) -> Sequence[TraceLine] | None:
        """Call control asks for the ladder of a live call."""
        return self._switch.ladder(call)

    def figures(self, leg: LegId) -> MediaFigures | None:
        """Call control asks for the media counters of a live leg."""
        return self._media.figures(leg) if self._media.serves(leg) else None

    def troubles(self, call: CallId) -> Sequence[Trouble]:
        """Call control asks what is wrong with the sound of a live call."""
        return self._doctor.now(self._switch.evidence(call), self._switch.ladder(call) or ())

    def originate(
        self, account: str, number: str, *, auto_answer: bool = False, data: Mapping[str, str] = {}
    ) -> CallId:
        """Call control asks for a call. Raises NotFound for an unknown account or one without a phone."""
        who, candidates = self._terminals(account, auto_answer=auto_answer)
        return self._switch.originate(who.origin, number, candidates, who.ring_seconds, data=data)

    def _terminals(self, account: str, *, auto_answer: bool) -> tuple[Account, Sequence[Candidate]]:
        who = self._directory.account(account)
        if who is None:
            raise NotFound("account", account)
        candidates = candidates_of(account, self._registrations, rules=who.origin.rules, srtp=who.srtp)
        if auto_answer:
            candidates = [replace(candidate, alert=Alert(answer_after=0)) for candidate in candidates]
        return who, candidates

    def ring(self, account: str, shown: str, destination: Destination, *, auto_answer: bool) -> CallId:
        """Supervision asks to ring a supervisor's phones. Raises NotFound as `originate`."""
        who, candidates = self._terminals(account, auto_answer=auto_answer)
        return self._switch.originate(who.origin, shown, candidates, who.ring_seconds, destination)

    def supervise(
        self, by: CallId, leg: LegId, mode: Mode, *, ordered_by: str, over: Callable[[str], None]
    ) -> Supervision:
        """Supervision asks to let a caller hear a party of another call."""
        return self._switch.supervise(by, leg, mode, ordered_by=ordered_by, over=over)

    def may_be_supervised(self, call: CallId, leg: LegId | None) -> LegId:
        """Supervision asks whom to supervise in a call, and whether that can be."""
        return self._switch.may_be_supervised(call, leg)

    def talk_of(self, account: str) -> LegId | None:
        """Supervision asks for the leg by which an account talks."""
        return self._switch.talk_of(account)

    def lives(self, call: CallId) -> bool:
        """Supervision asks whether a call is still there."""
        return self._switch.lives(call)

    def groups_of(self, number: str) -> Collection[str]:
        """Supervision asks for the pickup groups of an account."""
        account = self._directory.account(number)
        return () if account is None else account.pickup_groups

    def is_good(self, host: str) -> bool:
        """The bans ask whether a phone has registered from an address lately, or a trunk sends from it."""
        return self._sip.knows(host) or self._trunks.sends_from(host)


class PromptAnswers:
    """Flows ask what prompts there are, and what they say."""

    def __init__(self, library: Library, in_language: Callable[[str, str], str]) -> None:
        """`in_language`: which sound a prompt is in a language, as calls hear it."""
        self._library = library
        self.in_language = in_language

    def has(self, language: str, name: str) -> bool:
        return self._library.has(language, name) or self._library.has(WORDLESS, name)

    def text(self, name: str) -> str | None:
        prompt = self._find(name)
        return prompt.text or None if prompt is not None else None

    def seconds(self, name: str) -> float:
        prompt = self._find(name)
        if prompt is None:
            return 2.0
        return prompt.milliseconds / 1000 or seconds(prompt.text, prompt.language)

    def _find(self, sound: str) -> Prompt | None:
        language, _, name = sound.partition("/")
        for key in ((language, name), (WORDLESS, sound)):
            if self._library.has(*key):
                return self._library.find(*key)
        return None


class Understanding:
    """Flows ask what callers say."""

    def __init__(self, recogniser: Recogniser, data: Path) -> None:
        self._recogniser = recogniser
        self._data = data

    async def phrase(self, recording: str, language: str, phrases: Sequence[str]) -> str | None:
        """Which of some phrases is said in a file below the data folder."""
        return (await self._recogniser.recognise(self._data / recording, language, phrases)).phrase

    async def forget(self, recording: str) -> None:
        """What was listened to is deleted."""
        await asyncio.to_thread((self._data / recording).unlink, missing_ok=True)

"""The demo switch's features without a database: the real ones, filled by hand with accounts 1001 to 1020, the trunk
`uas` and the demo dial plan."""

import asyncio
import ipaddress
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType

import ivr_flows
from softswitch.answers import Answers
from softswitch.calls.signals import Origin
from softswitch.demo import AGENTS, OFFICE, PERSONS, QUEUES, ROOMS
from softswitch.engine.bus import Bus
from softswitch.engine.call import CallApp
from softswitch.engine.caller import Caller, Candidate
from softswitch.engine.gatekeeper import DemoGuests, SwitchGatekeeper
from softswitch.engine.supervision import Supervision
from softswitch.engine.switch import Switch
from softswitch.events import CallEnded, CallFact, Fact
from softswitch.features.acd import calling_back
from softswitch.features.acd.call_app import agent_app, queue_app
from softswitch.features.acd.service import Queues
from softswitch.features.calendars.model import Timetable
from softswitch.features.calendars.service import Calendars
from softswitch.features.codes.service import Codes
from softswitch.features.conference.around import Around as ConferenceAround
from softswitch.features.conference.call_app import conference_app, factory_app
from softswitch.features.conference.needs import Sounds as ConferenceSounds
from softswitch.features.conference.needs import WriteBehind
from softswitch.features.conference.roster import HEARD, RoomRosters
from softswitch.features.conference.service import Conferences
from softswitch.features.directory.model import Account, ha1
from softswitch.features.directory.service import Directory
from softswitch.features.ivr.call_app import flow_app
from softswitch.features.ivr.feature import build as build_flows
from softswitch.features.ivr.known import Catalogue
from softswitch.features.ivr.needs import Parts
from softswitch.features.ivr.service import IvrFlows
from softswitch.features.ivr.source import shipped
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts
from softswitch.features.messaging.feature import build as build_messaging
from softswitch.features.messaging.service import Messaging
from softswitch.features.parking.feature import build as build_parking
from softswitch.features.parking.lot import Lot
from softswitch.features.persons.call_app import person_app
from softswitch.features.persons.service import Persons
from softswitch.features.presence.feature import build as build_presence
from softswitch.features.presence.service import PresenceService
from softswitch.features.quality.service import Doctor
from softswitch.features.reach.call_app import account_app, callback_app, speed_dial_app, withheld_app
from softswitch.features.reach.callbacks import Callbacks
from softswitch.features.reach.lines import Lines
from softswitch.features.reach.service import Reach
from softswitch.features.registrar.phones import Phones, candidates_of
from softswitch.features.registrar.service import Registrations
from softswitch.features.routing.call_app import dial_plan_app
from softswitch.features.routing.model import demo_plan
from softswitch.features.routing.service import DialPlan
from softswitch.features.supervision.call_app import supervise_app
from softswitch.features.supervision.model import Mode, Rights
from softswitch.features.supervision.service import Supervisors
from softswitch.features.testcalls.feature import build as build_testcalls
from softswitch.features.trunks import call_app as trunks_app
from softswitch.features.trunks.certificates import Certificates
from softswitch.features.trunks.departure import Departures
from softswitch.features.trunks.groups import Groups
from softswitch.features.trunks.model import Trunk
from softswitch.features.trunks.service import Trunks
from softswitch.features.trunks.traffic import Traffic
from softswitch.features.trunks.verifier import Verifier
from softswitch.features.voicemail.call_app import leave_app, visit_app
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.binding import Binding, PushTarget
from softswitch.kernel.clock import Clock
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.database import Session
from softswitch.platform.event_log import Rows
from softswitch.platform.outbound import Answer
from softswitch.platform.vault import Vault
from softswitch.ports.messages import Courier
from softswitch.ports.watching import Watchers
from tests.support.model_media import Seen
from tests.support.model_messages import MemoryStore
from tests.support.model_rooms import MemoryDatabase, ModelPictures
from tests.support.model_voicemail import ModelVoicemail
from tests.support.no_tables import NoTables

REALM = "softswitch"
ACCOUNTS = tuple(str(number) for number in range(1001, 1021))
RING_SECONDS = 30


def password_of(account: str) -> str:
    return f"demo-{account}"


class DemoDirectory(Directory):
    """The accounts, as `Directory.load` would have read them."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(REALM, clock)
        for number in ACCOUNTS:
            md5, sha256 = ha1(number, REALM, password_of(number))
            self._accounts[number] = Account(
                number=number,
                name="",
                enabled=True,
                ring_seconds=RING_SECONDS,
                caller_id="",
                origin=Origin("account", number, "default"),
                ha1_md5=md5,
                ha1_sha256=sha256,
            )


class DemoParties:
    """Whom rooms ask about calls, and about accounts."""

    def __init__(self, switch: Switch, directory: Directory) -> None:
        self.account_of = switch.account_of
        self._directory = directory

    def account_name(self, account: str) -> str:
        known = self._directory.account(account)
        return "" if known is None else known.name


class DemoTrunks(Trunks):
    """The trunk `uas` at an address, which takes numbers as they are dialled."""

    def __init__(self, address: HostPort, clock: Clock, publish: Callable[[Fact], None]) -> None:
        super().__init__(REALM, clock, publish, Vault(bytes(32)))
        self._address = address
        self.anchor(True)

    def anchor(self, anchored: bool) -> None:
        """Let the trunk's sound pass through the switch, or bypass it."""
        trunk = Trunk(
            name="uas",
            host=self._address.host,
            port=self._address.port,
            transport="udp",
            sources=(ipaddress.ip_network(self._address.host),),
            strip=0,
            prefix="",
            anchored=anchored,
            ring_seconds=RING_SECONDS,
            enabled=True,
            origin=Origin("trunk", "uas", "default"),
        )
        self._remember({trunk.name: trunk})


class LiveFacts:
    """The facts of calls that have not ended, as the records keep them."""

    def __init__(self) -> None:
        self._live: dict[CallId, list[CallFact]] = {}

    def hear(self, fact: Fact) -> None:
        assert isinstance(fact, CallFact)
        self._live.setdefault(fact.call, []).append(fact)
        if isinstance(fact, CallEnded):
            del self._live[fact.call]

    def live(self) -> Sequence[CallId]:
        return list(self._live)

    def facts(self, call: CallId) -> Sequence[CallFact] | None:
        return self._live.get(call)


class SupervisionBoard:
    """What supervision asks of calls."""

    def __init__(self, house: "DemoFeatures") -> None:
        self._house = house

    def supervise(
        self, by: CallId, leg: LegId, mode: Mode, *, ordered_by: str, over: Callable[[str], None]
    ) -> Supervision:
        return self._house.switch.supervise(by, leg, mode, ordered_by=ordered_by, over=over)

    def may_be_supervised(self, call: CallId, leg: LegId | None) -> LegId:
        return self._house.switch.may_be_supervised(call, leg)

    def talk_of(self, account: str) -> LegId | None:
        return self._house.switch.talk_of(account)

    def lives(self, call: CallId) -> bool:
        return self._house.switch.lives(call)

    def ring(self, account: str, shown: str, destination: Destination, *, auto_answer: bool) -> CallId:
        who = self._house.directory.account(account)
        if who is None:
            raise NotFound("account", account)
        candidates = candidates_of(account, self._house.location)
        return self._house.switch.originate(who.origin, shown, candidates, who.ring_seconds, destination)


class DemoFeatures:
    """What a call meets between its gateways, tied together as the app does it."""

    def __init__(
        self,
        clock: Clock,
        publish: Callable[[Fact], None],
        *,
        trunk: HostPort,
        guest: str,
        registered: Mapping[str, tuple[Binding, ...]] = MappingProxyType({}),
    ) -> None:
        """`registered`: who was when the process before this one ended."""
        self.directory = DemoDirectory(clock)
        self.location = Registrations(clock, publish)
        self.location.start(registered, lambda: None)
        self.rosters = RoomRosters()
        self.trunks = DemoTrunks(trunk, clock, publish)
        self.groups = Groups(self.trunks)
        self.traffic = Traffic(clock)
        self.certificates = Certificates(self.fetch, clock)
        self.published: dict[str, bytes] = {}
        """What lies at which URL, for those who check passports."""
        departures = Departures(
            self.trunks, self.traffic, self.directory, Phones(self.location), chance=random.Random("weights").random
        )
        self.lines = Lines()
        self.phones = Phones(self.location, self, srtp=self.directory.srtp)
        self.woken: list[tuple[str, str]] = []
        """Accounts whose sleeping phones were to be woken, and why."""
        self.reach = Reach(self.directory, self.phones, self.lines)
        self.callbacks = Callbacks(self.lines, self, clock)
        self.switch: Switch
        self.originating: Callable[[str, str], CallId]
        """Makes a call on an account's behalf: whoever has the switch says how."""
        answers = Answers(self.directory, self.location, self.reach, self.trunks, self.groups, Doctor(publish))
        self.calendars = Calendars(clock, publish, answers)
        self.calendars._take(Timetable(OFFICE))
        self.persons = Persons(self.directory, answers, self.calendars)
        for person in PERSONS:
            self.persons._take(person)
        self.outbound: Callable[[str, bytes | None], Awaitable[Answer]]
        """Who asks web services."""
        self.queues = Queues(
            clock, publish, self.directory, self.phones, self.lines, self.calendars, answers, self, self, self
        )
        self.lines.changed = self.queues.line_changed
        plan = self.plan = DialPlan(clock, publish, answers, answers, self.calendars)
        self.codes = Codes(self.directory, self.trunks.origin_of)
        self.sounds = ShippedPrompts(SHIPPED)
        parts = Parts(places=answers, calendars=self.calendars, people=answers, queues=self.queues)
        self.rows: list[tuple[object, ...]] = []
        """What was given to the event log to be stored beside the facts."""
        self.flows = IvrFlows(clock, publish, self, shipped(ivr_flows), parts, Catalogue(self.sounds, parts))
        self.stored = MemoryStore()
        self.messaging = Messaging(self.directory, self.phones, self.stored, clock, publish, "10.0.0.1")
        self.live = LiveFacts()
        self.presence = PresenceService(
            self.directory,
            self.location,
            self.live,
            clock,
            publish,
            not_disturbed=lambda account: self.reach.rules(account).do_not_disturb,
            wake=lambda account: self.phones.wake(account, Party(account), "mailbox"),
        )
        self.reach.on_changed = self.presence.reconsider
        self.voicemail = ModelVoicemail(self.directory, answers, self.presence, ACCOUNTS, clock, publish)
        self.reach.boxes = self.voicemail.boxes.unanswered
        plan.plan = plan.compiled(demo_plan(), 1)
        self.gatekeeper = SwitchGatekeeper(
            ha1=self.directory.ha1,
            origin=self.directory.origin,
            recognise=self.trunks.recognise,
            guests=DemoGuests(
                lambda name: self.directory.account(name) is not None, guest, "8[0-9]{4}|9196|9197", "guest"
            ),
        )
        self.supervisors = Supervisors(SupervisionBoard(self), answers)
        self.supervisors._take({"1020": Rights(account="1020", everybody=True)})
        self.apps: dict[str, CallApp] = {
            "supervise": supervise_app(self.supervisors),
            "dialplan": dial_plan_app(plan),
            "account": account_app(self.reach),
            "speeddial": speed_dial_app(self.reach),
            "callback": callback_app(self.reach, self.callbacks),
            "withheld": withheld_app(self.reach),
            "flow": flow_app(self.flows),
            "person": person_app(self.persons, self.phones, departures),
            "queue": queue_app(self.queues),
            calling_back.KIND: self.queues.calling_back.app(),
            "agent": agent_app(self.queues, self),  # type: ignore[arg-type]
            "voicemail": leave_app(self.voicemail.service),
            "mailbox": visit_app(self.voicemail.service),
            **trunks_app.build_call_apps(
                self.trunks, self.groups, self.traffic, departures, Verifier(self.certificates)
            ),
            "conference": self._confer,
            "conference-factory": self._make_room,
            **build_testcalls().call_apps,
            **build_parking(Lot(), self, self).call_apps,
        }
        # What needs the switch and its gateways is not asked of these.
        self._answers = answers
        answers.connect(
            None,  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            departures,
            plan,
            self.calendars,
            self.persons,
            self.presence,
            self.apps,
            lambda: self.flows.live,
            self.voicemail.boxes,
            self.queues,
            None,  # type: ignore[arg-type]
        )
        for queue in QUEUES:
            self.queues._take_queue(queue)
        for agent in AGENTS:
            self.queues._take_agent(agent)

    def convene(
        self,
        switch: Switch,
        sounds: ConferenceSounds,
        clock: Clock,
        bus: Bus,
        written: WriteBehind,
        lines: Mapping[LegId, Seen],
    ) -> None:
        """Make the rooms, which need the switch, its sound, and the video `lines` that are agreed."""
        self.pictures = ModelPictures(lines, sounds)
        around = ConferenceAround(
            clock=clock,
            publish=bus.publish,
            sounds=sounds,
            switchboard=switch,
            prompt=lambda language, name: f"{language}/{name}",
            language="en",
            music="music/hold",
            pictures=self.pictures,
        )
        self.conferences = Conferences(
            around,
            DemoParties(switch, self.directory),
            MemoryDatabase(),  # type: ignore[arg-type]
            Vault(bytes(32)),
            self,
            bus,
            written,
        )
        for rules in ROOMS:
            self.conferences._take(rules)
        self._conference_app = conference_app(self.conferences)
        self._answers._conferences = self.conferences
        self._factory_app = factory_app(self.conferences)

    async def _confer(self, caller: Caller, number: str) -> Destination | None:
        return await self._conference_app(caller, number)

    async def _make_room(self, caller: Caller, name: str) -> Destination | None:
        return await self._factory_app(caller, name)

    async def forget(self, names: Sequence[str]) -> None:
        await self.voicemail.files.remove(names)

    async def milliseconds(self, name: str) -> int | None:
        return self.voicemail.files.lengths.get(name)

    def add(self, into: Rows, row: tuple[object, ...]) -> None:
        self.rows.append(row)

    def wake(self, target: PushTarget, account: str, caller: Party, why: str) -> None:
        self.woken.append((account, why))

    def originate(self, account: str, number: str) -> CallId:
        return self.originating(account, number)

    # What queues ask.

    def ring_for(self, account: str, candidates: Sequence[Candidate], to: Destination, number: str) -> CallId:
        who = self.directory.account(account)
        assert who is not None
        return self.switch.originate(who.origin, number, candidates, 600, to)

    def hang_up(self, call: CallId) -> bool:
        return self.switch.hang_up(call)

    def allows(self, host: str) -> bool:
        return True

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> Answer:
        """A web service that stories put here as `outbound`: it is given what it is sent."""
        async with asyncio.timeout(seconds):
            return await self.outbound(url, body)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        yield NoTables()  # type: ignore[misc]

    # What others ask.

    def pick_up(self, by: CallId, accounts: Collection[str]) -> bool:
        return self.switch.pick_up(by, accounts)

    def picked_up_by(self, number: str) -> Collection[str]:
        return self.directory.picked_up_by(number)

    def meet(self, by: CallId, waiting: CallId) -> bool:
        return self.switch.meet(by, waiting)

    def may_pick_up(self, account: str, ringing: Destination) -> bool:
        return self.origin_of(ringing.name) is not None

    def join(self, bus: Bus, watchers: Watchers, courier: Courier) -> None:
        """Hear facts, tell watchers, and deliver messages."""
        self.messaging.connect(courier)
        for kind, hearer in build_messaging(self.messaging).subscriptions:
            bus.subscribe(kind, hearer)
        bus.subscribe(CallFact, self.live.hear)
        for kind, hearer in (*self.queues.subscriptions(), *self.conferences.subscriptions()):
            bus.subscribe(kind, hearer)
        for kind, hearer in build_flows(self.flows, self.sounds).subscriptions:
            bus.subscribe(kind, hearer)
        self.presence.connect(watchers)
        self.rosters.connect(self.conferences, watchers)
        for kind in HEARD:
            bus.subscribe(kind, self.rosters.heard)
        for kind, hearer in build_presence(self.presence).subscriptions:
            bus.subscribe(kind, hearer)

    def catch_up(self, facts: Sequence[CallFact]) -> None:
        """Hear what had happened to a call that goes on, as the app has it."""
        for fact in facts:
            self.queues.left_behind.catch_up(fact)
        hearers: tuple[tuple[type[Fact], Callable[[Fact], None]], ...] = (
            *self.lines.subscriptions(),
            (CallFact, self.live.hear),
            *build_presence(self.presence).subscriptions,
        )
        for fact in facts:
            for kind, hearer in hearers:
                if isinstance(fact, kind):
                    hearer(fact)

    async def fetch(self, url: str) -> bytes:
        try:
            return self.published[url]
        except KeyError:
            raise ValueError("it answers 404") from None

    # What only `explain` asks of the dial plan's surroundings.

    def origin_of(self, number: str) -> Origin | None:
        account = self.directory.account(number)
        return None if account is None else account.origin

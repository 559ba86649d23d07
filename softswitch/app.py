"""The wiring, subject by subject: the only file that knows every part, and what each stands on (`softswitch/wiring`).

`Softswitch` builds the parts in its constructor, starts them in the order in which they stand on each other, and stops
them in reverse. Nothing here decides anything about a call.
"""

import time
from collections.abc import Mapping, Sequence

import structlog

from gateways.media.uploads import read_upload
from softswitch import __version__, demo
from softswitch.answers import Answers
from softswitch.ears import GatewayEars
from softswitch.engine.call import CallApp
from softswitch.events import CallFact, Fact, SwitchStarted, SwitchStopped
from softswitch.feature import Feature
from softswitch.features.acd import feature as acd
from softswitch.features.bans import feature as bans
from softswitch.features.calendars import feature as calendars
from softswitch.features.callcontrol import feature as callcontrol
from softswitch.features.campaigns import feature as campaigns
from softswitch.features.campaigns.service import CHANGED as CAMPAIGNS
from softswitch.features.cdr import feature as cdr
from softswitch.features.codes import feature as codes
from softswitch.features.conference import feature as conference
from softswitch.features.directory import feature as directory
from softswitch.features.ivr import feature as ivr
from softswitch.features.listeners import feature as listeners
from softswitch.features.listeners.service import Listeners
from softswitch.features.livesound import feature as livesound
from softswitch.features.messaging import feature as messaging
from softswitch.features.parking import feature as parking
from softswitch.features.parking.lot import Lot
from softswitch.features.persons import feature as persons
from softswitch.features.presence import feature as presence
from softswitch.features.prompts import feature as prompts
from softswitch.features.quality import feature as quality
from softswitch.features.queue_figures import feature as queue_figures
from softswitch.features.queue_figures.alarming import PART as ALARMS
from softswitch.features.reach import feature as reach
from softswitch.features.recording import feature as recording
from softswitch.features.registrar import feature as registrar
from softswitch.features.routing import feature as routing
from softswitch.features.supervision import feature as supervision
from softswitch.features.supervision.service import Supervisors
from softswitch.features.testcalls import feature as testcalls
from softswitch.features.voicemail import feature as voicemail
from softswitch.gateway_settings import mqtt_gateway
from softswitch.kernel.ids import CallId
from softswitch.platform.audit import HEARD
from softswitch.platform.auth import Authenticator
from softswitch.platform.http import build_app
from softswitch.platform.http_server import HttpServer
from softswitch.settings import Settings
from softswitch.wiring import gauges
from softswitch.wiring.accounts import Accounts
from softswitch.wiring.calls import Calls
from softswitch.wiring.centre import Centre
from softswitch.wiring.flows import Flows
from softswitch.wiring.ground import Ground
from softswitch.wiring.history import History
from softswitch.wiring.mailboxes import Mailboxes
from softswitch.wiring.people import People
from softswitch.wiring.rooms import Rooms
from softswitch.wiring.routing import Routing
from softswitch.wiring.sound import Sound
from softswitch.wiring.trunking import Trunking

_CATCH_UP = ("reach", "presence")
"""Features that must hear again what had happened to a call that goes on: they know by it who talks."""

log = structlog.get_logger(__name__)


class SystemClock:
    """The machine's clocks: the one place where time comes from outside."""

    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


class Softswitch:
    """One switch: built from its settings, started, stopped."""

    def __init__(self, settings: Settings) -> None:
        """Opens nothing yet but the media engine's ports.

        Raises Invalid for settings that cannot be, OSError when there are not enough free ports.
        """
        self.clock = clock = SystemClock()
        if settings.demo:
            settings = demo.with_secure_listeners(settings, clock.wall_ms())
        self.settings = settings

        self._ground = ground = Ground(settings, clock)
        self._history = history = History(ground)
        self._accounts = accounts = Accounts(ground, self._account_gone)
        self._trunking = trunking = Trunking(ground, accounts)
        answers = Answers(
            accounts.directory,
            accounts.registrations,
            accounts.reach,
            trunking.trunks,
            trunking.groups,
            history.doctor,
        )
        self._routing = Routing(ground, accounts, trunking, answers)
        self._people = people = People(ground, history, accounts)
        self._centre = Centre(ground, history, accounts, self._routing, people, answers)
        self._calls = Calls(ground, accounts, trunking, people, answers)
        self._sound = sound = Sound(ground, history)
        self._flows = Flows(ground, self._routing, self._centre, people, sound, answers, lambda: self.apps.keys())
        self._mailboxes = Mailboxes(ground, accounts, people, sound, answers)
        self._rooms = Rooms(ground, self._routing, people, self._calls, sound, answers)
        self._supervisors = Supervisors(answers, answers)
        accounts.directory.goes_with(self._supervisors.forget)
        self.switch, self.sip = self._calls.switch, self._calls.sip
        self._listeners = Listeners(GatewayEars(self.sip, settings), settings.data_dir / "listeners.json")

        self.features = self._all_features(answers)
        self.apps = call_apps(self.features)
        self._authenticator = Authenticator(
            ground.database,
            clock,
            fixed=[demo.ADMIN_TOKEN] if settings.demo else (),
            limit_failures=not settings.bench,
        )
        web = build_app(
            [feature.router for feature in self.features if feature.router is not None],
            database=ground.database,
            authenticator=self._authenticator,
            telemetry=ground.telemetry,
            audit=ground.audit,
        )
        self.http = HttpServer(web, settings.http.listen)
        self._mqtt = mqtt_gateway(settings)

        self._tie(answers)
        self._subscribe()
        gauges.watch(
            ground,
            accounts.registrations,
            trunking.trunks,
            self._calls,
            sound,
            self._centre,
            self._rooms,
            self._mqtt,
        )

    def _all_features(self, answers: Answers) -> Sequence[Feature]:
        """In the order in which they hear what happens."""
        ground, accounts, route, people = self._ground, self._accounts, self._routing, self._people
        centre, calls, sound, rooms = self._centre, self._calls, self._sound, self._rooms
        records = self._history.records
        return [
            directory.build(accounts.directory),
            registrar.build(accounts.registrations, self.clock),
            reach.build(accounts.reach, accounts.lines, route.callbacks, ground.database),
            self._trunking.feature,
            calendars.build(route.calendars, ground.database),
            persons.build(route.persons, accounts.phones, self._trunking.departures, ground.database),
            acd.build(centre.queues, ground.database),
            campaigns.build(centre.campaigns),
            routing.build(route.dial_plan, answers),
            codes.build(route.codes, route.dial_plan),
            testcalls.build(),
            ivr.build(self._flows.flows, sound.said),
            parking.build(Lot(), answers, answers),
            quality.build(self._history.doctor),
            cdr.build(records),
            queue_figures.build(centre.figures, centre.alarms),
            presence.build(people.presence),
            messaging.build(people.messaging),
            listeners.build(self._listeners),
            bans.build(calls.bans),
            recording.build(sound.recordings),
            prompts.build(sound.prompts, self.settings.data_dir),
            voicemail.build(self._mailboxes.voicemail, accounts.directory, read_upload),
            conference.build(rooms.conferences, rooms.schedule, people.rosters, rooms.files),
            livesound.build(sound.live),
            supervision.build(self._supervisors),
            callcontrol.build(answers, records, ground.event_log, ground.bus),
        ]

    def _tie(self, answers: Answers) -> None:
        """Let what asks know what answers, where that was built later."""
        settings, media, route, flows = self.settings, self._sound.media, self._routing, self._flows.flows
        answers.connect(
            self.switch,
            self.sip,
            media,
            self._trunking.departures,
            route.dial_plan,
            route.calendars,
            route.persons,
            self._people.presence,
            self.apps,
            lambda: flows.live,
            self._mailboxes.boxes,
            self._centre.queues,
            self._rooms.conferences,
        )
        self.switch.connect(
            self.sip,
            media,
            self.apps,
            origin_of=answers.origin_of,
            may_pick_up=answers.may_pick_up,
            keypad=route.codes.keypad,
            mixer=media,
            video=media.pictures,
            player=media,
            recorder=media,
            prompt=media.in_language,
            language=settings.media.language,
            record=self._sound.recordings.toggle,
            room=self._rooms.conferences.of_call,
            music=settings.media.music,
            ringback=settings.media.ringback,
        )
        journal = self._calls.journal
        self.sip.listen(self.switch if journal is None else journal)
        self.sip.listen_to_uplinks(self._trunking.trunks)
        media.listen(self.switch)
        media.pictures.listen(self.switch)
        media.pictures.listen_to_switch(self._rooms.pictures)

    def _subscribe(self) -> None:
        """Let each part hear what it wants to."""
        ground, journal = self._ground, self._calls.journal
        bus = ground.bus
        for subscriptions in (ground.telemetry.subscriptions(), *(feature.subscriptions for feature in self.features)):
            for kind, hearer in subscriptions:
                bus.subscribe(kind, hearer)
        if self._mqtt is not None:
            bus.subscribe(Fact, self._mqtt.hear)
        for kind in HEARD:
            bus.subscribe(kind, ground.audit.hear)
        if journal is not None:
            bus.subscribe(CallFact, journal.hear)
            self._calls.live_calls.follow(journal.changes)
        # The log comes last, so that what a hearer adds to a fact is in the same batch as the fact.
        bus.subscribe(Fact, ground.event_log.append)

    # Its life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start everything; answers SIP and HTTP when this returns. Raises SwitchError or OSError, having stopped again
        what had started."""
        try:
            await self._start()
        except BaseException:
            await self.stop(0)
            raise
        self._ground.bus.publish(SwitchStarted(at=self.clock.wall_ms(), version=__version__))

    async def _start(self) -> None:
        ground, accounts, calls, sound, rooms = self._ground, self._accounts, self._calls, self._sound, self._rooms
        database = ground.database
        await database.migrate()
        ground.event_log.start()
        if self._mqtt is not None:
            self._mqtt.start()
        ground.audit.start()
        await rooms.conferences.read()
        kept = await calls.live_calls.read() if calls.journal is not None else {}
        await self._history.records.recover(kept)
        await self._centre.figures.recover(kept, await self._centre.queues.left_behind.read(database))
        await sound.recordings.recover(database)
        await self._load()
        await accounts.binding_writer.start()
        self._history.retention.start()
        sound.retention.rounds.start()
        self._flows.retention.rounds.start()
        await sound.media.start()
        if rooms.floors is not None:
            await rooms.floors.start()
        await self._mailboxes.voicemail.recover()
        sound.prompts.start(sound.media.prepare)
        for prompt in (self.settings.media.music, self.settings.media.ringback):
            if prompt:
                sound.media.must_have(prompt)
        await calls.bans.start()
        for host, expires_at in accounts.registrations.sources():
            self.sip.know(host, (expires_at - self.clock.wall_ms()) / 1000)
        await self.sip.start()
        names = rooms.conferences.left_behind.names
        self._resume(kept)  # in the turn in which the sockets were opened: nothing has been read from them
        await self._mailboxes.voicemail.light()
        self._mailboxes.retention.rounds.start()
        if self._mailboxes.mailing is not None:
            self._mailboxes.mailing.start()
        await rooms.files.forget_names(but=names)
        rooms.schedule.start()
        rooms.retention.rounds.start()
        self._listeners.start()
        self._centre.alarms.start()
        self._trunking.trunks.connect(self.sip)
        await self._people.messaging.start()
        self._centre.campaigns.start()
        await self.http.start()  # last: whoever is told "ok" by /health may call

    async def _load(self) -> None:
        """Read what is stored of each part, now and whenever another process has changed it."""
        accounts, trunking, route, centre, rooms = (
            self._accounts,
            self._trunking,
            self._routing,
            self._centre,
            self._rooms,
        )
        await self._ground.changes.start(
            {
                "directory": accounts.directory.load,
                "trunks": trunking.trunks.load,
                "trunk-groups": trunking.groups.load,
                "reach": accounts.reach.load,
                "presence": self._people.presence.load,
                "codes": route.codes.load,
                "supervision": self._supervisors.load,
                "recording": self._sound.recordings.load,
                "flows": self._flows.flows.load,
                "prompts": self._sound.prompts.load,
                "calendars": route.calendars.load,
                "persons": route.persons.load,
                "voicemail": self._mailboxes.voicemail.load,
                "queues": centre.queues.load,
                "conferences": rooms.conferences.load,
                "conference-schedule": rooms.schedule.load,
                CAMPAIGNS: centre.campaigns.load,
                "routing": route.dial_plan.load,
                ALARMS: centre.alarms.load,
            }
        )
        if self.settings.demo:
            await demo.furnish(
                self._ground.database,
                accounts.directory,
                trunking.trunks,
                route.calendars,
                route.persons,
                route.dial_plan,
                self._mailboxes.boxes,
                self._supervisors,
                centre.queues,
                rooms.conferences,
                media=self.settings.demo_media,
            )

    async def stop(self, drain_seconds: float) -> None:
        """Take no new calls, let the others end within some seconds, and stop. Stopping twice does nothing."""
        ground, sound, rooms, boxes = self._ground, self._sound, self._rooms, self._mailboxes
        self._centre.campaigns.stop()
        self.sip.refuse_new_calls()
        await self.switch.drain(drain_seconds)
        await boxes.retention.rounds.stop()
        if boxes.mailing is not None:
            await boxes.mailing.stop()
        await boxes.voicemail.stop()
        await rooms.retention.rounds.stop()
        await rooms.schedule.stop()
        await rooms.conferences.stop()
        await rooms.pictures.stop()
        await self._people.messaging.stop()
        self._centre.queues.stop()
        await self.sip.stop()
        if rooms.floors is not None:
            await rooms.floors.stop()
        await self.http.stop()
        await sound.prompts.stop()
        await sound.media.stop()
        await sound.speech.stop()
        if self._accounts.push is not None:
            await self._accounts.push.stop()
        await self._people.outbox.stop()
        await ground.outbound.close()
        await self._flows.queries.close()
        await self._accounts.binding_writer.stop()
        await self._calls.bans.stop()
        await ground.changes.stop()
        await self._centre.alarms.stop()
        await self._history.retention.stop()
        await sound.retention.rounds.stop()
        await self._flows.retention.rounds.stop()
        ground.bus.publish(SwitchStopped(at=self.clock.wall_ms()))
        if self._mqtt is not None:
            await self._mqtt.stop()
        await ground.event_log.stop()
        await ground.audit.stop()
        await self._authenticator.save()
        await ground.database.close()

    def _resume(self, kept: Mapping[CallId, bytes]) -> None:
        """Go on with the calls that were written down and had not ended."""
        journal, records, left_behind = self._calls.journal, self._history.records, self._centre.queues.left_behind
        if journal is None:
            self._rooms.conferences.resume(lambda call: False)
            return
        live = {call: written for call, written in kept.items() if records.facts(call) is not None}
        for call in kept.keys() - live.keys():
            self._calls.live_calls.forget(call)
        hearers = [each for feature in self.features if feature.name in _CATCH_UP for each in feature.subscriptions]
        for call in live:
            journal.restored(call)
            for fact in records.facts(call) or ():
                left_behind.catch_up(fact)
                for kind, hearer in hearers:
                    if isinstance(fact, kind):
                        hearer(fact)
        self._rooms.conferences.resume(live.__contains__)
        resumed = self.switch.restore(live, records.facts, self.sip, self._sound.media)
        self._accounts.lines.only(lambda leg: self.switch.call_of(leg) is not None)
        if live:
            log.warning(
                "the switch had been stopped in the middle of calls", resumed=resumed, ended=len(live) - resumed
            )

    def _account_gone(self, number: str) -> None:
        self._accounts.registrations.forget(number)
        self.sip.unwatch(number)


def call_apps(features: Sequence[Feature]) -> Mapping[str, CallApp]:
    """Every destination kind and who takes its calls. Two features for one kind are a mistake of ours."""
    apps: dict[str, CallApp] = {}
    for feature in features:
        for kind, app in feature.call_apps.items():
            assert kind not in apps, f"two features take calls for {kind}"
            apps[kind] = app
    return apps

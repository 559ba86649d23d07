"""The wiring: the only file that knows every part.

`Softswitch` builds the parts in its constructor, starts them in the order in which they stand on each other, and stops
them in reverse. Nothing here decides anything about a call.
"""

import random
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

import ivr_flows
from gateways.mail.gateway import MailGateway
from gateways.media.gateway import MediaGateway
from gateways.media.prompts import read_samples
from gateways.media.uploads import read_take, read_upload
from gateways.push.gateway import PushSettings, PushWebhook
from gateways.sip.defence import Pressure
from gateways.sip.gateway import SipGateway
from gateways.speech.gateway import SpeechGateway
from softswitch import __version__, demo
from softswitch.answers import Answers, MailboxLamps, PromptAnswers, Understanding
from softswitch.ears import GatewayEars
from softswitch.engine.bus import Bus
from softswitch.engine.call import CallApp
from softswitch.engine.gatekeeper import SwitchGatekeeper
from softswitch.engine.journal import Journal
from softswitch.engine.switch import Switch
from softswitch.events import (
    CallFact,
    Fact,
    SwitchStarted,
    SwitchStopped,
)
from softswitch.feature import Feature
from softswitch.features.acd import feature as acd_feature
from softswitch.features.acd.service import Queues
from softswitch.features.acd.view import CentreView
from softswitch.features.bans import feature as bans
from softswitch.features.bans.service import Bans
from softswitch.features.calendars import feature as calendars_feature
from softswitch.features.calendars.service import Calendars
from softswitch.features.callcontrol import feature as callcontrol
from softswitch.features.campaigns import feature as campaigns_feature
from softswitch.features.campaigns.service import CHANGED as CAMPAIGNS
from softswitch.features.campaigns.service import Campaigns
from softswitch.features.cdr import feature as cdr
from softswitch.features.cdr.service import CallRecords
from softswitch.features.codes import feature as codes_feature
from softswitch.features.codes.service import Codes
from softswitch.features.conference import feature as conference_feature
from softswitch.features.conference.around import Around as ConferenceAround
from softswitch.features.conference.files import MeetingFiles
from softswitch.features.conference.roster import RoomRosters
from softswitch.features.conference.schedule import Schedule
from softswitch.features.conference.service import Conferences
from softswitch.features.directory import feature as directory_feature
from softswitch.features.directory.service import Directory
from softswitch.features.ivr import feature as ivr_feature
from softswitch.features.ivr import source as ivr_source
from softswitch.features.ivr.known import Catalogue
from softswitch.features.ivr.needs import Parts as IvrParts
from softswitch.features.ivr.outbox import Outbox
from softswitch.features.ivr.retention import Retention as FlowRetention
from softswitch.features.ivr.service import IvrFlows
from softswitch.features.listeners import feature as listeners_feature
from softswitch.features.listeners.service import Listeners
from softswitch.features.livesound import feature as livesound_feature
from softswitch.features.livesound.service import LiveSound
from softswitch.features.messaging import feature as messaging_feature
from softswitch.features.messaging.service import Messaging
from softswitch.features.messaging.store import MessageStore
from softswitch.features.parking import feature as parking
from softswitch.features.parking.lot import Lot
from softswitch.features.persons import feature as persons_feature
from softswitch.features.persons.service import Persons
from softswitch.features.presence import feature as presence_feature
from softswitch.features.presence.service import PresenceService
from softswitch.features.prompts import feature as prompts_feature
from softswitch.features.prompts.service import Library
from softswitch.features.quality import feature as quality
from softswitch.features.quality.service import Doctor
from softswitch.features.queue_figures import feature as queue_figures_feature
from softswitch.features.queue_figures.alarming import PART as ALARMS
from softswitch.features.queue_figures.alarming import Alarms
from softswitch.features.queue_figures.service import Figures
from softswitch.features.reach import feature as reach_feature
from softswitch.features.reach.callbacks import Callbacks
from softswitch.features.reach.lines import Lines
from softswitch.features.reach.service import Reach
from softswitch.features.recording import feature as recording_feature
from softswitch.features.recording.files import Files
from softswitch.features.recording.retention import Retention as RecordingRetention
from softswitch.features.recording.service import Recordings
from softswitch.features.registrar import feature as registrar
from softswitch.features.registrar.phones import Phones
from softswitch.features.registrar.service import Registrations
from softswitch.features.registrar.writer import BindingWriter
from softswitch.features.routing import feature as routing
from softswitch.features.routing.service import DialPlan
from softswitch.features.supervision import feature as supervision_feature
from softswitch.features.supervision.service import Supervisors
from softswitch.features.testcalls import feature as testcalls
from softswitch.features.trunks import feature as trunks_feature
from softswitch.features.trunks.certificates import Certificates
from softswitch.features.trunks.groups import Groups
from softswitch.features.trunks.service import Trunks
from softswitch.features.trunks.traffic import Traffic
from softswitch.features.voicemail import feature as voicemail_feature
from softswitch.features.voicemail.boxes import Boxes
from softswitch.features.voicemail.files import DiskFiles
from softswitch.features.voicemail.mailing import Mailing
from softswitch.features.voicemail.retention import Retention as VoicemailRetention
from softswitch.features.voicemail.service import Voicemail
from softswitch.features.voicemail.store import VoicemailStore
from softswitch.gateway_settings import floor_gateway, mail_settings, mqtt_gateway, sip_host, sip_settings
from softswitch.kernel.address import Party
from softswitch.kernel.ids import CallId, IdSource
from softswitch.media_engine import engine_process, media_engine
from softswitch.pictures import room_pictures
from softswitch.platform import https
from softswitch.platform.audit import HEARD, Audit
from softswitch.platform.auth import Authenticator
from softswitch.platform.changes import Changes
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog
from softswitch.platform.http import build_app
from softswitch.platform.http_server import HttpServer
from softswitch.platform.live_calls import LiveCalls
from softswitch.platform.named_queries import NamedQueries
from softswitch.platform.outbound import Outbound
from softswitch.platform.retention import Retention
from softswitch.platform.telemetry import Telemetry
from softswitch.platform.users import PinHashes
from softswitch.platform.vault import Vault
from softswitch.settings import Settings

SIP_GAUGES = (
    "sessions",
    "legs",
    "subscriptions",
    "publications",
    "client_transactions",
    "timers",
    "transports",
    "engine_client_transactions",
    "engine_server_transactions",
    "engine_timers",
    "overload",
)
PROMPTS = Path(__file__).with_name("prompts")


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
        self.bus = bus = Bus()
        self.telemetry = Telemetry()
        self.database = Database(settings.database)
        self.event_log = EventLog(self.database)
        self.audit = Audit(self.database, clock)
        self._changes = Changes(self.database)

        self.registrations = Registrations(clock, bus.publish)
        self.directory = Directory(settings.sip.realm, clock, on_removed=self._account_gone)
        self._binding_writer = BindingWriter(self.registrations, self.database, clock)
        self.lines = Lines()
        self.push = (
            PushWebhook(PushSettings(url=settings.push.webhook, token=settings.push.token))
            if settings.push.services
            else None
        )
        phones = Phones(self.registrations, self.push, settings.push.wait_seconds, self.directory.srtp)
        self.reach = Reach(self.directory, phones, self.lines)
        self.directory.goes_with(self.reach.forget)
        vault = Vault.at(settings.data_dir / "secrets.key")
        self.trunks = Trunks(
            settings.sip.realm,
            clock,
            bus.publish,
            vault,
            on_pbx_gone=self.registrations.forget,
        )
        self.trunk_groups = Groups(self.trunks)
        self.codes = Codes(self.directory, self.trunks.origin_of)
        self.doctor = Doctor(bus.publish)
        answers = Answers(self.directory, self.registrations, self.reach, self.trunks, self.trunk_groups, self.doctor)
        self.callbacks = Callbacks(self.lines, answers, clock)
        self.calendars = Calendars(clock, bus.publish, answers)
        self.dial_plan = DialPlan(clock, bus.publish, answers, answers, self.calendars)
        self.persons = Persons(self.directory, answers, self.calendars)
        self.directory.goes_with(self.persons.forget)
        self._outbound = Outbound(settings.flows.http_hosts, settings.tls.authority)
        self.queues = Queues(
            clock,
            bus.publish,
            self.directory,
            phones,
            self.lines,
            self.calendars,
            answers,
            answers,
            self._outbound,
            self.event_log,
        )
        self.lines.changed = self.queues.line_changed
        self.campaigns = Campaigns(clock, bus, self.event_log, self.queues, answers, self.calendars)
        self.directory.goes_with(self.queues.forget_account)
        self.records = CallRecords(self.event_log)
        self.figures = Figures(self.database, self.event_log, clock, bus.publish, self.records.trunk)
        self.figures.centre = CentreView(self.queues)
        self._retention = Retention(self.database, clock, self.records.live, settings.limits.trace_days)
        self.messaging = Messaging(
            self.directory,
            phones,
            MessageStore(self.database),
            clock,
            bus.publish,
            sip_host(settings),
        )
        self.presence = PresenceService(
            self.directory,
            self.registrations,
            self.records,
            clock,
            bus.publish,
            not_disturbed=lambda account: self.reach.rules(account).do_not_disturb,
            wake=lambda account: phones.wake(account, Party(account), "mailbox"),
        )
        self.reach.on_changed = self.presence.reconsider
        self.directory.goes_with(self.presence.forget)
        self.bans = Bans(
            self.database,
            clock,
            bus.publish,
            allowed=settings.defence.allow,
            active=settings.defence.limits and not settings.bench,
        )
        self.directory.goes_with(self.messaging.forget)

        boot = f"{clock.wall_ms() // 1000:x}{secrets.token_hex(2)}"
        self.switch = Switch(
            bus,
            clock,
            IdSource(boot),
            most_calls=settings.limits.calls,
            silence_seconds=settings.limits.silence_seconds,
            congested=lambda: self.event_log.congested,
            on_record=self.event_log.then,
        )
        gatekeeper = SwitchGatekeeper(
            ha1=answers.ha1,
            origin=answers.origin,
            admits=self.directory.admits,
            recognise=self.trunks.recognise,
            certified=self.trunks.certified,
            registers_in_bulk=self.trunks.registers_in_bulk,
            **({"guests": demo.guests(self.directory)} if settings.demo else {}),
        )
        rosters = RoomRosters()
        self.sip = SipGateway(
            sip_settings(settings),
            gatekeeper=gatekeeper,
            location=self.registrations,
            sentry=self.bans,
            clock=clock,
            pressure=self._pressure,
            trusted=self.trunks.addresses,
            watched=self.presence,
            messages=self.messaging,
            rosters=rosters,
        )
        self.presence.connect(self.sip)
        self.messaging.connect(self.sip)
        process = engine_process(settings)
        self.bans.connect(self.sip, answers)
        self.speech = SpeechGateway(settings.data_dir, clock, read_samples)
        self.prompts = Library(PROMPTS, settings.data_dir, self.database, clock, read_upload, read_take, self.speech)
        self.media = MediaGateway(
            media_engine(settings, process),
            settings.media_advertised,
            PROMPTS,
            process=process,
            listens_on=settings.media_listen,
            keeps_in=settings.data_dir,
            own_prompts=self.prompts.own,
        )

        self.recordings = Recordings(
            self.media,
            self.records,
            self.event_log,
            bus,
            clock,
            Files(settings.recordings_dir),
            random.SystemRandom().random,
        )
        self.media.listen_to_recordings(self.recordings)
        self._flow_retention = FlowRetention(
            self.database, clock, settings.data_dir / "flows", settings.flows.keep_days
        )
        self._recording_retention = RecordingRetention(self.recordings, self.database, clock, self.audit)

        sounds = PromptAnswers(self.prompts, self.media.in_language)
        mailer = MailGateway(mail_settings(settings)) if settings.mail.server is not None else None
        self._outbox = Outbox(clock, self.messaging, mailer)
        self._alarms = Alarms(self.figures, bus.publish, self._outbox if mailer is not None else None)
        self._queries = NamedQueries(settings.flows.queries)
        parts = IvrParts(
            places=answers,
            people=answers,
            calendars=self.calendars,
            voice=self.prompts,
            post=self._outbox,
            ears=Understanding(self.speech, settings.data_dir),
            web=self._outbound,
            queries=self._queries,
            queues=self.queues,
        )
        self.flows = IvrFlows(
            clock,
            bus.publish,
            self.event_log,
            ivr_source.shipped(ivr_flows),
            parts,
            Catalogue(
                sounds,
                parts,
                hosts=self._outbound,
                queries=self._queries.names,
                kinds=lambda: self.apps.keys(),
            ),
        )
        pins, stored = PinHashes(), VoicemailStore(self.database)
        self.boxes = Boxes(stored, pins, self.directory, answers)
        self.reach.boxes = self.boxes.unanswered
        self.voicemail = Voicemail(
            self.boxes,
            stored,
            DiskFiles(settings.data_dir),
            MailboxLamps(self.presence, self.database),
            pins,
            clock,
            bus.publish,
            lambda: secrets.token_hex(8),
            mails=settings.mail.server is not None,
        )
        self.directory.goes_with(self.voicemail.forget)
        self._mailing = Mailing(self.voicemail, mailer, bus.publish, self.speech) if mailer is not None else None
        self._voicemail_retention = VoicemailRetention(self.voicemail, self.audit)
        self.supervisors = Supervisors(answers, answers)
        self.directory.goes_with(self.supervisors.forget)
        self._floors = floor_gateway(settings, clock)
        self.pictures = room_pictures(self.media.pictures, settings)
        rooms = ConferenceAround(
            clock=clock,
            publish=bus.publish,
            sounds=self.media,
            switchboard=self.switch,
            prompt=self.media.in_language,
            language=settings.media.language,
            music=settings.media.music,
            floors=self._floors,
            pictures=self.pictures,
        )
        self._meeting_files = MeetingFiles(settings.data_dir)
        self.conferences = Conferences(rooms, self.records, answers, self.database, vault, self._meeting_files.forget)
        rosters.connect(self.conferences, self.sip)
        self.pictures.listen(self.conferences.pictures_changed, self.conferences.slides_flow)
        self._schedule = Schedule(self.conferences, rooms, self.calendars, self._outbox, self.database)
        self.listeners = Listeners(GatewayEars(self.sip, settings), settings.data_dir / "listeners.json")
        trunks, departures = trunks_feature.build(
            self.trunks,
            self.trunk_groups,
            Traffic(clock),
            Certificates(https.fetch, clock),
            self.directory,
            phones,
            random.SystemRandom().random,
        )
        self.features = [
            directory_feature.build(self.directory),
            registrar.build(self.registrations, clock),
            reach_feature.build(self.reach, self.lines, self.callbacks, self.database),
            trunks,
            calendars_feature.build(self.calendars, self.database),
            persons_feature.build(self.persons, phones, departures, self.database),
            acd_feature.build(self.queues, self.database),
            campaigns_feature.build(self.campaigns),
            routing.build(self.dial_plan, answers),
            codes_feature.build(self.codes, self.dial_plan),
            testcalls.build(),
            ivr_feature.build(self.flows, sounds),
            parking.build(Lot(), answers, answers),
            quality.build(self.doctor),
            cdr.build(self.records),
            queue_figures_feature.build(self.figures, self._alarms),
            presence_feature.build(self.presence),
            messaging_feature.build(self.messaging),
            listeners_feature.build(self.listeners),
            bans.build(self.bans),
            recording_feature.build(self.recordings),
            prompts_feature.build(self.prompts, settings.data_dir),
            voicemail_feature.build(self.voicemail, self.directory, read_upload),
            conference_feature.build(self.conferences, self._schedule, rosters, self._meeting_files),
            livesound_feature.build(
                LiveSound(self.media, self.media.streams, self.records, bus, clock, settings.media.stream_hosts)
            ),
            supervision_feature.build(self.supervisors),
            callcontrol.build(answers, self.records, self.event_log, bus),
        ]
        self.apps = call_apps(self.features)
        answers.connect(
            self.switch,
            self.sip,
            self.media,
            departures,
            self.dial_plan,
            self.calendars,
            self.persons,
            self.presence,
            self.apps,
            lambda: self.flows.live,
            self.boxes,
            self.queues,
            self.conferences,
        )
        authenticator = Authenticator(
            self.database,
            clock,
            fixed=[demo.ADMIN_TOKEN] if settings.demo else (),
            limit_failures=not settings.bench,
        )
        self._authenticator = authenticator
        routers = [feature.router for feature in self.features if feature.router is not None]
        web = build_app(
            routers, database=self.database, authenticator=authenticator, telemetry=self.telemetry, audit=self.audit
        )
        self.http = HttpServer(web, settings.http.listen)

        self.switch.connect(
            self.sip,
            self.media,
            self.apps,
            origin_of=answers.origin_of,
            may_pick_up=answers.may_pick_up,
            keypad=self.codes.keypad,
            mixer=self.media,
            video=self.media.pictures,
            player=self.media,
            recorder=self.media,
            prompt=self.media.in_language,
            language=settings.media.language,
            record=self.recordings.toggle,
            room=self.conferences.of_call,
            music=settings.media.music,
            ringback=settings.media.ringback,
        )
        # An engine in our own process takes all sound with it when we die: nothing could be gone on with.
        self._journal = (
            Journal(self.switch, self.sip, self.event_log.ring) if settings.media.socket is not None else None
        )
        self._live_calls = LiveCalls(self.database, self.event_log, vault)
        self.sip.listen(self.switch if self._journal is None else self._journal)
        self.sip.listen_to_uplinks(self.trunks)
        self.media.listen(self.switch)
        self.media.pictures.listen(self.switch)
        self.media.pictures.listen_to_switch(self.pictures)
        for subscriptions in (self.telemetry.subscriptions(), *(feature.subscriptions for feature in self.features)):
            for kind, hearer in subscriptions:
                bus.subscribe(kind, hearer)
        self._mqtt = mqtt_gateway(settings)
        if self._mqtt is not None:
            bus.subscribe(Fact, self._mqtt.hear)
        for kind in HEARD:
            bus.subscribe(kind, self.audit.hear)
        if self._journal is not None:
            bus.subscribe(CallFact, self._journal.hear)
            self._live_calls.follow(self._journal.changes)
        # The log comes last, so that what a hearer adds to a fact is in the same batch as the fact.
        bus.subscribe(Fact, self.event_log.append)
        self._watch()

    async def start(self) -> None:
        """Start everything; answers SIP and HTTP when this returns. Raises SwitchError or OSError, having stopped again
        what had started."""
        try:
            await self.database.migrate()
            self.event_log.start()
            if self._mqtt is not None:
                self._mqtt.start()
            self.audit.start()
            kept = await self._live_calls.read() if self._journal is not None else {}
            await self.records.recover(kept)
            await self.figures.recover(kept, await self.queues.left_behind.read(self.database))
            await self.recordings.recover(self.database)
            await self._changes.start(
                {
                    "directory": self.directory.load,
                    "trunks": self.trunks.load,
                    "trunk-groups": self.trunk_groups.load,
                    "reach": self.reach.load,
                    "presence": self.presence.load,
                    "codes": self.codes.load,
                    "supervision": self.supervisors.load,
                    "recording": self.recordings.load,
                    "flows": self.flows.load,
                    "prompts": self.prompts.load,
                    "calendars": self.calendars.load,
                    "persons": self.persons.load,
                    "voicemail": self.voicemail.load,
                    "queues": self.queues.load,
                    "conferences": self.conferences.load,
                    "conference-schedule": self._schedule.load,
                    CAMPAIGNS: self.campaigns.load,
                    "routing": self.dial_plan.load,
                    ALARMS: self._alarms.load,
                }
            )
            if self.settings.demo:
                await demo.furnish(
                    self.database,
                    self.directory,
                    self.trunks,
                    self.calendars,
                    self.persons,
                    self.dial_plan,
                    self.boxes,
                    self.supervisors,
                    self.queues,
                    self.conferences,
                    media=self.settings.demo_media,
                )
            await self._binding_writer.start()
            self._retention.start()
            self._recording_retention.rounds.start()
            self._flow_retention.rounds.start()
            await self.media.start()
            if self._floors is not None:
                await self._floors.start()
            await self.voicemail.recover()
            self.prompts.start(self.media.prepare)
            for prompt in (self.settings.media.music, self.settings.media.ringback):
                if prompt:
                    self.media.must_have(prompt)
            await self.bans.start()
            for host, expires_at in self.registrations.sources():
                self.sip.know(host, (expires_at - self.clock.wall_ms()) / 1000)
            await self.sip.start()
            self._resume(kept)  # in the turn in which the sockets were opened: nothing has been read from them
            await self.voicemail.light()
            self._voicemail_retention.rounds.start()
            if self._mailing is not None:
                self._mailing.start()
            await self._meeting_files.forget_names()
            self._schedule.start()
            self.listeners.start()
            self._alarms.start()
            self.trunks.connect(self.sip)
            await self.messaging.start()
            self.campaigns.start()
            await self.http.start()  # last: whoever is told "ok" by /health may call
        except BaseException:
            await self.stop(0)
            raise
        self.bus.publish(SwitchStarted(at=self.clock.wall_ms(), version=__version__))

    async def stop(self, drain_seconds: float) -> None:
        """Take no new calls, let the others end within some seconds, and stop. Stopping twice does nothing."""
        self.campaigns.stop()
        self.sip.refuse_new_calls()
        await self.switch.drain(drain_seconds)
        await self._voicemail_retention.rounds.stop()
        if self._mailing is not None:
            await self._mailing.stop()
        await self.voicemail.stop()
        await self._schedule.stop()
        await self.conferences.stop()
        await self.pictures.stop()
        await self.messaging.stop()
        self.queues.stop()
        await self.sip.stop()
        if self._floors is not None:
            await self._floors.stop()
        await self.http.stop()
        await self.prompts.stop()
        await self.media.stop()
        await self.speech.stop()
        if self.push is not None:
            await self.push.stop()
        await self._outbox.stop()
        await self._outbound.close()
        await self._queries.close()
        await self._binding_writer.stop()
        await self.bans.stop()
        await self._changes.stop()
        await self._alarms.stop()
        await self._retention.stop()
        await self._recording_retention.rounds.stop()
        await self._flow_retention.rounds.stop()
        self.bus.publish(SwitchStopped(at=self.clock.wall_ms()))
        if self._mqtt is not None:
            await self._mqtt.stop()
        await self.event_log.stop()
        await self.audit.stop()
        await self._authenticator.save()
        await self.database.close()

    def _resume(self, kept: Mapping[CallId, bytes]) -> None:
        """Go on with the calls that were written down and had not ended."""
        if self._journal is None:
            return
        live = {call: written for call, written in kept.items() if self.records.facts(call) is not None}
        for call in kept.keys() - live.keys():
            self._live_calls.forget(call)
        hearers = [each for feature in self.features if feature.name in _CATCH_UP for each in feature.subscriptions]
        for call in live:
            self._journal.restored(call)
            for fact in self.records.facts(call) or ():
                self.queues.left_behind.catch_up(fact)
                for kind, hearer in hearers:
                    if isinstance(fact, kind):
                        hearer(fact)
        resumed = self.switch.restore(live, self.records.facts, self.sip, self.media)
        self.lines.only(lambda leg: self.switch.call_of(leg) is not None)
        if live:
            log.warning(
                "the switch had been stopped in the middle of calls", resumed=resumed, ended=len(live) - resumed
            )

    def _account_gone(self, number: str) -> None:
        self.registrations.forget(number)
        self.sip.unwatch(number)

    def _pressure(self) -> Pressure:
        return Pressure(self.event_log.fullness, self.switch.live / self.settings.limits.calls)

    def _watch(self) -> None:
        self.telemetry.watch("sip", self.sip.gauges, SIP_GAUGES)
        self.telemetry.watch("media", lambda: self.media.stats, ("legs_open", "recordings_live"))
        self.telemetry.watch("composer", lambda: self.pictures.figures, ("there",))
        self.telemetry.labelled(
            "media_legs_rated",
            "Legs that ended, by what users say of such sound (ITU-T G.107, table B.1)",
            "users",
            lambda: self.media.ratings,
        )
        self.telemetry.labelled(
            "trunk_registered", "Whether a trunk's registration holds", "trunk", self.trunks.registered
        )
        self.telemetry.labelled(
            "trunk_gateways_up", "Gateways of a trunk that are not known to be down", "trunk", self.trunks.gateways_up
        )
        self.telemetry.gauge("media_engine", "Whether there is a media engine", lambda: self.media.has_engine)
        self.telemetry.labelled(
            "speech_jobs",
            "Texts to be spoken and sounds to be understood that are not done yet",
            "by",
            lambda: self.speech.waiting,
        )
        self.telemetry.gauge(
            "media_streams", "Streams of live sound to WebSocket servers", lambda: len(self.media.streams)
        )
        self.telemetry.gauge(
            "media_stream_lost_ms",
            "Milliseconds of sound that servers of streams that ended were too slow for",
            lambda: self.media.streams.lost_ms,
        )
        self.telemetry.gauge("campaign_calls", "Calls for lists that are under way", lambda: self.campaigns.calls)
        self.telemetry.labelled(
            "campaign_records_left",
            "Records of a list that are not closed",
            "campaign",
            lambda: {name: len(self.campaigns.one(name).entries) for name in self.campaigns.lists()},
        )
        if (mqtt := self._mqtt) is not None:
            self.telemetry.watch("mqtt", lambda: mqtt.stats, ("connected", "waiting"))
        self.telemetry.gauge("bindings", "Contacts that are registered now", lambda: len(self.registrations))
        self.telemetry.gauge("bans", "Networks that nothing is read from", lambda: len(self.bans))
        self.telemetry.gauge(
            "queue_accounts_off",
            "Accounts of queues that do not add up: 0, or there is a mistake",
            self.figures.off_balance,
        )
        self.telemetry.labelled(
            "queue_waiting",
            "Callers who wait",
            "queue",
            lambda: {name: len(queue.waiting) for name, queue in self.figures.live.queues.items()},
        )
        self.telemetry.gauge("log_pending", "Facts and rows that await the disk", lambda: self.event_log.pending)


def call_apps(features: Sequence[Feature]) -> Mapping[str, CallApp]:
    """Every destination kind and who takes its calls. Two features for one kind are a mistake of ours."""
    apps: dict[str, CallApp] = {}
    for feature in features:
        for kind, app in feature.call_apps.items():
            assert kind not in apps, f"two features take calls for {kind}"
            apps[kind] = app
    return apps

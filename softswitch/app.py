"""The wiring: the only file that knows every part.

`Softswitch` builds the parts in its constructor, starts them in the order in which they stand on each other, and stops
them in reverse. Nothing here decides anything about a call.
"""

import asyncio
import gc
import random
import secrets
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog
from msgspec.structs import replace

from gateways._native import MediaEngine
from gateways.media.gateway import MediaGateway
from gateways.push.gateway import PushSettings, PushWebhook
from gateways.sip.connections import ConnectionLimits
from gateways.sip.defence import DefenceSettings, Pressure, SourceLimits
from gateways.sip.gateway import SipGateway, SipSettings
from gateways.sip.listener import own_address
from gateways.sip.resolver import ResolverSettings
from gateways.sip.tls import TlsSettings
from gateways.sip.ua.digest import ALGORITHMS
from gateways.sip.ua.registrar import RegistrarRules
from gateways.sip.ua.settings import UserAgentSettings
from gateways.sip.ua.vicinity import Vicinity
from softswitch import __version__, demo
from softswitch.calls.onward import Onward
from softswitch.calls.signals import Alert, Origin
from softswitch.ears import GatewayEars, listener_of
from softswitch.engine.bus import Bus
from softswitch.engine.call import CallApp
from softswitch.engine.gatekeeper import SwitchGatekeeper
from softswitch.engine.switch import Switch
from softswitch.events import (
    BanLifted,
    Fact,
    MediaFigures,
    RoutingStep,
    SourceBanned,
    SwitchStarted,
    SwitchStopped,
    TraceLine,
    Trouble,
)
from softswitch.feature import Feature
from softswitch.features.bans import feature as bans
from softswitch.features.bans.service import Bans
from softswitch.features.callcontrol import feature as callcontrol
from softswitch.features.cdr import feature as cdr
from softswitch.features.cdr.service import CallRecords
from softswitch.features.directory import feature as directory_feature
from softswitch.features.directory.service import Directory
from softswitch.features.listeners import feature as listeners_feature
from softswitch.features.listeners.service import Listeners
from softswitch.features.messaging import feature as messaging_feature
from softswitch.features.messaging.service import Messaging
from softswitch.features.messaging.store import MessageStore
from softswitch.features.parking import feature as parking
from softswitch.features.parking.lot import Lot
from softswitch.features.presence import feature as presence_feature
from softswitch.features.presence.service import PresenceService
from softswitch.features.quality import feature as quality
from softswitch.features.quality.service import Doctor
from softswitch.features.reach import feature as reach_feature
from softswitch.features.reach.callbacks import Callbacks
from softswitch.features.reach.lines import Lines
from softswitch.features.reach.service import Reach
from softswitch.features.registrar import feature as registrar
from softswitch.features.registrar.phones import Phones, candidates_of
from softswitch.features.registrar.service import Registrations
from softswitch.features.registrar.writer import BindingWriter
from softswitch.features.routing import feature as routing
from softswitch.features.routing.service import DialPlan
from softswitch.features.testcalls import feature as testcalls
from softswitch.features.trunks import feature as trunks_feature
from softswitch.features.trunks.certificates import Certificates
from softswitch.features.trunks.groups import Groups
from softswitch.features.trunks.service import Trunks
from softswitch.features.trunks.traffic import Traffic
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, SwitchError
from softswitch.kernel.ids import CallId, IdSource, LegId
from softswitch.platform import https
from softswitch.platform.audit import Audit
from softswitch.platform.auth import Authenticator
from softswitch.platform.changes import Changes
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog
from softswitch.platform.http import build_app
from softswitch.platform.http_server import HttpServer
from softswitch.platform.retention import Retention
from softswitch.platform.telemetry import Telemetry
from softswitch.platform.vault import Vault
from softswitch.settings import Settings

log = structlog.get_logger(__name__)

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
        self.reach = Reach(
            self.directory, Phones(self.registrations, self.push, settings.push.wait_seconds), self.lines
        )
        self.callbacks = Callbacks(self.lines, self, clock)
        self.directory.goes_with(self.reach.forget)
        self.trunks = Trunks(settings.sip.realm, clock, bus.publish, Vault.at(settings.data_dir / "secrets.key"))
        self.trunk_groups = Groups(self.trunks)
        self.dial_plan = DialPlan(clock, bus.publish, self, self)
        self.doctor = Doctor(bus.publish)
        self.records = CallRecords(self.event_log)
        self._retention = Retention(self.database, clock, self.records.live, settings.limits.trace_days)
        self.messaging = Messaging(
            self.directory,
            Phones(self.registrations),
            MessageStore(self.database),
            clock,
            bus.publish,
            _sip_host(settings),
        )
        self.presence = PresenceService(
            self.directory,
            self.registrations,
            self.records,
            clock,
            bus.publish,
            not_disturbed=lambda account: self.reach.rules(account).do_not_disturb,
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
            ha1=self.ha1,
            origin=self.origin,
            admits=self.directory.admits,
            recognise=self.trunks.recognise,
            certified=self.trunks.certified,
            **({"guests": demo.guests(self.directory)} if settings.demo else {}),
        )
        self.sip = SipGateway(
            _sip_settings(settings),
            gatekeeper=gatekeeper,
            location=self.registrations,
            sentry=self.bans,
            clock=clock,
            pressure=self._pressure,
            trusted=self.trunks.addresses,
            watched=self.presence,
            messages=self.messaging,
        )
        self.presence.connect(self.sip)
        self.messaging.connect(self.sip)
        engine = MediaEngine(
            host=settings.media_listen,
            first_port=settings.media.first_port,
            legs=settings.media.legs,
            threads=settings.media.threads,
            io=settings.media.io,
        )
        self.bans.connect(self.sip, self)
        self.media = MediaGateway(engine, settings.media_advertised, PROMPTS, listens_on=settings.media_listen)

        self.listeners = Listeners(GatewayEars(self.sip, settings), settings.data_dir / "listeners.json")
        trunks, self._departures = trunks_feature.build(
            self.trunks,
            self.trunk_groups,
            Traffic(clock),
            Certificates(https.fetch, clock),
            self.directory,
            random.SystemRandom().random,
        )
        self.features = [
            directory_feature.build(self.directory),
            registrar.build(self.registrations, clock),
            reach_feature.build(self.reach, self.lines, self.callbacks, self.database),
            trunks,
            routing.build(self.dial_plan),
            testcalls.build(),
            parking.build(Lot(), self, self),
            quality.build(self.doctor),
            cdr.build(self.records),
            presence_feature.build(self.presence),
            messaging_feature.build(self.messaging),
            listeners_feature.build(self.listeners),
            bans.build(self.bans),
            callcontrol.build(self, self.records, self.event_log, bus),
        ]
        self.apps = call_apps(self.features)
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
            origin_of=self.origin_of,
            may_pick_up=self._may_pick_up,
            music=settings.media.music,
        )
        self.sip.listen(self.switch)
        self.sip.listen_to_uplinks(self.trunks)
        self.media.listen(self.switch)
        for subscriptions in (self.telemetry.subscriptions(), *(feature.subscriptions for feature in self.features)):
            for kind, hearer in subscriptions:
                bus.subscribe(kind, hearer)
        for kind in (SourceBanned, BanLifted):
            bus.subscribe(kind, self.audit.hear)
        # The log comes last, so that what a hearer adds to a fact is in the same batch as the fact.
        bus.subscribe(Fact, self.event_log.append)
        self._watch()

    async def start(self) -> None:
        """Start everything; answers SIP and HTTP when this returns. Raises SwitchError or OSError, having stopped again
        what had started."""
        try:
            await self.database.migrate()
            self.event_log.start()
            self.audit.start()
            await self.records.recover()
            await self._changes.start(
                {
                    "directory": self.directory.load,
                    "trunks": self.trunks.load,
                    "trunk-groups": self.trunk_groups.load,
                    "reach": self.reach.load,
                    "presence": self.presence.load,
                    "routing": self.dial_plan.load,
                }
            )
            if self.settings.demo:
                await demo.furnish(
                    self.database, self.directory, self.trunks, self.dial_plan, media=self.settings.demo_media
                )
            await self._binding_writer.start()
            self._retention.start()
            await self.media.start()
            if self.settings.media.music:
                self.media.must_have(self.settings.media.music)
            await self.bans.start()
            for host, expires_at in self.registrations.sources():
                self.sip.know(host, (expires_at - self.clock.wall_ms()) / 1000)
            await self.sip.start()
            self.listeners.start()
            self.trunks.connect(self.sip)
            await self.messaging.start()
            await self.http.start()  # last: whoever is told "ok" by /health may call
        except BaseException:
            await self.stop(0)
            raise
        self.bus.publish(SwitchStarted(at=self.clock.wall_ms(), version=__version__))

    async def stop(self, drain_seconds: float) -> None:
        """Take no new calls, let the others end within some seconds, and stop. Stopping twice does nothing."""
        self.sip.refuse_new_calls()
        await self.switch.drain(drain_seconds)
        await self.messaging.stop()
        await self.sip.stop()
        await self.http.stop()
        await self.media.stop()
        if self.push is not None:
            await self.push.stop()
        await self._binding_writer.stop()
        await self.bans.stop()
        await self._changes.stop()
        await self._retention.stop()
        self.bus.publish(SwitchStopped(at=self.clock.wall_ms()))
        await self.event_log.stop()
        await self.audit.stop()
        await self._authenticator.save()
        await self.database.close()

    # Who proves itself by a password: an account, or the far end of a trunk ----------------------------------

    def ha1(self, username: str, algorithm: str) -> str | None:
        """The gatekeeper asks for what a password is checked by."""
        known = self.directory if self.directory.account(username) is not None else self.trunks
        return known.ha1(username, algorithm)

    def origin(self, username: str) -> Origin:
        """The gatekeeper asks whom a request is from. An account's name is never a trunk's."""
        account = self.directory.account(username)
        if account is not None:
            return account.origin
        return self.trunks.origin(username) or self.directory.origin(username)

    # What features ask of each other, by their `needs` -----------------------------------------------------

    def origin_of(self, number: str) -> Origin | None:
        """The dial plan asks whom a number belongs to."""
        account = self.directory.account(number)
        return None if account is None else account.origin

    def why_missing(self, destination: Destination) -> str | None:
        """The dial plan asks whether anything answers at a destination."""
        kind, name = destination
        if kind not in self.apps:
            return f"nothing takes calls for {destination}"
        if kind == "account" and self.directory.account(name) is None:
            return f"there is no account {name!r}"
        if kind == "trunk" and self.trunks.trunk(name) is None:
            return f"there is no trunk {name!r}"
        if kind == "trunk-group" and self.trunk_groups.group(name) is None:
            return f"there is no trunk group {name!r}"
        return None

    def tried(self, destination: Destination, number: str) -> Sequence[RoutingStep]:
        """The dial plan asks in which order a destination's ways would be tried."""
        group = self.trunk_groups.group(destination.name) if destination.kind == "trunk-group" else None
        return () if group is None else self._departures.explain(group, number)

    def onward(self, destination: Destination, caller: Origin) -> Onward | None:
        """The dial plan asks what becomes of a call at a destination before anything rings."""
        return self.reach.onward(destination.kind, destination.name, caller)

    def hang_up(self, call: CallId) -> bool:
        """Call control asks to end a call."""
        return self.switch.hang_up(call)

    def transfer(self, call: CallId, number: str, leg: LegId | None) -> None:
        """Call control asks to send a party on to a number."""
        self.switch.transfer(call, number, leg)

    def hold(self, call: CallId, leg: LegId | None, holds: bool) -> None:
        """Call control asks to let a party hold another, or resume."""
        self.switch.hold(call, leg, holds)

    def hang_up_leg(self, call: CallId, leg: LegId) -> None:
        """Call control asks to end one party's half of a call."""
        self.switch.hang_up_leg(call, leg)

    def pick_up(self, by: CallId, account: str) -> bool:
        """Pickup asks to answer a phone that rings."""
        return self.switch.pick_up(by, account)

    def meet(self, by: CallId, waiting: CallId) -> bool:
        """Parking asks to let two callers talk."""
        return self.switch.meet(by, waiting)

    def _may_pick_up(self, account: str, ringing: Destination) -> bool:
        """The engine asks whether an account may answer another's phone: where both dial by the same context."""
        own, other = self.origin_of(account), self.origin_of(ringing.name) if ringing.kind == "account" else None
        return own is not None and other is not None and own.context == other.context

    def ladder(self, call: CallId) -> Sequence[TraceLine] | None:
        """Call control asks for the ladder of a live call."""
        return self.switch.ladder(call)

    def figures(self, leg: LegId) -> MediaFigures | None:
        """Call control asks for the media counters of a live leg."""
        return self.media.figures(leg) if self.media.serves(leg) else None

    def troubles(self, call: CallId) -> Sequence[Trouble]:
        """Call control asks what is wrong with the sound of a live call."""
        return self.doctor.now(self.switch.evidence(call), self.switch.ladder(call) or ())

    def originate(self, account: str, number: str, *, auto_answer: bool = False) -> CallId:
        """Call control asks for a call. Raises NotFound for an unknown account or one without a phone."""
        who = self.directory.account(account)
        if who is None:
            raise NotFound("account", account)
        candidates = candidates_of(account, self.registrations)
        if auto_answer:
            candidates = [replace(candidate, alert=Alert(answer_after=0)) for candidate in candidates]
        return self.switch.originate(who.origin, number, candidates, who.ring_seconds)

    def _account_gone(self, number: str) -> None:
        self.registrations.forget(number)
        self.sip.unwatch(number)

    def is_good(self, host: str) -> bool:
        """The bans ask whether a phone has registered from an address lately, or a trunk sends from it."""
        return self.sip.knows(host) or self.trunks.sends_from(host)

    def _pressure(self) -> Pressure:
        return Pressure(self.event_log.fullness, self.switch.live / self.settings.limits.calls)

    def _watch(self) -> None:
        self.telemetry.watch("sip", self.sip.gauges, SIP_GAUGES)
        self.telemetry.watch("media", lambda: self.media.stats, ("legs_open",))
        self.telemetry.labelled(
            "trunk_registered", "Whether a trunk's registration holds", "trunk", self.trunks.registered
        )
        self.telemetry.labelled(
            "trunk_gateways_up", "Gateways of a trunk that are not known to be down", "trunk", self.trunks.gateways_up
        )
        self.telemetry.gauge("bindings", "Contacts that are registered now", lambda: len(self.registrations))
        self.telemetry.gauge("bans", "Networks that nothing is read from", lambda: len(self.bans))
        self.telemetry.gauge("log_pending", "Facts and rows that await the disk", lambda: self.event_log.pending)


def call_apps(features: Sequence[Feature]) -> Mapping[str, CallApp]:
    """Every destination kind and who takes its calls. Two features for one kind are a mistake of ours."""
    apps: dict[str, CallApp] = {}
    for feature in features:
        for kind, app in feature.call_apps.items():
            assert kind not in apps, f"two features take calls for {kind}"
            apps[kind] = app
    return apps


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, then drain. Gives the exit status. Raises SwitchError when it cannot start."""
    return asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        switch = Softswitch(settings)
        loop.add_signal_handler(signal.SIGHUP, switch.sip.certificates.reload_if_changed)
        await switch.start()
    except OSError as error:
        raise SwitchError(error.strerror or str(error)) from error
    _spare_the_collector()
    log.info("ready", sip=[f"{kind} {address}" for kind, address in switch.sip.bound], http=str(switch.http.address))
    if settings.demo:
        print(demo.welcome(switch.http.address, switch.sip.bound), flush=True)
    await stop.wait()
    log.info("stopping: no new calls; those that are up may end", live=switch.switch.live)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)  # a second signal ends it at once
    await switch.stop(settings.limits.drain_seconds)
    return 0


def _spare_the_collector() -> None:
    """Keep what was built at the start out of the garbage collector's rounds, and let it go round less often.

    Half a million objects of the libraries live as long as the process; looking at them again and again is a tenth of
    a loaded switch's time. What calls leave behind is freed by reference counts; only cycles wait for a round.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 10, 10)


def _sip_host(settings: Settings) -> str:
    """The switch's name in URIs of its own."""
    host = settings.advertised_for(settings.sip.listen[0].address.host)
    return f"[{host}]" if ":" in host else host


def _sip_settings(settings: Settings) -> SipSettings:
    return SipSettings(
        listeners=tuple(
            listener_of(settings, listener.transport, listener.address) for listener in settings.sip.listen
        ),
        agent=UserAgentSettings(
            host=_sip_host(settings),
            realm=settings.sip.realm,
            digest_algorithms=settings.sip.digest or (demo.DIGEST if settings.demo else ALGORITHMS),
            digest_user_left_out=settings.demo,
            product=f"Softswitch/{__version__}",
            vicinity=_vicinity(settings),
            nat_ping_seconds=settings.sip.nat_ping_seconds,
            registrar=RegistrarRules(service_route=settings.sip.service_route, push_services=settings.push.services),
            session_expires=settings.sip.session_expires,
            min_session_expires=settings.sip.min_session_expires,
            prefer_reliable=settings.sip.reliable_provisional == "supported",
        ),
        limits=ConnectionLimits(
            connections=settings.limits.connections,
            idle=settings.limits.idle_seconds,
            ask=min(90.0, settings.limits.idle_seconds / 3),
        ),
        resolver=ResolverSettings(servers=settings.sip.name_servers),
        defence=DefenceSettings(
            shedding=settings.defence.shedding,
            emergency=settings.defence.emergency,
            limits=SourceLimits() if settings.defence.limits and not settings.bench else None,
            allowed=settings.defence.allow,
        ),
        tls=TlsSettings(
            certificates=settings.tls.certificates,
            client_certificates=settings.tls.client_certificates,
            client_authority=settings.tls.client_authority,
            authority=settings.tls.authority,
            verify=settings.tls.verify,
        ),
    )


def _vicinity(settings: Settings) -> Vicinity | None:
    """None where everybody is told the same addresses, which costs a call nothing."""
    if not settings.sip.local_networks:
        return None
    inside = own_address(settings.media_listen) if settings.media_listen in ("0.0.0.0", "::") else settings.media_listen
    return Vicinity(settings.sip.local_networks, settings.media_advertised, inside)

"""Who runs the calls, and the SIP that they come and go by."""

import secrets

from gateways.sip.defence import Pressure
from gateways.sip.gateway import SipGateway
from softswitch import demo
from softswitch.answers import Answers
from softswitch.engine.gatekeeper import SwitchGatekeeper
from softswitch.engine.journal import Journal
from softswitch.engine.switch import Switch
from softswitch.features.bans.service import Bans
from softswitch.gateway_settings import sip_settings
from softswitch.kernel.ids import IdSource
from softswitch.platform.live_calls import LiveCalls
from softswitch.wiring.accounts import Accounts
from softswitch.wiring.ground import Ground
from softswitch.wiring.people import People
from softswitch.wiring.trunking import Trunking


class Calls:
    def __init__(
        self, ground: Ground, accounts: Accounts, trunking: Trunking, people: People, answers: Answers
    ) -> None:
        settings, clock, bus, event_log = ground.settings, ground.clock, ground.bus, ground.event_log
        self.bans = Bans(
            ground.database,
            clock,
            bus.publish,
            allowed=settings.defence.allow,
            active=settings.defence.limits and not settings.bench,
        )
        boot = f"{clock.wall_ms() // 1000:x}{secrets.token_hex(2)}"
        self.switch = switch = Switch(
            bus,
            clock,
            IdSource(boot),
            most_calls=settings.limits.calls,
            silence_seconds=settings.limits.silence_seconds,
            congested=lambda: event_log.congested,
            on_record=event_log.then,
        )
        gatekeeper = SwitchGatekeeper(
            ha1=answers.ha1,
            origin=answers.origin,
            admits=accounts.directory.admits,
            recognise=trunking.trunks.recognise,
            certified=trunking.trunks.certified,
            registers_in_bulk=trunking.trunks.registers_in_bulk,
            **({"guests": demo.guests(accounts.directory)} if settings.demo else {}),
        )
        self.sip = SipGateway(
            sip_settings(settings),
            gatekeeper=gatekeeper,
            location=accounts.registrations,
            sentry=self.bans,
            clock=clock,
            pressure=lambda: Pressure(event_log.fullness, switch.live / settings.limits.calls),
            trusted=trunking.trunks.addresses,
            watched=people.presence,
            messages=people.messaging,
            rosters=people.rosters,
        )
        people.presence.connect(self.sip)
        people.messaging.connect(self.sip)
        self.bans.connect(self.sip, answers)
        # An engine in our own process takes all sound with it when we die: nothing could be gone on with.
        self.journal = Journal(switch, self.sip, event_log.ring) if settings.media.socket is not None else None
        self.live_calls = LiveCalls(ground.database, event_log, ground.vault)

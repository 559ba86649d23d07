"""The SIP gateway: `softswitch.ports.signalling.Signalling` on real sockets."""

import math
import os
import random
from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from gateways._native import SipEngine
from gateways.sip.connections import ConnectionLimits
from gateways.sip.defence import Defence, DefenceSettings, Pressure
from gateways.sip.endpoint import SipEndpoint
from gateways.sip.listener import Listener
from gateways.sip.resolver import Resolver, ResolverSettings
from gateways.sip.tls import Certificates, TlsSettings
from gateways.sip.ua.core import UserAgent
from gateways.sip.ua.settings import UserAgentSettings
from softswitch.calls.restored import RestoredLeg
from softswitch.calls.signals import Invitation, LegCommand, Target
from softswitch.calls.uplinks import Uplink
from softswitch.kernel.address import HostPort
from softswitch.kernel.clock import Clock
from softswitch.kernel.ids import LegId
from softswitch.kernel.messages import Delivery, TextMessage
from softswitch.kernel.watching import Subject
from softswitch.ports.admission import Gatekeeper, Sentry
from softswitch.ports.location import Location
from softswitch.ports.messages import Messages
from softswitch.ports.signalling import SignallingEvents, UplinkEvents
from softswitch.ports.watching import Rosters, Watched


class SipSettings(Struct, frozen=True, kw_only=True):
    """All that can be set about SIP."""

    listeners: tuple[Listener, ...] = (
        Listener("udp", HostPort("127.0.0.1", 5060)),
        Listener("tcp", HostPort("127.0.0.1", 5060)),
    )
    agent: UserAgentSettings = UserAgentSettings()
    limits: ConnectionLimits = ConnectionLimits()
    resolver: ResolverSettings = ResolverSettings()
    defence: DefenceSettings = DefenceSettings()
    tls: TlsSettings = TlsSettings()


class SipGateway:
    """Carries legs over SIP, and registers phones.

    `listen` says who hears of it (before `start`); `start` opens the sockets; `stop` closes them.
    """

    def __init__(
        self,
        settings: SipSettings,
        *,
        gatekeeper: Gatekeeper,
        location: Location,
        watched: Watched,
        messages: Messages,
        sentry: Sentry | None = None,
        rosters: Rosters | None = None,
        clock: Clock,
        entropy: Callable[[int], bytes] = os.urandom,
        pressure: Callable[[], Pressure] = Pressure,
        trusted: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._clock = clock.monotonic
        self._engine = SipEngine(seed=int.from_bytes(entropy(8), "big"), t1=settings.agent.t1, t2=settings.agent.t2)
        self.certificates = Certificates(settings.tls)
        """What TLS listeners show; may be reloaded at any time."""
        resolver = Resolver(settings.resolver, random.Random(entropy(8)))
        self._endpoint = SipEndpoint(
            self._engine, clock, settings.listeners, settings.limits, resolver, self.certificates
        )
        self._agent = UserAgent(
            self._engine,
            settings.agent,
            network=self._endpoint,
            gatekeeper=gatekeeper,
            location=location,
            watched=watched,
            messages=messages,
            sentry=sentry,
            rosters=rosters,
            entropy=entropy,
            wall_ms=clock.wall_ms,
        )

        self._defence = Defence(
            self._engine,
            settings.defence,
            clock,
            pressure=pressure,
            trusted=trusted,
        )

    def listen(self, events: SignallingEvents) -> None:
        """Tell `events` of calls and signals."""
        self._agent.listen(events)

    def listen_to_uplinks(self, events: UplinkEvents) -> None:
        """Tell `events` how registrations of ours and probed gateways fare."""
        self._agent.listen_to_uplinks(events)

    def keep(self, uplinks: Sequence[Uplink]) -> None:
        """See `Uplinks.keep`; after `start`."""
        self._agent.keep(uplinks, self._clock())
        self._endpoint.wake()

    async def start(self) -> None:
        """Open the sockets. Raises OSError naming the address that cannot be bound."""
        await self._endpoint.start(self._agent)
        self._defence.start()

    async def stop(self) -> None:
        """Tell watchers, leave the carriers we are registered at, and close the sockets; legs that are still up are not
        told."""
        self._defence.stop()
        self._agent.stop_holding()
        self._agent.dismiss_watchers(self._clock())
        self._agent.keep((), self._clock())
        await self._endpoint.stop()

    def refuse_new_calls(self) -> None:
        """From now on a new call gets 503; those that are up go on (draining)."""
        self._agent.refuse_new_calls()

    def open(self, listener: Listener) -> HostPort:
        """Listen at one more address; gives it with its port. Raises OSError."""
        return self._endpoint.listen(listener)

    def stop_listening(self, kind: str, address: HostPort) -> None:
        """Listen there no more; calls and connections that are up go on."""
        self._endpoint.stop_listening(kind, address)

    @property
    def bound(self) -> list[tuple[str, HostPort]]:
        """The addresses listened on, by kind."""
        return self._endpoint.bound

    def dial(self, leg: LegId, invitation: Invitation) -> None:
        """See `Signalling.dial`."""
        self._agent.dial(leg, invitation, self._clock())
        self._endpoint.wake()

    def send(self, leg: LegId, command: LegCommand) -> None:
        """See `Signalling.send`."""
        self._agent.command(leg, command, self._clock())
        self._endpoint.wake()

    def remembered(self, leg: LegId) -> bytes | None:
        """See `Memory.remembered`."""
        return self._agent.remembered(leg, self._clock())

    def restore(self, leg: LegId, written: bytes) -> RestoredLeg:
        """See `Memory.restore`; after `start`, and before a first packet is read."""
        restored = self._agent.restore(leg, written, self._clock())
        self._endpoint.wake()
        return restored

    def deliver(self, target: Target, message: TextMessage, done: Callable[[Delivery], None]) -> None:
        """See `Courier.deliver`."""
        self._agent.deliver(target, message, done, self._clock())
        self._endpoint.wake()

    def changed(self, subject: Subject, account: str) -> None:
        """See `Watchers.changed`."""
        self._agent.changed(subject, account, self._clock())
        self._endpoint.wake()

    def reachable(self, account: str) -> None:
        """See `Watchers.reachable`."""
        self._agent.reachable(account, self._clock())
        self._endpoint.wake()

    def review(self, account: str) -> None:
        """See `Watchers.review`."""
        self._agent.review(account, self._clock())
        self._endpoint.wake()

    def unwatch(self, account: str) -> None:
        """See `Watchers.unwatch`."""
        self._agent.unwatch(account, self._clock())
        self._endpoint.wake()

    def ban(self, network: str, seconds: float | None) -> None:
        """Drop what comes from a network for some seconds; None: until it is lifted."""
        self._engine.ban(network, math.inf if seconds is None else self._clock() + seconds)

    def lift(self, network: str) -> None:
        """Let a network in again, named as it was banned."""
        self._engine.lift(network)

    def know(self, host: str, seconds: float) -> None:
        """An address is known to be good for some seconds: a phone has registered from it."""
        self._engine.know(host, self._clock() + seconds, self._clock())

    def knows(self, host: str) -> bool:
        """Whether an address is known to be good."""
        return self._engine.knows(host, self._clock())

    def gauges(self) -> dict[str, int]:
        """Counters and gauges of the user agent and of the engine (`engine_…`), and the level of `overload`."""
        engine = {f"engine_{name}": value for name, value in self._engine.stats().items()}
        return {**self._agent.gauges(), **engine, "overload": self._defence.level}

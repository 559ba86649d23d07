"""What keeps the engine's door: the levels of overload, measured ten times a second, and what each source may send."""

import asyncio
import math
from collections.abc import Callable, Collection

from msgspec import Struct

from gateways._native import SipEngine
from gateways.sip.ua.overload import Levels, Load, OverloadControl
from softswitch.kernel.clock import Clock

_PERIOD = 0.1
"""Seconds between two measurements."""
_TRUST_EVERY = 20
"""Measurements between two looks at who is trusted."""
_MOST_TRANSACTIONS = 500_000
"""The engine's own bound."""

SCANNERS = (
    "friendly-scanner",
    "sipvicious",
    "sundayddr",
    "sip-scan",
    "sipscan",
    "siparmyknife",
    "pplsip",
    "iwar",
    "sipcli",
)
"""User-Agents that nothing but scanners has."""


class SourceLimits(Struct, frozen=True, kw_only=True):
    """What one source address may send, as (per second, burst). The burst holds what a hundred phones behind one
    address send when the power comes back."""

    messages: tuple[float, float] = (200.0, 2000.0)
    invite: tuple[float, float] = (10.0, 200.0)
    register: tuple[float, float] = (20.0, 500.0)
    other: tuple[float, float] = (20.0, 300.0)
    known_factor: float = 10.0
    """Times as much from where a phone has registered."""


class DefenceSettings(Struct, frozen=True, kw_only=True):
    """What can be set about it."""

    shedding: bool = True
    """Whether new work is turned away under overload."""
    emergency: tuple[str, ...] = ()
    """Numbers that are never turned away."""
    limits: SourceLimits | None = SourceLimits()
    """None: a source may send what it likes, and scanners are answered."""
    allowed: tuple[str, ...] = ()
    """Networks that are neither limited nor banned."""


class Pressure(Struct, frozen=True, gc=False):
    """How much of what is bounded outside the gateway is in use, 0 to 1."""

    log: float = 0.0
    """Facts that await the disk."""
    calls: float = 0.0


class Defence:
    """Sets the engine up, and tells it the level of overload for as long as the gateway runs."""

    def __init__(
        self,
        engine: SipEngine,
        settings: DefenceSettings,
        clock: Clock,
        *,
        pressure: Callable[[], Pressure],
        trusted: Callable[[], Collection[str]],
    ) -> None:
        """`trusted`: addresses that are not limited here, because trunks have limits of their own."""
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._pressure = pressure
        self._trusted = trusted
        self._trusting: Collection[str] = ()
        self._measured = 0
        self._control = OverloadControl()
        self._timer: asyncio.TimerHandle | None = None
        self._levels = Levels(0, 0)
        self._admitted = 0
        self._shed = 0
        engine.set_emergency(settings.emergency)
        engine.exempt(settings.allowed)
        if settings.limits is not None:
            limits = settings.limits
            engine.set_agents(SCANNERS)
            engine.set_limits(
                messages=limits.messages,
                invite=limits.invite,
                register=limits.register,
                other=limits.other,
                known_factor=limits.known_factor,
            )

    @property
    def level(self) -> int:
        """Of a hundred new requests, about how many are turned away."""
        return self._levels.told

    def start(self) -> None:
        """Begin to measure."""
        if self._settings.shedding:
            self._set_levels(Levels(0, 0))
        else:
            self._engine.set_patience(math.inf)
        self._trust()
        self._arm()

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_PERIOD, self._measure)

    def _measure(self) -> None:
        pressure, stats = self._pressure(), self._engine.stats()
        transactions = stats["client_transactions"] + stats["server_transactions"]
        admitted, shed = stats["admitted"], stats["shed"]
        levels = self._control.judge(
            Load(
                admitted=admitted - self._admitted,
                shed=shed - self._shed,
                fullness=max(pressure.log, transactions / _MOST_TRANSACTIONS),
                calls=pressure.calls,
            )
        )
        self._admitted, self._shed = admitted, shed
        if levels != self._levels and self._settings.shedding:
            self._set_levels(levels)
        self._measured += 1
        if self._measured % _TRUST_EVERY == 0:
            self._trust()
        self._arm()

    def _trust(self) -> None:
        trusted = self._trusted()
        if trusted != self._trusting:
            self._engine.do_not_limit(list(trusted))
            self._trusting = trusted

    def _set_levels(self, levels: Levels) -> None:
        self._levels = levels
        self._engine.shed(levels.shed)
        self._engine.tell_load(levels.told, self._clock.wall_ms() / 1000)

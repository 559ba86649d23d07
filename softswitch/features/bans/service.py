"""Bans sources that misbehave, keeps the list, and stores it behind."""

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import structlog

from softswitch.events import BanLifted, Fact, SourceBanned
from softswitch.features.bans import store
from softswitch.features.bans.model import Ban, Docket, ban, network_of
from softswitch.features.bans.needs import Barrier, Standing
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.kernel.offence import Offence
from softswitch.platform.background import Background
from softswitch.platform.database import Database, DatabaseUnavailable, Session

log = structlog.get_logger(__name__)

MOST = 10_000
"""Bans at a time; beyond it the one that ends first gives way."""
_WRITE_SECONDS = 1.0


class Bans:
    """Provides `softswitch.ports.admission.Sentry`. The list is answered from memory."""

    def __init__(
        self, database: Database, clock: Clock, publish: Callable[[Fact], None], *, allowed: Sequence[str], active: bool
    ) -> None:
        """`allowed`: networks that are never banned. Not `active`: nobody is banned but by hand."""
        self._database = database
        self._clock = clock
        self._publish = publish
        self._allowed = tuple(ipaddress.ip_network(network) for network in allowed)
        self._active = active
        self._docket = Docket()
        self._bans: dict[str, Ban] = {}
        self._unstored: dict[str, Ban | None] = {}
        self._barrier: Barrier | None = None
        self._standing: Standing | None = None
        self._background = Background("bans")
        self._judged = lru_cache(maxsize=20_000)(self._judged_as)

    def connect(self, barrier: Barrier, standing: Standing) -> None:
        """Who keeps banned sources out, and who knows good ones: once, before the start."""
        self._barrier, self._standing = barrier, standing

    async def start(self) -> None:
        """Load what was stored, and see to it that it is kept."""
        now = self._clock.wall_ms()
        async with self._database.reading() as session:
            loaded = await store.load(session)
        for one in loaded:
            if one.is_remembered(now):
                self._bans[one.network] = one
                self._keep_out(one, now)
            else:
                self._unstored[one.network] = None
        self._background.start(self._write_on())

    async def stop(self) -> None:
        """Store what is left."""
        if await self._background.stop():
            await self._write()

    # What the gateway tells (`Sentry`) -------------------------------------------------------------------

    def offended(self, host: str, offence: Offence, detail: str) -> None:
        network = self._judged(host)
        if network is not None and self._docket.count(
            network, offence, self._clock.monotonic(), partial(self._is_good, host)
        ):
            self._convict(network, offence, detail)

    def challenged(self, host: str, name: str) -> None:
        network = self._judged(host)
        if network is not None and self._docket.asked(
            network, name, self._clock.monotonic(), partial(self._is_good, host)
        ):
            self._convict(network, Offence.NAMES, f"the last was {name}")

    def proved(self, host: str, name: str) -> None:
        network = self._judged(host)
        if network is not None:
            self._docket.proved(network, name, self._clock.monotonic())

    # What administrators do -----------------------------------------------------------------------------

    def page(self, after: str | None, limit: int) -> list[Ban]:
        """Bans that hold, by network, from behind `after`."""
        now = self._clock.wall_ms()
        found = [one for one in self._bans.values() if one.holds(now) and (after is None or one.network > after)]
        return sorted(found, key=lambda one: one.network)[:limit]

    def one(self, network: str) -> Ban:
        """A ban that holds. Raises NotFound, and Invalid for what is no network."""
        network = read_network(network)
        found = self._bans.get(network)
        if found is None or not found.holds(self._clock.wall_ms()):
            raise NotFound("ban of", network)
        return found

    async def add(self, session: Session, network: str, until: int | None, detail: str, by: str) -> Ban:
        """Ban a network. Raises Invalid, and Conflict when it is banned or allowed."""
        network = read_network(network)
        now = self._clock.wall_ms()
        known = self._bans.get(network)
        if known is not None and known.holds(now):
            raise Conflict("ban-exists", f"{network} is banned already")
        if any(_covers(allowed, network) for allowed in self._allowed):
            raise Conflict("network-allowed", f"{network} is among the networks that defence.allow names")
        return await self._set(
            session,
            Ban(network=network, reason="manual", detail=detail, since=now, until=until, times=1, by=by),
        )

    async def change(self, session: Session, network: str, until: int | None, by: str) -> Ban:
        """Let a ban end at another time. Raises NotFound or Invalid."""
        known = self.one(network)
        return await self._set(
            session,
            Ban(
                network=known.network,
                reason=known.reason,
                detail=known.detail,
                since=known.since,
                until=until,
                times=known.times,
                by=by,
            ),
        )

    async def lift(self, session: Session, network: str, by: str) -> None:
        """End a ban, and begin anew with whom it was about. Raises NotFound or Invalid."""
        known = self.one(network)
        await store.write(session, {known.network: None})

        def let_in() -> None:
            self._bans.pop(known.network, None)
            self._unstored.pop(known.network, None)
            self._docket.forget(known.network)
            if self._barrier is not None:
                self._barrier.lift(known.network)
            self._publish(BanLifted(at=self._clock.wall_ms(), network=known.network, by=by))

        session.after_commit(let_in)

    def __len__(self) -> int:
        now = self._clock.wall_ms()
        return sum(one.holds(now) for one in self._bans.values())

    # Inside ---------------------------------------------------------------------------------------------

    def _judged_as(self, host: str) -> str | None:
        """The network a host is judged as; None where it is not judged."""
        if not self._active:
            return None
        if self._allowed and any(_covers(allowed, network_of(host)) for allowed in self._allowed):
            return None
        return network_of(host)

    def _is_good(self, host: str) -> bool:
        return self._standing is not None and self._standing.is_good(host)

    def _convict(self, network: str, offence: Offence, detail: str) -> None:
        now = self._clock.wall_ms()
        before = self._bans.get(network)
        if before is not None and before.holds(now):
            return
        self._docket.forget(network)
        detail = "".join(letter for letter in detail if letter.isprintable())[:200]
        one = ban(network, offence, detail, before, now)
        self._unstored[network] = one
        self._put(one, now)

    async def _set(self, session: Session, one: Ban) -> Ban:
        await store.write(session, {one.network: one})
        session.after_commit(lambda: self._put(one, self._clock.wall_ms()))
        return one

    def _put(self, one: Ban, now: int) -> None:
        if one.network not in self._bans and len(self._bans) >= MOST:
            self._make_room()
        self._bans[one.network] = one
        self._keep_out(one, now)
        log.warning("a source is banned", network=one.network, reason=one.reason, detail=one.detail, times=one.times)
        self._publish(
            SourceBanned(at=now, network=one.network, reason=one.reason, detail=one.detail, until=one.until, by=one.by)
        )

    def _make_room(self) -> None:
        first = min(self._bans.values(), key=lambda one: one.until if one.until is not None else 1 << 62)
        del self._bans[first.network]
        self._unstored[first.network] = None
        if self._barrier is not None:
            self._barrier.lift(first.network)

    def _keep_out(self, one: Ban, now: int) -> None:
        if self._barrier is not None and one.holds(now):
            self._barrier.ban(one.network, None if one.until is None else (one.until - now) / 1000)

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            try:
                async with self._background.uncut:
                    await self._write()
            except DatabaseUnavailable as error:
                log.error("bans could not be stored; they are kept in memory", error=str(error))

    async def _write(self) -> None:
        if not self._unstored:
            return
        taken, self._unstored = self._unstored, {}
        try:
            async with self._database.session() as session:
                await store.write(session, taken)
        except BaseException:
            self._unstored = taken | self._unstored
            raise


def read_network(text: str) -> str:
    """An address or network as it is written in the list. Raises Invalid."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise Invalid("network", f"{error}: write an address, or a network such as 192.0.2.0/24") from error
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _covers(allowed: ipaddress.IPv4Network | ipaddress.IPv6Network, network: str) -> bool:
    other = ipaddress.ip_network(network)
    return allowed.version == other.version and other.subnet_of(allowed)  # type: ignore[arg-type]

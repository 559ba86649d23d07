"""When a source is banned, and for how long: pure.

A 401 is no offence: every phone gets one before it proves who it is. What counts is what comes back. Evidence that
anybody could send in another's name (UDP sources can be forged) bans nobody who has shown to be good, or a forger
could shut out whole offices.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from softswitch.kernel.offence import Offence

SECONDS = (600, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600)
"""How long the first ban lasts, and each that follows within `REMEMBERED_SECONDS` of the one before."""
REMEMBERED_SECONDS = 7 * 24 * 3600
_SOURCES = 20_000
_NAMES = 512
"""Names that are remembered of one source."""


class Allowance(Struct, frozen=True, gc=False):
    """How many offences of a kind are let pass in a window."""

    strangers: int
    good: int | None
    """Of sources from where a phone has registered, and of trunks; None: they are not banned for it."""
    seconds: float


ALLOWED = {
    # A phone with an old password tries every half minute or so; one who guesses, hundreds of times a second.
    Offence.PASSWORD: Allowance(30, 150, 600.0),
    # A hundred phones behind one address that start together ask in a hundred names before the first has answered.
    Offence.NAMES: Allowance(150, None, 3600.0),
    Offence.AGENT: Allowance(0, None, 600.0),
    # A flood is told of once in ten seconds: this is a minute of it.
    Offence.FLOOD: Allowance(6, None, 300.0),
    Offence.MALFORMED: Allowance(300, None, 60.0),
}
_LOCAL = frozenset({Offence.NAMES, Offence.AGENT})
"""What counts against loopback addresses even where they are good: nobody can forge those."""


class Ban(Struct, frozen=True, kw_only=True):
    """A network that nothing is read from. Times are wall milliseconds."""

    network: str
    reason: str
    """An offence, or `manual`."""
    detail: str
    since: int
    until: int | None
    """None: for ever."""
    times: int
    """How often it was banned within a week of the last ban's end."""
    by: str

    def holds(self, now: int) -> bool:
        return self.until is None or now < self.until

    def is_remembered(self, now: int) -> bool:
        """Whether the next ban of the network would still be longer for it."""
        return self.until is None or now < self.until + REMEMBERED_SECONDS * 1000


def network_of(host: str) -> str:
    """The network that one source stands for: an IPv4 address, or the /64 of an IPv6 one. Raises ValueError."""
    address = ipaddress.ip_address(host)
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped is not None else str(ipaddress.ip_network((address, 64), strict=False))


def ban(network: str, offence: Offence, detail: str, before: Ban | None, now: int) -> Ban:
    """The ban that an offence leads to, after the ban `before`."""
    times = before.times + 1 if before is not None and before.is_remembered(now) else 1
    seconds = SECONDS[min(times, len(SECONDS)) - 1]
    return Ban(
        network=network,
        reason=offence.value,
        detail=detail,
        since=now,
        until=now + seconds * 1000,
        times=times,
        by="switch",
    )


class _Source:
    """What is held against one source."""

    __slots__ = ("counts", "named_since", "names", "proved")

    def __init__(self, now: float) -> None:
        self.counts: dict[Offence, tuple[float, int]] = {}
        self.names: set[str] = set()
        self.named_since = now
        self.proved: set[str] = set()


class Docket:
    """What is held against all sources; the least lately heard of are forgotten. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._sources: OrderedDict[str, _Source] = OrderedDict()

    def count(self, source: str, offence: Offence, now: float, good: Callable[[], bool]) -> bool:
        """Count an offence; gives whether it is one too many. `good` is asked only where it matters."""
        counts = self._source(source, now).counts
        since, number = counts.get(offence, (now, 0))
        if now - since > ALLOWED[offence].seconds:
            since, number = now, 0
        counts[offence] = (since, number + 1)
        return number >= ALLOWED[offence].strangers and _is_too_many(number + 1, source, offence, good)

    def asked(self, source: str, name: str, now: float, good: Callable[[], bool]) -> bool:
        """A source was challenged when it spoke in a name; gives whether it has used too many in vain."""
        record = self._source(source, now)
        if now - record.named_since > ALLOWED[Offence.NAMES].seconds:
            record.names.clear()
            record.proved.clear()
            record.named_since = now
        if name not in record.proved and len(record.names) < _NAMES:
            record.names.add(name)
        # Whoever has proved to be many may be about to prove to be more.
        in_vain = len(record.names) - 10 * len(record.proved)
        return in_vain > ALLOWED[Offence.NAMES].strangers and _is_too_many(in_vain, source, Offence.NAMES, good)

    def proved(self, source: str, name: str, now: float) -> None:
        """A source has shown that a name is its own."""
        record = self._source(source, now)
        record.names.discard(name)
        if len(record.proved) < _NAMES:
            record.proved.add(name)

    def forget(self, source: str) -> None:
        """Begin anew with a source."""
        self._sources.pop(source, None)

    def _source(self, source: str, now: float) -> _Source:
        record = self._sources.get(source)
        if record is None:
            record = self._sources[source] = _Source(now)
            if len(self._sources) > _SOURCES:
                self._sources.popitem(last=False)
        else:
            self._sources.move_to_end(source)
        return record


def _is_too_many(number: int, source: str, offence: Offence, good: Callable[[], bool]) -> bool:
    """Whether so many offences, which are too many for a stranger, are too many for this source."""
    if (offence in _LOCAL and ipaddress.ip_network(source).is_loopback) or not good():
        return True
    allowed = ALLOWED[offence].good
    return allowed is not None and number > allowed

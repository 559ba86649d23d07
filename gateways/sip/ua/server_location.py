"""Which servers a SIP URI leads to (RFC 3263 section 4, RFC 2782): the rules, without the questions to the DNS."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from gateways._native import SipUri

DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}
"""RFC 3261 section 19.1.2 and RFC 7118 section 5.2.1."""

_BY_NAPTR = {
    "SIP+D2U": "udp",
    "SIP+D2T": "tcp",
    "SIPS+D2T": "tls",
}
_BY_SRV = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
SECURE = ("tls", "wss")


class Hop(NamedTuple):
    """The next element on a request's way."""

    kind: str
    """`udp`, `tcp`, `tls`, `ws` or `wss`."""
    host: str
    port: int
    name: str = ""
    """The domain that was asked for, where it was not an address: a TLS certificate must be for it (RFC 5922)."""


class Sought(NamedTuple):
    """What a URI asks the DNS for."""

    host: str
    port: int | None
    """As written in the URI; None: it names none."""
    kind: str | None
    """The transport that the URI names; None: the DNS chooses."""
    secure: bool = False
    """`sips:`, so that nothing but TLS will do."""

    @classmethod
    def by(cls, uri: SipUri) -> "Sought":
        """What a SIP URI's next hop is found by; `maddr` stands for the host (section 4)."""
        # Parameter values compare without case (RFC 3261 section 7.3.1): SIPp writes `transport=UDP`.
        kind = (uri.param("transport") or "").lower() or None
        secure = uri.scheme == "sips"
        if secure:
            # RFC 3261 section 26.2.2: `transport=tcp` in a SIPS URI means TLS over TCP.
            kind = "wss" if kind in ("ws", "wss") else "tls" if kind is not None else None
        return cls(uri.param("maddr") or uri.host, uri.port, kind, secure)

    def default_kind(self) -> str:
        """The transport where neither the URI nor the DNS says (section 4.1)."""
        return self.kind or ("tls" if self.secure else "udp")

    def at(self, address: str) -> Hop:
        """The hop to an address of the host itself, no service being asked for."""
        kind = self.default_kind()
        name = "" if address == self.host else self.host
        return Hop(kind, address, self.port or DEFAULT_PORTS.get(kind, 5060), name)


class Naptr(NamedTuple):
    """A NAPTR record (RFC 3403)."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class Srv(NamedTuple):
    """An SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class Service(NamedTuple):
    """A name to ask for SRV records, and the transport that is spoken to whom they name."""

    kind: str
    name: str


def services_named(records: Iterable[Naptr], kinds: Collection[str], *, secure: bool) -> list[Service]:
    """The services that NAPTR records offer and we speak, in the order to try them (section 4.1)."""
    found = []
    for record in sorted(records, key=lambda record: (record.order, record.preference)):
        kind = _BY_NAPTR.get(record.service.upper(), "")
        # "s" says that the replacement has SRV records, the only kind that SIP uses.
        if kind in kinds and record.flags.lower() == "s" and (kind in SECURE or not secure):
            found.append(Service(kind, record.replacement))
    return found


def services_guessed(sought: Sought, kinds: Collection[str]) -> list[Service]:
    """The services to ask for where there are no NAPTR records (section 4.1): each transport we speak."""
    if sought.kind is not None:
        wanted: Sequence[str] = (sought.kind,)
    else:
        wanted = ("tls",) if sought.secure else ("udp", "tcp", "tls")
    return [Service(kind, _BY_SRV[kind] + sought.host) for kind in wanted if kind in kinds and kind in _BY_SRV]


def in_order(records: Iterable[Srv], between: Callable[[int, int], int]) -> list[Srv]:
    """SRV records in the order to try them: by priority, and within one drawn by weight (RFC 2782 "Weight").

    `between(low, high)` draws a whole number from both and what lies between.
    """
    by_priority: dict[int, list[Srv]] = {}
    for record in records:
        # "A Target of "." means that the service is decidedly not available at this domain."
        if record.target.rstrip("."):
            by_priority.setdefault(record.priority, []).append(record)
    ordered = []
    for priority in sorted(by_priority):
        # "arrange all SRV RRs (that have not been ordered yet) in any order, except that all those with weight 0 are
        # placed at the beginning of the list"
        left = sorted(by_priority[priority], key=lambda record: record.weight > 0)
        while left:
            drawn = between(0, sum(record.weight for record in left))
            running = 0
            for record in left:
                running += record.weight
                if running >= drawn:
                    left.remove(record)
                    ordered.append(record)
                    break
    return ordered

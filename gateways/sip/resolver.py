"""Questions to the DNS: NAPTR, SRV, A and AAAA (RFC 3263), without blocking, kept for as long as the records say."""

import asyncio
import random
import socket
from collections.abc import Collection, Sequence

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.resolver
import structlog
from msgspec import Struct

from gateways.sip.ua.server_location import Hop, Naptr, Service, Sought, Srv, in_order, services_guessed, services_named
from softswitch.kernel.address import HostPort

log = structlog.get_logger(__name__)

_KEPT = 10_000
"""Answers kept at most; the least used goes first."""
_MOST_HOPS = 16
"""What is tried after so many failures would come too late for anyone."""


class ResolverSettings(Struct, frozen=True, kw_only=True):
    """Whom to ask. Times in seconds."""

    servers: tuple[HostPort, ...] = ()
    """None: those of this machine (`/etc/resolv.conf`)."""
    patience: float = 5.0
    """For one question with all its repetitions."""


class Resolver:
    """Finds where a request may go. Never raises for what the DNS says."""

    def __init__(self, settings: ResolverSettings, draw: random.Random) -> None:
        self._draw = draw
        self._asked = dns.asyncresolver.Resolver(configure=False)
        if settings.servers:
            self._asked.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in settings.servers]
        else:
            try:
                self._asked.read_resolv_conf("/etc/resolv.conf")
            except dns.exception.DNSException:
                log.info("this machine names no DNS server: names are found in /etc/hosts only")
        self._asked.cache = dns.resolver.LRUCache(_KEPT)
        self._asked.lifetime = settings.patience

    async def hops(self, sought: Sought, kinds: Collection[str], families: Collection[str]) -> Sequence[Hop]:
        """The hops for a request, in the order in which to try them; none: the name leads nowhere.

        `kinds` are the transports that we speak, `families` the kinds of address: `4`, `6`.
        """
        if sought.kind is not None and sought.kind not in kinds:
            return ()
        if sought.port is None:
            hops = await self._by_service(sought, kinds, families)
            if hops:
                return hops
        # Section 4.2: "If no SRV records were found, the client performs an A or AAAA record lookup".
        addresses = await self._addresses(sought.host, families)
        return [sought.at(address) for address in addresses] if sought.default_kind() in kinds else ()

    async def _by_service(self, sought: Sought, kinds: Collection[str], families: Collection[str]) -> list[Hop]:
        services: list[Service] = []
        if "." not in sought.host:
            return []
        if sought.kind is None:
            services = services_named(await self._naptr(sought.host), kinds, secure=sought.secure)
        if not services:
            services = services_guessed(sought, kinds)
        found = await asyncio.gather(*(self._srv(service.name) for service in services))
        hops: list[Hop] = []
        for service, records in zip(services, found, strict=True):
            for record in in_order(records, self._draw.randint):
                addresses = await self._addresses(record.target, families)
                hops += [Hop(service.kind, address, record.port, sought.host) for address in addresses]
                if len(hops) >= _MOST_HOPS:
                    return hops
        return hops

    async def _naptr(self, name: str) -> list[Naptr]:
        return [
            Naptr(
                record.order,
                record.preference,
                record.flags.decode("ascii", "replace"),
                record.service.decode("ascii", "replace"),
                str(record.replacement),
            )
            for record in await self._ask(name, "NAPTR")
        ]

    async def _srv(self, name: str) -> list[Srv]:
        return [
            Srv(record.priority, record.weight, record.port, str(record.target))
            for record in await self._ask(name, "SRV")
        ]

    async def _addresses(self, host: str, families: Collection[str]) -> list[str]:
        # IPv4 first: a broken path is noticed only by a time-out over UDP, and it is IPv6 that more often is broken.
        wanted = [kind for family, kind in (("4", "A"), ("6", "AAAA")) if family in families]
        if "." in host.rstrip("."):
            answers = await asyncio.gather(*(self._ask(host, kind) for kind in wanted))
            addresses = [str(record.address) for answer in answers for record in answer]
            if addresses:
                return addresses
        # What only this machine knows: /etc/hosts, the names of containers.
        try:
            entries = await asyncio.get_running_loop().getaddrinfo(host.rstrip("."), None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            log.info("a name could not be looked up", host=host)
            return []
        found = dict.fromkeys(str(entry[4][0]) for entry in entries)
        return [address for address in found if ("6" if ":" in address else "4") in families]

    async def _ask(self, name: str, kind: str) -> "dns.resolver.Answer | tuple[()]":
        if not self._asked.nameservers:
            return ()
        try:
            return await self._asked.resolve(name, kind, search=False, raise_on_no_answer=False)
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            if not isinstance(error, dns.resolver.NXDOMAIN):
                log.info("the DNS does not answer", name=name, type=kind, error=str(error))
            return ()

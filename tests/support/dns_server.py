"""A small DNS server on loopback, for tests."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from softswitch.kernel.address import HostPort

TTL = 300


class DnsServer(asyncio.DatagramProtocol):
    """Answers from a table of `NAME TYPE` to records in the form of a zone file."""

    def __init__(self, records: Mapping[str, list[str]], ttl: int) -> None:
        self.records = dict(records)
        self.ttl = ttl
        self.asked: list[str] = []
        self.address = HostPort("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address = HostPort(*transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{name} {kind}")
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        found = self.records.get(f"{name} {kind}")
        if found:
            response.answer.append(dns.rrset.from_text(question.name, self.ttl, "IN", kind, *found))
        elif not any(record.startswith(f"{name} ") for record in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(response.to_wire(), addr)


@asynccontextmanager
async def dns_server(records: Mapping[str, list[str]], ttl: int = TTL) -> AsyncIterator[DnsServer]:
    """A server on a free port."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: DnsServer(records, ttl), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()

"""Where a SIP URI leads, asked of a real DNS server (RFC 3263 section 4)."""

import random
from collections.abc import Sequence

from gateways._native import SipUri
from gateways.sip.resolver import Resolver, ResolverSettings
from gateways.sip.ua.server_location import Hop, Sought
from tests.support.dns_server import DnsServer, dns_server

KINDS = ("udp", "tcp", "tls")
PROVIDER = {
    "provider.example NAPTR": [
        '20 50 "s" "SIP+D2U" "" _sip._udp.provider.example.',
        '10 50 "s" "SIPS+D2T" "" _sips._tcp.provider.example.',
        '5 50 "s" "SIP+D2S" "" _sip._sctp.provider.example.',
    ],
    "_sips._tcp.provider.example SRV": ["10 0 5071 spare.provider.example.", "5 0 5061 main.provider.example."],
    "_sip._udp.provider.example SRV": ["0 0 5060 main.provider.example."],
    "main.provider.example A": ["192.0.2.1"],
    "main.provider.example AAAA": ["2001:db8::1"],
    "spare.provider.example A": ["192.0.2.2"],
}


def resolver(server: DnsServer, seed: int = 1) -> Resolver:
    return Resolver(ResolverSettings(servers=(server.address,), patience=2.0), random.Random(seed))


async def found(
    server: DnsServer, uri: str, *, kinds: Sequence[str] = KINDS, families: str = "4", by: Resolver | None = None
) -> list[Hop]:
    parsed = SipUri.parse(uri)
    assert parsed is not None
    return list(await (by or resolver(server)).hops(Sought.by(parsed), kinds, families))


async def test_naptr_chooses_the_transport_and_srv_the_servers_in_their_order() -> None:
    async with dns_server(PROVIDER) as server:
        assert await found(server, "sip:provider.example") == [
            Hop("tls", "192.0.2.1", 5061, "provider.example"),
            Hop("tls", "192.0.2.2", 5071, "provider.example"),
            Hop("udp", "192.0.2.1", 5060, "provider.example"),
        ]


async def test_a_transport_that_we_do_not_speak_is_passed_over() -> None:
    async with dns_server(PROVIDER) as server:
        hops = await found(server, "sip:provider.example", kinds=("udp",))
        assert hops == [Hop("udp", "192.0.2.1", 5060, "provider.example")]
        assert await found(server, "sip:provider.example;transport=sctp") == []


async def test_a_sips_uri_goes_over_tls_alone() -> None:
    async with dns_server(PROVIDER) as server:
        hops = await found(server, "sips:provider.example")
        assert {hop.kind for hop in hops} == {"tls"}
        assert len(hops) == 2


async def test_a_uri_with_a_port_is_looked_up_as_a_host() -> None:
    async with dns_server(PROVIDER) as server:
        hops = await found(server, "sip:main.provider.example:5999", families="46")
        name = "main.provider.example"
        assert hops == [Hop("udp", "192.0.2.1", 5999, name), Hop("udp", "2001:db8::1", 5999, name)]
        assert sorted(server.asked) == ["main.provider.example A", "main.provider.example AAAA"]


async def test_without_naptr_the_services_of_each_transport_are_asked_for() -> None:
    records = {"_sip._tcp.pbx.example SRV": ["1 1 5062 a.pbx.example."], "a.pbx.example A": ["192.0.2.7"]}
    async with dns_server(records) as server:
        assert await found(server, "sip:pbx.example") == [Hop("tcp", "192.0.2.7", 5062, "pbx.example")]
        assert await found(server, "sip:pbx.example;transport=udp") == []


async def test_without_srv_the_host_itself_is_taken_at_the_default_port() -> None:
    async with dns_server({"host.example A": ["192.0.2.8", "192.0.2.9"]}) as server:
        hops = await found(server, "sip:host.example;transport=tls")
        assert sorted(hops) == [Hop("tls", f"192.0.2.{n}", 5061, "host.example") for n in (8, 9)]


async def test_a_question_is_not_asked_again_while_its_answer_holds() -> None:
    async with dns_server(PROVIDER) as server:
        by = resolver(server)
        first = await found(server, "sip:provider.example", by=by)
        asked = len(server.asked)
        assert asked == len(set(server.asked))
        assert await found(server, "sip:provider.example", by=by) == first
        assert len(server.asked) == asked


async def test_an_answer_that_holds_for_no_time_is_asked_for_anew() -> None:
    async with dns_server(PROVIDER, ttl=0) as server:
        by = resolver(server)
        await found(server, "sip:main.provider.example:5060", by=by)
        server.records["main.provider.example A"] = ["192.0.2.77"]
        hops = await found(server, "sip:main.provider.example:5060", by=by)
        assert [hop.host for hop in hops] == ["192.0.2.77"]


async def test_a_name_that_nobody_has_leads_nowhere() -> None:
    async with dns_server(PROVIDER) as server:
        assert await found(server, "sip:nobody.invalid") == []


async def test_a_name_of_this_machine_is_found_without_the_dns() -> None:
    async with dns_server({}) as server:
        assert await found(server, "sip:localhost") == [Hop("udp", "127.0.0.1", 5060, "localhost")]
        assert server.asked == []

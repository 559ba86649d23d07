"""What the user agent costs in CPU time, without sockets: two agents back to back in one process.

    python tests/bench/ua_cost.py [--calls N] [--registrations N] [--profile]

The middle agent carries a call from one leg to the other as the switch would; phones are canned bytes, so that the
figures are of one agent and its engine. Each figure is split into what the engine spends (bytes in, bytes out) and
what Python does between.
"""

import argparse
import cProfile
import pstats
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from gateways._native import SipEngine, SipRequest, SipResponse, parse_credentials
from gateways.sip.ua.core import UserAgent
from gateways.sip.ua.digest import ha1_of, response_of
from gateways.sip.ua.server_location import Hop, Sought
from gateways.sip.ua.settings import UserAgentSettings
from softswitch.calls.signals import (
    Answer,
    Answered,
    Ended,
    HangUp,
    Incoming,
    Invitation,
    LegSignal,
    Origin,
    Progressed,
    Ring,
    Target,
)
from softswitch.kernel.address import HostPort
from softswitch.kernel.binding import Binding
from softswitch.kernel.ids import LegId

UAC, UAS, US = HostPort("127.0.0.1", 5090), HostPort("127.0.0.1", 5080), HostPort("127.0.0.1", 5060)
BODY = (
    "v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


NOBODY: Any = None
"""Nobody watches, and nobody writes messages: neither is ever asked."""


class Relay:
    """The least switch: every call goes to UAS, and what one leg says the other is told."""

    def __init__(self) -> None:
        self.agent: UserAgent
        self.calls = 0
        self.ended = 0
        self.now = 0.0
        self.bound: dict[str, tuple[Binding, ...]] = {}

    def incoming(self, incoming: Incoming) -> LegId:
        self.calls += 1
        invitation = Invitation(
            Target(f"sip:{incoming.to.number}@127.0.0.1:5080"),
            incoming.from_,
            incoming.to,
            incoming.offer,
            incoming.hops_left - 1,
        )
        self.agent.dial(LegId(f"{self.calls}.2"), invitation, self.now)
        return LegId(f"{self.calls}.1")

    def registers_in_bulk(self, username: str) -> bool:
        return False

    def certified(self, names: tuple[str, ...]) -> Origin | None:
        return None

    def signalled(self, leg: LegId, signal: LegSignal) -> None:
        call, _, number = leg.partition(".")
        other = LegId(f"{call}.{3 - int(number)}")
        match signal:
            case Progressed():
                self.agent.command(other, Ring(signal.media), self.now)
            case Answered(media) if media is not None:
                self.agent.command(other, Answer(media), self.now)
            case Ended():
                self.ended += 1
                self.agent.command(other, HangUp(signal.cause), self.now)

    def traced(self, leg: LegId, direction: str, what: str) -> None:
        pass

    def on_record(self, then: Callable[[], None]) -> None:
        then()

    # Gatekeeper, Location and Network

    def recognise(self, source: HostPort, from_user: str, to_user: str, line: str = "") -> Origin | None:
        return _GUEST

    def admits(self, username: str, host: str, transport: str) -> bool:
        return True

    def ha1(self, username: str, algorithm: str) -> str | None:
        return _HA1[algorithm]

    def origin(self, username: str) -> Origin:
        return _ACCOUNT

    def bindings(self, aor: str) -> Sequence[Binding]:
        return self.bound.get(aor, ())

    def replace(self, aor: str, bindings: Sequence[Binding]) -> None:
        self.bound[aor] = tuple(bindings)

    def flow_failed(self, connection: int) -> None:
        raise AssertionError("there are no connections here")

    def transport_to(self, hop: Hop) -> int | None:
        return 1

    def resolve(self, sought: Sought, found: Callable[[Sequence[Hop]], None]) -> None:
        raise AssertionError("names are not used here")

    def wake(self) -> None:
        pass

    def close(self, transport: int) -> None:
        raise AssertionError("there are no connections here")


_GUEST = Origin("guest", "bench", "default")
_ACCOUNT = Origin("account", "1001", "default")
_HA1 = {algorithm: ha1_of("1001", "softswitch", "secret", algorithm) for algorithm in ("MD5", "SHA-256")}


class Bench:
    def __init__(self) -> None:
        self.engine = SipEngine(seed=1)
        self.relay = Relay()
        self.agent = UserAgent(
            self.engine,
            UserAgentSettings(),
            network=self.relay,
            gatekeeper=self.relay,
            location=self.relay,
            watched=NOBODY,
            messages=NOBODY,
            entropy=random.Random(1).randbytes,
            wall_ms=lambda: 1_700_000_000_000,
        )
        self.relay.agent = self.agent
        self.agent.listen(self.relay)
        self.agent.open_transport(1, "udp", US)
        self.now = 1000.0
        self.spent = 0.0
        self.in_engine = 0.0

    def hears(self, data: bytes, source: HostPort) -> list[bytes]:
        """One datagram in, all that comes of it out; the time goes on the bill."""
        clock = time.process_time
        self.relay.now = self.now
        start = clock()
        self.engine.receive(data, 1, source, self.now)
        received = clock()
        transmits = self.agent.settle(self.now)
        self.spent += clock() - start
        self.in_engine += received - start
        return [transmit.data for transmit in transmits]

    def passes(self, seconds: float) -> None:
        self.now += seconds
        start = time.process_time()
        self.agent.timeout(self.now)
        self.agent.settle(self.now)
        self.spent += time.process_time() - start

    def call(self, number: int) -> None:
        """INVITE, 180, 200, ACK, BYE: what SIPp's standard scenarios say."""
        common = (
            f"From: sipp <sip:sipp@127.0.0.1:5090>;tag={number}SIPpTag00\r\n"
            f"To: 82000 <sip:82000@127.0.0.1:5060>{{tag}}\r\nCall-ID: {number}-4711@127.0.0.1\r\n"
        )
        via = "Via: SIP/2.0/UDP 127.0.0.1:5090;branch=z9hG4bK-{n}-{step}\r\n"

        def request(method: str, step: int, cseq: int, tag: str, body: str = "") -> bytes:
            kind = "Content-Type: application/sdp\r\n" if body else ""
            return (
                f"{method} sip:82000@127.0.0.1:5060 SIP/2.0\r\n{via.format(n=number, step=step)}"
                f"{common.format(tag=tag)}CSeq: {cseq} {method}\r\nContact: sip:sipp@127.0.0.1:5090\r\n"
                f"Max-Forwards: 70\r\nSubject: Performance Test\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()

        (invite,) = [SipRequest.parse(data) for data in self.hears(request("INVITE", 0, 1, "", BODY), UAC)]
        self.hears(_reply(invite, "180 Ringing"), UAS)
        said = self.hears(_reply(invite, "200 OK", BODY), UAS)
        answer = next(SipResponse.parse(data) for data in said if data.startswith(b"SIP/2.0 200"))
        tag = f";tag={answer.to_tag}"
        self.hears(request("ACK", 5, 1, tag), UAC)
        said = self.hears(request("BYE", 7, 2, tag), UAC)
        bye = next(SipRequest.parse(data) for data in said if data.startswith(b"BYE"))
        self.hears(_reply(bye, "200 OK"), UAS)
        if number % 16 == 0:
            self.passes(0.016 / 2.5)

    def register(self, number: int) -> None:
        """REGISTER, 401, REGISTER, 200: a refresh of a phone that has one binding."""
        user = f"1{number % 1000:03}"

        def request(cseq: int, more: str) -> bytes:
            return (
                f"REGISTER sip:127.0.0.1:5060 SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP 127.0.0.1:5090;branch=z9hG4bK-r{number}-{cseq};rport\r\n"
                f"From: <sip:1001@127.0.0.1>;tag={number}\r\nTo: <sip:1001@127.0.0.1>\r\n"
                f"Call-ID: {user}@127.0.0.1\r\nCSeq: {cseq} REGISTER\r\n"
                f"Contact: <sip:1001@127.0.0.1:5090;transport=UDP>\r\nExpires: 3600\r\nMax-Forwards: 70\r\n"
                f"User-Agent: bench\r\n{more}Content-Length: 0\r\n\r\n"
            ).encode()

        (challenge,) = [SipResponse.parse(data) for data in self.hears(request(2 * number + 1, ""), UAC)]
        parsed = parse_credentials(challenge.headers("WWW-Authenticate")[-1])
        assert parsed is not None
        nonce = parsed[1]["nonce"]
        digest = response_of(_HA1["MD5"], "MD5", "REGISTER", "sip:127.0.0.1:5060", nonce, ("00000001", "c"))
        authorization = (
            f'Authorization: Digest username="1001",realm="softswitch",nonce="{nonce}",uri="sip:127.0.0.1:5060",'
            f'response="{digest}",algorithm=MD5,qop=auth,nc=00000001,cnonce="c"\r\n'
        )
        (response,) = self.hears(request(2 * number + 2, authorization), UAC)
        assert response.startswith(b"SIP/2.0 200"), response


def _reply(request: SipRequest, status: str, body: str = "") -> bytes:
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (
        f"SIP/2.0 {status}\r\nVia: {request.header('Via')}\r\nFrom: {request.header('From')}\r\n"
        f"To: {request.header('To')}{'' if request.to_tag else ';tag=uas'}\r\nCall-ID: {request.call_id}\r\n"
        f"CSeq: {request.cseq} {request.method}\r\nContact: <sip:127.0.0.1:5080;transport=UDP>\r\n"
        f"{kind}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _measure(name: str, bench: Bench, work: Callable[[int], None], count: int, profile: bool) -> None:
    for number in range(count // 10):
        work(number)
    bench.spent = bench.in_engine = 0.0
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    for number in range(count // 10, count):
        work(number)
    profiler.disable()
    done = count - count // 10
    print(f"{name}: {bench.spent / done * 1e6:.1f} µs, of which receive {bench.in_engine / done * 1e6:.1f} µs")
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(35)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--registrations", type=int, default=10_000)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    if options.calls:
        bench = Bench()
        _measure("call", bench, bench.call, options.calls, options.profile)
        assert bench.relay.ended == 2 * options.calls, bench.agent.gauges()
        bench.passes(100.0)
        print("left:", bench.agent.gauges())
    if options.registrations:
        bench = Bench()
        _measure("registration", bench, bench.register, options.registrations, options.profile)


if __name__ == "__main__":
    main()

"""(o) Three times as many calls as the switch can do: how much of its capacity it still completes, and whether a call
that is up notices."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.load import generating
from tests.bench.report import Report
from tests.bench.targets import Target, switch
from tests.support.server import free_sip_port

RATES = (300, 600, 900, 1200, 1500, 1800, 2200, 2600, 3000)
TOLERATED = 0.05
"""The part of calls that may fail before the switch counts as full: a busy machine stumbles now and then."""
TIMES = 3
SETTLE_SECONDS = 4.0
"""After each step: by then the level of overload has come down."""


def measure(report: Report, folder: Path, quick: bool) -> None:
    """Find the capacity, ask for three times as much, and compare."""
    seconds = 5.0 if quick else 15.0
    uas_port = free_sip_port("127.0.0.1")
    with switch(folder / "switch", uas_port) as target, generating("uas", folder, uas_port):
        _run(target, folder / "warm", 100, 3.0)
        capacity = 0.0
        for rate in RATES[1::2] if quick else RATES:
            done, failed = _run(target, folder / f"at-{rate}", rate, 4.0 if quick else 8.0)
            report.line("o", target.name, "capacity", rate=rate, completed=round(done, 1), failed=round(failed, 5))
            time.sleep(SETTLE_SECONDS)
            capacity = max(capacity, done)
            if failed > TOLERATED:
                break
        with held_call(target.port) as held:
            done, failed = _run(target, folder / "overload", int(capacity * TIMES), seconds)
        part = 100 * done / capacity
        figures = {"capacity": round(capacity), "asked": round(capacity * TIMES), "completed": round(done)}
        report.line("o", target.name, "overload", **figures, refused=round(failed, 3), held=held.told())
        report.result(
            "o", target.name, f"completed at {TIMES} times capacity", round(part), "% of capacity", held.told()
        )


def _run(target: Target, folder: Path, rate: int, seconds: float) -> tuple[float, float]:
    """Calls completed a second while they were asked for, and the part that failed."""
    calls = int(rate * seconds)
    options = (
        f"127.0.0.1:{target.port}", "-s", "80001", "-r", str(rate), "-m", str(calls), "-l", "40000", "-d", "0",
        "-timeout", str(int(seconds) + 40),
    )  # fmt: skip
    started = time.perf_counter()
    with generating("uac", folder, free_sip_port("127.0.0.1"), *options) as uac:
        uac.wait(seconds + 45)
    counted = uac.counted()
    # What lingers after the last call was asked for is no part of the rate.
    elapsed = max(seconds, min(time.perf_counter() - started, seconds + 2.0))
    return counted.succeeded / elapsed, counted.failure_rate


@dataclass
class HeldCall:
    """A call that was up before the rush, and asks for something all the time."""

    asked: int = 0
    answered: int = 0
    slowest: float = 0.0
    ended: bool = False
    problems: list[str] = field(default_factory=list)

    def told(self) -> str:
        bye = "its BYE was answered" if self.ended else "its BYE was NOT answered"
        heard = f"{self.answered} of {self.asked} re-INVITEs answered, the slowest in {self.slowest:.2f} s"
        return f"a held call: {heard}; {bye}"


@contextmanager
def held_call(port: int) -> Iterator[HeldCall]:
    """A call to the echo for the length of a `with` block; it is hung up at its end."""
    held, stop = HeldCall(), threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(10.0)
        to = _ask(phone, port, 1, "INVITE", "", held)
        assert to, "the call that was to be held was not answered"
        held.asked = held.answered = 0
        held.slowest = 0.0
        worker = threading.Thread(target=_keep_asking, args=(phone, port, to, held, stop))
        worker.start()
        try:
            yield held
        finally:
            stop.set()
            worker.join(30)
            held.ended = bool(_ask(phone, port, 100_000, "BYE", to, HeldCall()))


def _keep_asking(phone: socket.socket, port: int, to: str, held: HeldCall, stop: threading.Event) -> None:
    cseq = 1
    while not stop.wait(0.5):
        cseq += 1
        _ask(phone, port, cseq, "INVITE", to, held)


def _ask(phone: socket.socket, port: int, cseq: int, method: str, to: str, held: HeldCall) -> str:
    """One request, sent again like a phone does; gives the To of its 200, empty where there was none."""
    ours, started = phone.getsockname()[1], time.perf_counter()
    held.asked += 1
    for wait in (0.5, 1.0, 2.0, 4.0):
        phone.sendto(_request(method, port, ours, cseq, to), ("127.0.0.1", port))
        phone.settimeout(wait)
        try:
            while True:
                text = phone.recv(65_536).decode()
                if f"CSeq: {cseq} {method}" not in text or " 100 " in text[:12]:
                    continue
                found = re.search(r"^To: (.*)\r$", text, re.MULTILINE)
                if method == "INVITE" and found is not None:
                    phone.sendto(_request("ACK", port, ours, cseq, found[1]), ("127.0.0.1", port))
                if not text.startswith("SIP/2.0 200") or found is None:
                    held.problems.append(text.split("\r\n", 1)[0])
                    return ""
                held.answered += 1
                held.slowest = max(held.slowest, time.perf_counter() - started)
                return found[1]
        except TimeoutError:
            continue
    return ""


def _request(method: str, port: int, ours: int, cseq: int, to: str) -> bytes:
    body = ""
    if method == "INVITE":
        body = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (
        f"{method} sip:9196@127.0.0.1:{port} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 127.0.0.1:{ours};branch=z9hG4bK-{ours}-{cseq}-{method};rport\r\n"
        f"From: <sip:held@127.0.0.1>;tag={ours}\r\nTo: {to or f'<sip:9196@127.0.0.1:{port}>'}\r\n"
        f"Call-ID: held@{ours}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
        f"Contact: <sip:held@127.0.0.1:{ours}>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()

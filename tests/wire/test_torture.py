"""The torture messages of RFC 4475, byte-exact, against the running switch.

They are not part of the project (see `corpus.py` for those that are): the folder is named by the environment variable
`SOFTSWITCH_RFC4475`, or lies at `../shared/data/rfc4475` beside the repository. Its `index.tsv` says what a strict
server answers (`strict_codes`) and what else is tolerated (`liberal_ok`).
"""

import csv
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.server import Server
from tests.wire.probe import Answer, Probe, options, via_port

FOLDER = Path(os.environ.get("SOFTSWITCH_RFC4475") or Path(__file__).parents[2].parent / "shared" / "data" / "rfc4475")
INDEX = FOLDER / "index.tsv"
FINAL = frozenset(range(200, 700))

NOT_YET: dict[str, str] = {}
"""What is not right yet, and why; at most three."""

# Over a stream these differ from UDP, because Content-Length alone says where a message ends, or by their size.
STREAM = ("dblreq.dat", "clerr.dat", "ncl.dat", "mcl01.dat", "longreq.dat", "mpart01.dat", "wsinv.dat", "intmeth.dat")


class Torture(NamedTuple):
    file: str
    section: str
    note: str
    statuses: frozenset[int]
    """Which final statuses are right."""
    silence: bool
    """Whether no answer at all is right."""

    @property
    def message(self) -> bytes:
        return (FOLDER / self.file).read_bytes()


def statuses(words: list[str]) -> frozenset[int]:
    """`400`, `2xx`, `any-final`; `accept` leaves the final answer to the receiver."""
    found: set[int] = set()
    for word in words:
        if word in ("any-final", "accept"):
            found |= FINAL
        elif word.endswith("xx"):
            found |= set(range(int(word[0]) * 100, int(word[0]) * 100 + 100))
        elif word.isdigit():
            found.add(int(word))
    return frozenset(found)


def transaction_key(message: bytes) -> tuple[bytes, ...]:
    """What a server tells transactions apart by (RFC 3261 section 17.2.3)."""
    via = re.search(rb"^(?:via|v)\s*:\s*([^\r]*(?:\r\n[ \t][^\r]*)*)", message, re.IGNORECASE | re.MULTILINE)
    return message.split(b" ", 1)[0], via[1] if via else b""


def read_index() -> list[Torture]:
    if not INDEX.exists():
        return []
    with INDEX.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    tortures = []
    for row in rows:
        words = [*row["strict_codes"].split("|"), *filter(None, row["liberal_ok"].split("|"))]
        tortures.append(Torture(row["file"], row["section"], row["note"], statuses(words), "none" in words))
    return tortures


TORTURES = read_index()


class Switches:
    """As many switches as there are messages with the same Via and branch: to one switch, the second of them would be
    a retransmission of the first for the next 32 seconds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[Server] = []
        self._met: dict[tuple[bytes, ...], int] = {}

    def unmet(self, message: bytes) -> Server:
        """A switch that has not met the transaction of this message."""
        key = transaction_key(message)
        number = self._met[key] = self._met.get(key, -1) + 1
        while len(self._running) <= number:
            self._running.append(Server.start(self._folder / str(len(self._running))))
        return self._running[number]

    def stop(self) -> None:
        for server in self._running:
            server.stop()


@pytest.fixture(scope="module")
def switches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switches]:
    started = Switches(tmp_path_factory.mktemp("torture"))
    yield started
    started.stop()


@pytest.fixture
def switch(switches: Switches, torture: Torture) -> Server:
    return switches.unmet(torture.message)


pytestmark = pytest.mark.skipif(
    not TORTURES, reason=f"no RFC 4475 messages: {INDEX.name} is neither in $SOFTSWITCH_RFC4475 nor in ../shared"
)


def cases() -> list[object]:
    marked: list[object] = []
    for torture in TORTURES:
        marks = [pytest.mark.xfail(strict=True, reason=NOT_YET[torture.file])] if torture.file in NOT_YET else []
        marked.append(pytest.param(torture, id=torture.file.removesuffix(".dat"), marks=marks))
    return marked


def test_the_messages_are_all_there() -> None:
    assert len(TORTURES) == 49
    assert len(NOT_YET) <= 3


@pytest.mark.parametrize("torture", cases())
def test_over_udp_the_answer_is_right_and_the_switch_lives(torture: Torture, switch: Server) -> None:
    message = torture.message
    # Most of them carry no rport, so the answer goes to the port of their Via.
    with Probe(switch.sip, port=via_port(message)) as probe:
        probe.send(message)
        if torture.silence:
            others = probe.liveness()
            assert all(right(torture, answer) for answer in others), f"{torture.note}\n{others}"
        else:
            answer = probe.final()
            assert right(torture, answer), f"{torture.note}\n{answer.raw.decode(errors='replace')}"
            probe.liveness()


@pytest.mark.parametrize(
    "torture", [case for case in TORTURES if case.file in STREAM], ids=lambda torture: torture.file[:-4]
)
def test_over_tcp_the_answer_is_right_and_the_switch_lives(torture: Torture, switch: Server) -> None:
    with socket.create_connection(switch.sip, timeout=10) as connection:
        connection.sendall(torture.message)
        if torture.file == "clerr.dat":
            # The rest of the body may yet come, so there is nothing to say; the connection ends with us.
            connection.settimeout(0.2)
            with pytest.raises(TimeoutError):
                connection.recv(65536)
        else:
            answers = read_answers(connection, until_closed=torture.file in ("ncl.dat", "mcl01.dat"))
            assert all(right(torture, answer) for answer in answers), f"{torture.note}\n{answers}"
            assert answers or torture.file in ("ncl.dat", "mcl01.dat")
    with socket.create_connection(switch.sip, timeout=10) as connection:
        target = "{}:{}".format(*switch.sip)
        connection.sendall(options(f"alive-{torture.file}", "127.0.0.1", 5060, target, "TCP"))
        assert connection.recv(65536).startswith(b"SIP/2.0 200 ")


def right(torture: Torture, answer: Answer) -> bool:
    return answer.status in torture.statuses or answer.status < 200


def read_answers(connection: socket.socket, *, until_closed: bool) -> list[Answer]:
    """The answers up to the first final one, or all until the switch closes."""
    text, answers = b"", list[Answer]()
    while until_closed or not any(answer.status >= 200 for answer in answers):
        piece = connection.recv(65536)
        if not piece:
            break
        text += piece
        heads = [head for head in text.split(b"\r\n\r\n") if head.startswith(b"SIP/2.0 ")]
        answers = [Answer.read(head) for head in heads]
    return answers

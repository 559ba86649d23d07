"""SIPp as a test's peer: a scenario of this folder's `sipp/`, run to its end, its own log shown when it fails."""

import contextlib
import random
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import free_sip_port

SCENARIOS = Path(__file__).parent / "sipp"
LOG_TAIL = 4000

needed = pytest.mark.skipif(shutil.which("sipp") is None, reason="SIPp is not installed: apt-get install sip-tester")


class Sipp:
    """One running SIPp; `wait` gives its end."""

    def __init__(
        self, scenario: str, folder: Path, *options: str, port: int | None = None, quiet: bool = False, **words: Any
    ) -> None:
        """`words`, texts all, fill the `{{…}}` of the scenario; `options` follow SIPp's own usage; a `quiet` one
        keeps no messages."""
        self.port = port or free_sip_port("127.0.0.1")
        self.folder = folder / f"{scenario}-{self.port}"
        self.folder.mkdir(parents=True)
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        for name, value in words.items():
            text = text.replace("{{" + name + "}}", value)
        unfilled = re.findall(r"\{\{\w+\}\}", text)
        assert not unfilled, f"{scenario}.xml: {unfilled} was not given"
        file = self.folder / f"{scenario}.xml"
        file.write_text(text)
        self.scenario = scenario
        self.statistics = self.folder / "statistics.csv"
        """SIPp's own counters, once a second."""
        self._output = (self.folder / "screen").open("wb")
        self._process = subprocess.Popen(
            [
                "sipp", "-sf", str(file), "-i", "127.0.0.1", "-p", str(self.port), "-mi", "127.0.0.1",
                "-mp", str(free_media_port()), "-nostdin", "-trace_err", "-error_file", str(self.folder / "errors"),
                "-trace_stat", "-stf", str(self.statistics), "-fd", "1",
                *([] if quiet else ["-trace_msg", "-message_file", str(self.folder / "messages")]),
                *([] if "-timeout" in options else ["-timeout", "60", "-timeout_error"]), *options,
            ],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )  # fmt: skip

    def wait(self, within: float = 70) -> None:
        """Until it has done its calls; AssertionError with its log unless every call went as its scenario says."""
        try:
            status = self._process.wait(within)
        except subprocess.TimeoutExpired:
            status = -1
        if status != 0:
            self.stop()
            raise AssertionError(f"SIPp {self.scenario} ended with status {status}\n{self.log()}")

    def ended(self) -> bool:
        return self._process.poll() is not None

    def messages(self) -> str:
        """All it sent and received."""
        file = self.folder / "messages"
        return file.read_text(errors="replace") if file.exists() else ""

    def log(self) -> str:
        errors = self.folder / "errors"
        return (errors.read_text(errors="replace") if errors.exists() else "") + self.messages()[-LOG_TAIL:]

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._output.close()


@contextlib.contextmanager
def running(scenario: str, folder: Path, *options: str, port: int | None = None, **words: Any) -> Iterator[Sipp]:
    """SIPp for the length of a `with` block."""
    sipp = Sipp(scenario, folder, *options, port=port, **words)
    try:
        yield sipp
    finally:
        sipp.stop()


def free_media_port() -> int:
    """A port that is free, and the three after it, as SIPp binds for sound and video; it gives up where one is taken.
    Below the kernel's own choices and the switch's pools, so that nobody takes one in between."""
    for port in random.sample(range(10000, 19996, 4), k=500):
        with contextlib.ExitStack() as stack:
            try:
                for offset in range(4):
                    probe = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    probe.bind(("127.0.0.1", port + offset))
            except OSError:
                continue
        return port
    raise OSError("no four ports in a row are free")

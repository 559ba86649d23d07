"""What a killed switch still knows when it comes back."""

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop import sipp
from tests.interop.conftest import Admin
from tests.support.server import Server, running

pytestmark = [sipp.needed]


def call(server: Server, folder: Path, *options: str, to: str) -> None:
    with sipp.running("uac", folder, f"{server.host}:{server.sip_port}", "-s", to, *options) as uac:
        uac.wait()


def test_every_call_that_had_ended_is_recorded_after_a_kill(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        call(server, tmp_path, "-m", "40", "-r", "40", "-d", "100", to="9197")
        admin = Admin(server)
        # A call has ended when no one lists it any more: its facts are written in the batch after its BYE.
        admin.nothing_live()
        admin.close()
        server.process.kill()
        server.process.wait()

    with running(tmp_path) as server:
        admin = Admin(server)
        cdrs = admin.cdrs("9197", count=40)
        admin.close()

    assert len(cdrs) == 40
    assert {cdr["disposition"] for cdr in cdrs} == {"answered"}
    # Between answer and BYE the caller waited 100 ms by its own clock, whose ticks are a few milliseconds.
    assert min(cdr["billable_ms"] for cdr in cdrs) >= 90


@pytest.mark.parametrize("to", ["9197", "80020"])
def test_every_call_whose_bye_was_answered_is_recorded_whenever_the_kill_comes(to: str, tmp_path: Path) -> None:
    moment = random.uniform(0.3, 1.5)
    with running(tmp_path) as server, sipp.running("uas_at_once", tmp_path, "-m", "1000") as uas:
        admin = Admin(server)
        admin.patch("/trunks/uas", host="127.0.0.1", port=uas.port)
        admin.close()
        target = f"{server.host}:{server.sip_port}"
        options = ("-s", to, "-m", "1000", "-r", "200", "-d", "50")
        with sipp.running("uac", tmp_path, target, *options) as uac:
            until(lambda: "2 BYE" in uac.messages())
            time.sleep(moment)  # any moment will do: there is nothing to wait for
            server.process.kill()
            server.process.wait()
            ended = callers_told_of_their_end(uac)

    with running(tmp_path) as server:
        admin = Admin(server)
        records = {cdr["from"]: cdr for cdr in admin.all("/cdrs", to=to)}
        admin.close()

    assert len(ended) > 10
    lost = ended - records.keys()
    assert not lost, f"{len(lost)} of {len(ended)} calls are lost, killed after {moment:.3f} s: {sorted(lost)[-20:]}"
    endings = {
        (records[caller]["disposition"], records[caller]["cause_code"], records[caller]["note"]) for caller in ended
    }
    assert endings == {("answered", 16, "")}, f"killed after {moment:.3f} s"


def callers_told_of_their_end(uac: sipp.Sipp) -> set[str]:
    """The numbers of callers whose BYE was answered."""
    return {
        match[1]
        for message in uac.messages().split("-----------------------------------------------")
        if "message received" in message and "SIP/2.0 200" in message and "2 BYE" in message
        if (match := re.search(r"From: <sip:(\w+)@", message))
    }


def until(so: Callable[[], object]) -> None:
    give_up = time.perf_counter() + 20
    while not so():
        assert time.perf_counter() < give_up
        time.sleep(0.02)


def test_a_call_that_was_live_at_a_kill_is_recorded_too(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        admin = Admin(server)
        with sipp.running("uac", tmp_path, f"{server.host}:{server.sip_port}", "-s", "9196", "-m", "1", "-d", "30000"):
            admin.eventually(lambda: admin.all("/calls"), lambda live: len(live) == 1)
            # Facts are written behind: this one is on disk once its batch is.
            admin.eventually(server.metrics, lambda metrics: metrics["softswitch_log_pending"] == 0)
            server.process.kill()
            server.process.wait()
        admin.close()

    with running(tmp_path) as server:
        admin = Admin(server)
        cdr = admin.cdr("9196")
        live = admin.all("/calls")
        admin.close()

    assert cdr["ended_at"] is not None
    assert live == []


def test_records_are_the_same_before_and_after_a_kill(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        admin = Admin(server)
        call(server, tmp_path, "-m", "5", "-r", "5", "-d", "50", to="9197")
        before = admin.cdrs("9197", count=5)
        admin.close()
        server.process.kill()
        server.process.wait()

    with running(tmp_path) as server:
        admin = Admin(server)
        after = admin.cdrs("9197", count=5)
        admin.close()

    assert after == before

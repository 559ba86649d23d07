"""The media doctor on real sockets: of each fault that is injected its name and nothing else is said, and of a hundred
well calls nothing.

Callers come to the echo, or to a gateway behind the trunk, all at once; each is a number of its own, so that its record
is found.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from softswitch.features.quality.model import KINDS
from tests.support.server import Server, running
from tests.wire.doctored_calls import Caller, Gateway, call

HEALTHY = 100
THROUGH = 10
"""So many of them go through the trunk to another party."""
FAULTS = {
    "private_address": Caller("private", says="192.168.77.1", payload_type=None),
    "no_rtp": Caller("mute", payload_type=None),
    "other_address": Caller("moved", speaks_from="127.0.0.2"),
    "refused_payload": Caller("odd", payload_type=18),
    "srtp_against_rtp": Caller("secure", protocol="RTP/SAVP"),
    "srtp_key": Caller("rekeyed", host="127.0.0.3", wrong_key=True, talks=6.0),
    "no_common_codec": Caller("foreign", codecs="18"),
    "only_silence": Caller("hushed", whispers=True, talks=32.0),
    "unheard": Caller("deaf", reports_loss=True, talks=6.0),
    "late_rtp": Caller("late", starts_after=3.2),
    "loss": Caller("lossy", loses_every=5, talks=6.0),
    "jitter": Caller("uneven", delays_every_second=0.18, talks=10.0),
    "no_ack": Caller("forgetful", acknowledges=False, talks=60.0),
    "refresh_failed": Caller("lost", to=Gateway.KNOWS_NO_CALL, holds=True),
    "left_on_hold": Caller("absent", to=Gateway.HANGS_UP, holds=True),
    "dtmf_mismatch": Caller("pressing", to=Gateway.HEARS_NO_KEYS, presses_by_info=True),
}
OTHER_LEG = {"refresh_failed": "leg 2 (trunk/uas): ", "srtp_key": "leg 1 (trunk/secured): "}
"""Who is at fault where it is not the caller."""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """The record of each caller's call."""
    few = {"SOFTSWITCH_MEDIA_LEGS": "240"}
    with running(tmp_path_factory.mktemp("doctor"), environment=few) as server:
        healthy = [Caller(f"well{number}", to="9196" if number >= THROUGH else "80001") for number in range(HEALTHY)]

        async def all_at_once() -> None:
            gateway = await Gateway.open()
            admin = httpx.AsyncClient(headers={"Authorization": "Bearer demo-admin"}, trust_env=False)
            try:
                async with admin:
                    where = {"host": "127.0.0.1", "port": gateway.port}
                    (await admin.patch(f"{server.url}/api/v1/trunks/uas", json=where)).raise_for_status()
                    secured = {"name": "secured", "host": "127.0.0.3", "sources": ["127.0.0.3"], "srtp": "optional"}
                    made = await admin.post(f"{server.url}/api/v1/trunks", json=secured | {"context": "guest"})
                    made.raise_for_status()
                await asyncio.gather(*(call(server.sip, caller) for caller in (*FAULTS.values(), *healthy)))
            finally:
                gateway.close()

        asyncio.run(all_at_once())
        found = _records(server)
        assert len(found) == len(FAULTS) + HEALTHY
        yield found


def _records(server: Server) -> dict[str, dict[str, Any]]:
    # A record is there before the call's last answer is a second old; asking for a trace waits for the disk.
    first = server.get("/api/v1/cdrs?limit=1000")["items"]
    for _ in range(100):
        if len(first) >= len(FAULTS) + HEALTHY:
            break
        first = server.get("/api/v1/cdrs?limit=1000")["items"]
    return {record["from"]: record for record in first}


def test_each_fault_is_injected() -> None:
    assert set(FAULTS) == set(KINDS)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_named_with_its_leg(records: dict[str, dict[str, Any]], kind: str) -> None:
    trouble = records[FAULTS[kind].number]["trouble"]
    assert [one["kind"] for one in trouble] == [kind]
    assert trouble[0]["sentence"].startswith(OTHER_LEG.get(kind, "leg 1 (guest/127.0.0.1): "))


def test_every_fault_is_named_and_on_a_hundred_healthy_calls_none_is_invented(
    records: dict[str, dict[str, Any]],
) -> None:
    named = {number: [one["kind"] for one in record["trouble"]] for number, record in records.items()}
    well = {f"well{number}" for number in range(HEALTHY)}
    assert {number: kinds for number, kinds in named.items() if number in well and kinds} == {}
    assert {number: kinds for number, kinds in named.items() if number not in well} == {
        caller.number: [kind] for kind, caller in FAULTS.items()
    }

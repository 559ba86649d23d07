"""Encrypted sound by keys in SDP (SDES): pjsua2 and baresip, with a plain phone and with each other, heard both ways.

The demo's signalling does not leave this machine, so that its keys may go over UDP.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN, Phone, ready
from tests.support.server import Server

pytestmark = [phones.needed]

TALK = 1.5
ALICE, BOB = "1018", "1019"


@contextlib.contextmanager
def policies(admin: Admin, **srtp: str) -> Iterator[None]:
    """Accounts `a` and `b` with a policy each, and without one again."""
    accounts = {"a": ALICE, "b": BOB}
    for name, policy in srtp.items():
        admin.patch(f"/accounts/{accounts[name]}", srtp=policy)
    try:
        yield
    finally:
        for name in srtp:
            admin.patch(f"/accounts/{accounts[name]}", srtp="off")


async def talk(alice: Phone, bob: Phone) -> None:
    """The one calls the other, who answers at once; both hear each other."""
    async with ready(alice, bob):
        await alice.do("dial", number=BOB)
        await alice.state("confirmed")
        await bob.state("confirmed")
        await asyncio.sleep(TALK)
        await alice.do("hangup", call=1)
        await bob.state("disconnected")
        await alice.leave()
        await bob.leave()
    assert alice.heard().frequency == pytest.approx(800, abs=3)
    assert bob.heard().frequency == pytest.approx(500, abs=3)


@pytest.mark.parametrize(
    ("a", "b", "first", "second"),
    [
        ("mandatory", "off", "required", "off"),
        ("off", "mandatory", "off", "required"),
        ("mandatory", "mandatory", "optional", "required"),
        ("optional", "off", "optional", "off"),
        ("off", "optional", "off", "preferred"),
        ("optional", "optional", "preferred", "preferred"),
        ("off", "off", "preferred", "preferred"),
    ],
)
async def test_phones_with_srtp_and_without_hear_each_other(
    switch: Server, admin: Admin, tmp_path: Path, a: str, b: str, first: str, second: str
) -> None:
    alice = Phone(switch, ALICE, tmp_path, tone=500, srtp=a)
    bob = Phone(switch, BOB, tmp_path, tone=800, srtp=b, answer=200)
    with policies(admin, a=first, b=second):
        await talk(alice, bob)
    record = admin.cdrs(BOB)[0]
    trace = admin.get(f"/calls/{record['call_id']}/trace")
    assert not [one for one in record["trouble"] if "srtp" in one["kind"]]
    assert "inline:" not in str(trace) and "inline:" not in str(record)


async def test_a_phone_that_wants_srtp_hears_what_the_switch_plays(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    with policies(admin, a="required"):
        async with ready(Phone(switch, ALICE, tmp_path, tone=620, srtp="mandatory")) as (phone,):
            await phone.do("dial", number="9197")
            await phone.state("confirmed")
            await asyncio.sleep(TALK)
            await phone.do("hangup", call=1)
            await phone.state("disconnected")
            await phone.leave()
    assert phone.heard().frequency == pytest.approx(1004, abs=3)


async def test_its_own_tone_comes_back_from_the_echo(switch: Server, admin: Admin, tmp_path: Path) -> None:
    with policies(admin, a="required"):
        async with ready(Phone(switch, ALICE, tmp_path, tone=620, srtp="mandatory")) as (phone,):
            await phone.do("dial", number="9196")
            await phone.state("confirmed")
            await asyncio.sleep(TALK)
            await phone.leave()
    assert phone.heard().frequency == pytest.approx(620, abs=3)


@pytest.mark.parametrize(("phone_says", "policy"), [("mandatory", "off"), ("off", "required")])
async def test_what_does_not_fit_is_refused_and_the_record_says_why(
    switch: Server, admin: Admin, tmp_path: Path, phone_says: str, policy: str
) -> None:
    known = {record["call_id"] for record in admin.all("/cdrs")}
    with policies(admin, a=policy):
        async with ready(Phone(switch, ALICE, tmp_path, srtp=phone_says)) as (phone,):
            await phone.do("dial", number="9196")
            ended = await phone.state("disconnected")
    assert ended["status"] == 488
    (record,) = admin.eventually(
        lambda: [record for record in admin.all("/cdrs") if record["call_id"] not in known], bool
    )
    (trouble,) = record["trouble"]
    assert trouble["kind"] == "srtp_against_rtp"
    assert "SRTP" in trouble["sentence"]


async def test_a_held_call_is_resumed_under_srtp(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice = Phone(switch, ALICE, tmp_path, tone=500, srtp="mandatory")
    bob = Phone(switch, BOB, tmp_path, tone=800, srtp="mandatory", answer=200)
    with policies(admin, a="required", b="required"):
        async with ready(alice, bob):
            await alice.do("dial", number=BOB)
            await alice.state("confirmed")
            await bob.state("confirmed")
            await alice.do("hold", call=1)
            await asyncio.sleep(TALK)
            await alice.do("resume", call=1)
            await asyncio.sleep(2 * TALK)
            await alice.leave()
            await bob.leave()
    assert alice.heard(start=-TALK).frequency == pytest.approx(800, abs=3)
    assert bob.heard(start=-TALK).frequency == pytest.approx(500, abs=3)


# baresip, whose libre has its own SRTP and other suites --------------------------------------------------------

baresip = pytest.importorskip("baresip")
from tests.interop.test_baresip import TONE, baresip_phone, hear  # noqa: E402 - it needs baresip


@pytest.mark.parametrize(("encryption", "policy"), [("srtp", "optional"), ("srtp-mand", "required")])
async def test_baresip_with_srtp_calls_a_plain_phone(
    switch: Server, admin: Admin, tmp_path: Path, encryption: str, policy: str
) -> None:
    bob = Phone(switch, BOB, tmp_path, tone=500, answer=200)
    with policies(admin, a=policy):
        async with ready(bob), baresip_phone(switch, ALICE, encryption=encryption) as agent:
            call = await agent.dial(f"sip:{BOB}@{switch.host}:{switch.sip_port}")
            await call.wait_established(WITHIN)
            heard = await hear(call, TALK)
            await call.hangup()
            await bob.state("disconnected")
            await bob.leave()
    assert heard.frequency == pytest.approx(500, abs=3)
    assert bob.heard().frequency == pytest.approx(TONE, abs=3)


async def test_pjsua_and_baresip_each_with_keys_of_their_own(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice = Phone(switch, BOB, tmp_path, tone=500, srtp="mandatory")
    with policies(admin, a="required", b="required"):
        async with ready(alice), baresip_phone(switch, ALICE, encryption="srtp-mand") as agent:
            incoming: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            agent.on_incoming(incoming.set_result)
            await alice.do("dial", number=ALICE)
            call = await asyncio.wait_for(incoming, WITHIN)
            await call.answer()
            await alice.state("confirmed")
            await call.wait_established(WITHIN)
            heard = await hear(call, TALK)
            await alice.leave()
    assert heard.frequency == pytest.approx(500, abs=3)
    assert alice.heard().frequency == pytest.approx(TONE, abs=3)

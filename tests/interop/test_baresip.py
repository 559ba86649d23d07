"""baresip, a second independent phone, registers and talks with pjsua2 through the switch, calling and called."""

import asyncio
import contextlib
from array import array
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest

from softswitch.phone.sound import Heard, listen
from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN, Phone, ready
from tests.support.server import Server, free_sip_port, running

baresip = pytest.importorskip("baresip")
from baresip.call import Call  # noqa: E402
from baresip.runtime import Runtime  # noqa: E402
from baresip.ua import UserAgent  # noqa: E402

pytestmark = [phones.needed]

TALK = 1.5
TONE = 700


@contextlib.asynccontextmanager
async def baresip_phone(
    server: Server,
    account: str,
    *,
    transport: Literal["udp", "tls"] = "udp",
    encryption: str = "",
    codecs: tuple[str, ...] = ("pcmu", "pcma"),
) -> AsyncIterator[UserAgent]:
    """A registered baresip that sends a tone of `TONE` Hz; one at a time in a process. `encryption`: `srtp` where it
    likes keys in SDP, `srtp-mand` where it insists."""
    port = server.sip_port + 1 if transport == "tls" else server.sip_port
    # What it trusts: the certificate that the demo has made for itself.
    authority = server.log.parent / "data" / "demo-certificate.pem"
    runtime = Runtime()
    await runtime.start(
        baresip.Config(
            net_interface="127.0.0.1",
            audio_source=f"ausine,{TONE}",
            extra_config_text=("module srtp.so\n" if encryption else "")
            + f"sip_listen 127.0.0.1:{free_sip_port('127.0.0.1')}\nsip_cafile {authority}\n",
        )
    )
    try:
        agent = await UserAgent.create(
            runtime,
            baresip.Account(
                account,
                f"{server.host}:{port}",
                f"demo-{account}",
                transport=transport,
                audio_codecs=codecs,
                extra_params=(f"mediaenc={encryption}",) if encryption else (),
            ),
        )
        await agent.register(timeout=WITHIN)
        yield agent
        await agent.unregister(timeout=WITHIN)
    finally:
        await runtime.close()


async def hear(call: Call, seconds: float) -> Heard:
    """What a baresip call hears in the next seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    pcm = b""
    while loop.time() < until:
        await asyncio.sleep(0.02)
        pcm += call.audio.read(65536)
    info = call.audio.info()
    samples = array("h", pcm[: len(pcm) // 2 * 2])
    return listen(samples[:: info.rx_channels], info.rx_sample_rate)


async def test_baresip_calls_pjsua_and_both_hear_each_other(switch: Server, admin: Admin, tmp_path: Path) -> None:
    bob = Phone(switch, "1017", tmp_path, tone=500, answer=200)
    async with ready(bob), baresip_phone(switch, "1016") as agent:
        call = await agent.dial(f"sip:1017@{switch.host}:{switch.sip_port}")
        await call.wait_established(WITHIN)
        heard = await hear(call, TALK)
        await call.hangup()
        await bob.state("disconnected")
        await bob.leave()

    assert heard.frequency == pytest.approx(500, abs=3)
    assert bob.heard().frequency == pytest.approx(TONE, abs=3)
    assert admin.cdr("1017")["disposition"] == "answered"


async def test_pjsua_calls_baresip_and_hangs_up(switch: Server, admin: Admin, tmp_path: Path) -> None:
    alice = Phone(switch, "1017", tmp_path, tone=500)
    async with ready(alice), baresip_phone(switch, "1016") as agent:
        incoming: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        agent.on_incoming(incoming.set_result)
        await alice.do("dial", number="1016")
        call = await asyncio.wait_for(incoming, WITHIN)
        await call.answer()
        await alice.state("confirmed")
        await call.wait_established(WITHIN)
        heard = await hear(call, TALK)
        await alice.leave()

    assert heard.frequency == pytest.approx(500, abs=3)
    assert alice.heard().frequency == pytest.approx(TONE, abs=3)
    assert admin.cdr("1016")["disposition"] == "answered"


async def test_pjsua_and_baresip_talk_over_tls_each_called_by_the_connection_it_registered_on(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    alice = Phone(switch, "1013", tmp_path, tone=500, transport="tls")
    async with ready(alice), baresip_phone(switch, "1014", transport="tls") as agent:
        listed = {one["aor"]: one["transport"] for one in admin.all("/registrations")}
        assert (listed["1014"], listed["1013"]) == ("tls", "tls")
        incoming: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        agent.on_incoming(incoming.set_result)
        await alice.do("dial", number="1014")
        call = await asyncio.wait_for(incoming, WITHIN)
        await call.answer()
        await alice.state("confirmed")
        await call.wait_established(WITHIN)
        heard = await hear(call, TALK)
        await call.hangup()
        await alice.state("disconnected")
        await alice.leave()

    assert heard.frequency == pytest.approx(500, abs=3)
    assert alice.heard().frequency == pytest.approx(TONE, abs=3)
    assert admin.cdr("1014")["disposition"] == "answered"


async def test_baresip_hears_its_own_echo(switch: Server) -> None:
    async with baresip_phone(switch, "1016") as agent:
        call = await agent.dial(f"sip:9196@{switch.host}:{switch.sip_port}")
        await call.wait_established(WITHIN)
        heard = await hear(call, TALK)
        await call.hangup()

    assert heard.frequency == pytest.approx(TONE, abs=3)


@pytest.mark.parametrize("offered", ["SHA-256,MD5", "SHA-256"])
async def test_phones_register_where_sha_256_comes_first_or_alone(offered: str, tmp_path: Path) -> None:
    with running(tmp_path, environment={"SOFTSWITCH_SIP_DIGEST": offered}) as server:
        async with baresip_phone(server, "1016"), ready(Phone(server, "1017", tmp_path)) as (phone,):
            bound = {each["aor"] for each in server.get("/api/v1/registrations")["items"]}
            await phone.leave()
    assert len(bound) == 2

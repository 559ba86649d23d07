"""Phones (pjsua2) leave messages and fetch them: what was said is heard, lamps follow, and a kill loses little."""

import asyncio
from pathlib import Path

import httpx
from aiosmtpd.smtp import SMTP

from softswitch.phone.process import PhoneProcess
from softswitch.phone.sound import dominant_frequency, listen, read_wav
from tests.interop import phones
from tests.interop.conftest import Admin
from tests.interop.phones import WITHIN, Phone, ready
from tests.support.server import Server, running
from tests.unit.test_mail_gateway import Postbox

pytestmark = [phones.needed]

SAID = 523.0
"""Hz: what the caller says, and no prompt."""
TALK = 3.0
PIN = "2580"


async def press(phone: PhoneProcess, keys: str) -> None:
    for key in keys:
        await phone.do("digit", call=1, digit=key)
        await asyncio.sleep(0.35)


async def speaking(phone: Phone, box: str, seconds: float) -> None:
    """Call a box, skip its greeting, and say something after the tone."""
    await phone.do("dial", number=f"*98{box}")
    await phone.state("confirmed")
    await asyncio.sleep(1.5)
    await press(phone, "#")
    await asyncio.sleep(0.6 + seconds)


def sound_of(server: Server, box: str, message: str, folder: Path) -> tuple[list[int], int]:
    answer = httpx.get(
        f"{server.url}/api/v1/voicemail/{box}/messages/{message}/sound",
        headers={"Authorization": "Bearer demo-admin"},
        trust_env=False,
    )
    answer.raise_for_status()
    path = folder / f"{message}.wav"
    path.write_bytes(answer.content)
    samples, rate = read_wav(path)
    return list(samples), rate


def seconds_of(recording: Path, frequency: float) -> float:
    """How long a tone is heard in a recording, by fifths of a second."""
    samples, rate = read_wav(recording)
    step = rate // 5
    found = 0
    for start in range(0, len(samples) - step, step):
        piece = samples[start : start + step]
        heard = dominant_frequency(piece, rate)
        if listen(piece, rate).level_dbfs > -40 and heard is not None and abs(heard - frequency) < 8:
            found += 1
    return found / 5


async def test_a_message_is_left_heard_and_deleted_and_the_lamp_follows(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    alice = Phone(switch, "1014", tmp_path, tone=SAID)
    bob = Phone(switch, "1015", tmp_path, tone=80.0, mailbox=True)
    async with ready(alice, bob):
        assert "Messages-Waiting: no" in (await bob.expect("mailbox", within=WITHIN))["text"]
        await speaking(alice, "1015", TALK)
        await alice.do("hangup", call=1)
        await alice.state("disconnected")
        assert "Voice-Message: 1/0" in (await bob.expect("mailbox", within=WITHIN))["text"]
        (message,) = admin.all("/voicemail/1015/messages")
        assert (message["from"], message["folder"], message["note"]) == ("1014", "new", "")
        samples, rate = sound_of(switch, "1015", message["id"], tmp_path)
        assert abs(len(samples) / rate - message["seconds"]) < 0.05 and TALK - 1 < message["seconds"] < TALK + 2
        said = listen(samples[rate // 2 :], rate)
        assert said.frequency is not None and abs(said.frequency - SAID) < 3
        assert said.audible_seconds > TALK - 1.5

        await bob.do("dial", number="*97")
        await bob.state("confirmed")
        await asyncio.sleep(1.0)
        await press(bob, f"{PIN}#")
        await asyncio.sleep(0.5)
        await press(bob, "1")
        assert "Voice-Message: 0/1" in (await bob.expect("mailbox", within=40))["text"]
        await press(bob, "7")
        await asyncio.sleep(1.0)
        await bob.do("hangup", call=1)
        await bob.state("disconnected")
        assert "Voice-Message: 0/0" in (await bob.expect("mailbox", within=WITHIN))["text"]
        for phone in (alice, bob):
            await phone.leave()
    assert admin.all("/voicemail/1015/messages") == []
    assert TALK - 1.2 < seconds_of(bob.recording, SAID) < TALK + 1.5
    cdr = admin.cdr("*981015")
    assert cdr["disposition"] == "answered" and cdr["billable_ms"] > TALK * 1000


async def test_a_message_is_sent_to_a_mail_server_with_the_sound(tmp_path: Path) -> None:
    postbox = Postbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(postbox), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mail = {"SERVER": f"127.0.0.1:{port}", "TLS": "none", "SENDER": "phone@example.com"}
    environment = {f"SOFTSWITCH_MAIL_{name}": value for name, value in mail.items()}
    with running(tmp_path, environment=environment) as switch:
        admin = Admin(switch)
        admin.patch("/voicemail/1002", email="bob@example.com")
        alice = Phone(switch, "1001", tmp_path / "phones", tone=SAID)
        async with ready(alice):
            await speaking(alice, "1002", TALK)
            await alice.do("hangup", call=1)
            await alice.state("disconnected")
            async with asyncio.timeout(WITHIN):
                while not postbox.mails:  # noqa: ASYNC110 - a mail server tells nobody
                    await asyncio.sleep(0.05)
        (message,) = await asyncio.to_thread(admin.all, "/voicemail/1002/messages")
        samples, _ = await asyncio.to_thread(sound_of, switch, "1002", message["id"], tmp_path)
        admin.close()
    server.close()
    (sent,) = postbox.mails
    (attached,) = sent.iter_attachments()
    (tmp_path / "attached.wav").write_bytes(attached.get_content())
    assert list(read_wav(tmp_path / "attached.wav")[0]) == samples and len(samples) > 8000
    assert sent["To"] == "bob@example.com" and "1001" in sent["Subject"]


async def test_a_kill_in_the_middle_of_a_message_leaves_what_was_said(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        alice = Phone(server, "1001", tmp_path / "phones", tone=SAID)
        async with ready(alice):
            await speaking(alice, "1002", TALK)
            server.process.kill()
            server.process.wait()

    with running(tmp_path) as server:
        admin = Admin(server)
        (message,) = admin.all("/voicemail/1002/messages")
        samples, rate = sound_of(server, "1002", message["id"], tmp_path)
        lamp = admin.get("/accounts/1002/mwi")
        admin.close()
    assert message["note"] == "the switch was stopped in the middle of it" and message["from"] == "1001"
    assert message["seconds"] > TALK - 1.5, "about a second is missing"
    said = listen(samples[rate // 2 :], rate)
    assert said.frequency is not None and abs(said.frequency - SAID) < 3
    assert lamp["new"] == 1

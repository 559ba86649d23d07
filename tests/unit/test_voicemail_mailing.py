"""What waits to be sent by e-mail: from the box to a real mail server, tried again, given up, bounded."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from softswitch.events import MessageMailed, MessageMailFailed
from softswitch.features.voicemail import service as services
from softswitch.features.voicemail.mailing import DELAYS_MS, Mailing
from softswitch.features.voicemail.model.box import Box
from softswitch.kernel.errors import Conflict, Unavailable
from softswitch.kernel.mail import Mail
from softswitch.kernel.speech import Heard
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock
from tests.unit.test_mail_gateway import Postbox, Serve, gateway, serve  # noqa: F401 - a fixture
from tests.unit.test_voicemail_api import House, wav

BOX = Box(number="1001", account="1001", email="bob@example.com", timezone="Asia/Shanghai")


class Mailer:
    """Takes e-mails, or raises what it is told."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.mails: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.mails.append(mail)


class Scribe:
    """Understands everything in the same way, or nothing."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    async def recognise(self, sound: Path, language: str, phrases: Sequence[str] = ()) -> Heard:
        if not self.text:
            raise Unavailable("nobody understands")
        assert sound.suffix == ".wav"
        return Heard(f"{language}: {self.text}", 1.0)


@pytest.fixture
async def house(database: Database, tmp_path: Path, clock: StandingClock) -> House:
    house = House(database, tmp_path / "data", clock)
    await house.service.load(database)
    return house


async def with_box(house: House, **more: Any) -> None:
    house.boxes._boxes["1001"] = box = replace(BOX, **more)
    await house.store.write_boxes([box])


def told(house: House, *kinds: type) -> list[Any]:
    return [fact for fact in house.facts if isinstance(fact, kinds)]


async def test_a_message_that_is_left_arrives_as_a_mail(house: House, serve: Serve) -> None:  # noqa: F811
    await with_box(house)
    postbox = Postbox()
    mailing = Mailing(house.service, gateway(await serve(postbox)), house.facts.append)
    mailing.start()
    message = await house.left(seconds=65.0, urgent=True)
    async with asyncio.timeout(10):
        while not told(house, MessageMailed):  # noqa: ASYNC110 - the fact is what tells
            await asyncio.sleep(0.02)
    await mailing.stop()
    (mail,) = postbox.mails
    assert mail["Subject"] == "Voice message from Zoë (2001), 1:05" and mail["To"] == "bob@example.com"
    body = mail.get_body(("plain",))
    assert body is not None and "It is urgent." in body.get_content() and "Asia/Shanghai" in body.get_content()
    (sound,) = mail.iter_attachments()
    assert sound.get_content() == wav(65.0)
    assert await house.store.mail_waiting() == 0 and await house.service.message("1001", message.id)


async def test_it_is_said_in_the_language_of_the_box_and_deleted_where_that_is_wanted(house: House) -> None:
    await with_box(house, language="zh", email_then_delete=True)
    mailer = Mailer()
    await house.left()
    await Mailing(house.service, mailer, house.facts.append).send_due()
    assert mailer.mails[0].subject.startswith("来自Zoë (2001)的语音留言")
    assert await house.service.messages("1001") == [] and house.lamps.now["1001"].new == 0


async def test_without_sound_nothing_is_attached(house: House) -> None:
    await with_box(house, email_sound=False)
    mailer = Mailer()
    await house.left()
    await Mailing(house.service, mailer, house.facts.append).send_due()
    assert mailer.mails[0].attachments == ()


@pytest.mark.parametrize("text", ["call me back", ""])
async def test_what_was_said_is_written_beside_it_where_it_is_understood(house: House, text: str) -> None:
    await with_box(house, email_transcript=True)
    mailer = Mailer()
    message = await house.left()
    await Mailing(house.service, mailer, house.facts.append, Scribe(text)).send_due()
    kept = await house.service.message("1001", message.id)
    assert ("en: call me back" in mailer.mails[0].text) == bool(text) == (kept.transcript == "en: call me back")


async def test_what_is_not_taken_is_tried_again_for_a_day_and_then_given_up(house: House, clock: StandingClock) -> None:
    await with_box(house)
    mailer = Mailer(*(Unavailable("away") for _ in range(100)))
    mailing = Mailing(house.service, mailer, house.facts.append)
    await house.left()
    for delay in DELAYS_MS:
        assert await mailing.send_due() == 1 and await mailing.send_due() == 0, "not before its time"
        clock.now += delay / 1000
    assert sum(DELAYS_MS) >= 86_400_000
    assert await mailing.send_due() == 1
    assert [fact.given_up for fact in told(house, MessageMailFailed)] == [False] * len(DELAYS_MS) + [True]
    assert await house.store.mail_waiting() == 0 and len(await house.service.messages("1001")) == 1


async def test_what_will_never_be_taken_is_given_up_at_once_and_a_bug_hurts_no_other(house: House) -> None:
    await with_box(house)
    mailer = Mailer(Conflict("mail-refused", "no such user"), RuntimeError("a bug"))
    mailing = Mailing(house.service, mailer, house.facts.append)
    for _ in range(3):
        await house.left()
    assert await mailing.send_due() == 3
    assert sorted(fact.given_up for fact in told(house, MessageMailFailed)) == [False, True]
    assert len(mailer.mails) == 1 and await house.store.mail_waiting() == 1


async def test_mail_about_a_message_that_is_gone_is_not_sent(house: House) -> None:
    await with_box(house)
    mailer = Mailer()
    message = await house.left()
    await house.service.delete([message])
    assert await house.store.mail_waiting() == 0
    await Mailing(house.service, mailer, house.facts.append).send_due()
    assert not mailer.mails


async def test_what_waits_is_bounded_and_the_message_is_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_MAIL", 2)
    await with_box(house)
    for _ in range(4):
        await house.left()
    assert await house.store.mail_waiting() == 2 and len(await house.service.messages("1001")) == 4

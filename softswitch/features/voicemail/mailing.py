"""Owners are told of messages by e-mail: what waits is in the database, and is tried again for a day."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from msgspec import Struct

from softswitch.events import Fact, MessageMailed, MessageMailFailed
from softswitch.features.voicemail.model.box import Box
from softswitch.features.voicemail.model.message import Message
from softswitch.features.voicemail.service import Voicemail
from softswitch.kernel.errors import Conflict, SwitchError, Unavailable
from softswitch.kernel.mail import Attachment, Mail
from softswitch.platform.background import Background
from softswitch.platform.database import DatabaseUnavailable
from softswitch.ports.messages import Mailer
from softswitch.ports.speech import Recogniser

log = structlog.get_logger(__name__)

DELAYS_MS = tuple(1000 * seconds for seconds in (60, 300, 900, 3600, 4 * 3600, 8 * 3600, 11 * 3600))
"""After each attempt but the last until the next."""
LOOK_SECONDS = 30.0
AT_ONCE = 4
"""E-mails under way."""
MOST_ATTACHED = 20 * 1024 * 1024
"""Bytes of sound in one; what is longer stays in the box alone."""


class Words(Struct, frozen=True):
    """What an e-mail says, in one language."""

    subject: str
    body: str
    transcript: str
    too_long: str
    stranger: str


WORDS = {
    "en": Words(
        "Voice message from {who}, {length}",
        "You have a voice message from {who} in the mailbox {box}, left on {when}, {length} long.{urgent}",
        "What was understood of it:",
        "It is too long to be sent: please call your mailbox to hear it.",
        "an unknown caller",
    ),
    "zh": Words(
        "来自{who}的语音留言，时长{length}",
        "信箱{box}收到来自{who}的语音留言，留言时间{when}，时长{length}。{urgent}",
        "识别出的内容：",
        "留言太长，无法发送，请拨打信箱收听。",
        "未知号码",
    ),
}
_URGENT = {"en": " It is urgent.", "zh": "紧急留言。"}


class Mailing:
    """Sends what waits, a few at a time, until it is stopped. Nothing of a call waits for it."""

    def __init__(
        self,
        voicemail: Voicemail,
        mailer: Mailer,
        publish: Callable[[Fact], None],
        recogniser: Recogniser | None = None,
    ) -> None:
        """`recogniser`: who writes down what was said, where a box wants that."""
        self._voicemail = voicemail
        self._mailer = mailer
        self._publish = publish
        self._recogniser = recogniser
        self._wake = asyncio.Event()
        self._background = Background("voicemail's e-mail")

    def start(self) -> None:
        """Send from now on."""
        self._voicemail.mail_came = self._wake.set
        self._background.start(self._send_on())

    async def stop(self) -> None:
        """What is under way is tried again after the next start. Stopping twice does nothing."""
        await self._background.stop()

    async def send_due(self) -> int:
        """Send what is due; gives how many were tried. Raises DatabaseUnavailable."""
        due = await self._voicemail.store.mail_due(self._voicemail.now(), AT_ONCE)
        tries = (self._try(message, attempts) for message, attempts in due)
        for outcome in await asyncio.gather(*tries, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        return len(due)

    async def _send_on(self) -> None:
        while True:
            try:
                self._wake.clear()
                while await self.send_due():
                    pass
            except DatabaseUnavailable as error:
                log.warning("e-mails about voice messages cannot be looked for", error=str(error))
            except Exception:
                log.exception("e-mails about voice messages could not be sent")
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _try(self, message_id: str, attempts: int) -> None:
        voicemail = self._voicemail
        message = await voicemail.store.find(message_id)
        box = voicemail.boxes.find(message.box) if message is not None else None
        if message is None or box is None or not box.email:
            async with self._background.uncut:
                await voicemail.store.mail_done(message_id)
            return
        try:
            if box.email_transcript and not message.transcript:
                message = await self._written_down(message, box)
            mail = await asyncio.to_thread(_mail, message, box, voicemail.files.path)
            await self._mailer.send(mail)
        except (Unavailable, Conflict) as error:
            await self._failed(message, attempts + 1, error)
            return
        except Exception as error:
            # Whatever is wrong with this one, the others are sent.
            log.exception("an e-mail about a voice message could not be written", box=box.number, message=message.id)
            await self._failed(message, attempts + 1, error)
            return
        async with self._background.uncut:
            await voicemail.store.mail_done(message.id)
            self._publish(MessageMailed(at=voicemail.now(), box=box.number, of_call=message.call, message=message.id))
            if box.email_then_delete and mail.attachments:
                await voicemail.delete([message])

    async def _failed(self, message: Message, attempts: int, error: Exception) -> None:
        voicemail = self._voicemail
        given_up = isinstance(error, Conflict) or attempts > len(DELAYS_MS)
        async with self._background.uncut:
            if given_up:
                await voicemail.store.mail_done(message.id)
            else:
                await voicemail.store.mail_later(message.id, attempts, voicemail.now() + DELAYS_MS[attempts - 1])
        log.warning(
            "an e-mail about a voice message was not sent", box=message.box, given_up=given_up, error=str(error)
        )
        self._publish(
            MessageMailFailed(
                at=voicemail.now(),
                box=message.box,
                of_call=message.call,
                message=message.id,
                reason=str(error),
                given_up=given_up,
            )
        )

    async def _written_down(self, message: Message, box: Box) -> Message:
        if self._recogniser is None:
            return message
        try:
            heard = await self._recogniser.recognise(self._voicemail.files.path(message.file), box.language or "en")
        except SwitchError as error:
            log.warning("a voice message was not written down", box=box.number, error=str(error))
            return message
        return await self._voicemail.write_down(message, heard.text)


def _mail(message: Message, box: Box, path: Callable[[str], Path]) -> Mail:
    language = box.language or "en"
    words = WORDS[language]
    who = message.from_number or words.stranger
    if message.from_name:
        who = f"{message.from_name} ({who})"
    minutes, seconds = divmod(round(message.seconds), 60)
    left = datetime.fromtimestamp(message.left_at / 1000, ZoneInfo(box.timezone))
    said = {
        "who": who,
        "box": box.number,
        "length": f"{minutes}:{seconds:02}",
        "when": f"{left:%Y-%m-%d %H:%M} {box.timezone}",
        "urgent": _URGENT[language] if message.urgent else "",
    }
    text = [words.body.format(**said)]
    if message.transcript:
        text.append(f"{words.transcript}\n{message.transcript}")
    attachments: list[Attachment] = []
    if box.email_sound:
        files = [(name, path(file)) for name, file in (("comment", message.comment), ("message", message.file)) if file]
        if sum(file.stat().st_size for _, file in files) <= MOST_ATTACHED:
            attachments = [Attachment(file, f"{name}-{message.id}.wav", "audio/wav") for name, file in files]
        else:
            text.append(words.too_long)
    return Mail(
        to=box.email,
        subject=words.subject.format(**said),
        text="\n\n".join(text) + "\n",
        at=message.left_at,
        id=f"voicemail-{message.id}",
        attachments=tuple(attachments),
    )

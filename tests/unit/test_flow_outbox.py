"""What flows send: handed over behind the call, again where that may yet succeed, and never without bound."""

import asyncio
from collections.abc import Sequence

import pytest

from softswitch.features.ivr import outbox
from softswitch.features.ivr.outbox import MOST_WAITING, Outbox
from softswitch.kernel.errors import Conflict, NotFound, SwitchError, Unavailable
from softswitch.kernel.mail import Mail
from softswitch.kernel.messages import TextMessage
from tests.support.virtual_time import VirtualClock, VirtualTimeLoop, run


class Carrier:
    """Takes mails and texts, or raises what it is told to."""

    def __init__(self, *errors: SwitchError) -> None:
        self.errors = list(errors)
        self.mails: list[tuple[float, Mail]] = []
        self.texts: list[TextMessage] = []
        self.attempts = 0

    async def send(self, what: Mail | TextMessage) -> None:
        self.attempts += 1
        await asyncio.sleep(0.1)
        if self.errors:
            raise self.errors.pop(0)
        if isinstance(what, Mail):
            self.mails.append((asyncio.get_running_loop().time(), what))
        else:
            self.texts.append(what)


def test_a_text_and_a_mail_are_handed_over() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        carrier = Carrier()
        box = Outbox(VirtualClock(loop), carrier, carrier)
        assert box.sms("5000", "1001", "hello") and box.mail("a@example.com", "a subject", "some text")
        await asyncio.sleep(1)
        (text,), ((_, mail),) = carrier.texts, carrier.mails
        assert (text.from_.number, text.to, text.body) == ("5000", "1001", b"hello")
        assert (mail.to, mail.subject, mail.text) == ("a@example.com", "a subject", "some text")

    run(main)


@pytest.mark.parametrize(
    ("errors", "attempts", "at"),
    [
        ([Unavailable("busy")], 2, 10.2),
        ([Unavailable("busy")] * 2, 3, 70.3),
        ([Unavailable("busy")] * 4, 4, None),
        ([Conflict("mail-refused", "never")], 1, None),
    ],
)
def test_a_mail_is_tried_again_where_it_may_yet_be_taken(
    errors: Sequence[SwitchError], attempts: int, at: float | None
) -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        carrier = Carrier(*errors)
        box = Outbox(VirtualClock(loop), None, carrier)
        assert box.mail("a@example.com", "s", "t")
        await asyncio.sleep(sum(outbox.PAUSES) + 10)
        assert carrier.attempts == attempts
        assert [when for when, _ in carrier.mails] == ([] if at is None else [pytest.approx(at)])

    run(main)


def test_what_nobody_takes_is_told_at_once() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        nobody = Outbox(VirtualClock(loop), None, None)
        assert not nobody.sms("5000", "1001", "x") and not nobody.mail("a@example.com", "s", "t")
        carrier = Carrier(NotFound("account", "1999"))
        box = Outbox(VirtualClock(loop), carrier, carrier)
        for address in ("nobody", "a@b\r\nBcc: c@d", "a b@c", ""):
            assert not box.mail(address, "s", "t")
        assert box.sms("5000", "1999", "x")  # refused behind the call
        for _ in range(MOST_WAITING - 1):
            assert box.sms("5000", "1001", "x")
        assert not box.sms("5000", "1001", "one too many")
        await box.stop()
        assert carrier.texts == []

    run(main)

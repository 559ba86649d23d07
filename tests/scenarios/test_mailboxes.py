"""Phones that never subscribe are told of their mailboxes, where that is set."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from softswitch.kernel.address import HostPort
from softswitch.kernel.binding import PushTarget
from softswitch.kernel.watching import Mailbox, Subject
from tests.support.model_voicemail import Storing
from tests.support.phones import Phone
from tests.support.stories import registered
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop


def left(house: SimulatedSwitch, account: str, new: int) -> None:
    """A voice message is left, or heard."""
    house.features.presence._mailboxes[account] = Mailbox(new)
    house.endpoint.changed(Subject.MAILBOX, account)


@pytest.fixture
async def telling(loop: VirtualTimeLoop) -> SimulatedSwitch:
    return SimulatedSwitch(loop, unsolicited_mwi=True)


def hearing(house: SimulatedSwitch, account: str) -> Phone:
    phone = house.phone(account)
    phone.mailboxes = []
    return phone


async def test_a_phone_that_never_subscribed_is_told_of_changes_and_when_it_comes(telling: SimulatedSwitch) -> None:
    desk = hearing(telling, "1001")
    await desk.register()
    await asyncio.sleep(1)
    assert desk.mailboxes == []  # there is nothing to be told
    left(telling, "1001", 2)
    await asyncio.sleep(1)
    mobile = hearing(telling, "1001")
    await mobile.register()
    await asyncio.sleep(1)
    for phone in (desk, mobile):
        assert phone.mailboxes is not None
        assert (
            phone.mailboxes[-1].startswith("Messages-Waiting: yes\r\n") and "Voice-Message: 2/0" in phone.mailboxes[-1]
        )
    left(telling, "1001", 0)
    await asyncio.sleep(1)
    assert mobile.mailboxes is not None and mobile.mailboxes[-1].startswith("Messages-Waiting: no\r\n")
    await telling.settled()


async def test_a_phone_that_subscribed_is_told_by_its_subscription_alone(telling: SimulatedSwitch) -> None:
    (desk,) = await registered(telling, "1001")
    watcher = desk.watch("message-summary", "1001")
    assert await watcher.subscribe() == 200
    left(telling, "1001", 1)
    await watcher.until(lambda watcher: "Voice-Message: 1/0" in watcher.body)
    await watcher.subscribe(0)
    await telling.settled()  # an unsolicited NOTIFY would be a breach


async def test_nobody_is_told_unasked_where_it_is_not_set(house: SimulatedSwitch) -> None:
    (_,) = await registered(house, "1001")
    left(house, "1001", 1)
    await asyncio.sleep(1)
    await house.settled()


async def test_a_sleeping_phone_is_woken_when_a_voice_message_was_left(telling: SimulatedSwitch) -> None:
    desk = hearing(telling, "1001")
    await desk.register()
    (binding,) = telling.location.bindings("1001")
    push = PushTarget("fcm", "token-1")
    gone = HostPort(binding.source.host, 40000)
    sleeping = replace(binding, source=gone, transport="tls", connection=None, reachable=False, push=push)
    telling.location.replace("1001", [sleeping])
    session: Any = Storing()
    for new, woken in ((1, 1), (1, 1), (2, 2), (0, 2)):
        await telling.features.presence.set_mailbox(session, "1001", Mailbox(new))
        assert telling.features.woken == [("1001", "mailbox")] * woken
    assert desk.mailboxes == []
    await telling.features.presence.set_mailbox(session, "1001", Mailbox(3))
    await desk.register()
    await asyncio.sleep(1)
    assert desk.mailboxes is not None and len(desk.mailboxes) == 1 and "Voice-Message: 3/0" in desk.mailboxes[0]
    await telling.settled()

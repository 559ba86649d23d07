"""Messages between accounts, on virtual time."""

import asyncio

from msgspec.structs import replace

from softswitch.events import MessageDelivered, MessageExpired, MessageRefused, MessageSent
from softswitch.features.messaging.model import CPIM
from softswitch.features.messaging.service import MOST_WAITING
from softswitch.kernel.address import HostPort
from softswitch.kernel.binding import PushTarget
from tests.support.stories import registered, talking
from tests.support.switch import SimulatedSwitch

CPIM_BODY = (
    "From: <sip:1001@10.0.0.1>\r\nTo: <sip:1002@10.0.0.1>\r\nNS: imdn <urn:ietf:params:imdn>\r\n"
    "imdn.Message-ID: abc123\r\nimdn.Disposition-Notification: positive-delivery, negative-delivery, processing\r\n\r\n"
    "Content-Type: text/plain\r\n\r\nHello"
)


def kinds(house: SimulatedSwitch) -> list[str]:
    messages = (MessageSent, MessageDelivered, MessageRefused, MessageExpired)
    return [type(fact).__name__.removeprefix("Message") for fact in house.facts if isinstance(fact, messages)]


async def test_a_message_is_delivered_at_once(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    assert await alice.text("1002", "Lunch? 一起吃饭吗") == 200
    assert await bob.reads() == "Lunch? 一起吃饭吗"
    assert kinds(house) == ["Sent", "Delivered"]
    await house.settled()


async def test_messages_to_an_absent_account_come_in_order_when_it_registers(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    for number in range(30):
        assert await alice.text("1002", f"message {number}") == 202
    (bob,) = await registered(house, "1002")
    assert [await bob.reads() for _ in range(30)] == [f"message {number}" for number in range(30)]
    await house.settled()
    assert kinds(house) == ["Sent"] * 30 + ["Delivered"] * 30


async def test_every_device_gets_a_message(house: SimulatedSwitch) -> None:
    alice, desk, mobile = await registered(house, "1001", "1002", "1002")
    desk.answers_texts_with = 405
    assert await alice.text("1002", "hello") == 200
    assert await mobile.reads() == "hello"
    await house.settled()


async def test_a_silent_phone_gets_its_messages_once_it_speaks_again(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    house.network.detach(bob.address)
    assert await alice.text("1002", "first") == 202
    assert await alice.text("1002", "second") == 202
    house.network.attach(bob.address, bob.receive)
    assert [await bob.reads(200), await bob.reads(200)] == ["first", "second"]
    await house.settled()


async def test_a_message_that_no_device_will_have_is_given_up(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    bob.answers_texts_with = 405
    assert await alice.text("1002", "hello") == 202
    assert kinds(house) == ["Sent", "Refused"]
    await house.settled()


async def test_a_message_expires_when_its_sender_says_so(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    await house.features.messaging.start()
    assert await alice.text("1002", "quick", ("Expires", "90")) == 202
    await asyncio.sleep(200)
    assert kinds(house) == ["Sent", "Expired"]
    (bob,) = await registered(house, "1002")
    await asyncio.sleep(10)
    assert bob.texts.empty()
    await house.features.messaging.stop()
    await house.settled()


async def test_a_mailbox_of_messages_is_bounded(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    for number in range(MOST_WAITING):
        assert await alice.text("1002", str(number)) == 202
    assert await alice.text("1002", "one more") == 480
    assert await alice.text("1009x", "nobody") == 404
    await house.settled()


async def test_that_someone_types_is_never_stored(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    typing = "application/im-iscomposing+xml"
    assert await alice.text("1002", "<isComposing/>", kind=typing) == 480
    (bob,) = await registered(house, "1002")
    assert await alice.text("1002", "<isComposing/>", kind=typing) == 200
    assert await bob.reads() == "<isComposing/>"
    assert house.features.stored.messages == []
    await house.settled()


async def test_a_phone_that_knows_cpim_gives_its_own_notes(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    assert await alice.text("1002", CPIM_BODY, kind=CPIM) == 200
    assert await bob.reads() == CPIM_BODY
    await asyncio.sleep(5)
    assert alice.texts.empty()
    note = CPIM_BODY.partition("\r\n\r\n")[0] + "\r\n\r\nContent-Type: message/imdn+xml\r\n\r\n<imdn/>"
    assert await bob.text("1001", note, kind=CPIM) == 200
    assert await alice.reads() == note
    await house.settled()


async def test_a_phone_that_does_not_know_cpim_gets_the_words_and_the_sender_a_note(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    bob.understands = ("text/plain",)
    assert await alice.text("1002", CPIM_BODY, kind=CPIM) == 200
    assert await bob.reads() == "Hello"
    note = await alice.reads()
    assert "<message-id>abc123</message-id>" in note and "<delivered/>" in note
    assert "Content-Disposition: notification" in note
    await house.settled()


async def test_who_asked_for_it_hears_that_a_message_is_stored_and_that_it_failed(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    await house.features.messaging.start()
    assert await alice.text("1002", CPIM_BODY, ("Expires", "60"), kind=CPIM) == 202
    assert "<processing-notification><status><stored/>" in await alice.reads()
    assert "<delivery-notification><status><failed/>" in await alice.reads(200)
    await house.features.messaging.stop()
    await house.settled()


async def test_nobody_sends_a_message_without_a_password(house: SimulatedSwitch) -> None:
    (bob,) = await registered(house, "1002")
    stranger = house.phone("1001", password="wrong")
    assert await stranger.text("1002", "hello") == 401
    assert bob.texts.empty()
    await house.settled()


async def test_a_trunk_sends_no_messages(house: SimulatedSwitch) -> None:
    (bob,) = await registered(house, "1002")
    assert house.trunk.address == HostPort("10.0.0.80", 5080)
    assert await house.trunk.text("1002", "cheap watches") == 403
    assert bob.texts.empty()
    await house.settled()


# Inside a call ------------------------------------------------------------------------------------------


async def test_a_message_inside_a_call_reaches_the_other_party_in_its_own_dialog(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    assert await out.text("here is the number") == 200
    assert await bob.reads() == "here is the number"
    assert await back.text("谢谢") == 200
    assert await alice.reads() == "谢谢"
    bob.answers_texts_with = 488
    assert await out.text("again") == 488
    out.hang_up()
    await house.settled()
    assert kinds(house) == []  # words of a call are nobody else's to keep


async def test_a_message_to_our_own_media_engine_finds_nobody(house: SimulatedSwitch) -> None:
    (alice,) = await registered(house, "1001")
    out = alice.call("9196")
    await out.until("up")
    assert await out.text("anybody?") == 480
    out.hang_up()
    await house.settled()


async def test_a_message_whose_reader_hangs_up_meanwhile_is_answered_all_the_same(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    house.network.detach(bob.address)
    sending = asyncio.ensure_future(out.text("are you there?"))
    await asyncio.sleep(1)
    out.hang_up()
    assert await sending == 408
    assert house.agent._context.texts == {}
    house.network.attach(bob.address, bob.receive)
    await asyncio.sleep(1)
    await back.until("over")
    await house.settled()


# Phones that sleep --------------------------------------------------------------------------------------


def asleep(house: SimulatedSwitch, account: str) -> None:
    """The phone of an account has gone to sleep: its connection is gone, and a push service knows how to wake it."""
    (binding,) = house.location.bindings(account)
    push = PushTarget("fcm", "token-1")
    house.location.replace(account, [replace(binding, transport="tls", connection=None, reachable=False, push=push)])


async def test_a_sleeping_phone_is_woken_for_a_message_once(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    asleep(house, "1002")
    assert await alice.text("1002", "first") == 202
    await asyncio.sleep(300)  # it does not come
    assert house.features.woken == [("1002", "message")]
    assert await alice.text("1002", "second") == 202
    await asyncio.sleep(5)
    assert house.features.woken == [("1002", "message")] * 2
    await bob.register()
    assert [await bob.reads(), await bob.reads()] == ["first", "second"]
    assert len(house.features.woken) == 2
    await house.settled()


async def test_a_phone_that_wakes_in_time_gets_the_message_at_once(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    asleep(house, "1002")
    sending = asyncio.ensure_future(alice.text("1002", "wake up"))
    await asyncio.sleep(1)
    await bob.register()
    assert await sending == 200 and await bob.reads() == "wake up"
    await house.settled()

"""Phones behind NAT, phones that lie about where they are, and phones that say what is long, strange or broken."""

import asyncio
from collections.abc import Callable

import pytest

from softswitch.kernel.address import HostPort
from tests.support.demo_parts import password_of
from tests.support.network import Network
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Extras, Phone
from tests.support.sip_text import Sdp
from tests.support.stories import disposition, registered, talking
from tests.support.switch import SWITCH, SimulatedSwitch

PRIVATE, PUBLIC = HostPort("192.168.1.7", 5060), HostPort("10.0.44.1", 31044)
ELSEWHERE = HostPort("198.51.100.66", 5060)
"""No private address: such a one in a Contact is passed over anyhow."""


# NAT ---------------------------------------------------------------------------------------------------------


class Nat:
    """In place of the network of a phone behind it: what it sends comes from the public address, and what is sent
    there reaches it."""

    def __init__(self, network: Network, phone: Phone, public: HostPort) -> None:
        self._network, self._public = network, public
        network.detach(phone.address)
        network.attach(public, phone.receive)

    def send(self, data: bytes, source: HostPort, destination: HostPort) -> None:
        self._network.send(data, self._public, destination)

    def detach(self, address: HostPort) -> None:
        self._network.detach(self._public)


def behind_nat(house: SimulatedSwitch, account: str) -> Phone:
    """A phone that knows nothing but its private address, which it writes into Via, Contact and SDP."""
    phone = house._attach(PRIVATE, account, password_of(account))
    phone.network = Nat(house.network, phone, PUBLIC)  # type: ignore[assignment]
    return phone


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_a_phone_behind_nat_calls_and_is_called_and_either_side_hangs_up(
    house: SimulatedSwitch, who: str
) -> None:
    """RFC 3581: all goes back the way it came."""
    inside = behind_nat(house, "1001")
    assert await inside.register() == 200
    (binding,) = house.location.bindings("1001")
    assert (binding.natted, binding.source) == (True, PUBLIC)
    (outside,) = await registered(house, "1002")
    for caller, callee in ((inside, outside), (outside, inside)):
        out = caller.call(callee.user)
        back = await callee.rings()
        back.ring()
        await out.until("ringing")
        back.answer()
        await out.until("up")
        await back.until("up")
        (out if who == "caller" else back).hang_up()
        await out.until("over")
        await back.until("over")
        assert {out.how, back.how} == {"hung up", "cleared"}
    assert not [packet for packet in house.network.packets if packet.destination == PRIVATE]
    await inside.register(0)  # else the way to it is kept open for ever
    await house.settled()


async def test_a_phone_behind_nat_may_hold_and_is_told_of_a_hold(house: SimulatedSwitch) -> None:
    inside = behind_nat(house, "1001")
    assert await inside.register() == 200
    (outside,) = await registered(house, "1002")
    out = inside.call("1002")
    back = await outside.rings()
    back.answer()
    await out.until("up")
    await back.until("up")
    for call, other in ((out, back), (back, out)):
        assert call.offer_again("sendonly")
        await asyncio.sleep(1)
        assert other.remote_sdp is not None
        assert other.remote_sdp.direction == "sendonly"
        assert call.offer_again("sendrecv")
        await asyncio.sleep(1)
    out.hang_up()
    await inside.register(0)
    await house.settled()


async def test_a_contact_at_a_foreign_host_sends_nobody_anything(house: SimulatedSwitch) -> None:
    heard: list[bytes] = []
    house.network.attach(ELSEWHERE, lambda data, source: heard.append(data))
    alice, mallory = house.phone("1001"), house.phone("1002")
    mallory.contact = f"sip:victim@{ELSEWHERE}"
    for phone in (alice, mallory):
        assert await phone.register() == 200
    # Its calls reach it where it registered from, and so does what is said inside a call.
    out = alice.call("1002")
    back = await mallory.rings()
    back.ring()
    back.answer()
    await out.until("up")
    await back.until("up")
    for party in (out, back):
        assert party.offer_again("sendonly")
        await asyncio.sleep(1)
    out.hang_up()
    await back.until("over")
    # An INVITE that names a foreign host is answered, acknowledged and ended where it came from, too.
    out = mallory.call("1001")
    back = await alice.rings()
    back.answer()
    await out.until("up")
    await back.until("up")
    back.hang_up()
    await out.until("over")
    # So is a watcher told where it asked.
    watcher = mallory.watch("dialog", "1001")
    assert await watcher.subscribe() == 200
    await asyncio.sleep(1)
    assert watcher.heard == 1
    assert await watcher.subscribe(0) == 200
    await mallory.register(0)
    await house.settled()
    assert heard == []


@pytest.mark.parametrize("rings", ["reliably", "and answers under another tag"])
async def test_a_fork_that_names_a_foreign_host_sends_nobody_anything(house: SimulatedSwitch, rings: str) -> None:
    """The phone says that it is several, and that one of them is elsewhere."""
    heard: list[bytes] = []
    house.network.attach(ELSEWHERE, lambda data, source: heard.append(data))
    alice, mallory = await registered(house, "1001", "1002")
    alice.extras = mallory.extras = Extras(acknowledges=True, rings_reliably=True)
    own = mallory.contact
    out = alice.call("1002")
    back = await mallory.rings()
    back.ring(early_media=True)
    await asyncio.sleep(1)
    mallory.contact = f"sip:victim@{ELSEWHERE}"
    mallory.violations.clear()
    if rings == "reliably":
        back.ring(fork="other", early_media=True)
        await asyncio.sleep(3)
    else:
        request = back.invitation
        offer = back.local_sdp
        assert offer is not None
        answer = mallory.reply(request, 200, "other", sdp=offer.write())
        mallory.contact = own
        back.answer()
        await out.until("up")
        mallory.transmit(answer, SWITCH)
        await asyncio.sleep(3)
    mallory.contact = own
    out.hang_up() if out.state == "up" else out.cancel()
    await out.until("over")
    await asyncio.sleep(40)
    assert heard == []


# Broken ------------------------------------------------------------------------------------------------------

BROKEN_ACKS: list[tuple[Callable[[bytes], bytes], bool]] = [
    (lambda ack: ack.replace(b"CSeq:", b"X-CSeq:"), True),
    (lambda ack: ack.replace(b"Call-ID:", b"X-Call-ID:"), True),
    (lambda ack: ack.replace(b" ACK\r\n", b" INVITE\r\n"), True),
    (lambda ack: ack.replace(b"From: <sip:", b"From: <sip;"), True),
    (lambda ack: ack.replace(b";tag=", b";gat="), False),
    (lambda ack: ack[: len(ack) // 2], True),
    (lambda ack: ack.replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1), True),
]
"""What becomes of an ACK, and whether it cannot be read at all."""


@pytest.mark.parametrize(("broken", "unreadable"), BROKEN_ACKS)
@pytest.mark.parametrize("mended", [True, False])
async def test_a_malformed_ack_acknowledges_nothing_and_a_right_one_still_does(
    house: SimulatedSwitch, broken: Callable[[bytes], bytes], unreadable: bool, mended: bool
) -> None:
    alice, bob = await registered(house, "1001", "1002")
    right = alice.transmit
    acks = 0

    def transmit(data: bytes, destination: HostPort) -> None:
        nonlocal acks
        if data.startswith(b"ACK ") and b"Reason" not in data and out.remote_tag.encode() in data and out.acks_sent:
            acks += 1
            if acks == 1 or not mended:
                changed = broken(data)
                assert changed != data
                data = changed
        right(data, destination)

    alice.transmit = transmit  # type: ignore[method-assign]
    out = alice.call("1002")
    back = await bob.rings()
    back.answer()
    await out.until("up")
    await asyncio.sleep(35)
    assert acks > 1, "the 200 came again (RFC 3261 section 13.3.1.4)"
    if mended:
        assert (out.state, back.state) == ("up", "up")
        assert house.hear_each_other(out, back)
        out.hang_up()
    else:
        assert (out.how, back.how) == ("cleared", "cleared")
    # An ACK cannot be answered: that it was unreadable is counted, and no more.
    lost = 1 if mended else acks
    assert await house.reckoning() == ([f"the engine counts rejected: {lost}"] if unreadable else [])
    assert house.agent.gauges()["faults"] == 0
    assert disposition(house) == "answered"


NONSENSE = (
    b"v=0\r\n",
    b"\xff\xfe\x00",
    b"v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio x RTP/AVP 0\r\n",
    b"v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audoi!4000 RTP/AVP 0\r\n",
    b"v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=NO IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
)


class Nonsense(Sdp):
    """A description that is none."""

    def write(self) -> bytes:
        return NONSENSE[self.version]


@pytest.mark.parametrize("which", range(len(NONSENSE)))
@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_a_broken_offer_in_the_middle_of_a_call_is_refused_and_harms_nothing(
    house: SimulatedSwitch, which: int, who: str
) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    call = out if who == "caller" else back
    before = (out.remote_sdp, back.remote_sdp)
    kept = call.offers.local
    call.offers.keep()
    call._send_invite(Nonsense("x", which, call.local_rtp, ("0",)))
    await asyncio.sleep(5)
    assert call.renegotiations[-1] in (400, 415, 488)
    call.offers.local = kept
    assert (out.remote_sdp, back.remote_sdp) == before, "the other party heard nothing of it"
    assert house.hear_each_other(out, back)
    # And a right one still passes.
    assert call.offer_again("sendonly")
    await asyncio.sleep(2)
    assert call.renegotiations[-1] == 200
    call.hang_up()
    await house.settled()
    assert disposition(house) == "answered"


@pytest.mark.parametrize("which", range(len(NONSENSE)))
async def test_a_broken_answer_to_an_offer_ends_the_call_for_both(house: SimulatedSwitch, which: int) -> None:
    """It has accepted what nobody can tell: the other party's offer is refused, and the call ended (RFC 3261 section
    13.2.2.4 for the first INVITE)."""
    alice, bob = await registered(house, "1001", "1002")
    out, back = await talking(house, alice, bob)
    back.offers.answer = lambda: Nonsense("x", which, back.local_rtp, ("0",))  # type: ignore[method-assign]
    assert out.offer_again("sendonly")
    await out.until("over")
    await back.until("over")
    assert (out.renegotiations, out.how, back.how) == ([488], "cleared", "cleared")
    await house.settled()


# Long and strange --------------------------------------------------------------------------------------------


async def test_long_addresses_and_descriptions_go_through_to_the_letter(house: SimulatedSwitch) -> None:
    alice, bob = house.phone("1001"), house.phone("1002")
    bob.contact = f"sip:{'b' * 500}@{bob.address};x={'y' * 3000}"
    alice.contact = f"sip:{'a' * 500}@{alice.address};z={'%41' * 800}"
    alice.offered = ("8", *(str(number) for number in range(35, 72)), *(str(number) for number in range(96, 128)))
    bob.offered = ("8",)
    alice.says = [("Subject", "s" * 8000), *((f"X-Note-{number}", "n" * 200) for number in range(60))]
    for phone in (alice, bob):
        assert await phone.register() == 200
    out, back = await talking(house, alice, bob)
    assert back.invite_request is not None
    assert back.invite_request.request_uri == bob.contact
    assert back.offer_again("sendonly")
    await asyncio.sleep(1)
    back.hang_up()
    await out.until("over")
    await house.settled()


@pytest.mark.parametrize("length", [60, 300, 3000])
async def test_a_number_without_end_is_refused_and_not_carried_along(house: SimulatedSwitch, length: int) -> None:
    (alice,) = await registered(house, "1001")
    out = alice.call("4" * length)
    await out.until("over")
    assert out.how == "refused" and out.status in (404, 414, 484)
    await house.settled()


HOSTILE = (
    "'; DROP TABLE cdr_record; --",
    "../../../../etc/passwd",
    "<script>alert(1)</script>",
    "%s%s%n%00",
    "{0.__class__}",
    '"quoted\\"',
    "a" * 4000,
    "-",
    "c@h@i",
    "1`id`$(id)",
    "~!*()[]{}?/\\:<>%_+.-",
    "()<>:\\\"/[]?{}%00'--+~`*!@<script>",
)


@pytest.mark.parametrize("call_id", HOSTILE)
async def test_a_hostile_call_id_names_a_call_and_nothing_else(house: SimulatedSwitch, call_id: str) -> None:
    alice, bob = await registered(house, "1001", "1002")
    out = PhoneCall(alice, f"sip:1002@{alice.domain}", label="hostile")
    out.call_id = call_id.replace(" ", "")
    alice.calls.append(out)
    out.invite(offer=True)
    back = await bob.rings()
    assert back.call_id != out.call_id, "what one party chose is not told to the other"
    back.ring()
    back.answer()
    await out.until("up")
    await back.until("up")
    assert house.hear_each_other(out, back)
    back.hang_up()
    await out.until("over")
    await house.settled()
    assert disposition(house) == "answered"


async def test_two_phones_that_chose_the_same_call_id_have_two_calls(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    calls = []
    for phone in (alice, bob):
        call = PhoneCall(phone, f"sip:1003@{phone.domain}")
        call.call_id = "the-same@everywhere"
        phone.calls.append(call)
        call.invite(offer=True)
        calls.append(call)
    backs = [await carol.rings() for _ in calls]
    for back in backs:
        back.answer()
    for call in calls:
        await call.until("up")
    calls[0].hang_up()
    await calls[0].until("over")
    await asyncio.sleep(1)
    assert calls[1].state == "up"
    calls[1].hang_up()
    await house.settled()
    assert len(house.records) == 2


async def test_the_call_id_of_a_strangers_call_ends_nothing(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    mallory = house.phone("1003")
    out, back = await talking(house, alice, bob)
    for from_tag, to_tag in (("guess", "guess"), (out.local_tag, "guess"), ("guess", out.remote_tag)):
        mallory.transmit(
            (
                f"BYE sip:{SWITCH} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {mallory.address};branch={mallory.name('z9hG4bK')};rport\r\n"
                f"From: <sip:1001@x>;tag={from_tag}\r\nTo: <sip:1002@x>;tag={to_tag}\r\nCall-ID: {out.call_id}\r\n"
                f"CSeq: 9999 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            ).encode(),
            SWITCH,
        )
    await asyncio.sleep(2)
    assert (out.state, back.state) == ("up", "up")
    out.hang_up()
    await back.until("over")
    found = await house.reckoning()
    assert [each for each in found if "answers nothing that was sent" not in each] == []

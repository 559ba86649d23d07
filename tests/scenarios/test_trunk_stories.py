"""Calls that leave and come by trunks, with everything that carriers do to them."""

import asyncio
import ipaddress
import random
from typing import Any

from softswitch.calls.signals import Credentials
from softswitch.events import CallerIdentified, LegDialed, LegEnded
from softswitch.features.trunks.model import GroupRules, Member, Trunk
from softswitch.kernel.address import HostPort
from softswitch.kernel.cause import Cause
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.sip_text import Message
from tests.support.stories import causes, disposition, registered
from tests.support.switch import TRUNK, SimulatedSwitch
from tests.support.trunks import make_trunk

SECOND = HostPort("10.0.0.81", 5080)
SOURCES = (ipaddress.ip_network(TRUNK.host),)


def gateway(house: SimulatedSwitch, address: HostPort = SECOND) -> Phone:
    """One more far end."""
    phone = house._attach(address, "gateway", "")
    phone.takes_any_number = True
    return phone


def written(message: Message) -> str:
    return "\n".join(f"{name}: {value}" for name, value in message.headers)


def trunk(house: SimulatedSwitch, rules: dict[str, Any], **more: Any) -> Trunk:
    """The house's trunk with other rules; it is still reached by 8XXXX."""
    made = make_trunk("uas", rules, **{"host": TRUNK.host, "port": TRUNK.port, "ring_seconds": 60} | more)
    house.features.trunks._remember({made.name: made})
    return made


async def test_a_call_survives_a_gateway_that_refuses(house: SimulatedSwitch) -> None:
    second = gateway(house)
    trunk(house, {"gateways": [{"host": SECOND.host, "port": SECOND.port}]})
    (alice,) = await registered(house, "1001")
    out = alice.call("80001")
    (await house.trunk.rings()).refuse(503)
    back = await second.rings()
    back.ring()
    back.answer()
    await out.until("up")
    await back.until("up")
    assert house.hear_each_other(out, back)
    out.hang_up()
    await house.settled()
    (cdr,) = house.records.values()
    assert [(leg.target, leg.status) for leg in cdr.legs if leg.role == "called"] == [
        (f"sip:80001@{TRUNK}", 503),
        (f"sip:80001@{SECOND}", None),
    ]
    assert disposition(house) == "answered"


async def test_a_call_survives_a_gateway_that_is_dead(house: SimulatedSwitch) -> None:
    second = gateway(house)
    house.trunk.die()
    trunk(house, {"gateways": [{"host": SECOND.host, "port": SECOND.port}]})
    (alice,) = await registered(house, "1001")
    out = alice.call("80001")
    back = await second.rings(within=4.5)
    back.answer()
    await out.until("up")
    out.hang_up()
    await house.settled()
    dead = next(fact for fact in house.facts if isinstance(fact, LegEnded))
    assert (dead.cause, dead.status) == (Cause.RECOVERY_ON_TIMER_EXPIRY, 408)


async def test_a_busy_party_is_not_called_a_second_time(house: SimulatedSwitch) -> None:
    gateway(house)
    trunk(house, {"gateways": [{"host": SECOND.host, "port": SECOND.port}]})
    (alice,) = await registered(house, "1001")
    out = alice.call("80001")
    (await house.trunk.rings()).refuse(486)
    await out.until("over")
    assert out.status == 486
    await house.settled()
    assert len([fact for fact in house.facts if isinstance(fact, LegDialed)]) == 1


async def test_a_caller_who_gives_up_between_two_gateways_calls_no_third(house: SimulatedSwitch) -> None:
    second = gateway(house)
    trunk(house, {"gateways": [{"host": SECOND.host, "port": SECOND.port}, {"host": "10.0.0.82"}]})
    (alice,) = await registered(house, "1001")
    out = alice.call("80001")
    (await house.trunk.rings()).refuse(503)
    back = await second.rings()
    out.cancel()
    await back.until("over")
    await house.settled()
    assert disposition(house) == "cancelled"


async def test_a_carrier_that_asks_for_a_password_gets_the_answer_and_then_the_call(house: SimulatedSwitch) -> None:
    trunk(house, {"login": {"username": "switch"}}, credentials=Credentials("switch", "s3cret"))
    (alice,) = await registered(house, "1001")
    out = alice.call("80001")
    challenge = 'Proxy-Authenticate: Digest realm="carrier", nonce="n1", algorithm=SHA-256, qop="auth"'
    (await house.trunk.rings()).refuse(407, challenge)
    back = await house.trunk.rings()
    assert back.invite_request is not None
    said = back.invite_request.header("proxy-authorization")
    assert 'username="switch"' in said and "algorithm=SHA-256" in said and "s3cret" not in said
    back.answer()
    await out.until("up")
    back.hang_up()
    await house.settled()
    (cdr,) = house.records.values()
    assert len(cdr.legs) == 2  # one leg, however often it had to ask


async def test_a_trusted_carrier_says_who_calls_and_others_say_what_they_like(house: SimulatedSwitch) -> None:
    (bob,) = await registered(house, "1002")
    house.trunk.says = [("P-Asserted-Identity", '"Ann" <sip:+4930123456@carrier.example>'), ("Diversion", "<sip:99@x>")]
    for trusted, shown in ((True, "030123456"), (False, "trunk")):
        trunk(
            house,
            {"identity": {"trusted": trusted}, "numbers": {"country": "49", "incoming": "national"}},
            sources=SOURCES,
        )
        call = house.trunk.call("1002")
        back = await bob.rings()
        assert back.invite_request is not None
        assert f"sip:{shown}@" in back.invite_request.header("from")
        call.cancel()
        await back.until("over")
    await house.settled()
    said = [fact for fact in house.facts if isinstance(fact, CallerIdentified)]
    assert [(fact.asserted, fact.diverted_by) for fact in said] == [("030123456", "99"), ("", "99")]
    assert [cdr.asserted for cdr in house.records.values()] == ["030123456", ""]


async def test_a_private_caller_is_nobody_to_the_phone_that_rings(house: SimulatedSwitch) -> None:
    (bob,) = await registered(house, "1002")
    trunk(house, {"identity": {"trusted": True}}, sources=SOURCES)
    house.trunk.says = [("P-Asserted-Identity", "<sip:+4930123456@carrier.example>"), ("Privacy", "id")]
    call = house.trunk.call("1002")
    back = await bob.rings()
    assert back.invite_request is not None
    assert '"Anonymous" <sip:anonymous@anonymous.invalid>' in back.invite_request.header("from")
    assert "4930123456" not in written(back.invite_request)
    call.cancel()
    await back.until("over")
    await house.settled()
    (cdr,) = house.records.values()
    assert (cdr.asserted, cdr.private) == ("+4930123456", True)


async def test_who_a_phone_wants_hidden_is_hidden_from_an_untrusted_carrier(house: SimulatedSwitch) -> None:
    trunk(house, {"identity": {"assert_by": "p-asserted-identity"}})
    (alice,) = await registered(house, "1001")
    alice.says = [("Privacy", "id")]
    out = alice.call("80001")
    back = await house.trunk.rings()
    assert back.invite_request is not None
    raw = written(back.invite_request)
    assert "1001" not in raw and "privacy: id" in raw and "p-asserted-Identity" not in raw
    out.cancel()
    await back.until("over")
    await house.settled()


async def test_of_a_thousand_random_calls_a_trunk_never_carries_more_than_its_limit(house: SimulatedSwitch) -> None:
    """Calls in both directions that answer, ring out, are refused and given up, all at random moments."""
    chance = random.Random("limits")
    second = gateway(house)
    limited = trunk(house, {"limits": {"calls": 20, "calls_out": 15}}, sources=SOURCES)
    other = make_trunk("other", host=SECOND.host, port=SECOND.port, ring_seconds=60)
    house.features.trunks._remember({"uas": limited, "other": other})
    members = (Member(trunk="uas"), Member(trunk="other", cost=1))
    house.features.groups._groups["out"] = GroupRules(members=members)
    house.features.apps["trunk"] = lambda caller, name: house.features.apps["trunk-group"](caller, "out")
    phones = await registered(house, *(str(1001 + number) for number in range(20)))
    load = house.features.traffic.load(limited)
    most = 0
    lasting: list[asyncio.Task[None]] = []

    async def take(call: PhoneCall) -> None:
        nonlocal most
        most = max(most, load.calls_in + load.calls_out)
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        if call.state != "calling":
            return
        if chance.random() < 0.1:
            call.refuse(chance.choice((486, 503, 404)))
            return
        call.answer()
        await asyncio.sleep(chance.uniform(0.5, 6.0))
        if call.state == "up" and chance.random() < 0.5:
            call.hang_up()

    for far in (house.trunk, second, *phones):
        far.on_call = lambda call: lasting.append(asyncio.get_running_loop().create_task(take(call)))

    async def one() -> None:
        outward = chance.random() < 0.8
        call = chance.choice(phones).call("80001") if outward else house.trunk.call(chance.choice(phones).user)
        await asyncio.sleep(chance.uniform(0.2, 8.0))
        if call.state == "up":
            call.hang_up()
        elif call.state != "over":
            call.cancel()
        await call.until("over")

    async def all_of_them() -> None:
        running = []
        for _ in range(1000):
            running.append(asyncio.get_running_loop().create_task(one()))
            await asyncio.sleep(chance.expovariate(12.0))
            assert load.calls_in + load.calls_out <= 20 and load.calls_out <= 15
        await asyncio.gather(*running)

    await all_of_them()
    await asyncio.gather(*lasting)
    await house.settled()
    assert most >= 15  # the limit was met
    assert load.refused > 0
    assert (load.calls_in, load.calls_out) == (0, 0)
    assert len(causes(house)) == 1000

"""STIR/SHAKEN between two networks: the far end is a trunk that signs what it likes."""

import ipaddress
from typing import Any

import pytest

from softswitch.features.reach.model import ReachRules
from softswitch.features.trunks.model import Trunk
from softswitch.features.trunks.model.passport import check, matches, read, sign, way_of
from softswitch.features.trunks.model.trunk import SigningKey
from tests.support.passports import Authority, Signer
from tests.support.stories import registered
from tests.support.switch import TRUNK, SimulatedSwitch
from tests.support.trunks import make_trunk

URL = "https://certs.example/carrier.pem"
AUTHORITY = Authority()
CARRIER = AUTHORITY.vouches()


def trunk(house: SimulatedSwitch, stir: dict[str, Any], **more: Any) -> Trunk:
    rules = {"stir": stir, "identity": {"trusted": True}}
    sources = (ipaddress.ip_network(TRUNK.host),)
    made = make_trunk("uas", rules, host=TRUNK.host, port=TRUNK.port, sources=sources, **more)
    house.features.trunks._remember({"uas": made})
    house.features.published[URL] = CARRIER.pem
    return made


def says(house: SimulatedSwitch, *, signer: Signer = CARRIER, orig: str = "+4930123", age: int = 0) -> None:
    """What the trunk's next call bears."""
    iat = house.clock.wall_ms() // 1000 - age
    passport = sign(signer.key, URL, attest="A", orig=orig, dest="1002", iat=iat, origid="o")
    house.trunk.says = [("P-Asserted-Identity", "<sip:+4930123@carrier.example>"), ("Identity", passport)]


async def test_a_call_that_its_network_vouches_for_rings_with_that_said(house: SimulatedSwitch) -> None:
    (bob,) = await registered(house, "1002")
    trunk(house, {"verify": "require", "roots": AUTHORITY.pem})
    says(house)
    call = house.trunk.call("1002")
    back = await bob.rings()
    assert back.invite_request is not None
    asserted = back.invite_request.header("p-asserted-identity")
    assert "<sip:+4930123;verstat=TN-Validation-Passed@" in asserted
    call.cancel()
    await back.until("over")
    await house.settled()
    (cdr,) = house.records.values()
    assert (cdr.verstat, cdr.asserted) == ("TN-Validation-Passed", "+4930123")


@pytest.mark.parametrize(
    ("how", "status", "text"),
    [
        ("none", 428, "Use Identity Header"),
        ("stale", 403, "Forbidden"),
        ("other number", 438, "Invalid Identity Header"),
        ("stranger", 438, "Invalid Identity Header"),
        ("no certificate", 436, "Bad Identity Info"),
        ("nobody vouches", 437, "Unsupported Credential"),
    ],
)
async def test_a_call_that_nobody_vouches_for_is_refused_where_that_is_required(
    house: SimulatedSwitch, how: str, status: int, text: str
) -> None:
    (bob,) = await registered(house, "1002")
    trunk(house, {"verify": "require", "roots": AUTHORITY.pem if how != "nobody vouches" else Authority("Other").pem})
    if how == "stale":
        says(house, age=61)
    elif how == "other number":
        says(house, orig="+4930999")
    elif how == "stranger":
        says(house, signer=Authority("Stranger").vouches())
    elif how != "none":
        says(house)
    if how == "no certificate":
        house.features.published.clear()
    call = house.trunk.call("1002")
    await call.until("over")
    assert (call.how, call.status) == ("refused", status)
    answered = [line for line in house.network.ladder(limit=1000).splitlines() if f" {status} " in line]
    assert any(text in line for line in answered), answered
    assert bob.incoming.empty()
    await house.settled()


async def test_where_it_is_only_recorded_the_phone_rings_and_is_told(house: SimulatedSwitch) -> None:
    (bob,) = await registered(house, "1002")
    trunk(house, {"verify": "record", "roots": AUTHORITY.pem})
    for header, verstat in ((True, "TN-Validation-Failed"), (False, "No-TN-Validation")):
        house.trunk.says = []
        if header:
            says(house, orig="+4930999")
        call = house.trunk.call("1002")
        back = await bob.rings()
        assert back.invite_request is not None
        assert f"verstat={verstat}" in back.invite_request.header("p-asserted-identity")
        call.cancel()
        await back.until("over")
    await house.settled()
    assert [cdr.verstat for cdr in house.records.values()] == ["TN-Validation-Failed", "No-TN-Validation"]


async def test_our_own_calls_are_signed_and_the_next_network_finds_them_good(house: SimulatedSwitch) -> None:
    trunk(house, {"send": "sign", "certificate_url": URL}, key=SigningKey(CARRIER.key_pem))
    (alice,) = await registered(house, "1001")
    out = alice.call("80001")
    back = await house.trunk.rings()
    assert back.invite_request is not None
    passport = read(back.invite_request.header("identity"))
    assert passport.attest == "A" and passport.url == URL
    matches(passport, "1001", "80001")
    now = house.clock.wall_ms() // 1000
    check(passport, [CARRIER.certificate], [AUTHORITY.certificate], now)
    out.cancel()
    await back.until("over")
    await house.settled()


async def test_a_caller_who_is_not_to_be_known_is_not_signed_for_strangers(house: SimulatedSwitch) -> None:
    made = trunk(house, {"send": "sign", "certificate_url": URL}, key=SigningKey(CARRIER.key_pem))
    stranger = make_trunk(
        "uas", {"stir": {"send": "sign", "certificate_url": URL}}, host=made.host, port=made.port, key=made.key
    )
    house.features.trunks._remember({"uas": stranger})
    (alice,) = await registered(house, "1001")
    alice.says = [("Privacy", "id")]
    out = alice.call("80001")
    back = await house.trunk.rings()
    assert back.invite_request is not None and not back.invite_request.all("identity")
    out.cancel()
    await back.until("over")
    await house.settled()


async def test_a_call_that_we_send_on_goes_with_its_passport_and_with_ours(house: SimulatedSwitch) -> None:
    stir = {"verify": "require", "roots": AUTHORITY.pem, "send": "sign", "certificate_url": URL}
    trunk(house, stir, key=SigningKey(CARRIER.key_pem))
    house.features.reach._take("1002", ReachRules(forward_always="80001"))
    says(house)
    call = house.trunk.call("1002")
    back = await house.trunk.rings()
    assert back.invite_request is not None
    original, diverted = (read(value) for value in back.invite_request.all("identity"))
    assert (original.attest, original.dest, original.div) == ("A", ("1002",), "")
    assert (diverted.orig, diverted.div, diverted.dest) == ("4930123", "1002", ("80001",))
    now = house.clock.wall_ms() // 1000
    for passport in way_of(original, [diverted], "+4930123", "80001"):
        check(passport, [CARRIER.certificate], [AUTHORITY.certificate], now)
    call.cancel()
    await back.until("over")
    await house.settled()

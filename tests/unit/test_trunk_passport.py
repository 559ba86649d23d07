"""Passports of callers: signed, checked, and refused for every reason there is."""

import asyncio
import base64
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from softswitch.calls.identity import Identity
from softswitch.features.trunks.certificates import Certificates
from softswitch.features.trunks.model.credential import Refused
from softswitch.features.trunks.model.passport import (
    check,
    matches,
    read,
    read_key,
    sign,
    sign_diversion,
    telephone_number,
)
from softswitch.features.trunks.verifier import Verifier
from tests.support.admin_plane import StandingClock
from tests.support.passports import Authority, Signer, tn_auth_list
from tests.support.trunks import make_trunk

NOW = 1_700_000_000
URL = "https://certs.example/carrier.pem"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def signer(authority: Authority) -> Signer:
    return authority.vouches()


def signed(signer: Signer, *, iat: int = NOW, url: str = URL) -> str:
    return sign(signer.key, url, attest="A", orig="+49 30 123", dest="+4989456", iat=iat, origid="o")


def test_what_was_signed_is_as_rfc_8588_writes_it_and_passes(authority: Authority, signer: Signer) -> None:
    value = signed(signer)
    token, *parameters = value.split(";")
    assert parameters == [f"info=<{URL}>", "alg=ES256", "ppt=shaken"]
    header, claims = (base64.urlsafe_b64decode(part + "==") for part in token.split(".")[:2])
    assert header == b'{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"%s"}' % URL.encode()
    assert claims == b'{"attest":"A","dest":{"tn":["4989456"]},"iat":1700000000,"orig":{"tn":"4930123"},"origid":"o"}'
    passport = read(value)
    assert (passport.attest, passport.orig, passport.dest) == ("A", "4930123", ("4989456",))
    matches(passport, "+4930123", "+49-89-456")
    check(passport, [signer.certificate], [authority.certificate], NOW + 60)


def broken(value: str, place: int, change: Callable[[dict[str, object]], object]) -> str:
    """A header whose token says something else than was signed."""
    token, *parameters = value.split(";")
    parts = token.split(".")
    content = json.loads(base64.urlsafe_b64decode(parts[place] + "=="))
    change(content)
    parts[place] = base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
    return ";".join([".".join(parts), *parameters])


@pytest.mark.parametrize(
    ("status", "reason", "value"),
    [
        (438, "full form", lambda good: ";".join(["..signature", *good.split(";")[1:]])),
        (438, "base64url of JSON", lambda good: "a.b.c;info=<x>"),
        (437, "not by ES256", lambda good: broken(good, 0, lambda header: header.update(alg="HS256"))),
        (437, "not understood", lambda good: broken(good, 0, lambda header: header.update(ppt="rcd"))),
        (438, "lacks orig.tn, dest.tn, div.tn", lambda good: broken(good, 0, lambda header: header.update(ppt="div"))),
        (438, "lacks", lambda good: broken(good, 1, lambda claims: claims.update(dest={"tn": []}))),
        (436, "different certificates", lambda good: good.replace("info=<https://certs", "info=<https://other")),
        (436, "different certificates", lambda good: good.partition(";")[0]),
        (438, "lacks", lambda good: broken(good, 1, lambda claims: claims.pop("orig"))),
        (438, "lacks", lambda good: broken(good, 1, lambda claims: claims.update(dest={"tn": 5}))),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_own_status(
    signer: Signer, status: int, reason: str, value: Callable[[str], str]
) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        read(value(signed(signer)))
    assert refused.value.status == status


def test_a_changed_claim_breaks_the_signature(authority: Authority, signer: Signer) -> None:
    forged = read(broken(signed(signer), 1, lambda claims: claims.update(attest="B")))
    with pytest.raises(Refused, match="signature is wrong") as refused:
        check(forged, [signer.certificate], [authority.certificate], NOW)
    assert refused.value.status == 438


@pytest.mark.parametrize("away", [-61, 61, 86_400])
def test_an_old_passport_is_stale(authority: Authority, signer: Signer, away: int) -> None:
    with pytest.raises(Refused, match="Stale Date") as refused:
        check(read(signed(signer)), [signer.certificate], [authority.certificate], NOW + away)
    assert refused.value.status == 403


def test_a_passport_of_another_call_is_refused(signer: Signer) -> None:
    passport = read(signed(signer))
    for orig, dest in (("+4930124", "+4989456"), ("+4930123", "+4989457"), ("", "+4989456")):
        with pytest.raises(Refused, match="is of a call") as refused:
            matches(passport, orig, dest)
        assert refused.value.status == 438


def test_a_signer_that_nobody_we_trust_vouches_for_is_refused(authority: Authority, signer: Signer) -> None:
    stranger = Authority("Stranger").vouches()
    for chain, roots, reason in (
        ([stranger.certificate], [authority.certificate], "vouches"),
        ([signer.certificate], [], "vouches"),
        ([authority.vouches(days=1).certificate], [authority.certificate], "not valid today"),
        # A certificate that is no authority's vouches for nobody, whoever signed it.
        ([stranger.certificate, signer.certificate], [authority.certificate], "vouches"),
        ([authority.vouches(curve=ec.SECP384R1()).certificate], [authority.certificate], "P-256"),
    ):
        with pytest.raises(Refused, match=reason) as refused:
            check(read(signed(signer)), chain, roots, NOW)
        assert refused.value.status == 437


def test_a_number_is_its_digits() -> None:
    assert telephone_number("+49 (30) 12-3*#;x=1") == "4930123*#"


@pytest.mark.parametrize("pem", ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_what_is_no_key_is_said(pem: str) -> None:
    with pytest.raises(ValueError, match="no private key in PEM"):
        read_key(pem.encode())


def test_a_key_on_another_curve_cannot_sign(authority: Authority) -> None:
    with pytest.raises(ValueError, match="P-256"):
        read_key(authority.vouches(curve=ec.SECP384R1()).key_pem.encode())


async def test_a_certificate_is_fetched_once_for_all_who_wait_and_kept_for_an_hour(signer: Signer) -> None:
    clock, fetched = StandingClock(), []
    gate = asyncio.Event()

    async def fetch(url: str) -> bytes:
        fetched.append(url)
        await gate.wait()
        return signer.pem

    certificates = Certificates(fetch, clock)
    waiting = [asyncio.create_task(certificates.chain(URL)) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # one caller hangs up: the others still get it
    gate.set()
    chains = await asyncio.gather(*waiting[1:])
    assert [chain[0] for chain in chains] == [signer.certificate] * 4 and fetched == [URL]
    clock.now += 3599
    await certificates.chain(URL)
    assert fetched == [URL]
    clock.now += 2
    await certificates.chain(URL)
    assert fetched == [URL, URL]


async def test_a_place_that_has_no_certificate_is_not_asked_for_every_call() -> None:
    clock, fetched = StandingClock(), []

    async def fetch(url: str) -> bytes:
        fetched.append(url)
        raise TimeoutError("no answer")

    certificates = Certificates(fetch, clock)
    for _ in range(3):
        with pytest.raises(ValueError, match="cannot be had: no answer"):
            await certificates.chain(URL)
    clock.now += 31
    with pytest.raises(ValueError, match="cannot be had"):
        await certificates.chain(URL)
    assert len(fetched) == 2


# For which numbers a certificate is (RFC 8226) ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "may"),
    [
        (tn_auth_list("4930123"), True),
        (tn_auth_list("4930124", ("4930100", 100)), True),
        (tn_auth_list("spc:709J"), True),
        (tn_auth_list("4930124"), False),
        (tn_auth_list(("4930124", 10)), False),
        (tn_auth_list(("4930100", 23)), False),
        (tn_auth_list(("493012", 100)), False),
        (tn_auth_list(), False),
    ],
)
def test_a_certificate_signs_for_the_numbers_on_its_list_alone(authority: Authority, numbers: bytes, may: bool) -> None:
    signer = authority.vouches(numbers=numbers)
    passport = read(signed(signer))
    if may:
        check(passport, [signer.certificate], [authority.certificate], NOW)
        return
    with pytest.raises(Refused, match="the certificate of CN=Carrier is not for the number 4930123") as refused:
        check(passport, [signer.certificate], [authority.certificate], NOW)
    assert refused.value.status == 437


def test_an_authority_with_numbers_of_its_own_gives_no_others_away(authority: Authority) -> None:
    middle = authority.vouches("Middle", ca=True, numbers=tn_auth_list(("4989000", 1000)))
    signer = Authority.below(middle).vouches(numbers=tn_auth_list("4930123"))
    with pytest.raises(Refused, match="CN=Middle is not for the number 4930123"):
        check(read(signed(signer)), [signer.certificate, middle.certificate], [authority.certificate], NOW)


@pytest.mark.parametrize(
    "numbers",
    [b"", b"\x30", b"\x30\x05\xa2\x03", b"\x04\x00", b"\x30\x02\xa3\x00", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80"],
)
def test_a_list_of_numbers_that_is_broken_is_said_to_be(authority: Authority, numbers: bytes) -> None:
    signer = authority.vouches(numbers=numbers)
    with pytest.raises(Refused, match="TNAuthList of CN=Carrier cannot be read") as refused:
        check(read(signed(signer)), [signer.certificate], [authority.certificate], NOW)
    assert refused.value.status == 437


# Diverted calls (RFC 8946) -----------------------------------------------------------------------------------


class Road:
    """A call from +4930123 to +4989456 that was sent on to +4940789, and who signed what."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.caller, self.diverter = authority.vouches("Caller"), authority.vouches("Diverter")
        self.published = {URL: self.caller.pem, "https://certs.example/div.pem": self.diverter.pem}
        self.original = signed(self.caller)

    def diverts(self, *, of: str = "", dest: str = "+4940789", iat: int = NOW) -> str:
        url = "https://certs.example/div.pem"
        return sign_diversion(self.diverter.key, url, of=read(of or self.original), dest=dest, iat=iat)

    async def verified(self, *passports: str, called: str = "+4940789", now: int = NOW) -> tuple[str, str]:
        async def fetch(url: str) -> bytes:
            return self.published[url]

        verifier = Verifier(Certificates(fetch, StandingClock()))
        trunk = make_trunk(rules={"stir": {"verify": "require", "roots": self.authority.pem}})
        said = Identity(passports=passports)
        verstat, refused = await verifier.verify(trunk, "+4930123", called, said, now)
        return verstat, "" if refused is None else f"{refused.status} {refused}"


async def test_a_diverted_call_is_vouched_for_by_its_caller_and_by_who_diverted_it(authority: Authority) -> None:
    road = Road(authority)
    once = road.diverts()
    assert json.loads(base64.urlsafe_b64decode(once.split(".")[1] + "==")) == {
        "dest": {"tn": ["4940789"]},
        "div": {"tn": "4989456"},
        "iat": NOW,
        "orig": {"tn": "4930123"},
    }
    assert once.endswith(";info=<https://certs.example/div.pem>;alg=ES256;ppt=div")
    assert await road.verified(road.original, once) == ("TN-Validation-Passed", "")
    assert await road.verified(once, road.original) == ("TN-Validation-Passed", "")
    twice = road.diverts(of=once, dest="+4966")
    assert await road.verified(road.original, once, twice, called="+4966") == ("TN-Validation-Passed", "")
    # A phone rang for two minutes before its call was sent on.
    assert await road.verified(road.original, road.diverts(iat=NOW + 120), now=NOW + 130) == (
        "TN-Validation-Passed",
        "",
    )


async def test_a_diversion_that_proves_nothing_is_refused_with_what_is_wrong(authority: Authority) -> None:
    road = Road(authority)
    failed = "TN-Validation-Failed"
    elsewhere = road.diverts(dest="+4911")
    said = "438 the PASSporT is of a call to 4989456, and this one is to 4940789"
    assert await road.verified(road.original) == (failed, said)
    assert await road.verified(road.original, elsewhere) == (failed, said.replace("4989456", "4911"))
    assert await road.verified(road.diverts()) == (failed, "438 the call was diverted, and nothing says who made it")
    other = sign(road.caller.key, URL, attest="A", orig="+4930999", dest="+4989456", iat=NOW, origid="o")
    assert await road.verified(road.original, road.diverts(of=other)) == (
        failed,
        "438 the PASSporT is of a call from 4930999, and this one is from 4930123",
    )
    assert await road.verified(road.original, road.diverts(iat=NOW - 61)) == (
        failed,
        "403 Stale Date: the PASSporT was made 61 s away from now",
    )
    assert (await road.verified(road.original, road.diverts(iat=NOW + 700), now=NOW + 700))[1].startswith("403 Stale")
    forged = broken(road.diverts(), 1, lambda claims: claims.update(iat=NOW + 1))
    assert await road.verified(road.original, forged) == (failed, "438 the PASSporT's signature is wrong")
    loop = road.diverts(of=road.diverts(dest="+4989456"), dest="+4930123")
    assert (await road.verified(road.original, loop))[0] == failed


async def test_only_who_has_the_number_may_divert_its_calls(authority: Authority) -> None:
    road = Road(authority)
    road.diverter = authority.vouches("Diverter", numbers=tn_auth_list("4930123"))
    road.published["https://certs.example/div.pem"] = road.diverter.pem
    verstat, refused = await road.verified(road.original, road.diverts())
    assert (verstat, refused) == (
        "TN-Validation-Failed",
        "437 the certificate of CN=Diverter is not for the number 4989456",
    )
    road.diverter = authority.vouches("Diverter", numbers=tn_auth_list("4989456"))
    road.published["https://certs.example/div.pem"] = road.diverter.pem
    assert (await road.verified(road.original, road.diverts()))[0] == "TN-Validation-Passed"

"""Passports of callers: signed, checked, and refused for every reason there is."""

import asyncio
import base64
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from softswitch.features.trunks.certificates import Certificates
from softswitch.features.trunks.model.passport import Refused, check, matches, read, read_key, sign, telephone_number
from tests.support.admin_plane import StandingClock
from tests.support.passports import Authority, Signer

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
        (437, "not understood", lambda good: broken(good, 0, lambda header: header.update(ppt="div"))),
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

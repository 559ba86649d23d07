"""PASSporTs: who calls, signed by the network the call came from (RFC 8224, 8225, 8588), and who sent the call on
(`div`, RFC 8946).

Everything here is a function of values: the key, the certificates and the time are passed in.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from msgspec import Struct

from softswitch.features.trunks.model.credential import Refused, may_sign_for, trusted

PASSED, FAILED, UNCHECKED = "TN-Validation-Passed", "TN-Validation-Failed", "No-TN-Validation"
"""What is told of a number beside it (`verstat`, 3GPP TS 24.229 section 7.2A.20)."""

FRESH_SECONDS = 60
"""RFC 8224 section 6.2.4: how far `iat` may lie from now, either way."""
_COORDINATE = 32
DIVERTED_SECONDS = 600
"""How old the passport of a call may be that was sent on since: a phone rings a while before its calls go on."""


class Passport(Struct, frozen=True, gc=False):
    """An Identity header, read but not believed yet."""

    token: str
    """The signed text."""
    signature: bytes
    url: str
    """Where the certificate is."""
    attest: str
    """RFC 8588: A (our customer, our number), B (our customer), C (a gateway)."""
    orig: str
    dest: tuple[str, ...]
    iat: int
    origid: str
    div: str = ""
    """RFC 8946: the number that sent the call on to `dest`; empty: it is no passport of a diversion."""


def telephone_number(number: str) -> str:
    """RFC 8224 section 8.3: digits alone, without plus and separators; `*` and `#` stay."""
    return "".join(letter for letter in number.partition(";")[0] if letter in "0123456789*#")


def sign(key: ec.EllipticCurvePrivateKey, url: str, *, attest: str, orig: str, dest: str, iat: int, origid: str) -> str:
    """An Identity header value in the full form (RFC 8224 section 4, RFC 8588)."""
    claims = {
        "attest": attest,
        "dest": {"tn": [telephone_number(dest)]},
        "iat": iat,
        "orig": {"tn": telephone_number(orig)},
        "origid": origid,
    }
    return _signed(key, url, "shaken", claims)


def sign_diversion(key: ec.EllipticCurvePrivateKey, url: str, *, of: Passport, dest: str, iat: int) -> str:
    """The Identity header value that says that the call which a passport speaks of was sent on to `dest` (RFC 8946):
    the caller stays who it is, and `div` is whom the call was for."""
    claims = {
        "dest": {"tn": [telephone_number(dest)]},
        "div": {"tn": of.dest[0]},
        "iat": iat,
        "orig": {"tn": of.orig},
    }
    return _signed(key, url, "div", claims)


def _signed(key: ec.EllipticCurvePrivateKey, url: str, kind: str, claims: dict[str, Any]) -> str:
    header = {"alg": "ES256", "ppt": kind, "typ": "passport", "x5u": url}
    token = f"{_written(header)}.{_written(claims)}"
    r, s = decode_dss_signature(key.sign(token.encode(), ec.ECDSA(hashes.SHA256())))
    # RFC 7518 section 3.4: the two numbers side by side, not in DER.
    signature = _base64(r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big"))
    return f"{token}.{signature};info=<{url}>;alg=ES256;ppt={kind}"


def read(value: str) -> Passport:
    """Read an Identity header value. Raises Refused."""
    token, *parameters = value.split(";")
    named = {name.strip().lower(): content.strip() for name, _, content in (each.partition("=") for each in parameters)}
    parts = token.strip().split(".")
    if len(parts) != 3 or not all(parts):
        raise Refused(438, "the Identity header holds no PASSporT in its full form")
    try:
        header, claims = _read_part(parts[0]), _read_part(parts[1])
        signature = _bytes(parts[2])
    except ValueError:
        raise Refused(438, "the Identity header's PASSporT is not base64url of JSON") from None
    url = named.get("info", "").removeprefix("<").removesuffix(">")
    if header.get("alg") != "ES256" or named.get("alg", "ES256").strip('"') != "ES256":
        raise Refused(437, f"the PASSporT is signed by {header.get('alg')!r}, not by ES256")
    kind = header.get("ppt", "")
    if kind not in ("", "shaken", "div") or header.get("typ") != "passport":
        raise Refused(437, f"a PASSporT of type {kind!r} is not understood")
    if not url or header.get("x5u") != url:
        # Section 4.1: "info" and "x5u" "MUST" say the same.
        raise Refused(436, "the Identity header and its PASSporT name different certificates")
    try:
        if not claims["dest"]["tn"]:
            raise ValueError("a call to nobody")
        return Passport(
            f"{parts[0]}.{parts[1]}",
            signature,
            url,
            str(claims.get("attest", "")),
            str(claims["orig"]["tn"]),
            tuple(str(number) for number in claims["dest"]["tn"]),
            int(claims["iat"]),
            str(claims.get("origid", "")),
            str(claims["div"]["tn"]) if kind == "div" else "",
        )
    except (KeyError, TypeError, ValueError):
        wanted = "orig.tn, dest.tn, div.tn or iat" if kind == "div" else "orig.tn, dest.tn or iat"
        raise Refused(438, f"the PASSporT lacks {wanted}") from None


def check(
    passport: Passport,
    chain: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    now: int,
    fresh: int = FRESH_SECONDS,
) -> None:
    """Whether the signature is that of a certificate which `roots` vouch for, now (seconds of the wall clock), and
    which is for the number that speaks. `chain`: the certificate and whatever was given with it; `fresh`: how far from
    now it may have been made. Raises Refused."""
    if abs(now - passport.iat) > fresh:
        raise Refused(403, f"Stale Date: the PASSporT was made {abs(now - passport.iat)} s away from now")
    if not chain:
        raise Refused(436, "there is no certificate at the place that the Identity header names")
    way = trusted(chain, roots, now)
    # Of a diversion it is who diverts that speaks (RFC 8946 section 4).
    may_sign_for(way, telephone_number(passport.div or passport.orig))
    key = chain[0].public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Refused(437, "the certificate's key is not on the curve P-256")
    if len(passport.signature) != 2 * _COORDINATE:
        raise Refused(438, "the PASSporT's signature is not one of ES256")
    r = int.from_bytes(passport.signature[:_COORDINATE], "big")
    s = int.from_bytes(passport.signature[_COORDINATE:], "big")
    try:
        key.verify(encode_dss_signature(r, s), passport.token.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Refused(438, "the PASSporT's signature is wrong") from None


def matches(passport: Passport, orig: str, dest: str) -> None:
    """Whether the passport speaks of this call's numbers. Raises Refused."""
    caller, called = telephone_number(orig), telephone_number(dest)
    if telephone_number(passport.orig) != caller:
        raise Refused(438, f"the PASSporT is of a call from {passport.orig}, and this one is from {caller or 'nobody'}")
    if not is_to(passport, called):
        raise Refused(438, f"the PASSporT is of a call to {', '.join(passport.dest)}, and this one is to {called}")


def is_to(passport: Passport, dest: str) -> bool:
    """Whether a call to a number is one that the passport speaks of."""
    return telephone_number(dest) in (telephone_number(number) for number in passport.dest)


def way_of(first: Passport, diversions: Sequence[Passport], orig: str, dest: str) -> Sequence[Passport]:
    """The passports that lead a call from whom it was first for to `dest`: each diversion begins where the one before
    it ends, and speaks of the same caller (RFC 8946 section 4.2). Raises Refused where they lead elsewhere."""
    way = [first]
    while not is_to(way[-1], dest):
        last = way[-1]
        following = next((each for each in diversions if each not in way and is_to(last, each.div)), None)
        if following is None:
            matches(last, orig, dest)
            raise AssertionError("a way that ends elsewhere matches")
        way.append(following)
    for passport in way:
        matches(passport, orig, passport.dest[0])
    return way


@lru_cache(maxsize=256)
def read_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """A private key on P-256 in PEM. Raises ValueError saying what is wrong."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ValueError("this is no private key in PEM without a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the key must be on the curve P-256 (ES256)")
    return key


def _written(content: dict[str, Any]) -> str:
    # RFC 8225 section 9: keys in order, no white space.
    return _base64(json.dumps(content, separators=(",", ":"), sort_keys=True).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _read_part(text: str) -> dict[str, Any]:
    content = json.loads(_bytes(text))
    if not isinstance(content, dict):
        raise ValueError("not an object")
    return content

"""The certificates that passports are signed with: who vouches for them, and for which numbers (RFC 8226).

Everything here is a function of values: the certificates and the time are passed in.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from msgspec import Struct

_MOST_CHAIN = 5
_TN_AUTH_LIST = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.26")
_SEQUENCE, _INTEGER, _IA5_STRING = 0x30, 0x02, 0x16
_SPC, _RANGE, _ONE = 0xA0, 0xA1, 0xA2


class Refused(Exception):
    """An Identity header that proves nothing. `status` is the answer of RFC 8224 section 6.2.2."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class NumberList(Struct, frozen=True, gc=False):
    """What a certificate's TNAuthList says (RFC 8226 section 9)."""

    providers: tuple[str, ...] = ()
    """Codes of service providers: their numbers are known to a registry, and not to us."""
    ranges: tuple[tuple[str, int], ...] = ()
    """A first number, and how many there are from it on; 1 for a number by itself."""

    def covers(self, number: str) -> bool:
        """Whether a number (digits alone) may be signed for. Which numbers a provider has cannot be told from here, so
        that its code is taken for all of them, as SHAKEN does (ATIS-1000074)."""
        return bool(self.providers) or any(_in_range(number, first, count) for first, count in self.ranges)


def trusted(
    chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], now: int
) -> Sequence[x509.Certificate]:
    """The way from a certificate, through those given with it, to one of the roots. Raises Refused where there is
    none."""
    moment = datetime.fromtimestamp(now, UTC)
    certificate = chain[0]
    others = [*roots, *chain[1:_MOST_CHAIN]]
    way: list[x509.Certificate] = []
    for _ in range(_MOST_CHAIN):
        if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
            raise Refused(437, f"the certificate of {certificate.subject.rfc4514_string()} is not valid today")
        way.append(certificate)
        if certificate in roots:
            return way
        issuer = next((other for other in others if other is not certificate and _issued(other, certificate)), None)
        if issuer is None:
            break
        certificate = issuer
    raise Refused(437, f"nobody whom we trust vouches for {chain[0].subject.rfc4514_string()}")


def may_sign_for(way: Sequence[x509.Certificate], number: str) -> None:
    """Whether each certificate on the way to the root that says for which numbers it is (RFC 8226) says so of this one.
    One that says nothing is not limited: whoever vouches for it is. Raises Refused."""
    for certificate in way:
        numbers = number_list(certificate)
        if numbers is not None and not numbers.covers(number):
            name = certificate.subject.rfc4514_string()
            raise Refused(437, f"the certificate of {name} is not for the number {number or 'of nobody'}")


def number_list(certificate: x509.Certificate) -> NumberList | None:
    """The numbers that a certificate is for; None where it does not say. Raises Refused for a list that is broken."""
    try:
        extension = certificate.extensions.get_extension_for_oid(_TN_AUTH_LIST).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    assert isinstance(extension, x509.UnrecognizedExtension)
    providers: list[str] = []
    ranges: list[tuple[str, int]] = []
    try:
        ((tag, entries),) = _elements(extension.value)
        if tag != _SEQUENCE:
            raise ValueError("no sequence")
        for choice, wrapped in _elements(entries):
            ((inner, content),) = _elements(wrapped)
            if choice == _RANGE and inner == _SEQUENCE:
                (_, first), (count_tag, count), *_ = _elements(content)
                if count_tag != _INTEGER:
                    raise ValueError("no count")
                ranges.append((first.decode("ascii"), int.from_bytes(count, "big", signed=True)))
            elif choice in (_SPC, _ONE) and inner == _IA5_STRING:
                text = content.decode("ascii")
                if choice == _SPC:
                    providers.append(text)
                else:
                    ranges.append((text, 1))
            else:
                raise ValueError("no entry")
    except ValueError:
        raise Refused(437, f"the TNAuthList of {certificate.subject.rfc4514_string()} cannot be read") from None
    return NumberList(tuple(providers), tuple(ranges))


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element in some DER. Raises ValueError."""
    while data:
        if len(data) < 2:
            raise ValueError("cut off")
        tag, length, start = data[0], data[1], 2
        if length & 0x80:
            size = length & 0x7F
            start += size
            length = int.from_bytes(data[2:start], "big")
            if not 1 <= size <= 4:
                raise ValueError("no length")
        if len(data) < start + length:
            raise ValueError("cut off")
        yield tag, data[start : start + length]
        data = data[start + length :]


def _in_range(number: str, first: str, count: int) -> bool:
    if count == 1 or not (number.isdigit() and first.isdigit()):
        return number == first
    return len(number) == len(first) and 0 <= int(number) - int(first) < count


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return True


@lru_cache(maxsize=256)
def read_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Certificates in PEM. Raises ValueError."""
    return tuple(x509.load_pem_x509_certificates(pem))

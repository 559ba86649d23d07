"""Checks that every request goes through (RFC 3261 section 8.2), as values: what to refuse it with."""

from gateways._native import NameAddr, SessionDescription, SipRequest, SipResponse
from gateways.sip.ua import sdp
from gateways.sip.ua.abilities import ALLOW, KNOWN_METHODS, METHODS, OPTION_TAGS, REGISTER_OPTION_TAGS
from gateways.sip.ua.addressing import parsed
from gateways.sip.ua.context import Context
from gateways.sip.ua.sdp import LocalDescription
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.media import MediaDescription

Refusal = tuple[int, list[tuple[str, str]]]


def method_refusal(method: str) -> Refusal | None:
    """405 for a known method that is not handled, 501 for one never heard of; None for one that is."""
    if method in METHODS:
        return None
    return (405 if method in KNOWN_METHODS else 501), [("Allow", ALLOW)]


def scheme_refusal(request: SipRequest) -> Refusal | None:
    """Section 8.2.2.1: 416 for a Request-URI of a scheme that is not understood."""
    return (416, []) if parsed(request.uri) is None else None


def require_refusal(request: SipRequest) -> Refusal | None:
    """Section 8.2.2.3: 420 with the extensions that are not understood."""
    if request.header("Require") is None:
        return None
    known = REGISTER_OPTION_TAGS if request.method == "REGISTER" else OPTION_TAGS
    unknown = [option for option in request.headers("Require") if option.lower() not in known]
    return (420, [("Unsupported", ", ".join(unknown))]) if unknown else None


def names_option(message: SipRequest | SipResponse, header: str, option: str) -> bool:
    """Whether a list of words (Require, Supported, Allow) names one, in any case."""
    wanted = option.lower()
    return any(value.lower() == wanted for value in message.headers(header))


def sdp_refusal(request: SipRequest) -> Refusal | None:
    """What is wrong with an INVITE's body and with what its sender would take (sections 8.2.3 and 21.4.7)."""
    if request.body and request.content_type != sdp.MIME and not _optional(request):
        return 415, [("Accept", sdp.MIME)]
    encoding = request.header("Content-Encoding")
    if encoding is not None and encoding.lower() != "identity":
        return 415, [("Accept-Encoding", "identity")]
    accept = request.header("Accept")
    if accept is not None and not any(_takes_sdp(value) for value in request.headers("Accept")):
        return 406, []
    return None


def described_body(message: SipRequest | SipResponse) -> SessionDescription | None:
    """A message's session description; None when it has none. Raises RemoteProtocolError when it is broken."""
    if message.content_type != sdp.MIME:
        return None
    body = message.body
    return sdp.read(body) if body else None


def readable_answer(message: SipRequest | SipResponse, local: LocalDescription) -> MediaDescription | None:
    """What an answer to our offer says of sound; None when it says nothing that could be used."""
    try:
        theirs = described_body(message)
        return local.described(theirs, answering=True) if theirs is not None else None
    except RemoteProtocolError:
        return None


def retry_after(context: Context) -> tuple[str, str]:
    """A Retry-After that spreads those who were refused over ten seconds."""
    return "Retry-After", str(int(context.tokens.between(1.0, 10.0)))


def contacts_of(response: SipResponse) -> tuple[str, ...]:
    """Where a 3xx sends us: the URIs of its Contacts, by `q`; at most ten, of schemes that are understood."""
    contacts = []
    for value in response.headers("Contact")[:10]:
        contact = NameAddr.parse(value)
        if contact is not None and parsed(contact.uri) is not None:
            contacts.append((-_weight(contact.param("q")), contact.uri))
    return tuple(uri for _, uri in sorted(contacts, key=lambda each: each[0]))


def seconds_to_wait(response: SipResponse) -> int | None:
    """Retry-After: "120", "18000;duration=3600", "5 (in a meeting)" (RFC 3261 section 20.33)."""
    value = response.header("Retry-After")
    if value is None:
        return None
    digits = value.partition(";")[0].partition("(")[0].strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def _weight(q: str | None) -> float:
    try:
        return min(max(float(q), 0.0), 1.0) if q else 1.0
    except ValueError:
        return 1.0


def _optional(request: SipRequest) -> bool:
    """Whether a body may be passed over when it is not understood (section 20.11)."""
    disposition = request.header("Content-Disposition")
    return disposition is not None and "handling=optional" in disposition.replace(" ", "").lower()


def _takes_sdp(value: str) -> bool:
    kind = value.partition(";")[0].strip().lower()
    return kind in (sdp.MIME, "application/*", "*/*")

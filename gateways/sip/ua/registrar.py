"""What a REGISTER does to an account's bindings (RFC 3261 section 10.3, RFC 3327), as a function of values."""

from collections.abc import Sequence

from msgspec import Struct

from gateways._native import NameAddr, SipRequest
from gateways.sip.ua.addressing import parsed
from gateways.sip.ua.dialog import Headers
from softswitch.kernel.address import HostPort
from softswitch.kernel.binding import Binding

_MAXIMUM = 2**32 - 1


class RegistrarRules(Struct, frozen=True):
    """Limits; times in seconds."""

    min_expires: int = 60
    max_expires: int = 7200
    default_expires: int = 3600
    """Where the phone does not say."""
    max_bindings: int = 10
    """Devices an account."""


class Outcome(Struct, frozen=True, gc=False):
    """The answer to a REGISTER."""

    status: int
    headers: Headers
    bindings: tuple[Binding, ...] | None = None
    """What the account's bindings have become; None: they stay."""
    reason: str | None = None


def register(
    rules: RegistrarRules,
    aor: str,
    request: SipRequest,
    current: Sequence[Binding],
    *,
    wall_ms: int,
    source: HostPort,
    transport: str,
    connection: int | None,
) -> Outcome:
    """Judge a REGISTER of a user who has proved to be `aor`; `current` are the bindings that have not expired.

    All of its changes are made or none (section 10.3 step 7).
    """
    contacts = request.headers("Contact")
    path = tuple(request.headers("Path"))
    if not contacts:
        return _listed(current, wall_ms, ())
    call_id, cseq = request.call_id, request.cseq
    if "*" in contacts:
        # "the request [may not] contain additional Contact fields or an expiration time other than zero"
        if len(contacts) != 1 or request.header("Expires") != "0":
            return Outcome(400, [], reason="Contact * needs Expires: 0 and no other Contact")
        if any(_out_of_order(binding, call_id, cseq) for binding in current):
            return Outcome(500, [], reason="CSeq Out of Order")
        return Outcome(200, [], ())
    header_expires = _seconds(request.header("Expires"))
    if header_expires is None:
        header_expires = rules.default_expires
    bindings = list(current)
    user_agent = request.header("User-Agent") or ""
    for value in contacts:
        contact = NameAddr.parse(value)
        uri = parsed(contact.uri) if contact is not None else None
        if contact is None or uri is None:
            return Outcome(400, [], reason="Bad Contact")
        said = contact.param("expires")
        expires = header_expires if said is None else _seconds(said)
        if expires is None:
            # Section 10.2.1.1: "If the value [is malformed it] SHOULD be treated as equivalent to 3600."
            expires = 3600
        if 0 < expires < rules.min_expires:
            return Outcome(423, [("Min-Expires", str(rules.min_expires))])
        place = _same(bindings, contact.uri)
        if place is not None and _out_of_order(bindings[place], call_id, cseq):
            return Outcome(500, [], reason="CSeq Out of Order")
        if expires == 0:
            if place is not None:
                del bindings[place]
            continue
        quality = _quality(contact.param("q"))
        if quality is None:
            return Outcome(400, [], reason="Bad q")
        binding = Binding(
            aor,
            contact.uri,
            wall_ms + min(expires, rules.max_expires) * 1000,
            call_id,
            cseq,
            source,
            transport,
            connection,
            quality,
            path,
            user_agent,
        )
        if place is not None:
            bindings[place] = binding
        elif len(bindings) < rules.max_bindings:
            bindings.append(binding)
        else:
            return Outcome(403, [], reason="Too Many Contacts")
    return _listed(bindings, wall_ms, path if _supports_path(request) else (), changed=True)


def _listed(bindings: Sequence[Binding], wall_ms: int, path: Sequence[str], *, changed: bool = False) -> Outcome:
    # "The response MUST contain Contact header field values enumerating all current bindings", each with `expires`.
    headers = []
    for binding in bindings:
        quality = f";q={binding.q:g}" if binding.q != 1.0 else ""
        # Rounded up, so that a binding never lists as expired while it lives.
        left = -((wall_ms - binding.expires_at) // 1000)
        headers.append(("Contact", f"<{binding.contact}>;expires={left}{quality}"))
    # RFC 3327 section 5.3: the registrar copies Path into the response.
    headers += [("Path", value) for value in path]
    return Outcome(200, headers, tuple(bindings) if changed else None)


def _out_of_order(binding: Binding, call_id: str, cseq: int) -> bool:
    """Step 7: only a higher CSeq of the same Call-ID may change a binding."""
    return binding.call_id == call_id and cseq <= binding.cseq


def _same(bindings: Sequence[Binding], contact: str) -> int | None:
    for place, binding in enumerate(bindings):
        if binding.contact == contact:
            return place
    uri = parsed(contact)
    if uri is not None:
        for place, binding in enumerate(bindings):
            other = parsed(binding.contact)
            if other is not None and uri.equivalent(other):
                return place
    return None


def _seconds(text: str | None) -> int | None:
    """A delta-seconds value; None when it is absent or none."""
    if text is None or not text.isascii() or not text.isdigit():
        return None
    return min(int(text[:12]), _MAXIMUM)


def _quality(text: str | None) -> float | None:
    if text is None:
        return 1.0
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value <= 1.0 else None


def _supports_path(request: SipRequest) -> bool:
    return any(option.lower() == "path" for option in request.headers("Supported"))

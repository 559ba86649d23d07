"""What a REGISTER does to an account's bindings, as a function of values (RFC 3261 section 10.3; RFC 3327, 3608, 5626,
5627, 6140, 8599)."""

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from gateways._native import NameAddr, SipRequest, SipUri
from gateways.sip.ua.addressing import contact_uri, host_text, parsed
from gateways.sip.ua.dialog import Headers
from gateways.sip.ua.gruu import Device, Gruus
from softswitch.kernel.address import HostPort
from softswitch.kernel.binding import Binding, PushTarget

_MAXIMUM = 2**32 - 1


class RegistrarRules(Struct, frozen=True):
    """Limits; times in seconds."""

    min_expires: int = 60
    max_expires: int = 7200
    default_expires: int = 3600
    """Where the phone does not say."""
    max_bindings: int = 10
    """Devices an account."""
    flow_timer: int = 120
    """Seconds within which a device with flows (RFC 5626) must say something on each."""
    service_route: tuple[str, ...] = ()
    """The proxies that phones must go through to us (RFC 3608), topmost first."""
    push_services: tuple[str, ...] = ()
    """The push services that we can ask to wake a phone (RFC 8599)."""


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
    gruus: Gruus,
    nonce: Callable[[], bytes],
    bulk: bool = False,
) -> Outcome:
    """Judge a REGISTER of a user who has proved to be `aor`; `current` are the bindings that have not expired.

    All of its changes are made or none (section 10.3 step 7). `nonce` gives 12 random bytes, for a temporary GRUU.
    `bulk`: the Contacts are for all numbers of a PBX (RFC 6140), which has no GRUUs here.
    """
    contacts = request.headers("Contact")
    extensions = {option.lower() for option in request.headers("Supported")}
    shown = _Shown(rules, request, extensions, wall_ms, gruus if "gruu" in extensions and not bulk else None, nonce)
    if not contacts:
        return shown.answer(current)
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
    path = tuple(request.headers("Path"))
    bindings = list(current)
    user_agent = request.header("User-Agent") or ""
    for value in contacts:
        contact = NameAddr.parse(value)
        uri = parsed(contact.uri) if contact is not None else None
        if contact is None or uri is None:
            return Outcome(400, [], reason="Bad Contact")
        if bulk and (uri.param("bnc") is None or uri.user):
            # RFC 6140 section 5.1: with `gin` a Contact has `bnc`, and no user: each number takes that place in turn.
            return Outcome(400, [], reason="gin needs a Contact with bnc and without a user")
        said = contact.param("expires")
        expires = header_expires if said is None else _seconds(said)
        if expires is None:
            # Section 10.2.1.1: "If the value [is malformed it] SHOULD be treated as equivalent to 3600."
            expires = 3600
        if 0 < expires < rules.min_expires:
            return Outcome(423, [("Min-Expires", str(rules.min_expires))])
        instance = (contact.param("+sip.instance") or "").strip("<>")
        reg_id = _flow(contact, instance, extensions)
        if reg_id is None:
            return Outcome(400, [], reason="Bad reg-id")
        if reg_id:
            if len(contacts) > 1 and expires:
                # RFC 5626 section 6: several flows in one REGISTER could not be told apart.
                return Outcome(400, [], reason="reg-id needs a REGISTER of its own")
            if len(request.headers("Via")) > 1 and not (path and _is_outbound(path[-1])):
                # Section 6: the proxy that the device is connected to must know about flows.
                return Outcome(439, [])
            shown.outbound = True
        push = _push(uri)
        if push is not None and push.provider not in rules.push_services and rules.push_services and expires:
            # RFC 8599 section 5.2.1
            return Outcome(555, [])
        place = _same(bindings, contact.uri, instance, reg_id)
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
            instance,
            reg_id,
            not path and uri.host != source.host,
            push=push if rules.push_services else None,
        )
        if place is not None:
            bindings[place] = binding
        elif len(bindings) < rules.max_bindings:
            bindings.append(binding)
        else:
            return Outcome(403, [], reason="Too Many Contacts")
    return shown.answer(bindings, path if "path" in extensions else (), changed=True)


class _Shown:
    """The 200 to a REGISTER."""

    def __init__(
        self,
        rules: RegistrarRules,
        request: SipRequest,
        extensions: Collection[str],
        wall_ms: int,
        gruus: Gruus | None,
        nonce: Callable[[], bytes],
    ) -> None:
        self._rules = rules
        self._request = request
        self._extensions = extensions
        self._wall_ms = wall_ms
        self._gruus = gruus
        self._nonce = nonce
        self.outbound = False
        """Whether a flow was registered."""

    def answer(self, bindings: Sequence[Binding], path: Sequence[str] = (), *, changed: bool = False) -> Outcome:
        """The bindings as they are now. `path` is copied back (RFC 3327 section 5.3)."""
        rules = self._rules
        # "The response MUST contain Contact header field values enumerating all current bindings", each with `expires`.
        headers = [("Contact", self._contact(binding)) for binding in bindings]
        headers += [("Path", value) for value in path]
        headers += [("Service-Route", value) for value in rules.service_route]
        if self.outbound:
            # RFC 5626 section 6: `Require` tells the device that its flows are understood.
            headers += [("Require", "outbound"), ("Flow-Timer", str(rules.flow_timer))]
        if rules.push_services and any(binding.push is not None for binding in bindings):
            # RFC 8599 section 6.2
            headers.append(("Feature-Caps", "*;" + ";".join(f'+sip.pns="{name}"' for name in rules.push_services)))
        return Outcome(200, headers, tuple(bindings) if changed else None)

    def _contact(self, binding: Binding) -> str:
        quality = f";q={binding.q:g}" if binding.q != 1.0 else ""
        # Rounded up, so that a binding never lists as expired while it lives.
        left = -((self._wall_ms - binding.expires_at) // 1000)
        value = f"<{binding.contact}>;expires={left}{quality}"
        if binding.instance:
            value += f';+sip.instance="<{binding.instance}>"'
            if binding.reg_id:
                value += f";reg-id={binding.reg_id}"
            address = parsed(self._request.to_uri) if self._gruus is not None else None
            if self._gruus is not None and address is not None:
                host, device = host_text(address.host), Device(binding.aor, binding.instance)
                value += f';pub-gruu="{self._gruus.public(device, host)}"'
                value += f';temp-gruu="{self._gruus.temporary(device, host, self._nonce())}"'
        return value


def _flow(contact: NameAddr, instance: str, extensions: Collection[str]) -> int | None:
    """The number of the flow that a Contact registers; 0: none. None where it is broken (RFC 5626 section 4.2)."""
    text = contact.param("reg-id")
    if text is None or not instance or "outbound" not in extensions:
        return 0  # section 6: without an instance, reg-id "MUST be ignored"
    number = _seconds(text)
    return number if number and number < 2**31 else None


def _is_outbound(path: str) -> bool:
    uri = contact_uri(path)
    address = parsed(uri) if uri is not None else None
    return address is not None and address.param("ob") is not None


def _push(uri: SipUri) -> PushTarget | None:
    """RFC 8599 section 4.1: a device that can be woken says by whom, and as what."""
    provider, resource = uri.param("pn-provider"), uri.param("pn-prid")
    return PushTarget(provider, resource, uri.param("pn-param") or "") if provider and resource else None


def _out_of_order(binding: Binding, call_id: str, cseq: int) -> bool:
    """Step 7: only a higher CSeq of the same Call-ID may change a binding."""
    return binding.call_id == call_id and cseq <= binding.cseq


def _same(bindings: Sequence[Binding], contact: str, instance: str, reg_id: int) -> int | None:
    if reg_id:
        # RFC 5626 section 6: with both, they alone say which binding it is; the device may have a new address.
        for place, binding in enumerate(bindings):
            if binding.instance == instance and binding.reg_id == reg_id:
                return place
        return None
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

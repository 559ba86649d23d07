"""The headers that say who calls: P-Asserted-Identity and P-Preferred-Identity (RFC 3325), Privacy (RFC 3323),
Remote-Party-ID (a draft that never became an RFC, and that half of all trunks speak), Diversion (RFC 5806) and
History-Info (RFC 7044), the last two converted into each other as RFC 7544 says.
"""

from collections.abc import Sequence

from gateways._native import NameAddr, SipRequest, SipUri
from gateways.sip.ua.addressing import parsed, party_address, user_of
from gateways.sip.ua.dialog import Headers
from softswitch.calls.identity import Diversion, Identity, IdentityStyle
from softswitch.kernel.address import Party

_MOST_DIVERSIONS = 10
_MOST_PASSPORTS = 4

_REASON_OF_CAUSE = {
    # RFC 7544 section 4: RFC 4458's causes in RFC 5806's words.
    "302": "unconditional",
    "404": "unknown",
    "408": "no-answer",
    "480": "deflection",
    "486": "user-busy",
    "487": "deflection",
    "503": "unavailable",
}
_CAUSE_OF_REASON = {
    "unconditional": "302",
    "no-answer": "408",
    "deflection": "480",
    "user-busy": "486",
    "unavailable": "503",
    "out-of-service": "503",
}


def read(request: SipRequest) -> Identity:
    """What a request says of its caller. What is broken is passed over: an identity is a courtesy, not a duty."""
    asserted, hidden = _asserted(request)
    privacy = read_privacy(request)
    if hidden and "id" not in privacy:
        privacy += ("id",)
    diversions = _diversions(request.headers("Diversion")) or _history(request.headers("History-Info"))
    called = request.header("P-Called-Party-ID") or request.header("To") or ""
    address = NameAddr.parse(called)
    return Identity(
        asserted,
        privacy,
        diversions,
        user_of(address.uri) if address is not None else "",
        tuple(request.headers("Identity")[:_MOST_PASSPORTS]),
    )


def read_privacy(request: SipRequest) -> tuple[str, ...]:
    """What a request wants kept to itself (RFC 3323 section 4.2)."""
    words = [part.strip().lower() for value in request.headers("Privacy") for part in value.split(";")]
    return tuple(word for word in words if word)


def _asserted(request: SipRequest) -> tuple[Party | None, bool]:
    """The asserted party, and whether Remote-Party-ID wants it hidden."""
    for name in ("P-Asserted-Identity", "P-Preferred-Identity"):
        # Section 9.1: one or two values, a sip: and a tel: URI for the same party; the first that has a number counts.
        party: Party | None = None
        for value in request.headers(name):
            found = _party(value)
            if found is not None:
                party = Party(party.number if party else found.number, (party.name if party else "") or found.name)
        if party is not None:
            return party, False
    for value in request.headers("Remote-Party-ID"):
        address = NameAddr.parse(value)
        if address is None or (address.param("party") or "calling").lower() != "calling":
            continue
        party = _party(value)
        if party is not None:
            return party, (address.param("privacy") or "off").lower() in ("full", "name", "uri")
    return None, False


def _party(value: str) -> Party | None:
    address = NameAddr.parse(value)
    number = user_of(address.uri) if address is not None and parsed(address.uri) is not None else ""
    return Party(number, address.display_name) if address is not None and number else None


def _diversions(values: Sequence[str]) -> tuple[Diversion, ...]:
    found = []
    for value in values[:_MOST_DIVERSIONS]:
        address, party = NameAddr.parse(value), _party(value)
        if address is None or party is None:
            continue
        counter = address.param("counter") or "1"
        found.append(
            Diversion(
                party,
                (address.param("reason") or "unknown").lower(),
                int(counter[:3]) if counter.isascii() and counter.isdigit() else 1,
                (address.param("privacy") or "off").lower() not in ("off", "none"),
            )
        )
    return tuple(found)


def _history(values: Sequence[str]) -> tuple[Diversion, ...]:
    """RFC 7544 section 3.2: an entry whose URI has a `cause` was reached because of it; who sent the call there is the
    entry before it (or the one that its `mp` names)."""
    entries: dict[str, tuple[NameAddr, SipUri]] = {}
    for value in values[: 2 * _MOST_DIVERSIONS]:
        address = NameAddr.parse(value)
        uri = SipUri.parse(address.uri.partition("?")[0]) if address is not None else None
        index = address.param("index") if address is not None else None
        if address is not None and uri is not None and index is not None:
            entries[index] = address, uri
    found: list[Diversion] = []
    for index, (address, uri) in entries.items():
        cause = uri.param("cause")
        if cause is None:
            continue
        who = entries.get(address.param("mp") or index.rpartition(".")[0])
        if who is None or not who[1].user:
            continue
        # Section 10.1.2 of RFC 7044: a private entry says so in its URI's headers.
        hidden = "privacy=history" in who[0].uri.lower()
        found.append(
            Diversion(Party(who[1].user, who[0].display_name), _REASON_OF_CAUSE.get(cause, "unknown"), 1, hidden)
        )
    return tuple(reversed(found))


def write(identity: Identity, style: IdentityStyle, called: str, host: str) -> Headers:
    """The headers that tell a party who calls, in its own style. `called`: the number it is called by; `host`: ours."""
    headers: Headers = []
    host = style.host or host
    hidden = identity.private and not style.trusted
    asserted = identity.asserted
    if asserted is not None and not hidden and style.assert_by != "none":
        # RFC 3325 section 9.1 step 7: to a next hop that is not trusted, what is private is not told.
        if identity.verstat:
            # 3GPP TS 24.229 section 7.2A.20: a parameter of the telephone number, before the @.
            asserted = Party(f"{asserted.number};verstat={identity.verstat}", asserted.name)
        value = party_address(asserted, host)
        match style.assert_by:
            case "p-asserted-identity":
                headers.append(("P-Asserted-Identity", value))
            case "p-preferred-identity":
                headers.append(("P-Preferred-Identity", value))
            case "remote-party-id":
                privacy = "full" if identity.private else "off"
                headers.append(("Remote-Party-ID", f"{value};party=calling;screen=yes;privacy={privacy}"))
    if identity.privacy and (identity.private or "none" in identity.privacy):
        headers.append(("Privacy", ";".join(identity.privacy)))
    if identity.diversions and not hidden:
        shown = [each for each in identity.diversions if style.trusted or not each.private]
        if style.divert_by in ("diversion", "both"):
            headers += [("Diversion", _diversion(each, host)) for each in shown]
        if style.divert_by in ("history-info", "both"):
            headers += [("History-Info", value) for value in _written_history(shown, called, host)]
    headers += [("Identity", passport) for passport in identity.passports]
    return headers


def _diversion(each: Diversion, host: str) -> str:
    privacy = "full" if each.private else "off"
    return f"{party_address(each.party, host)};reason={each.reason};counter={each.counter};privacy={privacy}"


def _written_history(diversions: Sequence[Diversion], called: str, host: str) -> list[str]:
    """RFC 7544 section 3.1: the oldest diverting user has index 1, and each next target hangs below the one before."""
    entries, index, cause = [], "1", ""
    for each in reversed(diversions):
        entries.append(_entry(each.party, index, cause, host, private=each.private))
        cause, index = _CAUSE_OF_REASON.get(each.reason, "404"), f"{index}.1"
    entries.append(_entry(Party(called), index, cause, host, private=False))
    return entries


def _entry(party: Party, index: str, cause: str, host: str, *, private: bool) -> str:
    address = party_address(party, host)
    if cause:
        address = f"{address[:-1]};cause={cause}>"
    if private:
        address = address[:-1] + "?Privacy=history>"
    mapped = f";mp={index.rpartition('.')[0]}" if cause else ""
    return f"{address};index={index}{mapped}"

"""What can be said about a trunk beyond its name and address, as it is stored: one tree, every leaf with a default.

Secrets are not among it: they are stored sealed, each by itself.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from softswitch.calls.leg_rules import LegRules
from softswitch.features.trunks.model.credential import read_certificates
from softswitch.features.trunks.model.group import RETRY_ON
from softswitch.features.trunks.model.limits import LimitRules
from softswitch.features.trunks.model.numbers import NumberRules, check_numbers
from softswitch.kernel.errors import Invalid


class Gateway(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """One more way into the same trunk, besides its `host`."""

    host: str
    port: int = 5060
    transport: str = "udp"


class LoginRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """Who we are to a carrier that asks for a password."""

    username: str = ""
    realm: str = ""
    """The only realm that is answered; any when empty."""


class PeerRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """Who the far end must prove to be, where its address does not say it."""

    username: str = ""


class PbxRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """A PBX that registers at us, once for all its numbers (RFC 6140)."""

    registers: bool = False
    """Where calls for it go is what it registers, and not the trunk's host."""
    numbers: tuple[str, ...] = ()
    """Its numbers as the dial plan writes them, and ranges: `1200-1299`."""

    def has(self, number: str) -> bool:
        """Whether a number is its."""
        return any(_within(number, entry) for entry in self.numbers)


class EnrolRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """Our registration at a carrier."""

    mode: Literal["off", "register", "bulk"] = "off"
    """`bulk` is RFC 6140: one registration for all numbers."""
    domain: str = ""
    """The trunk's host when empty."""
    user: str = ""
    """The login's user name when empty."""
    expires: int = 3600


class HealthRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """How often gateways are asked by OPTIONS whether they live, and what follows from it."""

    every_seconds: int = 0
    """0: they are not asked, and taken for alive."""
    within_seconds: float = 4.0
    down_after: int = 2
    """Questions in a row without an answer."""
    up_after: int = 1
    """Answers in a row."""


class FailoverRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """What becomes of a call that a gateway does not take."""

    retry_on: tuple[int, ...] = RETRY_ON
    """When the next gateway is tried: SIP statuses (300 and above) and Q.850 causes (127 and below)."""
    redirects: Literal["refuse", "pass", "follow"] = "refuse"
    """A 3xx: the call is over; the caller is told the contacts; or the number in them is dialled in the trunk's name
    and context. Nobody's host is ever followed."""
    first_response_seconds: float = 4.0
    """Seconds within which a gateway must say a first word, 100 Trying at least; else the next server is tried. 0: it
    has half a minute, as RFC 3261 says."""
    large_requests: Literal["tcp", "udp"] = "tcp"
    """How an INVITE of more than 1,300 octets goes to a UDP gateway: over TCP where it has that (RFC 3261 section
    18.1.1), or over UDP in fragments."""


class IdentityRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """Who is said to call, both ways."""

    trusted: bool = False
    """Whether it is one network with us (RFC 3325): what it asserts is believed, and it may learn private numbers."""
    show: Literal["account", "number", "fixed", "anonymous"] = "account"
    """What an account's calls show: its caller id, its own number, `fixed`, or nothing."""
    fixed: str = ""
    forwarded_as: Literal["caller", "forwarder"] = "caller"
    """Whose number a forwarded call shows."""
    from_user: Literal["caller", "login"] = "caller"
    """What stands in From: some carriers want the login there and the caller in an asserted identity alone."""
    host: str = ""
    """What stands behind the @ in From; our own address when empty."""
    assert_by: Literal["none", "p-asserted-identity", "p-preferred-identity", "remote-party-id"] = "none"
    divert_by: Literal["none", "diversion", "history-info", "both"] = "none"


class StirRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """Callers' passports (STIR/SHAKEN, RFC 8224, RFC 8588)."""

    send: Literal["off", "sign", "pass"] = "off"
    """`sign`: with our key; `pass`: what another trunk brought goes on untouched."""
    certificate_url: str = ""
    """Where those who check our signature find the certificate of our key."""
    attest: Literal["by-origin", "A", "B", "C"] = "by-origin"
    """`by-origin`: A for an account that shows its own caller id, B for one that shows another number, C for every call
    that only passes through."""
    verify: Literal["off", "record", "require"] = "off"
    """`record`: the result stands in the call record and is told to phones; `require`: a call that does not pass is
    refused."""
    roots: str = ""
    """Certificates in PEM of those whom we trust to vouch for signers."""


class TrunkRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """All of it."""

    gateways: tuple[Gateway, ...] = ()
    codecs: tuple[str, ...] = ()
    """Which codecs it is told of, best first; empty: no rule."""
    login: LoginRules = LoginRules()
    peer: PeerRules = PeerRules()
    pbx: PbxRules = PbxRules()
    registration: EnrolRules = EnrolRules()
    health: HealthRules = HealthRules()
    identity: IdentityRules = IdentityRules()
    numbers: NumberRules = NumberRules()
    limits: LimitRules = LimitRules()
    failover: FailoverRules = FailoverRules()
    stir: StirRules = StirRules()
    signalling: LegRules = LegRules()
    srtp: Literal["off", "optional", "preferred", "required"] = "off"
    """Whether its sound is encrypted, see `kernel.media.Srtp`."""
    video: bool = True
    """Whether it may have video."""


def merged(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A stored tree with changes put over it: objects are merged leaf by leaf, lists replaced as a whole."""
    result = dict(stored)
    for name, value in changes.items():
        if isinstance(value, Mapping) and isinstance(result.get(name), Mapping):
            result[name] = merged(result[name], value)
        else:
            result[name] = value
    return result


def check_rules(tree: Mapping[str, Any]) -> TrunkRules:
    """Read a tree, and hold its leaves against each other. Raises Invalid naming the field."""
    try:
        rules = msgspec.convert(tree, TrunkRules)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        raise Invalid(place.rstrip("`") or "body", message) from error
    if rules.registration.mode != "off" and not (rules.registration.user or rules.login.username):
        raise Invalid("login.username", "whom should the trunk register as? A registration needs a user name")
    _check_pbx(rules)
    if 0 < rules.health.every_seconds <= rules.health.within_seconds:
        raise Invalid("health.within_seconds", "an answer must be due before the next question")
    if rules.identity.show == "fixed" and not rules.identity.fixed:
        raise Invalid("identity.fixed", "which number should be shown?")
    if rules.identity.from_user == "login" and not rules.login.username:
        raise Invalid("login.username", "From should name the login, and there is none")
    check_numbers(rules.numbers)
    _check_stir(rules.stir)
    return rules


def _check_pbx(rules: TrunkRules) -> None:
    if rules.pbx.registers and not rules.peer.username:
        raise Invalid("peer.username", "as whom does the PBX register? It needs a username and a password")
    for place, entry in enumerate(rules.pbx.numbers):
        first, dash, last = entry.partition("-")
        if dash and not (_RANGE_END.fullmatch(first) and _RANGE_END.fullmatch(last) and len(first) == len(last)):
            raise Invalid(f"pbx.numbers.{place}", f"{entry!r} is no range: write two numbers of one length, 1200-1299")
        if dash and first > last:
            raise Invalid(f"pbx.numbers.{place}", f"the range {entry!r} ends before it begins")


_RANGE_END = re.compile(r"\+?[0-9]+")


def _within(number: str, entry: str) -> bool:
    first, dash, last = entry.partition("-")
    # Of one length and of digits alone, numbers are in order as texts.
    return first <= number <= last and len(number) == len(first) and number[1:].isdigit() if dash else number == first


def _check_stir(rules: StirRules) -> None:
    if rules.send == "sign" and not rules.certificate_url.startswith("https://"):
        raise Invalid("stir.certificate_url", "where is the certificate? Give an https URL that others can reach")
    if rules.roots:
        try:
            read_certificates(rules.roots.encode())
        except ValueError as error:
            raise Invalid("stir.roots", "these are no certificates in PEM") from error
    elif rules.verify != "off":
        raise Invalid("stir.roots", "who may vouch for a signer? Give the certificates of the authorities in PEM")

"""What a trunk is."""

import hashlib
import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct, structs

from softswitch.calls.signals import Credentials, Origin, Target
from softswitch.calls.uplinks import Enrolment, Uplink
from softswitch.features.trunks.model.rules import FailoverRules, Gateway, TrunkRules
from softswitch.kernel.address import HostPort

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_AS_SIP_HAS_IT = FailoverRules(first_response_seconds=0.0, large_requests="udp")


class SigningKey(Struct, frozen=True, gc=False):
    """A private key in PEM. It stays out of `repr`, and so out of every log."""

    pem: str

    def __repr__(self) -> str:
        return "SigningKey()"


class Trunk(Struct, frozen=True, gc=False, kw_only=True):
    """A link to another switch or a carrier."""

    name: str
    host: str
    port: int
    transport: str
    sources: tuple[Network, ...]
    """Calls from here are this trunk's, without a password."""
    strip: int
    """How many leading digits of the number are left out when it is sent."""
    prefix: str
    """What is then put before it."""
    anchored: bool
    """Whether sound passes through our media engine."""
    ring_seconds: int
    enabled: bool
    origin: Origin
    """Whom its calls are from: this trunk, in its dial plan context."""
    rules: TrunkRules = TrunkRules()
    credentials: Credentials | None = None
    """What we answer when the trunk asks who we are."""
    peer_ha1: Mapping[str, str] = MappingProxyType({})
    """H(A1) by algorithm of the user name that the far end proves itself with."""
    key: SigningKey | None = None
    """What its callers' passports are signed with."""
    token: str = ""
    """What marks calls that come by the Contact which we registered at the trunk."""

    @property
    def gateways(self) -> tuple[Gateway, ...]:
        """All ways into it, the best first; none into a PBX that registers: it says where it is."""
        if self.rules.pbx.registers:
            return ()
        return (Gateway(host=self.host, port=self.port, transport=self.transport), *self.rules.gateways)

    def uplink(self) -> Uplink | None:
        """What a gateway has to keep up for this trunk; None: nothing."""
        enrol, health = self.rules.registration, self.rules.health
        if not self.enabled or (enrol.mode == "off" and not health.every_seconds):
            return None
        enrolment = None
        if enrol.mode != "off":
            enrolment = Enrolment(
                enrol.domain or host_text(self.host),
                enrol.user or self.rules.login.username,
                self.token,
                enrol.expires,
                enrol.mode == "bulk",
            )
        return Uplink(
            self.name,
            tuple(gateway_target(gateway) for gateway in self.gateways),
            self.credentials,
            enrolment,
            float(health.every_seconds),
            health.within_seconds,
        )

    def number_sent(self, number: str) -> str:
        """A dialled number as this trunk wants it."""
        return self.prefix + number[self.strip :]


# RFC 3261 section 25.1: user = 1*( unreserved / escaped / user-unreserved ), these being its literal characters.
_USER = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()&=+$,;?/")


def escape_user(user: str) -> str:
    """A user part as a SIP URI writes it: `#` in a dialled number becomes %23."""
    if user.isascii() and user.isalnum():
        return user
    return "".join(chr(byte) if byte in _USER else f"%{byte:02X}" for byte in user.encode())


def gateway_target(gateway: Gateway, number: str = "", rules: FailoverRules = _AS_SIP_HAS_IT) -> Target:
    """How a number is reached at a gateway, or the gateway itself."""
    user = f"{escape_user(number)}@" if number else ""
    parameter = "" if gateway.transport == "udp" else f";transport={gateway.transport}"
    uri = f"sip:{user}{host_text(gateway.host)}:{gateway.port}{parameter}"
    return Target(
        uri,
        gateway.transport,
        _address(gateway.host, gateway.port),
        patience=rules.first_response_seconds,
        tcp_if_large=gateway.transport == "udp" and rules.large_requests == "tcp",
    )


def numbered(contact: Target, number: str) -> Target:
    """How a number of a PBX is reached that registered for all of them: RFC 6140 section 5.2 puts the number where the
    Contact has no user, and takes `bnc` out."""
    scheme, _, rest = contact.uri.partition(":")
    host, *parameters = rest.split(";")
    kept = [parameter for parameter in parameters if parameter.partition("=")[0].lower() != "bnc"]
    return structs.replace(contact, uri=";".join([f"{scheme}:{escape_user(number)}@{host}", *kept]))


def gateway_name(gateway: Gateway) -> str:
    """A gateway as facts and answers name it."""
    return f"{host_text(gateway.host)}:{gateway.port};{gateway.transport}"


def host_text(host: str) -> str:
    """A host as URIs write it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


@lru_cache(maxsize=1024)
def _address(host: str, port: int) -> HostPort | None:
    """None for a host name: the SIP gateway looks it up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return HostPort(host, port)


def ha1(username: str, realm: str, password: str) -> dict[str, str]:
    """H(A1) by algorithm (RFC 7616 section 3.4.2), for a far end that proves itself to us."""
    text = f"{username}:{realm}:{password}".encode()
    return {"MD5": hashlib.md5(text).hexdigest(), "SHA-256": hashlib.sha256(text).hexdigest()}

"""What a trunk looks like over HTTP: its rules as they are set, and its state as it is shown."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from softswitch.calls.codec_choice import rule_of
from softswitch.features.trunks.model import RETRY_ON
from softswitch.platform.rest import ABSENT, Changes, Input, Moment, Name
from softswitch.platform.signalling_rest import Signalling

# A host name (RFC 952 as RFC 1123 relaxes it), an IPv4 address, or an IPv6 address without brackets.
Host = Annotated[
    str,
    StringConstraints(
        pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$", max_length=255
    ),
]
HostOrNone = Annotated[
    str,
    StringConstraints(
        pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)?$", max_length=255
    ),
]
Port = Annotated[int, Field(ge=1, le=65535)]
Transport = Literal["udp", "tcp", "tls"]
SourceList = Annotated[
    list[Annotated[str, StringConstraints(max_length=50)]],
    Field(max_length=100, description="addresses and networks whose calls are this trunk's"),
]
CodecList = Annotated[
    tuple[Annotated[str, StringConstraints(max_length=40)], ...], Field(max_length=20), AfterValidator(rule_of)
]
Strip = Annotated[int, Field(ge=0, le=32, description="leading digits left out of the number")]
Prefix = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z*#+]*$", max_length=32)]
RingSeconds = Annotated[int, Field(ge=5, le=600)]
MediaPath = Literal["anchored", "bypass"]
SrtpPolicy = Literal["off", "optional", "preferred", "required"]
User = Annotated[str, StringConstraints(pattern=r'^[^\x00-\x20\x7f"\\<>@]*$', max_length=128)]
Realm = Annotated[str, StringConstraints(pattern=r'^[^\x00-\x1f\x7f"\\]*$', max_length=255)]
Secret = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=255)]


class GatewayIn(Input):
    """One more way into the same trunk, tried after its `host`."""

    host: Host
    port: Port = 5060
    transport: Transport = "udp"


class LoginIn(Input):
    """Who we are to a carrier that asks for a password, in calls and in registrations."""

    username: User = ""
    password: Secret = Field(default="", description="write-only; an empty one takes it away")
    realm: Realm = Field(default="", description="the only realm that is answered; any when empty")


class PeerIn(Input):
    """Who the far end must prove to be by digest, where its address does not say it."""

    username: User = ""
    password: Secret = Field(default="", description="write-only; an empty one takes it away")


class PbxIn(Input):
    """A PBX that registers at us, once for all its numbers (RFC 6140), as its `peer`."""

    registers: bool = Field(default=False, description="calls for it go where it registers, and not to `host`")
    numbers: Annotated[
        list[Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z*#+]+(-[+0-9]+)?$", max_length=64)]],
        Field(max_length=1000, description="its numbers as the dial plan writes them, and ranges: `1200-1299`"),
    ] = Field(default_factory=list)


class RegistrationIn(Input):
    """Our registration at the carrier."""

    mode: Literal["off", "register", "bulk"] = Field(
        default="off", description="`bulk` is RFC 6140: one registration for all numbers"
    )
    domain: HostOrNone = Field(default="", description="the carrier's domain; the trunk's host when empty")
    user: User = Field(default="", description="the user that is registered; the login's when empty")
    expires: Annotated[int, Field(ge=60, le=604800)] = 3600


class HealthIn(Input):
    """How often gateways are asked by OPTIONS whether they live."""

    every_seconds: Annotated[int, Field(ge=0, le=3600, description="0: they are not asked, and taken for alive")] = 0
    within_seconds: Annotated[float, Field(ge=0.5, le=30)] = 4.0
    down_after: Annotated[int, Field(ge=1, le=20, description="questions in a row without an answer")] = 2
    up_after: Annotated[int, Field(ge=1, le=20, description="answers in a row")] = 1


class IdentityIn(Input):
    """Who is said to call, both ways."""

    trusted: bool = Field(
        default=False,
        description="one network with us: what it asserts is believed, and it may learn private numbers (RFC 3325)",
    )
    show: Literal["account", "number", "fixed", "anonymous"] = Field(
        default="account", description="what an account's calls show: its caller id, its number, `fixed`, or nothing"
    )
    fixed: Prefix = ""
    forwarded_as: Literal["caller", "forwarder"] = "caller"
    from_user: Literal["caller", "login"] = Field(default="caller", description="what stands in From")
    host: HostOrNone = Field(default="", description="what stands behind the @ in From; our own address when empty")
    assert_by: Literal["none", "p-asserted-identity", "p-preferred-identity", "remote-party-id"] = "none"
    divert_by: Literal["none", "diversion", "history-info", "both"] = "none"


class RewriteIn(Input):
    """The first whose `match` is the whole number counts."""

    match: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    replace: Annotated[str, StringConstraints(max_length=200)]


Form = Literal["as-is", "+e164", "e164", "international", "national"]
Rewrites = Annotated[list[RewriteIn], Field(max_length=50)]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]*$", max_length=8)]


class NumbersIn(Input):
    """How numbers are written: `+4930123`, `4930123`, `004930123`, `030123`, or untouched. Patterns come first."""

    country: Digits = Field(default="", description="the country code that national numbers belong to, such as 49")
    national_prefix: Digits = "0"
    international_prefix: Digits = "00"
    outgoing: Form = "as-is"
    incoming: Form = "as-is"
    rewrite_outgoing: Rewrites = Field(default_factory=list)
    rewrite_incoming: Rewrites = Field(default_factory=list)
    rewrite_caller: Rewrites = Field(default_factory=list, description="of the caller's number, outgoing")


CallLimit = Annotated[int, Field(ge=0, le=1_000_000, description="0: no limit")]


class LimitsIn(Input):
    """How many calls it may carry at one time, and how fast they may come."""

    calls: CallLimit = 0
    calls_in: CallLimit = 0
    calls_out: CallLimit = 0
    per_second: Annotated[float, Field(ge=0, le=10_000, description="new calls, each way by itself; 0: no limit")] = 0.0
    burst: Annotated[int, Field(ge=1, le=10_000, description="how many of them may come at once")] = 1


RetryOn = Annotated[
    list[Annotated[int, Field(ge=1, le=699)]],
    Field(max_length=100, description="SIP statuses (300 and above) and Q.850 causes (127 and below)"),
]


class FailoverIn(Input):
    """When the next of its gateways is tried, and what a 3xx does."""

    retry_on: RetryOn = Field(default_factory=lambda: list(RETRY_ON))
    redirects: Literal["refuse", "pass", "follow"] = Field(
        default="refuse", description="`follow`: the number is dialled in the trunk's name, by its context"
    )
    first_response_seconds: Annotated[float, Field(ge=0, le=32, description="0: as long as SIP has it")] = 4.0
    large_requests: Literal["tcp", "udp"] = Field(
        default="tcp", description="how an INVITE of more than 1,300 octets goes to a UDP gateway"
    )


class StirIn(Input):
    """Callers' passports (STIR/SHAKEN, RFC 8224, RFC 8588)."""

    send: Literal["off", "sign", "pass"] = "off"
    certificate_url: Annotated[str, StringConstraints(pattern=r"^(https://[!-~]+)?$", max_length=500)] = ""
    key: Annotated[str, StringConstraints(max_length=5000)] = Field(
        default="", description="a private key on P-256 in PEM; write-only; an empty one takes it away"
    )
    attest: Literal["by-origin", "A", "B", "C"] = "by-origin"
    verify: Literal["off", "record", "require"] = "off"
    roots: Annotated[str, StringConstraints(max_length=100_000)] = Field(
        default="", description="certificates in PEM of those whom we trust to vouch for signers"
    )


Gateways = Annotated[list[GatewayIn], Field(max_length=20)]


class GatewayState(BaseModel):
    """One gateway, as it fares."""

    gateway: str
    state: Literal["unknown", "up", "down"]
    reason: str | None
    since: Moment | None
    answer_ms: float | None


class RegistrationState(BaseModel):
    """Our registration, as it stands."""

    state: Literal["off", "unknown", "up", "down"]
    reason: str | None
    status: int | None
    expires_at: Moment | None
    next_try_at: Moment | None


class TrunkState(BaseModel):
    """How a trunk fares."""

    registration: RegistrationState
    gateways: list[GatewayState]
    contacts: list[str] = Field(description="where its PBX is registered")
    calls_in: int
    calls_out: int
    calls_refused: int
    """By its limits, since the start."""


class TrunkOut(BaseModel):
    """A link to another switch or a carrier. Secrets are never shown; `secrets` names those that are set."""

    name: str
    host: str
    port: int
    transport: str
    context: str
    sources: list[str]
    strip: int
    prefix: str
    media: str
    ring_seconds: int
    enabled: bool
    gateways: list[dict[str, Any]]
    codecs: list[str]
    login: dict[str, Any]
    peer: dict[str, Any]
    pbx: dict[str, Any]
    registration: dict[str, Any]
    health: dict[str, Any]
    identity: dict[str, Any]
    numbers: dict[str, Any]
    limits: dict[str, Any]
    failover: dict[str, Any]
    stir: dict[str, Any]
    signalling: dict[str, Any]
    srtp: str
    video: bool
    secrets: list[str]
    state: TrunkState | None


class TrunkIn(Input):
    name: Name
    host: HostOrNone = Field(default="", description="may be empty where `pbx.registers`")
    port: Port = 5060
    transport: Transport = "udp"
    context: Name = Field(default="default", description="the dial plan context of calls that come from it")
    sources: SourceList = Field(default_factory=list)
    strip: Strip = 0
    prefix: Prefix = ""
    media: MediaPath = Field(default="anchored", description="whether sound passes through this switch")
    ring_seconds: RingSeconds = 120
    enabled: bool = True
    gateways: Gateways = Field(default_factory=list)
    codecs: CodecList = Field(default=(), description="which codecs it is told of, best first; empty: no rule")
    login: LoginIn = LoginIn()
    peer: PeerIn = PeerIn()
    pbx: PbxIn = PbxIn()
    registration: RegistrationIn = RegistrationIn()
    health: HealthIn = HealthIn()
    identity: IdentityIn = IdentityIn()
    numbers: NumbersIn = NumbersIn()
    limits: LimitsIn = LimitsIn()
    failover: FailoverIn = FailoverIn()
    stir: StirIn = StirIn()
    signalling: Signalling = Signalling()
    srtp: SrtpPolicy = Field(
        default="off",
        description="encrypted sound: `off`; `optional` where the trunk offers it; `preferred`: offered to it, and"
        " plain sound taken; `required`: no call without, and none over unencrypted signalling",
    )
    video: bool = Field(default=True, description="whether it may have video")


class TrunkChanges(Changes):
    """What is named changes; inside an object too, so that `{"health": {"every_seconds": 30}}` changes that alone."""

    host: HostOrNone = ABSENT
    port: Port = ABSENT
    transport: Transport = ABSENT
    context: Name = ABSENT
    sources: SourceList = ABSENT
    strip: Strip = ABSENT
    prefix: Prefix = ABSENT
    media: MediaPath = ABSENT
    ring_seconds: RingSeconds = ABSENT
    enabled: bool = ABSENT
    gateways: Gateways = ABSENT
    codecs: CodecList = ABSENT
    login: LoginIn = ABSENT
    peer: PeerIn = ABSENT
    pbx: PbxIn = ABSENT
    registration: RegistrationIn = ABSENT
    health: HealthIn = ABSENT
    identity: IdentityIn = ABSENT
    numbers: NumbersIn = ABSENT
    limits: LimitsIn = ABSENT
    failover: FailoverIn = ABSENT
    stir: StirIn = ABSENT
    signalling: Signalling = ABSENT
    srtp: SrtpPolicy = ABSENT
    video: bool = ABSENT

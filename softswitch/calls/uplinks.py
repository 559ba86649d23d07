"""What a gateway keeps up without any call: our registration at a carrier, and its gateways' signs of life."""

from msgspec import Struct

from softswitch.calls.signals import Credentials, Target


class Enrolment(Struct, frozen=True, gc=False):
    """A registration to be kept (RFC 3261 section 10.2)."""

    domain: str
    """The Request-URI is `sip:<domain>`."""
    user: str
    """The user of the address of record."""
    token: str
    """What marks calls that come by our Contact: its user, or its `line` parameter where we register in bulk."""
    expires: int
    """Seconds to ask for."""
    bulk: bool = False
    """RFC 6140: one Contact for all numbers of ours."""


class Uplink(Struct, frozen=True, gc=False):
    """One trunk, as far as a gateway has to do something about it."""

    name: str
    gateways: tuple[Target, ...]
    """In order of preference; a Target's URI names the gateway alone, without a user."""
    credentials: Credentials | None = None
    enrolment: Enrolment | None = None
    probe_seconds: float = 0.0
    """How often each gateway is asked by OPTIONS whether it lives; 0: never."""
    probe_within: float = 4.0
    """How long it may take to answer."""


class Enrolled(Struct, frozen=True, gc=False):
    """How a registration stands."""

    ok: bool
    seconds: float
    """When it is tried next: refreshed, or after a failure."""
    expires: int = 0
    """For how many seconds the carrier keeps it."""
    status: int | None = None
    reason: str = ""
    """In words, where it failed."""


class Probed(Struct, frozen=True, gc=False):
    """Whether a gateway answered."""

    gateway: int
    """Its place in `Uplink.gateways`."""
    alive: bool
    reason: str = ""
    """In words, where it did not."""
    ms: float = 0.0
    """From question to answer."""

"""Where an account can be reached now."""

from msgspec import Struct

from softswitch.kernel.address import HostPort


class PushTarget(Struct, frozen=True, gc=False):
    """How a sleeping phone is woken (RFC 8599)."""

    provider: str
    """The push service: `fcm`, `apns`, `webpush` ..."""
    resource: str
    """What the service knows the phone by."""
    parameter: str = ""
    """Whatever else the service wants."""


class Binding(Struct, frozen=True, gc=False):
    """One Contact of an address of record (RFC 3261 section 10)."""

    aor: str
    """The account's user name, e.g. `1001`."""
    contact: str
    """The Contact URI to the letter; it is what the Request-URI becomes."""
    expires_at: int
    """Wall milliseconds."""
    call_id: str
    """Of the REGISTER that wrote this binding: RFC 3261 section 10.3 step 7 orders updates by it and `cseq`."""
    cseq: int
    source: HostPort
    """Where the REGISTER came from: requests go back there when the Contact is not reachable as written."""
    transport: str = "udp"
    """`udp` or `tcp` ...: the protocol that the REGISTER came by."""
    connection: int | None = None
    """The socket or connection it came by, for as long as that lives: the way back that every NAT leaves open."""
    q: float = 1.0
    path: tuple[str, ...] = ()
    """RFC 3327 Path values, to be used as the route set, topmost first."""
    user_agent: str = ""
    instance: str = ""
    """The device (`+sip.instance`, RFC 5626 section 4.1); empty: it does not say."""
    reg_id: int = 0
    """Which of the device's flows this is (`reg-id`); 0: it has but one."""
    natted: bool = False
    """Whether the Contact names another place than the REGISTER came from."""
    reachable: bool = True
    """False: its connection is gone, and no other way leads there (RFC 5626's 430 Flow Failed)."""
    push: PushTarget | None = None
    """How it can be woken."""

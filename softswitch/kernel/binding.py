"""Where an account can be reached now."""

from msgspec import Struct

from softswitch.kernel.address import HostPort


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
    """The connection it came by, for as long as that lives; None over UDP."""
    q: float = 1.0
    path: tuple[str, ...] = ()
    """RFC 3327 Path values, to be used as the route set, topmost first."""
    user_agent: str = ""

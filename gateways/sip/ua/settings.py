"""What can be set about the user agent. Times in seconds."""

from msgspec import Struct

from gateways.sip.ua.digest import ALGORITHMS
from gateways.sip.ua.registrar import RegistrarRules
from gateways.sip.ua.soft_state import SoftStateRules
from gateways.sip.ua.vicinity import Vicinity


class UserAgentSettings(Struct, frozen=True, kw_only=True):
    """Frozen; read once at the start."""

    host: str = "127.0.0.1"
    """Our name in the From of legs that we dial, as URIs write it."""
    realm: str = "softswitch"
    product: str = "Softswitch"
    """User-Agent and Server."""
    digest_algorithms: tuple[str, ...] = ALGORITHMS
    """As they are offered; no other is accepted."""
    digest_md5_agents: tuple[str, ...] = ()
    """What the User-Agent of phones begins with that are offered MD5 alone, where it is accepted."""
    digest_user_left_out: bool = False
    """Whether a digest over a URI without its user is accepted."""
    nonce_seconds: float = 300.0
    registrar: RegistrarRules = RegistrarRules()
    subscriptions: SoftStateRules = SoftStateRules()
    publications: SoftStateRules = SoftStateRules(per_account=10)
    max_sessions: int = 50_000
    """Legs at one time; beyond it a new call gets 503."""
    t1: float = 0.5
    """RFC 3261 section 17.1.1.1; the engine must have been given the same."""
    t2: float = 4.0
    session_expires: int = 1800
    """Seconds between refreshes that we ask for, or agree to at most (RFC 4028); 0: we never ask, and agree to any."""
    min_session_expires: int = 90
    """Seconds between refreshes below which we refuse with 422."""
    prefer_reliable: bool = False
    """Whether provisional responses are sent reliably (RFC 3262) to callers who can, besides those who require it."""
    srtp_keys_in_clear: bool = False
    """Whether keys may go over unencrypted signalling even where SRTP is required. On this machine they always may."""
    vicinity: Vicinity | None = None
    """Whether hosts of our own networks are told other addresses than the rest of the world."""
    unsolicited_mwi: bool = False
    """Whether phones that never subscribed are told of their mailboxes."""
    nat_ping_seconds: float = 30.0
    """Between two OPTIONS to a phone behind NAT over UDP; 0: none are sent."""

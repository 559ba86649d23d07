"""How much the switch takes on."""

from dataclasses import dataclass

from softswitch.settings.kinds import setting, whole


@dataclass(frozen=True)
class LimitSettings:
    """`[limits]`"""

    calls: int = setting(20_000, whole(1, 1_000_000))
    """Calls at once; more are refused with 503."""
    silence_seconds: int = setting(600, whole(0, 86_400))
    """How long nobody in an answered call may be heard before it is ended: a call of two phones that lost power would
    stay for ever. Hold does not count, nor do calls whose sound goes past the switch. 0: no limit."""
    trace_days: int = setting(365, whole(0, 36_500))
    """How long the facts of calls (the event log, from which traces are told) are kept; 0: for ever. Call records
    are kept however old they are."""
    drain_seconds: int = setting(30, whole(0, 86_400))
    """How long calls may go on after SIGTERM."""
    connections: int = setting(20_000, whole(1, 1_000_000))
    """Connections at once, of TCP, TLS and WebSocket together; more are not taken."""
    idle_seconds: int = setting(900, whole(30, 86_400))
    """How long a connection may say nothing, not even a keep-alive."""

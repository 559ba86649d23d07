"""Facts of a call between 1001 and 1002, as tests need them: what matters to one is said, the rest is as ever."""

from softswitch.events import CallEnded, CallOffered, LegDialed
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, IdSource, LegId

CALL, A, B, C = CallId("x-1"), LegId("x-1.1"), LegId("x-1.2"), LegId("x-1.3")
T = 1_795_300_453_120
"""2026-11-21T22:34:13.120Z"""


def offered(
    call: str = CALL,
    at: int = T,
    from_: str = "1001",
    to: str = "1002",
    *,
    name: str = "Ann",
    source: str = "127.0.0.1:5070",
) -> CallOffered:
    return CallOffered(
        at=at,
        call=CallId(call),
        leg=IdSource.leg(CallId(call), 1),
        from_number=from_,
        from_name=name,
        to_number=to,
        origin_kind="account",
        origin=from_,
        context="default",
        source=source,
    )


def dialed(leg: LegId, at: int = T, account: str = "1002") -> LegDialed:
    """A leg of the call `x-1`."""
    return LegDialed(
        at=at,
        call=CALL,
        leg=leg,
        destination=Destination("account", account),
        number=account,
        target=f"sip:{account}@127.0.0.1:5080",
    )


def ended(call: str = CALL, at: int = T, cause: Cause = Cause.NORMAL_CLEARING) -> CallEnded:
    return CallEnded(at=at, call=CallId(call), cause=cause)

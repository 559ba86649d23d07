"""What happens to registrations."""

from softswitch.events.base import Fact


class AccountRegistered(Fact, frozen=True, gc=False, kw_only=True):
    """A contact was bound to an account, or its address changed. A mere refresh is no fact."""

    aor: str
    contact: str
    source: str
    user_agent: str
    expires_at: int


class AccountUnregistered(Fact, frozen=True, gc=False, kw_only=True):
    """A binding was removed by its phone, replaced, or ran out."""

    aor: str
    contact: str
    reason: str
    """`removed` or `expired`."""

"""What happens to trunks."""

from softswitch.events.base import Fact


class TrunkRegistered(Fact, frozen=True, gc=False, kw_only=True):
    """A carrier took our registration, for the first time or again after a failure. A mere refresh is no fact."""

    trunk: str
    expires: int
    """Seconds it holds."""


class TrunkRegistrationFailed(Fact, frozen=True, gc=False, kw_only=True):
    """A carrier refused our registration, or did not answer. Told once for each reason, not for every try."""

    trunk: str
    reason: str
    status: int | None = None


class TrunkGatewayUp(Fact, frozen=True, gc=False, kw_only=True):
    """A gateway answers."""

    trunk: str
    gateway: str
    """`host:port;transport`."""


class TrunkGatewayDown(Fact, frozen=True, gc=False, kw_only=True):
    """A gateway does not answer: calls pass it by until it does."""

    trunk: str
    gateway: str
    reason: str

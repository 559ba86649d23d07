"""What happens to the dial plan."""

from softswitch.events.base import Fact


class PlanPublished(Fact, frozen=True, gc=False, kw_only=True):
    """A dial plan went live: every call from now on is routed by it."""

    version: int
    by: str
    """The user, or `system`."""
    rolled_back_to: int | None = None
    """The version whose rules it repeats, where it is a rollback."""

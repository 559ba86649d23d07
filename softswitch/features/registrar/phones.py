"""An account's phones: where they are, and how they ring."""

from softswitch.calls.signals import Target
from softswitch.engine.caller import Caller, Candidate, DialOutcome
from softswitch.kernel.binding import Binding
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.ports import Location


def target_of(binding: Binding) -> Target:
    """How a registered phone is reached.

    Where the REGISTER came from, not where its Contact points: behind a NAT only that address leads back (RFC 3581).
    With a Path, the route through it leads there (RFC 3327 section 5.3).
    """
    return Target(
        uri=binding.contact,
        transport=binding.transport,
        address=None if binding.path else binding.source,
        connection=binding.connection,
        path=binding.path,
    )


def candidates_of(number: str, location: Location) -> list[Candidate]:
    """The phones of an account that are registered now."""
    destination = Destination("account", number)
    return [Candidate(target_of(binding), destination, number) for binding in location.bindings(number)]


class Phones:
    """The phones of accounts, as whoever has a call for an account sees them."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def registered(self, number: str) -> bool:
        """Whether there is a phone to ring."""
        return bool(self._location.bindings(number))

    async def ring(self, caller: Caller, number: str, ring_seconds: float) -> DialOutcome:
        """Ring all phones of an account at once. Raises Rejected(SUBSCRIBER_ABSENT) when there is none."""
        candidates = candidates_of(number, self._location)
        if not candidates:
            raise Rejected(Cause.SUBSCRIBER_ABSENT, f"no phone of {number} is registered")
        return await caller.dial(candidates, ring_seconds)

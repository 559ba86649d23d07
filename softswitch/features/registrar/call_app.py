"""What happens to a call for an account."""

from softswitch.calls.signals import Target
from softswitch.engine.caller import Caller, Candidate
from softswitch.feature import CallApp
from softswitch.features.registrar.needs import Accounts
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


def build_call_app(accounts: Accounts, location: Location) -> CallApp:
    """The application that rings all phones of an account at once."""

    async def call_account(caller: Caller, name: str) -> Destination | None:
        account = accounts.account(name)
        if account is None:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"there is no account {name}")
        if not account.enabled:
            raise Rejected(Cause.SUBSCRIBER_ABSENT, f"account {name} is disabled")
        candidates = candidates_of(name, location)
        if not candidates:
            raise Rejected(Cause.SUBSCRIBER_ABSENT, f"no phone of {name} is registered")
        await caller.dial(candidates, account.ring_seconds)
        return None

    return call_account

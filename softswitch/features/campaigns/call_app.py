"""What happens to an agent who has picked up for a list."""

from softswitch.engine.caller import Caller
from softswitch.events import RoutingStep
from softswitch.feature import CallApp
from softswitch.features.campaigns.service import Campaigns
from softswitch.features.campaigns.under_way import KIND
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected


def campaign_app(campaigns: Campaigns) -> CallApp:
    """Calls the number for `campaign/LOAN`, by the dial plan and with the rights of the agent's own phone."""

    async def call_number(caller: Caller, loan: str) -> Destination | None:
        found = campaigns.calling(int(loan)) if loan.isdecimal() else None
        if found is None:
            raise Rejected(Cause.NORMAL_CLEARING, "it is not to be called any more")
        place, shown = found
        caller.to = Party(place.number)
        if shown:
            caller.from_ = Party(shown)
        to = Destination("dialplan", caller.origin.context)
        caller.routed(to, KIND, None, (RoutingStep(f"record {place.record}", "matched", f"attempt {place.attempt}"),))
        return to

    return call_number

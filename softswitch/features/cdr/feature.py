"""How the records join the switch."""

from softswitch.events import CallFact
from softswitch.feature import Feature, hears
from softswitch.features.cdr.api import router
from softswitch.features.cdr.service import CallRecords


def build(records: CallRecords) -> Feature:
    """The feature. `records.recover()` is to be awaited before the first call.

    The event log must hear a call's facts from the same bus: what is published in one turn is stored together.
    """
    return Feature("cdr", subscriptions=[hears(CallFact, records.hear)], router=router)

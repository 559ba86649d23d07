"""What stories about lists begin with."""

import asyncio
from collections.abc import Callable
from typing import Any

from softswitch.events import AgentStateChanged, RecordTried
from softswitch.features.campaigns.call_app import campaign_app
from softswitch.features.campaigns.feature import build
from softswitch.features.campaigns.model.effects import Entry
from softswitch.features.campaigns.model.rules import CampaignRules
from softswitch.features.campaigns.service import Campaigns
from softswitch.features.campaigns.store import Stored
from softswitch.features.campaigns.under_way import KIND
from softswitch.platform.event_log import Rows
from tests.support.demo_parts import SupervisionBoard
from tests.support.switch import SimulatedSwitch


class SlowDisk:
    """In place of the event log: what is written is there a moment later."""

    def __init__(self) -> None:
        self.rows: dict[object, tuple[object, ...]] = {}

    def add(self, into: Rows, row: tuple[object, ...]) -> None:
        self.rows[row[0]] = row

    def then(self, action: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(0.05, action)


def campaign(house: SimulatedSwitch, *numbers: str, mode: str = "progressive", **rules: Any) -> Campaigns:
    """A list that runs, for alice and bob."""
    features = house.features
    campaigns = Campaigns(
        house.clock, house.bus, SlowDisk(), features.queues, SupervisionBoard(features), features.calendars
    )
    for kind, hearer in build(campaigns).subscriptions:
        house.bus.subscribe(kind, hearer)
    features.apps[KIND] = campaign_app(campaigns)
    made = CampaignRules(name="spring", mode=mode, agents=("alice", "bob"), **rules)  # type: ignore[arg-type]
    campaigns._take(made, "running")
    campaigns._add("spring", [Stored(Entry(id=at, number=number), "{}") for at, number in enumerate(numbers, 1)])
    campaigns.start()
    return campaigns


def results(house: SimulatedSwitch) -> list[tuple[str, str, str]]:
    """What came of each call: number, result, agent."""
    return [(fact.number, fact.result, fact.agent) for fact in house.facts if isinstance(fact, RecordTried)]


def was_outbound(house: SimulatedSwitch, agent: str) -> bool:
    return any(
        fact.agent == agent and fact.state == "outbound" and fact.stay
        for fact in house.facts
        if isinstance(fact, AgentStateChanged)
    )

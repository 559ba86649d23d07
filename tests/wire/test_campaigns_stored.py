"""Lists on both databases."""

from softswitch.events import AgentWrapUpCoded, RecordTried
from softswitch.kernel.cause import Cause
from softswitch.platform.database import Database
from tests.support.admin_plane import StandingClock
from tests.unit.test_campaigns_api import House, begun


async def test_a_list_is_where_it_was_after_a_restart(database: Database) -> None:
    clock = StandingClock()
    async with House(database, clock) as before:
        await before.campaigns.load(database)
        before.campaigns.start()
        await begun(before, mode="progressive", dispositions={"never": {"then": "never"}})
        before.agents.turn_up("anna")
        await before.until(lambda: before.telephones.rung)
        before.talks("c1")
        await before.until(lambda: before.agents.wrap_ups)
        before.bus.publish(AgentWrapUpCoded(at=1, queue="", stay=1, agent="anna", code="never"))
        before.agents.turn_up("anna")
        await before.until(lambda: len(before.telephones.rung) == 2)
        before.talks("c2", answered=False, cause=Cause.USER_BUSY)
        await before.until(lambda: len(before.all(RecordTried)) == 2)
        await before.post("/do-not-call", {"numbers": ["+49", "0049"], "reason": "asked"})
        await before.log.flush()
    async with House(database, clock) as after:
        await after.campaigns.load(database)
        after.campaigns.start()
        assert not after.all(RecordTried)
        rows = (await after.get("/campaigns/spring/records"))["items"]
        assert [(row["number"], row["state"], row["outcome"], row["code"], row["tries"]) for row in rows] == [
            ("+5551", "closed", "never", "never", {"answered": 1}),
            ("5552", "waiting", "busy", "", {"busy": 1}),
        ]
        whole = await after.get("/campaigns/spring")
        assert (whole["records"], whole["left"], whole["outcomes"]) == (2, 1, {"never": 1})
        assert [row["number"] for row in (await after.get("/do-not-call"))["items"]] == ["0049", "+5551"]
        clock.now += 600
        after.campaigns._tick()
        after.agents.turn_up("anna")
        await after.until(lambda: after.telephones.rung == [("1001", "5552", "campaign/1")])
        assert (await after.http.delete("/api/v1/do-not-call/49")).status_code == 204
        await after.post("/campaigns/spring/stop")

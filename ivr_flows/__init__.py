"""What callers hear: one flow a file, a coroutine in Python or a document in YAML.

`call` lets a scripted caller go through a flow without a telephone: a test of a flow is

    def test_sales_are_reached_by_one() -> None:
        done = call("main", "1")
        assert done.heard[-1] == "You are being connected to sales."
        assert str(done.destination) == "queue/sales"
"""

import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from softswitch.features.ivr import source
from softswitch.features.ivr.journey import Flows
from softswitch.features.ivr.local import LocalParts
from softswitch.features.ivr.needs import Calendars
from softswitch.features.ivr.simulator import Prompts, Simulation, simulate
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts

TUESDAY_MORNING = datetime(2026, 2, 17, 10, 0, tzinfo=UTC)


def call(
    flow: str | Path,
    press: str = "",
    *,
    says: Sequence[str] = (),
    at: datetime = TUESDAY_MORNING,
    caller: str = "1001",
    language: str = "en",
    flows: Flows | None = None,
    calendars: Calendars | None = None,
    closed: Collection[str] = (),
    missing: Collection[str] = (),
    web: Mapping[str, Any] = {},
    rows: Mapping[str, Mapping[str, Any]] = {},
    queues: Mapping[str, tuple[int, float]] = {},
    people: Mapping[str, str] = {},
    hangs_up_after: float | None = None,
) -> Simulation:
    """Let a caller go through a flow that ships, by its name, or one in a file: what it would hear, in text.

    `press`: keys, where a comma waits a second. `says`: what the caller says, one thing whenever somebody listens.
    `flows`: more flows that there are. `calendars`: who knows when what is open; left out: all are but for those that
    `closed` names. `missing`: destinations that are not there; all others are. `web`: what web services answer, by how
    their URLs begin; all others do not answer. `rows`: the row that each declared query finds. `queues`: how many wait
    in each, and for how many seconds. `people`: names by extension. Raises NotFound and Invalid.
    """
    known = {**source.shipped(sys.modules[__name__]), **(flows or {})}
    if isinstance(flow, Path):
        published = source.from_file(flow)
        known[published.name] = published
        flow = published.name
    prompts = ShippedPrompts(SHIPPED)
    local = LocalParts(
        prompts, set(known), closed=closed, missing=missing, web=web, rows=rows, queues=queues, people=people
    )
    return simulate(
        flow,
        known,
        Prompts(prompts.in_language, prompts.text, prompts.seconds),
        at_ms=round(at.timestamp() * 1000),
        press=press,
        says=says,
        parts=local.parts(calendars),
        caller=caller,
        language=language,
        hangs_up_after=hangs_up_after,
    )

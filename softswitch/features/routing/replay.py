"""Replay: calls of the past against a plan that is not in force yet, to see which of them would go elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

from softswitch.calls.signals import Origin
from softswitch.events import RoutingStep
from softswitch.features.routing.course import Course, course, end_of
from softswitch.features.routing.model import Plan, RouteRequest
from softswitch.features.routing.needs import Destinations, PastCall
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination

AT_ONCE = 100
"""Calls between two breaths, in which live calls are attended to: some milliseconds."""


class Way(Struct, frozen=True, gc=False):
    """Where a plan sends a call."""

    destination: Destination | None
    number: str
    caller: str
    """As it would be shown."""
    cause: Cause | None
    """What the call would end with at once; None: it would go on."""


class Rerouted(Struct, frozen=True, gc=False):
    """A call that would go elsewhere."""

    call: PastCall
    now: Way
    """By the plan in force."""
    then: Way
    """By the plan that is tried."""
    steps: tuple[RoutingStep, ...]
    """Why, by the plan that is tried."""


class Replay(Struct, frozen=True, gc=False):
    """What a replay has shown."""

    calls: int
    elsewhere: int
    rerouted: Sequence[Rerouted]
    """The first of those that would go elsewhere."""


async def replay(
    calls: AsyncIterator[PastCall], in_force: Plan, tried: Plan, destinations: Destinations, most: int
) -> Replay:
    """Send calls of the past through two plans, each call at its own time.

    Forwards and what else people have set are taken as they are now, by both: what differs is the plan's doing. At most
    `most` calls are given in detail; all are counted.
    """
    count = elsewhere = 0
    rerouted: list[Rerouted] = []
    async for call in calls:
        count += 1
        if count % AT_ONCE == 0:
            await asyncio.sleep(0)
        asked = RouteRequest(call.to, call.from_, call.context, call.origin.kind, call.origin.name, call.at)
        origin = Origin(call.origin.kind, call.origin.name, call.context)
        now, then = (course(plan, destinations, asked, origin) for plan in (in_force, tried))
        ways = _way(now, destinations), _way(then, destinations)
        if ways[0] != ways[1]:
            elsewhere += 1
            if len(rerouted) < most:
                explained = course(tried, destinations, asked, origin, explain=True)
                rerouted.append(Rerouted(call, *ways, explained.steps))
    return Replay(count, elsewhere, rerouted)


def _way(taken: Course, destinations: Destinations) -> Way:
    cause, _ = end_of(taken, destinations)
    return Way(taken.destination, taken.routed.number, taken.shown, cause)

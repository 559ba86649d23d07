"""The course of a call through the dial plan: its rules, the forwards of whom they lead to, and the rules for those
numbers, until it rings, is answered, or ends."""

from msgspec import Struct
from msgspec.structs import replace

from softswitch.calls.forwards import IN_A_CIRCLE, Forwards
from softswitch.calls.identity import ANONYMOUS
from softswitch.calls.onward import Calling
from softswitch.calls.signals import Origin
from softswitch.events import RoutingStep
from softswitch.features.routing.model import Plan, Routed, RouteRequest
from softswitch.features.routing.needs import Destinations
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination

MOST_STEPS = 1000
"""Enough to see that a call goes round in a circle."""


class Course(Struct, frozen=True, gc=False):
    """Where a call comes to."""

    asked: RouteRequest
    """The last question to the plan: of the number that it was forwarded to last, if it was."""
    routed: Routed
    """And its answer."""
    origin: Origin
    """With whose rights it came there."""
    first: Origin
    """Who called."""
    ended: bool
    """Whether it ends before it reaches the destination, for `cause`."""
    cause: Cause | None
    steps: tuple[RoutingStep, ...]
    hidden: bool = False
    """Whether nobody is shown who calls."""

    @property
    def calling(self) -> Calling:
        """Whose call comes there."""
        return Calling("" if self.hidden else self.shown, self.origin, self.first, self.asked.at)

    @property
    def destination(self) -> Destination | None:
        return self.routed.destination

    @property
    def shown(self) -> str:
        """The number shown as the caller's."""
        return self.routed.caller or self.asked.caller


def course(
    plan: Plan, destinations: Destinations, asked: RouteRequest, origin: Origin, *, explain: bool = False
) -> Course:
    """The course of a call, by the function that routes calls. `explain`: with every rule that was tried."""
    steps: list[RoutingStep] = []
    forwards = Forwards()
    first, hidden = origin, asked.caller == ANONYMOUS.number
    while True:
        routed = plan.route(asked, explain)
        steps += routed.steps
        onward = None
        while routed.destination is not None:
            shown = "" if hidden else routed.caller or asked.caller
            onward = destinations.onward(routed.destination, Calling(shown, origin, first, asked.at))
            if onward is None:
                break
            steps += onward.steps
            if len(steps) > MOST_STEPS:
                steps.append(RoutingStep(str(routed.destination), "failed", IN_A_CIRCLE))
                return Course(asked, routed, origin, first, True, Cause.NO_ROUTE_TO_DESTINATION, tuple(steps), hidden)
            if onward.destination is None:
                break
            routed = replace(routed, destination=onward.destination)
        if onward is None:
            return Course(asked, routed, origin, first, routed.destination is None, routed.cause, tuple(steps), hidden)
        if onward.routed_as is None:
            return Course(asked, routed, origin, first, True, onward.cause, tuple(steps), hidden)
        if onward.reason and not forwards.again(onward.routed_as, onward.number):
            steps.append(RoutingStep(str(routed.destination), "failed", IN_A_CIRCLE))
            return Course(asked, routed, origin, first, True, Cause.NO_ROUTE_TO_DESTINATION, tuple(steps), hidden)
        # As the call itself would: to the next number, with the rights of whoever sent it there.
        origin, hidden = onward.routed_as, hidden or onward.hidden
        asked = replace(
            asked,
            number=onward.number,
            caller=routed.caller or asked.caller,
            context=origin.context,
            origin_kind=origin.kind,
            origin=origin.name,
        )


def end_of(course: Course, destinations: Destinations) -> tuple[Cause | None, str]:
    """What a call ends with at once where its course leads, and why; None: it goes on there."""
    destination = course.destination
    if destination is None or course.ended:
        return course.cause, course.steps[-1].reason
    if destination.kind == "hangup":
        return Cause.named(destination.name), ""
    missing = destinations.why_missing(destination)
    return (None, "") if missing is None else (Cause.UNALLOCATED_NUMBER, missing)

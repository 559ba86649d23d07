"""What is known of a call and goes on record: who calls whom, where it is sent, what ended it, and its ladder."""

from collections.abc import Sequence

from msgspec import structs

from softswitch.calls.dial import over
from softswitch.calls.forwards import IN_A_CIRCLE, Forwards
from softswitch.calls.identity import Diversion, Identity
from softswitch.calls.leg import Leg, LegState
from softswitch.calls.signals import Origin
from softswitch.engine.surroundings import Surroundings
from softswitch.events import CallerIdentified, CallForwarded, CallOffered, CallRouted, RoutingStep, TraceLine
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import CallId, IdSource, LegId

MOST_TRACE_LINES = 500

Outcome = tuple[Cause, int | None]
"""How a life of a call ended, with the SIP status that said so, where one did."""


class RecordedCall:
    """The part of a call that tells of it: facts for the bus, and a ladder for whoever looks for a fault."""

    __slots__ = (
        "_around",
        "_cause",
        "_data",
        "_forwards",
        "_trace",
        "answered_at",
        "call",
        "caller_leg",
        "from_",
        "identity",
        "language",
        "origin",
        "routed_as",
        "to",
    )

    def __init__(self, around: Surroundings, call: CallId, origin: Origin) -> None:
        self._around = around
        self.call = call
        self.origin = self.routed_as = origin
        self.from_ = Party(origin.name)
        self.to = Party("")
        self.identity: Identity | None = None
        self.language = around.language
        self.answered_at: int | None = None
        self.caller_leg = nobody(call)
        """The leg of the party whom the application holds; in a call of our own, the party that was rung first."""
        self._trace: list[TraceLine] = []
        self._cause: Outcome | None = None
        self._forwards: Forwards | None = None
        self._data: dict[str, str] | None = None

    @property
    def data(self) -> dict[str, str]:
        """What applications know of the caller's matter: made when it is first asked for, which most calls never do."""
        if self._data is None:
            self._data = {}
        return self._data

    @property
    def leg(self) -> LegId:
        """The caller's leg."""
        return self.caller_leg.id

    @property
    def gone(self) -> bool:
        """Whether the caller has hung up, or was told to."""
        return over(self.caller_leg)

    def wall_ms(self) -> int:
        return self._around.clock.wall_ms()

    def _publish_offered(self, leg: LegId, source: str) -> None:
        self._around.publish(
            CallOffered(
                at=self.wall_ms(),
                call=self.call,
                leg=leg,
                from_number=self.from_.number,
                from_name=self.from_.name,
                to_number=self.to.number,
                origin_kind=self.origin.kind,
                origin=self.origin.name,
                context=self.origin.context,
                source=source,
                session_id=self.caller_leg.session_id,
            )
        )

    def routed(
        self, destination: Destination | None, by: str, version: int | None, steps: Sequence[RoutingStep]
    ) -> None:
        self._around.publish(
            CallRouted(
                at=self.wall_ms(),
                call=self.call,
                destination=destination,
                by=by,
                plan_version=version,
                steps=tuple(steps),
            )
        )

    def forward(self, by: Origin, number: str, reason: str) -> None:
        if self._forwards is None:
            self._forwards = Forwards()
        if not self._forwards.again(by, number):
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, IN_A_CIRCLE)
        # RFC 5806 section 3: whoever sends the call on puts itself on top.
        before = self.identity or Identity()
        diversion = Diversion(Party(by.name), reason)
        self.identity = structs.replace(before, diversions=(diversion, *before.diversions))
        self.to, self.routed_as = Party(number), by
        self._around.publish(
            CallForwarded(
                at=self.wall_ms(), call=self.call, by=Destination(by.kind, by.name), number=number, reason=reason
            )
        )

    def identified(self, from_: Party, to: Party, identity: Identity) -> None:
        self.from_, self.to, self.identity = from_, to, identity
        asserted = identity.asserted
        self._around.publish(
            CallerIdentified(
                at=self.wall_ms(),
                call=self.call,
                from_number=from_.number,
                to_number=to.number,
                asserted="" if asserted is None else asserted.number,
                private=identity.private,
                diverted_by=identity.diversions[0].party.number if identity.diversions else "",
                verstat=identity.verstat,
            )
        )

    def trace(self, leg: LegId, direction: str, what: str) -> None:
        """Add a line to the ladder."""
        lines = self._trace
        if len(lines) < MOST_TRACE_LINES:
            lines.append(TraceLine(self._around.clock.wall_ms(), leg, direction, what))

    def note(self, what: str) -> None:
        """Add what happened inside the switch to the ladder."""
        self.trace(self.caller_leg.id, "note", what)

    @property
    def ladder(self) -> Sequence[TraceLine]:
        """The call's ladder so far."""
        return self._trace

    def _remember(self, cause: Cause, status: int | None) -> None:
        """The first thing that ended the call is its cause; what follows from it is not."""
        if self._cause is None:
            self._cause = (cause, status)


def nobody(call: CallId) -> Leg:
    """In place of a caller that is not there: an ended leg, which nothing is sent to."""
    leg = Leg(IdSource.leg(call, 0), None, None)
    leg.state = LegState.ENDED
    return leg

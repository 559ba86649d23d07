"""The demo switch's accounts, locations, trunk and call applications in memory: what a test gives the switch in place
of what the database holds."""

import hashlib
from collections.abc import Mapping, Sequence

from softswitch.calls.signals import Origin, Target
from softswitch.engine.call import CallApp
from softswitch.engine.caller import Caller, Candidate
from softswitch.features.routing.model import Plan, RouteRequest, demo_plan
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.binding import Binding
from softswitch.kernel.cause import Cause
from softswitch.kernel.clock import Clock
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected

REALM = "softswitch"
ACCOUNTS = tuple(str(number) for number in range(1001, 1021))


def password_of(account: str) -> str:
    return f"demo-{account}"


class DemoGatekeeper:
    """A `softswitch.ports.Gatekeeper`: accounts 1001 to 1020, and one address that calls without proof."""

    def __init__(self, guest: str) -> None:
        self._guest = guest

    def recognise(self, source: HostPort, from_user: str, to_user: str) -> Origin | None:
        admitted = to_user in ("9196", "9197", "5000", "3000") or (to_user.startswith("8") and len(to_user) == 5)
        return Origin("guest", source.host, "guest") if source.host == self._guest and admitted else None

    def ha1(self, username: str, algorithm: str) -> str | None:
        if username not in ACCOUNTS:
            return None
        digest = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm]
        return digest(f"{username}:{REALM}:{password_of(username)}".encode()).hexdigest()

    def origin(self, username: str) -> Origin:
        return Origin("account", username, "default")


class MemoryLocation:
    """A `softswitch.ports.Location`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bindings: dict[str, list[Binding]] = {}

    def bindings(self, aor: str) -> Sequence[Binding]:
        now = self._clock.wall_ms()
        live = [binding for binding in self._bindings.get(aor, ()) if binding.expires_at > now]
        return sorted(live, key=lambda binding: (-binding.q, -binding.expires_at))

    def replace(self, aor: str, bindings: Sequence[Binding]) -> None:
        self._bindings[aor] = list(bindings)


class DemoApps:
    """What happens to calls: the real demo dial plan, and the applications that it names."""

    def __init__(self, location: MemoryLocation, trunk: HostPort, *, ring_seconds: float = 30.0) -> None:
        self._location = location
        self._trunk = trunk
        self._ring_seconds = ring_seconds
        self._plan = Plan.compile(demo_plan(), version=1)
        self.anchored = True
        """Whether the trunk's sound passes through the switch."""
        self.apps: dict[str, CallApp] = {
            "dialplan": self._dialplan,
            "account": self._account,
            "trunk": self._to_trunk,
            "echo": self._echo,
            "tone": self._tone,
            "hangup": self._hangup,
        }

    async def _dialplan(self, caller: Caller, context: str) -> Destination | None:
        origin = caller.origin
        routed = self._plan.route(
            RouteRequest(caller.to.number, caller.from_.number, context, origin.kind, origin.name, caller.wall_ms())
        )
        caller.routed(routed.destination, f"dialplan:{context}", self._plan.version, routed.steps)
        if routed.destination is None:
            raise Rejected(routed.cause or Cause.NO_ROUTE_TO_DESTINATION)
        caller.to = Party(routed.number, caller.to.name)
        return routed.destination

    async def _account(self, caller: Caller, name: str) -> Destination | None:
        candidates = [
            Candidate(
                Target(binding.contact, binding.transport, binding.source, binding.connection, binding.path),
                Destination("account", name),
                name,
            )
            for binding in self._location.bindings(name)
        ]
        if not candidates:
            raise Rejected(Cause.SUBSCRIBER_ABSENT)
        await caller.dial(candidates, self._ring_seconds)
        return None

    async def _to_trunk(self, caller: Caller, name: str) -> Destination | None:
        number = caller.to.number
        target = Target(f"sip:{number}@{self._trunk}")
        await caller.dial([Candidate(target, Destination("trunk", name), number, self.anchored)], self._ring_seconds)
        return None

    async def _echo(self, caller: Caller, name: str) -> Destination | None:
        await caller.echo()
        return None

    async def _tone(self, caller: Caller, name: str) -> Destination | None:
        await caller.tone(1004.0)
        return None

    async def _hangup(self, caller: Caller, name: str) -> Destination | None:
        raise Rejected(Cause[name.upper().replace("-", "_")])

    def added(self, kind: str, app: CallApp) -> Mapping[str, CallApp]:
        """One more application, for a story."""
        self.apps[kind] = app
        return self.apps

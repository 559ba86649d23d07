"""Whether a trunk's gateways live and its registration holds, from what the SIP gateway tells."""

from collections.abc import Sequence
from enum import Enum

from softswitch.calls.uplinks import Enrolled, Probed
from softswitch.events import Fact, TrunkGatewayDown, TrunkGatewayUp, TrunkRegistered, TrunkRegistrationFailed
from softswitch.features.trunks.model.rules import HealthRules
from softswitch.features.trunks.model.trunk import Trunk, gateway_name


class LineState(Enum):
    """Of a gateway, or of a registration."""

    UNKNOWN = "unknown"
    """Not asked, or nothing has come of it yet."""
    UP = "up"
    DOWN = "down"


class GatewayHealth:
    """One gateway: two thresholds between up and down, so that one lost packet changes nothing."""

    __slots__ = ("_failures", "_rules", "_successes", "ms", "name", "reason", "since", "state")

    def __init__(self, name: str, rules: HealthRules) -> None:
        self.name = name
        self._rules = rules
        self._failures = 0
        self._successes = 0
        self.state = LineState.UNKNOWN
        self.reason = ""
        """Why it is down, in words."""
        self.since: int | None = None
        """Wall milliseconds of the last change."""
        self.ms: float | None = None
        """How long its last answer took."""

    def probed(self, how: Probed, wall_ms: int) -> bool:
        """Take an answer, or its lack; whether the state has changed."""
        if how.alive:
            self._successes, self._failures, self.ms = self._successes + 1, 0, how.ms
            # The first answer of all is believed at once: there is nothing that it would contradict.
            if self.state is LineState.UP or (self.state is LineState.DOWN and self._successes < self._rules.up_after):
                return False
            self.state, self.reason = LineState.UP, ""
        else:
            self._failures, self._successes = self._failures + 1, 0
            if self.state is LineState.DOWN or self._failures < self._rules.down_after:
                return False
            self.state, self.reason = LineState.DOWN, how.reason
        self.since = wall_ms
        return True


class TrunkHealth:
    """A trunk's gateways and registration. Gives the facts that news of them are."""

    __slots__ = ("_trunk", "expires_at", "gateways", "next_try_at", "registration", "registration_reason", "status")

    def __init__(self, trunk: Trunk) -> None:
        self._trunk = trunk
        self.gateways = [GatewayHealth(gateway_name(gateway), trunk.rules.health) for gateway in trunk.gateways]
        self.registration = LineState.UNKNOWN
        self.registration_reason = ""
        self.status: int | None = None
        self.expires_at: int | None = None
        self.next_try_at: int | None = None

    @property
    def usable(self) -> Sequence[int]:
        """The places of the gateways that are not down."""
        return [place for place, gateway in enumerate(self.gateways) if gateway.state is not LineState.DOWN]

    @property
    def why_unusable(self) -> str:
        """In words, where no gateway is left."""
        return "; ".join(f"{gateway.name} is down: {gateway.reason}" for gateway in self.gateways)

    def probed(self, how: Probed, wall_ms: int) -> Fact | None:
        """A gateway was asked whether it lives."""
        if how.gateway >= len(self.gateways):
            return None
        gateway = self.gateways[how.gateway]
        if not gateway.probed(how, wall_ms):
            return None
        if gateway.state is LineState.UP:
            return TrunkGatewayUp(at=wall_ms, trunk=self._trunk.name, gateway=gateway.name)
        return TrunkGatewayDown(at=wall_ms, trunk=self._trunk.name, gateway=gateway.name, reason=gateway.reason)

    def enrolled(self, how: Enrolled, wall_ms: int) -> Fact | None:
        """A REGISTER was answered, or was not."""
        before = self.registration, self.registration_reason
        self.status = how.status
        self.next_try_at = wall_ms + round(how.seconds * 1000)
        if how.ok:
            self.registration, self.registration_reason = LineState.UP, ""
            self.expires_at = wall_ms + how.expires * 1000
        else:
            self.registration, self.registration_reason = LineState.DOWN, how.reason
        if (self.registration, self.registration_reason) == before:
            return None
        if how.ok:
            return TrunkRegistered(at=wall_ms, trunk=self._trunk.name, expires=how.expires)
        return TrunkRegistrationFailed(at=wall_ms, trunk=self._trunk.name, reason=how.reason, status=how.status)

"""Trunks without a switch around them."""

from collections.abc import Callable, Sequence
from typing import Any

from softswitch.calls.identity import Identity
from softswitch.calls.signals import Origin, Target
from softswitch.engine.caller import Candidate, DialOutcome, Later
from softswitch.events import Fact, LegDialed, LegEnded, RoutingStep
from softswitch.features.trunks.model import Trunk, TrunkRules, check_rules
from softswitch.features.trunks.service import Trunks
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.clock import Clock
from softswitch.kernel.destination import Destination
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.vault import Vault
from tests.support.admin_plane import StandingClock

KEY = bytes(range(32))


def make_trunks(*, clock: Clock | None = None, publish: Callable[[Fact], Any] = lambda fact: None) -> Trunks:
    """Trunks with a known key."""
    return Trunks("softswitch", clock or StandingClock(), publish, Vault(KEY))


def make_trunk(name: str = "carrier", rules: dict[str, Any] | None = None, **more: Any) -> Trunk:
    """One trunk, with rules as HTTP would have written them."""
    fields: dict[str, Any] = {
        "name": name,
        "host": "192.0.2.9",
        "port": 5060,
        "transport": "udp",
        "sources": (),
        "strip": 0,
        "prefix": "",
        "anchored": True,
        "ring_seconds": 60,
        "enabled": True,
        "origin": Origin("trunk", name, "default"),
        "rules": check_rules(rules) if rules else TrunkRules(),
    }
    return Trunk(**fields | more)


def holding(*trunks: Trunk, publish: Callable[[Fact], Any] = lambda fact: None) -> Trunks:
    """Trunks as `load` would have read them."""
    held = make_trunks(publish=publish)
    held._remember({trunk.name: trunk for trunk in trunks})
    return held


class FakeAccounts:
    """1001 is known outside by another number."""

    def shown_outside(self, number: str) -> Party | None:
        return Party("+85212345678", "Alice") if number == "1001" else None


class FakeContacts:
    """Who has registered, and where."""

    def __init__(self, **registered: str) -> None:
        self.registered = registered

    def targets(self, number: str) -> Sequence[Target]:
        return [Target(self.registered[number])] if number in self.registered else []


class FakeCaller:
    """A caller whose dials end as it is told, one after another; the last outcome stays."""

    def __init__(self, number: str, origin: Origin, *outcomes: DialOutcome, identity: Identity | None = None) -> None:
        self.call = CallId("call")
        self.to, self.from_, self.origin = Party(number), Party("1001", "Al"), origin
        self.routed_as = origin
        self.identity = identity
        self.dialled: list[Candidate] = []
        self.ring_seconds = 0.0
        self.notes: list[str] = []
        self.steps: list[RoutingStep] = []
        self.publish: Callable[[Fact], Any] = lambda fact: None
        self._outcomes = list(outcomes) or [DialOutcome(True, Cause.NORMAL_CLEARING)]

    async def dial(
        self, candidates: Sequence[Candidate], ring_seconds: float, later: Sequence[Later] = ()
    ) -> DialOutcome:
        (candidate,) = candidates
        self.dialled.append(candidate)
        self.ring_seconds = ring_seconds
        leg = LegId(f"{self.call}.{len(self.dialled)}")
        number, uri = candidate.number, candidate.target.uri
        self.publish(
            LegDialed(at=0, call=self.call, leg=leg, destination=candidate.destination, number=number, target=uri)
        )
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        self.publish(LegEnded(at=0, call=self.call, leg=leg, cause=outcome.cause, by_party=True))
        return outcome

    def redirect(self, contacts: Sequence[str]) -> None:
        self.notes.append(f"redirected to {', '.join(contacts)}")

    def forward(self, by: Origin, number: str, reason: str) -> None:
        self.to, self.routed_as = Party(number), by

    def note(self, what: str) -> None:
        self.notes.append(what)

    def routed(
        self, destination: Destination | None, by: str, version: int | None, steps: Sequence[RoutingStep]
    ) -> None:
        self.steps += steps

    def identified(self, from_: Party, to: Party, identity: Identity) -> None:
        self.from_, self.to, self.identity = from_, to, identity

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a trunk has no business with {name}")

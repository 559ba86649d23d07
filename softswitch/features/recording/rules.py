"""Asks the rules of each talk as it begins, and has it recorded until those two talk no more."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import structlog

from softswitch.events import CallFact, LegEnded, LegsBridged, RecordingDecided, RoutingStep
from softswitch.feature import hears
from softswitch.features.recording import store
from softswitch.features.recording.model import Recording
from softswitch.features.recording.model.rules import MOST_RULES, Decision, Rule, Talk, decide, talk_between
from softswitch.features.recording.needs import Bus
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.changes import count_change
from softswitch.platform.database import Session

log = structlog.get_logger(__name__)

CHANGED = "recording"
"""What rules and policies are called among the `Changes`."""

Outcome = Literal["recorded", "not_recorded", "on_demand", "failed"]


class Recorder(Protocol):
    """Who records."""

    def begin_by_rule(self, call: CallId, talk: Talk, rule: Rule) -> Recording | None:
        """None: one of the two is recorded already. Raises Conflict where their sound goes past us."""
        ...

    def end_by_rule(self, leg: LegId) -> None:
        """End what a rule has begun of a leg, if that runs."""
        ...


class Rules:
    """All rules, and the talks that they have been asked of."""

    def __init__(
        self,
        recorder: Recorder,
        facts: Callable[[CallId], Sequence[CallFact] | None],
        bus: Bus,
        clock: Clock,
    ) -> None:
        """`facts`: those of a live call."""
        self._recorder = recorder
        self._facts = facts
        self._bus = bus
        self._clock = clock
        self._rules: Sequence[Rule] = ()
        self._talks: dict[LegId, tuple[Talk, Decision]] = {}
        """By the leg that is recorded, or would be."""
        self._hears = (hears(LegsBridged, self._bridged), hears(LegEnded, self._ended))

    def all(self) -> Sequence[Rule]:
        """In the order in which they are tried."""
        return self._rules

    def one(self, name: str) -> Rule:
        """Raises NotFound."""
        found = next((rule for rule in self._rules if rule.name == name), None)
        if found is None:
            raise NotFound("recording rule", name)
        return found

    async def load(self, session: Session) -> None:
        self._take(await store.all_rules(session))

    async def set(self, session: Session, rule: Rule) -> None:
        """Raises Conflict when there are too many."""
        others = [each for each in self._rules if each.name != rule.name]
        if len(others) >= MOST_RULES:
            raise Conflict("too-many", f"{MOST_RULES} rules at the most")
        await store.write_rule(session, rule)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take([*others, rule]))

    async def remove(self, session: Session, name: str) -> None:
        """What it has begun goes on. Raises NotFound."""
        self.one(name)
        await store.remove_rule(session, name)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take([each for each in self._rules if each.name != name]))

    def _take(self, rules: Sequence[Rule]) -> None:
        # Calls pay for being looked at only where there are rules.
        if bool(rules) != bool(self._rules):
            turn = self._bus.subscribe if rules else self._bus.unsubscribe
            for kind, hearer in self._hears:
                turn(kind, hearer)
            self._talks.clear()
        self._rules = sorted(rules, key=lambda rule: (rule.position, rule.name))

    def on_demand(self, leg: LegId) -> Rule | None:
        """The rule by which a party that talks may have that recorded; None: none lets it."""
        for talk, decision in self._talks.values():
            if leg in (talk.leg, talk.other) and decision.rule is not None and decision.rule.mode != "none":
                return decision.rule
        return None

    # What is heard ------------------------------------------------------------------------------------------

    def _bridged(self, fact: LegsBridged) -> None:
        pair = {fact.a, fact.b}
        for leg in (fact.a, fact.b):
            known = self._talks.get(leg)
            if known is not None and {known[0].leg, known[0].other} == pair:
                return  # they talked before, and one has come back: what was decided holds
        for leg in (fact.a, fact.b):
            if self._talks.pop(leg, None) is not None:
                self._recorder.end_by_rule(leg)
        talk = talk_between(self._facts(fact.call) or (), fact.a, fact.b)
        if talk is None:
            return
        decision = decide(self._rules, talk)
        self._talks[talk.leg] = talk, decision
        outcome, steps = self._carry_out(fact.call, talk, decision)
        self._bus.publish(
            RecordingDecided(
                at=self._clock.wall_ms(),
                call=fact.call,
                leg=talk.leg,
                other=talk.other,
                outcome=outcome,
                rule="" if decision.rule is None else decision.rule.name,
                queue=talk.link.queue,
                stay=talk.link.stay,
                agent=talk.link.agent,
                steps=steps,
            )
        )

    def _carry_out(self, call: CallId, talk: Talk, decision: Decision) -> tuple[Outcome, tuple[RoutingStep, ...]]:
        if decision.rule is None or not decision.records:
            asked = decision.rule is not None and decision.rule.mode == "on-demand"
            return "on_demand" if asked else "not_recorded", decision.steps
        try:
            begun = self._recorder.begin_by_rule(call, talk, decision.rule)
        except Conflict as conflict:
            log.warning(
                "a talk is not recorded as a rule says", leg=talk.leg, rule=decision.rule.name, reason=str(conflict)
            )
            return "failed", (*decision.steps, RoutingStep(decision.rule.name, "failed", str(conflict)))
        if begun is None:
            return "recorded", (*decision.steps, RoutingStep(decision.rule.name, "skipped", "it is recorded already"))
        return "recorded", decision.steps

    def _ended(self, fact: LegEnded) -> None:
        self._talks.pop(fact.leg, None)

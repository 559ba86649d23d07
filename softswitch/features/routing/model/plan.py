"""The compiled dial plan and the one function that routes: live calls, explain and dry-run alike."""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter

from msgspec import Struct

from softswitch.events import RoutingStep
from softswitch.features.routing.model.conditions import OpeningOf
from softswitch.features.routing.model.document import Context, PlanDocument
from softswitch.features.routing.model.rule import NAME_RULE, CompiledRule, is_name
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid, NotFound
from softswitch.kernel.opening import Opening

NUMBER_LIMIT = 64
"""Longer numbers are refused as they come: E.164 has 15 digits, and names of accounts are not much longer."""
RULE_LIMIT = 10_000
RESERVED = ("contexts", "versions")
"""No names of contexts: beside them they would be confused in the API's paths."""

_BY_ORDER = attrgetter("place")
_CONDITIONS = attrgetter("callers", "times", "time_zone", "while_open", "while_closed")


def _no_calendar(name: str, at: int) -> Opening:
    raise NotFound("calendar", name)


class RouteRequest(Struct, frozen=True, gc=False):
    """What is asked of the plan."""

    number: str
    caller: str
    """The caller's number."""
    context: str
    origin_kind: str
    origin: str
    at: int
    """Wall milliseconds."""


class Routed(Struct, frozen=True, gc=False):
    """What the plan says."""

    destination: Destination | None
    """None: the call ends, for `cause`."""
    number: str
    """The number called, as rewritten."""
    caller: str | None = None
    """The number to show in place of the caller's, where the rule says so."""
    cause: Cause | None = None
    steps: tuple[RoutingStep, ...] = ()
    """Only the step that decided; every rule that was tried when asked to explain."""


class Plan:
    """A dial plan ready to route. Immutable: a change is a new plan."""

    def __init__(self, contexts: dict[str, "_Scope"], version: int, warnings: tuple[str, ...]) -> None:
        self._contexts = contexts
        self.version = version
        self.warnings = warnings
        """What looks like a mistake though it is allowed: rules that can never be reached."""

    @classmethod
    def compile(cls, document: PlanDocument, version: int, opening: OpeningOf = _no_calendar) -> "Plan":
        """Check a document as a whole. `opening` tells whether a calendar is open. Raises Invalid naming rule and
        field."""
        if len(document.rules) > RULE_LIMIT:
            raise Invalid("rules", f"a plan holds at most {RULE_LIMIT} rules")
        contexts = _checked_contexts(document.contexts)
        own: dict[str, list[CompiledRule]] = {name: [] for name in contexts}
        taken = set[str]()
        for order, rule in enumerate(document.rules):
            if rule.context not in own:
                raise Invalid(f"{rule.path}.context", f"there is no context {rule.context!r}")
            compiled = CompiledRule(rule, order, opening)
            if rule.path in taken:
                raise Invalid(f"{rule.path}.name", "there are two rules of this name")
            taken.add(rule.path)
            own[rule.context].append(compiled)
        scopes = {
            name: _Scope(list(chain.from_iterable(own[c] for c in _included(name, contexts)))) for name in contexts
        }
        warnings = tuple(
            chain.from_iterable(
                _Scope([rule for rule in rules if rule.rule.enabled]).shadowed() for rules in own.values()
            )
        )
        return cls(scopes, version, warnings)

    def route(self, request: RouteRequest, explain: bool = False) -> Routed:
        """Where a call goes.

        To explain is to try every rule in order and say of each why it was passed by; otherwise only those are tried
        whose number begins as the one dialled. Both ask the same of a rule, and a property test holds them equal.
        """
        number = request.number
        scope = self._contexts.get(request.context)
        if scope is None:
            said = f"there is no context {request.context!r}"
            return _nowhere(number, Cause.NO_ROUTE_TO_DESTINATION, (RoutingStep(request.context, "failed", said),))
        if not 0 < len(number) <= NUMBER_LIMIT:
            said = f"a number has 1 to {NUMBER_LIMIT} characters"
            return _nowhere(number[:NUMBER_LIMIT], Cause.INVALID_NUMBER_FORMAT, (RoutingStep("", "failed", said),))
        steps: list[RoutingStep] = []
        number_known = False
        for placed in scope.rules if explain else scope.candidates(number):
            rule = placed.rule
            found = rule.pattern.full(number)
            if found is not None and rule.rule.enabled:
                refusal = rule.refusal(request.caller, request.origin_kind, request.origin, request.at)
                if refusal is None:
                    called = rule.rewrite(number, found) if rule.rewrite is not None else number
                    chosen = rule.chosen if rule.calendars is None else rule.chosen_at(request.at)
                    return Routed(
                        rule.destination_of(called),
                        called,
                        rule.shown_caller(request.caller),
                        None,
                        (*steps, *chosen) if steps else chosen,
                    )
                number_known = True
            elif not explain:
                continue
            elif not rule.rule.enabled:
                refusal = "the rule is switched off"
            else:
                refusal = rule.pattern.no(number)
            if explain:
                steps.append(RoutingStep(rule.rule.path, "skipped", refusal))
        if number_known:
            said = f"the rules of context {request.context!r} for this number do not hold for this caller now"
            return _nowhere(
                number, Cause.NO_ROUTE_TO_DESTINATION, (*steps, RoutingStep(request.context, "failed", said))
            )
        said = f"no rule of context {request.context!r} is for this number"
        return _nowhere(number, Cause.UNALLOCATED_NUMBER, (*steps, RoutingStep(request.context, "failed", said)))


def _nowhere(number: str, cause: Cause, steps: tuple[RoutingStep, ...]) -> Routed:
    return Routed(None, number, None, cause, steps)


class _Placed:
    """A rule at its place in one context, included rules counted."""

    __slots__ = ("place", "rule")

    def __init__(self, place: int, rule: CompiledRule) -> None:
        self.place, self.rule = place, rule


class _Scope:
    """The rules of one context and of those it includes, in order, and an index by how numbers begin."""

    def __init__(self, rules: Sequence[CompiledRule]) -> None:
        self.rules = [_Placed(place, rule) for place, rule in enumerate(rules)]
        self._literals: dict[str, list[_Placed]] = {}
        self._heads: dict[str, list[_Placed]] = {}
        for placed in self.rules:
            if not placed.rule.rule.enabled:
                continue
            literal = placed.rule.pattern.literal
            if literal is not None:
                self._literals.setdefault(literal, []).append(placed)
            else:
                for head in placed.rule.pattern.heads:
                    self._heads.setdefault(head, []).append(placed)
        self._lengths = sorted({len(head) for head in self._heads})

    def candidates(self, number: str) -> Sequence[_Placed]:
        """The rules, in order, that a number beginning so may match."""
        found = self._literals.get(number)
        merged = False
        heads = self._heads
        for length in self._lengths:
            some = heads.get(number[:length]) if length <= len(number) else None
            if some is None:
                continue
            if found is None:
                found = some
            else:
                found = found + some
                merged = True
        if found is None:
            return ()
        return sorted(found, key=_BY_ORDER) if merged else found

    def shadowed(self) -> Iterable[str]:
        """A warning for each rule that an earlier one leaves nothing to match."""
        for placed in self.rules:
            rule = placed.rule
            # What covers the rule covers whatever begins as its first head does, so it is indexed under a part of it.
            for earlier in self.candidates(rule.pattern.literal or rule.pattern.heads[0]):
                if earlier.place >= placed.place:
                    break
                same = _CONDITIONS(earlier.rule.rule) == _CONDITIONS(rule.rule)
                if (earlier.rule.unconditional or same) and earlier.rule.pattern.covers(rule.pattern):
                    before = earlier.rule.rule.path
                    yield f"{rule.rule.path} can never match: {before} comes before it and takes its numbers"
                    break


def _checked_contexts(contexts: Sequence[Context]) -> dict[str, Context]:
    by_name: dict[str, Context] = {}
    for context in contexts:
        where = f"contexts.{context.name}"
        if not is_name(context.name):
            raise Invalid(f"{where}.name", NAME_RULE)
        if context.name in RESERVED:
            raise Invalid(f"{where}.name", "this word is taken by the API")
        if context.name in by_name:
            raise Invalid(f"{where}.name", "there are two contexts of this name")
        by_name[context.name] = context
    for context in contexts:
        for included in context.includes:
            if included not in by_name:
                raise Invalid(f"contexts.{context.name}.includes", f"there is no context {included!r}")
        _refuse_loop(context.name, by_name)
    return by_name


def _refuse_loop(name: str, contexts: dict[str, Context]) -> None:
    trail = [name]

    def visit(current: str) -> None:
        for included in contexts[current].includes:
            if included == name:
                raise Invalid(f"contexts.{name}.includes", f"includes itself: {' → '.join([*trail, name])}")
            if included in contexts and included not in seen:
                seen.add(included)
                trail.append(included)
                visit(included)
                trail.pop()

    seen = {name}
    visit(name)


def _included(name: str, contexts: dict[str, Context]) -> list[str]:
    """A context and all that it includes, each once, where it is met first."""
    order: list[str] = []

    def visit(current: str) -> None:
        if current not in order:
            order.append(current)
            for included in contexts[current].includes:
                visit(included)

    visit(name)
    return order

"""Changes of a plan document, each of which gives a new one."""

from dataclasses import replace

from softswitch.features.routing.model.document import Context, PlanDocument, Rule
from softswitch.kernel.errors import Conflict, NotFound


def rule_at(document: PlanDocument, path: str) -> tuple[Rule, int]:
    """A rule by `context/name`, and its position among its context's, counted from 1. Raises NotFound."""
    position = 0
    context = path.partition("/")[0]
    for rule in document.rules:
        position += rule.context == context
        if rule.path == path:
            return rule, position
    raise NotFound("rule", path)


def positions(document: PlanDocument) -> list[tuple[Rule, int]]:
    """Every rule with its position in its context, in order."""
    counted: dict[str, int] = {}
    placed = []
    for rule in document.rules:
        counted[rule.context] = counted.get(rule.context, 0) + 1
        placed.append((rule, counted[rule.context]))
    return placed


def with_rule(document: PlanDocument, rule: Rule, position: int | None) -> PlanDocument:
    """Put a new rule at a position of its context, counted from 1; None: at the end. Raises Conflict."""
    if any(other.path == rule.path for other in document.rules):
        raise Conflict("exists", f"there is a rule {rule.path} already")
    rules = list(document.rules)
    index = len(rules)
    if position is not None:
        of_context = [index for index, other in enumerate(rules) if other.context == rule.context]
        if position <= len(of_context):
            index = of_context[position - 1]
    rules.insert(index, rule)
    return replace(document, rules=tuple(rules))


def with_changed_rule(document: PlanDocument, path: str, rule: Rule, position: int | None) -> PlanDocument:
    """Put `rule` in the place of another, or at a new position. Raises NotFound and Conflict."""
    old, _ = rule_at(document, path)
    if position is not None or rule.context != old.context:
        return with_rule(without_rule(document, path), rule, position)
    if rule.path != path and any(other.path == rule.path for other in document.rules):
        raise Conflict("exists", f"there is a rule {rule.path} already")
    return replace(document, rules=tuple(rule if other.path == path else other for other in document.rules))


def without_rule(document: PlanDocument, path: str) -> PlanDocument:
    """Take a rule out. Raises NotFound."""
    rule_at(document, path)
    return replace(document, rules=tuple(rule for rule in document.rules if rule.path != path))


def with_context(document: PlanDocument, context: Context) -> PlanDocument:
    """Add a context, or change what one includes."""
    if any(other.name == context.name for other in document.contexts):
        contexts = tuple(context if other.name == context.name else other for other in document.contexts)
    else:
        contexts = (*document.contexts, context)
    return replace(document, contexts=contexts)


def without_context(document: PlanDocument, name: str) -> PlanDocument:
    """Take a context out. Raises NotFound, and Conflict while it has rules or is included."""
    if all(context.name != name for context in document.contexts):
        raise NotFound("context", name)
    users = [rule.path for rule in document.rules if rule.context == name]
    users += [f"context {context.name}" for context in document.contexts if name in context.includes]
    if users:
        raise Conflict("in-use", f"the context {name} is used by {', '.join(users[:5])}")
    return replace(document, contexts=tuple(context for context in document.contexts if context.name != name))

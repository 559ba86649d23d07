"""One rule, compiled: a test, and what it makes of a call."""

import re
from collections.abc import Callable

from softswitch.events import RoutingStep
from softswitch.features.routing.model.conditions import OpeningOf, calendar_test, caller_test, time_test
from softswitch.features.routing.model.document import Rewrite, Rule
from softswitch.features.routing.model.pattern import Pattern
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PLACE = re.compile(r"\$\{([^}]*)\}")

Rewriting = Callable[[str, re.Match[str]], str]


class CompiledRule:
    """A rule ready to be tried. `order` is its place in the document."""

    __slots__ = (
        "calendars",
        "caller_number",
        "callers",
        "chosen",
        "destination",
        "destination_template",
        "order",
        "pattern",
        "rewrite",
        "rule",
        "times",
    )

    def __init__(self, rule: Rule, order: int, opening: OpeningOf) -> None:
        """`opening` tells whether a calendar is open. Raises Invalid naming rule and field."""
        self.rule, self.order = rule, order
        if _NAME.fullmatch(rule.name) is None:
            raise Invalid(f"{rule.path}.name", NAME_RULE)
        try:
            self.pattern = Pattern(rule.match, rule.number)
        except ValueError as error:
            raise Invalid(f"{rule.path}.number", str(error)) from None
        try:
            self.callers = caller_test(rule)
            self.times = time_test(rule)
        except ValueError as error:
            where, _, message = str(error).partition(": ")
            raise Invalid(f"{rule.path}.{where}", message) from None
        self.calendars = calendar_test(rule, opening)
        self.rewrite = _rewriting(rule.rewrite, self.pattern, rule.path)
        self.caller_number: str | None = None
        if rule.caller_number:
            _template(rule.caller_number, 0, f"{rule.path}.caller_number")
            self.caller_number = rule.caller_number
        self.destination: Destination | None = None
        self.destination_template: Destination | None = None
        destination = _destination(rule)
        if "{" in destination.name:
            self.destination_template = destination
        else:
            self.destination = destination
        note = f"; {rule.note}" if rule.note else ""
        self.chosen = (RoutingStep(rule.path, "matched", f"{self.pattern.yes()}: to {rule.destination}{note}"),)
        """The step of a call that this rule decides: made once, since it is on every call's path."""

    def chosen_at(self, at: int) -> tuple[RoutingStep]:
        """The same, with how its calendars are."""
        if self.calendars is None:
            return self.chosen
        (step,) = self.chosen
        return (RoutingStep(step.rule, step.result, f"{step.reason}; {self.calendars.said(at)}"),)

    @property
    def unconditional(self) -> bool:
        """Whether the number alone decides."""
        return self.callers is None and self.times is None and self.calendars is None

    def refusal(self, caller: str, kind: str, name: str, at: int) -> str | None:
        """Which condition beside the number does not hold, in words; None: all do."""
        if self.callers is not None:
            said = self.callers.refusal(caller, kind, name)
            if said is not None:
                return said
        if self.times is not None:
            said = self.times.refusal(at)
            if said is not None:
                return said
        return self.calendars.refusal(at) if self.calendars is not None else None

    def destination_of(self, number: str) -> Destination:
        """Where the rule sends a call to `number` (as rewritten)."""
        if self.destination is not None:
            return self.destination
        assert self.destination_template is not None
        return Destination(self.destination_template.kind, self.destination_template.name.replace("{number}", number))

    def shown_caller(self, number: str) -> str | None:
        """The number to show in place of the caller's; None: leave it."""
        return self.caller_number.replace("${0}", number) if self.caller_number is not None else None


NAME_RULE = "a name is 1 to 64 small letters, digits, dots, dashes and underscores, a letter or digit first"


def is_name(text: str) -> bool:
    """Whether a text may name a rule or a context."""
    return _NAME.fullmatch(text) is not None


def _rewriting(rewrite: Rewrite, pattern: Pattern, path: str) -> Rewriting | None:
    """How a number is rewritten; None: not at all."""
    if not 0 <= rewrite.strip <= 64:
        raise Invalid(f"{path}.rewrite.strip", "must be from 0 to 64")
    if rewrite.replace:
        if rewrite.strip or rewrite.prefix:
            raise Invalid(f"{path}.rewrite.replace", "stands alone: leave out strip and prefix")
        _template(rewrite.replace, pattern.groups, f"{path}.rewrite.replace")
        replace = rewrite.replace
        return lambda _, found: _PLACE.sub(lambda place: found.group(int(place.group(1))) or "", replace)
    if rewrite.strip or rewrite.prefix:
        strip, prefix = rewrite.strip, rewrite.prefix
        return lambda number, _: prefix + number[strip:]
    return None


def _template(text: str, groups: int, where: str) -> None:
    for place in _PLACE.findall(text):
        if not (place.isascii() and place.isdigit()) or int(place) > groups:
            known = "only ${0}" if groups == 0 else f"${{0}} to ${{{groups}}}"
            raise Invalid(where, f"${{{place}}} stands for nothing: there is {known}")


def _destination(rule: Rule) -> Destination:
    where = f"{rule.path}.destination"
    try:
        destination = Destination.parse(rule.destination)
    except ValueError as error:
        raise Invalid(where, str(error)) from None
    if re.fullmatch(r"[a-z][a-z0-9_-]*", destination.kind) is None:
        raise Invalid(where, f"{destination.kind!r} is no kind of destination")
    if re.search(r"[{}]", destination.name.replace("{number}", "")):
        raise Invalid(where, "the only place holder is {number}")
    if destination.kind == "hangup":
        try:
            Cause.named(destination.name)
        except ValueError as error:
            raise Invalid(where, str(error)) from None
    return destination

"""How many calls a trunk may carry, and how fast they may come (a token bucket)."""

from typing import Literal

from msgspec import Struct

Direction = Literal["in", "out"]


class LimitRules(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """0: no limit."""

    calls: int = 0
    """At one time, both ways together."""
    calls_in: int = 0
    calls_out: int = 0
    per_second: float = 0.0
    """New calls a second, each way by itself, measured over what `burst` allows at once."""
    burst: int = 1


class Load:
    """What one trunk carries now. Plain counting: whoever asks `why_full` and then counts does both in one step."""

    __slots__ = ("_rules", "_tokens", "calls_in", "calls_out", "refused")

    def __init__(self, rules: LimitRules) -> None:
        self._rules = rules
        self._tokens: dict[Direction, tuple[float, float]] = {}
        """By direction: tokens left, and when that was (monotonic seconds)."""
        self.calls_in = 0
        self.calls_out = 0
        self.refused = 0
        """Calls that a limit has turned away since the start."""

    def limited(self, rules: LimitRules) -> None:
        """Other rules from now on; what is carried stays counted."""
        self._rules = rules

    def why_full(self, direction: Direction, now: float) -> str | None:
        """Why no further call may come or go, in words; None: it may. Takes nothing."""
        rules = self._rules
        if rules.calls and self.calls_in + self.calls_out >= rules.calls:
            return f"it carries {rules.calls} calls, its limit"
        if direction == "in" and rules.calls_in and self.calls_in >= rules.calls_in:
            return f"it carries {rules.calls_in} incoming calls, its limit"
        if direction == "out" and rules.calls_out and self.calls_out >= rules.calls_out:
            return f"it carries {rules.calls_out} outgoing calls, its limit"
        if rules.per_second and self._left(direction, now) < 1.0:
            return f"it takes {rules.per_second:g} new calls a second, its limit"
        return None

    def take(self, direction: Direction, now: float) -> str | None:
        """A new call: why it may not, or None, and then a token of the rate is used up."""
        why = self.why_full(direction, now)
        if why is not None:
            self.refused += 1
        elif self._rules.per_second:
            self._tokens[direction] = self._left(direction, now) - 1.0, now
        return why

    def _left(self, direction: Direction, now: float) -> float:
        tokens, then = self._tokens.get(direction, (float(self._rules.burst), now))
        return min(float(self._rules.burst), tokens + (now - then) * self._rules.per_second)

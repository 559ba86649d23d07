"""Expressions of flows: `tries + 1`, `account == "1001" and not closed`, and texts with such in braces. Pure.

    or, and, not · == != < <= > >= · + - · numbers, "texts", true, false, names, ( )

Values are texts, numbers (exact decimals) and flags. What is compared or added is of one kind; this is checked when a
flow is stored, so that nothing is left to go wrong in a call.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from softswitch.kernel.errors import Invalid

Value = str | Decimal | bool
Kind = str
"""`text`, `number` or `flag`."""
KINDS: Mapping[Kind, Value] = {"text": "", "number": Decimal(0), "flag": False}
"""What there is, and what a variable holds before it is set."""
MOST_CHARACTERS = 2000
MOST_DEPTH = 30
MOST_TEXT = 4000
"""Characters of a text that is put together."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d{1,15}(?:\.\d{1,10})?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<sign>==|!=|<=|>=|[<>+()-]))"
)
_COMPARE: Mapping[str, Callable[..., bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Evaluate = Callable[[Mapping[str, Value]], Value]


class Expression(NamedTuple):
    """An expression that holds: its kind, and how it is worked out from variables."""

    kind: Kind
    value: Evaluate


class Wrong(Exception):
    """An expression that cannot be; says why."""


def kind_of(value: Value) -> Kind:
    """Which kind a value is of."""
    return "flag" if isinstance(value, bool) else "number" if isinstance(value, Decimal) else "text"


def shown(value: Value) -> str:
    """A value as text: `12.50`, `true`, or itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else value


def parse(text: str | float, kinds: Mapping[str, Kind]) -> Expression:
    """Read an expression over variables of these kinds. Raises Invalid naming the expression."""
    written = str(text) if not isinstance(text, bool) else shown(text)
    if len(written) > MOST_CHARACTERS:
        raise Invalid("expression", f"it is longer than {MOST_CHARACTERS} characters")
    try:
        return _Parser(written, kinds).whole()
    except Wrong as wrong:
        raise Invalid(f"{written!r}", str(wrong)) from wrong


def template(text: str, kinds: Mapping[str, Kind], *, quote: Callable[[str], str] = str) -> Expression:
    """Read a text with expressions in braces; `{{` and `}}` are braces. `quote` makes what stands for a value fit its
    surroundings. Raises Invalid."""
    if len(text) > MOST_CHARACTERS:
        raise Invalid("text", f"it is longer than {MOST_CHARACTERS} characters")
    pieces: list[str | Evaluate] = []
    for piece in re.split(r"(\{\{|\}\}|\{[^{}]*\})", text):
        if piece in ("{{", "}}"):
            pieces.append(piece[0])
        elif piece.startswith("{"):
            pieces.append(parse(piece[1:-1], kinds).value)
        elif "{" in piece or "}" in piece:
            raise Invalid(f"{text!r}", "a brace is open; write {{ or }} for one that is meant")
        elif piece:
            pieces.append(piece)

    def filled(variables: Mapping[str, Value]) -> Value:
        said = "".join(each if isinstance(each, str) else quote(shown(each(variables))) for each in pieces)
        return said[:MOST_TEXT]

    return Expression("text", filled)


class _Parser:
    def __init__(self, text: str, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0

    def whole(self) -> Expression:
        found = self._either()
        if self._at < len(self._tokens):
            raise Wrong(f"{self._tokens[self._at][1]!r} stands where nothing should")
        return found

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _took(self, *words: str) -> str:
        word = self._peek()
        if word not in words or self._tokens[self._at][0] == "text":
            return ""
        self._at += 1
        return word

    def _either(self) -> Expression:
        left = self._both()
        while self._took("or"):
            left = self._joined(left, self._both(), "or")
        return left

    def _both(self) -> Expression:
        left = self._opposite()
        while self._took("and"):
            left = self._joined(left, self._opposite(), "and")
        return left

    @staticmethod
    def _joined(left: Expression, right: Expression, word: str) -> Expression:
        for each in (left, right):
            if each.kind != "flag":
                raise Wrong(f"a {each.kind} stands beside {word!r}, which joins flags and comparisons")
        a, b = left.value, right.value
        if word == "or":
            return Expression("flag", lambda variables: bool(a(variables)) or bool(b(variables)))
        return Expression("flag", lambda variables: bool(a(variables)) and bool(b(variables)))

    def _opposite(self) -> Expression:
        if not self._took("not"):
            return self._compared()
        inner = self._deeper(self._opposite)
        if inner.kind != "flag":
            raise Wrong(f"a {inner.kind} stands behind 'not'")
        return Expression("flag", lambda variables: not inner.value(variables))

    def _compared(self) -> Expression:
        left = self._sum()
        sign = self._took(*_COMPARE)
        if not sign:
            return left
        right = self._sum()
        if left.kind != right.kind:
            raise Wrong(f"a {left.kind} is compared with a {right.kind}")
        if left.kind == "flag" and sign not in ("==", "!="):
            raise Wrong(f"flags have no order: {sign}")
        compare, a, b = _COMPARE[sign], left.value, right.value
        return Expression("flag", lambda variables: compare(a(variables), b(variables)))

    def _sum(self) -> Expression:
        left = self._term()
        while sign := self._took("+", "-"):
            right = self._term()
            if left.kind != right.kind or left.kind == "flag" or (left.kind == "text" and sign == "-"):
                raise Wrong(f"a {left.kind} {sign} a {right.kind}")
            left = Expression(left.kind, _added(left.value, right.value, sign))
        return left

    def _term(self) -> Expression:
        if self._took("("):
            inner = self._deeper(self._either)
            if not self._took(")"):
                raise Wrong("a bracket is not closed")
            return inner
        if self._took("-"):
            inner = self._deeper(self._term)
            if inner.kind != "number":
                raise Wrong(f"a {inner.kind} has a sign")
            return Expression("number", lambda variables: -_number(inner.value(variables)))
        if self._at >= len(self._tokens):
            raise Wrong("it ends too early" if self._tokens else "it is empty")
        kind, word = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            number = Decimal(word)
            return Expression("number", lambda variables: number)
        if kind == "text":
            return Expression("text", lambda variables: word)
        if word in ("true", "false"):
            return Expression("flag", lambda variables: word == "true")
        if kind == "name" and word in self._kinds:
            return Expression(self._kinds[word], lambda variables: variables[word])
        if kind == "name" and word not in ("or", "and", "not"):
            raise Wrong(f"there is no variable {word!r}" + _known(self._kinds))
        raise Wrong(f"{word!r} stands where a value should")

    def _deeper(self, inner: Callable[[], Expression]) -> Expression:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise Wrong(f"it is nested deeper than {MOST_DEPTH}")
        found = inner()
        self._depth -= 1
        return found


def _added(a: Evaluate, b: Evaluate, sign: str) -> Evaluate:
    def value(variables: Mapping[str, Value]) -> Value:
        left, right = a(variables), b(variables)
        if isinstance(left, str):
            return (left + str(right))[:MOST_TEXT]
        return _number(left) + _number(right) if sign == "+" else _number(left) - _number(right)

    return value


def _number(value: Value) -> Decimal:
    assert isinstance(value, Decimal), "kinds were checked when this was read"
    return value


def _known(kinds: Mapping[str, Kind]) -> str:
    return f"; there are {', '.join(sorted(kinds))}" if kinds else ""


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise Wrong(f"{text[at:].strip()[:1]!r} means nothing here")
        word = found[found.lastgroup]
        yield found.lastgroup, word[1:-1] if found.lastgroup == "text" else word
        at = found.end()

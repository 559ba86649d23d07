"""What a number looks like: four kinds of text compiled to one kind of test."""

import re
from itertools import pairwise

from softswitch.features.routing.model.document import MatchKind

_CLASSES = {"X": frozenset("0123456789"), "Z": frozenset("123456789"), "N": frozenset("23456789")}
_MOST_WAYS = 2**18
"""In how many ways a regular expression may try to match, roughly: each repetition of no fixed length counts 16 ways,
each `?` two, each group as many as it has alternatives. Numbers are at most 64 characters long, so the slowest
expression takes some milliseconds; without a bound, one rule could stop the switch."""


class Pattern:
    """A compiled number pattern.

    `heads` are texts of which each matching number begins with one, for an index; `[""]` when nothing is known.
    """

    __slots__ = ("_open", "_tokens", "full", "groups", "heads", "kind", "literal", "text")

    def __init__(self, kind: MatchKind, text: str) -> None:
        """Raises ValueError saying what is wrong with the text."""
        if not text:
            raise ValueError("must not be empty")
        self.kind, self.text = kind, text
        self.literal: str | None = None
        self._tokens: list[frozenset[str]] | None = None
        self._open = ""
        if kind == "regex":
            expression = _checked_regex(text)
            self.heads = [_regex_head(text)]
        else:
            if kind == "pattern":
                self._tokens, self._open = _read_pattern(text.removeprefix("_"))
            else:
                self._tokens = [frozenset(character) for character in text]
                self._open = "!" if kind == "prefix" else ""
            expression = _expression(self._tokens, self._open)
            self.heads = _heads(self._tokens)
            if not self._open and all(len(token) == 1 for token in self._tokens):
                self.literal = "".join(next(iter(token)) for token in self._tokens)
        compiled = re.compile(expression, re.DOTALL)
        self.full = compiled.fullmatch
        self.groups = compiled.groups

    def covers(self, other: "Pattern") -> bool:
        """Whether every number that matches `other` surely matches this pattern too."""
        if other.literal is not None:
            return self.full(other.literal) is not None
        if self._tokens is None or other._tokens is None:
            return (self.kind, self.text) == (other.kind, other.text)
        mine, theirs = self._tokens, other._tokens
        if not self._open:
            fits = not other._open and len(mine) == len(theirs)
        else:
            fits = len(theirs) + (other._open == ".") >= len(mine) + (self._open == ".") and len(theirs) >= len(mine)
        return fits and all(a >= b for a, b in zip(mine, theirs, strict=False))

    def yes(self) -> str:
        """In words: why a number was taken."""
        return f"the number {_VERBS[self.kind][0]} {self.text}"

    def no(self, number: str) -> str:
        """In words: why `number` was not."""
        return f"{number or 'no number'} {_VERBS[self.kind][1]} {self.text}"


_VERBS: dict[MatchKind, tuple[str, str]] = {
    "literal": ("is", "is not"),
    "prefix": ("begins with", "does not begin with"),
    "pattern": ("matches", "does not match"),
    "regex": ("matches the expression", "does not match the expression"),
}


def _read_pattern(text: str) -> tuple[list[frozenset[str]], str]:
    tokens: list[frozenset[str]] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character in ".!":
            if at != len(text) - 1:
                raise ValueError(f"{character!r} may stand only at the end of a pattern")
            return tokens, character
        if character == "[":
            end = text.find("]", at)
            if end < 0:
                raise ValueError("a '[' is not closed")
            tokens.append(_read_class(text[at + 1 : end]))
            at = end
        elif character == "]":
            raise ValueError("a ']' closes nothing")
        else:
            tokens.append(_CLASSES.get(character) or frozenset(character))
        at += 1
    if not tokens:
        raise ValueError("must not be empty")
    return tokens, ""


def _read_class(text: str) -> frozenset[str]:
    if not text:
        raise ValueError("'[]' matches nothing")
    characters = set[str]()
    at = 0
    while at < len(text):
        if at + 2 < len(text) and text[at + 1] == "-":
            first, last = text[at], text[at + 2]
            if last < first:
                raise ValueError(f"the range {first}-{last} runs backwards")
            characters.update(map(chr, range(ord(first), ord(last) + 1)))
            at += 3
        else:
            characters.add(text[at])
            at += 1
    return frozenset(characters)


def _expression(tokens: list[frozenset[str]], tail: str) -> str:
    """Everything from the first character that is not fixed is group 1."""
    fixed = 0
    while fixed < len(tokens) and len(tokens[fixed]) == 1:
        fixed += 1
    head = "".join(re.escape(next(iter(token))) for token in tokens[:fixed])
    rest = "".join("[" + "".join(re.escape(c) for c in sorted(token)) + "]" for token in tokens[fixed:])
    rest += {"": "", ".": ".+", "!": ".*"}[tail]
    return f"{head}({rest})" if rest else head


def _heads(tokens: list[frozenset[str]]) -> list[str]:
    head = ""
    for token in tokens:
        if len(token) > 1:
            # Nothing fixed at all: the first character's alternatives are heads of their own.
            return [head] if head or len(token) > 16 else sorted(token)
        head += next(iter(token))
    return [head]


def _regex_head(text: str) -> str:
    """The fixed characters that a regular expression begins with, as far as they are plain to see."""
    head: list[str] = []
    depth, reading = 0, True
    for element in _ELEMENT.findall(text.removeprefix("^")):
        if element == "|" and depth == 0:
            return ""
        if reading and element[0] in "*?{+":
            head = head[:-1]
        reading = reading and (element == "\\+" or (len(element) == 1 and element.isalnum()))
        if reading:
            head.append(element[-1])
        depth += element.startswith("(") - (element == ")")
    return "".join(head)


_ELEMENT = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[*+?]\??|\{[^}]*\}\??|\((?:\?:|\?P<\w+>)?|.", re.DOTALL)


def _checked_regex(text: str) -> str:
    """Refuse what could take for ever: repeated groups that vary inside, and too many ways to match."""
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is no regular expression: {error}") from None
    elements = [found.group() for found in _ELEMENT.finditer(text)]
    varies = [False]
    alternatives = [1]
    ways = 1
    for element, following in pairwise([*elements, ""]):
        if element == "(" and following == "?":
            raise ValueError("only plain, named and (?:) groups are allowed")
        if element[0] == "\\" and len(element) == 2 and element[1] in "123456789":
            raise ValueError("back-references are not allowed")
        if element.startswith("("):
            varies.append(False)
            alternatives.append(1)
        elif element == ")":
            closed = varies.pop()
            varies[-1] = varies[-1] or closed
            ways *= alternatives.pop()
            if closed and following and following[0] in "*+{":
                raise ValueError("a repeated group must not hold alternatives or repetitions: it could take for ever")
        elif element == "|":
            varies[-1] = True
            alternatives[-1] += 1
        elif element[0] in "*+?" or (element[0] == "{" and len(element) > 2):
            varies[-1] = True
            if element[0] == "?":
                ways *= 2
            elif element[0] != "{" or "," in element:
                ways *= 16
    if ways * alternatives[0] > _MOST_WAYS:
        raise ValueError("has too many repetitions and alternatives, it could take long: write several rules")
    return text

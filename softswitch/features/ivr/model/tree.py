"""YAML as a tree of plain values with the line of each. Pure.

Only what a flow needs of YAML is taken: mappings, lists and scalars. A scalar without quotes is a number, `true`,
`false` or nothing where it looks like one, and text otherwise; `no`, `on` and `010` are texts, and every key is text as
it is written, so that `0: operator` is the key 0. Anchors, aliases and tags are refused: with them a short file can
mean a very long one.
"""

import re
from typing import Any, NamedTuple

import yaml

from softswitch.kernel.errors import Invalid

MOST_CHARACTERS = 256 * 1024
MOST_DEPTH = 20
MOST_PIECES = 10_000
"""Words, lists and mappings of a document: reading as many takes a third of a second, in which nothing else is done."""

Value = Any
"""`str`, `int`, `float`, `bool`, `None`, a list or a dict of these."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,10})?")
_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None, "~": None, "": None}
_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}


class Tree(NamedTuple):
    """A document."""

    value: Value
    lines: dict[tuple[str, ...], int]
    """By the keys (and places in lists) that lead there."""

    def line(self, *path: str) -> int:
        """The line of a place, or of the innermost around it that is there."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines[path]


def read(text: str, file: str) -> Tree:
    """Raises Invalid naming `file:line`."""
    if len(text) > MOST_CHARACTERS:
        raise Invalid(file, f"it is longer than {MOST_CHARACTERS} characters")
    lines: dict[tuple[str, ...], int] = {}
    depth = 0
    try:
        for pieces, event in enumerate(yaml.parse(text, Loader=yaml.BaseLoader)):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MOST_DEPTH or pieces > MOST_PIECES:
                # At once: to build a tree of brackets takes a millisecond for each.
                what = f"nested deeper than {MOST_DEPTH}" if depth > MOST_DEPTH else f"more than {MOST_PIECES} pieces"
                raise Invalid(f"{file}:{_line(event)}", f"it is {what}")
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise Invalid(f"{file}:{_line(event)}", "anchors and aliases (& and *) are not read here")
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}" if mark is not None else file
        raise Invalid(where, f"this is no YAML: {error.problem or error.context or 'it cannot be read'}") from error
    except yaml.YAMLError as error:
        raise Invalid(file, f"this is no YAML: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise Invalid(file, f"it is nested deeper than {MOST_DEPTH}") from error
    if root is None:
        raise Invalid(file, "it is empty")
    return Tree(_value(root, (), lines, file), lines)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def _value(node: yaml.Node, path: tuple[str, ...], lines: dict[tuple[str, ...], int], file: str) -> Value:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if node.tag not in _TAGS:
        raise Invalid(f"{file}:{line}", f"tags ({node.tag}) are not read here")
    if len(path) > MOST_DEPTH:
        raise Invalid(f"{file}:{line}", f"it is nested deeper than {MOST_DEPTH}")
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, str(place)), lines, file) for place, item in enumerate(node.value)]
    found: dict[str, Value] = {}
    for key, value in node.value:
        at = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise Invalid(f"{file}:{at}", "a key should be a word")
        if key.value in found:
            raise Invalid(f"{file}:{at}", f"{key.value!r} stands here twice")
        lines[*path, key.value] = at
        found[key.value] = _value(value, (*path, key.value), lines, file)
    return found


def _scalar(node: yaml.ScalarNode) -> Value:
    text: str = node.value
    if node.style is not None:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if number := _NUMBER.fullmatch(text):
        return float(text) if number[2] else int(text)
    return text

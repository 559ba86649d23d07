"""A flow in YAML, typed: its nodes, its variables, and its expressions ready to be worked out. Pure."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct

from softswitch.features.ivr.model import tree
from softswitch.features.ivr.model.expression import KINDS, Expression, Kind, parse, template
from softswitch.features.ivr.model.finding import Finding
from softswitch.features.ivr.model.json_path import PATH
from softswitch.features.ivr.model.nodes import AnyNode, Collect, Http, Node, NodeName, Variable
from softswitch.features.ivr.model.saying import EXPRESSIONS, LANGUAGES, PROMPT_NAME, Language, Saying, heard
from softswitch.kernel.errors import Invalid

FLOW_NAME = "^[a-z0-9][a-z0-9_-]{0,63}$"
GIVEN: Mapping[str, Kind] = {"caller": "text", "called": "text", "language": "text"}
"""Variables that every flow has, and none can set: the caller's number, the number called, the language."""
MOST_NODES = 500


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """A flow but for its nodes."""

    flow: Annotated[str, Meta(pattern=FLOW_NAME, description="its name: calls for `flow/NAME` come to it")]
    nodes: dict[str, Any]
    title: Annotated[str, Meta(max_length=200, description="what it is, in a line")] = ""
    start: Annotated[NodeName | None, Meta(description="the first node; left out: the one that stands first")] = None
    languages: Annotated[tuple[Language, ...], Meta(min_length=1, description="in which its prompts must be there")] = (
        LANGUAGES
    )
    language: Annotated[Language | None, Meta(description="in which it begins; left out: the caller's")] = None
    variables: Annotated[dict[Variable, Kind], Meta(description="`text`, `number` or `flag` for each")] = {}


class FlowDocument:
    """A flow that was read. `lines` tells where what stands."""

    def __init__(self, head: Head, nodes: Mapping[str, Node], lines: tree.Tree) -> None:
        self.name = head.flow
        self.title = head.title
        self.languages = head.languages
        self.language = head.language
        self.variables = head.variables
        self.start = head.start or next(iter(nodes), "")
        self.nodes = nodes
        self.kinds: dict[str, Kind] = {**GIVEN, **head.variables}
        self.expressions: dict[tuple[str, str], Expression] = {}
        """By the node and where in it an expression or a text with expressions stands."""
        self._lines = lines

    def line(self, node: str, where: str = "") -> int:
        """The line of a node, or of something in it (`choices.1`)."""
        return self._lines.line("nodes", node, *(where.split(".") if where else ()))

    def top(self, field: str) -> int:
        return self._lines.line(field)


def read(text: str, file: str) -> tuple[FlowDocument | None, list[Finding]]:
    """Read a flow: the document where it can be typed at all, and what is wrong. Raises Invalid for what is no YAML."""
    source = tree.read(text, file)
    if not isinstance(source.value, dict):
        return None, [Finding(1, "", "a flow is a mapping with the keys `flow` and `nodes`")]
    findings: list[Finding] = []
    try:
        head = msgspec.convert(source.value, Head)
    except msgspec.ValidationError as error:
        message, path = _place(str(error))
        return None, [Finding(source.line(*path), "", message)]
    for name, kind in head.variables.items():
        if kind not in KINDS:
            message = f"{kind!r} is no type of a variable: there are {', '.join(KINDS)}"
            findings.append(Finding(source.line("variables", name), "", message))
        elif name in GIVEN:
            findings.append(Finding(source.line("variables", name), "", f"every flow has {name!r} already"))
    if len(head.nodes) > MOST_NODES or not head.nodes:
        return None, [Finding(source.line("nodes"), "", f"a flow has from 1 to {MOST_NODES} nodes")]
    nodes: dict[str, Node] = {}
    for name, value in head.nodes.items():
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
            message = "a node's name is small letters, digits, - and _"
            findings.append(Finding(source.line("nodes", name), name[:64], message))
            continue
        try:
            # YAML writes what looks like a number as one; keys, prompts and texts may look like numbers.
            nodes[name] = msgspec.convert(value, AnyNode)
        except msgspec.ValidationError as error:
            message, path = _place(str(error))
            findings.append(Finding(source.line("nodes", name, *path), name, message))
    if any(not finding.warning for finding in findings):
        return None, findings
    document = FlowDocument(head, nodes, source)
    for name, node in nodes.items():
        _read_expressions(document, name, node, findings)
    return document, findings


def _read_expressions(document: FlowDocument, name: str, node: Node, findings: list[Finding]) -> None:
    def wrong(where: str, message: str) -> None:
        findings.append(Finding(document.line(name, where), name, f"{where}: {message}"))

    for where, written, wanted in node.expressions():
        try:
            expression = document.expressions[name, where] = parse(written, document.kinds)
        except Invalid as error:
            wrong(where, str(error))
        else:
            if wanted is not None and expression.kind != wanted:
                wrong(where, f"this is a {expression.kind}; a {wanted} is needed")
    for where, text in node.templates():
        try:
            # What a caller keys in must not lead to another place than was written.
            encode = (lambda value: quote(value, safe="")) if where == "url" else str
            document.expressions[name, where] = template(text, document.kinds, quote=encode)
        except Invalid as error:
            wrong(where, str(error))
    for field in node.prompts:
        for place, item in enumerate(heard(getattr(node, field))):
            if isinstance(item, Saying):
                _read_saying(document, name, f"{field}.{place}", item, wrong)
            elif not re.fullmatch(PROMPT_NAME, item):
                wrong(field, f"{item!r} is no name of a prompt")
    if isinstance(node, Http):
        for variable, path in node.into.items():
            if not PATH.fullmatch(path):
                wrong(f"into.{variable}", f"{path!r} is no path: write account.balance or orders[0].id")
    for where, variable, wanted in node.sets():
        kind = document.kinds.get(variable)
        if kind is None:
            wrong(where, f"there is no variable {variable!r}: name it under `variables`")
        elif variable in GIVEN:
            wrong(where, f"{variable!r} cannot be set")
        elif wanted is not None and kind != wanted:
            wrong(where, f"{variable!r} is a {kind}; a {wanted} is needed")
        elif where.startswith("values.") and (given := document.expressions.get((name, where))):
            if given.kind != kind:
                wrong(where, f"{variable!r} is a {kind}, and this is a {given.kind}")
        elif kind == "flag" and isinstance(node, Collect):
            wrong(where, f"{variable!r} is a flag: digits are a text or a number")


def _read_saying(document: FlowDocument, name: str, where: str, saying: Saying, wrong: Any) -> None:
    kinds = saying.kinds()
    if len(kinds) != 1:
        wrong(where, f"one thing is said at a time, and here stand {', '.join(kinds) or 'none'}")
        return
    (kind,) = kinds
    value = getattr(saying, kind)
    try:
        if kind == "text":
            for language, text in value.items() if isinstance(value, dict) else [("", value)]:
                document.expressions[name, f"{where}.text{language}"] = template(text, document.kinds)
        elif kind in EXPRESSIONS:
            expression = document.expressions[name, f"{where}.{kind}"] = parse(value, document.kinds)
            if expression.kind != EXPRESSIONS[kind]:
                wrong(where, f"{kind} needs a {EXPRESSIONS[kind]}, and this is a {expression.kind}")
    except Invalid as error:
        wrong(where, str(error))


_AT = re.compile(r"(?P<message>.*?)(?: - at (?:`key` in )?`\$(?P<path>[^`]*)`)?", re.DOTALL)


def _place(error: str) -> tuple[str, tuple[str, ...]]:
    """What msgspec found, and the keys that lead there."""
    found = _AT.fullmatch(error)
    assert found is not None
    keys = tuple(key for key in re.split(r"[.\[\]]+", found["path"] or "") if key and key != "...")
    message = found["message"]
    if missing := re.fullmatch(r"Object missing required field `(.*)`", message):
        message = f"`{missing[1]}` is missing"
    elif unknown := re.fullmatch(r"Object contains unknown field `(.*)`", message):
        message, keys = f"`{unknown[1]}` is not known here", (*keys, unknown[1])
    elif keys:
        message = f"{'.'.join(keys)}: {message[:1].lower()}{message[1:]}"
    return message, keys

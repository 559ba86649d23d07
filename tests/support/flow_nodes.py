"""`docs/reference/flow-nodes.md` is made from the types of nodes: `python -m tests.support.flow_nodes` writes it."""

import inspect
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from softswitch.features.ivr.asking import Asking
from softswitch.features.ivr.journey import Steps
from softswitch.features.ivr.model import nodes, saying
from softswitch.features.ivr.model.document import GIVEN, Head
from softswitch.features.ivr.model.expression import KINDS
from softswitch.features.ivr.runtime import Flow

PAGE = Path(__file__).parents[2] / "docs/reference/flow-nodes.md"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


INTRODUCTION = f"""\
# Nodes of flows

Made from the types in `softswitch/features/ivr/model/nodes.py` by `python -m tests.support.flow_nodes`.
[How to write flows](../howto/flows.md) begins at the beginning.

A flow in YAML is a mapping:

{{head}}

Each node is a mapping with `do`, which says what it is, and the fields below. Fields without a value in the column
*left out* must be there. `next`, `otherwise` and the like name nodes.

**Expressions** are worked out of variables: numbers, `"texts"`, `true`, `false`, `+`, `-`, `==`, `!=`, `<`, `<=`, `>`,
`>=`, `and`, `or`, `not` and brackets. A text that is all an expression is in quotes twice: `'"yes"'`. **Texts** hold
expressions in braces: `Hello {{{{caller}}}}`; `{{{{{{{{` is a brace. Variables are {_listed(KINDS)}; every flow has
{_listed(GIVEN)}, which cannot be set.

**What is heard** (`hear`, `invalid`, `silent`) is the name of a prompt, a mapping with one of the following, or a list:

{{sayings}}
"""


IN_PYTHON = """\
A coroutine in `ivr_flows/` is given a `Flow` (`from softswitch.features.ivr import Destination, Flow, Text`), which has
the same nodes. What is heard are names of prompts, `Text(en, zh)`, and what `flow.say` makes of values. `node` names a
step of the path; left out, it is called by what it does. Whoever returns a `Destination` hands the call over."""


def page() -> str:
    """What the page is to be."""
    parts = [INTRODUCTION.format(head="\n".join(table(Head)), sayings="\n".join(table(saying.Saying)))]
    return "\n".join([*parts, *("\n".join(node(kind)) for kind in get_args(nodes.AnyNode)), *in_python()])


def in_python() -> Iterator[str]:
    """The methods of a `Flow`, in the order in which they are written down."""
    yield "## In Python"
    yield ""
    yield IN_PYTHON
    yield ""
    yield "| | |"
    yield "|---|---|"
    for kind in (Steps, Asking, Flow):
        for name, member in vars(kind).items():
            if name.startswith("_") or name in ("mark", "trouble"):
                continue
            if isinstance(member, property):
                yield f"| `flow.{name}` | {_first(member)} |"
            elif inspect.isfunction(member):
                arguments = [
                    f"*{each.name}" if each.kind is each.VAR_POSITIONAL else each.name
                    for each in inspect.signature(member).parameters.values()
                    if each.name not in ("self", "node")
                ]
                awaited = "await " if inspect.iscoroutinefunction(member) else ""
                yield f"| `{awaited}flow.{name}({', '.join(arguments)})` | {_first(member)} |"
    yield ""


def _first(member: object) -> str:
    """What it is for, in its own words."""
    return " ".join((inspect.getdoc(member) or "").partition("\n\n")[0].split())


def node(kind: type[Struct]) -> Iterator[str]:
    yield f"## {msgspec.inspect.type_info(kind).tag}"  # type: ignore[attr-defined]
    yield ""
    yield inspect.getdoc(kind) or ""
    if msgspec.structs.fields(kind):
        yield ""
        yield from table(kind)
    yield ""


def table(kind: type[Struct]) -> Iterator[str]:
    """The fields of a type."""
    hints = typing.get_type_hints(kind, include_extras=True)
    yield "| field | is | left out | |"
    yield "|---|---|---|---|"
    for field in msgspec.structs.fields(kind):
        default = "" if field.required else f"`{shown(default_of(field))}`"
        hint = hints[field.name]
        said = description(hint) or ("the nodes by their names" if field.name == "nodes" else "")
        yield f"| `{field.encode_name}` | {called(hint)} | {default} | {said} |".replace("``", "none")


def default_of(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def shown(value: Any) -> str:
    if value is None or value in ({}, ()):
        return ""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def metas(hint: Any) -> list[Meta]:
    return [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Meta)]


def description(hint: Any) -> str:
    found = [meta.description for meta in metas(hint) if meta.description]
    return found[-1] if found else ""


NAMED = {
    "Hear": saying.Hear,
    "Expr": saying.Expr,
    "Texts": saying.Texts,
    "NodeName": nodes.NodeName,
    "Variable": nodes.Variable,
    "Text": saying.Text,
    "Key": nodes.Key,
}
WORDS = {
    "Hear": "what is heard",
    "Expr": "an expression",
    "Texts": "a text, or one by language",
    "NodeName": "a node",
    "Variable": "a variable",
    "Text": "a text",
    "Key": "a key",
}


def called(hint: Any) -> str:
    """A type in words."""
    bare = get_args(hint)[0] if metas(hint) and get_origin(hint) is typing.Annotated else hint
    for name, known in NAMED.items():
        own = set(map(id, metas(known)))
        if known in (hint, bare) or (own and own <= set(map(id, metas(hint)))):
            return WORDS[name]
    limits = next((meta for meta in metas(hint) if meta.ge is not None), None)
    if metas(hint):
        said = called(bare)
        return f"{said} from {limits.ge:g} to {limits.le:g}" if limits is not None else said
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is typing.Literal:
        return " or ".join(f"`{each}`" for each in arguments)
    if origin is dict:
        return f"a mapping of {called(arguments[0])} to {called(arguments[1])}"
    if origin is tuple:
        return f"a list of {called(arguments[0])}"
    given = {each for each in arguments if each is not type(None)}
    for name in ("Expr", "Texts"):
        if arguments and given == set(get_args(NAMED[name])):
            return WORDS[name]
    if hint is saying.Saying:
        return "what is said, as above"
    if arguments:
        return " or ".join(called(each) for each in arguments if each is not type(None))
    return {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}.get(hint, "any")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

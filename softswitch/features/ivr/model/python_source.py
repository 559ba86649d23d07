"""What is looked for in a flow in Python, whose code is read and not run. Pure."""

import ast
from collections.abc import Iterable, Iterator

from softswitch.features.ivr.model.checks import Known
from softswitch.features.ivr.model.finding import Finding
from softswitch.features.ivr.model.saying import LANGUAGES
from softswitch.kernel.destination import Destination

HEARD = {"play", "menu", "collect", "survey", "listen", "record", "hang_up", "transfer"}
"""Methods of a `Flow` that are given prompts: all texts among their arguments but for the first of some."""
_NAMES_FIRST = {"survey", "transfer"}
_HEARD_KEYWORDS = {"invalid", "silent"}


def check_python(text: str, name: str, known: Known) -> list[Finding]:
    """All that is wrong, in the order of its lines."""
    try:
        module = ast.parse(text)
    except SyntaxError as error:
        return [Finding(error.lineno or 1, "", f"this is no Python: {error.msg}")]
    except (ValueError, RecursionError) as error:
        return [Finding(1, "", f"this is no Python: {error}")]
    flow = next((each for each in module.body if isinstance(each, ast.AsyncFunctionDef) and each.name == name), None)
    if flow is None:
        return [Finding(1, "", f"there is no `async def {name}(flow: Flow)`, which would be the flow")]
    return sorted(set(_walk(module, known)))


def named_in(text: str, method: str) -> set[str]:
    """What a flow names as the first argument of a method: `open` calendars, and `through` flows."""
    return {
        call.args[0].value
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == method
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }


def _walk(module: ast.Module, known: Known) -> Iterator[Finding]:
    for function in ast.walk(module):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            where = (getattr(node, "lineno", function.lineno), function.name)
            if isinstance(node, ast.While):
                yield from _loop(node, *where)
            elif isinstance(node, ast.Call):
                for message in _call(node, known):
                    yield Finding(*where, message)


def _loop(node: ast.While, line: int, name: str) -> Iterator[Finding]:
    always = isinstance(node.test, ast.Constant) and bool(node.test.value)
    if always:
        yield Finding(line, name, "an unbounded loop: a caller who does nothing must come to an end; use for")


def _call(call: ast.Call, known: Known) -> Iterable[str]:
    function = call.func
    texts = [each.value if isinstance(each, ast.Constant) else None for each in call.args]
    first = texts[0] if texts and isinstance(texts[0], str) else None
    if isinstance(function, ast.Name) and function.id == "Destination" and first is not None:
        second = texts[1] if len(texts) > 1 else ""
        if isinstance(second, str):
            yield from _why(known.no_destination(Destination(first, second)))
        else:
            yield from _why(known.no_kind(first))
    if not isinstance(function, ast.Attribute):
        return
    match function.attr:
        case "through" if first is not None:
            yield from _why(known.no_flow(first))
        case "open" if first is not None:
            yield from _why(known.no_calendar(first))
        case "lookup" if first is not None:
            yield from _why(known.no_query(first))
        case "transfer" if first is not None:
            kind, _, rest = first.partition("/")
            yield from _why(known.no_destination(Destination(kind, rest)))
    if function.attr in HEARD:
        prompts = texts[1:] if function.attr in _NAMES_FIRST else texts
        for keyword in call.keywords:
            if keyword.arg in _HEARD_KEYWORDS and isinstance(keyword.value, ast.Tuple | ast.List):
                prompts = [*prompts, *(e.value for e in keyword.value.elts if isinstance(e, ast.Constant))]
        for prompt in prompts:
            if isinstance(prompt, str):
                for language in LANGUAGES:
                    yield from _why(known.no_prompt(language, prompt))


def _why(reason: str | None) -> Iterable[str]:
    return () if reason is None else (reason,)

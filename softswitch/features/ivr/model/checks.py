"""What is looked for in a flow before it is stored. Pure.

A caller who says and presses nothing must come to an end, and whoever does must have a way out: both are seen from the
nodes alone, whatever the variables hold.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from softswitch.features.ivr.model.document import FlowDocument
from softswitch.features.ivr.model.finding import Finding
from softswitch.features.ivr.model.nodes import (
    Asking,
    HangUp,
    Hours,
    Http,
    Listen,
    Lookup,
    Node,
    Return,
    Set,
    Speak,
    SubFlow,
    Survey,
    Test,
    Transfer,
)
from softswitch.features.ivr.model.saying import Saying, heard
from softswitch.kernel.destination import Destination


class Known(Protocol):
    """What there is, as far as is known: each gives why something cannot be used, or None."""

    def no_prompt(self, language: str, name: str) -> str | None: ...
    def no_voice(self, language: str) -> str | None: ...
    def no_destination(self, destination: Destination) -> str | None: ...
    def no_kind(self, kind: str) -> str | None: ...
    def no_flow(self, name: str) -> str | None: ...
    def no_calendar(self, name: str) -> str | None: ...
    def no_query(self, name: str) -> str | None: ...
    def no_host(self, host: str) -> str | None: ...


def check(document: FlowDocument, known: Known) -> list[Finding]:
    """All that is wrong with a flow that could be read, in the order of its lines."""
    found = list(_lost(document))
    if not found:
        found += _ways(document)
    for name, node in document.nodes.items():
        found += _prompts(document, name, node, known)
        found += _things(document, name, node, known)
    return sorted(found)


def _lost(document: FlowDocument) -> Iterable[Finding]:
    """Nodes that are named and not there."""
    if document.start not in document.nodes:
        yield Finding(document.top("start"), "", f"there is no node {document.start!r} to start with")
    for name, node in document.nodes.items():
        for result, following in node.exits():
            if following not in document.nodes:
                message = f"there is no node {following!r}, which should follow {result}"
                yield Finding(document.line(name), name, message)


# Ways through the nodes -----------------------------------------------------------------------------------

Graph = Mapping[str, Collection[str]]


def _ways(document: FlowDocument) -> Iterable[Finding]:
    nodes = document.nodes
    graph: Graph = {name: {following for _, following in node.exits()} for name, node in nodes.items()}
    reached = _reach(graph, [document.start])
    for name in nodes:
        if name not in reached:
            yield Finding(document.line(name), name, "no way leads to this node")
    back: dict[str, set[str]] = {name: set() for name in nodes}
    for name, following in graph.items():
        for each in following:
            back[each].add(name)
    ends = [name for name, node in nodes.items() if isinstance(node, Transfer | HangUp | Return)]
    leaving = _reach(back, ends)
    trapped = [name for name in nodes if name in reached and name not in leaving]
    for name in trapped:
        if isinstance(nodes[name], Asking) or not any(isinstance(nodes[each], Asking) for each in trapped):
            what = "a menu without an exit" if isinstance(nodes[name], Asking) else "a loop without an end"
            yield Finding(document.line(name), name, f"{what}: no way from here leads to the end of the flow")
    # What happens to a caller who does nothing at all.
    silent: Graph = {
        name: {node.otherwise} if isinstance(node, Asking) else graph[name] for name, node in nodes.items()
    }
    for circle in circles(silent):
        if circle <= reached and not circle & set(trapped) and not _counted(document, circle):
            name = min(circle, key=document.line)
            others = ", ".join(sorted(circle - {name}, key=document.line))
            message = "an unbounded loop: a caller who does nothing is led round" + (f" by {others}" if others else "")
            yield Finding(document.line(name), name, f"{message} for ever; count the rounds and test them")


def _counted(document: FlowDocument, circle: Collection[str]) -> bool:
    """Whether a test that leaves a circle looks at what is set within it."""
    nodes = [document.nodes[name] for name in circle]
    changed = {variable for node in nodes if isinstance(node, Set) for variable in node.values}
    for node in nodes:
        if isinstance(node, Test) and any(following not in circle for _, following in node.exits()):
            names = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", str(node.if_)))
            if names & changed:
                return True
    return False


def _reach(graph: Graph, starts: Iterable[str]) -> set[str]:
    reached, waiting = set(starts), list(starts)
    while waiting:
        for following in graph[waiting.pop()]:
            if following not in reached:
                reached.add(following)
                waiting.append(following)
    return reached


def circles(graph: Graph) -> list[set[str]]:
    """The sets of nodes from each of which all others of the set can be come to, and it itself again."""
    reach = {name: _reach(graph, graph[name]) for name in graph}
    found: list[set[str]] = []
    for name in graph:
        if name in reach[name] and not any(name in circle for circle in found):
            found.append({other for other in reach[name] if name in reach[other]})
    return found


# What nodes name ------------------------------------------------------------------------------------------


def _prompts(document: FlowDocument, name: str, node: Node, known: Known) -> Iterable[Finding]:
    for field in node.prompts:
        for item in heard(getattr(node, field)):
            line = document.line(name, field)
            for language in document.languages:
                if isinstance(item, str):
                    missing = known.no_prompt(language, item)
                    if missing is not None:
                        yield Finding(line, name, missing)
                elif item.text is not None:
                    yield from _text(item, language, line, name, known)


def _text(saying: Saying, language: str, line: int, name: str, known: Known) -> Iterable[Finding]:
    if isinstance(saying.text, dict) and language not in saying.text:
        yield Finding(line, name, f"the text is not there in {language!r}")
    elif (missing := known.no_voice(language)) is not None:
        yield Finding(line, name, missing, warning=True)


def _things(document: FlowDocument, name: str, node: Node, known: Known) -> Iterable[Finding]:
    def about(where: str, why: str | None) -> Sequence[Finding]:
        return [] if why is None else [Finding(document.line(name, where), name, why)]

    match node:
        case Transfer():
            missing = _destination(node.to, known)
            if missing is not None:
                # With another way to go, it need not be there yet.
                yield Finding(document.line(name, "to"), name, missing, warning=node.otherwise is not None)
        case SubFlow():
            itself = f"{node.flow!r} goes through itself" if node.flow == document.name else None
            yield from about("flow", itself or known.no_flow(node.flow))
        case Hours():
            yield from about("calendar", known.no_calendar(node.calendar))
        case Lookup():
            yield from about("query", known.no_query(node.query))
        case Http():
            yield from about("url", _url(node.url, known))
        case Speak() if node.to not in document.languages:
            yield from about("to", f"{node.to!r} is not among the flow's languages")
        case Survey() if node.low >= node.high:
            yield from about("low", "the lowest mark should be below the highest")
        case Listen():
            for answer in (*node.choices, *node.keys.values()):
                if answer not in node.phrases:
                    yield from about("phrases", f"there are no phrases for {answer!r}")
            for answer in node.phrases:
                if answer not in node.choices:
                    yield from about("choices", f"nothing follows {answer!r}")


def _destination(to: str, known: Known) -> str | None:
    kind, _, rest = to.partition("/")
    if "{" in to:
        return known.no_kind(kind)
    return known.no_destination(Destination(kind, rest))


def _url(url: str, known: Known) -> str | None:
    try:
        place = urlsplit(url)
        host, port = place.hostname, place.port
    except ValueError:
        return f"{url!r} is no URL"
    if place.scheme not in ("http", "https") or not host or "{" in place.netloc:
        return f"{url!r} should begin with http:// or https:// and a host"
    return known.no_host(host if port is None else f"{host}:{port}")

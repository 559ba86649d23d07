"""XML as SIP bodies carry it: a strict reader of small documents, and what writers need.

No document type, no entities but XML's own five, no processing of anything outside the bytes; size, depth and number
of elements are bounded, and a breach of any is a RemoteProtocolError before memory is spent on it.
"""

from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from softswitch.kernel.errors import RemoteProtocolError

MOST_BYTES = 32_768
MOST_ELEMENTS = 1_000
MOST_DEPTH = 24


class Element:
    """An element: `{namespace}name`, attributes without a namespace by their name, children, and its own text."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.text = ""

    def child(self, name: str) -> "Element | None":
        """The first child of this name."""
        for child in self.children:
            if child.name == name:
                return child
        return None

    def all(self, name: str) -> "list[Element]":
        return [child for child in self.children if child.name == name]

    def says(self, name: str) -> str:
        """The text of the first child of this name, trimmed; empty where there is none."""
        child = self.child(name)
        return child.text.strip() if child is not None else ""


def read(body: bytes) -> Element:
    """The root of a document. Raises RemoteProtocolError for anything that is not well-formed, or too large."""
    if len(body) > MOST_BYTES:
        raise RemoteProtocolError("the document is too long", 413)
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    # A document type is where entities are declared, and no format of ours has one (RFC 3863 section 4, RFC 4235).
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, UnicodeError, LookupError, ValueError) as error:
        raise RemoteProtocolError(f"the document cannot be read: {error}") from error
    assert builder.root is not None, "expat finds no document without an element"
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS or len(self._open) >= MOST_DEPTH:
            raise RemoteProtocolError("the document has too many elements", 413)
        element = Element(f"{{{name}" if "}" in name else name, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, name: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        self._open[-1].text += text


def _refuse_doctype(*_: object) -> NoReturn:
    raise RemoteProtocolError("a document type is not allowed here")


def text(value: str) -> str:
    """A value as an element's text."""
    return escape(_allowed(value))


def attribute(value: str) -> str:
    """A value as an attribute, in quotes."""
    return quoteattr(_allowed(value))


def _allowed(value: str) -> str:
    """Without what XML 1.0 cannot say (section 2.2 Char)."""
    if value.isprintable():
        return value
    return "".join(c for c in value if c in "\t\n\r" or " " <= c < "\ud800" or "\udfff" < c < "\ufffe")

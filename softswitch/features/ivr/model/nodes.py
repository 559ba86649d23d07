"""The nodes of a flow in YAML: one type each, whose fields are what may be written. Pure.

`docs/reference/flow-nodes.md` is made from these types. What a node does is in `runtime`; which nodes follow it is what
its `exits` give.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from softswitch.features.ivr.model.saying import Expr, Hear, Language, Saying, Text

NodeName = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,63}$")]
Variable = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
Seconds = Annotated[float, Meta(ge=0.1, le=120)]
Tries = Annotated[int, Meta(ge=1, le=10)]
Key = Annotated[str, Meta(pattern="^[0-9*#A-D]$")]
Terminators = Annotated[str, Meta(pattern="^[0-9*#]*$", max_length=12)]
Next = Annotated[NodeName, Meta(description="the node that follows")]
Otherwise = Annotated[NodeName, Meta(description="the node that follows when it came to nothing")]


class Node(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """What every node is."""

    prompts: ClassVar[tuple[str, ...]] = ()
    """Its fields that are heard."""

    def exits(self) -> Iterator[tuple[str, str]]:
        """What may come of it, and the node that follows then."""
        yield from ()

    def expressions(self) -> Iterator[tuple[str, Expr, str | None]]:
        """Its expressions by where they stand, and the kind that each must be of, if one must."""
        yield from ()

    def templates(self) -> Iterator[tuple[str, str]]:
        """Its texts with expressions in braces, by where they stand."""
        yield from ()

    def sets(self) -> Iterator[tuple[str, str, str | None]]:
        """The variables that it sets: where that is written, which, and of which kind it must be, if of one."""
        yield from ()


class Asking(Node, frozen=True, kw_only=True):
    """What asks a caller something."""

    prompts: ClassVar[tuple[str, ...]] = ("hear", "invalid", "silent")

    hear: Annotated[Hear, Meta(description="what asks")]
    tries: Annotated[Tries, Meta(description="how often it is asked")] = 3
    invalid: Annotated[Hear, Meta(description="heard after what cannot be")] = "ivr/invalid"
    silent: Annotated[Hear, Meta(description="heard after nothing")] = "ivr/no-input"
    seconds: Annotated[Seconds, Meta(description="from the end of what is heard to the first key or word")] = 5.0
    barge: Annotated[bool, Meta(description="whether a key ends what is heard")] = True
    otherwise: Otherwise


class Play(Node, frozen=True, kw_only=True, tag="play"):
    """Lets the caller hear prompts, values and texts to their end."""

    prompts: ClassVar[tuple[str, ...]] = ("hear",)

    hear: Annotated[Hear, Meta(description="what is heard")]
    next: Next

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "heard", self.next


class Say(Node, frozen=True, kw_only=True, tag="say"):
    """Says one value or text."""

    prompts: ClassVar[tuple[str, ...]] = ("what",)

    what: Annotated[Saying, Meta(description="what is said")]
    next: Next

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "heard", self.next


class Menu(Asking, frozen=True, kw_only=True, tag="menu"):
    """Asks for one key of several."""

    choices: Annotated[dict[Key, NodeName], Meta(min_length=1, description="the node that follows each key")]

    def exits(self) -> Iterator[tuple[str, str]]:
        yield from self.choices.items()
        yield "otherwise", self.otherwise


class Collect(Asking, frozen=True, kw_only=True, tag="collect"):
    """Asks for digits."""

    into: Annotated[Variable, Meta(description="the variable that takes them, a text or a number")]
    most: Annotated[int, Meta(ge=1, le=64, description="how many digits at the most")]
    least: Annotated[int, Meta(ge=0, le=64, description="how many at the least")] = 1
    ends_with: Annotated[Terminators, Meta(description="keys that end them")] = "#"
    between: Annotated[Seconds, Meta(description="seconds from each digit to the next")] = 3.0
    next: Next

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "keyed", self.next
        yield "otherwise", self.otherwise

    def sets(self) -> Iterator[tuple[str, str, str | None]]:
        yield "into", self.into, None


class Record(Node, frozen=True, kw_only=True, tag="record"):
    """Writes what the caller says to a file below `flows/` in the data folder."""

    prompts: ClassVar[tuple[str, ...]] = ("hear",)

    hear: Annotated[Hear, Meta(description="heard before")] = ()
    into: Annotated[Variable, Meta(description="the text variable that takes the file's name")]
    most_seconds: Annotated[float, Meta(ge=1, le=3600, description="how long at the most")] = 120.0
    silence_seconds: Annotated[float, Meta(ge=1, le=60, description="of silence that end it")] = 5.0
    ends_with: Annotated[Terminators, Meta(description="keys that end it")] = "#"
    next: Next
    otherwise: Otherwise

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "recorded", self.next
        yield "otherwise", self.otherwise

    def sets(self) -> Iterator[tuple[str, str, str | None]]:
        yield "into", self.into, "text"


class Speak(Node, frozen=True, kw_only=True, tag="language"):
    """Changes the language in which all that follows is heard."""

    to: Annotated[Language, Meta(description="which")]
    next: Next

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "set", self.next


class Set(Node, frozen=True, kw_only=True, tag="set"):
    """Gives variables values."""

    values: Annotated[dict[Variable, Expr], Meta(min_length=1, description="an expression for each")]
    next: Next

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "set", self.next

    def expressions(self) -> Iterator[tuple[str, Expr, str | None]]:
        for name, value in self.values.items():
            yield f"values.{name}", value, None

    def sets(self) -> Iterator[tuple[str, str, str | None]]:
        for name in self.values:
            yield f"values.{name}", name, None


class Test(Node, frozen=True, kw_only=True, tag="test", rename={"if_": "if", "else_": "else"}):
    """Goes one way or the other."""

    if_: Annotated[Expr, Meta(description="an expression that is true or false")]
    then: Annotated[NodeName, Meta(description="the node that follows when it is true")]
    else_: Annotated[NodeName, Meta(description="the node that follows when it is false")]

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "true", self.then
        yield "false", self.else_

    def expressions(self) -> Iterator[tuple[str, Expr, str | None]]:
        yield "if", self.if_, "flag"


class Hours(Node, frozen=True, kw_only=True, tag="hours"):
    """Goes by a calendar: whether it is open now."""

    calendar: Annotated[str, Meta(min_length=1, max_length=64, description="its name")]
    open: Annotated[NodeName, Meta(description="the node that follows while it is open")]
    closed: Annotated[NodeName, Meta(description="the node that follows while it is closed")]

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "open", self.open
        yield "closed", self.closed


class Http(Node, frozen=True, kw_only=True, tag="http"):
    """Asks a web service, one that `flows.http_hosts` allows."""

    url: Annotated[Text, Meta(description="expressions in braces are encoded")]
    method: Annotated[Literal["GET", "POST", "PUT"], Meta(description="how it is asked")] = "GET"
    headers: Annotated[dict[str, Text], Meta(description="more headers")] = {}
    body: Annotated[dict[str, Expr], Meta(description="expressions that are sent as a JSON object")] = {}
    seconds: Annotated[Annotated[float, Meta(ge=0.1, le=30)], Meta(description="how long each try may take")] = 3.0
    retries: Annotated[int, Meta(ge=0, le=5, description="further tries after no answer or a status from 500 on")] = 1
    into: Annotated[
        dict[Variable, Annotated[str, Meta(max_length=200)]],
        Meta(description="variables, and where in the JSON answer each is: `account.balance`, `orders[0].id`"),
    ] = {}
    next: Next
    otherwise: Otherwise

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "answered", self.next
        yield "otherwise", self.otherwise

    def expressions(self) -> Iterator[tuple[str, Expr, str | None]]:
        for name, value in self.body.items():
            yield f"body.{name}", value, None

    def templates(self) -> Iterator[tuple[str, str]]:
        yield "url", self.url
        for name, value in self.headers.items():
            yield f"headers.{name}", value

    def sets(self) -> Iterator[tuple[str, str, str | None]]:
        for name in self.into:
            yield f"into.{name}", name, None


class Lookup(Node, frozen=True, kw_only=True, tag="lookup", rename={"with_": "with"}):
    """Asks a database by a query that the settings declare (`flows.queries`); takes its first row."""

    query: Annotated[str, Meta(min_length=1, max_length=64, description="the query's name")]
    with_: Annotated[dict[Variable, Expr], Meta(description="expressions for its parameters")] = {}
    into: Annotated[dict[Variable, str], Meta(description="variables, and the column that each takes")] = {}
    next: Next
    otherwise: Annotated[NodeName, Meta(description="the node that follows when there is no row, or no answer")]

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "found", self.next
        yield "otherwise", self.otherwise

    def expressions(self) -> Iterator[tuple[str, Expr, str | None]]:
        for name, value in self.with_.items():
            yield f"with.{name}", value, None

    def sets(self) -> Iterator[tuple[str, str, str | None]]:
        for name in self.into:
            yield f"into.{name}", name, None


class Queue(Node, frozen=True, kw_only=True, tag="queue"):
    """Asks how it stands with a queue."""

    queue: Annotated[str, Meta(min_length=1, max_length=64, description="its name")]
    waiting: Annotated[Variable | None, Meta(description="the number variable that takes how many wait")] = None
    wait: Annotated[Variable | None, Meta(description="the number variable that takes the expected seconds")] = None
    next: Next
    otherwise: Annotated[NodeName, Meta(description="the node that follows when nothing is known of it")]

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "known", self.next
        yield "otherwise", self.otherwise

    def sets(self) -> Iterator[tuple[str, str, str | None]]:
        for where in ("waiting", "wait"):
            if name := getattr(self, where):
                yield where, name, "number"


class Transfer(Node, frozen=True, kw_only=True, tag="transfer"):
    """Hands the call over; the flow is at its end, unless there is no such destination."""

    prompts: ClassVar[tuple[str, ...]] = ("hear",)

    hear: Annotated[Hear, Meta(description="heard before")] = ()
    to: Annotated[
        Annotated[str, Meta(pattern="^[a-z-]+(/.*)?$", max_length=200)],
        Meta(description="a destination: `queue/sales`, `account/{extension}`, `dialplan/default` after `number`"),
    ]
    number: Annotated[Text | None, Meta(description="what is dialled there, where that is the dial plan")] = None
    data: Annotated[
        dict[Variable, Expr], Meta(max_length=20, description="what whoever takes the call is shown of its matter")
    ] = {}
    otherwise: Annotated[
        NodeName | None, Meta(description="the node that follows when there is no such destination")
    ] = None

    def exits(self) -> Iterator[tuple[str, str]]:
        if self.otherwise is not None:
            yield "otherwise", self.otherwise

    def expressions(self) -> Iterator[tuple[str, Expr, str | None]]:
        for name, value in self.data.items():
            yield f"data.{name}", value, None

    def templates(self) -> Iterator[tuple[str, str]]:
        yield "to", self.to
        if self.number is not None:
            yield "number", self.number


class SubFlow(Node, frozen=True, kw_only=True, tag="flow", rename={"with_": "with"}):
    """Goes through another flow, and on when that returns."""

    flow: Annotated[str, Meta(min_length=1, max_length=64, description="its name")]
    with_: Annotated[dict[Variable, Expr], Meta(description="expressions for variables of it")] = {}
    into: Annotated[dict[Variable, Variable], Meta(description="variables here, and those of it that they take")] = {}
    next: Next

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "returned", self.next

    def expressions(self) -> Iterator[tuple[str, Expr, str | None]]:
        for name, value in self.with_.items():
            yield f"with.{name}", value, None

    def sets(self) -> Iterator[tuple[str, str, str | None]]:
        for name in self.into:
            yield f"into.{name}", name, None


class Send(Node, frozen=True, kw_only=True, tag="send"):
    """Sends an event, a text message or an e-mail; the call does not wait for it."""

    kind: Annotated[Literal["event", "sms", "mail"], Meta(description="which")] = "event"
    to: Annotated[Text, Meta(description="the event's name, the number, or the address")]
    data: Annotated[dict[Variable, Expr], Meta(description="what an event tells")] = {}
    subject: Annotated[Text, Meta(description="of an e-mail")] = ""
    text: Annotated[Text, Meta(description="of a text message or e-mail")] = ""
    next: Next

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "sent", self.next

    def expressions(self) -> Iterator[tuple[str, Expr, str | None]]:
        for name, value in self.data.items():
            yield f"data.{name}", value, None

    def templates(self) -> Iterator[tuple[str, str]]:
        yield from (("to", self.to), ("subject", self.subject), ("text", self.text))


class Listen(Asking, frozen=True, kw_only=True, tag="listen"):
    """Asks for one of several phrases, said or, where `keys` has one for it, keyed in."""

    phrases: Annotated[
        dict[NodeName, tuple[Text, ...] | dict[Language, tuple[Text, ...]]],
        Meta(min_length=1, description="a name for each answer, and what may be said for it, for each language"),
    ]
    choices: Annotated[dict[NodeName, NodeName], Meta(description="the node that follows each answer")]
    keys: Annotated[dict[Key, NodeName], Meta(description="keys that stand for answers")] = {}

    def exits(self) -> Iterator[tuple[str, str]]:
        yield from self.choices.items()
        yield "otherwise", self.otherwise


class Survey(Asking, frozen=True, kw_only=True, tag="survey"):
    """Asks for a mark from `low` to `high`, which the call's path keeps."""

    question: Annotated[str, Meta(min_length=1, max_length=64, description="the name it is kept by")]
    low: Annotated[int, Meta(ge=0, le=9, description="the lowest mark")] = 1
    high: Annotated[int, Meta(ge=1, le=10, description="the highest mark")] = 5
    into: Annotated[Variable | None, Meta(description="the number variable that takes it")] = None
    next: Next

    def exits(self) -> Iterator[tuple[str, str]]:
        yield "marked", self.next
        yield "otherwise", self.otherwise

    def sets(self) -> Iterator[tuple[str, str, str | None]]:
        if self.into is not None:
            yield "into", self.into, "number"


class HangUp(Node, frozen=True, kw_only=True, tag="hang_up"):
    """Ends the call."""

    prompts: ClassVar[tuple[str, ...]] = ("hear",)

    hear: Annotated[Hear, Meta(description="heard before")] = ()


class Return(Node, frozen=True, kw_only=True, tag="return"):
    """Ends this flow: the one that called it goes on; where none did, the call is over."""


AnyNode = (
    Play
    | Say
    | Menu
    | Collect
    | Record
    | Speak
    | Set
    | Test
    | Hours
    | Http
    | Lookup
    | Queue
    | Transfer
    | SubFlow
    | Send
    | Listen
    | Survey
    | HangUp
    | Return
)

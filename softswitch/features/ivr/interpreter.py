"""Works off a flow in YAML, node by node, with what `runtime` can do."""

from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

from softswitch.features.ivr.journey import Said, Text
from softswitch.features.ivr.model.document import FlowDocument
from softswitch.features.ivr.model.expression import KINDS, Value, shown
from softswitch.features.ivr.model.json_path import find
from softswitch.features.ivr.model.nodes import (
    Collect,
    HangUp,
    Hours,
    Http,
    Listen,
    Lookup,
    Menu,
    Node,
    Play,
    Queue,
    Record,
    Return,
    Say,
    Send,
    Set,
    Speak,
    SubFlow,
    Survey,
    Test,
    Transfer,
)
from softswitch.features.ivr.model.saying import Hear, Saying, heard
from softswitch.features.ivr.runtime import Flow
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.kernel.sound import Silence, Tone
from softswitch.kernel.spoken import Unspeakable

TONE_LEVEL = -13.0
TONE_MS = 400


class Interpreter:
    """One call's way through one document."""

    def __init__(self, document: FlowDocument, flow: Flow) -> None:
        self._document = document
        self._flow = flow
        self._variables: dict[str, Value] = {name: KINDS[kind] for name, kind in document.variables.items()}
        self._variables.update({name: value for name, value in flow.variables.items() if name in document.variables})

    async def run(self) -> Destination | None:
        """From the first node to the last."""
        document, flow = self._document, self._flow
        if document.language is not None:
            flow.speak(document.language)
        name = document.start
        while True:
            following = await self._do(name, document.nodes[name])
            if not isinstance(following, str):
                flow.variables = self._variables
                return following
            name = following

    async def _do(self, name: str, node: Node) -> str | Destination | None:
        """What a node does: gives the next, or where the call goes; None: the flow returns."""
        flow = self._flow
        match node:
            case Play():
                await flow.play(*self._hear(name, "hear", node.hear), node=name)
                return node.next
            case Say():
                await flow.play(*self._hear(name, "what", node.what), node=name)
                return node.next
            case Menu():
                key = await flow.menu(
                    *self._hear(name, "hear", node.hear), keys="".join(node.choices), **self._asking(name, node)
                )
                return node.otherwise if key is None else node.choices[key]
            case Collect():
                digits = await flow.collect(
                    *self._hear(name, "hear", node.hear),
                    most=node.most,
                    least=node.least,
                    ends_with=node.ends_with,
                    between=node.between,
                    **self._asking(name, node),
                )
                return node.next if digits is not None and self._take({node.into: digits}) else node.otherwise
            case Survey():
                mark = await flow.survey(
                    node.question,
                    *self._hear(name, "hear", node.hear),
                    low=node.low,
                    high=node.high,
                    **self._asking(name, node),
                )
                if mark is not None and node.into is not None:
                    self._variables[node.into] = Decimal(mark)
                return node.otherwise if mark is None else node.next
            case Listen():
                options = self._asking(name, node)
                del options["barge"]
                answer = await flow.listen(
                    *self._hear(name, "hear", node.hear),
                    phrases={key: self._phrases(value) for key, value in node.phrases.items()},
                    keys=node.keys,
                    **options,
                )
                return node.otherwise if answer is None else node.choices[answer]
            case Record():
                recorded = await flow.record(
                    *self._hear(name, "hear", node.hear),
                    most_seconds=node.most_seconds,
                    silence_seconds=node.silence_seconds,
                    ends_with=node.ends_with,
                    node=name,
                )
                if recorded is not None:
                    self._variables[node.into] = recorded.name
                return node.otherwise if recorded is None else node.next
            case Speak():
                flow.speak(node.to, node=name)
                return node.next
            case Set():
                self._variables.update({each: self._value(name, f"values.{each}") for each in node.values})
                flow.mark("set", name, "set")
                return node.next
            case Test():
                true = bool(self._value(name, "if"))
                flow.mark("test", name, "true" if true else "false")
                return node.then if true else node.else_
            case Hours():
                return node.open if flow.open(node.calendar, node=name) else node.closed
            case Queue():
                status = flow.queue(node.queue, node=name)
                if status is None:
                    return node.otherwise
                if node.waiting is not None:
                    self._variables[node.waiting] = Decimal(status.waiting)
                if node.wait is not None:
                    self._variables[node.wait] = Decimal(round(status.wait_seconds))
                return node.next
            case _:
                return await self._do_with_others(name, node)

    async def _do_with_others(self, name: str, node: Node) -> str | Destination | None:
        document, flow = self._document, self._flow
        match node:
            case Http():
                body = {each: _plain(self._value(name, f"body.{each}")) for each in node.body}
                answer = await flow.http(
                    shown(self._value(name, "url")),
                    method=node.method,
                    headers={each: shown(self._value(name, f"headers.{each}")) for each in node.headers},
                    body=body or None,
                    seconds=node.seconds,
                    retries=node.retries,
                    node=name,
                )
                found = {each: find(answer, path) for each, path in node.into.items()}
                return node.next if answer is not None and self._take(found) else node.otherwise
            case Lookup():
                given = {each: self._value(name, f"with.{each}") for each in node.with_}
                row = await flow.lookup(node.query, given, node=name)
                if row is None:
                    return node.otherwise
                taken = self._take({each: row.get(column) for each, column in node.into.items()})
                return node.next if taken else node.otherwise
            case SubFlow():
                given = {each: self._value(name, f"with.{each}") for each in node.with_}
                destination, back = await flow.through(node.flow, given, node=name)
                if destination is not None:
                    return destination
                self._take({each: back.get(theirs) for each, theirs in node.into.items()})
                return node.next
            case Send():
                to = shown(self._value(name, "to"))
                match node.kind:
                    case "event":
                        data = {each: shown(self._value(name, f"data.{each}")) for each in node.data}
                        flow.event(to, data, node=name)
                    case "sms":
                        flow.sms(to, shown(self._value(name, "text")), node=name)
                    case "mail":
                        subject = shown(self._value(name, "subject"))
                        flow.mail(to, subject, shown(self._value(name, "text")), node=name)
                return node.next
            case Transfer():
                number = shown(self._value(name, "number")) if node.number is not None else ""
                to = shown(self._value(name, "to"))
                hear = self._hear(name, "hear", node.hear)
                known = {each: shown(self._value(name, f"data.{each}")) for each in node.data}
                destination = await flow.transfer(to, *hear, number=number, data=known, node=name)
                if destination is None and node.otherwise is None:
                    raise Rejected(Cause.UNALLOCATED_NUMBER, f"flow {document.name}: there is no {to}")
                return destination or node.otherwise
            case HangUp():
                await flow.hang_up(*self._hear(name, "hear", node.hear), node=name)
            case Return():
                flow.mark("return", name, "returned")
                return None
        raise AssertionError(f"nothing does {node!r}")

    # Values -------------------------------------------------------------------------------------------------

    def _value(self, node: str, where: str) -> Value:
        flow = self._flow
        given = {"caller": flow.caller, "called": flow.called, "language": flow.language}
        return self._document.expressions[node, where].value({**self._variables, **given})

    def _take(self, values: Mapping[str, Any]) -> bool:
        """Set variables from outside; False: one is not there, or is not what its variable holds."""
        taken: dict[str, Value] = {}
        for name, value in values.items():
            kind = self._document.kinds[name]
            if kind == "text" and isinstance(value, str | int | float | Decimal):
                taken[name] = value[:4000] if isinstance(value, str) else shown(_decimal(value))
            elif kind == "number" and (number := _number(value)) is not None:
                taken[name] = number
            elif kind == "flag" and isinstance(value, bool):
                taken[name] = value
            else:
                return False
        self._variables.update(taken)
        return True

    # What is heard ------------------------------------------------------------------------------------------

    def _asking(self, name: str, node: Any) -> dict[str, Any]:
        return {
            "tries": node.tries,
            "seconds": node.seconds,
            "invalid": self._hear(name, "invalid", node.invalid),
            "silent": self._hear(name, "silent", node.silent),
            "barge": node.barge,
            "node": name,
        }

    def _hear(self, name: str, field: str, hear: Hear) -> list[Said]:
        said: list[Said] = []
        for place, item in enumerate(heard(hear)):
            if isinstance(item, str):
                said.append(item)
            else:
                try:
                    said.append(self._say(name, f"{field}.{place}", item))
                except (Unspeakable, ValueError) as error:
                    self._flow.trouble(f"{name}: {error}")
        return said

    def _say(self, name: str, where: str, saying: Saying) -> Said:
        (kind,) = saying.kinds()
        if kind == "silence":
            return Silence(saying.silence or 0)
        if kind == "tone":
            return Tone(((saying.tone or 0.0, TONE_LEVEL),), TONE_MS)
        if isinstance(saying.text, dict):
            languages = {each: shown(self._value(name, f"{where}.text{each}")) for each in saying.text}
            return Text(languages.get("en", ""), languages.get("zh", ""))
        if kind == "text":
            text = shown(self._value(name, f"{where}.text"))
            return Text(text, text)
        value = self._value(name, f"{where}.{kind}")
        grammar = self._flow.say
        match kind:
            case "digits":
                return grammar.digits(str(value))
            case "date":
                return grammar.date(date.fromisoformat(str(value)))
            case "time":
                return grammar.time(time.fromisoformat(str(value)))
        assert isinstance(value, Decimal), "kinds were checked when the flow was read"
        match kind:
            case "ordinal":
                return grammar.ordinal(int(value))
            case "duration":
                return grammar.duration(int(value))
            case "money":
                return grammar.money(value, saying.currency)
        return grammar.number(value)

    def _phrases(self, phrases: Any) -> Sequence[str]:
        if isinstance(phrases, dict):
            return tuple(phrases.get(self._flow.language, ()))
        return tuple(phrases)


def _decimal(value: int | float | Decimal) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**15 else None


def _plain(value: Value) -> str | int | float | bool:
    """As JSON writes it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value

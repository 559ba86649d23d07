"""Goes through a flow with one caller: what each node does, for flows in Python and in YAML alike.

A flow in Python is one coroutine that is given a `Flow` and reads like what the caller hears; a flow in YAML is worked
off by `interpreter` with the same methods. Each of them is one step of the call's path, which is kept.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

import msgspec
import structlog
from msgspec import Struct

from softswitch.engine.caller import Keys, Recorded, Spoken
from softswitch.events import Fact, FlowEnded, FlowSent, FlowStep, RoutingStep
from softswitch.features.ivr.model.expression import Value
from softswitch.features.ivr.needs import Listener, Parts, QueueStatus
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected, SwitchError
from softswitch.kernel.spoken import Grammar, grammar_of

log = structlog.get_logger(__name__)

MOST_STEPS = 1000
"""Nodes that one call may come through: more is a circle."""
MOST_KEPT = 200
"""Of them, those that its path keeps."""
MOST_DEEP = 10
"""Flows within flows."""
SHORTEST_RECORDING = 0.5
"""Seconds: less is nothing."""


class Text(NamedTuple):
    """A text that is spoken by the voice of the caller's language."""

    en: str
    zh: str = ""

    def in_language(self, language: str) -> str:
        return (self.zh if language == "zh" else self.en) or self.en or self.zh


AT_ONCE = 0.05
"""Seconds in which a key that comes with the last word of a question is still taken, before speech is listened to."""
PAUSE = 0.9
"""Seconds of silence behind a word, after which an answer is over."""
LONGEST_ANSWER = 15.0
Said = Spoken | Text
_json = msgspec.json.Decoder(float_hook=Decimal)


class Over(Exception):
    """The flow has ended the call."""


class Published(Struct, frozen=True, eq=False):
    """A flow that calls may enter."""

    name: str
    version: int
    """0: as it ships."""
    title: str
    language: str
    """`yaml` or `python`."""
    source: str
    run: Callable[["Flow"], Awaitable[Destination | None]]
    calendars: Collection[str] = ()
    """Those that it goes by."""
    within: Collection[str] = ()
    """The flows that it goes through."""


Flows = Mapping[str, Published]


class Journey:
    """One call's way through a flow and those within it. All are of the versions that were live when it began."""

    def __init__(self, flows: Flows, parts: Parts, publish: Callable[[Fact], None]) -> None:
        self.flows = flows
        self.parts = parts
        self.publish = publish
        self.steps: list[FlowStep] = []
        self.count = 0
        self.recordings = 0


async def run(
    caller: Listener, name: str, flows: Flows, parts: Parts, publish: Callable[[Fact], None]
) -> Destination | None:
    """Go through a flow: gives where the call goes next. Its path is published when it is over, however that comes.

    Raises NotFound for an unknown flow, and Rejected.
    """
    published = flows.get(name)
    if published is None:
        raise NotFound("flow", name)
    began = caller.wall_ms()
    journey = Journey(flows, parts, publish)
    outcome, destination = "left", None
    try:
        destination = await published.run(Flow(caller, published, journey, began))
        outcome = "ended" if destination is None else "transferred"
        if destination is not None:
            last = [RoutingStep(step.node, step.result or step.kind, step.kind) for step in journey.steps[-20:]]
            caller.routed(destination, f"flow:{name}", None, last)
        return destination
    except Over:
        outcome = "ended"
        return None
    except Rejected:
        outcome = "refused"
        raise
    except Exception:
        outcome = "failed"
        raise
    finally:
        publish(
            FlowEnded(
                at=caller.wall_ms(),
                call=caller.call,
                flow=name,
                version=published.version,
                began_at=began,
                outcome=outcome,
                destination=str(destination or ""),
                language=caller.language,
                steps=tuple(journey.steps[:MOST_KEPT]),
            )
        )


class Flow:
    """A flow on its way with a caller."""

    def __init__(
        self, caller: Listener, published: Published, journey: Journey, began: int, prefix: str = "", depth: int = 0
    ) -> None:
        self._caller = caller
        self._published = published
        self._journey = journey
        self._began = began
        self._prefix = prefix
        self._depth = depth
        self.variables: dict[str, Value] = {}
        """What the flow that goes through this one gives it, and takes back."""

    # What is known ------------------------------------------------------------------------------------------

    @property
    def caller(self) -> str:
        """The caller's number."""
        return self._caller.from_.number

    @property
    def called(self) -> str:
        """The number that was called."""
        return self._caller.to.number

    @property
    def language(self) -> str:
        """In which the caller is spoken to."""
        return self._caller.language

    @property
    def say(self) -> Grammar:
        """How the language says values: `await flow.play("balance/is", flow.say.number(3))`."""
        return grammar_of(self._caller.language)

    # What is heard ------------------------------------------------------------------------------------------

    async def play(self, *hear: Said, node: str = "") -> None:
        """Let the caller hear prompts, values and texts, one after the other, to the end."""
        step = self._step("play", node, hear)
        await self._play(hear)
        self._came(step, "heard")

    def speak(self, language: str, *, node: str = "") -> None:
        """Change the language of all that follows."""
        step = self._step("language", node)
        self._caller.language = language
        self._came(step, language)

    # What is asked ------------------------------------------------------------------------------------------

    async def menu(
        self,
        *hear: Said,
        keys: str,
        tries: int = 3,
        seconds: float = 5.0,
        invalid: Sequence[Said] = ("ivr/invalid",),
        silent: Sequence[Said] = ("ivr/no-input",),
        barge: bool = True,
        node: str = "",
    ) -> str | None:
        """Ask for one of several keys, a few times: gives the key; None: none was pressed, or another."""
        step = self._step("menu", node, hear)
        asked = Keys(1, ends_with="", first_within=seconds, barge=barge)
        before: Sequence[Said] = ()
        why = "silent"
        for _ in range(tries):
            keyed = await self._gather((*before, *hear), asked)
            if keyed and keyed in keys:
                self._came(step, keyed)
                return keyed
            before, why = (invalid, "invalid") if keyed else (silent, "silent")
        self._came(step, why)
        return None

    async def collect(
        self,
        *hear: Said,
        most: int,
        least: int = 1,
        ends_with: str = "#",
        tries: int = 3,
        seconds: float = 5.0,
        between: float = 3.0,
        invalid: Sequence[Said] = ("ivr/invalid",),
        silent: Sequence[Said] = ("ivr/no-input",),
        barge: bool = True,
        node: str = "",
    ) -> str | None:
        """Ask for digits, a few times: gives them; None: too few came. The path does not keep them."""
        step = self._step("collect", node, hear)
        asked = Keys(most, least, ends_with, seconds, between, barge)
        before: Sequence[Said] = ()
        why = "silent"
        for _ in range(tries):
            keyed = await self._caller.gather(*await self._sounds((*before, *hear)), keys=asked)
            if len(keyed.digits) >= least and (keyed.digits or keyed.ended_by == "terminator"):
                self._came(step, "keyed")
                return keyed.digits
            before, why = (invalid, "invalid") if keyed.digits else (silent, "silent")
        self._came(step, why)
        return None

    async def survey(
        self,
        question: str,
        *hear: Said,
        low: int = 1,
        high: int = 5,
        tries: int = 3,
        seconds: float = 5.0,
        invalid: Sequence[Said] = ("ivr/invalid",),
        silent: Sequence[Said] = ("ivr/no-input",),
        barge: bool = True,
        node: str = "",
    ) -> int | None:
        """Ask for a mark, which the path keeps under the question's name."""
        step = self._step("survey", node or question)
        asked = Keys(len(str(high)), first_within=seconds, next_within=1.5, barge=barge)
        before: Sequence[Said] = ()
        why = "silent"
        for _ in range(tries):
            keyed = await self._gather((*before, *hear), asked)
            if keyed.isdigit() and low <= int(keyed) <= high:
                self._came(step, str(int(keyed)))
                return int(keyed)
            before, why = (invalid, "invalid") if keyed else (silent, "silent")
        self._came(step, why)
        return None

    async def listen(
        self,
        *hear: Said,
        phrases: Mapping[str, Sequence[str]],
        keys: Mapping[str, str] = {},
        tries: int = 3,
        seconds: float = 5.0,
        invalid: Sequence[Said] = ("ivr/invalid",),
        silent: Sequence[Said] = ("ivr/no-input",),
        node: str = "",
    ) -> str | None:
        """Ask for one of several answers, each of which may be said in several ways, or keyed in: gives which. Where
        nobody understands speech here, keys alone are understood."""
        step = self._step("listen", node, hear)
        before: Sequence[Said] = ()
        why = "silent"
        for _ in range(tries):
            answer = await self._answer(await self._sounds((*before, *hear)), phrases, keys, seconds)
            if answer:
                self._came(step, answer)
                return answer
            before, why = (silent, "silent") if answer is None else (invalid, "invalid")
        self._came(step, why)
        return None

    async def _answer(
        self, spoken: Sequence[Spoken], phrases: Mapping[str, Sequence[str]], keys: Mapping[str, str], seconds: float
    ) -> str | None:
        """One answer to a question: empty where it is none of those that were meant, None where there was none."""
        ears, caller = self._journey.parts.ears, self._caller
        keyed = await caller.gather(
            *spoken, keys=Keys(1, ends_with="", first_within=seconds if ears is None else AT_ONCE)
        )
        if keyed.digits or ears is None:
            return keys.get(keyed.digits, "") if keyed.digits else None
        recorded = await caller.record(
            self._file(), most_seconds=LONGEST_ANSWER, silence_seconds=PAUSE, patience_seconds=seconds
        )
        if recorded.ended_by.startswith("key:"):
            return keys.get(recorded.ended_by.removeprefix("key:"), "")
        if not recorded.spoken or recorded.ended_by == "fault":
            return None
        try:
            heard = await ears.phrase(
                recorded.name, self.language, [each for some in phrases.values() for each in some]
            )
        except SwitchError as error:
            self.trouble(f"what was said is not understood: {error}")
            return ""
        return next((answer for answer, some in phrases.items() if heard in some), "")

    def _file(self) -> str:
        self._journey.recordings += 1
        return f"flows/{self._published.name}/{self._caller.call}-{self._journey.recordings}.wav"

    async def record(
        self,
        *hear: Said,
        most_seconds: float = 120.0,
        silence_seconds: float = 5.0,
        ends_with: str = "#",
        node: str = "",
    ) -> Recorded | None:
        """Write what the caller says to a file; None: it said nothing, or it could not be written."""
        step = self._step("record", node, hear)
        await self._play(hear)
        recorded = await self._caller.record(
            self._file(), most_seconds=most_seconds, silence_seconds=silence_seconds, ends_with=ends_with
        )
        good = recorded.ended_by != "fault" and recorded.spoken and recorded.seconds >= SHORTEST_RECORDING
        self._came(step, "recorded" if good else "nothing")
        return recorded if good else None

    # What is looked up --------------------------------------------------------------------------------------

    def open(self, calendar: str, *, node: str = "") -> bool:
        """Whether a calendar is open now. One that is not there is taken for open, and noted."""
        step = self._step("hours", node or f"hours {calendar}")
        calendars = self._journey.parts.calendars
        opened = True
        try:
            if calendars is None:
                raise NotFound("calendar", calendar)
            opening = calendars.opening(calendar, self._caller.wall_ms())
            opened = opening.open
            self._note(f"{calendar} is {'open' if opened else 'closed'}: {opening.reason}")
        except NotFound as missing:
            self.trouble(str(missing))
        self._came(step, "open" if opened else "closed")
        return opened

    async def http(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] = {},
        body: Any = None,
        seconds: float = 3.0,
        retries: int = 1,
        node: str = "",
    ) -> Any:
        """Ask a web service, and give its JSON answer; None: there was none, or no good one. Numbers with a point come
        as Decimal."""
        step = self._step("http", node)
        answer = await self._ask(method, url, headers, body, seconds, retries)
        self._came(step, "nothing" if answer is None else "answered")
        return answer

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: Any, seconds: float, retries: int
    ) -> Any:
        web = self._journey.parts.web
        if web is None:
            return self.trouble("no web service can be asked here")
        sent = None if body is None else msgspec.json.encode(body)
        why = ""
        for _ in range(retries + 1):
            try:
                answer = await web.ask(method, url, headers, sent, seconds)
            except SwitchError as refused:
                return self.trouble(str(refused))
            except OSError as error:
                why = f"{url} gave no answer: {error or type(error).__name__}"
                continue
            if 200 <= answer.status < 300:
                try:
                    return _json.decode(answer.body)
                except (msgspec.DecodeError, ArithmeticError):
                    return self.trouble(f"{url} answered no JSON")
            why = f"{url} answered {answer.status}"
            if answer.status < 500:
                break
        return self.trouble(why)

    async def lookup(self, query: str, *, node: str = "", **parameters: Value) -> Mapping[str, Any] | None:
        """The first row of a declared query; None: there is none, or no answer."""
        step = self._step("lookup", node or f"lookup {query}")
        queries = self._journey.parts.queries
        row: Mapping[str, Any] | None = None
        try:
            if queries is None:
                raise NotFound("query", query)
            row = await queries.look_up(query, parameters)
        except SwitchError as error:
            self.trouble(str(error))
        self._came(step, "nothing" if row is None else "found")
        return row

    def queue(self, name: str, *, node: str = "") -> QueueStatus | None:
        """How it stands with a queue; None: nothing is known of it."""
        step = self._step("queue", node or f"queue {name}")
        queues = self._journey.parts.queues
        status = None if queues is None else queues.status(name)
        self._came(step, "unknown" if status is None else "known")
        return status

    # What is told to others ---------------------------------------------------------------------------------

    def event(self, name: str, *, node: str = "", **data: str) -> None:
        """Tell all who hear events (`FlowSent`)."""
        step = self._step("send", node or f"event {name}")
        self._journey.publish(
            FlowSent(
                at=self._caller.wall_ms(),
                call=self._caller.call,
                flow=self._published.name,
                event=name,
                data=data,
            )
        )
        self._came(step, "sent")

    def sms(self, to: str, text: str, *, node: str = "") -> None:
        """Send a text message."""
        step = self._step("send", node or "sms")
        if (post := self._journey.parts.post) is not None:
            post.sms(to, text)
        else:
            self.trouble("there is nobody to send text messages")
        self._came(step, "sent" if post is not None else "nothing")

    def mail(self, to: str, subject: str, text: str, *, node: str = "") -> None:
        """Send an e-mail."""
        step = self._step("send", node or "mail")
        if (post := self._journey.parts.post) is not None:
            post.mail(to, subject, text)
        else:
            self.trouble("there is nobody to send e-mail")
        self._came(step, "sent" if post is not None else "nothing")

    # Where it goes on ---------------------------------------------------------------------------------------

    async def through(
        self, name: str, variables: Mapping[str, Value] = {}, *, node: str = ""
    ) -> tuple[Destination | None, Mapping[str, Value]]:
        """Go through another flow: gives where it sends the call, which is then to be returned at once, or None when it
        has returned; and its variables. Raises Rejected for an unknown one."""
        step = self._step("flow", node or name)
        published = self._journey.flows.get(name)
        if published is None:
            raise Rejected(Cause.DESTINATION_OUT_OF_ORDER, f"there is no flow {name!r}")
        if self._depth >= MOST_DEEP:
            raise Rejected(Cause.DESTINATION_OUT_OF_ORDER, f"flows go through flows more than {MOST_DEEP} deep")
        within = Flow(self._caller, published, self._journey, self._began, f"{self._prefix}{name}/", self._depth + 1)
        within.variables.update(variables)
        destination = await published.run(within)
        self._came(step, "returned" if destination is None else "transferred")
        return destination, within.variables

    def dials(self, number: str, context: str = "") -> Destination:
        """The dial plan, as if the caller had dialled a number: to be returned."""
        self._caller.to = Party(number)
        return Destination("dialplan", context or self._caller.routed_as.context)

    async def hang_up(self, *hear: Said, node: str = "") -> NoReturn:
        """End the call."""
        step = self._step("hang_up", node)
        await self._play(hear)
        self._came(step, "ended")
        raise Over

    async def transfer(self, to: str, *hear: Said, number: str = "", node: str = "") -> Destination | None:
        """A destination, to be returned, once the caller has heard something; None: there is no such thing."""
        step = self._step("transfer", node or f"transfer {to.partition('/')[0]}")
        destination = Destination.parse(to)
        places = self._journey.parts.places
        missing = None if places is None else places.why_missing(destination)
        if missing is not None:
            self._note(missing)
            self._came(step, "missing")
            return None
        await self._play(hear)
        if number:
            self._caller.to = Party(number)
        self._came(step, to)
        return destination

    # Steps --------------------------------------------------------------------------------------------------

    def _step(self, kind: str, node: str, hear: Sequence[Said] = ()) -> int:
        """A node begins: gives its place in the path. Without a name it is called by its kind and what is heard."""
        journey = self._journey
        journey.count += 1
        if journey.count > MOST_STEPS:
            raise Rejected(Cause.DESTINATION_OUT_OF_ORDER, f"{self._published.name} led through {MOST_STEPS} nodes")
        if len(journey.steps) >= MOST_KEPT:
            return -1
        first = hear[0] if hear and isinstance(hear[0], str) else ""
        name = self._prefix + (node or f"{kind} {first}".strip())
        journey.steps.append(FlowStep(name, kind, self._caller.wall_ms() - self._began))
        return len(journey.steps) - 1

    def mark(self, kind: str, node: str, result: str) -> None:
        """A node that does nothing but decide."""
        self._came(self._step(kind, node), result)

    def _came(self, step: int, result: str) -> None:
        if step >= 0:
            self._journey.steps[step] = msgspec.structs.replace(self._journey.steps[step], result=result)

    async def _gather(self, hear: Sequence[Said], keys: Keys) -> str:
        return (await self._caller.gather(*await self._sounds(hear), keys=keys)).digits

    async def _play(self, hear: Sequence[Said]) -> None:
        if hear:
            await self._caller.play(*await self._sounds(hear))

    async def _sounds(self, hear: Sequence[Said]) -> list[Spoken]:
        spoken: list[Spoken] = []
        for each in hear:
            if not isinstance(each, Text):
                spoken.append(each)
                continue
            voice, text = self._journey.parts.voice, each.in_language(self.language)
            try:
                if voice is None:
                    raise NotFound("voice for", self.language)
                spoken.append(await voice.synthesise(text, self.language))
            except SwitchError as error:
                # The rest of the flow is worth more to the caller than an apology.
                self.trouble(f"{text[:60]!r} is not said: {error}")
        return spoken

    def _note(self, what: str) -> None:
        self._caller.note(f"flow {self._published.name}: {what}")

    def trouble(self, what: str) -> None:
        """Something did not go as the flow meant it: noted in the ladder and in the log."""
        self._note(what)
        log.warning("a flow met trouble", flow=self._published.name, call=self._caller.call, trouble=what)

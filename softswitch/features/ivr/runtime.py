"""Goes through a flow with one caller: what each node does, for flows in Python and in YAML alike.

A flow in Python is one coroutine that is given a `Flow` and reads like what the caller hears; a flow in YAML is worked
off by `interpreter` with the same methods. Each of them is one step of the call's path, which is kept.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

from softswitch.events import Fact, FlowEnded, FlowSent, RoutingStep
from softswitch.features.ivr.asking import Asking
from softswitch.features.ivr.journey import MOST_KEPT, Flows, Journey, Said
from softswitch.features.ivr.model.expression import Value
from softswitch.features.ivr.needs import Listener, Parts, Person, QueueStatus
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected, SwitchError

MOST_DEEP = 10
MOST_CHARACTERS_SHOWN = 200
"""Of one thing that whoever takes a call is shown of its matter."""
"""Flows within flows."""
_json = msgspec.json.Decoder(float_hook=Decimal)


class Over(Exception):
    """The flow has ended the call."""


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


class Flow(Asking):
    """A flow on its way with a caller."""

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

    async def lookup(
        self, query: str, parameters: Mapping[str, Value] = {}, *, node: str = ""
    ) -> Mapping[str, Any] | None:
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

    def person(self, number: str, *, node: str = "") -> Person | None:
        """Who has an extension; None: nobody."""
        step = self._step("person", node or "person")
        people = self._journey.parts.people
        found = None if people is None else people.person(number)
        self._came(step, "unknown" if found is None else "known")
        return found

    def people(self, keys: str, *, node: str = "") -> list[Person]:
        """Those whose name begins so on the keys of a telephone."""
        step = self._step("people", node or "people")
        people = self._journey.parts.people
        found = [] if people is None else list(people.spelled(keys))
        self._came(step, str(len(found)))
        return found

    # What is told to others ---------------------------------------------------------------------------------

    def event(self, name: str, data: Mapping[str, str] = {}, *, node: str = "") -> None:
        """Tell all who hear events (`FlowSent`)."""
        step = self._step("send", node or f"event {name}")
        self._journey.publish(
            FlowSent(
                at=self._caller.wall_ms(),
                call=self._caller.call,
                flow=self._published.name,
                event=name,
                data=dict(data),
            )
        )
        self._came(step, "sent")

    def sms(self, to: str, text: str, *, node: str = "") -> bool:
        """Send a text message in the name of the number that was called; False: nobody takes it."""
        step = self._step("send", node or "sms")
        post = self._journey.parts.post
        return self._sent(step, post is not None and post.sms(self.called, to, text), "text message")

    def mail(self, to: str, subject: str, text: str, *, node: str = "") -> bool:
        """Send an e-mail; False: nobody takes it."""
        step = self._step("send", node or "mail")
        post = self._journey.parts.post
        return self._sent(step, post is not None and post.mail(to, subject, text), "e-mail")

    def _sent(self, step: int, taken: bool, what: str) -> bool:
        if not taken:
            self.trouble(f"nobody takes the {what}")
        self._came(step, "sent" if taken else "nothing")
        return taken

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

    async def transfer(
        self, to: str, *hear: Said, number: str = "", data: Mapping[str, str] = {}, node: str = ""
    ) -> Destination | None:
        """A destination, to be returned, once the caller has heard something; None: there is no such thing. `data`:
        what whoever takes the call is shown of its matter."""
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
        self._caller.data.update((name, value[:MOST_CHARACTERS_SHOWN]) for name, value in data.items())
        self._came(step, to)
        return destination

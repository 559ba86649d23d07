"""What flows find where no switch runs: the prompts and flows that ship, and stand-ins for all else."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from softswitch.features.ivr.model.spelling import spells
from softswitch.features.ivr.needs import Calendars, Parts, Person
from softswitch.features.ivr.texts import ShippedPrompts
from softswitch.kernel.destination import Destination
from softswitch.kernel.sound import Prompt, Sound

KINDS = frozenset(
    {
        "account", "announce", "clock", "conference", "dialplan", "echo", "flow", "hangup", "mailbox", "park", "parked",
        "pbx", "person", "pickup", "queue", "record-prompt", "speeddial", "tone", "trunk", "trunk-group", "voicemail",
    }
)  # fmt: skip
"""Kinds of destinations; which names there are, only a switch knows."""


class Opened(NamedTuple):
    """How a calendar is."""

    open: bool
    reason: str = "as the simulation was told"


class Waiting(NamedTuple):
    """How it stands with a queue."""

    waiting: int
    wait_seconds: float


class Answered(NamedTuple):
    """What a web service says."""

    status: int
    body: bytes


class SpokenText:
    """A voice for the simulator: a text is a prompt that says itself."""

    def __init__(self, prompts: ShippedPrompts) -> None:
        self._prompts = prompts

    def why_silent(self, language: str) -> str | None:
        return None

    async def synthesise(self, text: str, language: str) -> Sound:
        name = f"{language}/spoken/{len(self._prompts.texts)}"
        self._prompts.texts[name] = text
        return Prompt(name)


class LocalParts:
    """A `Known` for checks, and the parts for the simulator: calendars are open unless they are said to be closed,
    destinations of known kinds are there unless they are said to be missing, and nothing outside is asked."""

    def __init__(
        self,
        prompts: ShippedPrompts,
        flows: Collection[str],
        *,
        closed: Collection[str] = (),
        missing: Collection[str] = (),
        web: Mapping[str, Any] = {},
        rows: Mapping[str, Mapping[str, Any]] = {},
        queues: Mapping[str, tuple[int, float]] = {},
        people: Mapping[str, str] = {},
    ) -> None:
        self._people = people
        self._prompts = prompts
        self._flows = flows
        self._closed = closed
        self._missing = missing
        self._web = web
        self._rows = rows
        self._queues = queues

    def parts(self, calendars: Calendars | None = None) -> Parts:
        return Parts(
            places=self,
            calendars=calendars or self,
            voice=SpokenText(self._prompts),
            web=self,
            queries=self,
            queues=self,
            people=self,
        )

    def opening(self, calendar: str, at_ms: int) -> Opened:
        return Opened(calendar not in self._closed)

    def why_missing(self, destination: Destination) -> str | None:
        return f"there is no {destination}" if str(destination) in self._missing else self.no_destination(destination)

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> Answered:
        for beginning, answer in self._web.items():
            if url.startswith(beginning):
                return Answered(200, json.dumps(answer).encode())
        raise ConnectionRefusedError("web services are not asked here")

    async def look_up(self, query: str, parameters: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return self._rows.get(query)

    def status(self, queue: str) -> Waiting | None:
        return Waiting(*self._queues[queue]) if queue in self._queues else None

    def person(self, number: str) -> Person | None:
        return Person(number, self._people[number]) if number in self._people else None

    def spelled(self, keys: str) -> Sequence[Person]:
        found = [Person(number, name) for number, name in self._people.items() if spells(name, keys)]
        return sorted(found, key=lambda person: person.name)

    # `Known` ------------------------------------------------------------------------------------------------

    def no_prompt(self, language: str, name: str) -> str | None:
        return None if self._prompts.has(language, name) else f"there is no prompt {name!r} in {language!r}"

    def no_voice(self, language: str) -> str | None:
        return None

    def no_destination(self, destination: Destination) -> str | None:
        if destination.kind == "flow":
            return self.no_flow(destination.name)
        return self.no_kind(destination.kind)

    def no_kind(self, kind: str) -> str | None:
        return None if kind in KINDS else f"nothing takes calls for {kind!r}"

    def no_flow(self, name: str) -> str | None:
        return None if name in self._flows else f"there is no flow {name!r}"

    def no_calendar(self, name: str) -> str | None:
        return None

    def no_query(self, name: str) -> str | None:
        return None

    def no_host(self, host: str) -> str | None:
        return None

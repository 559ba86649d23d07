"""What flows may name in this switch: the `Known` of the checks."""

from collections.abc import Callable, Collection
from typing import Protocol

from softswitch.features.ivr.journey import Flows
from softswitch.features.ivr.needs import Parts, Sounds
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound


class Hosts(Protocol):
    """Which web services may be asked."""

    def allows(self, host: str) -> bool: ...


class Catalogue:
    """Asks those that know. `flows` is given by the service once it is there."""

    def __init__(
        self,
        sounds: Sounds,
        parts: Parts,
        *,
        hosts: Hosts | None = None,
        queries: Collection[str] = (),
        kinds: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._sounds = sounds
        self._parts = parts
        self._hosts = hosts
        self._queries = queries
        self._kinds = kinds
        self.flows: Callable[[], Flows] = dict

    def no_prompt(self, language: str, name: str) -> str | None:
        return None if self._sounds.has(language, name) else f"there is no prompt {name!r} in {language!r}"

    def no_voice(self, language: str) -> str | None:
        voice = self._parts.voice
        return "there is no voice here that would speak this text" if voice is None else voice.why_silent(language)

    def no_destination(self, destination: Destination) -> str | None:
        if destination.kind == "flow":
            return self.no_flow(destination.name)
        return None if self._parts.places is None else self._parts.places.why_missing(destination)

    def no_kind(self, kind: str) -> str | None:
        return None if kind in self._kinds() else f"nothing takes calls for {kind!r}"

    def no_flow(self, name: str) -> str | None:
        return None if name in self.flows() else f"there is no flow {name!r}"

    def no_calendar(self, name: str) -> str | None:
        try:
            if self._parts.calendars is None:
                raise NotFound("calendar", name)
            self._parts.calendars.opening(name, 0)
        except NotFound as missing:
            return str(missing)
        return None

    def no_query(self, name: str) -> str | None:
        return None if name in self._queries else f"there is no query {name!r} in `flows.queries`"

    def no_host(self, host: str) -> str | None:
        allowed = self._hosts is not None and self._hosts.allows(host)
        return None if allowed else f"`flows.http_hosts` does not allow {host}"

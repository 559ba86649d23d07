"""The one plug by which a feature joins the switch."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from fastapi import APIRouter

from softswitch.engine.caller import Caller
from softswitch.events import Fact
from softswitch.kernel.destination import Destination

CallApp = Callable[[Caller, str], Awaitable[Destination | None]]
"""What happens to a call that arrives at a destination of some kind: the caller, the destination's name, and
where the call goes next (None: it is over)."""

_Kind = TypeVar("_Kind", bound=Fact)
Handler = Callable[[Fact], None]
"""Hears a fact, at once and in order. A handler that must do I/O queues its own work."""


def hears(kind: type[_Kind], handler: Callable[[_Kind], None]) -> tuple[type[Fact], Handler]:
    """A subscription: the bus gives a handler nothing but facts of its kind."""
    return kind, cast(Handler, handler)


@dataclass(frozen=True)
class Feature:
    """A capability: its name, the destinations it takes calls for, the facts it hears, and its HTTP paths."""

    name: str
    call_apps: Mapping[str, CallApp] = field(default_factory=dict)
    subscriptions: Sequence[tuple[type[Fact], Handler]] = ()
    router: APIRouter | None = None
    """Mounted under `/api/v1`."""

"""The in-process bus: facts reach their hearers at once and in order."""

from collections.abc import Callable

import structlog

from softswitch.events import Fact

log = structlog.get_logger(__name__)


class Bus:
    """Tells each fact to whoever asked for its type.

    A hearer runs inside `publish` and must not block; one that raises is logged and harms neither the publisher nor
    the hearers after it.
    """

    def __init__(self) -> None:
        self._by_type: dict[type[Fact], tuple[Callable[[Fact], None], ...]] = {}
        self._hearers: list[tuple[type[Fact], Callable[[Fact], None]]] = []

    def subscribe(self, kind: type[Fact], hearer: Callable[[Fact], None]) -> None:
        """Call `hearer` with each fact of `kind`, subclasses included (`Fact` for all)."""
        self._hearers.append((kind, hearer))
        self._by_type.clear()

    def unsubscribe(self, kind: type[Fact], hearer: Callable[[Fact], None]) -> None:
        """Undo one `subscribe`. Raises ValueError if there was none."""
        self._hearers.remove((kind, hearer))
        self._by_type.clear()

    def publish(self, fact: Fact) -> None:
        """Tell everyone."""
        hearers = self._by_type.get(type(fact))
        if hearers is None:
            hearers = tuple(hearer for kind, hearer in self._hearers if issubclass(type(fact), kind))
            self._by_type[type(fact)] = hearers
        for hearer in hearers:
            try:
                hearer(fact)
            except Exception:
                log.exception("a hearer of a fact failed", fact=type(fact).__name__, hearer=repr(hearer))

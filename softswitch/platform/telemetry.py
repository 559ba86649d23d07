"""What Prometheus sees: counters from facts, and gauges that are asked for when it looks."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from softswitch import __version__
from softswitch.events import (
    AccountRegistered,
    AccountUnregistered,
    CallAnswered,
    CallEnded,
    CallOffered,
    CallTroubled,
    Fact,
)


class Telemetry(Collector):
    """The metrics of one switch, in a registry of its own.

    Facts are counted in plain dictionaries, which costs a tenth of Prometheus's own counters with their locks: this
    happens on the path of every call, and all in one thread.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._offered: Counter[str] = Counter()
        self._answered = 0
        self._ended: Counter[str] = Counter()
        self._troubles: Counter[str] = Counter()
        self._registered = 0
        self._unregistered: Counter[str] = Counter()
        self._stats: dict[str, tuple[Callable[[], Mapping[str, int]], Collection[str]]] = {}
        self._labelled: dict[str, tuple[str, str, Callable[[], Mapping[str, float]]]] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def subscriptions(self) -> Sequence[tuple[type[Fact], Callable[[Fact], None]]]:
        """What to tell `Bus.subscribe`."""
        return (
            (CallOffered, self._on_offered),
            (CallAnswered, self._on_answered),
            (CallEnded, self._on_ended),
            (CallTroubled, self._on_troubled),
            (AccountRegistered, self._on_registered),
            (AccountUnregistered, self._on_unregistered),
        )

    def watch(self, engine: str, stats: Callable[[], Mapping[str, int]], gauges: Collection[str]) -> None:
        """Show an engine's `stats()` as `softswitch_<engine>_…`: as gauges those named, as counters the others."""
        self._stats[engine] = (stats, gauges)

    def gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Show a number as `softswitch_<name>`, asked for at each look."""
        self._gauges[name] = (meaning, value)

    def labelled(self, name: str, meaning: str, label: str, values: Callable[[], Mapping[str, float]]) -> None:
        """Show numbers as `softswitch_<name>` by a label, asked for at each look."""
        self._labelled[name] = (meaning, label, values)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each look."""
        info = GaugeMetricFamily("softswitch_info", "The version that runs", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield _labelled("softswitch_calls_offered", "Calls that parties asked for", "origin", self._offered)
        yield CounterMetricFamily("softswitch_calls_answered", "Calls whose caller was answered", self._answered)
        yield _labelled("softswitch_calls_ended", "Calls that ended, by Q.850 cause", "cause", self._ended)
        yield _labelled("softswitch_calls_troubled", "Calls that had trouble with their sound", "kind", self._troubles)
        live = self._offered.total() - self._ended.total()
        yield GaugeMetricFamily("softswitch_calls_live", "Calls that have not ended", live)
        yield CounterMetricFamily(
            "softswitch_bindings_added", "Contacts newly bound to accounts, or moved", self._registered
        )
        yield _labelled("softswitch_bindings_removed", "Contacts no longer bound", "reason", self._unregistered)
        for name, (meaning, value) in self._gauges.items():
            yield GaugeMetricFamily(f"softswitch_{name}", meaning, value())
        for name, (meaning, label, values) in self._labelled.items():
            labelled = GaugeMetricFamily(f"softswitch_{name}", meaning, labels=[label])
            for key, number in values().items():
                labelled.add_metric([key], number)
            yield labelled
        for engine, (stats, gauges) in self._stats.items():
            for name, count in stats().items():
                family = GaugeMetricFamily if name in gauges else CounterMetricFamily
                yield family(f"softswitch_{engine}_{name}", f"{name.replace('_', ' ')} ({engine} engine)", count)

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: the registry must not ask the engines while the switch is being built."""
        return iter(())

    def _on_offered(self, fact: Fact) -> None:
        assert isinstance(fact, CallOffered)
        self._offered[fact.origin_kind] += 1

    def _on_answered(self, fact: Fact) -> None:
        self._answered += 1

    def _on_ended(self, fact: Fact) -> None:
        assert isinstance(fact, CallEnded)
        self._ended[fact.cause.text] += 1

    def _on_troubled(self, fact: Fact) -> None:
        assert isinstance(fact, CallTroubled)
        self._troubles.update({trouble.kind for trouble in fact.troubles})

    def _on_registered(self, fact: Fact) -> None:
        self._registered += 1

    def _on_unregistered(self, fact: Fact) -> None:
        assert isinstance(fact, AccountUnregistered)
        self._unregistered[fact.reason] += 1


def _labelled(name: str, meaning: str, label: str, counts: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, meaning, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family

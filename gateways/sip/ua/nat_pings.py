"""OPTIONS to phones behind NAT over UDP, so that the NAT keeps the way to them open: most forget it after a minute or
two, and a phone that does not keep it open itself could not be called."""

from gateways._native import ResponseReceived
from gateways.sip.ua.context import Context, Way
from softswitch.kernel.binding import Binding
from softswitch.ports.location import Location

_MOST = 50_000
"""Phones that are kept awake at most: as many as there are UDP ports behind one address, nearly."""


class NatPings:
    """Pings each such binding for as long as it is registered."""

    def __init__(self, context: Context, location: Location) -> None:
        self._context = context
        self._location = location
        self._every = context.settings.nat_ping_seconds
        self._pinged: set[tuple[str, str]] = set()

    def registered(self, binding: Binding) -> None:
        """A binding behind a NAT was made or refreshed."""
        key = binding.aor, binding.contact
        if binding.transport != "udp" or not self._every or key in self._pinged or len(self._pinged) >= _MOST:
            return
        self._pinged.add(key)
        self._later(*key)

    def _later(self, aor: str, contact: str) -> None:
        context = self._context
        # Spread, or all phones of an office would be asked in one moment for ever after a power cut.
        delay = self._every * context.tokens.between(0.8, 1.0)
        context.timers.set(context.now + delay, lambda: self._ping(aor, contact))

    def _ping(self, aor: str, contact: str) -> None:
        found = next((binding for binding in self._location.bindings(aor) if binding.contact == contact), None)
        if found is None or not found.natted:
            self._pinged.discard((aor, contact))
            return
        self._later(aor, contact)
        if found.connection is None or found.connection not in self._context.transports:
            return  # another socket has another place in the NAT's table: its ping would not keep this one's
        self._ask(found, (found.connection, found.source))

    def _ask(self, binding: Binding, way: Way) -> None:
        context = self._context
        host = context.settings.host
        headers = [
            ("From", f"<sip:{host}>;tag={context.tokens.token()}"),
            ("To", f"<{binding.contact}>"),
            ("Call-ID", context.tokens.token()),
            ("CSeq", "1 OPTIONS"),
            context.contact(way[0], way[1][0]),
            context.product,
        ]
        context.request(way, "OPTIONS", binding.contact, headers, b"", _whatever)


def _whatever(event: ResponseReceived | None, failure: str) -> None:
    """The packet that went out has done its work; what comes back is of no consequence."""

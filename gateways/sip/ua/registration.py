"""A REGISTER as it arrives: who asks, for whom, and the answer (RFC 3261 section 10.3). The rules are `registrar`'s."""

from collections.abc import Callable

from gateways._native import RequestReceived
from gateways.sip.ua.addressing import parsed, user_of
from gateways.sip.ua.admission import Admission
from gateways.sip.ua.context import Context
from gateways.sip.ua.nat_pings import NatPings
from gateways.sip.ua.registrar import register
from gateways.sip.ua.requests import names_option
from softswitch.kernel.address import HostPort
from softswitch.ports.location import Location


class RegistrationDesk:
    """Where phones register."""

    def __init__(self, context: Context, admission: Admission, location: Location, wall_ms: Callable[[], int]) -> None:
        self._context = context
        self._admission = admission
        self._location = location
        self._wall_ms = wall_ms
        self._pings = NatPings(context, location)

    def registering(self, event: RequestReceived) -> None:
        """Answer a REGISTER; the bindings change if it may change them."""
        request, context = event.request, self._context
        if parsed(request.to_uri) is None:
            # Step 5: no address of record of any account, whoever asks.
            context.respond(event.transaction, 404)
            return
        user = self._admission.user(request, event.source[0], self._context.transports.get(event.transport))
        if not isinstance(user, str):
            context.counts["challenged"] += 1
            context.respond(event.transaction, *user)
            return
        if user_of(request.to_uri) != user:
            # Step 3: may this user change the bindings of this address of record? Only its own.
            context.respond(event.transaction, 403)
            return
        bulk = request.header("Require") is not None and names_option(request, "Require", "gin")
        if bulk and not self._admission.in_bulk(request, user):
            context.respond(event.transaction, 403, reason="Not a PBX That Registers in Bulk")
            return
        transport = context.transports.get(event.transport)
        outcome = register(
            context.settings.registrar,
            user,
            request,
            self._location.bindings(user),
            wall_ms=self._wall_ms(),
            source=HostPort(*event.source),
            transport=transport.kind if transport is not None else "udp",
            connection=event.transport,
            gruus=context.gruus,
            nonce=context.tokens.nonce,
            bulk=bulk,
        )
        if outcome.bindings is not None:
            context.counts["registered"] += 1
            if transport is not None:
                transport.registered = True
            self._location.replace(user, outcome.bindings)
            for binding in outcome.bindings:
                if binding.natted:
                    self._pings.registered(binding)
        context.respond(event.transaction, outcome.status, outcome.headers, reason=outcome.reason)

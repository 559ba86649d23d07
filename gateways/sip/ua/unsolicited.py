"""NOTIFY to phones that never asked: their mailbox (RFC 3842), where that is set.

RFC 6665 has no such thing, and some phones expect it all the same. One that has subscribed is told by its subscription
alone.
"""

from collections.abc import Sequence

from gateways._native import ResponseReceived
from gateways.sip.ua import message_summary
from gateways.sip.ua.addressing import escaped_user, parsed
from gateways.sip.ua.context import Context, Way
from gateways.sip.ua.next_hop import find_hops
from gateways.sip.ua.server_location import Hop
from softswitch.calls.target import target_of
from softswitch.kernel.binding import Binding
from softswitch.kernel.watching import Mailbox
from softswitch.ports.location import Location
from softswitch.ports.watching import Watched


class MailboxTeller:
    """Tells the phones of an account what their mailbox holds."""

    def __init__(self, context: Context, watched: Watched, location: Location) -> None:
        self._context = context
        self._watched = watched
        self._location = location

    def tell(self, account: str, subscribed: Sequence[str]) -> None:
        """All of them but those whose Contact is one of `subscribed`."""
        mailbox = self._watched.mailbox(account)
        for binding in self._location.bindings(account):
            if binding.reachable and not any(same_phone(binding.contact, contact) for contact in subscribed):
                self._tell(binding, mailbox)

    def holds_something(self, account: str) -> bool:
        """Whether a phone that comes has anything to be told."""
        return self._watched.mailbox(account) != Mailbox()

    def _tell(self, binding: Binding, mailbox: Mailbox) -> None:
        context, target = self._context, target_of(binding)
        if target.connection is not None and target.address is not None and target.connection in context.transports:
            self._send((target.connection, target.address), binding, mailbox)
            return

        def found(hops: Sequence[Hop]) -> None:
            self._send(context.way_to(hops[0]) if hops else None, binding, mailbox)

        find_hops(context, target, found)

    def _send(self, way: Way | None, binding: Binding, mailbox: Mailbox) -> None:
        if way is None:
            return  # it registers again when it is back, and is told then
        context, tokens = self._context, self._context.tokens
        entity = f"sip:{escaped_user(binding.aor)}@{context.settings.host}"
        headers = [
            ("From", f"<{entity}>;tag={tokens.token()}"),
            ("To", f"<{entity}>"),
            ("Call-ID", tokens.token() + tokens.token()),
            ("CSeq", "1 NOTIFY"),
            *(("Route", route) for route in binding.path),
            context.contact(way[0], way[1][0]),
            ("Event", message_summary.EVENT),
            ("Subscription-State", "active"),
            context.product,
            ("Content-Type", message_summary.MIME),
        ]
        body = message_summary.write(mailbox, entity)
        context.request(way, "NOTIFY", binding.contact, headers, body, _whatever)


def same_phone(contact: str, target: str) -> bool:
    """Whether two Contacts lead to one phone."""
    ours, theirs = parsed(contact), parsed(target)
    return ours is not None and theirs is not None and (contact == target or ours.equivalent(theirs))


def _whatever(event: ResponseReceived | None, failure: str) -> None:
    """A phone that does not understand it says so, and nothing follows from that."""

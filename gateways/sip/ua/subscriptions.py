"""The notifier: who watches what, and who is told when (RFC 6665 section 4.2).

A change of something that a thousand watch is told in small batches, each in a turn of its own, so that calls are
served between them. What is kept lives in memory only: after a restart a phone's refresh gets 481, and it subscribes
anew (RFC 6665 section 4.1.2.2).
"""

from collections import deque
from collections.abc import Callable, Sequence

from gateways._native import RequestReceived, SipRequest
from gateways.sip.ua import event_packages
from gateways.sip.ua.addressing import contact_uri, hop_of, parsed, user_of
from gateways.sip.ua.admission import Admission
from gateways.sip.ua.context import Context, ResponseHandler, Way
from gateways.sip.ua.dialog import Dialog
from gateways.sip.ua.event_packages import PACKAGES, Document, EventPackage, Sources, View
from gateways.sip.ua.requests import method_refusal, retry_after
from gateways.sip.ua.soft_state import SoftStateRules, granted
from gateways.sip.ua.subscription import Happening, Phase, Subscription
from gateways.sip.ua.unsolicited import MailboxTeller, same_phone
from softswitch.kernel.watching import Permission, Subject

ALLOW_EVENTS = ("Allow-Events", ", ".join(PACKAGES))
BATCH = 20
"""NOTIFYs of one turn."""
TURN_SECONDS = 0.001
"""From one turn to the next: what else is due comes in between."""


class Watch:
    """One thing that is watched: an account's calls, say."""

    __slots__ = ("_documents", "_revision", "account", "package", "state", "subscriptions")

    def __init__(self, package: EventPackage, account: str, sources: Sources) -> None:
        self.package = package
        self.account = account
        self.state: event_packages.Watch = package.watch(sources, account)
        # In order of their coming, so that a change is told in the same order on every run.
        self.subscriptions: dict[Subscription, None] = {}
        self._documents: dict[View, Document] = {}
        self._revision = -1

    def document(self, subscription: Subscription) -> Document:
        """What a subscription's next NOTIFY says. Written once for all that see the same."""
        state = self.state
        if state.revision != self._revision:
            self._documents.clear()
            self._revision = state.revision
        since = None if subscription.full else subscription.told
        view = View(subscription.entity, subscription.permission, since)
        document = self._documents.get(view)
        if document is None:
            document = state.document(view)
            if len(self._documents) < BATCH:
                self._documents[view] = document
        return document


class Subscriptions:
    """All subscriptions of the user agent."""

    def __init__(
        self,
        context: Context,
        admission: Admission,
        sources: Sources,
        rules: SoftStateRules,
        teller: MailboxTeller | None = None,
    ) -> None:
        """`teller` tells mailboxes to phones that do not subscribe; None: nobody does."""
        self._context = context
        self._admission = admission
        self._sources = sources
        self._rules = rules
        self._teller = teller
        self._watches: dict[tuple[Subject, str], Watch] = {}
        self._by_watcher: dict[str, dict[Subscription, None]] = {}
        self._count = 0
        self._waiting: deque[Subscription] = deque()
        self._turn_set = False
        self._changed: dict[tuple[Subject, str], None] = {}

    def __len__(self) -> int:
        return self._count

    @property
    def now(self) -> float:
        return self._context.now

    # What the switch says -------------------------------------------------------------------------------

    def changed(self, subject: Subject, account: str) -> None:
        """Something of an account may be other than it was. Its watchers are told soon, and never before this
        returns."""
        key = (subject, account)
        if subject is Subject.MAILBOX and self._teller is not None:
            self._teller.tell(account, self._subscribed(key))
        if key in self._watches:
            self._changed[key] = None
            self._set_turn()

    def reachable(self, account: str) -> None:
        """An account has registered: its phones may be on other connections than before."""
        for subscription in tuple(self._by_watcher.get(account, ())):
            subscription.step(Happening.REACHABLE)
        if self._teller is not None and self._teller.holds_something(account):
            self._teller.tell(account, self._subscribed((Subject.MAILBOX, account)))

    def review(self, account: str) -> None:
        """Who may see an account may have changed."""
        for (subject, name), watch in tuple(self._watches.items()):
            if name != account:
                continue
            for subscription in tuple(watch.subscriptions):
                permission = self._sources.permission(subject, account, subscription.watcher)
                if not permission:
                    subscription.end("rejected")
                elif permission is not subscription.permission:
                    subscription.permission = permission
                    subscription.full = True
                    subscription.step(Happening.CHANGED)

    def end(self, account: str, reason: str) -> None:
        """End what an account watches, and what others watch of it."""
        of_it = [watch for (_, name), watch in self._watches.items() if name == account]
        for watch in of_it:
            for subscription in tuple(watch.subscriptions):
                subscription.end(reason)
        for subscription in tuple(self._by_watcher.get(account, ())):
            subscription.end(reason)

    def end_all(self, reason: str) -> None:
        """The switch is about to stop."""
        for watch in tuple(self._watches.values()):
            for subscription in tuple(watch.subscriptions):
                subscription.end(reason)

    # What phones say ------------------------------------------------------------------------------------

    def subscribing(self, event: RequestReceived) -> None:
        """A SUBSCRIBE outside a dialog."""
        request, context = event.request, self._context
        if request.max_forwards == 0:
            context.respond(event.transaction, 483)
            return
        watcher = self._admission.user(request, event.source[0], self._context.transports.get(event.transport))
        if not isinstance(watcher, str):
            context.counts["challenged"] += 1
            context.respond(event.transaction, *watcher)
            return
        package = PACKAGES.get(_event_type(request))
        if package is None:
            # Section 4.2.1.1: "489 (Bad Event)", and section 8.3.2: "MUST contain an Allow-Events header field".
            context.respond(event.transaction, 489, [ALLOW_EVENTS], reason="Bad Event")
            return
        if not _accepts(request, package.mime):
            context.respond(event.transaction, 406, [("Accept", package.mime)])
            return
        expires = granted(self._rules, request.header("Expires"))
        if not isinstance(expires, int):
            context.respond(event.transaction, *expires)
            return
        account = user_of(request.uri)
        permission = self._sources.permission(package.subject, account, watcher)
        if permission is None:
            context.respond(event.transaction, 404)
            return
        if permission is Permission.NOTHING:
            context.respond(event.transaction, 403)
            return
        contact = request.header("Contact")
        target = contact_uri(contact) if contact is not None else None
        if target is None:
            # Section 4.1.2.1 by way of RFC 3261 section 12.1.1: there must be one.
            context.respond(event.transaction, 400, reason="Missing Contact")
            return
        held = self._by_watcher.get(watcher, ())
        if len(held) >= self._rules.per_account:
            context.respond(event.transaction, 403, reason="Too Many Subscriptions")
            return
        if self._count >= self._rules.most:
            context.respond(event.transaction, 503, [retry_after(context)])
            return
        dialog = Dialog.called(request, context.tokens.token(), target, event.transport, event.source)
        dialog.pinned = True  # only accounts watch
        subscription = Subscription(
            self,
            self._watch(package, account),
            dialog,
            watcher=watcher,
            event=request.header("Event") or package.event,
            entity=_entity(request),
            permission=permission,
        )
        self._remember(subscription)
        self._accept(event, subscription, expires)

    def requested(self, subscription: Subscription, event: RequestReceived) -> None:
        """A request inside a subscription's dialog."""
        request, context = event.request, self._context
        if request.method != "SUBSCRIBE":
            refusal = method_refusal(request.method) or (481, [])
            context.respond(event.transaction, *refusal)
            return
        if _event_type(request) != subscription.watch.package.event or subscription.phase >= Phase.LEAVING:
            # Another package in the same dialog would be another subscription (section 4.5.2): not done here.
            context.respond(event.transaction, 481)
            return
        expires = granted(self._rules, request.header("Expires"))
        if not isinstance(expires, int):
            context.respond(event.transaction, *expires)
            return
        contact = request.header("Contact")
        if contact is not None:
            subscription.dialog.refresh_target(contact)
        self._accept(event, subscription, expires)

    def _accept(self, event: RequestReceived, subscription: Subscription, expires: int) -> None:
        context, dialog = self._context, subscription.dialog
        context.respond(
            event.transaction,
            200,
            [("Expires", str(expires)), context.contact(dialog.transport, dialog.peer[0]), ALLOW_EVENTS],
            to_tag=dialog.local_tag,
        )
        if subscription.timer is not None:
            subscription.timer.cancel()
            subscription.timer = None
        if expires == 0:
            # An end, or a mere look: "timeout" is the reason for both (section 4.4.3 and 4.2.1.4).
            subscription.end("timeout")
            return
        subscription.expires_at = context.now + expires
        subscription.timer = context.timers.set(subscription.expires_at, subscription.expired)
        # Section 4.2.1.2: "the notifier MUST immediately construct and send a NOTIFY".
        subscription.step(Happening.REFRESHED)

    # For Subscription -----------------------------------------------------------------------------------

    def notify(self, subscription: Subscription, subscription_state: str, handler: ResponseHandler) -> bool:
        """Send a NOTIFY with the newest state; False when no way leads to the watcher."""
        context, dialog, watch = self._context, subscription.dialog, subscription.watch
        way = self._way(subscription)
        if way is None:
            return False
        phase = subscription.phase
        self._look((watch.package.subject, watch.account))
        subscription.phase = phase  # what has just become known is told right now
        document = watch.document(subscription)
        subscription.version += 1
        subscription.told = watch.state.revision
        subscription.full = False
        uri, headers = dialog.request("NOTIFY", dialog.next_cseq())
        headers += [
            context.contact(way[0], way[1][0]),
            ("Event", subscription.event),
            ("Subscription-State", subscription_state),
            context.product,
            ("Content-Type", watch.package.mime),
        ]
        context.request(way, "NOTIFY", uri, headers, document.body(subscription.version), handler)
        return True

    def await_turn(self, subscription: Subscription) -> None:
        """Let it send when its turn comes."""
        self._waiting.append(subscription)
        self._set_turn()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self._context.timers.set(self._context.now + seconds, action)

    def forget(self, subscription: Subscription) -> None:
        """It is over."""
        self._context.usages.pop(subscription.dialog.local_tag, None)
        self._count -= 1
        held = self._by_watcher[subscription.watcher]
        del held[subscription]
        if not held:
            del self._by_watcher[subscription.watcher]
        watch = subscription.watch
        del watch.subscriptions[subscription]
        key = (watch.package.subject, watch.account)
        if not watch.subscriptions:
            del self._watches[key]
            self._changed.pop(key, None)
            self._sources.watching(*key, False)

    def _subscribed(self, key: tuple[Subject, str]) -> Sequence[str]:
        """The Contacts of those who watch something."""
        watch = self._watches.get(key)
        return [] if watch is None else [each.dialog.remote_target for each in watch.subscriptions]

    # Inside ---------------------------------------------------------------------------------------------

    def _watch(self, package: EventPackage, account: str) -> Watch:
        key = (package.subject, account)
        watch = self._watches.get(key)
        if watch is None:
            self._sources.watching(*key, True)
            watch = self._watches[key] = Watch(package, account, self._sources)
            watch.state.look()
        return watch

    def _remember(self, subscription: Subscription) -> None:
        self._context.usages[subscription.dialog.local_tag] = subscription
        subscription.watch.subscriptions[subscription] = None
        self._by_watcher.setdefault(subscription.watcher, {})[subscription] = None
        self._count += 1

    def _set_turn(self) -> None:
        if not self._turn_set:
            self._turn_set = True
            self._context.timers.set(self._context.now + TURN_SECONDS, self._take_turn)

    def _take_turn(self) -> None:
        """One batch; whoever waits behind it has the next turn."""
        self._turn_set = False
        for key in tuple(self._changed):
            self._look(key)
        waiting = self._waiting
        for _ in range(min(BATCH, len(waiting))):
            waiting.popleft().step(Happening.TURN)
        if waiting:
            self._set_turn()

    def _look(self, key: tuple[Subject, str]) -> None:
        if key not in self._changed:
            return
        del self._changed[key]
        watch = self._watches[key]
        before = watch.state.revision
        watch.state.look()
        if watch.state.revision != before:
            for subscription in watch.subscriptions:
                subscription.step(Happening.CHANGED)

    def _way(self, subscription: Subscription) -> Way | None:
        """How a NOTIFY travels: as the dialog's requests do, or where that connection is gone, by the one on which the
        same phone has registered since."""
        context, dialog = self._context, subscription.dialog
        if dialog.transport in context.transports:
            return context.way(dialog)
        for binding in self._sources.location.bindings(subscription.watcher):
            if same_phone(binding.contact, dialog.remote_target) and binding.connection in context.transports:
                assert binding.connection is not None
                dialog.transport, dialog.peer = binding.connection, (binding.source.host, binding.source.port)
                return dialog.transport, dialog.peer
        hop = hop_of(dialog.remote_target)
        return context.way(dialog) if hop is not None and hop.kind == "udp" else None


def _event_type(request: SipRequest) -> str:
    """The package that Event names, without its parameters (section 8.2.1)."""
    return (request.header("Event") or "").partition(";")[0].strip()


def _accepts(request: SipRequest, mime: str) -> bool:
    """Whether a watcher takes a package's documents; without Accept it takes the package's own (section 7.2)."""
    if request.header("Accept") is None:
        return True
    kinds = {value.partition(";")[0].strip().lower() for value in request.headers("Accept")}
    return bool(kinds & {mime, "application/*", "*/*"})


def _entity(request: SipRequest) -> str:
    """What is watched, as a URI without parameters."""
    uri = parsed(request.uri)
    assert uri is not None, "the scheme was checked"
    return request.uri.partition(";")[0].partition("?")[0]

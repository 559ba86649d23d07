"""One subscription, seen from the notifier: a machine (RFC 6665 section 4.2)."""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from gateways._native import RequestReceived, ResponseReceived
from gateways.sip.ua.dialog import Dialog
from gateways.sip.ua.timers import Timer
from softswitch.kernel.watching import Permission

if TYPE_CHECKING:
    from gateways.sip.ua.subscriptions import Subscriptions, Watch

_RETRY = 5.0
"""Seconds until a phone that said 5xx without Retry-After is told again."""
_MOST_RETRIES = 5
_MOST_RETRY = 120.0
_LATER = frozenset({500, 503, 504})
"""Responses that may be another the next time. Whoever refuses a NOTIFY with any other will refuse the one after it,
and has no such subscription (481) or no such phone any more (RFC 5057 section 5.1)."""


class Phase(IntEnum):
    """How far a subscription is with telling its watcher."""

    QUIET = 1
    """The newest state has been told."""
    DUE = 2
    """There is news, and it awaits its turn."""
    TELLING = 3
    """A NOTIFY awaits its response: never more than one (section 4.2.2 leaves it open; a slow phone must not drown)."""
    BEHIND = 4
    """So it does, and there is news since: the newest state goes next, those between are never sent."""
    PARKED = 5
    """The watcher cannot be told now: its connection is lost, or it asked for time."""
    LEAVING = 6
    """A NOTIFY awaits its response; the next will be the last."""
    CLOSING = 7
    """The last NOTIFY awaits its response."""
    GONE = 8


class Happening(IntEnum):
    """What comes upon a subscription."""

    CHANGED = 1
    """What it watches is no longer as it was."""
    TURN = 2
    """It may send now."""
    REFRESHED = 3
    """The watcher asked again: everything is told at once."""
    HEARD = 4
    """A 2xx to the NOTIFY."""
    REFUSED = 5
    """A response that ends it, or none at all."""
    CUT_OFF = 6
    """There is no connection to the watcher."""
    PUT_OFF = 7
    """The watcher asked for time (Retry-After)."""
    REACHABLE = 8
    """There may be a connection again, or the time is over."""
    END = 9
    """It is to end: the last NOTIFY says why."""


class Subscription:
    """One watcher's view of one thing. `Subscriptions` finds it; this sends its NOTIFYs."""

    __slots__ = (
        "_retries",
        "dialog",
        "entity",
        "event",
        "expires_at",
        "full",
        "permission",
        "phase",
        "reason",
        "timer",
        "told",
        "version",
        "watch",
        "watcher",
        "where",
    )

    def __init__(
        self,
        where: "Subscriptions",
        watch: "Watch",
        dialog: Dialog,
        *,
        watcher: str,
        event: str,
        entity: str,
        permission: Permission,
    ) -> None:
        self.where = where
        self.watch = watch
        self.dialog = dialog
        self.watcher = watcher
        self.event = event
        """The Event value as the watcher wrote it, `id` and all (section 8.2.1)."""
        self.entity = entity
        """The URI that is watched."""
        self.permission = permission
        self.phase = Phase.QUIET
        self.expires_at = 0.0
        self.timer: Timer | None = None
        self.reason = ""
        """Why it ends."""
        self.version = -1
        """Of the last document (RFC 4235 section 4.1.1, RFC 3680 section 5.1)."""
        self.told = 0
        """The revision of the last document."""
        self.full = True
        """Whether the next document must be whole."""
        self._retries = 0

    def step(self, what: Happening) -> None:
        """One step of the table; what it does not name changes nothing."""
        entry = _TABLE.get((self.phase, what))
        if entry is not None:
            action, self.phase = entry
            if action is not None:
                action(self)

    def requested(self, event: RequestReceived) -> None:
        """A request inside the dialog."""
        self.where.requested(self, event)

    def expired(self) -> None:
        """Its time is over without a refresh."""
        self.timer = None
        self.end("timeout")

    def end(self, reason: str) -> None:
        """End it: `timeout`, `probation`, `rejected` or `noresource` (section 4.1.3)."""
        self.reason = self.reason or reason
        self.step(Happening.END)

    # Steps ----------------------------------------------------------------------------------------------

    def _await_turn(self) -> None:
        self.where.await_turn(self)

    def _tell_all(self) -> None:
        self.full = True
        self._tell()

    def _tell_all_next(self) -> None:
        self.full = True

    def _tell(self) -> None:
        left = max(0, round(self.expires_at - self.where.now))
        self._notify(f"active;expires={left}")

    def _tell_last(self) -> None:
        # Section 4.2.2: the last one carries the state, too, for those who only fetch it.
        self.full = True
        self._notify(f"terminated;reason={self.reason}")

    def _notify(self, subscription_state: str) -> None:
        if not self.where.notify(self, subscription_state, self._answered):
            self.step(Happening.CUT_OFF)

    def _answered(self, event: ResponseReceived | None, failure: str) -> None:
        if event is None:
            # Section 4.2.2: "If the NOTIFY request fails due to expiration of SIP Timer F [...] the notifier SHOULD
            # remove the subscription." A connection that broke is no such failure: the phone may have a new one.
            self.step(Happening.CUT_OFF if failure == "transport" else Happening.REFUSED)
            return
        response = event.response
        status = response.status
        if status < 200:
            return
        if status < 300:
            self._retries = 0
            contact = response.header("Contact")
            if contact is not None:
                self.dialog.refresh_target(contact)
            self.step(Happening.HEARD)
        elif status in _LATER and self._retries < _MOST_RETRIES:
            self._retries += 1
            said = (response.header("Retry-After") or "").partition("(")[0].partition(";")[0].strip()
            wait = min(float(said[:6]), _MOST_RETRY) if said.isascii() and said.isdigit() else _RETRY
            self.step(Happening.PUT_OFF)
            self.where.later(wait, self._try_again)
        else:
            self.step(Happening.REFUSED)

    def _try_again(self) -> None:
        self.full = True
        self.step(Happening.REACHABLE)

    def _park(self) -> None:
        # What the lost NOTIFY held was perhaps never heard.
        self.full = True

    def _forget(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.where.forget(self)


Action = Callable[[Any], None] | None

_TABLE: Mapping[tuple[Phase, Happening], tuple[Action, Phase]] = {
    (Phase.QUIET, Happening.CHANGED): (Subscription._await_turn, Phase.DUE),
    (Phase.QUIET, Happening.REFRESHED): (Subscription._tell_all, Phase.TELLING),
    (Phase.QUIET, Happening.END): (Subscription._tell_last, Phase.CLOSING),
    (Phase.DUE, Happening.TURN): (Subscription._tell, Phase.TELLING),
    (Phase.DUE, Happening.REFRESHED): (Subscription._tell_all, Phase.TELLING),
    (Phase.DUE, Happening.END): (Subscription._tell_last, Phase.CLOSING),
    (Phase.TELLING, Happening.CHANGED): (None, Phase.BEHIND),
    (Phase.TELLING, Happening.REFRESHED): (Subscription._tell_all_next, Phase.BEHIND),
    (Phase.TELLING, Happening.HEARD): (None, Phase.QUIET),
    (Phase.TELLING, Happening.REFUSED): (Subscription._forget, Phase.GONE),
    (Phase.TELLING, Happening.CUT_OFF): (Subscription._park, Phase.PARKED),
    (Phase.TELLING, Happening.PUT_OFF): (Subscription._park, Phase.PARKED),
    (Phase.TELLING, Happening.END): (None, Phase.LEAVING),
    (Phase.BEHIND, Happening.REFRESHED): (Subscription._tell_all_next, Phase.BEHIND),
    (Phase.BEHIND, Happening.HEARD): (Subscription._await_turn, Phase.DUE),
    (Phase.BEHIND, Happening.REFUSED): (Subscription._forget, Phase.GONE),
    (Phase.BEHIND, Happening.CUT_OFF): (Subscription._park, Phase.PARKED),
    (Phase.BEHIND, Happening.PUT_OFF): (Subscription._park, Phase.PARKED),
    (Phase.BEHIND, Happening.END): (None, Phase.LEAVING),
    (Phase.PARKED, Happening.REACHABLE): (Subscription._await_turn, Phase.DUE),
    (Phase.PARKED, Happening.REFRESHED): (Subscription._tell_all, Phase.TELLING),
    (Phase.PARKED, Happening.END): (Subscription._tell_last, Phase.CLOSING),
    (Phase.LEAVING, Happening.HEARD): (Subscription._tell_last, Phase.CLOSING),
    (Phase.LEAVING, Happening.REFUSED): (Subscription._forget, Phase.GONE),
    (Phase.LEAVING, Happening.CUT_OFF): (Subscription._forget, Phase.GONE),
    (Phase.LEAVING, Happening.PUT_OFF): (Subscription._forget, Phase.GONE),
    (Phase.CLOSING, Happening.HEARD): (Subscription._forget, Phase.GONE),
    (Phase.CLOSING, Happening.REFUSED): (Subscription._forget, Phase.GONE),
    (Phase.CLOSING, Happening.CUT_OFF): (Subscription._forget, Phase.GONE),
    (Phase.CLOSING, Happening.PUT_OFF): (Subscription._forget, Phase.GONE),
}

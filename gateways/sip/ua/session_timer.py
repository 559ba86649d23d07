"""Session timers (RFC 4028): a call whose far end has vanished is found out and ended, though no BYE ever comes.

Each leg is refreshed by itself: by UPDATE where the party allows it, else by a re-INVITE that repeats what was agreed.
A call whose messages bear no Session-Expires never has a `SessionTimer`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from gateways._native import ResponseReceived, SipRequest, SipResponse
from gateways.sip.ua.requests import Refusal, names_option
from gateways.sip.ua.settings import UserAgentSettings
from gateways.sip.ua.timers import Timer
from softswitch.kernel.cause import Cause

if TYPE_CHECKING:
    from gateways.sip.ua.session import Session

LEAST = 90
"""Seconds: no interval may be smaller (section 4)."""
MOST = 1_000_000
"""Seconds: what a peer may name; beyond it a number is no interval but an attempt at an overflow."""
_RETRY = 10.0
"""Seconds after which a refresh that was refused is tried again, while the session lives."""


class Terms(NamedTuple):
    """What was agreed on."""

    interval: int
    """Seconds."""
    ours: bool
    """Whether it is we who refresh."""

    def in_request(self) -> tuple[str, str]:
        """The Session-Expires of a refresh request, in which we are the UAC."""
        return "Session-Expires", f"{self.interval};refresher={'uac' if self.ours else 'uas'}"

    def in_response(self, request: SipRequest) -> list[tuple[str, str]]:
        """What our 2xx says (section 9): with `Require` only to a UAC that knows of timers."""
        headers = [("Session-Expires", f"{self.interval};refresher={'uas' if self.ours else 'uac'}")]
        if _knows_timers(request):
            headers.append(("Require", "timer"))
        return headers


def refusal(request: SipRequest, settings: UserAgentSettings) -> Refusal | None:
    """What is wrong with the Session-Expires of an INVITE or UPDATE, where it has one."""
    value = request.header("Session-Expires")
    if value is None:
        return None
    interval, _ = _read(value)
    if interval is None:
        return 400, []
    # Section 9: "MAY reject the INVITE request with a 422" where the UAC itself knows of timers.
    if interval < settings.min_session_expires and _knows_timers(request):
        return 422, [("Min-SE", str(settings.min_session_expires))]
    return None


def asked(
    request: SipRequest, settings: UserAgentSettings, running: Terms | None, expires: int | None = None
) -> Terms | None:
    """What to agree to when a party's INVITE or UPDATE that is not refused comes (section 9); None: no timer.
    `running` is what holds; `expires` is the party's own most, where it has one."""
    value = request.header("Session-Expires")
    if value is None:
        if running is None:
            return None
        # It asks for nothing new: what holds goes on, as far as a party that may know nothing of it allows.
        return running if running.ours or _knows_timers(request) else None
    interval, refresher = _read(value)
    if interval is None or interval < settings.min_session_expires:
        return None
    most = settings.session_expires if expires is None else expires
    if most:
        # The interval may be made smaller, but not below what the way here has asked for.
        floor = max(settings.min_session_expires, _seconds(request.header("Min-SE")) or LEAST)
        interval = min(interval, max(floor, most))
    # Table 2: a UAC that knows nothing of timers cannot refresh; one that leaves the choice to us does it itself.
    return Terms(interval, refresher == "uas" or not _knows_timers(request))


def granted(response: SipResponse) -> Terms | None:
    """What the 2xx to a request of ours agrees to (section 7.2); None: no timer."""
    value = response.header("Session-Expires")
    if value is None:
        return None
    interval, refresher = _read(value)
    return Terms(max(interval, LEAST), refresher != "uas") if interval is not None else None


def least_allowed(response: SipResponse) -> int | None:
    """The Min-SE of a 422; None when it names none that we could take."""
    return _seconds(response.header("Min-SE"))


def _knows_timers(request: SipRequest) -> bool:
    return names_option(request, "Supported", "timer") or names_option(request, "Require", "timer")


def _read(value: str) -> tuple[int | None, str]:
    seconds, *parameters = value.split(";")
    refresher = ""
    for parameter in parameters:
        name, _, given = parameter.partition("=")
        if name.strip().lower() == "refresher":
            refresher = given.strip().lower()
    return _seconds(seconds), refresher


def _seconds(value: str | None) -> int | None:
    text = (value or "").partition(";")[0].strip()
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 11 else 0
    return min(seconds, MOST) or None


class SessionTimer:
    """Refreshes one session, or awaits its party's refreshes; ends it when one is missing."""

    __slots__ = ("_ends_at", "_session", "_timer", "terms")

    def __init__(self, session: "Session", terms: Terms) -> None:
        self._session = session
        self._timer: Timer | None = None
        self.restart(terms)

    def restart(self, terms: Terms) -> None:
        """The session was refreshed, or begins."""
        self.terms = terms
        now = self._session.context.now
        # Section 10: BYE comes "slightly before the session expires": 32 seconds, or a third of the interval.
        self._ends_at = now + terms.interval - min(32.0, terms.interval / 3)
        if terms.ours:
            self._set(now + terms.interval / 2, self._refresh)
        else:
            self._set(self._ends_at, self._expired)

    @property
    def ends_at(self) -> float:
        """When the session is over unless it is refreshed, monotonic seconds."""
        return self._ends_at

    def resume(self, ends_at: float) -> None:
        """The session goes on that was begun by another process: whatever was due meanwhile is due now."""
        self._ends_at = ends_at
        interval = self.terms.interval
        refreshed_at = ends_at - interval + min(32.0, interval / 3)
        due = refreshed_at + interval / 2 if self.terms.ours else ends_at
        self._set(max(due, self._session.context.now), self._refresh if self.terms.ours else self._expired)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def refused(self, response: SipResponse | None) -> None:
        """A refresh of ours was not accepted."""
        session = self._session
        status = response.status if response is not None else 408
        if status in (408, 481):
            # Section 10: "If the session refresh request transaction times out or generates a 408 or 481 response,
            # then the UAC sends a BYE request".
            session.trace("note", f"the session refresh failed with {status}")
            session.clear(Cause.RECOVERY_ON_TIMER_EXPIRY, by_party=False, status=408)
            return
        if status == 422 and response is not None:
            self.terms = Terms(max(self.terms.interval, least_allowed(response) or 0), self.terms.ours)
        again = session.context.now + _RETRY
        if again < self._ends_at:
            self._set(again, self._refresh)
        else:
            self._set(self._ends_at, self._expired)

    def _set(self, due: float, action: Callable[[], None]) -> None:
        self.stop()
        self._timer = self._session.context.timers.set(due, action)

    def _refresh(self) -> None:
        self._timer = None
        # Whatever comes of it sets the next timer; should nothing come, this one does.
        self._set(self._ends_at, self._expired)
        session = self._session
        if session.peer_updates:
            # "it is RECOMMENDED that the UPDATE request not contain an offer" (section 7.4).
            session.update(self._answered)
        else:
            session.exchanging().refresh()

    def _answered(self, event: ResponseReceived | None, failure: str) -> None:
        """What came of an UPDATE."""
        session = self._session
        if session.leg is None or session.timer is not self:
            return
        if event is None:
            self.refused(None)
        elif event.response.status >= 300:
            if event.response.status in (405, 501):
                session.peer_updates = False
            self.refused(event.response)
        elif event.response.status >= 200:
            session.trace("in", f"{event.response.status} {event.response.reason} (UPDATE)")
            session.dialog.refresh_target(event.response.header("Contact"))
            session.timed(granted(event.response))

    def _expired(self) -> None:
        self._timer = None
        self._session.trace("note", "no session refresh came")
        self._session.clear(Cause.RECOVERY_ON_TIMER_EXPIRY, by_party=False, status=408)

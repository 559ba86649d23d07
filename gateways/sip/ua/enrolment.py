"""A registration that we keep at a carrier: the client's side of REGISTER (RFC 3261 section 10.2, RFC 6140)."""

from collections.abc import Callable, Sequence

from gateways._native import NameAddr, ResponseReceived, SipResponse, SipUri
from gateways.sip.ua.addressing import escaped_user
from gateways.sip.ua.context import Context, Way
from gateways.sip.ua.digest_client import CHALLENGED, DigestClient
from gateways.sip.ua.next_hop import find_hops
from gateways.sip.ua.server_location import Hop
from gateways.sip.ua.timers import Timer
from softswitch.calls.uplinks import Enrolled, Enrolment, Uplink

BASE_WAIT, LONGEST_WAIT = 30.0, 1800.0
"""RFC 5626 section 4.5: after failures in a row the wait is min(longest, base * 2^failures), of which half to all."""
_REFUSED_WAITS = 2
"""A refusal is taken for so many failures: asking soon again with the same password gets addresses banned."""
_MOST_EXPIRES = 604_800
_MOST_RETRY_AFTER = 3600


class Registration:
    """Registers, refreshes, answers challenges, and tries again: in turn at each gateway of the uplink."""

    def __init__(
        self, context: Context, uplink: Uplink, enrolment: Enrolment, tell: Callable[[Enrolled], None]
    ) -> None:
        tokens = context.tokens
        self._context = context
        self._uplink = uplink
        self._enrolment = enrolment
        self._tell = tell
        self._call_id = tokens.token() + tokens.token()
        self._tag = tokens.token()
        self._cseq = 0
        self._auth = DigestClient(uplink.credentials, tokens.token) if uplink.credentials is not None else None
        self._expires = enrolment.expires
        self._gateway = 0
        self._hops: list[Hop] = []
        """Servers of the gateway's name that were not asked yet."""
        self._way: Way | None = None
        self._failures = 0
        self._timer: Timer | None = None
        self._registered = False
        self._gone = False

    def begin(self) -> None:
        """Register, now."""
        self._timer = None
        target = self._uplink.gateways[self._gateway % len(self._uplink.gateways)]
        find_hops(self._context, target, self._found)

    def leave(self) -> None:
        """Unregister, and keep nothing up from now on. Nobody waits for the answer."""
        if self._gone:
            return
        self._gone = True
        if self._timer is not None:
            self._timer.cancel()
        if self._registered:
            self._send(0)

    def _found(self, hops: Sequence[Hop]) -> None:
        if self._gone:
            return
        self._hops = list(hops)
        if not hops:
            self._failed(None, "its address cannot be found", moves_on=True)
        elif not self._tried_next():
            self._failed(None, "it cannot be reached from here", moves_on=True)

    def _tried_next(self) -> bool:
        """RFC 3263 section 4.3: the next server of the same name, where there is one left."""
        while self._hops:
            self._way = self._context.way_to(self._hops.pop(0))
            if self._way is not None:
                self._send(self._expires)
                return True
        return False

    def _send(self, expires: int) -> None:
        context, asked, way = self._context, self._enrolment, self._way
        assert way is not None
        self._cseq += 1
        uri = f"sip:{asked.domain}"
        aor = f"<sip:{escaped_user(asked.user)}@{asked.domain}>"
        headers = [
            ("From", f"{aor};tag={self._tag}"),
            ("To", aor),
            # Section 10.2: "All registrations from a UAC SHOULD use the same Call-ID", with a rising CSeq.
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._cseq} REGISTER"),
            ("Contact", self._contact(way)),
            ("Expires", str(expires)),
            context.allow,
            context.product,
        ]
        if asked.bulk:
            # RFC 6140 section 5.1: "the REGISTER request MUST [...] include an option tag of "gin" in the Require
            # header field [and in] the Proxy-Require header field", and "path" in Supported.
            headers += [("Require", "gin"), ("Proxy-Require", "gin"), ("Supported", "path")]
        if self._auth is not None:
            headers += self._auth.headers("REGISTER", uri)
        context.request(way, "REGISTER", uri, headers, b"", self._answered)

    def _contact(self, way: Way) -> str:
        """Our Contact on the transport in use, marked so that calls to it are known by it."""
        _, ours = self._context.contact(way[0], way[1][0])
        scheme, _, rest = ours.removeprefix("<").removesuffix(">").partition(":")
        token = self._enrolment.token
        if self._enrolment.bulk:
            # "the URI MUST NOT contain a user portion": the carrier puts each number there. Other parameters it keeps.
            return f"<{scheme}:{rest};line={token};bnc>"
        return f"<{scheme}:{token}@{rest}>"

    def _answered(self, event: ResponseReceived | None, failure: str) -> None:
        if (event is None or event.response.status == 503) and not self._gone and self._tried_next():
            return
        if event is None:
            why = "it does not answer" if failure == "timeout" else "it cannot be reached"
            self._failed(None, why, moves_on=True)
            return
        response = event.response
        status = response.status
        if status < 200:
            return
        if status in CHALLENGED and self._auth is not None and self._auth.challenged(response):
            self._send(0 if self._gone else self._expires)
        elif self._gone:
            return
        elif status < 300:
            self._accepted(response)
        elif status == 423 and self._expires < (longer := _seconds(response.header("Min-Expires"))) <= _MOST_EXPIRES:
            # Section 10.2.8: "The UA [...] MAY retry the registration after making the expiration interval [...] equal
            # to or greater than" Min-Expires.
            self._expires = longer
            self._send(longer)
        else:
            retry_after = _seconds((response.header("Retry-After") or "").partition(";")[0].partition("(")[0].strip())
            self._failed(status, _why(status, response.reason), moves_on=status >= 500, at_least=retry_after)

    def _accepted(self, response: SipResponse) -> None:
        expires = self._granted(response)
        if expires == 0:
            self._failed(response.status, "it keeps the registration for 0 seconds", moves_on=False)
            return
        self._failures, self._registered = 0, True
        self._expires = max(self._enrolment.expires, self._expires)
        # Between 80 and 90 % of the time, so that many registrations do not fall due together.
        wait = expires * self._context.tokens.between(0.8, 0.9)
        self._again(wait)
        self._tell(Enrolled(True, wait, expires, response.status))

    def _granted(self, response: SipResponse) -> int:
        """Section 10.2.4: the time of our own Contact among those listed, or what the Expires header says."""
        for value in response.headers("Contact"):
            contact = NameAddr.parse(value)
            uri = SipUri.parse(contact.uri) if contact is not None else None
            if contact is None or uri is None:
                continue
            if self._enrolment.token in (uri.user, uri.param("line")):
                said = contact.param("expires")
                if said is not None:
                    return min(_seconds(said), _MOST_EXPIRES)
        header = response.header("Expires")
        return min(_seconds(header), _MOST_EXPIRES) if header is not None else self._expires

    def _failed(self, status: int | None, why: str, *, moves_on: bool, at_least: int = 0) -> None:
        if self._gone:
            return
        if moves_on:
            self._gateway += 1
        self._registered = False
        others = moves_on and self._gateway % len(self._uplink.gateways) != 0
        if others:
            wait = 0.0  # another gateway of the same trunk may answer at once
        else:
            self._failures += 1
            grown = min(LONGEST_WAIT, BASE_WAIT * 2.0 ** min(self._failures - 1, 10))
            if not moves_on:
                grown = min(LONGEST_WAIT, grown * 2.0**_REFUSED_WAITS)
            wait = max(self._context.tokens.between(grown / 2, grown), float(min(at_least, _MOST_RETRY_AFTER)))
        self._again(wait)
        self._tell(Enrolled(False, wait, 0, status, why))

    def _again(self, wait: float) -> None:
        self._timer = self._context.timers.set(self._context.now + wait, self.begin)


def _seconds(text: str | None) -> int:
    return int(text[:9]) if text is not None and text.isascii() and text.isdigit() else 0


def _why(status: int, reason: str) -> str:
    if status in (401, 403, 407):
        return f"it refuses our name or password ({status} {reason})"
    return f"it answers {status} {reason}"

"""A story in which the peer watches accounts: SUBSCRIBE with digest, and the NOTIFYs that come."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateways._native import SipRequest, SipResponse
from gateways.sip.ua.digest import ha1_of
from gateways.sip.ua.settings import UserAgentSettings
from gateways.sip.ua.soft_state import SoftStateRules
from softswitch.kernel.address import HostPort
from softswitch.kernel.watching import Permission
from tests.support.ua_story import PEER, UDP, US, Story, answer_to


class Watching(Story):
    """The peer is account 1001; 1002 may be watched, and itself."""

    def __init__(self, rules: SoftStateRules | None = None, *, settings: UserAgentSettings | None = None) -> None:
        super().__init__(settings or UserAgentSettings(host=US.host, subscriptions=rules or SoftStateRules()))
        for algorithm in ("MD5", "SHA-256"):
            self.accounts.secrets["1001", algorithm] = ha1_of("1001", "softswitch", "secret", algorithm)
        self.link = UDP
        """What the peer sends by."""
        self.accounts.permissions |= {"1001": Permission.PARTIES, "1002": Permission.STATE}

    def hears(self, message: str, *, source: HostPort = PEER, transport: int = 0) -> None:
        super().hears(message, source=source, transport=transport or self.link)

    def asks(
        self, method: str, uri: str, headers: Sequence[str], *, body: str = "", call_id: str = "s1", **more: object
    ) -> None:
        """A request of 1001's outside a dialog, with the answer to its challenge; both responses are to be read."""
        common = {"uri": uri, "call_id": call_id, "to": f"<{uri}>", "body": body} | more
        self.said()
        self.hears(self.request(method, headers=headers, cseq=1, **common))  # type: ignore[arg-type]
        given = answer_to(self.only_response(401), method, uri)
        self.hears(
            self.request(method, headers=[*headers, f"Authorization: {given}"], cseq=2, **common)  # type: ignore[arg-type]
        )

    def subscribes(
        self,
        event: str = "dialog",
        account: str = "1002",
        *,
        expires: int | None = 600,
        headers: Sequence[str] = (),
        call_id: str = "s1",
        **more: Any,
    ) -> SipResponse:
        """SUBSCRIBE; gives the answer. The NOTIFY that follows is among what was said."""
        lines = [f"Event: {event}", *headers]
        if expires is not None:
            lines.append(f"Expires: {expires}")
        self.asks("SUBSCRIBE", f"sip:{account}@{US.host}", lines, call_id=call_id, **more)
        response = self._sent.pop(0)
        assert isinstance(response, SipResponse)
        return response

    def refreshes(self, subscribed: SipResponse, cseq: int, *headers: str, event: str = "dialog") -> None:
        """SUBSCRIBE in the dialog that the answer made."""
        self.hears(
            self.request(
                "SUBSCRIBE",
                uri=f"sip:{US}",
                call_id=subscribed.call_id,
                to=subscribed.header("To") or "",
                cseq=cseq,
                headers=[f"Event: {event}", *headers],
            )
        )

    def told_by(self) -> "Notice":
        """The one NOTIFY that was sent, answered with 200."""
        return self.answered(self.only_request("NOTIFY"))

    def answered(self, notify: SipRequest, status: int = 200, headers: Sequence[str] = ()) -> "Notice":
        self.replies(notify, status, headers=headers, contact=None)
        return notice(notify)


class Notice(NamedTuple):
    """What a NOTIFY says."""

    state: str
    """Subscription-State without its parameters."""
    reason: str
    event: str
    kind: str
    body: str


def notice(notify: SipRequest) -> Notice:
    state, _, rest = (notify.header("Subscription-State") or "").partition(";")
    return Notice(
        state,
        rest.removeprefix("reason=") if "reason=" in rest else "",
        notify.header("Event") or "",
        notify.content_type,
        notify.body.decode(),
    )

"""Replaces (RFC 3891): which of our legs another dialog is to take the place of."""

from typing import TYPE_CHECKING, NamedTuple

from gateways._native import SipRequest
from gateways.sip.ua.requests import Refusal
from gateways.sip.ua.session import Session, State
from softswitch.kernel.ids import LegId

if TYPE_CHECKING:
    from gateways.sip.ua.context import Context


class Replaces(NamedTuple):
    """A Replaces value: a dialog as its recipient sees it."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool

    @classmethod
    def parse(cls, value: str) -> "Replaces | None":
        """None for one without its two tags (section 6.1: "exactly one to-tag parameter and exactly one from-tag")."""
        call_id, *parameters = (part.strip() for part in value.split(";"))
        tags: dict[str, str] = {}
        early_only = False
        for parameter in parameters:
            name, _, content = parameter.partition("=")
            name = name.strip().lower()
            if name == "early-only":
                early_only = True
            elif name in tags:
                return None
            else:
                tags[name] = content.strip()
        if not call_id or not tags.get("to-tag") or not tags.get("from-tag"):
            return None
        return cls(call_id, tags["to-tag"], tags["from-tag"], early_only)


def matched(context: "Context", replaces: Replaces) -> Session | None:
    """The session whose dialog it names (section 3: to-tag against the local tag, from-tag against the remote one).

    A phone that was told of the dialog by a lamp (RFC 4235) may name it as the watched phone sees it: that phone is
    whom its INVITE is meant for, and the tags stand the other way round.
    """
    for ours, theirs in ((replaces.to_tag, replaces.from_tag), (replaces.from_tag, replaces.to_tag)):
        session = context.sessions.get(ours)
        if session is not None and session.is_dialog(replaces.call_id, theirs):
            return session
    return None


def replaced_leg(context: "Context", request: SipRequest) -> LegId | Refusal:
    """The leg that an INVITE with Replaces would take the place of, or what to refuse the INVITE with (section 3)."""
    values = request.headers("Replaces")
    replaces = Replaces.parse(values[0]) if len(values) == 1 else None
    if replaces is None:
        return 400, []  # more than one "SHOULD be rejected with a 400"
    session = matched(context, replaces)
    if session is None:
        return 481, []
    if session.leg is None or session.state in (State.LEAVING, State.CLEARING, State.GONE):
        return 603, []  # "If the Replaces header field matches a dialog which has already terminated [...] 603 Decline"
    if session.state in (State.OFFERED, State.RESOLVING, State.CANCELLING):
        return 481, []  # an early dialog "that was not initiated by this UA"
    if replaces.early_only and session.state is not State.CALLING:
        return 486, []
    return session.leg

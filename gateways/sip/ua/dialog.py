"""Dialogs (RFC 3261 section 12)."""

from gateways._native import SipRequest, SipResponse
from gateways.sip.ua.addressing import contact_uri, is_loose
from gateways.sip.ua.digest_client import CHALLENGED, DigestClient

Headers = list[tuple[str, str]]


class Dialog:
    """What both ends of a call agree on: who they are, where requests go, and in which order.

    Our own tag is unique, so a table by it alone finds the dialog of a request; `matches` verifies the rest.
    """

    __slots__ = (
        "auth",
        "call_id",
        "local",
        "local_cseq",
        "local_tag",
        "peer",
        "pinned",
        "remote",
        "remote_cseq",
        "remote_tag",
        "remote_target",
        "route_set",
        "session_id",
        "transport",
    )

    def __init__(
        self,
        *,
        call_id: str,
        local: str,
        local_tag: str,
        local_cseq: int,
        remote: str,
        remote_tag: str,
        remote_cseq: int,
        remote_target: str,
        route_set: tuple[str, ...],
        transport: int,
        peer: tuple[str, int],
    ) -> None:
        self.call_id = call_id
        self.local = local
        """Our From (or To) value, tag and all."""
        self.local_tag = local_tag
        self.local_cseq = local_cseq
        self.remote = remote
        self.remote_tag = remote_tag
        self.remote_cseq = remote_cseq
        """Of the last request received; -1: none yet."""
        self.remote_target = remote_target
        self.route_set = route_set
        self.transport = transport
        """The transport that the dialog was made on."""
        self.peer = peer
        """The address that the dialog was made with: where the message that made it came from."""
        self.pinned = False
        """Whether our requests go to where the peer spoke from and nowhere else, whatever its Contact and Record-Route
        say: true of phones, which could otherwise have us call on third parties; not of trunks, which may have several
        addresses."""
        self.auth: DigestClient | None = None
        """Proves us to a peer that asks; None: we have no password for it."""
        self.session_id: tuple[str, str] | None = None
        """The Session-ID that all we say bears; None: the call has none."""

    @classmethod
    def called(
        cls, request: SipRequest, local_tag: str, target: str, transport: int, source: tuple[str, int]
    ) -> "Dialog":
        """The dialog that our answer to an INVITE makes (section 12.1.1). `target` is the URI of its Contact."""
        return cls(
            call_id=request.call_id,
            local=f"{request.header('To')};tag={local_tag}",
            local_tag=local_tag,
            # Section 12.1.1 leaves it empty and 12.2.1.1 lets the first request choose it.
            local_cseq=0,
            remote=request.header("From") or "",
            remote_tag=request.from_tag,
            remote_cseq=request.cseq,
            remote_target=target,
            route_set=tuple(request.headers("Record-Route")),
            transport=transport,
            peer=source,
        )

    def confirmed(self, response: SipResponse, target: str, transport: int, source: tuple[str, int]) -> None:
        """Fill in what only the 2xx to our INVITE knows (section 12.1.2)."""
        self.remote = response.header("To") or ""
        self.remote_tag = response.to_tag
        self.remote_target = target
        # "taken from the response in reverse order"
        self.route_set = tuple(reversed(response.headers("Record-Route")))
        self.transport = transport
        self.peer = source

    def matches(self, request: SipRequest) -> bool:
        """Whether a request that bears our tag belongs here. A peer's tag may be missing (RFC 2543)."""
        return request.call_id == self.call_id and request.from_tag == self.remote_tag

    def in_order(self, cseq: int) -> bool:
        """Take a request's sequence number; False when it comes too late (section 12.2.2: answer 500)."""
        if cseq <= self.remote_cseq:
            return False
        self.remote_cseq = cseq
        return True

    def refresh_target(self, contact: str | None) -> None:
        """A target refresh request or its 2xx brings the peer's new Contact (section 12.2)."""
        uri = contact_uri(contact) if contact else None
        if uri is not None:
            self.remote_target = uri

    def next_cseq(self) -> int:
        """Count up for a request of ours that is neither ACK nor CANCEL."""
        self.local_cseq += 1
        return self.local_cseq

    def first_route(self) -> str | None:
        """The URI of the first element on the way, if there is a route."""
        return contact_uri(self.route_set[0]) if self.route_set else None

    def request(self, method: str, cseq: int) -> tuple[str, Headers]:
        """The Request-URI and the headers that the dialog determines (section 12.2.1.1)."""
        headers = [
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
        ]
        if self.session_id is not None:
            headers.append(self.session_id)
        uri = self.remote_target
        if self.route_set:
            first = self.first_route()
            if first is None or is_loose(first):
                headers += [("Route", route) for route in self.route_set]
            else:
                # A strict router wants itself in the Request-URI and the target at the end of the route.
                headers += [("Route", route) for route in self.route_set[1:]]
                headers.append(("Route", f"<{self.remote_target}>"))
                uri = first
        if self.auth is not None:
            headers += self.auth.headers(method, uri)
        return uri, headers

    def challenged(self, response: SipResponse) -> bool:
        """Whether a refusal asks us to prove who we are and we can: then the request is worth sending again."""
        return response.status in CHALLENGED and self.auth is not None and self.auth.challenged(response)

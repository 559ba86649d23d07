"""A model phone's subscription: it keeps what it is told, and judges how (RFC 6665, RFC 4235)."""

import asyncio
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from tests.support.sip_text import Message, param, tag

if TYPE_CHECKING:
    from tests.support.phones import Phone

MIMES = {
    "dialog": "application/dialog-info+xml",
    "presence": "application/pidf+xml",
    "message-summary": "application/simple-message-summary",
    "reg": "application/reginfo+xml",
    "conference": "application/conference-info+xml",
}
_DIALOG = "{urn:ietf:params:xml:ns:dialog-info}"


class Conversation:
    """What ties a phone's requests of one purpose together."""

    def __init__(self, phone: "Phone", prefix: str) -> None:
        self.call_id = phone.name(prefix)
        self.local_tag = phone.name("t")
        self.remote_tag = ""
        self.cseq = 0


class Watcher:
    """What one phone watches of one account. `stages` are the account's calls, for lamps; `body` the last document."""

    def __init__(self, phone: "Phone", event: str, account: str) -> None:
        self.phone = phone
        self.event = event
        self.account = account
        self.uri = f"sip:{account}@{phone.domain}"
        self.talk = Conversation(phone, "sub")
        self.status = 0
        """Of the last answer to a SUBSCRIBE; 0: none came yet."""
        self.state = ""
        """As the last NOTIFY said it."""
        self.ended = ""
        """Why it ended; empty while it lives."""
        self.heard = 0
        """NOTIFYs so far."""
        self.body = ""
        self.stages: dict[str, str] = {}
        """The stage of each call that is not over, by its dialog's id."""
        self.history: list[str] = []
        """Stages in the order in which they were told."""
        self.deaf = False
        """Whether NOTIFYs go unanswered."""
        self.refuses = 0
        """The status to answer NOTIFYs with; 0: 200."""
        self._version = -1
        self._cseq = -1
        self._wake: list[asyncio.Future[None]] = []

    async def subscribe(self, expires: int = 3600) -> int:
        """SUBSCRIBE, also again (0: end it); gives the status, 408 when nothing answered."""
        phone = self.phone
        inside = bool(self.talk.remote_tag)
        response = await phone.request(
            "SUBSCRIBE",
            self.uri if not inside else f"sip:{phone.server}",
            [
                ("Event", self.event),
                ("Expires", str(expires)),
                ("Accept", MIMES[self.event]),
                ("Contact", f"<{phone.contact}>"),
            ],
            talk=self.talk,
            to=self.uri,
        )
        self.status = response.status if response is not None else 408
        if response is not None and self.status == 200:
            if self.talk.remote_tag and tag(response.header("to")) != self.talk.remote_tag:
                phone.breach(f"{response} is of another dialog than its NOTIFY (RFC 6665 4.4.1)")
            self.talk.remote_tag = tag(response.header("to"))
            if not 0 <= int(response.header("expires") or "-1") <= expires:
                phone.breach(f"{response} says Expires {response.header('expires')!r} (RFC 6665 4.2.1.1)")
        return self.status

    def notified(self, request: Message) -> int:
        """A NOTIFY; gives the status to answer with."""
        phone = self.phone
        if self.ended:
            phone.breach(f"{request} after the subscription ended: {self.ended}")
            return 481
        if self.talk.remote_tag and request.from_tag != self.talk.remote_tag:
            phone.breach(f"{request} is of another dialog")
        self.talk.remote_tag = request.from_tag
        if request.cseq <= self._cseq:
            # Sent before one that overtook it (RFC 3261 12.2.2); with one outstanding there is none.
            phone.breach(f"{request} comes after CSeq {self._cseq}")
        self._cseq = request.cseq
        if request.header("event") != self.event:
            phone.breach(f"{request} is of the event {request.header('event')!r}")
        if request.header("content-type") != MIMES[self.event]:
            phone.breach(f"{request} has a body of {request.header('content-type')}")
        said = request.header("subscription-state")
        self.state = said.partition(";")[0]
        if self.state == "terminated":
            self.ended = param(f"<>;{said.partition(';')[2]}", "reason") or "no reason"
        elif self.state != "active" or not param(f"<>;{said.partition(';')[2]}", "expires").isdigit():
            phone.breach(f"{request} says {said!r}")
        self.heard += 1
        self.body = request.body.decode()
        if self.event == "dialog":
            self._lamps(request)
        elif self.event in ("reg", "conference"):
            self._count(int(re.search(r'version="(\d+)"', self.body)[1]), request)  # type: ignore[index]
        woken, self._wake = self._wake, []
        for future in woken:
            if not future.done():
                future.set_result(None)
        return self.refuses or 200

    async def until(self, condition: Callable[["Watcher"], bool], within: float = 70.0) -> None:
        """Wait until something holds that a NOTIFY brings about."""
        async with asyncio.timeout(within):
            while not condition(self):
                future = self.phone.loop.create_future()
                self._wake.append(future)
                await future

    @property
    def lamp(self) -> str:
        """`off`, `blinks` or `on`."""
        if "confirmed" in self.stages.values():
            return "on"
        return "blinks" if self.stages else "off"

    def _lamps(self, request: Message) -> None:
        root = ElementTree.fromstring(self.body)
        self._count(int(root.attrib["version"]), request)
        if root.tag != f"{_DIALOG}dialog-info" or root.attrib["entity"] != self.uri:
            self.phone.breach(f"{request}: {root.tag} of {root.attrib['entity']}")
        if root.attrib["state"] == "full":
            self.stages.clear()
        elif self.heard == 1:
            self.phone.breach(f"{request}: the first document is partial (RFC 4235 3.8)")
        for dialog in root.findall(f"{_DIALOG}dialog"):
            stage = dialog.findtext(f"{_DIALOG}state") or ""
            self.history.append(stage)
            self.stages[dialog.attrib["id"]] = stage
            if stage == "terminated":
                del self.stages[dialog.attrib["id"]]

    def _count(self, version: int, request: Message) -> None:
        if version != self._version + 1:
            self.phone.breach(f"{request}: version {version} after {self._version} (RFC 4235 4.3)")
        self._version = version

"""RFC 3261 section 17 over UDP for the model phones, one small class a machine, written apart from the switch's own."""

import asyncio
from collections.abc import Callable

from tests.support.sip_text import Message

T1 = 0.5
T2 = 4.0
T4 = 5.0

Send = Callable[[bytes], None]


class Timed:
    """A machine with at most one repeating send and one deadline."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Send) -> None:
        self._loop = loop
        self._send = send
        self._again: asyncio.TimerHandle | None = None
        self._limit: asyncio.TimerHandle | None = None
        self.over = False

    def repeat(self, data: bytes, interval: float, most: float) -> None:
        """Send now, and again after `interval`, doubled each time up to `most`."""
        self._send(data)
        self._again = self._loop.call_later(interval, lambda: self.repeat(data, min(interval * 2, most), most))

    def quiet(self) -> None:
        """No more repeats."""
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def within(self, seconds: float, otherwise: Callable[[], None]) -> None:
        """A new deadline in place of the last."""
        if self._limit is not None:
            self._limit.cancel()
        self._limit = self._loop.call_later(seconds, otherwise)

    def end(self) -> None:
        self.quiet()
        if self._limit is not None:
            self._limit.cancel()
        self.over = True


class InviteClient(Timed):
    """Section 17.1.1. Every 2xx goes up; its ACK is the dialog's affair."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        send: Send,
        request: bytes,
        ack: Callable[[Message], bytes],
        on_response: Callable[[Message], None],
        on_timeout: Callable[[], None],
    ) -> None:
        super().__init__(loop, send)
        self._ack, self._on_response, self._on_timeout = ack, on_response, on_timeout
        self.provisional = False
        self._hurried = False
        self.final: Message | None = None
        self.repeat(request, T1, 64 * T1)  # timer A doubles without end
        self.within(64 * T1, self._give_up)  # timer B

    def receive(self, response: Message) -> None:
        if self.over:
            return
        if response.status < 200:
            if self.final is None:
                if not self.provisional:
                    self.quiet()
                    if self._limit is not None and not self._hurried:
                        self._limit.cancel()  # timer B runs in Calling only
                self.provisional = True
                self._on_response(response)
        elif response.status < 300:
            if self.final is None:
                self.quiet()
                self.within(64 * T1, self.end)  # RFC 6026 timer M
                self.final = response
            if self.final.status < 300:
                self._on_response(response)
        else:
            if self.final is None:
                self.quiet()
                self.within(64 * T1, self.end)  # timer D
                self.final = response
                self._send(self._ack(response))
                self._on_response(response)
            elif self.final.status >= 300:
                self._send(self._ack(response))

    def expect_final(self) -> None:
        """After a CANCEL: section 9.1 gives the INVITE 64*T1 more."""
        if self.final is None:
            self._hurried = True
            self.within(64 * T1, self._give_up)

    def _give_up(self) -> None:
        self.end()
        self._on_timeout()


class Client(Timed):
    """Section 17.1.2: every method but INVITE and ACK."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        send: Send,
        request: bytes,
        on_response: Callable[[Message], None],
        on_timeout: Callable[[], None],
    ) -> None:
        super().__init__(loop, send)
        self._on_response, self._on_timeout = on_response, on_timeout
        self.final: Message | None = None
        self.repeat(request, T1, T2)  # timer E
        self.within(64 * T1, self._give_up)  # timer F

    def receive(self, response: Message) -> None:
        if self.final is None and response.status >= 200:
            self.final = response
            self.quiet()
            self.within(T4, self.end)  # timer K
            self._on_response(response)

    def _give_up(self) -> None:
        self.end()
        self._on_timeout()


class Server(Timed):
    """Section 17.2.2: every method but INVITE and ACK."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Send, request: Message) -> None:
        super().__init__(loop, send)
        self.request = request
        self._response = b""

    def respond(self, data: bytes) -> None:
        assert not self._response
        self._response = data
        self._send(data)
        self.within(64 * T1, self.end)  # timer J

    def repeated(self) -> None:
        if self._response:
            self._send(self._response)


class InviteServer(Timed):
    """Section 17.2.1, and the transaction user's repeats of a 2xx (13.3.1.4) with it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, send: Send, request: Message, on_no_ack: Callable[[], None]
    ) -> None:
        super().__init__(loop, send)
        self.request = request
        self._on_no_ack = on_no_ack
        self._last = b""
        self.status = 0
        self.acknowledged = False

    @property
    def offered_in_2xx(self) -> bool:
        """Whether our 2xx made an offer that its ACK has not answered yet."""
        return 200 <= self.status < 300 and not self.request.body and not self.acknowledged and not self.over

    def respond(self, status: int, data: bytes) -> None:
        assert self.status < 200, f"{status} after {self.status}"
        self.status, self._last = status, data
        if status < 200:
            self._send(data)
            return
        self.repeat(data, T1, T2)  # timer G, and 13.3.1.4 for 2xx
        self.within(64 * T1, self._give_up)  # timer H

    def repeated(self) -> None:
        """The INVITE came again."""
        if (self._last and self.status < 200) or (self.status >= 300 and not self.acknowledged):
            self._send(self._last)

    def ack(self) -> bool:
        """Its ACK came; whether for the first time."""
        if self.status < 200 or self.acknowledged:
            return False
        self.acknowledged = True
        self.quiet()
        self.within(T4 if self.status >= 300 else 64 * T1, self.end)  # timer I, RFC 6026 timer L
        return True

    def _give_up(self) -> None:
        self.end()
        self._on_no_ack()

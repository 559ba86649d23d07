"""Model phones on real sockets: each at a loopback address of its own, so that its ports are its own, too."""

import asyncio
import socket
from typing import cast

from softswitch.kernel.address import HostPort
from tests.support.network import Network, Receive


class RealNetwork:
    """As much of `Network` as phones use, over UDP. What is sent to nobody is lost here as well."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sockets: dict[HostPort, socket.socket] = {}

    def attach(self, address: HostPort, receive: Receive) -> None:
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.setblocking(False)
        bound.bind(address)
        self._sockets[address] = bound
        self._loop.add_reader(bound, self._read, bound, receive)

    def detach(self, address: HostPort) -> None:
        bound = self._sockets.pop(address)
        self._loop.remove_reader(bound)
        bound.close()

    def send(self, data: bytes, source: HostPort, destination: HostPort) -> None:
        try:
            self._sockets[source].sendto(data, destination)
        except ConnectionRefusedError:
            # The kernel tells of an earlier packet that nobody was there; this one was not sent.
            self._sockets[source].sendto(data, destination)

    def close(self) -> None:
        for address in list(self._sockets):
            self.detach(address)

    @property
    def for_phones(self) -> Network:
        return cast(Network, self)

    def _read(self, bound: socket.socket, receive: Receive) -> None:
        while True:
            try:
                data, source = bound.recvfrom(65535)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            receive(data, HostPort(*source))

"""The loop around the works: one thread that reads sockets and draws when pictures are due. It needs no asyncio."""

import os
import selectors
import signal
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateways.video import records
from gateways.video.composer.works import Works
from gateways.video.records import CONTROL, ENGINE, BadRecord, Beat, Frames

BEAT_SECONDS: Final = 0.5
ORPHAN_SECONDS: Final = 60.0
"""Without call control for so long, it ends."""
MOST_CONNECTIONS: Final = 8
MOST_WAITING: Final = 4 << 20
"""Bytes that a peer has not read. Over it pictures are left out, and control is cut off."""
_READ: Final = 256 * 1024
_CREDENTIALS: Final = struct.Struct("3i")


class Peer:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.role: int | None = None
        self.short: set[int] = set()
        """Sources of which it has missed something."""
        self._greeting = bytearray()
        self._frames = Frames()
        self._waiting = bytearray()

    @property
    def blocked(self) -> bool:
        """Something waits until the peer reads."""
        return bool(self._waiting)

    @property
    def full(self) -> bool:
        """There is no room for more."""
        return len(self._waiting) > MOST_WAITING

    def receive(self) -> list[bytes]:
        """Frames that are complete. Raises OSError at the end, BadRecord for what is none."""
        data = self.socket.recv(_READ)
        if not data:
            raise ConnectionResetError("it has closed the connection")
        if self.role is None:
            missing = records.GREETING.size - len(self._greeting)
            self._greeting += data[:missing]
            data = data[missing:]
            if len(self._greeting) < records.GREETING.size:
                return []
            role = records.read_greeting(bytes(self._greeting))
            self.send(records.greeting(role))
            self.role = role
        return self._frames.feed(data)

    def send(self, data: bytes) -> None:
        """Now, or as soon as it reads. Raises OSError."""
        self._waiting += data
        self.flush()

    def flush(self) -> None:
        """As much as it takes. Raises OSError."""
        while self._waiting:
            try:
                sent = self.socket.send(self._waiting)
            except BlockingIOError:
                return
            del self._waiting[:sent]


class Composer:
    """Serves at a listening socket until there is no more reason to."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        monotonic: Callable[[], float] = time.monotonic,  # noqa: TID251 - this process has no other clock
        orphan_seconds: float = ORPHAN_SECONDS,
    ) -> None:
        self._monotonic = monotonic
        self._orphan_seconds = orphan_seconds
        self._selector = selectors.DefaultSelector()
        listener.setblocking(False)
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ)
        self._peers: list[Peer] = []
        self._wakes = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """Written to by other threads to end a wait."""
        self._selector.register(self._wakes, selectors.EVENT_READ)
        self._works = Works(self._to_engine, self._to_control, lambda: os.eventfd_write(self._wakes, 1))
        self._stopping = False
        self._beat = 0.0
        self._alone_since: float = monotonic()

    def stop(self) -> None:
        """End after this turn."""
        self._stopping = True

    def run(self) -> None:
        """Until `stop`, or until nobody has been in control for long."""
        while not self._stopping:
            now = self._monotonic()
            if now >= self._beat:
                self._beat = now + BEAT_SECONDS
                self._tell()
                if any(peer.role == CONTROL for peer in self._peers):
                    self._alone_since = now
                elif now - self._alone_since > self._orphan_seconds:
                    break
            due = self._works.due
            until = self._beat if due is None else min(self._beat, due)
            for key, mask in self._selector.select(max(0.0, until - now)):
                if key.fd == self._wakes:
                    os.eventfd_read(self._wakes)
                elif key.data is None:
                    self._accept()
                else:
                    self._serve(key.data, mask)
            self._works.tick(self._monotonic(), time.strftime("%H:%M"))
        self._works.stop()
        for peer in self._peers:
            peer.socket.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, user, _ = _CREDENTIALS.unpack(credentials)
        if user not in (os.getuid(), 0) or len(self._peers) >= MOST_CONNECTIONS:
            connection.close()
            return
        peer = Peer(connection)
        self._peers.append(peer)
        self._selector.register(connection, selectors.EVENT_READ, peer)

    def _serve(self, peer: Peer, mask: int) -> None:
        try:
            if mask & selectors.EVENT_WRITE:
                peer.flush()
            if mask & selectors.EVENT_READ:
                unknown = peer.role is None
                frames = peer.receive()
                if unknown and peer.role == ENGINE:
                    self._works.engine_came()
                for frame in frames:
                    self._take(peer, frame)
        except BlockingIOError:
            pass
        except (OSError, BadRecord) as error:
            self._lose(peer, error)
            return
        self._watch(peer)

    def _take(self, peer: Peer, frame: bytes) -> None:
        kind, works = frame[0], self._works
        if peer.role == ENGINE:
            if kind == records.PICTURE:
                works.picture(records.read_picture(frame))
            elif kind == records.GONE:
                works.gone(records.read_number(frame))
            elif kind == records.WANTED:
                works.wanted(records.read_number(frame))
        elif kind == records.SCENE:
            works.scene(records.read_told(frame, records.Scene), self._monotonic())
        elif kind == records.CLOSE:
            works.close(records.read_number(frame))
        elif kind == records.STILL:
            works.still(*records.read_still(frame))
        elif kind == records.CAMERA:
            works.camera(records.read_told(frame, records.Camera))
        elif kind == records.DROP:
            works.drop(records.read_number(frame))
        elif kind == records.RECORD:
            works.record(records.read_told(frame, records.Record))
        elif kind == records.HOLDS:
            works.hold(records.read_told(frame, records.Holds))
        elif kind == records.RATE:
            works.rate(records.read_told(frame, records.Rate))

    def _tell(self) -> None:
        figures = self._works.figures
        works = self._works
        beat = Beat(os.getpid(), works.decoded, figures.composed, figures.encoded, works.late, works.broken)
        self._to_control(records.told(records.BEAT, beat))

    def _to_engine(self, frame: bytes) -> None:
        for peer in [peer for peer in self._peers if peer.role == ENGINE]:
            # Behind a picture that was left out, nothing can be decoded until the next key frame.
            if frame[4] == records.ENCODED:
                source, key = records.encoded_head(frame)
                if peer.full or (source in peer.short and not key):
                    peer.short.add(source)
                    self._works.wanted(source)
                    continue
                peer.short.discard(source)
            elif frame[4] == records.SOUND and peer.full:
                continue
            self._send(peer, frame)

    def _to_control(self, frame: bytes) -> None:
        for peer in [peer for peer in self._peers if peer.role == CONTROL]:
            if peer.full:
                self._lose(peer, TimeoutError("it does not read"))
            else:
                self._send(peer, frame)

    def _send(self, peer: Peer, frame: bytes) -> None:
        try:
            peer.send(frame)
        except OSError as error:
            self._lose(peer, error)
        else:
            self._watch(peer)

    def _watch(self, peer: Peer) -> None:
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.blocked else 0)
        if peer in self._peers and self._selector.get_key(peer.socket).events != wanted:
            self._selector.modify(peer.socket, wanted, peer)

    def _lose(self, peer: Peer, error: Exception) -> None:
        if peer in self._peers:
            self._peers.remove(peer)
            self._selector.unregister(peer.socket)
            peer.socket.close()
            if isinstance(error, BadRecord):
                print(f"a peer is cut off: {error}", flush=True)


def listen(path: Path) -> socket.socket:
    """A Unix socket at which only our own user can connect. Raises OSError, also where another composer listens."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            path.unlink(missing_ok=True)
        else:
            raise OSError(f"{path}: a composer listens there already")
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(MOST_CONNECTIONS)
    return listener


def serve(listener: socket.socket) -> None:
    """Be the composer. SIGTERM ends it after what is being written is complete."""
    composer = Composer(listener)
    signal.signal(signal.SIGTERM, lambda *_: composer.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    composer.run()

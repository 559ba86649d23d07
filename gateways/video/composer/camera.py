"""A stream that is fetched (RTSP) and shown as a member: by a thread of its own, since it waits for the network."""

import threading
from typing import Final

import av

from gateways.video.composer.sources import MOST_PIXELS, Source

OPEN_SECONDS: Final = 10.0
SILENT_SECONDS: Final = 5.0
"""Without a packet the stream is over."""
PAUSES: Final = (1.0, 2.0, 5.0, 10.0)
"""Between two attempts, in seconds; the last one again and again."""


class CameraSource(Source):
    """Fetches until it is ended; what breaks off is begun again."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._ended = threading.Event()
        self._shown = False
        self._fresh: av.VideoFrame | None = None
        self._lost = False
        self._trouble: str | None = None
        self._told: str | None = None
        self._thread = threading.Thread(target=self._fetch, name="camera", daemon=True)
        self._thread.start()

    def show(self, shown: bool) -> None:
        """Whether somebody sees it: only then it is decoded."""
        self._shown = shown
        if not shown:
            self.forget_sizes()

    def look(self) -> None:
        """Take over what the thread has decoded last."""
        frame, self._fresh = self._fresh, None
        if frame is not None:
            self.hold(frame)
        elif self._lost and self.seen:
            self._lost = False
            self.hold(None)

    def trouble(self) -> str | None:
        """Why there are no pictures, told once; empty: there are some again."""
        if self._trouble == self._told:
            return None
        self._told = self._trouble
        return self._told

    def end(self) -> None:
        """Fetch no more."""
        self._ended.set()

    def _fetch(self) -> None:
        attempt = 0
        while not self._ended.is_set():
            try:
                self._read()
                reason = "the stream has ended"
            except (OSError, av.FFmpegError, ValueError) as error:
                # Without the URL: a password may stand in it.
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            if self._trouble == "":
                attempt = 0
            self._trouble, self._lost = reason, True
            self._ended.wait(PAUSES[min(attempt, len(PAUSES) - 1)])
            attempt += 1

    def _read(self) -> None:
        # Only what RTSP itself needs: no file, and no other protocol that an answer could lead to.
        options = {"rtsp_transport": "tcp", "protocol_whitelist": "rtsp,tcp,rtp,udp", "max_pixels": str(MOST_PIXELS)}
        with av.open(self._url, format="rtsp", options=options, timeout=(OPEN_SECONDS, SILENT_SECONDS)) as container:
            if not container.streams.video:
                raise ValueError("there is no video in it")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            waits = True
            for packet in container.demux(stream):
                if self._ended.is_set():
                    return
                waits = (waits or not self._shown) and not (self._shown and packet.is_keyframe)
                if waits:
                    continue
                for frame in packet.decode():
                    if not frame.is_corrupt:
                        self._fresh = frame
                        self._trouble = ""

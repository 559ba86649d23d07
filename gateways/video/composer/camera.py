"""A stream that is fetched (RTSP) and shown as a member: by a thread of its own, since it waits for the network."""

import threading
from collections.abc import Callable
from typing import Any, Final

import av

from gateways.video.composer.sources import MOST_PIXELS, Source, sensible
from gateways.video.records import SOUND_RATE

OPEN_SECONDS: Final = 10.0
SILENT_SECONDS: Final = 5.0
"""Without a packet the stream is over."""
PAUSES: Final = (1.0, 2.0, 5.0, 10.0)
"""Between two attempts, in seconds; the last one again and again."""
LONGEST: Final = SOUND_RATE // 2 * 2
"""Bytes of sound that are given on at once: half a second. A packet that holds more is none of a live camera's."""


class CameraSource(Source):
    """Fetches until it is ended; what breaks off is begun again."""

    def __init__(self, number: int, url: str, said: "Said | None") -> None:
        """`said` is given what it says, with itself and its number, in its thread; None: its sound is not fetched."""
        super().__init__()
        self._number = number
        self._url = url
        self._said = said
        self._ended = threading.Event()
        self._shown = False
        self._fresh: av.VideoFrame | None = None
        self._lost = False
        self._trouble: str | None = None
        self._told: str | None = None
        self._thread = threading.Thread(target=self._fetch, name="camera", daemon=True)
        self._thread.start()

    def show(self, shown: bool) -> None:
        """Whether somebody sees it: only then its pictures are decoded."""
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
        options = {
            "rtsp_transport": "tcp",
            "protocol_whitelist": "rtsp,tcp,rtp,udp",
            "max_pixels": str(MOST_PIXELS),
            "allowed_media_types": "video" if self._said is None else "video+audio",
        }
        with av.open(self._url, format="rtsp", options=options, timeout=(OPEN_SECONDS, SILENT_SECONDS)) as container:
            if not container.streams.video:
                raise ValueError("there is no video in it")
            video = container.streams.video[0]
            video.codec_context.thread_count = 1
            # The container's options reach what probes the stream, and not what decodes it.
            video.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
            audio = container.streams.audio[0] if container.streams.audio and self._said is not None else None
            ear = None if audio is None else _Ear(audio.codec_context)
            waits = True
            for packet in container.demux([video] if audio is None else [video, audio]):
                if self._ended.is_set():
                    return
                if ear is not None and packet.stream is audio:
                    self._say(ear.hear(packet))
                    continue
                waits = (waits or not self._shown) and not (self._shown and packet.is_keyframe)
                if not self._shown and packet.is_keyframe:
                    self._trouble = ""
                if waits:
                    continue
                for frame in packet.decode():
                    if isinstance(frame, av.VideoFrame) and not frame.is_corrupt and sensible(frame):
                        self._fresh = frame
                        self._trouble = ""

    def _say(self, samples: bytes) -> None:
        if samples and self._said is not None:
            self._said(self, self._number, samples[-LONGEST:])


Said = Callable[[CameraSource, int, bytes], None]


class _Ear:
    """Makes samples of a stream's packets. What cannot be decoded is silence: pictures come on."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._resampler = av.AudioResampler("s16", "mono", SOUND_RATE)

    def hear(self, packet: Any) -> bytes:
        """Those of one packet; none where it is broken."""
        try:
            frames = [each for frame in self._context.decode(packet) for each in self._resampler.resample(frame)]
        except (av.FFmpegError, ValueError):
            # The sound may have begun anew in another form.
            self._resampler = av.AudioResampler("s16", "mono", SOUND_RATE)
            return b""
        return b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in frames)

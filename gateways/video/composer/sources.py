"""What is drawn: pictures of members as they come, still pictures, cameras. Only what is shown is decoded."""

from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from gateways.video.composer.canvas import Planes, of_bytes
from gateways.video.records import H264, Picture

MOST_PIXELS: Final = 1920 * 1088
"""Of a picture that a member sends; larger ones are not decoded."""
MOST_PIXELS_A_SECOND: Final = 60 * MOST_PIXELS
"""Of one member, and at once: one thread decodes for all, and pictures of a few bytes cost as much as others."""
LEAST_PIXELS: Final = 320 * 180
"""That a picture counts as."""
_DECODERS: Final = {H264: "h264", "VP8": "vp8"}
_CLOCK: Final = Fraction(1, 90_000)


class Source:
    """Somebody's newest picture, in the sizes in which it is shown."""

    def __init__(self) -> None:
        self._frame: av.VideoFrame | None = None
        self.version = 0
        """Another number means another picture."""
        self._scaled: dict[tuple[int, int, bool], tuple[int, Planes]] = {}
        self._scaler = VideoReformatter()

    @property
    def seen(self) -> bool:
        """Whether there is a picture at all."""
        return self._frame is not None

    def hold(self, frame: av.VideoFrame | None) -> None:
        """This is the newest picture; None: there is none any more."""
        self._frame = frame
        self.version += 1

    def fitted(self, width: int, height: int, whole: bool) -> Planes | None:
        """The newest picture for a place: `whole` fits inside of it, else it covers it, and what stands out is cut."""
        key = (width, height, whole)
        known = self._scaled.get(key)
        if known is not None and known[0] == self.version:
            return known[1]
        if self._frame is None:
            return None
        planes = _fitted(self._scaler, self._frame, width, height, whole)
        if len(self._scaled) > 16:
            self._scaled.clear()
        self._scaled[key] = (self.version, planes)
        return planes

    def show(self, shown: bool) -> None:
        """Whether somebody sees it from now on."""
        if not shown:
            self.forget_sizes()

    def forget_sizes(self) -> None:
        """Nobody is shown it any more."""
        self._scaled.clear()


class Still(Source):
    """A picture that stands: a page, a photograph."""

    def __init__(self, data: bytes, width: int, height: int) -> None:
        """`data` is I420."""
        super().__init__()
        self.hold(av.VideoFrame.from_numpy_buffer(of_bytes(data, width, height), "yuv420p"))


class Member(Source):
    """Pictures of a member, decoded as long as somebody sees them."""

    def __init__(self) -> None:
        super().__init__()
        self._codec = ""
        self._decoder: av.VideoCodecContext | None = None
        self._waits = True
        """For a key frame: what comes before one cannot be decoded."""
        self.wants_key = False
        """One is to be asked for."""
        self.shown = False
        self.decoded = 0
        self.broken = 0
        self._allowed = float(MOST_PIXELS_A_SECOND)
        self._counted_us = 0
        """How many pixels may be decoded, and when that was counted, by the times at which pictures came."""

    def show(self, shown: bool) -> None:
        """Whether somebody sees it from now on."""
        if shown == self.shown:
            return
        self.shown = shown
        if shown:
            self.wants_key = self._waits = True
        else:
            # What was left out meanwhile, the decoder would miss.
            self._decoder = None
            self.forget_sizes()

    def feed(self, picture: Picture) -> None:
        """Decode one, if it is seen. What is broken leaves the last good picture, and asks for a key frame."""
        if not self.shown:
            return
        if picture.codec != self._codec:
            self._codec, self._decoder = picture.codec, None
            self._waits = True
        if picture.gap and not picture.key:
            self.miss()
        if self._waits and not picture.key:
            self.wants_key = True
            return
        if not self._may_decode(picture.arrived_us):
            self.miss()
            return
        try:
            decoder = self._decoder = self._decoder or _decoder(self._codec)
            packet = av.Packet(picture.data)
            packet.pts = packet.dts = picture.rtp
            packet.time_base = _CLOCK
            frames = decoder.decode(packet)
        except (av.FFmpegError, ValueError, MemoryError):
            self.broken += 1
            self._decoder = None
            self.miss()
            return
        for frame in frames:
            if frame.is_corrupt or not sensible(frame):
                self.broken += 1
                self.miss()
                return
            self.decoded += 1
            self.hold(frame)
        self._waits = False

    def _may_decode(self, now_us: int) -> bool:
        passed = max(0, now_us - self._counted_us)
        self._counted_us = max(now_us, self._counted_us)
        self._allowed = min(self._allowed + passed * MOST_PIXELS_A_SECOND / 1e6, float(MOST_PIXELS_A_SECOND))
        cost = LEAST_PIXELS if self._frame is None else max(LEAST_PIXELS, self._frame.width * self._frame.height)
        if self._allowed < cost:
            return False
        self._allowed -= cost
        return True

    def miss(self) -> None:
        """What comes next cannot be decoded until there is a key frame."""
        self._waits = self.wants_key = True

    def end(self) -> None:
        """There are no more pictures, and nobody is to see the last one for ever."""
        self._decoder = None
        self._waits = True
        self.wants_key = False
        self.hold(None)


def _decoder(codec: str) -> av.VideoCodecContext:
    decoder = av.CodecContext.create(_DECODERS[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    decoder.flags |= av.codec.context.Flags.low_delay
    decoder.options = {"max_pixels": str(MOST_PIXELS)}
    return decoder


def sensible(frame: av.VideoFrame) -> bool:
    """Whether a picture has a size that can be shown."""
    return bool(frame.width >= 16 and frame.height >= 16 and frame.width * frame.height <= MOST_PIXELS)


def _fitted(scaler: VideoReformatter, frame: av.VideoFrame, width: int, height: int, whole: bool) -> Planes:
    ratios = (width / frame.width, height / frame.height)
    if not whole and max(ratios) > 2 * min(ratios):
        # A telephone held upright in a wide place: half of it would be cut off.
        whole = True
    ratio = min(ratios) if whole else max(ratios)
    wide, tall = _even(frame.width * ratio), _even(frame.height * ratio)
    if whole:
        wide, tall = min(wide, width), min(tall, height)
    else:
        wide, tall = max(wide, width), max(tall, height)
    scaled = scaler.reformat(frame, wide, tall, "yuv420p", interpolation=Interpolation.BILINEAR, threads=1)
    planes = Planes(*(_plane(scaled.planes[index]) for index in range(3)))
    if whole:
        return planes
    left, top = (wide - width) // 2 & ~1, (tall - height) // 2 & ~1
    half = slice(top // 2, (top + height) // 2), slice(left // 2, (left + width) // 2)
    return Planes(planes.y[top : top + height, left : left + width], planes.u[half], planes.v[half])


def _plane(plane: Any) -> Any:
    rows = np.frombuffer(plane, np.uint8)[: plane.line_size * plane.height].reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def _even(value: float) -> int:
    return max(2, round(value / 2) * 2)

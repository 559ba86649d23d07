"""When pictures are due. Pure: time comes in as an argument."""

from typing import Final

RTP_RATE: Final = 90_000


class Pace:
    """So many pictures a second, counted from the beginning, so that nothing adds up. Times are in seconds."""

    def __init__(self, fps: int, now: float) -> None:
        self.fps = fps
        self._began = now
        self._next = 0
        self.late = 0
        """Pictures left out because their time was over."""

    @property
    def due(self) -> float:
        """When the next one is."""
        return self._began + self._next / self.fps

    def take(self, now: float) -> int | None:
        """The RTP time of the picture that is due; None: none is. Those whose time is over are left out, never made up
        for. It is that of the clock, so that it goes on when another composer goes on with the scene."""
        if now < self.due:
            return None
        newest = int((now - self._began) * self.fps + 1e-6)
        newest = max(newest, self._next)
        self.late += newest - self._next
        self._next = newest + 1
        return int(self._began * RTP_RATE) + newest * RTP_RATE // self.fps

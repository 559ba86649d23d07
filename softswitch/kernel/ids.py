"""Names of the things a switch holds."""

from typing import NewType

CallId = NewType("CallId", str)
"""One conversation as its users see it. Unique across restarts; shown in CDRs and the API."""

LegId = NewType("LegId", str)
"""One party's half of a call: the call's id, a dot and a number counted from 1."""
MixId = NewType("MixId", str)
"""Parties that hear each other: a room, a three-way call, a call that is listened to."""


class IdSource:
    """Counts ids that never repeat across restarts.

    `boot` must differ at each start of the process; the app passes the start time and some randomness,
    a simulation passes its seed. Counting costs a tenth of a uuid4, and ids sort by age.
    """

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._calls = 0

    def call(self) -> CallId:
        """The next call's id."""
        self._calls += 1
        return CallId(f"{self._boot}-{self._calls:06x}")

    @staticmethod
    def video(leg: LegId, place: int) -> LegId:
        """The id of the video line of a leg that has this place, from 0, in its descriptions: to the media engine it is
        a leg of its own."""
        return LegId(f"{leg}/video{place or ''}")

    @staticmethod
    def of_video(video: LegId) -> tuple[LegId, int]:
        """The leg that a video line belongs to, and its place."""
        leg, _, place = video.partition("/video")
        return LegId(leg), int(place or 0)

    @staticmethod
    def leg(call: CallId, number: int) -> LegId:
        """The id of a call's `number`-th leg, the caller's being number 1."""
        return LegId(f"{call}.{number}")

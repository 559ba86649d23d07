"""A media engine that keeps in mind what it is asked to show, and rooms that are seen."""

from pathlib import Path

from softswitch.features.conference.model.scene import Scene as Seen
from softswitch.features.conference.model.scene import Tile
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import LegId
from softswitch.kernel.media import Codec


class PictureEngine:
    """What the media engine is asked for."""

    def __init__(self, **codecs: Codec) -> None:
        self.codecs = {LegId(f"{leg}/video"): codec for leg, codec in codecs.items()}
        self.kbps: dict[LegId, int] = {}
        self.cameras: set[LegId] = set()
        self.screens: set[LegId] = set()
        """Lines whose parties only send, or only take."""
        self.shown: dict[LegId, LegId | None] = {}
        self.fed: dict[LegId, int] = {}
        self.most_sources = 100
        self.sources: dict[LegId, tuple[int, str]] = {}
        self.most_voices = 100
        self.voices: dict[LegId, int] = {}
        self.at: Path | None = None

    def hang_up(self, leg: LegId) -> None:
        """Its video has gone."""
        line = LegId(f"{leg}/video")
        del self.codecs[line]
        self.fed.pop(line, None)

    def taken(self, line: LegId) -> Codec | None:
        return None if line in self.cameras else self.codecs.get(line)

    def sent(self, line: LegId) -> Codec | None:
        return None if line in self.screens else self.codecs.get(line)

    def takes_kbps(self, line: LegId) -> int | None:
        return self.kbps.get(line)

    def limit_video(self, line: LegId, kbps: int | None) -> None: ...

    def show(self, viewer: LegId, source: LegId | None) -> None:
        assert viewer in self.codecs, f"{viewer} is gone"
        assert source is None or viewer not in self.cameras, f"{viewer} takes nothing"
        self.shown[viewer] = source

    def feed(self, line: LegId, member: int | None) -> None:
        assert line in self.codecs, f"{line} is gone"
        if member is None:
            del self.fed[line]
        else:
            self.fed[line] = member

    def open_source(self, source: LegId, number: int, codec: Codec) -> None:
        if len(self.sources) >= self.most_sources:
            raise Rejected(Cause.SWITCH_CONGESTION, "no media port is left")
        self.sources[source] = (number, codec.name)

    def close_video(self, line: LegId) -> None:
        del self.sources[line]

    def open_voice(self, leg: LegId, number: int) -> None:
        if len(self.voices) >= self.most_voices:
            raise Rejected(Cause.SWITCH_CONGESTION, "no media port is left")
        self.voices[leg] = number

    def close_voice(self, leg: LegId) -> None:
        self.voices.pop(leg, None)

    def composer(self, path: Path | None) -> None:
        self.at = path


def seen(*members: int, layout: str = "2x2", speaking: int = 0, first: int | None = None) -> Seen:
    tiles = tuple(
        Tile(
            member=each,
            name=f"Member {each}",
            video=True,
            muted=False,
            speaking=each == speaking,
            host=False,
            hand=False,
            presenter=False,
        )
        for each in members
    )
    return Seen("3000", "Board", layout, False, first, tiles)

"""The video lines of legs in the media engine: their ports, what is agreed on each, and who sees whom."""

from softswitch.calls import video_plan
from softswitch.calls.leg import Leg
from softswitch.calls.video_plan import MOST_LINES
from softswitch.engine.surroundings import Surroundings
from softswitch.events import LegVideo
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import IdSource


def give_ports(around: Surroundings, leg: Leg, lines: int) -> None:
    """Let a leg have ports for so many video lines, where its sound passes through us and its party may have video.
    When no port is left it goes on with what it has: pictures are never worth a call."""
    video = around.video
    if video is None or leg.address is None or not leg.sees:
        return
    while len(leg.pictures) < min(lines, MOST_LINES):
        try:
            address = video.open_video(IdSource.video(leg.id, len(leg.pictures)))
        except Rejected:
            return
        leg.pictures = (*leg.pictures, address)


def connect(around: Surroundings, leg: Leg) -> None:
    """Tell the media engine what is agreed on each line, once both sides have said theirs."""
    video = around.video
    if video is None or leg.local is None or leg.remote is None:
        return
    for place in range(len(leg.pictures)):
        local, remote = video_plan.line_at(leg.local, place), video_plan.line_at(leg.remote, place)
        codec = video_plan.codec_of(leg, place)
        if codec:
            leg.seen = {**(leg.seen or {}), place: (codec, remote.content or local.content)}
        elif leg.seen is None or place not in leg.seen:
            continue  # the engine has never heard of it
        video.connect_video(IdSource.video(leg.id, place), local, remote)
    if leg.watcher is not None:
        leg.watcher()


def bridge(around: Surroundings, a: Leg, b: Leg) -> None:
    """Let two parties see each other, line by line."""
    if around.video is not None:
        for place in range(min(len(a.pictures), len(b.pictures))):
            around.video.bridge_video(IdSource.video(a.id, place), IdSource.video(b.id, place))


def silence(around: Surroundings, leg: Leg) -> None:
    """Let a party see nothing, and nobody see it."""
    if around.video is not None:
        for place in range(len(leg.pictures)):
            around.video.silence_video(IdSource.video(leg.id, place))


def refresh(around: Surroundings, leg: Leg) -> bool:
    """A party needs a whole picture of what it sees; False: the engine knows of none."""
    if around.video is None or not leg.seen:
        return False
    for place in leg.seen:
        around.video.refresh_video(IdSource.video(leg.id, place))
    return True


def measured(around: Surroundings, leg: Leg) -> tuple[LegVideo, ...]:
    """The video that a leg has had, with what it measured."""
    if around.video is not None and leg.pictures:
        figures = around.video.video_figures
        return tuple(
            LegVideo(codec, content, figures(IdSource.video(leg.id, place)))
            for place, (codec, content) in sorted((leg.seen or {}).items())
        )
    if leg.address is not None or leg.local is None or leg.remote is None:
        return ()
    found = ((video_plan.codec_of(leg, place), line.content) for place, line in enumerate(leg.remote.video))
    return tuple(LegVideo(codec, content) for codec, content in found if codec)


def close(around: Surroundings, leg: Leg) -> None:
    """Give the ports back."""
    lines, leg.pictures = len(leg.pictures), ()
    if around.video is not None:
        for place in range(lines):
            around.video.close_video(IdSource.video(leg.id, place))

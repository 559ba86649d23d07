"""Who tells whom of which video: the lines of offers and answers as they cross the switch (RFC 3264). Pure.

A line has the same place in the descriptions of both parties. Each party is told of the other's with our own port, as
far as it has ports for pictures (`Leg.pictures`); beyond those a line is refused, and the sound goes on.
"""

from collections.abc import Iterable

from msgspec import structs

from softswitch.calls import video_choice
from softswitch.calls.leg import Leg, OurVideo
from softswitch.calls.video_choice import Codecs
from softswitch.kernel.address import HostPort
from softswitch.kernel.media import SLIDES, Direction, FloorLine, MediaDescription, VideoLine

MOST_LINES = 2
"""A picture of the party, and its slides."""
NO_LINE = VideoLine(HostPort("0.0.0.0", 0), (), Direction.INACTIVE)
"""Stands for one that is refused, or has ended."""
_WISHES = ("nack pli", "ccm fir")
"""Every party may ask us for a whole picture: the wish reaches the other one, by RTCP or by signalling."""

Lines = tuple[VideoLine, ...]


def offered(leg: Leg, said: MediaDescription) -> Lines:
    """What a leg's party is offered of what another `said`; empty where there is nothing to see."""
    lines = tuple(_told(leg, place, line, line.codecs) for place, line in enumerate(said.video))
    return lines if any(line.live for line in lines) else ()


def answered(leg: Leg, offer: MediaDescription, said: MediaDescription) -> Lines:
    """What a leg's party, which made an `offer`, is answered of what another `said` to it."""
    lines: list[VideoLine] = []
    for place, (theirs, line) in enumerate(zip(offer.video, said.video, strict=False)):
        codecs = video_choice.answered(line.codecs, theirs.codecs) if theirs.live and line.live else ()
        told = _told(leg, place, line, codecs)
        lines.append(structs.replace(told, rtcp_mux=theirs.rtcp_mux, avpf=theirs.avpf) if told.live else told)
    return tuple(lines) if any(line.live for line in lines) else ()


def _told(leg: Leg, place: int, line: VideoLine, codecs: Codecs) -> VideoLine:
    if not line.live or not codecs or place >= len(leg.pictures):
        return NO_LINE
    return VideoLine(
        leg.pictures[place],
        codecs,
        line.direction,
        line.content,
        line.bandwidth_kbps,
        feedback=_with_wishes(line.feedback),
        avpf=line.avpf,
        label=line.label,
    )


def _with_wishes(feedback: tuple[str, ...]) -> tuple[str, ...]:
    return (*feedback, *(wish for wish in _WISHES if wish not in feedback))


def spoken(said: MediaDescription) -> MediaDescription:
    """What a party is to be introduced to another with, whose sound had a direction that is past: so had its video."""
    lines = tuple(structs.replace(line, direction=Direction.SENDRECV) if line.live else line for line in said.video)
    return structs.replace(said, video=lines)


def understood(leg: Leg, said: MediaDescription) -> bool:
    """Whether a leg's party has been told of the video that another `said`."""
    return alike(leg.local.video if leg.local is not None else (), offered(leg, said))


def alike(told: Lines, would: Lines) -> bool:
    """Whether a party that was `told` so need not be told otherwise."""
    return all(_alike(_at(told, place), _at(would, place)) for place in range(max(len(told), len(would))))


def _alike(told: VideoLine, would: VideoLine) -> bool:
    if not told.live or not would.live:
        return told.live is would.live
    first = [next(filter(video_choice.is_picture, line.codecs), None) for line in (told, would)]
    return (
        told.direction is would.direction
        and first[0] is not None
        and first[1] is not None
        and video_choice.same_format(first[0], first[1])
    )


def _at(lines: Lines, place: int) -> VideoLine:
    return lines[place] if place < len(lines) else NO_LINE


def line_at(media: MediaDescription | None, place: int) -> VideoLine:
    """The line that a description has at a place."""
    return NO_LINE if media is None else _at(media.video, place)


def codec_of(leg: Leg, place: int) -> str:
    """The pictures agreed with a leg's party on a line; empty where none are."""
    local, remote = line_at(leg.local, place), line_at(leg.remote, place)
    if not local.live or not remote.live:
        return ""
    codec = video_choice.agreed(local.codecs, remote.codecs)
    return "" if codec is None else codec.name


# Our own media engine ---------------------------------------------------------------------------------------


def wanted(leg: Leg, offer: MediaDescription | None) -> int:
    """How many ports for pictures a leg needs for what our own media engine would have with its party, which `offer`s
    so, or is to be offered."""
    if not leg.shows:
        return 0
    return min(MOST_LINES, len(offer.video) if offer is not None else max(len(_places(leg)), len(leg.pictures)))


def answer_ours(leg: Leg, offer: MediaDescription, able: Codecs) -> Lines:
    """Our own media engine's answer to the video of an offer."""
    lines: list[VideoLine] = []
    left = list(leg.shows)
    for place, theirs in enumerate(offer.video):
        ours = next((one for one in left if _is(one, theirs)), None) if theirs.live else None
        codecs = video_choice.ours(theirs.codecs, ours.codecs or able) if ours is not None else ()
        if ours is None or not codecs or place >= len(leg.pictures):
            lines.append(NO_LINE)
            continue
        left.remove(ours)
        lines.append(
            VideoLine(
                leg.pictures[place],
                codecs,
                ours.direction,
                theirs.content,
                ours.bandwidth_kbps,
                rtcp_mux=theirs.rtcp_mux,
                feedback=_with_wishes(theirs.feedback),
                avpf=theirs.avpf,
                label=theirs.label,
            )
        )
    return tuple(lines) if any(line.live for line in lines) else ()


SLIDES_LABEL = "3"
"""Our name for a line of slides, where the party has given it none."""


def floor_ours(leg: Leg, offer: MediaDescription, video: Lines) -> tuple[Lines, FloorLine | None]:
    """Our own answer about floor control, with the video that it is of; None: there is none."""
    taken = next((place for place, line in enumerate(video) if line.live and line.of_slides), None)
    if leg.floor is None or offer.floor is None or taken is None:
        return video, None
    label = video[taken].label or SLIDES_LABEL
    lines = (*video[:taken], structs.replace(video[taken], label=label), *video[taken + 1 :])
    floor = leg.floor
    return lines, FloorLine(floor.address, offer.floor.protocol, floor.conference, floor.user, label)


def offer_ours(leg: Leg, able: Codecs) -> Lines:
    """Our own media engine's offer of video, which keeps the places of the lines that there were."""
    lines = [_our_line(leg, place, ours, able) for place, ours in enumerate(_places(leg))]
    return tuple(lines) if any(line.live for line in lines) else ()


def _our_line(leg: Leg, place: int, ours: OurVideo | None, able: Codecs) -> VideoLine:
    if ours is None or place >= len(leg.pictures):
        return NO_LINE
    return VideoLine(
        leg.pictures[place],
        ours.codecs or able,
        ours.direction,
        ours.content,
        ours.bandwidth_kbps,
        feedback=("nack", *_WISHES, "ccm tmmbr"),
    )


def _places(leg: Leg) -> list[OurVideo | None]:
    """What of ours is on each line: the lines that there were, and behind them what is new."""
    left = list(leg.shows)
    places: list[OurVideo | None] = []
    for place in range(max(_count(leg.local), _count(leg.remote))):
        known = line_at(leg.remote, place)
        known = known if known.live else line_at(leg.local, place)
        found = next((one for one in left if known.live and _is(one, known)), None)
        if found is not None:
            left.remove(found)
        places.append(found)
    left = [one for one in left if one.offered]
    for place, taken in enumerate(places):
        # A line that ended may be used again (RFC 3264 section 8.1).
        if taken is None and left:
            places[place] = left.pop(0)
    return [*places, *left][:MOST_LINES]


def _count(media: MediaDescription | None) -> int:
    return len(media.video) if media is not None else 0


def _is(ours: OurVideo, line: VideoLine) -> bool:
    return (ours.content == SLIDES) == line.of_slides


def lines_of(leg: Leg) -> Iterable[tuple[int, VideoLine, VideoLine]]:
    """The video lines that are agreed with a leg's party: place, what we said, what it said."""
    for place in range(len(leg.pictures)):
        local, remote = line_at(leg.local, place), line_at(leg.remote, place)
        if local.live and remote.live:
            yield place, local, remote

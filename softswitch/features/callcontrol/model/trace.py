"""One call's whole story: who decided what and why, what was signalled, how it sounded."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from softswitch.events import (
    CallEnded,
    CallFact,
    CallForwarded,
    CallRouted,
    CallTraced,
    CallTroubled,
    FlowEnded,
    LegEnded,
    LegVideo,
    MediaFigures,
    RecordingDecided,
    RoutingStep,
    TraceLine,
    Trouble,
)
from softswitch.features.callcontrol.model.live import CallView, view
from softswitch.kernel.cause import Cause
from softswitch.kernel.ids import LegId


class Decision(Struct, frozen=True):
    """Where the call was sent, and why."""

    at: int
    by: str
    destination: str | None
    plan_version: int | None
    steps: tuple[RoutingStep, ...]


class LegTrace(Struct, frozen=True):
    """How a leg ended and sounded."""

    leg: LegId
    destination: str
    number: str
    target: str
    ended_at: int | None
    cause: Cause | None
    status: int | None
    by_party: bool
    media: MediaFigures | None
    video: tuple[LegVideo, ...] = ()


class Trace(Struct, frozen=True):
    """All that is known of a call. Times are wall milliseconds."""

    call: CallView
    ended_at: int | None
    """None: the call is live."""
    cause: Cause | None
    note: str
    decisions: tuple[Decision, ...]
    ladder: tuple[TraceLine, ...]
    legs: tuple[LegTrace, ...]
    trouble: tuple[Trouble, ...] = ()


def trace(
    facts: Sequence[CallFact],
    ladder: Sequence[TraceLine] = (),
    figures: Mapping[LegId, MediaFigures] | None = None,
    troubles: Sequence[Trouble] = (),
) -> Trace | None:
    """The story that a call's facts tell; None where they do not hold its beginning.

    `ladder`, `figures` and `troubles` are those of a live call; an ended one's are among its facts.
    """
    call = view(facts)
    if call is None:
        return None
    ended: CallEnded | None = None
    trouble = tuple(troubles)
    decisions: list[Decision] = []
    ends: dict[LegId, LegEnded] = {}
    for fact in facts:
        match fact:
            case CallRouted():
                destination = str(fact.destination) if fact.destination is not None else None
                decisions.append(Decision(fact.at, fact.by, destination, fact.plan_version, fact.steps))
            case FlowEnded(destination=""):
                # Where it was transferred, the routing decision says how it came to that.
                way = tuple(RoutingStep(step.node, step.result or "left", step.kind) for step in fact.steps)
                decisions.append(Decision(fact.at, f"flow:{fact.flow}", None, None, way))
            case RecordingDecided():
                said = fact.outcome.replace("_", " ")
                decisions.append(Decision(fact.at, "recording", said, None, fact.steps))
            case CallForwarded():
                decisions.append(Decision(fact.at, str(fact.by), f"{fact.number} ({fact.reason})", None, ()))
            case LegEnded():
                ends.setdefault(fact.leg, fact)
            case CallTraced():
                ladder = fact.lines
            case CallTroubled():
                trouble = fact.troubles
            case CallEnded():
                ended = fact
    return Trace(
        call=call,
        ended_at=ended.at if ended is not None else None,
        cause=ended.cause if ended is not None else None,
        note=ended.note if ended is not None else "",
        decisions=tuple(decisions),
        ladder=tuple(ladder),
        legs=tuple(_leg(call, leg, ends.get(leg), (figures or {}).get(leg)) for leg in call.legs),
        trouble=trouble,
    )


def _leg(call: CallView, leg: LegId, end: LegEnded | None, now: MediaFigures | None) -> LegTrace:
    party = call.legs[leg]
    return LegTrace(
        leg=leg,
        destination=party.destination,
        number=party.number,
        target=party.target,
        ended_at=end.at if end is not None else None,
        cause=end.cause if end is not None else None,
        status=end.status if end is not None else None,
        by_party=end is not None and end.by_party,
        media=end.figures if end is not None else now,
        video=end.video if end is not None else (),
    )


def as_text(story: Trace) -> str:
    """The trace in columns, for a terminal 100 characters wide or more. Times of day are UTC."""
    call = story.call
    start = call.started_at
    lines = [
        f"Call      {call.call_id}",
        f"From      {call.from_number}{f' ({call.from_name})' if call.from_name else ''}, {call.origin}",
        f"To        {call.to_number}, context {call.context}",
        f"Started   {datetime.fromtimestamp(start / 1000, UTC):%Y-%m-%d} {_clock(start)} UTC",
    ]
    if call.answered_at is not None:
        lines.append(f"Answered  {_clock(call.answered_at)}, after {_span(call.answered_at - start)}")
    if story.ended_at is None:
        lines.append(f"State     {call.state}")
    elif story.cause is not None:
        note = f"; {story.note}" if story.note else ""
        after = _span(story.ended_at - start)
        lines.append(f"Ended     {_clock(story.ended_at)}, after {after}: {story.cause.text}{note}")
    lines += ["", "Decisions", *_decisions(story.decisions)]
    lines += ["", "Signalling", *_ladder(story.ladder, start)]
    if story.trouble:
        lines += ["", "Trouble", *(f"  {trouble.sentence}" for trouble in story.trouble)]
    lines += ["", "Legs", *_legs(story.legs, "live" if story.ended_at is None else "")]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _decisions(decisions: Sequence[Decision]) -> list[str]:
    lines = []
    for decision in decisions:
        version = f" version {decision.plan_version}" if decision.plan_version is not None else ""
        lines.append(f"  {_clock(decision.at)}  {decision.by}{version} → {decision.destination or 'nowhere'}")
        lines += _columns([(step.result, step.rule, step.reason) for step in decision.steps], indent=16)
    return lines or ["  none was recorded"]


def _ladder(ladder: Sequence[TraceLine], start: int) -> list[str]:
    arrows = {"in": "──▶ switch", "out": "◀── switch", "note": "    switch"}
    return _columns(
        [
            (
                _clock(line.at),
                f"+{line.at - start}",
                _short(line.leg),
                arrows.get(line.direction, line.direction),
                line.what,
            )
            for line in ladder
        ],
        right=(1,),
    ) or ["  none was recorded"]


_Row = tuple[str, ...]


def _legs(legs: Sequence[LegTrace], unended: str) -> list[str]:
    rows: list[_Row] = [
        ("leg", "party", "number", "ended by", "cause", "received", "sent", "lost", "jitter", "MOS", "first", "from")
    ]
    for leg in legs:
        ended_by = "" if leg.cause is None else ("party" if leg.by_party else "switch")
        cause = leg.cause.text + (f" ({leg.status})" if leg.status else "") if leg.cause is not None else unended
        media = leg.media
        heard = ("", "", "", "", "", "", "")
        if media is not None:
            first = f"{media.first_packet_ms} ms" if media.first_packet_ms is not None else "never"
            heard = (
                str(media.received),
                str(media.sent),
                str(media.lost),
                f"{media.jitter_ms:.1f} ms",
                f"{media.mos:.1f}" if media.mos is not None else "",
                first,
                media.last_address,
            )
        rows.append((_short(leg.leg), leg.destination, leg.number, ended_by, cause, *heard))
        rows += [_seen(leg.leg, line) for line in leg.video]
    return _columns(rows, right=(5, 6, 7, 8, 9, 10))


def _seen(leg: LegId, line: LegVideo) -> _Row:
    what, figures = f"video {line.codec} {line.content}".rstrip(), line.figures
    if figures is None:
        return (_short(leg), what, "", "", "past the switch", "", "", "", "", "", "", "")
    size = f" of {figures.width}x{figures.height}" if figures.width else ""
    first = f"{figures.first_packet_ms} ms" if figures.first_packet_ms is not None else "never"
    counts = str(figures.received), str(figures.sent), str(figures.lost), f"{figures.jitter_ms:.1f} ms"
    return (_short(leg), what, "", "", "", *counts, "", first, f"{figures.frames} pictures{size}")


def _short(leg: LegId) -> str:
    """A leg's number within its call."""
    return f"leg {leg.rpartition('.')[2]}"


def _columns(rows: Sequence[tuple[str, ...]], right: Sequence[int] = (), indent: int = 2) -> list[str]:
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        " " * indent
        + "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _clock(at: int) -> str:
    return f"{datetime.fromtimestamp(at // 1000, UTC):%H:%M:%S}.{at % 1000:03d}"


def _span(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f} s"

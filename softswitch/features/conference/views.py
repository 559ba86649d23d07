"""What is seen in a meeting: by members with video, and in its recording."""

from softswitch.calls.leg import OurVideo
from softswitch.features.conference.around import Around
from softswitch.features.conference.model.meeting import Meeting
from softswitch.features.conference.model.members import SEE, Terminal
from softswitch.features.conference.model.room import Room
from softswitch.features.conference.model.scene import scene, shown_to
from softswitch.features.conference.needs import Pictures
from softswitch.features.conference.seats import Seats
from softswitch.features.conference.tape import Tape
from softswitch.kernel.ids import LegId, MixId

SLIDES = OurVideo("slides", offered=False)
"""What a member may show beside its picture, whose phone has a line for that."""


class Views:
    """Of one meeting."""

    def __init__(self, around: Around, room: Room, mix: MixId, seats: Seats, tape: Tape) -> None:
        self._pictures = around.pictures
        self._room = room
        self._mix = mix
        self._seats = seats
        self._tape = tape
        self._shown: dict[LegId, tuple[LegId | None, LegId | None]] = {}
        """Whom each leg sees, or whose slides."""
        self._on = False
        """Whether there is anything to be seen."""

    def terminal(self, leg: LegId) -> Terminal:
        """What a leg's phone has."""
        if self._pictures is None or self._room.meeting.rules.pictures == "off":
            return "audio"
        return self._pictures.terminal(leg)

    def redraw(self) -> None:
        """Let everybody see what is to be seen now."""
        pictures, meeting = self._pictures, self._room.meeting
        if pictures is None:
            return
        if meeting.rules.pictures == "off":
            self._end(pictures)
            return
        self._on = True
        self._tape.film()
        slides = self._presented(meeting)
        for seat in self._seats:
            if seat.slides is not None and seat.slides != slides:
                pictures.show_content(seat.slides, slides)
        # Who has no line for slides sees them in its picture, and so do all where that is wanted.
        mixed = slides if slides is not None and self._in_picture(meeting) else None
        legs = {member.id: leg for member in meeting.inside() if (leg := self._seats.leg(member.id)) is not None}
        if meeting.rules.pictures == "compose" or pictures.must_compose(self._mix):
            if pictures.compose(self._mix, scene(meeting), legs, mixed):
                self._shown.clear()
                return
        else:
            pictures.follow(self._mix, scene(meeting), legs, mixed)
        self._switch(pictures, meeting, slides)

    def _switch(self, pictures: Pictures, meeting: Meeting, slides: LegId | None) -> None:
        """Let each member see one of the others, or slides."""
        # Of who is gone, or has no pictures now, nothing is known when it has some again.
        before, self._shown = self._shown, {}
        for viewer in meeting.people():
            leg = self._seats.leg(viewer.id)
            if leg is None or not viewer.sees or pictures.terminal(leg) not in SEE:
                continue
            source = shown_to(meeting, viewer)
            shown = None if source is None else self._seats.leg(source)
            seat = self._seats[viewer.id]
            content = slides if slides != seat.slides and (seat.slides is None or meeting.content_in_mix) else None
            self._shown[leg] = (shown, content)
            if before.get(leg) != (shown, content):
                pictures.show(leg, shown, content)

    def _end(self, pictures: Pictures) -> None:
        """In the middle of the meeting the room's rules want no pictures any more."""
        if not self._on:
            return
        self._on = False
        pictures.end(self._mix)
        for seat in self._seats:
            if seat.leg is not None and pictures.terminal(seat.leg) in SEE:
                pictures.show(seat.leg, None)
            if seat.slides is not None:
                pictures.show_content(seat.slides, None)
        self._shown.clear()

    def _presented(self, meeting: Meeting) -> LegId | None:
        """The line of the slides of who presents."""
        presenters = (seat for seat in self._seats if meeting.members[seat.member].presenter)
        return next((seat.slides for seat in presenters if seat.slides is not None), None)

    def _in_picture(self, meeting: Meeting) -> bool:
        """Whether slides are to be seen in the composed picture."""
        viewers = (member for member in meeting.people() if member.is_in and member.sees)
        others = (self._seats[member.id] for member in viewers)
        return meeting.content_in_mix or any(seat.slides is None for seat in others)

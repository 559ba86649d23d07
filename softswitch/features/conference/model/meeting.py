"""One meeting, as it stands: who is here, how the room is set, and who is heard by whom."""

from collections.abc import Iterator
from typing import Literal

from softswitch.events import MemberChanged, MemberRole, RoomChanged, RoomMode
from softswitch.features.conference.model.effects import Announce, Effect, Hear, Level, Redraw, Refused, Say, Spoken
from softswitch.features.conference.model.keypad import Keys
from softswitch.features.conference.model.members import HERE, Member
from softswitch.features.conference.model.rules import MOST_MEMBERS, Layout, Rules


class Meeting:
    """Kept up by `arriving` and `ordering`; `Room` lets time go on in it."""

    def __init__(self, rules: Rules, now: int) -> None:
        self.rules = rules
        self.began_at = self.now = now
        self.out: list[Effect] = []
        self.members: dict[int, Member] = {}
        """All of this meeting, also those who have left."""
        self.wanted: dict[int, Member] = {}
        """Those of them who are called, or will be."""
        self.keys: dict[int, Keys] = {}
        """What members have pressed of a code."""
        self.mode: RoomMode = rules.mode
        self.locked = False
        self.guests_muted = rules.muted_guests
        self.layout: Layout = rules.layout
        self.content_in_mix = False
        self.spotlight: int | None = None
        self.recording: Literal["off", "on", "paused"] = "off"
        self.speaker: int | None = None
        self.last_seen: int | None = None
        """Of those with video, who has spoken last: it is seen while somebody without speaks."""
        self.most = 0
        """How many were in it at once."""
        self.closed = ""
        """Why it is over; empty: it is not."""
        self.count = 0
        """How many members it has had."""
        self.warned: int | None = None
        """How many minutes before its end all have been told so last; None: not yet."""
        self.music = False
        """Whether who is alone hears music."""
        self.away_until: int | None = None
        """Until when those are awaited who were here when the switch was killed; None: nobody is."""
        self.records_again = False
        """Whether what was recorded then is to be recorded again, once somebody is back."""
        self._levels: dict[int, tuple[bool, bool, float]] = {}
        self._heard: dict[tuple[int, int], float | None] = {}

    # Who ------------------------------------------------------------------------------------------------------

    def new_id(self) -> int:
        self.count += 1
        return self.count

    def inside(self) -> Iterator[Member]:
        """Those who are in the mix."""
        return (member for member in self.members.values() if member.is_in)

    def in_room(self) -> Iterator[Member]:
        """Those, and who was in it and is awaited back."""
        return (member for member in self.members.values() if member.state == "in")

    def here(self) -> Iterator[Member]:
        """Those, and who waits in the lobby."""
        return (member for member in self.members.values() if member.state in HERE)

    def people(self) -> Iterator[Member]:
        """Those who are here and are no cameras, which alone make no meeting."""
        return (member for member in self.here() if not member.is_camera)

    def is_full(self, role: MemberRole) -> bool:
        """Whether nobody of this role gets in any more. A host does while guests, who may all wait in the lobby for
        one, are as many as the room takes."""
        return sum(1 for _ in self.people()) >= (MOST_MEMBERS if role == "host" else self.rules.most)

    def has_host(self) -> bool:
        return any(member.is_host for member in self.in_room())

    def awaited(self) -> bool:
        """Whether somebody is called, or will be."""
        return bool(self.wanted)

    # What is told ---------------------------------------------------------------------------------------------

    def refuse(self, error_id: str, message: str) -> None:
        self.out.append(Refused(error_id, message))

    def knows_no(self, member: int) -> None:
        """Refuse what is wanted of a member, or with one, that there is not."""
        self.out.append(Refused("no-member", f"there is no member {member} in the room", member))

    def say(self, member: Member, *prompts: Spoken) -> None:
        if member.is_in:
            self.out.append(Say(member.id, prompts))

    def announce(self, prompt: str, name_file: str = "", then: tuple[Spoken, ...] = ()) -> None:
        self.out.append(Announce(prompt, name_file, then))

    def tell_room(self, by: str) -> None:
        """The room is another, and with it perhaps what is heard and seen."""
        self.out.append(
            RoomChanged(
                at=self.now,
                room=self.rules.number,
                meeting=self.began_at,
                mode=self.mode,
                locked=self.locked,
                guests_muted=self.guests_muted,
                layout=self.layout,
                content_in_mix=self.content_in_mix,
                spotlight=self.spotlight,
                recording=self.recording,
                by=by,
            )
        )
        self.level()
        self.out.append(Redraw())

    def tell_member(self, member: Member, by: str) -> None:
        """A member is another."""
        self.out.append(
            MemberChanged(
                at=self.now,
                room=self.rules.number,
                meeting=self.began_at,
                member=member.id,
                name=member.name,
                role=member.role,
                muted=member.muted,
                muted_by_host=member.muted_by_host,
                deaf=member.deaf,
                gain=member.gain,
                hand=member.hand,
                floor=member.floor,
                video_off=member.video_off,
                presenter=member.presenter,
                pinned=member.pinned,
                terminal=member.terminal,
                held=member.held,
                by=by,
            )
        )
        self.level(member)
        self.out.append(Redraw())

    # Who is heard ---------------------------------------------------------------------------------------------

    def may_speak(self, member: Member) -> bool:
        """Whether a member is heard by all if it does not mute itself."""
        if member.muted_by_host:
            return False
        return member.is_host or member.floor or (self.mode == "conference" and not self.guests_muted)

    def heard_by_hosts(self, member: Member) -> bool:
        """Whether hosts hear a member who has not muted itself: in training, the teacher hears each who learns."""
        return self.may_speak(member) or (
            self.mode == "training" and not member.muted_by_host and not self.guests_muted
        )

    def level(self, only: Member | None = None) -> None:
        """Tell of those whose sound is to be treated otherwise than before; `only`: nobody else has changed."""
        if only is not None and not self._own_rules:
            if only.is_in:
                self._set_level(only)
            return
        inside = list(self.inside())
        for member in inside:
            self._set_level(member)
        if not self._own_rules:
            return
        ids = {member.id for member in inside}
        self._heard = {pair: gain for pair, gain in self._heard.items() if ids.issuperset(pair)}
        for listener in (member for member in inside if member.is_host):
            for speaker in inside:
                if speaker is not listener and not speaker.is_host:
                    self._let_hear(listener, speaker)
        for pair in self._heard:
            listener, speaker = self.members[pair[0]], self.members[pair[1]]
            if not listener.is_host or speaker.is_host:
                self._let_hear(listener, speaker)

    @property
    def _own_rules(self) -> bool:
        """Whether some hear others otherwise than all do, or are to."""
        return self.mode == "training" or bool(self._heard)

    def _set_level(self, member: Member) -> None:
        level = (member.muted or member.held or not self.may_speak(member), member.deaf, member.gain)
        if self._levels.get(member.id, (False, False, 0.0)) != level:
            self.out.append(Level(member.id, *level))
        self._levels[member.id] = level

    def _let_hear(self, listener: Member, speaker: Member) -> None:
        """Once a pair has an own rule in the mix, it must be kept up: the mix goes by it from then on."""
        heard = self.heard_by_hosts(speaker) if listener.is_host else self.may_speak(speaker)
        gain = speaker.gain if heard and not (speaker.muted or speaker.held) else None
        pair = (listener.id, speaker.id)
        if pair not in self._heard or self._heard[pair] != gain:
            self._heard[pair] = gain
            self.out.append(Hear(listener.id, speaker.id, gain))

    def forget(self, member: Member, reason: str) -> None:
        """A member is here no more."""
        member.state, member.left, member.call, member.away = "left", reason, None, False
        member.hand = member.floor = member.presenter = False
        member.hand_at = None
        for other in self.in_room():
            if other.pinned == member.id:
                other.pinned = None
        if self.speaker == member.id:
            self.speaker = None
        if self.spotlight == member.id:
            self.spotlight = None
            self.tell_room(f"member {member.id}")
        self.sound_forgotten(member)

    def sound_forgotten(self, member: Member) -> None:
        """A member comes into the mix anew: nothing of what was said about its sound holds there."""
        self._levels.pop(member.id, None)
        self._heard = {pair: gain for pair, gain in self._heard.items() if member.id not in pair}

"""/api/v1/conferences."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse

from softswitch.features.conference.files import KINDS, MeetingFiles
from softswitch.features.conference.live import LiveRoom
from softswitch.features.conference.model import inputs
from softswitch.features.conference.model.camera_urls import masked
from softswitch.features.conference.model.members import Member
from softswitch.features.conference.model.rules import Camera, Invitee, Rules
from softswitch.features.conference.model.schedule import Entry
from softswitch.features.conference.schedule import Schedule
from softswitch.features.conference.service import Conferences
from softswitch.features.conference.shapes import (
    CameraIn,
    EntryIn,
    EntryOut,
    InviteeIn,
    InviteIn,
    MeetingChanges,
    MemberChanges,
    MemberOut,
    MoveIn,
    NewRoom,
    PinIn,
    RecordingOut,
    RoomChanges,
    RoomOut,
    SpotlightIn,
    UnlockIn,
)
from softswitch.kernel.errors import Invalid
from softswitch.kernel.ids import CallId
from softswitch.platform.audit import Audit
from softswitch.platform.auth import Admin, Identity, Operator
from softswitch.platform.rest import Key, Page, Paging, Writing, wall_ms
from softswitch.platform.rest import Name as EntryName

_OF_MEMBER: dict[str, Callable[[str, int, Any], inputs.Input]] = {
    "name": lambda by, member, value: inputs.Rename(by=by, member=member, name=value),
    "role": lambda by, member, value: inputs.SetRole(by=by, member=member, role=value),
    "muted": lambda by, member, value: inputs.Mute(by=by, member=member, on=value),
    "deaf": lambda by, member, value: inputs.Deafen(by=by, member=member, on=value),
    "gain": lambda by, member, value: inputs.SetGain(by=by, member=member, gain=value),
    "hand": lambda by, member, value: inputs.RaiseHand(by=by, member=member, on=value),
    "floor": lambda by, member, value: inputs.GiveFloor(by=by, member=member, on=value),
    "video_off": lambda by, member, value: inputs.TurnVideo(by=by, member=member, off=value),
    "presenter": lambda by, member, value: inputs.Present(by=by, member=member, on=value),
}
_OF_ROOM: dict[str, Callable[[str, Any], inputs.Input]] = {
    "mode": lambda by, value: inputs.SetMode(by=by, mode=value),
    "locked": lambda by, value: inputs.Lock(by=by, on=value),
    "guests_muted": lambda by, value: inputs.MuteGuests(by=by, on=value),
    "layout": lambda by, value: inputs.SetLayout(by=by, layout=value),
    "content_in_mix": lambda by, value: inputs.MixContent(by=by, on=value),
    "recording": lambda by, value: inputs.Record(by=by, to=value),
}


def build_router(conferences: Conferences, schedule: Schedule, files: MeetingFiles) -> APIRouter:
    """The routes. Who changes rooms must be an administrator; who does something in a meeting, an operator."""
    router = APIRouter(prefix="/conferences", tags=["conferences"])

    def show(rules: Rules) -> RoomOut:
        room = conferences.now(rules.number)
        values = msgspec.to_builtins(rules)
        return RoomOut.model_validate(
            {
                **values,
                "cameras": [
                    {"name": each.name, "url": masked(each.url), "sound": each.sound} for each in rules.cameras
                ],
                "has_pin": bool(rules.pin),
                "has_host_pin": bool(rules.host_pin),
                "locked_out": conferences.door.locked(rules.number),
                "meeting": None if room is None else _meeting(room),
            }
        )

    @router.get("")
    async def list_(paging: Paging) -> Page[RoomOut]:
        """The rooms, by number."""
        rows = conferences.page(paging.after(str), paging.limit + 1)
        return paging.page(rows, lambda rules: rules.number, show)

    @router.post("", status_code=201)
    async def create(body: NewRoom, session: Writing, who: Admin) -> RoomOut:
        """Make a room; with `call` its members are called at once: an emergency needs no more than this."""
        values = body.model_dump(exclude={"call", "number"})
        values["members"] = tuple(_invitee(each) for each in body.members)
        values["cameras"] = tuple(_camera(each, ()) for each in body.cameras)
        if body.call and not any(member.number for member in body.members):
            raise Invalid("members", "there is nobody to call")
        rules = await conferences.create(session, Rules(number=body.number or "", **values))
        if body.call:
            session.after_commit(lambda: conferences.start(rules.number, _by(who)))
        return show(rules)

    @router.get("/{number}")
    async def get(number: Key) -> RoomOut:
        """One room."""
        return show(conferences.rules(number))

    @router.patch("/{number}")
    async def change(number: Key, body: RoomChanges, session: Writing, who: Admin) -> RoomOut:
        """Change what the body names. A meeting that goes on keeps its mode, layout and lock."""
        named = body.named()
        if "members" in named:
            named["members"] = tuple(_invitee(each) for each in body.members)
        if "cameras" in named:
            had = conferences.rules(number).cameras
            named["cameras"] = tuple(_camera(each, had) for each in body.cameras)
        return show(await conferences.change(session, number, named))

    @router.delete("/{number}", status_code=204)
    async def remove(number: Key, session: Writing, who: Admin) -> None:
        """Delete a room in which nobody is."""
        await conferences.remove(session, number)

    @router.post("/{number}/unlock", status_code=204)
    async def unlock(number: Key, who: Operator, body: UnlockIn | None = None) -> None:
        """Forget wrong PINs: those keyed in at the room by anybody, or those of a caller at any room."""
        conferences.rules(number)
        if body is None or body.caller is None:
            conferences.door.unlock(number)
        else:
            conferences.door.unlock_caller(body.caller)

    # The meeting ----------------------------------------------------------------------------------------------

    @router.post("/{number}/start", status_code=202)
    async def start(number: Key, who: Operator) -> RoomOut:
        """Call all members of the room, and again those who do not come."""
        conferences.start(number, _by(who))
        return show(conferences.rules(number))

    @router.patch("/{number}/meeting")
    async def change_meeting(number: Key, body: MeetingChanges, who: Operator) -> RoomOut:
        """Change what the body names of the meeting that goes on."""
        room = conferences.meeting(number)
        for name, value in body.named().items():
            room.order(_OF_ROOM[name](_by(who), value))
        return show(conferences.rules(number))

    @router.put("/{number}/meeting/spotlight")
    async def spotlight(number: Key, body: SpotlightIn, who: Operator) -> RoomOut:
        """Let all see a member, whoever speaks."""
        conferences.meeting(number).order(inputs.Spotlight(by=_by(who), shown=body.shown))
        return show(conferences.rules(number))

    @router.post("/{number}/meeting/next-hand")
    async def next_hand(number: Key, who: Operator) -> RoomOut:
        """Give the floor to who raised its hand first; guests who have it have it no more."""
        conferences.meeting(number).order(inputs.NextHand(by=_by(who)))
        return show(conferences.rules(number))

    @router.delete("/{number}/meeting", status_code=204)
    async def end(number: Key, who: Operator) -> None:
        """End the meeting for all."""
        conferences.meeting(number).order(inputs.End(by=_by(who)))

    @router.get("/{number}/members")
    async def list_members(number: Key, paging: Paging) -> Page[MemberOut]:
        """Who is in the meeting, was, or is called: the roster."""
        conferences.rules(number)
        room, after = conferences.now(number), paging.after(int)
        members = [] if room is None else list(room.meeting.members.values())
        rows = [member for member in members if after is None or member.id > after][: paging.limit + 1]
        return paging.page(rows, lambda member: member.id, lambda member: _member(room, member))

    @router.post("/{number}/members", status_code=202)
    async def invite(number: Key, body: InviteIn, who: Operator) -> RoomOut:
        """Call some into the room, or bring in the parties of a live call."""
        if body.call is None and not any(member.number for member in body.members):
            raise Invalid("members", "there is nobody to call")
        if body.members:
            conferences.invite(number, [_invitee(each) for each in body.members], _by(who), body.attempts)
        if body.call is not None:
            conferences.bring(number, CallId(body.call))
        return show(conferences.rules(number))

    @router.patch("/{number}/members/{member}")
    async def change_member(number: Key, member: int, body: MemberChanges, who: Operator) -> MemberOut:
        """Change what the body names."""
        room = conferences.meeting(number)
        for name, value in body.named().items():
            room.order(_OF_MEMBER[name](_by(who), member, value))
        return _member(room, room.member(member))

    @router.put("/{number}/members/{member}/pinned")
    async def pin(number: Key, member: int, body: PinIn, who: Operator) -> MemberOut:
        """Let a member see another, whoever speaks."""
        room = conferences.meeting(number)
        room.order(inputs.Pin(by=_by(who), member=member, shown=body.shown))
        return _member(room, room.member(member))

    @router.post("/{number}/members/{member}/admit")
    async def admit(number: Key, member: int, who: Operator) -> MemberOut:
        """Let somebody in who waits in the lobby."""
        room = conferences.meeting(number)
        room.order(inputs.Admit(by=_by(who), member=member))
        return _member(room, room.member(member))

    @router.post("/{number}/members/{member}/move", status_code=202)
    async def move(number: Key, member: int, body: MoveIn, who: Operator) -> MemberOut:
        """Let somebody go on to another room, as who it is here, without being asked for a PIN."""
        room = conferences.meeting(number)
        conferences.move(number, member, body.room, _by(who))
        return _member(room, room.member(member))

    @router.delete("/{number}/members/{member}", status_code=204)
    async def kick(number: Key, member: int, who: Operator) -> None:
        """Remove somebody from the meeting, or call it no more."""
        conferences.meeting(number).order(inputs.Kick(by=_by(who), member=member))

    # The schedule ---------------------------------------------------------------------------------------------

    @router.get("/{number}/schedule")
    async def list_entries(number: Key, paging: Paging) -> Page[EntryOut]:
        """When the room has meetings, by name."""
        after = paging.after(str)
        rows = [entry for entry in schedule.of(number) if after is None or entry.name > after][: paging.limit + 1]
        return paging.page(rows, lambda entry: entry.name, lambda entry: _entry(schedule, entry))

    @router.put("/{number}/schedule/{name}")
    async def put_entry(number: Key, name: EntryName, body: EntryIn, session: Writing, who: Admin) -> EntryOut:
        """Add a meeting to the schedule, once or again and again, or change it."""
        values = body.model_dump(exclude={"members", "starts_at", "until"})
        values["remind"] = tuple(body.remind)
        entry = Entry(
            name=name,
            starts_at=wall_ms(body.starts_at),
            until=wall_ms(body.until),
            members=tuple(_invitee(each) for each in body.members),
            **values,
        )
        return _entry(schedule, await schedule.put(session, number, entry))

    @router.delete("/{number}/schedule/{name}", status_code=204)
    async def remove_entry(number: Key, name: Key, session: Writing, who: Admin) -> None:
        """Take a meeting out of the schedule."""
        await schedule.remove(session, number, name)

    # What was recorded ----------------------------------------------------------------------------------------

    @router.get("/{number}/recordings")
    async def list_recordings(number: Key, paging: Paging, who: Operator) -> Page[RecordingOut]:
        """What was recorded of the room's meetings, the oldest first; also of a room that is gone."""
        found = await files.list(number)
        if not found:
            conferences.rules(number)
        after = paging.after(int, str)
        rows = [each for each in found if after is None or (each.meeting, each.name) > after]
        return paging.page(
            rows[: paging.limit + 1],
            lambda each: (each.meeting, each.name),
            lambda each: RecordingOut.model_validate(
                {"name": each.name, "began_at": each.meeting, "bytes": each.bytes}
            ),
        )

    @router.get("/{number}/recordings/{name}", response_class=FileResponse)
    async def recording(number: Key, name: Key, who: Operator, request: Request) -> FileResponse:
        """The file. Who took it is noted in the audit log."""
        path = files.path(number, name)
        audit: Audit | None = request.app.state.audit
        if audit is not None:
            source = request.client.host if request.client else ""
            audit.note(who=who.name, source=source, action=f"GET {request.url.path}", status=200)
        return FileResponse(path, media_type=KINDS[path.suffix], filename=f"{number}-{path.name}")

    @router.delete("/{number}/recordings/{name}", status_code=204)
    async def remove_recording(number: Key, name: Key, who: Admin) -> None:
        """Delete the file."""
        await files.remove(number, name)
        conferences.recording_deleted(number, name, _by(who))

    return router


def _entry(schedule: Schedule, entry: Entry) -> EntryOut:
    return EntryOut.model_validate({**msgspec.to_builtins(entry), "next": schedule.next(entry)})


def _by(who: Identity) -> str:
    return f"api/{who.name}"


def _invitee(body: InviteeIn) -> Invitee:
    return Invitee(**body.model_dump())


def _camera(body: CameraIn, had: Sequence[Camera]) -> Camera:
    """One that is given as it was shown has the password that it had."""
    known = next((each for each in had if each.name == body.name and masked(each.url) == body.url), None)
    return Camera(name=body.name, url=body.url if known is None else known.url, sound=body.sound)


def _meeting(room: LiveRoom) -> dict[str, Any]:
    meeting = room.meeting
    states = [member.state for member in meeting.members.values() if not member.is_camera]
    return {
        "began_at": meeting.began_at,
        "mode": meeting.mode,
        "locked": meeting.locked,
        "guests_muted": meeting.guests_muted,
        "layout": meeting.layout,
        "content_in_mix": meeting.content_in_mix,
        "spotlight": meeting.spotlight,
        "recording": meeting.recording,
        "speaker": meeting.speaker,
        "members": states.count("in"),
        "cameras": sum(member.is_camera for member in meeting.inside()),
        "waiting": states.count("lobby"),
        "awaited": sum(states.count(state) for state in ("invited", "calling", "ringing")),
    }


def _member(room: LiveRoom | None, member: Member) -> MemberOut:
    same = MemberOut.model_fields.keys() - {"member", "call_id", "speaking"}
    return MemberOut.model_validate(
        {
            **{name: getattr(member, name) for name in same},
            "member": member.id,
            "call_id": member.call,
            "speaking": room is not None and room.meeting.speaker == member.id,
        }
    )

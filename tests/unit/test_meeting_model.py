"""A meeting as a machine: who somebody is that comes by itself."""

from softswitch.events import MemberJoined, MemberWaits
from softswitch.features.conference.model.inputs import Came, CameOfCall, Invite
from softswitch.features.conference.model.room import Room
from softswitch.features.conference.model.rules import Invitee, Rules
from softswitch.features.conference.model.scene import scene
from softswitch.kernel.ids import CallId


def invited() -> Room:
    """A room with a lobby that calls a host and a guest."""
    room = Room(Rules(number="3100", host_pin="4321", lobby=True), 1000)
    room.step(1000, Invite(by="test", invitees=(Invitee(number="1001", role="host"), Invitee(number="1002"))))
    return room


def states(room: Room) -> list[tuple[int, str, str]]:
    return [(member.id, member.role, member.state) for member in room.meeting.members.values()]


def test_who_only_has_the_number_of_a_host_is_none() -> None:
    room = invited()
    effects = room.step(2000, Came(call=CallId("a"), number="1001"))
    assert any(isinstance(effect, MemberWaits) for effect in effects)
    assert not any(isinstance(effect, MemberJoined) for effect in effects)
    assert states(room) == [(1, "host", "calling"), (2, "guest", "calling"), (3, "guest", "lobby")]
    # The host itself still comes, by its account or with the hosts' PIN.
    for came in (
        Came(call=CallId("b"), number="1001", account="1001"),
        Came(call=CallId("b"), number="1001", role="host"),
    ):
        room = invited()
        room.step(2000, came)
        assert states(room) == [(1, "host", "in"), (2, "guest", "calling")]


def test_a_guest_that_is_called_and_comes_by_itself_is_called_no_more() -> None:
    room = invited()
    room.step(2000, Came(call=CallId("a"), number="1002"))
    assert states(room) == [(1, "host", "calling"), (2, "guest", "lobby")]


def test_guests_who_fill_the_lobby_keep_no_host_out() -> None:
    room = Room(Rules(number="3100", host_pin="4321", lobby=True, most=2), 1000)
    for guest in ("1001", "1002", "1003"):
        room.step(2000, Came(call=CallId(guest), number=guest))
    room.step(3000, Came(call=CallId("host"), number="1004", role="host"))
    assert states(room) == [(1, "guest", "in"), (2, "guest", "in"), (3, "host", "in")]


def test_who_was_called_as_an_account_is_shown_by_its_number() -> None:
    room = Room(Rules(number="3100"), 1000)
    room.step(1000, Invite(by="test", invitees=(Invitee(number="account/1004"), Invitee(number="7001", name="Ann"))))
    for member in (1, 2):
        room.step(2000, CameOfCall(member=member, attempt=1, call=CallId(f"to-{member}")))
    assert [tile.name for tile in scene(room.meeting).tiles] == ["1004", "Ann"]

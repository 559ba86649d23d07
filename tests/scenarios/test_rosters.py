"""A room is a focus (RFC 4579): phones in it watch who else is there (RFC 4575), bring others in, and make rooms."""

import asyncio
from xml.etree import ElementTree

from softswitch.features.conference.model.rules import Invitee
from tests.support.model_watcher import Watcher
from tests.support.rooms import broken_rooms, furnish, inside, member_of, roster, until
from tests.support.stories import registered, taken
from tests.support.switch import SimulatedSwitch

NS = "{urn:ietf:params:xml:ns:conference-info}"


class Board:
    """What a watcher knows of a room, by what it was told since the last whole document."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {}
        self.state = ""

    def read(self, watcher: Watcher) -> None:
        root = ElementTree.fromstring(watcher.body)
        self.state = root.attrib["state"]
        if self.state == "full":
            self.users.clear()
        for user in root.iter(f"{NS}user"):
            number = user.attrib["entity"].partition(":")[2].partition("@")[0]
            self.users[number] = user.findtext(f"{NS}endpoint/{NS}status") or ""
            if user.attrib["state"] == "deleted":
                del self.users[number]


async def test_who_is_in_a_room_sees_who_else_comes_and_goes(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    call = await inside(house, alice, "3000")
    assert call._target.startswith("sip:3000@"), "the Contact names the room"
    watcher, board = alice.watch("conference", "3000"), Board()
    assert await watcher.subscribe() == 200
    await watcher.until(lambda each: each.heard == 1)
    board.read(watcher)
    assert (board.state, board.users) == ("full", {"1001": "connected"})
    guest = await inside(house, bob, "3000")
    await watcher.until(lambda each: "1002" in each.body)
    board.read(watcher)
    assert (board.state, board.users) == ("partial", {"1001": "connected", "1002": "connected"})
    outsider = carol.watch("conference", "3000")
    assert await outsider.subscribe() == 403
    assert await carol.watch("conference", "3999").subscribe() == 404
    guest.hang_up()
    await watcher.until(lambda each: 'state="deleted"' in each.body)
    board.read(watcher)
    assert board.users == {"1001": "connected"}
    call.hang_up()
    await watcher.until(lambda each: each.ended == "rejected")
    await house.settled()


async def test_who_belongs_to_a_room_may_watch_it_from_outside(house: SimulatedSwitch) -> None:
    furnish(house, "3000", members=(Invitee(number="1002", role="host"),))
    alice, bob = await registered(house, "1001", "1002")
    watcher = bob.watch("conference", "3000")
    assert await watcher.subscribe() == 200
    await watcher.until(lambda each: "<active>false</active>" in each.body)
    call = await inside(house, alice, "3000")
    house.press(call, "*6")
    await watcher.until(lambda each: "<status>recvonly</status>" in each.body)
    call.hang_up()
    await watcher.until(lambda each: "<user-count>0</user-count>" in each.body)
    await watcher.subscribe(0)
    await house.settled()


async def test_a_phone_in_a_room_refers_somebody_to_it(house: SimulatedSwitch) -> None:
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    asks = await inside(house, alice, "3000")
    asks.refer("1002")
    comes = await taken(bob)
    await until(lambda: asks.told[-1:] == [200])
    assert (asks.referred, asks.told, asks.subscribed) == (202, [100, 200], "terminated")
    assert house.all_hear_each_other(asks, comes)
    assert comes._target.startswith("sip:3000@"), "who was called is told of the room, too"
    asks.refer("1003")
    (await carol.rings()).refuse(603)
    await until(lambda: asks.told[-1:] == [603], within=200)
    assert roster(house, "3000") == {"1001": "in", "1002": "in", "1003": "unreached"}
    asks.refer("1002")
    await until(lambda: asks.told[-1:] == [200])
    assert broken_rooms(house) == []
    for call in (asks, comes):
        call.hang_up()
    await house.settled()


async def test_only_hosts_refer_where_the_room_reaches_further_than_they_do(house: SimulatedSwitch) -> None:
    furnish(house, "3001", context="board")
    alice, bob = await registered(house, "1001", "1002")
    guest = await inside(house, alice, "3001", "1234#")
    guest.refer("1002")
    await until(lambda: guest.told[-1:] == [403])
    guest.refer("1003", replaces=guest)
    await until(lambda: guest.referred == 481 or guest.told[-1:] == [501])
    assert roster(house, "3001") == {"1001": "in"}
    assert not bob.calls
    guest.hang_up()
    await house.settled()


async def test_the_factory_makes_a_room_whose_host_is_who_called_it(house: SimulatedSwitch) -> None:
    alice, bob = await registered(house, "1001", "1002")
    call = alice.call("3099")
    await call.until("up")
    number = call._target.partition(":")[2].partition("@")[0]
    assert number == "3100"
    await until(lambda: house.features.conferences.now(number) is not None)
    assert member_of(house, number, "1001").role == "host"
    guest = await inside(house, bob, number)
    assert house.all_hear_each_other(call, guest)
    call.hang_up()
    guest.hang_up()
    await until(lambda: not house.features.conferences.exists(number))
    await asyncio.sleep(1)
    await house.settled()


async def test_who_waits_in_the_lobby_is_told_of_nobody_until_it_is_let_in(house: SimulatedSwitch) -> None:
    furnish(house, "3000", lobby=True, members=(Invitee(number="1001", role="host"),))
    alice, bob, carol = await registered(house, "1001", "1002", "1003")
    waits = carol.call("3000")
    await waits.until("up")
    await until(lambda: "1003" in roster(house, "3000"))
    watcher = carol.watch("conference", "3000")
    assert await watcher.subscribe() == 200
    await watcher.until(lambda each: "<user-count>0</user-count>" in each.body)
    other = bob.call("3000")
    await until(lambda: "1002" in roster(house, "3000"))
    await asyncio.sleep(5)
    assert "sip:100" not in watcher.body
    waits.refer("1002")  # brings nobody in
    await asyncio.sleep(5)
    assert roster(house, "3000") == {"1003": "lobby", "1002": "lobby"}
    host = await inside(house, alice, "3000")
    await watcher.until(lambda each: "sip:1002@" in each.body and "sip:1001@" in each.body)
    for call in (waits, other, host):
        call.hang_up()
    await house.settled()

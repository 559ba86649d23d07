"""A random day of conference rooms, all from one seed, and what must hold of them at any time."""

import asyncio
import contextlib
import random

from msgspec.structs import replace

from softswitch.features.conference.live import LiveRoom
from softswitch.features.conference.model import inputs
from softswitch.features.conference.model.rules import LAYOUTS, Camera, Invitee, Rules
from softswitch.features.conference.model.scene import shown_to
from softswitch.features.conference.service import Conferences
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import LegId
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.rooms import broken_rooms, lasting_cameras, unbalanced
from tests.support.sip_text import SdpVideo
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop, run

URL = "rtsp://viewer:secret@camera.example.com/1"
CAMERAS = ("Gate", "Yard", "Bench")
ROOMS = ("3000", "3001", "3100", "3101")
MODES = ("conference", "lecture", "training")
H264 = ("97", "H264/90000", "profile-level-id=42e01f;packetization-mode=1")
PICTURE = SdpVideo(1, (H264,), feedback=("nack pli",))
SIGHTS: tuple[tuple[SdpVideo, ...], ...] = (
    (),
    (),
    (PICTURE,),
    (PICTURE, SdpVideo(1, (H264,), content="slides")),
)
"""What phones may have of pictures."""


def live_a_day(seed: int, *, kills: bool = False) -> list[str]:
    """Gives what went wrong. With `kills` the switch is killed now and then, and comes back."""

    async def main(loop: VirtualTimeLoop) -> list[str]:
        return await Day(loop, seed, kills=kills).live()

    return run(main, seed=seed)


class Day:
    """People come into rooms, press keys, are called, leave; somebody orders this and that."""

    def __init__(self, loop: VirtualTimeLoop, seed: int, *, kills: bool) -> None:
        self._loop = loop
        self._chance = chance = random.Random(f"rooms {seed}")
        self._cameras = random.Random(f"cameras {seed}")
        self._kills = random.Random(f"kills {seed}") if kills else None
        self._dead = False
        disk = self._kills.choice((0.0, 0.005, 0.05, 0.5)) if self._kills is not None else 0.0
        self.house = SimulatedSwitch(loop, seed=seed, journal=kills, disk_seconds=disk)
        for number in ROOMS[2:]:
            self._conferences._take(Rules(number=number))
        for number in ROOMS:
            rules = self._conferences.rules(number)
            self._conferences._take(
                replace(
                    rules,
                    mode=chance.choice(MODES),
                    lobby=bool(rules.host_pin) and chance.random() < 0.5,
                    ends_with_host=chance.random() < 0.5,
                    muted_guests=chance.random() < 0.3,
                    announce=chance.choice(("none", "tone", "name")),
                    pictures=chance.choice(("switch", "switch", "compose", "off")),
                    most=chance.choice((2, 4, 100)),
                    record=chance.random() < 0.3,
                    counts=chance.random() < 0.5,
                    music_alone=chance.random() < 0.5,
                    most_minutes=chance.choice((0, 0, 1)),
                    rings=chance.random() < 0.3,
                    members=tuple(
                        Invitee(number=str(1001 + chance.randrange(8)), role=chance.choice(("host", "guest")))
                        for _ in range(chance.randrange(3))
                    ),
                    attempts=chance.randint(1, 3),
                    retry_seconds=chance.choice((5, 20)),
                    cameras=tuple(
                        Camera(name=name, url=URL, sound=self._cameras.random() < 0.7)
                        for name in CAMERAS[: self._cameras.choice((0, 0, 1, 2))]
                    ),
                )
            )
        self._found: list[str] = []

    @property
    def _conferences(self) -> Conferences:
        return self.house.features.conferences

    async def live(self) -> list[str]:
        chance, house = self._chance, self.house
        phones = [house.phone(str(1001 + number)) for number in range(8)]
        for phone in phones:
            assert await phone.register() == 200
            phone.on_call = self._called
            # A phone that rang when the switch was killed answers nobody.
            phone.expects_acks = self._kills is None
            phone.sees = chance.choice(SIGHTS)
        until = self._loop.time() + 120
        watch = asyncio.create_task(self._watch())
        killer = asyncio.create_task(self._killer(until))
        people = (self._person(phone, until) for phone in phones)
        await asyncio.gather(*people, self._operator(until), self._cameraman(until))
        await killer
        watch.cancel()
        for number in ROOMS:
            room = self._conferences.now(number)
            if room is not None:
                room.tell(inputs.End(by="the day"))
        for phone in phones:
            for call in phone.calls:
                if call.state != "over":
                    (call.hang_up if call.state == "up" else call.cancel)()
        await asyncio.sleep(60)
        found = [*self._found, *await house.reckoning(), *unbalanced(house.facts)]
        if self._conferences._live:
            found.append(f"rooms live on: {list(self._conferences._live)}")
        if self._kills is None:  # a camera that came just before a kill may never have been written down
            found += lasting_cameras(house.facts)
        if house.features.pictures.cameras:
            found.append(f"cameras are fetched for nobody: {house.features.pictures.cameras}")
        assert chance is not None
        return found

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            if self._dead:
                continue
            self._found += broken_rooms(self.house)
            self._found += self._misheard()
            for number, room in self._conferences._live.items():
                self._found += [f"{number}: {each}" for each in self._missed_sights(room)]

    async def _killer(self, until: float) -> None:
        chance = self._kills
        while chance is not None and self._loop.time() < until:
            await asyncio.sleep(2 + chance.random() * 30)
            self._dead = True
            self.house.die()
            await asyncio.sleep(chance.choice((0.2, 2.0, 6.0)))
            self.house.rise()
            self._dead = False

    def _misheard(self) -> list[str]:
        """Who is heard is who may be, by the roster."""
        found = []
        for number, room in self._conferences._live.items():
            meeting = room.meeting
            inside = [each for each in meeting.inside() if not each.is_camera or room.seats.get(each.id) is not None]
            for speaker in inside:
                for listener in inside:
                    if speaker is listener:
                        continue
                    by_host = listener.is_host and meeting.heard_by_hosts(speaker)
                    wanted = (meeting.may_speak(speaker) or by_host) and not speaker.muted
                    wanted = wanted and not speaker.held and not listener.deaf
                    legs = [room.seats[each.id].leg for each in (listener, speaker)]
                    assert legs[0] is not None and legs[1] is not None
                    if self.house.media.hears(LegId(legs[0]), LegId(legs[1])) != wanted:
                        found.append(f"{number} {meeting.mode}: {listener.id} should {wanted} hear {speaker.id}")
        return found

    def _missed_sights(self, room: LiveRoom) -> list[str]:
        """Who has video sees whom it is to see, and one presents at the most."""
        meeting, pictures = room.meeting, self.house.features.pictures
        presenters = [member.id for member in meeting.here() if member.presenter]
        found = [f"{presenters} present"] if len(presenters) > 1 else []
        composes = meeting.rules.pictures == "compose" or pictures.must_compose(room.mix)
        composed = composes and pictures.composes
        for viewer in meeting.people():
            leg = room.seats.leg(viewer.id)
            if leg is None:
                continue
            has = "audio" if meeting.rules.pictures == "off" else pictures.terminal(leg)
            if viewer.terminal != has:
                found.append(f"{viewer.id} is {viewer.terminal} and has {has}")
            elif viewer.sees and not composed:
                source = shown_to(meeting, viewer)
                wanted = None if source is None else room.seats[source].leg
                if pictures.shown.get(leg) != wanted:
                    found.append(f"{viewer.id} sees {pictures.shown.get(leg)} and not {wanted}")
        return found

    def _called(self, call: PhoneCall) -> None:
        what = self._chance.random()
        if what < 0.5:
            call.ring()
            self._loop.call_later(self._chance.random() * 4, call.answer)
        elif what < 0.8:
            call.refuse(self._chance.choice((486, 603, 480)))
        else:
            call.ring()

    async def _person(self, phone: Phone, until: float) -> None:
        chance = self._chance
        while self._loop.time() < until:
            await asyncio.sleep(chance.random() * 15)
            call = phone.call(chance.choice((*ROOMS, *ROOMS, str(1001 + chance.randrange(8)))))
            for _ in range(chance.randrange(8)):
                await asyncio.sleep(chance.random() * 4)
                if call.state == "up" and call.remote_sdp is not None:
                    keys = chance.choice(
                        ("1234#", "4321#", "0000#", "*6", "*5", "*7", "*3", "*8", "*4", "##", "#3", "*", "7")
                    )
                    with contextlib.suppress(StopIteration, AssertionError, KeyError):
                        self.house.press(call, keys)
                if chance.random() < 0.2:
                    await self._offer(call)
            if chance.random() < 0.2 and call.state == "up":
                call.refer(chance.choice(ROOMS))
                await asyncio.sleep(2)
            elif chance.random() < 0.2 and call.state == "up":
                await self._hand_over(phone, call)
            if call.state == "up":
                call.hang_up()
            elif call.state != "over":
                call.cancel()

    async def _offer(self, call: PhoneCall) -> None:
        """Hold, or take back; with or without pictures."""
        call.offers.shows = self._chance.random() < 0.5
        if call.state == "up" and not call.busy_offering:
            call.offer_again(self._chance.choice(("sendrecv", "sendrecv", "sendonly", "inactive")))
            await asyncio.sleep(self._chance.random())

    async def _hand_over(self, phone: Phone, call: PhoneCall) -> None:
        """Somebody else takes the place that a phone has: who is called meanwhile, or where it has called."""
        other = phone.call(self._chance.choice((*ROOMS, str(1001 + self._chance.randrange(8)))))
        with contextlib.suppress(TimeoutError):
            await other.until("up", "over", within=10)
        if other.state == "up" and call.state == "up":
            one, two = (call, other) if self._chance.random() < 0.5 else (other, call)
            one.refer(two.dialled, replaces=two)
            await asyncio.sleep(2)
        if other.state == "up":
            other.hang_up()
        elif other.state != "over":
            other.cancel()

    async def _operator(self, until: float) -> None:
        chance = self._chance
        while self._loop.time() < until:
            await asyncio.sleep(chance.random() * 3)
            number = chance.choice(ROOMS)
            if self._dead:
                continue
            with contextlib.suppress(Conflict, NotFound):
                self._order(number, chance)

    async def _cameraman(self, until: float) -> None:
        """Cameras come, break off, come back and go."""
        chance = self._cameras
        while self._loop.time() < until:
            await asyncio.sleep(chance.random() * 5)
            number, name, what = chance.choice(ROOMS), chance.choice(CAMERAS), chance.random()
            if self._dead:
                continue
            with contextlib.suppress(Conflict, NotFound):
                if what < 0.3:
                    await self._conferences.add_camera(number, name, URL, chance.random() < 0.7, "the day")
                elif what < 0.5:
                    self._conferences.remove_camera(number, name, "the day")
                elif self.house.features.pictures.lost:
                    told = self.house.features.pictures.lost
                    told[chance.choice(sorted(told))](chance.choice(("", "Connection refused")))

    def _order(self, number: str, chance: random.Random) -> None:
        what = chance.randrange(16)
        if what == 0:
            self._conferences.invite(number, [Invitee(number=str(1001 + chance.randrange(9)))], "the day")
            return
        if what == 1 and self.house.switch._calls:
            self._conferences.bring(number, chance.choice(sorted(self.house.switch._calls)))
            return
        if what == 2:
            self.house.features.pictures.composes = chance.random() < 0.7
            self._conferences.pictures_changed()
            return
        if what == 3:
            rules = self._conferences.rules(number)
            pictures = chance.choice(("switch", "compose", "off"))
            self._conferences._take(replace(rules, most=chance.choice((2, 4, 100)), pictures=pictures))
            return
        if what == 5:
            self._conferences.move(number, chance.randint(1, 9), chance.choice(ROOMS), "the day")
            return
        room = self._conferences.meeting(number)
        if what == 4:
            lines = sorted(self.house.media.lines)
            self._conferences.slides_flow(chance.choice(lines), chance.random() < 0.7) if lines else None
            return
        member, on = chance.randint(1, max(len(room.meeting.members), 1)), chance.random() < 0.5
        orders: tuple[inputs.Input, ...] = (
            inputs.Mute(by="x", member=member, on=on),
            inputs.Deafen(by="x", member=member, on=on),
            inputs.GiveFloor(by="x", member=member, on=on),
            inputs.RaiseHand(by="x", member=member, on=on),
            inputs.SetRole(by="x", member=member, role="host" if on else "guest"),
            inputs.Kick(by="x", member=member),
            inputs.Admit(by="x", member=member),
            inputs.SetMode(by="x", mode=chance.choice(("conference", "lecture", "training"))),
            inputs.MuteGuests(by="x", on=on),
            inputs.Record(by="x", to=chance.choice(("on", "off", "paused"))),
            inputs.Lock(by="x", on=on),
            inputs.NextHand(by="x"),
            inputs.TurnVideo(by="x", member=member, off=on),
            inputs.Present(by="x", member=member, on=on),
            inputs.Pin(by="x", member=member, shown=chance.randint(1, 9) if on else None),
            inputs.Spotlight(by="x", shown=member if on else None),
            inputs.Rename(by="x", member=member, name=chance.choice(("", "Li", "王伟"))),
            inputs.SetGain(by="x", member=member, gain=chance.choice((-20.0, 0.0, 20.0))),
            inputs.SetLayout(by="x", layout=chance.choice(LAYOUTS)),
            inputs.MixContent(by="x", on=on),
            inputs.Spoke(member),
            inputs.End(by="x") if chance.random() < 0.1 else inputs.Tick(),
        )
        room.order(chance.choice(orders))

"""The whole switch on virtual time: real but for sockets, sound and tables, which are models."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateways._native import SipEngine
from gateways.sip.ua.core import UserAgent
from gateways.sip.ua.server_location import Hop, Sought
from gateways.sip.ua.settings import UserAgentSettings
from softswitch.calls.restored import RestoredLeg
from softswitch.calls.signals import Invitation, LegCommand, Target
from softswitch.engine.bus import Bus
from softswitch.engine.journal import Journal
from softswitch.engine.switch import Switch
from softswitch.events import CallFact, Fact, LegArrived, LegMoved
from softswitch.features.cdr.model import Cdr
from softswitch.features.registrar.phones import candidates_of
from softswitch.kernel.address import HostPort
from softswitch.kernel.binding import Binding
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import CallId, IdSource, LegId
from softswitch.kernel.media import Direction
from softswitch.kernel.messages import Delivery, TextMessage
from softswitch.kernel.watching import Subject
from tests.support import invariants
from tests.support.demo_parts import ACCOUNTS, REALM, RING_SECONDS, DemoFeatures, password_of
from tests.support.disk import Disk, NoDisk
from tests.support.invariants import by_call, ended_by_death
from tests.support.model_media import ModelMedia
from tests.support.network import Conditions, Network
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.virtual_time import VirtualClock, VirtualTimeLoop

SWITCH = HostPort("10.0.0.1", 5060)
TRUNK = HostPort("10.0.0.80", 5080)
GUEST_HOST = "10.0.9.9"
TRANSPORT = 1

SILENCE_SECONDS = 600.0
LONGEST_TIMER = 64 * 0.5
"""Seconds: 64*T1, after which RFC 3261 has given up on everything."""


class SimulatedEndpoint:
    """In place of `endpoint.py`: moves the user agent's datagrams over the simulated network, and keeps its deadline.

    A `Signalling`, `Watchers` and `Courier` for the switch and a `Network` for the user agent.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, network: Network, address: HostPort) -> None:
        self._loop, self._network, self._address = loop, network, address
        self._timer: asyncio.TimerHandle | None = None
        self._settling: asyncio.Handle | None = None
        self.agent: UserAgent
        self.engine: SipEngine
        self._dead = False

    def die(self) -> None:
        """The process is killed: nothing is said any more, and nobody listens."""
        self._dead = True
        self._network.detach(self._address)
        for handle in (self._settling, self._timer):
            if handle is not None:
                handle.cancel()

    def start(self, engine: SipEngine, agent: UserAgent) -> None:
        self.engine, self.agent = engine, agent
        agent.open_transport(TRANSPORT, "udp", self._address)
        self._network.attach(self._address, self._receive)

    def dial(self, leg: LegId, invitation: Invitation) -> None:
        if self._dead:
            return
        self.agent.dial(leg, invitation, self._loop.time())
        self._settle_soon()

    def send(self, leg: LegId, command: LegCommand) -> None:
        if self._dead:
            return
        self.agent.command(leg, command, self._loop.time())
        self._settle_soon()

    def remembered(self, leg: LegId) -> bytes | None:
        return self.agent.remembered(leg, self._loop.time())

    def restore(self, leg: LegId, written: bytes) -> RestoredLeg:
        restored = self.agent.restore(leg, written, self._loop.time())
        self._settle_soon()
        return restored

    def deliver(self, target: Target, message: TextMessage, done: Callable[[Delivery], None]) -> None:
        self.agent.deliver(target, message, done, self._loop.time())
        self._settle_soon()

    def changed(self, subject: Subject, account: str) -> None:
        self.agent.changed(subject, account, self._loop.time())
        self._settle_soon()

    def reachable(self, account: str) -> None:
        self.agent.reachable(account, self._loop.time())
        self._settle_soon()

    def review(self, account: str) -> None:
        self.agent.review(account, self._loop.time())
        self._settle_soon()

    def unwatch(self, account: str) -> None:
        self.agent.unwatch(account, self._loop.time())
        self._settle_soon()

    def transport_to(self, hop: Hop) -> int | None:
        return TRANSPORT if hop.kind == "udp" else None

    def resolve(self, sought: Sought, found: Callable[[Sequence[Hop]], None]) -> None:
        def later() -> None:
            found(())
            self._settle()

        self._loop.call_soon(later)

    def close(self, transport: int) -> None:
        raise AssertionError("there are no connections here")

    def wake(self) -> None:
        self._settle_soon()

    def _receive(self, data: bytes, source: HostPort) -> None:
        self.engine.receive(data, TRANSPORT, source, self._loop.time())
        self._settle()

    def _settle_soon(self) -> None:
        if self._settling is None and not self._dead:
            self._settling = self._loop.call_soon(self._settle)

    def _settle(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        for transmit in self.agent.settle(self._loop.time()):
            self._network.send(transmit.data, self._address, HostPort(*transmit.destination))
        if self._timer is not None:
            self._timer.cancel()
        deadline = self.agent.deadline()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._timeout)

    def _timeout(self) -> None:
        self._timer = None
        self.agent.timeout(self._loop.time())
        self._settle()


class MortalSound:
    """The media engine as one process has it: when that is dead, what is left of it has no say any more."""

    def __init__(self, media: ModelMedia) -> None:
        self._media = media
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        return (lambda *arguments, **more: None) if self.dead else getattr(self._media, name)


class SimulatedSwitch:
    """A switch, its network, and phones to be had for the asking."""

    def __init__(
        self,
        loop: VirtualTimeLoop,
        conditions: Conditions | None = None,
        *,
        seed: int = 0,
        disk_seconds: float = 0.0,
        unsolicited_mwi: bool = False,
        journal: bool = False,
    ) -> None:
        """`disk_seconds`: how long facts take to be on record. `journal`: whether live calls are written down, and the
        switch may be killed."""
        self.loop = loop
        self.seed = seed
        self.ring_seconds = float(RING_SECONDS)
        self.network = Network(loop, conditions, seed=seed)
        self.phones: list[Phone] = []
        self.facts: list[Fact] = []
        self.clock = VirtualClock(loop)
        self.media = ModelMedia(loop, SWITCH.host)
        self._disk_seconds = disk_seconds
        self._unsolicited_mwi = unsolicited_mwi
        self.disk = Disk(loop, self.facts, disk_seconds) if journal else None
        self.lives = 0
        self._build({})
        self.endpoint.start(self.engine, self.agent)
        self.trunk = self._attach(TRUNK, "trunk", "")
        self.trunk.takes_any_number = True

    def _build(self, registered: Mapping[str, tuple[Binding, ...]]) -> None:
        """Everything that a process is made of."""
        self.lives += 1
        seed = self.seed + 7919 * (self.lives - 1)
        self.bus = Bus()
        self.bus.subscribe(Fact, self.facts.append)
        self.features = DemoFeatures(self.clock, self.bus.publish, trunk=TRUNK, guest=GUEST_HOST, registered=registered)
        for kind, hearer in self.features.traffic.subscriptions():
            self.bus.subscribe(kind, hearer)
        self.location = self.features.location
        self.features.originating = self.originate
        for kind, hearer in self.features.lines.subscriptions():
            self.bus.subscribe(kind, hearer)
        self.features.voicemail.files.lengths = self.media.files
        media = self._sound = MortalSound(self.media)
        self.switch = Switch(
            self.bus, self.clock, IdSource(f"s{seed}"), silence_seconds=SILENCE_SECONDS, on_record=self._on_record
        )
        self.features.switch = self.switch
        self.features.convene(self.switch, media, self.clock, self.bus, self.disk or NoDisk(), self.media.lines)
        self.engine = SipEngine(seed=seed)
        self.endpoint = SimulatedEndpoint(self.loop, self.network, SWITCH)
        self.agent = UserAgent(
            self.engine,
            UserAgentSettings(host=SWITCH.host, realm=REALM, unsolicited_mwi=self._unsolicited_mwi),
            network=self.endpoint,
            gatekeeper=self.features.gatekeeper,
            location=self.location,
            watched=self.features.presence,
            messages=self.features.messaging,
            rosters=self.features.rosters,
            entropy=random.Random(f"entropy {seed}").randbytes,
            wall_ms=self.clock.wall_ms,
        )
        self.features.join(self.bus, self.endpoint, self.endpoint)
        self.journal: Journal | None = None
        if self.disk is not None:
            self.journal = Journal(self.switch, self.endpoint, self.disk.stir)
            self.disk.changes = self.journal.changes
            self.bus.subscribe(CallFact, self.journal.hear)
            self.bus.subscribe(Fact, self.disk.stir)
            self.features.conferences.survive()
        self.agent.listen(self.journal or self.switch)
        self.media.events = self.media.video_events = self.switch
        self.switch.connect(
            self.endpoint,
            media,
            self.features.apps,
            origin_of=self.features.origin_of,
            may_pick_up=self.features.may_pick_up,
            keypad=self.features.codes.keypad,
            mixer=media,
            player=media,
            recorder=media,
            room=self.features.conferences.of_call,
            video=media,
            prompt=lambda language, name: f"{language}/{name}",
            music="music/hold",
            ringback="tones/ringback",
        )

    # Death and resurrection -------------------------------------------------------------------------------

    def die(self) -> None:
        """The process is killed, in the middle of whatever it does. The media engine is another, and lives."""
        assert self.disk is not None
        self.endpoint.die()
        self.disk.die()
        self._sound.dead = True
        self.features.queues.stop()
        for room in self.features.conferences._live.values():
            room.room.meeting.closed = "the process is dead"
        self.media.lose_owner()
        for kind, hearer in list(self.bus._hearers):
            self.bus.unsubscribe(kind, hearer)
        for call in list(self.switch._calls.values()):
            call.consultation = None
            if call.life is not None:
                call.life.cancel()
        self.switch._calls.clear()

    def rise(self) -> int:
        """The next process begins; gives how many calls go on."""
        assert self.disk is not None
        before = self.features.conferences
        self._build(dict(self.location._bindings))
        conferences = self.features.conferences
        conferences._rooms, conferences._database = before._rooms, before._database
        meetings = self.disk.tables.get("conference_meeting", {})
        conferences.left_behind.take([(str(room), str(body)) for room, body in meetings.values()], self.disk.died_at)
        conferences.door.take(list(self.disk.tables.get("conference_guess", {}).values()))  # type: ignore[arg-type]
        left = self.disk.recover()
        self.facts += ended_by_death(self.facts, left)
        for call in left:
            self.features.catch_up(by_call(self.facts)[call])
        self.endpoint.start(self.engine, self.agent)
        assert self.journal is not None
        for call in left:
            self.journal.restored(call)
        conferences.resume(left.__contains__)
        resumed = self.switch.restore(
            {call: self.disk.calls[call] for call in left}, by_call(self.facts).get, self.endpoint, self.media
        )
        self.features.lines.only(lambda leg: self.switch.call_of(leg) is not None)
        return resumed

    # Phones -----------------------------------------------------------------------------------------------

    def phone(self, account: str, password: str | None = None) -> Phone:
        """One more phone of an account."""
        assert account in ACCOUNTS
        number = len(self.phones)
        address = HostPort(f"10.0.{1 + number // 200}.{1 + number % 200}", 5060)
        return self._attach(address, account, password_of(account) if password is None else password)

    def guest(self) -> Phone:
        """A phone at the address that may call without an account."""
        return self._attach(HostPort(GUEST_HOST, 6000 + len(self.phones)), f"guest{len(self.phones)}", "")

    def _attach(self, address: HostPort, user: str, password: str) -> Phone:
        phone = Phone(
            self.network, self.loop, address, user, password, server=SWITCH, domain=SWITCH.host, seed=self.seed
        )
        self.phones.append(phone)
        return phone

    def originate(self, account: str, number: str) -> CallId:
        """The administrator lets an account call a number. Raises NotFound when it has no phone, or there is no
        switch."""
        if self._sound.dead:
            raise NotFound("switch", "")
        who = self.features.directory.account(account)
        assert who is not None
        candidates = candidates_of(account, self.location, rules=who.origin.rules, srtp=who.srtp)
        return self.switch.originate(who.origin, number, candidates, who.ring_seconds)

    def _on_record(self, then: Callable[[], None]) -> None:
        if self.disk is not None:
            self.disk.then(then)
        elif self._disk_seconds:
            self.loop.call_later(self._disk_seconds, then)
        else:
            then()

    def leg_of(self, party: PhoneCall) -> LegId:
        """The switch's leg of a phone's call, by where its sound goes."""
        assert party.remote_sdp is not None
        return next(leg for leg, local in self.media.open_legs.items() if local == party.remote_sdp.address)

    def call_of(self, party: PhoneCall) -> CallId:
        """The call that a phone is in now."""
        return self.switch._legs[self.leg_of(party)].call

    def press(self, call: PhoneCall, keys: str) -> None:
        """A phone sends keys in its sound (RFC 4733)."""
        leg = self.leg_of(call)
        for key in keys:
            self.media.press(leg, key)

    # What is heard ----------------------------------------------------------------------------------------

    def hears(self, listener: PhoneCall, speaker: PhoneCall) -> bool:
        """Whether what one party says reaches the other."""
        assert speaker.local_sdp is not None and listener.local_sdp is not None
        if speaker.remote_sdp is None or listener.local_sdp.direction not in ("sendrecv", "recvonly"):
            return False  # the listener's phone would not play it
        if speaker.local_sdp.direction not in ("sendrecv", "sendonly"):
            return False  # the speaker's phone sends nothing
        sent_to = speaker.remote_sdp.address
        if sent_to == listener.local_rtp:
            return True  # the switch is bypassed
        return self.media.where_sound_goes(speaker.local_rtp, sent_to) == listener.local_rtp

    def sees(self, viewer: PhoneCall, shown: PhoneCall, place: int = 0) -> bool:
        """Whether what one party shows on a video line reaches the other."""
        lines = [call.local_sdp.video[place : place + 1] if call.local_sdp else () for call in (viewer, shown)]
        theirs = shown.remote_sdp.video[place : place + 1] if shown.remote_sdp else ()
        if not lines[0] or not lines[1] or not theirs or not theirs[0].port:
            return False
        if lines[0][0].direction not in ("sendrecv", "recvonly") or lines[1][0].direction not in (
            "sendrecv",
            "sendonly",
        ):
            return False
        at, from_ = (
            HostPort(call.local_rtp.host, line[0].port) for call, line in zip((viewer, shown), lines, strict=True)
        )
        assert shown.remote_sdp is not None
        sent_to = HostPort(shown.remote_sdp.address.host, theirs[0].port)
        return sent_to == at or self.media.where_pictures_go(from_, sent_to) == at

    def see_each_other(self, a: PhoneCall, b: PhoneCall) -> bool:
        return self.sees(a, b) and self.sees(b, a)

    def hear_each_other(self, a: PhoneCall, b: PhoneCall) -> bool:
        return self.hears(a, b) and self.hears(b, a)

    def all_hear_each_other(self, *calls: PhoneCall) -> bool:
        """Whether these parties are in one mix, nobody else is, and each is described so that it hears and is heard."""
        ours = {call.remote_sdp.address for call in calls if call.remote_sdp is not None}
        legs = {leg for leg, local in self.media.open_legs.items() if local in ours}
        agreed = [self.media.agreed[leg] for leg in legs]
        speak = all(each.local.direction is each.remote.direction is Direction.SENDRECV for each in agreed)
        hear = all(self.media.hears(a, b) for a in legs for b in legs if a != b)
        return (
            speak
            and hear
            and len(legs) == len(calls)
            and any(set(m.members) == legs for m in self.media.mixes.values())
        )

    def hears_itself(self, call: PhoneCall) -> bool:
        return self.hears(call, call)

    # The reckoning ----------------------------------------------------------------------------------------

    @property
    def facts_of_calls(self) -> list[CallFact]:
        return [fact for fact in self.facts if isinstance(fact, CallFact)]

    @property
    def records(self) -> dict[CallId, Cdr]:
        return invariants.records(self.facts)

    async def reckoning(self, within: float = 900.0) -> list[str]:
        """Wait until every phone's calls are over and every timer must have run out; gives what is wrong then."""
        await asyncio.sleep(LONGEST_TIMER)
        with contextlib.suppress(TimeoutError):  # what is not over is found below
            async with asyncio.timeout(within):
                # An INVITE may reach a phone late: look again once nothing can be under way.
                while live := [call for phone in self.phones for call in phone.calls if call.state != "over"]:
                    for call in live:
                        await call.until("over", within=within)
                    await asyncio.sleep(LONGEST_TIMER)
        await asyncio.sleep(4 * LONGEST_TIMER)
        living = [phone for phone in self.phones if not phone.dead]
        found = [breach for phone in self.phones for breach in phone.violations]
        found += [f"{phone.user}@{phone.address}: {left}" for phone in living for left in phone.left()]
        found += self._left()
        found += invariants.not_conserved(self.facts)
        found += invariants.lost_callers(self.facts, deaths=self.lives > 1)
        whole = self._but_cut_off()
        for facts in invariants.by_call(whole).values():
            found += invariants.broken_order(facts)
        gone = self.disk.cut_off if self.disk is not None else set()
        found += invariants.lost_legs(
            fact
            for fact in whole
            if not (isinstance(fact, LegMoved) and fact.to in gone)
            and not (isinstance(fact, LegArrived) and fact.from_call in gone)
        )
        found += [f"nobody awaited: {context}" for context in self.loop.unhandled]
        return found

    async def settled(self) -> None:
        """The end of a story: everything is over, and nothing is wrong or left."""
        found = await self.reckoning()
        assert not found, "\n".join([*found, self.network.ladder(limit=150)])

    def _but_cut_off(self) -> list[Fact]:
        """All facts but of calls whose last ones are lost."""
        cut_off = self.disk.cut_off if self.disk is not None else ()
        return [fact for fact in self.facts if not isinstance(fact, CallFact) or fact.call not in cut_off]

    def _left(self) -> list[str]:
        """What the switch still holds of calls that are over."""
        stats, gauges = self.engine.stats(), self.agent.gauges()
        found = [f"the engine holds {name}: {stats[name]}" for name in ENGINE_GAUGES if stats[name]]
        found += [f"the engine counts {name}: {stats[name]}" for name in ("panics", "rejected") if stats[name]]
        found += [f"the user agent holds {name}: {gauges[name]}" for name in AGENT_GAUGES if gauges[name]]
        if gauges["faults"]:
            found.append(f"the user agent met {gauges['faults']} faults of its own")
        if self.switch.live:
            found.append(f"the switch holds {self.switch.live} calls")
        if self.switch.live or len(self.switch._legs):
            found.append(f"the switch holds the legs {self.switch._legs}")
        if self.media.open_lines:
            found.append(f"the media engine holds the video lines {self.media.open_lines}")
        if self.media.mixes:
            found.append(f"the media engine holds the mixes {self.media.mixes}")
        if self.media.takes:
            found.append(f"the media engine records {self.media.takes}")
        if self.media.open_legs:
            found.append(f"the media engine holds {self.media.open_legs}")
        return found


ENGINE_GAUGES = ("client_transactions", "server_transactions", "timers")
AGENT_GAUGES = ("sessions", "legs", "referrals", "client_transactions", "subscriptions", "timers", "farewells")

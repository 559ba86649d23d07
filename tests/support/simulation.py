"""One random day of the switch: a network, some people, some tens of calls, all from one seed; then the reckoning."""

import asyncio
import contextlib
import random
from collections.abc import Sequence

from softswitch.engine.memory import decode
from softswitch.events import CallFact, CallOffered, LegDialed
from softswitch.features.cdr.model import Cdr
from softswitch.features.supervision.model import Rights
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId, LegId
from tests.support.invariants import by_call
from tests.support.network import Conditions
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Extras, Phone
from tests.support.scripts import CalleeScript, CallerScript, Habits
from tests.support.sip_text import SdpVideo, user_of
from tests.support.switch import SimulatedSwitch
from tests.support.virtual_time import VirtualTimeLoop, run

CODECS: tuple[tuple[str, ...], ...] = (("0", "8", "101"), ("8", "0"), ("0", "101"), ("0", "8", "9", "101"))


def simulate(
    seed: int,
    *,
    calls: int = 0,
    accounts: int = 0,
    conditions: Conditions | None = None,
    transfers: bool = False,
    extensions: bool = False,
    kills: bool = False,
    supervised: bool = False,
) -> list[str]:
    """Live one day; gives what went wrong, with the ladders that show it. What is not given is drawn by the seed.

    With `transfers`, people also transfer, park, fetch and pick up at random; what becomes of a call then cannot be
    foretold, and only what must hold of every call is judged. With `extensions`, phones know reliable provisional
    responses, UPDATE and session timers, each some of them. With `kills`, the switch is killed now and then and comes
    back, while its media engine lives on: whoever talks then must be able to talk on. With `supervised`, people are
    listened to, whispered to and taken over beside transfers: nobody may hear a supervisor that should not.
    """

    async def main(loop: VirtualTimeLoop) -> list[str]:
        day = Day(
            loop,
            seed,
            calls,
            accounts,
            conditions,
            transfers=transfers or supervised,
            extensions=extensions,
            kills=kills,
            supervised=supervised,
        )
        return await day.live()

    return run(main, seed=seed)


def transcript(seed: int) -> str:
    """Every packet of a seed's day."""

    async def main(loop: VirtualTimeLoop) -> str:
        day = Day(loop, seed, 0, 0, None)
        await day.live()
        return day.house.network.ladder(limit=1_000_000)

    return run(main, seed=seed)


def sends(direction: str) -> bool:
    return direction in ("sendrecv", "sendonly")


def receives(direction: str) -> bool:
    return direction in ("sendrecv", "recvonly")


_H264 = SdpVideo(1, (("97", "H264/90000", "profile-level-id=42e01f;packetization-mode=1"),), feedback=("nack pli",))
_BOTH = _H264._replace(formats=(("96", "VP8/90000", ""), *_H264.formats), feedback=("nack", "ccm fir"))
SEEN = ((), (_H264,), (_BOTH,), (_BOTH, _H264._replace(content="slides")))
"""The video that phones have: most of them none."""


def shown(viewer: PhoneCall, speaker: PhoneCall, place: int) -> bool:
    """Whether offers and answers say that one party sees what another shows on a line."""
    lines = [
        sdp.video[place]
        for call in (viewer, speaker)
        for sdp in (call.local_sdp, call.remote_sdp)
        if sdp is not None and place < len(sdp.video)
    ]
    if len(lines) < 4 or not all(line.port for line in lines):
        return False
    return receives(lines[0].direction) and sends(lines[2].direction)


def weather(chance: random.Random) -> Conditions:
    """A quarter of the days are perfect; on the others each fault is there or not, so that they meet in every mix."""
    delay, jitter = 0.002 + chance.random() * 0.1, chance.choice((0.0, chance.random() * 0.1))
    if chance.random() < 0.25:
        return Conditions(delay=delay, jitter=jitter)
    loss, duplicate, reorder = (chance.choice((0.0, 0.05, 0.3)) * chance.random() ** 0.5 for _ in range(3))
    return Conditions(loss, duplicate, reorder, delay, jitter)


HEARD_AS = frozenset(
    (said, heard)
    for said in ("sendrecv", "sendonly", "recvonly", "inactive")
    for heard in (said, *{"inactive": ("sendonly",), "recvonly": ("inactive",)}.get(said, ()))
)
"""How one party's direction may be told to the other."""


class Day:
    def __init__(
        self,
        loop: VirtualTimeLoop,
        seed: int,
        calls: int,
        accounts: int,
        conditions: Conditions | None,
        *,
        transfers: bool = False,
        extensions: bool = False,
        kills: bool = False,
        supervised: bool = False,
    ) -> None:
        self._loop = loop
        self._chance = chance = random.Random(f"day {seed}")
        self._weather = conditions or weather(chance)
        if kills:
            # A BYE that is lost and that nobody sends again, because who sent it is dead, is lost for good.
            self._weather = Conditions(delay=self._weather.delay, jitter=self._weather.jitter)
        self._fair = not (self._weather.loss or self._weather.duplicate or self._weather.reorder)
        # A disk that keeps up, one that is slow, and one that hangs.
        disk = random.Random(f"disk {seed}").choice((0.0, 0.005, 0.05, 0.5 if kills else 5.0))
        self.house = SimulatedSwitch(loop, self._weather, seed=seed, disk_seconds=disk, journal=kills)
        self._habits = Habits.draw(chance)
        self._calls = calls or chance.randint(5, 40)
        self._accounts = [str(1001 + number) for number in range(accounts or chance.randint(2, 8))]
        self._duration = self._calls * chance.choice((0.05, 0.5, 2.0))
        self._devices: dict[str, list[Phone]] = {}
        self._placed: dict[str, tuple[PhoneCall, CallerScript]] = {}
        self._scripts: dict[PhoneCall, CalleeScript] = {}
        self._churn = chance.random() < 0.3 and not self._fair
        self._mortal = chance.random() < 0.2 and not transfers
        """Whether some phones lose power during the day; outcomes cannot be foretold then."""
        self._misheard: list[str] = []
        self._moving = random.Random(f"transfers {seed}") if transfers else None
        self._extending = random.Random(f"extensions {seed}") if extensions else None
        self._killing = random.Random(f"kills {seed}") if kills else None
        self._watching = random.Random(f"supervision {seed}") if supervised else None
        self._broken: list[str] = []
        """What a kill has done to whom, or who heard whom, and should not have."""
        self._talked: set[frozenset[LegId]] = set()

    async def live(self) -> list[str]:
        house, chance = self.house, self._chance
        for account in self._accounts:
            devices = [house.phone(account) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
            self._devices[account] = devices
        video = random.Random(f"video {house.seed}")
        guests = [house.guest() for _ in range(chance.randint(1, 3))]
        for phone in house.phones:
            phone.offered = chance.choice(CODECS)
            phone.on_call = self._called
            phone.sees = SEEN[video.choice((0, 0, 1, 2, 3))]
            # A phone that rang when the switch was killed answers nobody.
            phone.expects_acks = self._weather.loss <= 0.15 and self._killing is None
            phone.final_within = 15.0 if self._fair and not self._mortal and self._killing is None else 60.0
            if self._extending is not None:
                phone.extras = Extras(*(self._extending.random() < 0.5 for _ in Extras._fields))
        everyone = [phone for devices in self._devices.values() for phone in devices]
        await asyncio.gather(*(self._register(phone) for phone in everyone))
        if self._mortal:
            # They are called and do not call: a call between two dead phones would rightly never end.
            everyone = [phone for phone in everyone if not self._doomed(phone)]
        if not self._mortal and chance.random() < 0.3:
            for number in range(self._calls, self._calls + self._calls // 4 + 1):
                self._loop.call_later(chance.random() * self._duration, self._originate, number)
        if not self._fair and chance.random() < 0.3:
            for _ in range(self._calls // 4 + 1):
                self._loop.call_later(chance.random() * self._duration * 2, self._interfere)
        if self._moving is not None:
            for _ in range(2 * self._calls):
                self._loop.call_later(self._moving.random() * (self._duration + 20), self._transfer, self._moving)
        if self._watching is not None:
            rights = {account: Rights(account=account, everybody=True) for account in self._accounts}
            house.features.supervisors._take(rights)
            for _ in range(2 * self._calls):
                self._loop.call_later(self._watching.random() * (self._duration + 20), self._supervise, self._watching)
        work = [self._caller(number, everyone, guests) for number in range(self._calls)]
        if self._killing is not None:
            work.append(self._killer(self._killing))
        if self._churn:
            work += [self._wanderer(phone) for phone in everyone]
        await asyncio.gather(*work)
        found = await house.reckoning()
        found += self._broken
        if self._killing is not None:
            # An ACK that may have been lost with the switch goes out again, whether it was or not.
            found = [finding for finding in found if "acknowledges no INVITE" not in finding]
        if self._moving is None and self._killing is None:
            found += self._judged()
        if found:
            found.append(f"weather: {self._weather}; {self._habits}")
            found.append(self._ladders(found))
        return found

    async def _register(self, phone: Phone) -> None:
        for _ in range(5):
            status = await phone.register()
            if status == 200:
                return
            if status != 408 or self._fair:
                phone.violations.append(f"{phone.user} could not register: {status}")

    def _doomed(self, phone: Phone) -> bool:
        if self._chance.random() < 0.7:
            return False
        self._loop.call_later(self._chance.random() * self._duration * 1.5, phone.die)
        return True

    async def _wanderer(self, phone: Phone) -> None:
        """A phone that comes and goes."""
        for _ in range(3):
            await asyncio.sleep(self._chance.random() * self._duration)
            await phone.register(self._chance.choice((0, 30, 3600)))

    def _number(self, caller: int) -> str:
        draw = self._chance.random()
        if draw < 0.6:
            return self._chance.choice(self._accounts)
        if draw < 0.85:
            return f"8{caller:04d}"
        return self._chance.choice(("9196", "9197", "4711", "1020", "6001", "5000"))

    async def _caller(self, number: int, everyone: Sequence[Phone], guests: Sequence[Phone]) -> None:
        script = self._habits.caller(self._number(number))
        phone = self._chance.choice(everyone or guests)
        if script.number[0] in "89" and self._chance.random() < 0.5:
            phone = self._chance.choice(guests)
        at = self._chance.random() * self._duration
        await asyncio.sleep(at)
        call = phone.call(script.number, offer=script.offer, label=f"c{number}.")
        self._placed[call.label] = call, script
        script.play(call, self._loop)
        if self._fair and self._moving is None:
            call.on_change.append(self._listen_in)

    def _transfer(self, chance: random.Random) -> None:
        """Somebody transfers whom it talks with, blind or into another call of its own, or fetches or picks up."""
        if chance.random() < 0.2:
            phone = chance.choice([phone for phone in self.house.phones if phone.password and not phone.dead] or [None])
            if phone is not None:
                number = chance.choice(("701", "702", f"**{chance.choice(self._accounts)}"))
                call = phone.call(number)
                call.on_change.append(lambda call: self._soon_over(call, chance.random() * 30))
                if self._killing is not None:
                    self._loop.call_later(50, call.cancel)  # perhaps nobody is left who could answer
            return
        talking = [call for phone in self.house.phones if not phone.dead for call in phone.calls if call.state == "up"]
        if not talking:
            return
        call = chance.choice(talking)
        if chance.random() < 0.4:
            self._press(call, chance)
            return
        if chance.random() < 0.2:
            self._order(chance)
            return
        others = [
            other
            for other in call.phone.calls
            if other is not call and (other.state == "up" or (other.state == "ringing" and other.outgoing))
        ]
        if others and chance.random() < 0.6:
            call.refer("1001", replaces=chance.choice(others))
        else:
            call.refer(chance.choice((*self._accounts, "9196", "4711", "*68")))

    def _press(self, call: PhoneCall, chance: random.Random) -> None:
        """Somebody presses codes, and numbers more or less behind them."""
        number = chance.choice((*self._accounts, "9196", "4711", ""))
        keys = chance.choice(("##", "*2", "*2", "*2", "*3", "*3", "*4", "*1", "5", "#", "*"))
        keys += chance.choice((f"{number}#", number, ""))
        if call.remote_sdp is not None and call.remote_sdp.address in self.house.media.open_legs.values():
            self.house.press(call, keys)

    def _order(self, chance: random.Random) -> None:
        """The administrator holds, resumes, hangs up or brings together."""
        switch = self.house.switch
        live = sorted(switch._calls)
        if not live:
            return
        call, other = chance.choice(live), chance.choice(live)
        leg = chance.choice([None, *sorted(leg.id for leg in switch._calls[call].legs)])
        with contextlib.suppress(NotFound, Conflict):
            draw = chance.random()
            if draw < 0.5:
                switch.hold(call, leg, chance.random() < 0.6)
            elif draw < 0.8:
                switch.unite(call, other)
            elif leg is not None:
                switch.hang_up_leg(call, leg)

    def _supervise(self, chance: random.Random) -> None:
        """Somebody supervises whoever talks, and changes its mind."""
        phones = [phone for phone in self.house.phones if phone.password and not phone.dead]
        talking = [phone.user for phone in phones if any(call.state == "up" for call in phone.calls)] or self._accounts
        if phones:
            call = chance.choice(phones).call(f"*4{chance.choice('6789')}{chance.choice(talking)}")
            call.on_change.append(lambda call: self._soon_over(call, chance.random() * 60))
            for _ in range(6):
                self._loop.call_later(chance.random() * 40, self._steer, call, chance.choice("4455669"))

    def _steer(self, call: PhoneCall, key: str) -> None:
        sent_to = call.remote_sdp.address if call.state == "up" and call.remote_sdp is not None else None
        if sent_to in self.house.media.open_legs.values():
            self.house.press(call, key)
        self._eavesdrop()

    def _eavesdrop(self) -> None:
        """Who hears a supervisor is who should, and a supervisor hears nobody who does not talk with its agent."""
        house, around = self.house, self.house.switch._around
        watching = around.watching if around is not None else None
        for one in [] if watching is None else watching._by_watched.values():
            talking = {leg.id for leg in one._talking}
            may = talking if one.mode == "barge" else {one.watches} & talking if one.mode == "whisper" else set()
            hear = {leg for leg in house.media.open_legs if house.media.hears(leg, one.supervisor.id)}
            heard = {leg for leg in house.media.open_legs if house.media.hears(one.supervisor.id, leg)}
            if not hear <= may or not heard <= talking:
                self._broken.append(f"{one.mode} of {one.watches}: {hear} hear it, {heard} it hears, of {talking}")

    def _soon_over(self, call: PhoneCall, after: float) -> None:
        if call.state == "up":
            self._loop.call_later(after, call.hang_up)

    async def _killer(self, chance: random.Random) -> None:
        """Kills the switch at moments that nobody can foresee, and lets it come back."""
        for _ in range(chance.randint(1, 4)):
            await asyncio.sleep(chance.random() * (self._duration + 10))
            self._kill()
            await asyncio.sleep(chance.choice((0.01, 0.5, 3.0)))
            self._rise()

    def _kill(self) -> None:
        house = self.house
        assert house.disk is not None and house.journal is not None
        unsaved = house.disk.in_flight | house.journal._touched.keys()
        house.die()
        self._talked = set()
        for record in map(decode, house.disk.calls.values()):
            if record.call in unsaved:
                continue  # a moment ago it was otherwise, and that is what is known of it
            # A caller who has not answered our offer yet, as far as is on record, has said nothing to go on with.
            settled = {leg.leg for leg in record.legs if b'"remote_media":null' not in bytes(leg.dialog)}
            if record.partner is not None and {record.caller, record.partner} <= settled:
                pair = frozenset((record.caller, record.partner))
                if all(house.media.doing.get(leg) in pair for leg in pair):
                    self._talked.add(pair)

    def _rise(self) -> None:
        """Whoever is on record as talking, and hears the other, still does."""
        house = self.house
        house.rise()
        for pair in self._talked:
            if any(house.media.doing.get(leg) not in pair for leg in pair):
                self._broken.append(f"{sorted(pair)} talked before a kill and do not after it")

    def _originate(self, number: int) -> None:
        """The administrator lets somebody call."""
        with contextlib.suppress(NotFound):
            self.house.originate(self._chance.choice(self._accounts), self._number(number))

    def _interfere(self) -> None:
        """The administrator ends somebody's call."""
        live = sorted({fact.call for fact in self.house.facts if isinstance(fact, CallOffered)})
        if live:
            self.house.switch.hang_up(self._chance.choice(live))

    def _listen_in(self, call: PhoneCall) -> None:
        if call.state == "up":
            for part in (0.3, 0.95):
                self._loop.call_later(part * self._placed[call.label][1].talk, self._listen, call)
            call.on_change.remove(self._listen_in)

    def _listen(self, call: PhoneCall) -> None:
        """Sound must go where offers and answers say: from each who sends to the other who receives."""
        house, number = self.house, self._placed[call.label][1].number
        backs = [back for back in self._scripts if back.label == call.label and back.state == "up"]
        others = [call] if number == "9196" else backs
        if len(others) != 1 or call.state != "up" or call.busy_offering or others[0].busy_offering:
            return
        if self._loop.time() - max(call.changed_at, others[0].changed_at) < 1.0:
            return  # what the last of them said may still be under way
        told = [(one.local_sdp, other.remote_sdp) for one, other in ((call, others[0]), (others[0], call))]
        for said, heard in told if others[0] is not call else ():
            # Who holds by `inactive` is shown as `sendonly`, since our music is to be heard, and stays inactive itself.
            alike = said is not None and heard is not None and (said.direction, heard.direction) in HEARD_AS
            if not alike:
                self._misheard.append(f"{call.label} {call!r}: one says {said}, the other is told {heard}")
        for listener, speaker in ((call, others[0]), (others[0], call)):
            assert listener.local_sdp is not None and speaker.local_sdp is not None
            wanted = receives(listener.local_sdp.direction) and sends(speaker.local_sdp.direction)
            if others[0] is not call and not receives(speaker.local_sdp.direction):
                wanted = False  # who is on hold hears our music
            if house.hears(listener, speaker) != wanted:
                at = f"{self._loop.time():.3f} {call.label}"
                self._misheard.append(f"{at} {listener!r} hears {speaker!r}: {not wanted}, agreed: {wanted}")
            for place in range(2):
                wanted = shown(listener, speaker, place)
                if house.sees(listener, speaker, place) != wanted:
                    at = f"{self._loop.time():.3f} {call.label}"
                    self._misheard.append(f"{at} {listener!r} sees {speaker!r} on line {place}: agreed: {wanted}")

    def _called(self, call: PhoneCall) -> None:
        if call.phone is self.house.trunk and call.invite_request is not None:
            # A trunk is shown the account's own name; the number tells which call it is.
            call.label = f"c{int(user_of(call.invite_request.request_uri)[1:])}."
        script = self._scripts[call] = self._habits.callee()
        script.play(call, self._loop)

    # The reckoning: what the phones saw against what the switch wrote down ---------------------------------

    def _judged(self) -> list[str]:
        facts = by_call(self.house.facts)
        records = self.house.records
        offered: dict[str, list[CallId]] = {}
        for call_id, its in facts.items():
            if isinstance(its[0], CallOffered):
                offered.setdefault(its[0].from_name, []).append(call_id)
        backs: dict[str, list[PhoneCall]] = {}
        for phone in self.house.phones:
            for other in phone.calls:
                if not other.outgoing:
                    backs.setdefault(other.label, []).append(other)
        found = self._misheard[:5]
        for label, (call, script) in self._placed.items():
            became = offered.get(label, [])
            if len(became) > 1:
                found.append(f"{label} became {len(became)} calls")
            elif not became:
                # Nothing came through, or only the first INVITE, which was challenged.
                lost = call.how in ("timeout", "cancelled") and not self._fair
                challenged = call.status == 401 and (call.how == "cancelled" or not call.phone.password)
                if not lost and not challenged:
                    found.append(f"{label} {call!r} never was a call")
            else:
                cdr = records[became[0]]
                wrong = self._misjudged(call, cdr)
                if self._fair and not self._mortal:
                    wrong += self._inexact(call, script, cdr, facts[became[0]], backs.get(label, []))
                found += [f"{label} {finding}" for finding in wrong]
        return found

    def _misjudged(self, call: PhoneCall, cdr: Cdr) -> list[str]:
        """In any weather."""
        found = []
        if call.acks_sent and cdr.disposition != "answered":
            found.append(f"{call!r} was up, its record says {cdr.disposition}")
        if call.how == "cancelled" and call.status != 401 and cdr.disposition == "answered":
            found.append(f"{call!r} gave up, its record says it was answered, and it was never told")
        if call.how == "refused" and cdr.disposition in ("answered", "cancelled"):
            found.append(f"{call!r} was refused, its record says {cdr.disposition}")
        return found

    def _inexact(
        self, call: PhoneCall, script: CallerScript, cdr: Cdr, facts: Sequence[CallFact], backs: Sequence[PhoneCall]
    ) -> list[str]:
        """In fair weather the outcome is what the scripts say, and the times are those that the phones saw."""
        found = []
        slack = 0.1 + 6 * (self._weather.delay + self._weather.jitter)
        if call.how == "cancelled" and cdr.disposition != "cancelled":
            found.append(f"{call!r} gave up, its record says {cdr.disposition}")
        if cdr.disposition == "answered" and call.acks_sent:
            assert call.answered_at is not None and call.ended_at is not None
            talked = call.ended_at - call.answered_at
            if abs(talked - cdr.billable_ms / 1000) > slack:
                found.append(f"talked for {talked:.3f} s, {cdr.billable_ms} ms are billed")
        # 0.3: a CANCEL waits for a provisional response, and a phone that does not ring says 100 after 200 ms.
        won = min([back.answered_at for back in backs if back.answered_at is not None], default=None)
        if won is not None and len(on := [back for back in backs if (back.ended_at or 1e9) > won + slack + 0.3]) > 1:
            found.append(f"still rung or talking after one had the call: {on}")
        dialled = sum(isinstance(fact, LegDialed) for fact in facts)
        if dialled != len(backs):
            found.append(f"{dialled} legs dialled, {len(backs)} phones rang")
        wanted = self._expected(script, backs, slack)
        if wanted and cdr.disposition not in wanted:
            played = [self._scripts[back] for back in backs]
            found.append(f"became {cdr.disposition} ({cdr.cause}), wanted {wanted}; {script}; {played}")
        return found

    def _expected(self, script: CallerScript, backs: Sequence[PhoneCall], slack: float) -> tuple[str, ...]:
        """What the call must have become; nothing where two things happened too close together to tell."""
        never = 1e9
        answer = refusal = ring_time = never
        if script.number in ("9196", "9197", "5000", "6001"):
            answer = 0.0
        elif not backs:
            refusal = 0.0
        else:
            played = [self._scripts[back] for back in backs]
            answer = min([each.after for each in played if each.then == "answer"], default=never)
            ring_time = self.house.ring_seconds
            if all(each.then == "refuse" for each in played):
                refusal = max(each.after for each in played)
        ends = sorted(
            (at, became)
            for at, became in (
                (answer, ("answered",)),
                (refusal, ("failed", "busy", "no_answer")),
                (ring_time, ("no_answer", "failed", "busy")),
                (script.patience, ("cancelled",)),
            )
        )
        return ends[0][1] if ends[1][0] - ends[0][0] > slack else ()

    def _ladders(self, found: Sequence[str]) -> str:
        """The packets of the first calls that something was found about."""
        text = "\n".join(found)
        calls = [call for phone in self.house.phones for call in phone.calls]
        guilty = [call for call in calls if call.call_id in text or (call.label and call.label in text)]
        named = {fact.from_name for fact in self.house.facts if isinstance(fact, CallOffered) and fact.call in text}
        labels = sorted(named | {call.label for call in guilty if call.label})[:3]
        ids = {call.call_id for call in calls if call.label in labels} | {call.call_id for call in guilty[:3]}
        return self.house.network.ladder(ids)

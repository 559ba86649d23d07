"""One call from its first signal to its last fact, with gateways that only write down what they are told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import structs

from softswitch.calls.signals import (
    AcceptOffer,
    Alert,
    Answer,
    Answered,
    Confirm,
    Confirmed,
    DigitPressed,
    Ended,
    HangUp,
    Incoming,
    Invitation,
    LegCommand,
    LegSignal,
    Offer,
    OfferAnswered,
    Offered,
    Origin,
    Progressed,
    RefuseOffer,
    Ring,
    SendDigit,
    Target,
)
from softswitch.engine.bus import Bus
from softswitch.engine.caller import Caller, Candidate
from softswitch.engine.switch import Switch
from softswitch.events import CallEnded, CallOffered, CallTraced, Fact, LegEnded, MediaFigures
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.kernel.ids import IdSource, LegId
from softswitch.kernel.media import PLAIN, Codec, Direction, MediaDescription
from tests.support.virtual_time import VirtualClock, VirtualTimeLoop, run

PCMU, PCMA = Codec(0, "PCMU"), Codec(8, "PCMA")
CALLER, B1, B2 = LegId("t-000001.1"), LegId("t-000001.2"), LegId("t-000001.3")

App = Callable[[Caller, str], Awaitable[Destination | None]]


def said(port: int, *codecs: Codec, direction: Direction = Direction.SENDRECV) -> MediaDescription:
    return MediaDescription(HostPort("10.0.0.1", port), codecs or (PCMU,), direction)


def plain(port: int) -> MediaDescription:
    """The same as it is passed on to whom the sound goes past us."""
    return structs.replace(said(port), security=PLAIN)


def at(port: int, *codecs: Codec, ptime: int | None = None) -> MediaDescription:
    return MediaDescription(HostPort("127.0.0.1", port), codecs or (PCMU,), ptime=ptime)


class WritingSignalling:
    def __init__(self) -> None:
        self.told: list[tuple[LegId, LegCommand | Invitation]] = []

    def dial(self, leg: LegId, invitation: Invitation) -> None:
        self.told.append((leg, invitation))

    def send(self, leg: LegId, command: LegCommand) -> None:
        self.told.append((leg, command))

    def take(self) -> list[tuple[LegId, LegCommand | Invitation]]:
        told, self.told = self.told, []
        return told


class CountingMedia:
    codecs: Sequence[Codec] = (PCMA, PCMU)
    converts: tuple[Codec, ...] = ()

    def __init__(self, ports: int = 10) -> None:
        self.ports = list(range(4000, 4000 + 2 * ports, 2))
        self.open_legs: dict[LegId, int] = {}
        self.did: list[tuple[object, ...]] = []

    def open(self, leg: LegId) -> HostPort:
        if not self.ports:
            raise Rejected(Cause.SWITCH_CONGESTION)
        assert leg not in self.open_legs
        self.open_legs[leg] = self.ports.pop(0)
        return HostPort("127.0.0.1", self.open_legs[leg])

    def connect(self, leg: LegId, local: MediaDescription, remote: MediaDescription) -> None:
        self.did.append(("connect", leg, local.address.port, remote.address.port))

    def bridge(self, a: LegId, b: LegId) -> None:
        self.did.append(("bridge", a, b))

    def echo(self, leg: LegId) -> None:
        self.did.append(("echo", leg))

    def tone(self, leg: LegId, frequency: float) -> None:
        self.did.append(("tone", leg, frequency))

    def play(self, leg: LegId, prompt: str, *, loop: bool = False) -> None:
        self.did.append(("loop" if loop else "play", leg, prompt))

    def listen_for(
        self,
        leg: LegId,
        *,
        keys: bool = False,
        fax: bool = False,
        answerer: bool = False,
        beep: bool = False,
        progress: str | None = None,
        pause_ms: int | None = None,
    ) -> None:
        self.did.append(("listen_for", leg, keys))

    def silence(self, leg: LegId) -> None:
        self.did.append(("silence", leg))

    def figures(self, leg: LegId) -> MediaFigures:
        return MediaFigures(received=self.open_legs[leg])

    def heard(self, leg: LegId) -> int:
        return 0

    def close(self, leg: LegId) -> None:
        self.ports.append(self.open_legs.pop(leg))


class World:
    """A switch with one call application, and what became of its calls."""

    def __init__(self, loop: VirtualTimeLoop, app: App, ports: int = 10) -> None:
        self.loop = loop
        self.facts: list[Fact] = []
        self.signalling, self.media = WritingSignalling(), CountingMedia(ports)
        bus = Bus()
        bus.subscribe(Fact, self.facts.append)
        self.switch = Switch(bus, VirtualClock(loop), IdSource("t"))
        self.switch.connect(self.signalling, self.media, {"dialplan": app})

    async def call(self, offer: MediaDescription | None, *, session_id: str = "", alert: Alert | None = None) -> None:
        origin = Origin("account", "1001", "default")
        source = HostPort("10.0.0.1", 5060)
        incoming = Incoming(origin, Party("1001"), Party("1002"), source, offer, session_id=session_id, alert=alert)
        assert self.switch.incoming(incoming) in (CALLER, "t-000002.1")
        await self.settle()

    async def hear(self, leg: LegId, signal: LegSignal) -> list[tuple[LegId, LegCommand | Invitation]]:
        """A signal arrives: what the legs are told because of it."""
        self.switch.signalled(leg, signal)
        await self.settle()
        return self.signalling.take()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    def names(self) -> list[str]:
        return [type(fact).__name__ for fact in self.facts]

    def ended_well(self) -> None:
        """Nothing is left, and every leg and the call have ended once."""
        assert self.switch.live == 0
        assert self.media.open_legs == {}
        assert sum(isinstance(fact, CallEnded) for fact in self.facts) == 1
        ended = [fact.leg for fact in self.facts if isinstance(fact, LegEnded)]
        assert len(ended) == len(set(ended))
        assert isinstance(self.facts[-1], CallEnded) and isinstance(self.facts[-2], CallTraced)


def terminal(number: str, *, anchored: bool = True) -> Candidate:
    return Candidate(Target(f"sip:{number}@10.0.0.2"), Destination("account", number), number, anchored)


def dials(*candidates: Candidate, ring_seconds: float = 30) -> App:
    async def app(caller: Caller, name: str) -> Destination | None:
        await caller.dial(candidates, ring_seconds)
        return None

    return app


def test_two_parties_ring_answer_talk_and_hang_up() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        await world.call(said(1000, PCMU, PCMA))
        (leg, invitation), *rest = world.signalling.take()
        assert (leg, rest) == (B1, [])
        assert isinstance(invitation, Invitation)
        assert invitation.offer == at(4002, PCMU, PCMA)
        assert invitation.hops_left == 69
        assert await world.hear(B1, Progressed(ringing=True)) == [(CALLER, Ring())]
        assert await world.hear(B1, Progressed(ringing=True)) == []
        assert await world.hear(B1, Answered(said(2000, PCMU))) == [(CALLER, Answer(at(4000, PCMU)))]
        assert world.media.did == [
            ("connect", CALLER, 4000, 1000),
            ("connect", B1, 4002, 2000),
            ("bridge", CALLER, B1),
        ]
        assert await world.hear(CALLER, Confirmed()) == []
        assert await world.hear(CALLER, Ended(Cause.NORMAL_CLEARING, by_party=True)) == [(B1, HangUp())]
        await world.hear(B1, Ended(Cause.NORMAL_CLEARING, by_party=False))
        world.ended_well()
        assert world.names() == [
            "CallOffered",
            "LegDialed",
            "LegRang",
            "LegAnswered",
            "CallAnswered",
            "LegsBridged",
            "LegEnded",
            "LegEnded",
            "CallTraced",
            "CallEnded",
        ]

    run(main)


def test_an_account_calls_under_its_own_number_whatever_its_from_says() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        origin = Origin("account", "1001", "default")
        world.switch.incoming(
            Incoming(origin, Party("1009", "Ann"), Party("1002"), HostPort("10.0.0.1", 5060), said(1000))
        )
        await world.settle()
        ((_, invitation),) = world.signalling.take()
        assert isinstance(invitation, Invitation) and invitation.from_ == Party("1001", "Ann")
        offered = world.facts[0]
        assert isinstance(offered, CallOffered) and offered.from_number == "1001"

    run(main)


def test_when_one_of_several_answers_the_others_are_told_it_was_elsewhere() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002"), terminal("1002")))
        await world.call(said(1000))
        world.signalling.take()
        assert await world.hear(B2, Answered(said(3000))) == [
            (B1, HangUp(Cause.ANSWERED_ELSEWHERE, elsewhere=True)),
            (CALLER, Answer(at(4000))),
        ]
        # The cancelled one had answered at the same moment: the gateway clears it, and nothing comes of it here.
        assert await world.hear(B1, Answered(said(2000))) == []
        await world.hear(B1, Ended(Cause.ANSWERED_ELSEWHERE, by_party=False))
        assert await world.hear(B2, Ended(Cause.NORMAL_CLEARING, by_party=True)) == [(CALLER, HangUp())]
        await world.hear(CALLER, Ended(Cause.NORMAL_CLEARING, by_party=False))
        world.ended_well()

    run(main)


def test_a_refusal_is_told_to_the_caller_with_its_status() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        await world.call(said(1000))
        world.signalling.take()
        assert await world.hear(B1, Ended(Cause.USER_BUSY, by_party=True, status=486)) == [
            (CALLER, HangUp(Cause.USER_BUSY, 486))
        ]
        await world.hear(CALLER, Ended(Cause.USER_BUSY, by_party=False, status=486))
        world.ended_well()
        last = world.facts[-1]
        assert isinstance(last, CallEnded) and last.cause is Cause.USER_BUSY and not last.caller_gave_up

    run(main)


def test_a_caller_who_gives_up_stops_the_ringing() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        await world.call(said(1000))
        world.signalling.take()
        assert await world.hear(CALLER, Ended(Cause.NORMAL_CLEARING, by_party=True)) == [(B1, HangUp())]
        await world.hear(B1, Ended(Cause.NORMAL_CLEARING, by_party=False))
        world.ended_well()
        last = world.facts[-1]
        assert isinstance(last, CallEnded) and last.caller_gave_up

    run(main)


def test_nobody_answers_within_the_time() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002"), ring_seconds=20))
        await world.call(said(1000))
        world.signalling.take()
        await asyncio.sleep(20.1)
        assert world.signalling.take() == [(B1, HangUp(Cause.NO_ANSWER)), (CALLER, HangUp(Cause.NO_ANSWER))]
        await world.hear(B1, Ended(Cause.NO_ANSWER, by_party=False))
        await world.hear(CALLER, Ended(Cause.NO_ANSWER, by_party=False))
        world.ended_well()

    run(main)


def test_a_caller_without_an_offer_gets_the_callees_and_its_answer_goes_back() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        await world.call(None)
        ((_, invitation),) = world.signalling.take()
        assert isinstance(invitation, Invitation) and invitation.offer is None
        assert await world.hear(B1, Answered(said(2000, PCMU, PCMA))) == [(CALLER, Answer(at(4000, PCMU, PCMA)))]
        assert await world.hear(CALLER, Confirmed(said(1000, PCMA))) == [(B1, Confirm(at(4002, PCMA)))]
        assert ("connect", B1, 4002, 2000) in world.media.did
        # A party that acknowledges without answering leaves nothing to talk with.
        await world.hear(CALLER, Ended(Cause.NORMAL_CLEARING, by_party=True))
        await world.hear(B1, Ended(Cause.NORMAL_CLEARING, by_party=False))
        world.ended_well()

    run(main)


def test_a_late_offer_that_is_never_answered_ends_the_call() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        await world.call(None)
        world.signalling.take()
        await world.hear(B1, Answered(said(2000)))
        assert await world.hear(CALLER, Confirmed()) == [
            (CALLER, HangUp(Cause.PROTOCOL_ERROR)),
            (B1, HangUp(Cause.PROTOCOL_ERROR)),
        ]

    run(main)


def test_early_media_is_heard_before_the_answer() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        await world.call(said(1000))
        world.signalling.take()
        assert await world.hear(B1, Progressed(ringing=False, media=said(2000))) == [(CALLER, Ring(at(4000)))]
        assert ("bridge", CALLER, B1) in world.media.did

    run(main)


def test_offers_pass_between_a_caller_and_a_ringing_party_that_it_hears() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        await world.call(said(1000))
        await world.hear(B1, Progressed(ringing=False, media=said(2000)))
        assert await world.hear(CALLER, Offered(said(1002), at_once=True)) == [(B1, Offer(at(4002), at_once=True))]
        # The answer to the call comes first, and what was under way goes on.
        assert await world.hear(B1, Answered(said(2000))) == [(CALLER, Answer(at(4000)))]
        assert await world.hear(B1, OfferAnswered(said(2000))) == [(CALLER, AcceptOffer(at(4000)))]

    run(main)


def test_an_offer_to_a_ringing_party_that_refuses_the_call_is_refused() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        await world.call(said(1000))
        await world.hear(B1, Progressed(ringing=False, media=said(2000)))
        await world.hear(CALLER, Offered(said(1002), at_once=True))
        told = await world.hear(B1, Ended(Cause.USER_BUSY, by_party=True, status=486))
        assert told == [
            (CALLER, RefuseOffer(Cause.INTERWORKING, 488)),
            (CALLER, HangUp(Cause.USER_BUSY, 486)),
        ]

    run(main)


def test_a_ringing_party_that_nobody_hears_may_still_change_its_mind() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002"), terminal("1003")))
        await world.call(said(1000))
        world.signalling.take()
        assert await world.hear(B1, Offered(said(2002), at_once=True)) == [(B1, AcceptOffer(at(4002)))]

    run(main)


def test_sound_that_bypasses_us_takes_no_port() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002", anchored=False)), ports=0)
        await world.call(said(1000))
        ((_, invitation),) = world.signalling.take()
        assert isinstance(invitation, Invitation) and invitation.offer == plain(1000)
        assert await world.hear(B1, Answered(said(2000))) == [(CALLER, Answer(plain(2000)))]

    run(main)


def test_without_a_free_port_the_call_is_refused() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")), ports=1)
        await world.call(said(1000))
        assert world.signalling.take() == [(CALLER, HangUp(Cause.SWITCH_CONGESTION))]
        await world.hear(CALLER, Ended(Cause.SWITCH_CONGESTION, by_party=False))
        world.ended_well()

    run(main)


def test_an_echo_answers_hold_and_goes_on_until_the_caller_hangs_up() -> None:
    async def echo(caller: Caller, name: str) -> Destination | None:
        await caller.echo()
        return None

    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, echo)
        await world.call(said(1000, PCMU, PCMA))
        assert world.signalling.take() == [(CALLER, Answer(at(4000, PCMU, ptime=20)))]
        assert world.media.did[-1] == ("echo", CALLER)
        ((_, reply),) = await world.hear(CALLER, Offered(said(1000, PCMU, direction=Direction.SENDONLY)))
        assert isinstance(reply, AcceptOffer) and reply.media.direction is Direction.RECVONLY
        await world.hear(CALLER, Ended(Cause.NORMAL_CLEARING, by_party=True))
        world.ended_well()

    run(main)


def test_a_prompt_is_heard_to_its_end_and_keys_are_kept() -> None:
    pressed: list[str | None] = []

    async def menu(caller: Caller, name: str) -> Destination | None:
        await caller.play("welcome")
        pressed.append(await caller.digit(within=5))
        pressed.append(await caller.digit(within=5))
        return None

    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, menu)
        await world.call(said(1000))
        world.switch.digit(CALLER, "7", 100)
        world.switch.played(CALLER)
        await asyncio.sleep(6)
        assert pressed == ["7", None]
        assert world.signalling.take()[-1] == (CALLER, HangUp())

    run(main)


def test_keys_are_listened_for_as_tones_where_a_caller_can_send_no_others_and_each_is_told_once() -> None:
    pressed: list[str | None] = []

    async def menu(caller: Caller, name: str) -> Destination | None:
        await caller.play("welcome")
        while (digit := await caller.digit(within=5)) is not None:
            pressed.append(digit)
        return None

    async def main(loop: VirtualTimeLoop) -> None:
        keys = Codec(101, "TELEPHONE-EVENT")
        for spoken, listened in ((said(1000), [("listen_for", CALLER, True)]), (said(1000, PCMU, keys), [])):
            pressed.clear()
            world = World(loop, menu)
            await world.call(spoken)
            world.switch.played(CALLER)
            await asyncio.sleep(1)
            assert [did for did in world.media.did if did[0] == "listen_for"] == listened
            world.switch.digit(CALLER, "7", 100)
            await world.hear(CALLER, DigitPressed("7", 100))
            world.switch.digit(CALLER, "7", 100)
            await asyncio.sleep(6)
            assert pressed == ["7", "7"]

    run(main)


def test_an_application_that_fails_ends_its_call_and_no_other() -> None:
    async def fails(caller: Caller, name: str) -> Destination | None:
        if caller.to.number == "1002" and not done:
            done.append(True)
            raise RuntimeError("a bug")
        await caller.echo()
        return None

    done: list[bool] = []

    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, fails)
        await world.call(said(1000))
        await world.call(said(1002))
        assert world.signalling.take()[0] == (CALLER, HangUp(Cause.TEMPORARY_FAILURE))
        await world.hear(CALLER, Ended(Cause.TEMPORARY_FAILURE, by_party=False))
        assert world.switch.live == 1

    run(main)


def test_calls_that_go_round_in_a_circle_are_stopped() -> None:
    async def again(caller: Caller, name: str) -> Destination | None:
        return Destination("dialplan", name)

    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, again)
        await world.call(said(1000))
        assert world.signalling.take() == [(CALLER, HangUp(Cause.NO_ROUTE_TO_DESTINATION))]

    run(main)


def test_a_switch_that_drains_takes_no_new_calls_and_records_them() -> None:
    async def echo(caller: Caller, name: str) -> Destination | None:
        await caller.echo()
        return None

    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, echo)
        await world.call(said(1000))
        world.signalling.take()
        draining = asyncio.ensure_future(world.switch.drain(within=60))
        await world.settle()
        await world.call(said(1002))
        assert world.signalling.take() == [(LegId("t-000002.1"), HangUp(Cause.SWITCH_CONGESTION))]
        await world.hear(LegId("t-000002.1"), Ended(Cause.SWITCH_CONGESTION, by_party=False))
        assert not draining.done()
        await world.hear(CALLER, Ended(Cause.NORMAL_CLEARING, by_party=True))
        await draining
        assert loop.time() < 60
        assert sum(isinstance(fact, CallEnded) for fact in world.facts) == 2

    run(main)


def test_a_call_of_our_own_rings_the_party_first_and_then_routes() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        origin = Origin("account", "1001", "default")
        world.switch.originate(origin, "1002", [terminal("1001")], 30)
        await world.settle()
        ((leg, invitation),) = world.signalling.take()
        assert leg == CALLER and isinstance(invitation, Invitation)
        assert invitation.from_ == Party("1002") and invitation.offer == at(4000, PCMA, PCMU, ptime=20)
        ((leg, invitation),) = await world.hear(CALLER, Answered(said(1000, PCMA)))
        assert leg == B1 and isinstance(invitation, Invitation) and invitation.offer == at(4002, PCMA)
        # The other party hears only PCMU, and the caller was told PCMA first: it is offered the other's.
        assert await world.hear(B1, Answered(said(2000, PCMU))) == [(CALLER, Offer(at(4000, PCMU)))]
        assert await world.hear(CALLER, OfferAnswered(said(1000, PCMU))) == []
        await world.hear(B1, Ended(Cause.NORMAL_CLEARING, by_party=True))
        await world.hear(CALLER, Ended(Cause.NORMAL_CLEARING, by_party=False))
        world.ended_well()

    run(main)


def test_each_end_learns_the_others_half_of_the_session_id_and_the_record_keeps_the_callers() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        await world.call(said(1000), session_id="a")
        ((_, invitation),) = world.signalling.take()
        assert isinstance(invitation, Invitation) and invitation.session_id == "a"
        assert await world.hear(B1, Progressed(ringing=True, session_id="b")) == [(CALLER, Ring(session_id="b"))]
        assert await world.hear(B1, Answered(said(2000), "b")) == [(CALLER, Answer(at(4000), "b"))]
        assert [fact.session_id for fact in world.facts if isinstance(fact, CallOffered)] == ["a"]

    run(main)


def test_a_caller_may_choose_how_a_phone_rings_but_not_that_it_answers_by_itself() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        world = World(loop, dials(terminal("1002")))
        await world.call(said(1000), alert=Alert(answer_after=0, ring="urn:alert:source:external"))
        ((_, invitation),) = world.signalling.take()
        assert isinstance(invitation, Invitation) and invitation.alert == Alert(ring="urn:alert:source:external")

    run(main)


def test_a_key_by_signalling_goes_on_to_a_party_that_hears_none_in_the_sound() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        keys = Codec(101, "TELEPHONE-EVENT")
        for spoken, told in ((said(2000), [(B1, SendDigit("5", 100))]), (said(2000, PCMU, keys), [])):
            world = World(loop, dials(terminal("1002")))
            await world.call(said(1000))
            await world.hear(B1, Answered(spoken))
            await world.hear(CALLER, Confirmed())
            assert await world.hear(CALLER, DigitPressed("5", 100)) == told

    run(main)

"""The switch: every call there is, and where each gateway's news goes."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from softswitch.calls.dial import over
from softswitch.calls.in_call import Keypad
from softswitch.calls.leg import Leg, LegState, OurVideo
from softswitch.calls.signals import Incoming, LegSignal, Origin
from softswitch.engine import conference, dispersal, supervision
from softswitch.engine import transfer as transfers
from softswitch.engine.bus import Bus
from softswitch.engine.call import CallApp, LiveCall
from softswitch.engine.caller import Candidate, Confirmation
from softswitch.engine.invited import InvitedCall
from softswitch.engine.memory import CallRecord, decode, encode
from softswitch.engine.restoring import NOTE, RestoredCall
from softswitch.engine.silence import SilenceWatch
from softswitch.engine.surroundings import Surroundings
from softswitch.events import CallEnded, CallFact, LegClues, MediaFigures, TraceLine
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.clock import Clock
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound, Rejected
from softswitch.kernel.ids import CallId, IdSource, LegId
from softswitch.ports.media import Media, Player, Recorder
from softswitch.ports.mixes import Mixer
from softswitch.ports.signalling import Signalling
from softswitch.ports.takeover import Memory, Takeover
from softswitch.ports.video import Video

log = structlog.get_logger(__name__)


class Switch:
    """Provides `SignallingEvents`, `MediaEvents` and `VideoEvents` to the gateways, and runs the calls."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        ids: IdSource,
        *,
        most_calls: int = 20_000,
        silence_seconds: float = 0,
        congested: Callable[[], bool] = lambda: False,
        on_record: Callable[[Callable[[], None]], None] = lambda then: then(),
    ) -> None:
        """`silence_seconds`: how long all parties of a call may be silent; 0: for ever.

        `congested` tells whether new calls must be refused because the record of calls is not kept up with;
        `on_record` calls what it is given once all facts published so far are safe."""
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._most_calls = most_calls
        self._congested = congested
        self.on_record = on_record
        self._calls: dict[CallId, LiveCall] = {}
        self._legs: dict[LegId, LiveCall] = {}
        self._silence = SilenceWatch(self._calls, clock, silence_seconds)
        self._drained: asyncio.Future[None] | None = None
        self._around: Surroundings | None = None
        self._apps: Mapping[str, CallApp] = {}

    def connect(
        self,
        signalling: Signalling,
        media: Media,
        apps: Mapping[str, CallApp],
        *,
        origin_of: Callable[[str], Origin | None] = lambda account: None,
        may_pick_up: Callable[[str, Destination], bool] = lambda account, ringing: False,
        keypad: Callable[[Destination], Keypad | None] = lambda destination: None,
        record: Callable[[CallId, LegId], str] = lambda call, leg: "nothing records here",
        room: Callable[[CallId, LegId], str] = lambda call, leg: "there are no rooms here",
        mixer: Mixer | None = None,
        player: Player | None = None,
        recorder: Recorder | None = None,
        video: Video | None = None,
        prompt: Callable[[str, str], str] = lambda language, name: name,
        language: str = "en",
        music: str = "",
        ringback: str = "",
    ) -> None:
        """Give the switch its gateways and call applications: once, before the first call.

        `origin_of` tells whom an account's calls are from, `may_pick_up` whether an account may answer what rings
        elsewhere, `keypad` what a party may press while it talks, `music` is the prompt for those who wait, and
        `ringback` the one for callers who hear us while somebody rings.
        `mixer` lets more than two talk together, `player` says one thing after another, `recorder` keeps what callers
        say, `video` lets pictures pass through us. `prompt` tells which sound a prompt is in a language, `language` is
        that of callers who chose no other.
        `record` begins or ends a recording that a party asks for, and says which, or why not; `room` makes a room of
        its call.
        """
        self._around = Surroundings(
            signalling,
            media,
            self._clock,
            self._bus.publish,
            self._new_call,
            origin_of=origin_of,
            may_pick_up=may_pick_up,
            keypad=keypad,
            record=record,
            room=room,
            mixer=mixer,
            player=player,
            recorder=recorder,
            video=video,
            prompt=prompt,
            language=language,
            music=music,
            ringback=ringback,
            call_of=self._legs.get,
        )
        self._apps = apps

    @property
    def live(self) -> int:
        """How many calls there are."""
        return len(self._calls)

    # What gateways tell (`SignallingEvents`, `MediaEvents`) ------------------------------------------------

    def incoming(self, incoming: Incoming) -> LegId:
        """A party asks for a call. While the switch drains or is full, the call is refused, and still recorded."""
        call = self._new_call(incoming.origin)
        leg = call.offered(incoming)
        if len(self._calls) > self._most_calls or self._drained is not None or self._congested():
            call.hang_up(Cause.SWITCH_CONGESTION)
        elif incoming.replaces is not None:
            assert self._around is not None
            transfers.replace(call, call.caller_leg, incoming.replaces, self._around)
        elif incoming.unfit:
            call.hang_up(Cause.INCOMPATIBLE_DESTINATION)
        else:
            origin = incoming.origin
            # A trunk's call is received by the trunk, which knows how its numbers are written, before it is routed.
            call.start(
                Destination("arrival", origin.name)
                if origin.kind == "trunk"
                else Destination("dialplan", origin.context)
            )
        return leg

    def signalled(self, leg: LegId, signal: LegSignal) -> None:
        call = self._legs.get(leg)
        if call is None:
            return
        try:
            call.receive(leg, signal)
        except Exception:
            # One call's bug ends one call.
            log.exception("a signal could not be worked off", call=call.call, leg=leg, signal=repr(signal))
            call.hang_up(Cause.TEMPORARY_FAILURE)

    def traced(self, leg: LegId, direction: str, what: str) -> None:
        call = self._legs.get(leg)
        if call is not None:
            call.trace(leg, direction, what)

    def played(self, leg: LegId) -> None:
        call = self._legs.get(leg)
        if call is not None:
            call.played(leg)

    def digit(self, leg: LegId, digit: str, duration_ms: int) -> None:
        call = self._legs.get(leg)
        if call is not None:
            call.digit_pressed(leg, digit)

    def detected(self, leg: LegId, what: str) -> None:
        call = self._legs.get(leg)
        if call is not None:
            call.detected(leg, what)

    def key_frame_wanted(self, line: LegId) -> None:
        """See `VideoEvents`: the party is asked by signalling."""
        leg, _ = IdSource.of_video(line)
        call = self._legs.get(leg)
        if call is not None:
            call.picture_wanted(leg)

    def sound_lost(self, leg: LegId) -> None:
        """A call whose sound is gone is over, like one whose handling failed."""
        call = self._legs.get(leg)
        if call is not None:
            call.hang_up(Cause.TEMPORARY_FAILURE, note="the media engine has died")

    # What outlives the process ----------------------------------------------------------------------------

    def call_of(self, leg: LegId) -> CallId | None:
        """The call that a leg is in."""
        call = self._legs.get(leg)
        return call.call if call is not None else None

    def lives(self, call: CallId) -> bool:
        """Whether there is such a call."""
        return call in self._calls

    def is_answered(self, call: CallId) -> bool:
        """Whether there is such a call, and it is answered."""
        live = self._calls.get(call)
        return live is not None and live.answered_at is not None

    def remembered(self, call: CallId, memory: Memory) -> bytes | None:
        """A call, written down for `restore`; None where there is nothing to go on with."""
        live = self._calls.get(call)
        record = live.remembered(memory) if live is not None else None
        return None if record is None else encode(record)

    def restore(
        self,
        written: Mapping[CallId, bytes],
        facts: Callable[[CallId], Sequence[CallFact] | None],
        memory: Memory,
        takeover: Takeover,
    ) -> int:
        """Go on with the calls that an earlier process has written down: once, when the sockets are open and before
        anything is read from them. Those that cannot go on end. `facts` tells what is on record of one. Gives how many
        go on."""
        for name, text in written.items():
            try:
                self._restore(decode(text), facts(name) or (), memory, takeover)
            except Exception:
                log.exception("a call could not be restored", call=name)
                self._give_up(name)
        takeover.resumed()
        return sum(live.life is not None for live in self._calls.values())

    def _restore(self, record: CallRecord, facts: Sequence[CallFact], memory: Memory, takeover: Takeover) -> None:
        assert self._around is not None, "connect() comes before calls"
        call = RestoredCall(self._around, self._apps, self._legs, self._over, record.call, record.origin)
        self._calls[record.call] = call
        self._silence.begin()
        call.resume(record, facts, memory, takeover)

    def _give_up(self, name: CallId) -> None:
        call = self._calls.get(name)
        if call is not None:
            call.hang_up(Cause.TEMPORARY_FAILURE, note=NOTE)
        else:
            self._bus.publish(CallEnded(at=self._clock.wall_ms(), call=name, cause=Cause.TEMPORARY_FAILURE, note=NOTE))

    # What administrators ask ------------------------------------------------------------------------------

    def hang_up(self, call: CallId) -> bool:
        """End a call; False when there is none of that name."""
        live = self._calls.get(call)
        if live is None:
            return False
        live.hang_up(Cause.NORMAL_CLEARING)
        return True

    def originate(
        self,
        origin: Origin,
        number: str,
        candidates: Sequence[Candidate],
        ring_seconds: float,
        destination: Destination | None = None,
        video: Sequence[OurVideo] = (),
        data: Mapping[str, str] = {},
    ) -> CallId:
        """Ring the terminals of a party, and when it answers, route `number` as if the party had dialled it, or hand
        the call to a `destination`. `video` is offered to it with the sound, see `Caller.with_video`; `data` is what
        is known of its matter, see `Caller.data`.

        Raises NotFound when the party has no terminal.
        """
        if not candidates:
            raise NotFound("registered phone of", origin.name)
        call = self._new_call(origin)
        call.originated(Party(number), tuple(video))
        if data:
            call.data.update(data)
        call.start(destination or Destination("dialplan", origin.context), candidates, ring_seconds)
        return call.call

    def invite(
        self,
        origin: Origin,
        from_: Party,
        number: str,
        destination: Destination,
        home: Destination,
        *,
        ring_seconds: float,
        rang: Callable[[], None],
        over: Callable[[Cause], None],
        confirm: Confirmation | None = None,
        video: Sequence[OurVideo] = (),
    ) -> CallId:
        """Call somebody for an application of ours: `destination` finds whom to ring, as if `from_` had called `number`
        with the rights of `origin`; who answers is handed to `home`. `rang` is told when somebody is alerted, `over`
        when the call has ended, and why. `video` is offered with the sound, see `Caller.with_video`."""
        assert self._around is not None, "connect() comes before calls"

        def ended(name: CallId) -> None:
            self._over(name)
            over(call.cause)

        name = self._ids.call()
        call = InvitedCall(
            self._around,
            self._apps,
            self._legs,
            ended,
            name,
            origin,
            home=home,
            rang=rang,
            confirm=confirm,
            video=tuple(video),
        )
        self._calls[name] = call
        self._silence.begin()
        call.invite(from_, Party(number), destination, ring_seconds)
        return name

    def disperse(self, call: CallId, destination: Destination) -> None:
        """Let the parties of a call go to a destination, each by itself.

        Raises NotFound for a call that there is not, and Conflict where nobody has answered, or a party is being
        transferred or asks somebody.
        """
        live = self._calls.get(call)
        if live is None:
            raise NotFound("live call", call)
        assert self._around is not None
        dispersal.disperse(live, destination, self._around)

    def transfer(self, call: CallId, number: str, leg: LegId | None = None) -> None:
        """Send a party of a call on to a number, as if the other party had transferred it: the caller, or the party
        that `leg` names. The other one is let go once that is answered, and gets the party back otherwise.

        Raises NotFound for a call or leg that there is not, and Conflict while it talks with nobody.
        """
        live, stays = self._party(call, leg)
        assert self._around is not None
        transfers.by_administrator(live, stays, number, self._around)

    def hold(self, call: CallId, leg: LegId | None, holds: bool) -> None:
        """Let a party of a call (None: its caller) hold whom it talks with, or talk with it again.

        Raises NotFound for a call or leg that there is not, and Conflict where there is nobody to hold or resume.
        """
        live, party = self._party(call, leg)
        (live.talk.hold if holds else live.talk.resume)(party)
        live.note(f"{party.id} {'holds' if holds else 'resumes'} by order")

    def hang_up_leg(self, call: CallId, leg: LegId) -> None:
        """End one party's half of a call; what becomes of the others is as if it had hung up.

        Raises NotFound for a call or leg that there is not.
        """
        live, party = self._party(call, leg)
        live.legs.hang_up(party, Cause.NORMAL_CLEARING)

    def _party(self, call: CallId, leg: LegId | None) -> tuple[LiveCall, Leg]:
        live = self._calls.get(call)
        if live is None:
            raise NotFound("live call", call)
        party = live.caller_leg if leg is None else live.legs.get(leg)
        if party is None or over(party):
            raise NotFound("leg", leg or "")
        return live, party

    def account_of(self, call: CallId, leg: LegId) -> str:
        """Whose phone a party of a call is; empty: no account's."""
        live = self._calls.get(call)
        party = live.legs.get(leg) if live is not None else None
        whose = party.destination if party is not None else None
        return whose.name if whose is not None and whose.kind == "account" else ""

    def unite(self, call: CallId, other: CallId) -> None:
        """Let the parties of two calls talk together, in the first.

        Raises NotFound for a call that there is not, and Conflict where there are not three to talk.
        """
        here, there = self._calls.get(call), self._calls.get(other)
        for live, name in ((here, call), (there, other)):
            if live is None:
                raise NotFound("live call", name)
        assert here is not None and there is not None and self._around is not None
        try:
            conference.unite(here, there, self._around)
        except Rejected as rejected:
            raise Conflict("not-possible", str(rejected)) from rejected

    def supervise(
        self, by: CallId, leg: LegId, mode: supervision.Mode, *, ordered_by: str, over: Callable[[str], None]
    ) -> supervision.Supervision:
        """Let the caller of a call hear a party of another one, and whom that talks with; `over` is told once when it
        is over, and why.

        Raises NotFound for a call or leg that there is not, and Conflict where the party cannot be supervised.
        """
        live, call, around = self._calls.get(by), self._legs.get(leg), self._around
        if live is None:
            raise NotFound("live call", by)
        party = None if call is None else call.legs.get(leg)
        if call is None or party is None:
            raise NotFound("leg", leg)
        assert around is not None
        try:
            return supervision.supervise(live, call, party, mode, around, ordered_by=ordered_by, over=over)
        except Rejected as rejected:
            raise Conflict("not-possible", str(rejected)) from rejected

    def may_be_supervised(self, call: CallId, leg: LegId | None) -> LegId:
        """Whom to supervise in a call: the party that is named, else that of an account, and of two the one that was
        called. Raises NotFound, and Conflict where it cannot be supervised."""
        live = self._calls.get(call)
        if live is None:
            raise NotFound("live call", call)
        assert self._around is not None
        party = supervision.party(live, leg)
        supervision.may_be_supervised(live, party, self._around)
        return party.id

    def talk_of(self, account: str) -> LegId | None:
        """The leg by which an account talks with somebody, the one of the newest call; None: it does not."""
        for call in reversed(list(self._calls.values())):
            for leg in call.parties():
                if leg.destination == Destination("account", account) and len(call.parties()) > 1:
                    return leg.id
        return None

    def pick_up(self, by: CallId, accounts: Collection[str]) -> bool:
        """Let a call's caller answer a phone of one of these accounts that rings, the call that came first; False when
        none rings."""
        call, around = self._calls.get(by), self._around
        for target in self._calls.values():
            for leg in target.legs:
                whose = leg.destination
                if whose is None or whose.kind != "account" or whose.name not in accounts:
                    continue
                if leg.state is LegState.RINGING and target.has_place(leg):
                    if call is None or around is None or leg is target.caller_leg:
                        return False
                    transfers.pick_up(call, target, leg, around)
                    return True
        return False

    def meet(self, by: CallId, waiting: CallId) -> bool:
        """Let a call's caller talk with the caller of another call, which waits; False when that is gone."""
        call, target, around = self._calls.get(by), self._calls.get(waiting), self._around
        if call is None or target is None or around is None or call is target or over(target.caller_leg):
            return False
        transfers.fetch(call, target, around)
        return True

    def ladder(self, call: CallId) -> Sequence[TraceLine] | None:
        """The ladder of a live call so far; None when there is no such call."""
        live = self._calls.get(call)
        return None if live is None else live.ladder

    def evidence(self, call: CallId) -> Mapping[LegId, tuple[LegClues, MediaFigures | None]]:
        """What is out of the ordinary about the legs of a live call."""
        live = self._calls.get(call)
        return {} if live is None else live.evidence()

    async def drain(self, within: float) -> None:
        """Take no new calls, let the others end within some seconds, then end them."""
        self._drained = asyncio.get_running_loop().create_future()
        if self._calls:
            try:
                async with asyncio.timeout(within):
                    await asyncio.shield(self._drained)
            except TimeoutError:
                for call in list(self._calls.values()):
                    call.hang_up(Cause.NORMAL_UNSPECIFIED)
                await asyncio.wait([self._drained], timeout=5.0)

    def _new_call(self, origin: Origin) -> LiveCall:
        assert self._around is not None, "connect() comes before calls"
        name = self._ids.call()
        call = self._calls[name] = LiveCall(self._around, self._apps, self._legs, self._over, name, origin)
        self._silence.begin()
        return call

    def _over(self, call: CallId) -> None:
        del self._calls[call]
        if self._drained is not None and not self._calls and not self._drained.done():
            self._drained.set_result(None)

"""Begins, pauses and ends recordings, and knows what became of each."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog
from msgspec import structs

from softswitch.events import (
    CallAnswered,
    CallerLeftQueue,
    CallFact,
    CallOffered,
    Fact,
    LegAnswered,
    LegArrived,
    LegDialed,
    RecordingFinished,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    RecordingTroubled,
)
from softswitch.features.recording import store
from softswitch.features.recording.files import Files
from softswitch.features.recording.model import (
    DEFAULT,
    Format,
    Layout,
    Link,
    Manner,
    Mask,
    Party,
    Policy,
    Recording,
    expiry,
    file_of,
    legs_of,
    link_of,
    party_of,
)
from softswitch.features.recording.model.rules import Rule, Talk
from softswitch.features.recording.needs import Bus, LiveCalls, Log, Studio
from softswitch.features.recording.rules import CHANGED, Rules
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

log = structlog.get_logger(__name__)

BY_POLICY, BY_CODE, BY_RULE = "policy", "code", "rule"
_UNLINKED = Link()
KILLED = "the switch was stopped in the middle of it"


class Recordings:
    """All recordings; those that run are in memory. Hears from the studio what becomes of them."""

    def __init__(
        self,
        studio: Studio,
        calls: LiveCalls,
        event_log: Log,
        bus: Bus,
        clock: Clock,
        files: Files,
        chance: Callable[[], float],
        beep_after: float = 0.5,
    ) -> None:
        """`chance` gives random numbers from 0 to below 1. `beep_after`: seconds from the beginning of a recording to
        the tone that says so.
        """
        self._beep_after = beep_after
        self._studio = studio
        self._calls = calls
        self._log = event_log
        self._bus = bus
        self._clock = clock
        self._chance = chance
        self.files = files
        self._policies: Mapping[str, Policy] = {}
        self._listening = False
        self._numbers = 0
        self._live: dict[int, Recording] = {}
        self._by_leg: dict[LegId, int] = {}
        self._completion: asyncio.Task[None] | None = None
        self.rules = Rules(self, calls.facts, bus, clock)

    # What is recorded, by policy ----------------------------------------------------------------------------

    async def load(self, database: Database) -> None:
        """Read the policies: before the first call, and again when another process has changed them."""
        async with database.reading() as session:
            self._take(await store.all_policies(session))
            await self.rules.load(session)

    def policies(self) -> Sequence[Policy]:
        """Those that were set, by account."""
        return [self._policies[account] for account in sorted(self._policies)]

    def policy(self, account: str) -> Policy:
        """What holds for an account."""
        found = self._policies.get(account) if account else None
        return found or self._policies.get(DEFAULT) or Policy(account=DEFAULT)

    async def set_policy(self, session: Session, policy: Policy) -> None:
        await store.write_policy(session, policy)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take({**self._policies, policy.account: policy}))

    async def remove_policy(self, session: Session, account: str) -> None:
        """What holds for all holds for the account again. Raises NotFound."""
        if account not in self._policies:
            raise NotFound("recording policy of", account)
        await store.remove_policy(session, account)
        await count_change(session, CHANGED)
        session.after_commit(
            lambda: self._take({name: each for name, each in self._policies.items() if name != account})
        )

    def _take(self, policies: Mapping[str, Policy]) -> None:
        self._policies = policies
        # Calls pay for being looked at only where some of them are recorded by themselves.
        wanted = any(policy.mode in ("all", "percentage") for policy in policies.values())
        if wanted != self._listening:
            self._listening = wanted
            turn = self._bus.subscribe if wanted else self._bus.unsubscribe
            turn(CallAnswered, self._answered)
            turn(LegAnswered, self._answered)

    def _answered(self, fact: Fact) -> None:
        """A caller was answered, or a party answered."""
        assert isinstance(fact, CallFact)
        facts = self._calls.facts(fact.call) or ()
        if type(fact) is LegAnswered:
            leg: LegId | None = fact.leg
        else:
            leg = facts[0].leg if facts and type(facts[0]) is CallOffered else None
        party = party_of(facts, leg) if leg is not None else None
        if leg is None or party is None or not party.account or leg in self._by_leg:
            return
        policy = self.policy(party.account)
        if policy.begins(self._chance()):
            try:
                self._begin(fact.call, leg, party, BY_POLICY, policy.manner)
            except Conflict as conflict:
                log.warning("a call is not recorded as its account's policy says", leg=leg, reason=str(conflict))

    # What rules say -----------------------------------------------------------------------------------------

    def begin_by_rule(self, call: CallId, talk: Talk, rule: Rule) -> Recording | None:
        """See `rules.Recorder`."""
        party = party_of(self._calls.facts(call) or (), talk.leg)
        if party is None or talk.leg in self._by_leg or talk.other in self._by_leg:
            return None
        return self._begin(call, talk.leg, party, BY_RULE, rule.manner, talk.link, rule.name)

    def end_by_rule(self, leg: LegId) -> None:
        """See `rules.Recorder`."""
        number = self._by_leg.get(leg)
        if number is not None and self._live[number].by == BY_RULE:
            del self._by_leg[leg]  # the next may begin before this one's file is complete
            self._studio.stop_recording(number)

    def agent_answered(self, fact: CallerLeftQueue) -> None:
        """What policies had begun of a call is linked to the stay that has ended well."""
        if fact.outcome != "answered":
            return
        for number, known in list(self._live.items()):
            if known.call == fact.call and not known.queue:
                self._keep(number, structs.replace(known, queue=fact.queue, stay=fact.stay, agent=fact.agent))

    # What parties and administrators order ------------------------------------------------------------------

    def start(
        self,
        call: CallId,
        leg: LegId | None,
        by: str,
        *,
        layout: Layout | None = None,
        format: Format | None = None,
        consent_tone: bool | None = None,
    ) -> Recording:
        """Record a leg of a live call: the caller's where none is named, and as its account's policy says where nothing
        else is asked for.

        Raises NotFound, and Conflict for one that is recorded already, or whose sound goes past us.
        """
        facts = self._calls.facts(call)
        if facts is None:
            raise NotFound("live call", call)
        leg = leg or next(iter(legs_of(facts)), None)
        party = party_of(facts, leg) if leg is not None else None
        if leg is None or party is None:
            raise NotFound("leg", leg or "")
        if leg in self._by_leg:
            raise Conflict("already-recorded", f"{leg} is recorded already, as {self._live[self._by_leg[leg]].id}")
        rule = self.rules.on_demand(leg)
        usual = rule.manner if rule is not None else self.policy(party.account).manner
        manner = Manner(
            layout or usual.layout,
            format or usual.format,
            usual.consent_tone if consent_tone is None else consent_tone,
            usual.keep_days,
        )
        named = rule.name if rule is not None and by == BY_CODE else ""
        return self._begin(call, leg, party, by, manner, link_of(facts, leg), named)

    def toggle(self, call: CallId, leg: LegId) -> str:
        """A party presses the code for it: begin, or end what the code began; says which, or why not."""
        number = self._by_leg.get(leg)
        if number is not None:
            recording = self._live[number]
            if recording.by != BY_CODE:
                return f"{recording.id} was begun by {recording.by} and goes on"
            self._studio.stop_recording(number)
            return f"{recording.id} ends"
        party = party_of(self._calls.facts(call) or (), leg)
        if party is None:
            return "the party is in no call"
        if self.policy(party.account).mode == "none" and self.rules.on_demand(leg) is None:
            return f"what {party.account or 'this party'} says may not be recorded"
        try:
            return f"{self.start(call, leg, BY_CODE).id} begins"
        except (Conflict, NotFound) as error:
            return str(error)

    def pause(self, recording: str, mask: Mask) -> Recording:
        """Leave out what comes; pausing twice changes what stands for it. Raises NotFound, and Conflict when it has
        ended."""
        number, known = self._running(recording)
        self._studio.pause_recording(number, mask)
        self._bus.publish(
            RecordingPaused(at=self._now(), call=known.call, leg=known.leg, recording=known.id, mask=mask)
        )
        return self._keep(number, structs.replace(known, state="paused"))

    def resume(self, recording: str) -> Recording:
        """Raises NotFound, and Conflict when it has ended or is not paused."""
        number, known = self._running(recording)
        if known.state != "paused":
            raise Conflict("not-paused", f"{recording} is not paused")
        self._studio.resume_recording(number)
        self._bus.publish(RecordingResumed(at=self._now(), call=known.call, leg=known.leg, recording=known.id))
        return self._keep(number, structs.replace(known, state="recording"))

    def stop(self, recording: str) -> Recording:
        """Its file is complete soon after. Raises NotFound, and Conflict when it has ended."""
        number, known = self._running(recording)
        self._studio.stop_recording(number)
        return known

    def _running(self, recording: str) -> tuple[int, Recording]:
        for number, known in self._live.items():
            if known.id == recording:
                return number, known
        raise Conflict("not-recording", f"{recording} is no recording that runs")

    def _begin(
        self,
        call: CallId,
        leg: LegId,
        party: Party,
        by: str,
        manner: Manner,
        link: Link = _UNLINKED,
        rule: str = "",
    ) -> Recording:
        now = self._now()
        self._numbers += 1
        number, name = self._numbers, f"{leg}-{self._numbers}"
        recording = Recording(
            id=name,
            call=call,
            leg=leg,
            account=party.account,
            from_number=party.from_number,
            to_number=party.to_number,
            by=by,
            started_at=now,
            state="recording",
            layout=manner.layout,
            format=manner.format,
            file=file_of(name, now, manner.format),
            expires_at=expiry(now, manner.keep_days),
            queue=link.queue,
            stay=link.stay,
            agent=link.agent,
            rule=rule,
        )
        path = self.files.path(recording.file)
        self._studio.record(leg, number, path, layout=manner.layout, format=manner.format)
        self._by_leg[leg] = number
        self._keep(number, recording)
        self._bus.publish(
            RecordingStarted(
                at=now,
                call=call,
                leg=leg,
                recording=name,
                by=by,
                rule=rule,
                queue=link.queue,
                stay=link.stay,
                agent=link.agent,
            )
        )
        if manner.consent_tone:
            # Whoever was answered just now is only being brought together with the other.
            asyncio.get_running_loop().call_later(self._beep_after, self._beep, call)
        return recording

    def _beep(self, call: CallId) -> None:
        for leg in legs_of(self._calls.facts(call) or ()):
            self._studio.beep(leg)

    def _keep(self, number: int, recording: Recording) -> Recording:
        self._live[number] = recording
        self._log.add(store.RECORDINGS, store.row_of(recording))
        return recording

    # What the studio tells ----------------------------------------------------------------------------------

    def recording_troubled(self, recording: int, reason: str) -> None:
        known = self._live.get(recording)
        if known is not None:
            log.error("a recording loses sound", recording=known.id, reason=reason)
            self._bus.publish(RecordingTroubled(at=self._now(), recording=known.id, of_call=known.call, reason=reason))
            self._keep(recording, structs.replace(known, note=reason))

    def recording_ended(self, recording: int, milliseconds: int, size: int, lost_ms: int, reason: str) -> None:
        known = self._live.pop(recording, None)
        if known is None:
            return
        if self._by_leg.get(known.leg) == recording:
            del self._by_leg[known.leg]
        if reason:
            log.error("a recording ended before its time", recording=known.id, reason=reason)
        self._finish(known, milliseconds, size, lost_ms, reason or known.note)

    def recordings_lost(self, reason: str) -> None:
        """The media engine has died: what is in the files is all there is."""
        lost = list(self._live.values())
        self._live.clear()
        self._by_leg.clear()
        if lost:
            self._completion = asyncio.get_running_loop().create_task(self._complete(lost, reason))

    async def _complete(self, left: Sequence[Recording], why: str) -> None:
        """End recordings whose files somebody left behind."""
        for known in left:
            found = await asyncio.to_thread(self.files.complete, known.file)
            if found is None:
                self._finish(known, 0, 0, 0, "there is no file")
            else:
                self._finish(known, found.milliseconds, found.size, 0, why)

    def _finish(self, known: Recording, milliseconds: int, size: int, lost_ms: int, note: str) -> None:
        ended = structs.replace(
            known,
            ended_at=self._now(),
            state="finished" if size else "failed",
            milliseconds=milliseconds,
            size=size,
            lost_ms=lost_ms,
            note=note,
        )
        self._log.add(store.RECORDINGS, store.row_of(ended))
        self._bus.publish(
            RecordingFinished(
                at=ended.ended_at or 0,
                recording=ended.id,
                of_call=ended.call,
                leg=ended.leg,
                milliseconds=milliseconds,
                size=size,
                lost_ms=lost_ms,
                note=note,
            )
        )

    # What is left of the last run, and what is old ------------------------------------------------------------

    async def recover(self, database: Database) -> int:
        """End what the last run left behind when it was killed: each file gets its name, and each its row; and go on
        with what a media engine outside has kept running. To be called once, before the first call; gives how many were
        ended."""
        async with database.reading() as session:
            rows = await store.unfinished(session)
        kept = dict(self._studio.kept_recordings())
        self._numbers = max(kept.values(), default=0)
        for known in rows:
            number = kept.pop(self.files.path(known.file).absolute(), None)
            if number is not None:
                self._by_leg[known.leg] = number
                self._live[number] = known
        rows = [known for known in rows if known not in self._live.values()]
        await self._complete(rows, KILLED)
        strays = await self._recover_strays(kept)
        if rows or strays:
            await self._log.flush()
            log.warning("the switch had been stopped in the middle of recordings", recordings=len(rows) + strays)
        return len(rows) + strays

    async def _recover_strays(self, kept: Mapping[Path, int]) -> int:
        """Files whose rows were not written yet when the process was killed: begun in its last moments. Those that are
        `kept` run on."""
        died_at = await self._log.last_at()
        if died_at is None:
            return 0
        days = {f"{datetime.fromtimestamp((died_at + later) / 1000, UTC):%Y/%m/%d}" for later in (0, 60_000)}
        strays = await asyncio.to_thread(self.files.unfinished, sorted(days))
        running = {self._name_of(path): number for path, number in kept.items()}
        ended = 0
        known_files = {known.file for known in self._live.values()}
        for file in sorted({*strays, *running} - known_files):
            name, _, format = file.rpartition("/")[2].rpartition(".")
            leg = LegId(name.rpartition("-")[0])
            call = CallId(leg.rpartition(".")[0])
            facts = [logged.fact for logged in await self._log.read(call=call)]
            party = _party_then([fact for fact in facts if isinstance(fact, CallFact)], leg)
            if format not in ("wav", "opus"):
                continue
            known = Recording(
                id=name,
                call=call,
                leg=leg,
                account=party.account,
                from_number=party.from_number,
                to_number=party.to_number,
                by="unknown",
                started_at=died_at,
                state="recording",
                layout="stereo",
                format="opus" if format == "opus" else "wav",
                file=file,
                expires_at=expiry(died_at, self.policy(party.account).keep_days),
            )
            if file in running:
                self._by_leg[leg] = running[file]
                self._keep(running[file], known)
            else:
                ended += 1
                await self._complete([known], KILLED)
        return ended

    def _name_of(self, path: Path) -> str:
        folder = self.files.folder.absolute()
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else ""

    async def settled(self) -> None:
        """What has happened so far is found in the database from now on."""
        await self._log.flush()

    async def keep(self, session: Session, recording: str, expires_at: int | None) -> Recording:
        """Set when a recording is deleted; None: never. Raises NotFound."""
        for number, running in self._live.items():
            if running.id == recording:
                return self._keep(number, structs.replace(running, expires_at=expires_at))
        known = await store.find(session, recording)
        if known is None:
            raise NotFound("recording", recording)
        await store.keep(session, recording, expires_at)
        return structs.replace(known, expires_at=expires_at)

    async def delete(self, session: Session, recording: str) -> None:
        """Delete the file, and then what is known of it. Raises NotFound, and Conflict while it runs."""
        known = await store.find(session, recording)
        if known is None:
            raise NotFound("recording", recording)
        if known.live:
            raise Conflict("still-recording", f"{recording} has not ended")
        await asyncio.to_thread(self.files.remove, known.file)
        await store.remove(session, recording)

    def _now(self) -> int:
        return self._clock.wall_ms()


def _party_then(facts: Sequence[CallFact], leg: LegId) -> Party:
    """What is known of a leg of a call that has ended."""
    lasting = [fact for fact in facts if isinstance(fact, CallOffered | LegDialed | LegArrived)]
    return party_of(lasting, leg) or Party("", "", "")

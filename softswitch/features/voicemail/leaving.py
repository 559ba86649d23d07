"""A caller leaves a message."""

from msgspec import structs

from softswitch.engine.caller import Caller, Keys
from softswitch.features.voicemail import said
from softswitch.features.voicemail.model.box import Box, is_busy
from softswitch.features.voicemail.model.message import LEAST_SECONDS
from softswitch.features.voicemail.service import UNWRITTEN, Draft, Voicemail
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected
from softswitch.kernel.sound import SoundFile
from softswitch.platform.database import DatabaseUnavailable

WHILE_GREETED = Keys(1, ends_with="", first_within=0.0)
REVIEW = Keys(1, ends_with="", first_within=4.0)
TIMES = 3
"""How often a caller is asked who says nothing."""


async def leave(caller: Caller, voicemail: Voicemail, number: str) -> Destination | None:
    """Greet, record, let the caller hear it and think better of it, and keep it; also what a caller has said who hangs
    up in the middle. `*` while it is greeted opens the box, 0 leads to the operator."""
    box, listed = voicemail.boxes.find(number), voicemail.boxes.find_list(number)
    if box is None and listed is not None:
        box = Box(number=listed.number, name=listed.name)
    if box is None:
        raise Rejected(Cause.UNALLOCATED_NUMBER, f"there is no voicemail box {number}")
    if box.language:
        caller.language = box.language
    seconds = voicemail.room(number)
    if seconds < LEAST_SECONDS:
        voicemail.full(number, caller.from_, caller.call)
        caller.note(f"the voicemail box {number} is full")
        await caller.play("voicemail/full")
        return None
    diversions = caller.identity.diversions if caller.identity is not None else ()
    busy = bool(diversions) and is_busy(diversions[0].reason)
    match await _greeted(caller, box, busy):
        case "0" if box.operator:
            return Destination.parse(box.operator)
        case "*" if listed is None:
            return Destination("mailbox", number)
    draft = voicemail.begin(number, caller.from_, caller.call)
    try:
        return await _recorded(caller, voicemail, box, draft, seconds)
    except DatabaseUnavailable as error:
        voicemail.lost(draft, str(error))
        await caller.play("voicemail/cannot-record")
        return None
    except BaseException:
        # The caller has hung up, or was fetched away: what it said so far is its message.
        voicemail.leave_behind(draft)
        raise


async def _greeted(caller: Caller, box: Box, busy: bool) -> str:
    try:
        keyed = await caller.gather(*said.greeting(box, busy=busy, language=caller.language), keys=WHILE_GREETED)
    except NotFound as missing:
        caller.note(f"a greeting is lost: {missing}")
        plain = structs.replace(box, greetings={})
        keyed = await caller.gather(*said.greeting(plain, busy=busy, language=caller.language), keys=WHILE_GREETED)
    return keyed.digits


async def _recorded(caller: Caller, voicemail: Voicemail, box: Box, draft: Draft, seconds: float) -> Destination | None:
    for _ in range(TIMES):
        file = await voicemail.take(draft)
        await caller.play(said.BEEP)
        silence = float(box.silence_seconds) or None
        recorded = await caller.record(file, most_seconds=seconds, silence_seconds=silence, ends_with="#*0")
        draft.seconds = recorded.seconds
        if recorded.ended_by == "fault":
            voicemail.lost(draft, UNWRITTEN)
            draft.message = structs.replace(draft.message, note=UNWRITTEN)
            await voicemail.keep(draft)
            await caller.play("voicemail/cannot-record")
            return None
        if recorded.ended_by == "limit":
            await caller.play("voicemail/time-is-up")
        elif recorded.seconds < LEAST_SECONDS and recorded.ended_by != "key:0":
            await caller.play("voicemail/too-short")
            continue
        chosen = "0" if recorded.ended_by == "key:0" and box.operator else await _reviewed(caller, box, draft)
        if chosen == "again":
            continue
        left = await voicemail.keep(draft)
        if chosen == "0":
            return Destination.parse(box.operator)
        await caller.play(*(("voicemail/left",) if left else ()), "voicemail/goodbye")
        return None
    await voicemail.keep(draft)
    await caller.play("voicemail/goodbye")
    return None


async def _reviewed(caller: Caller, box: Box, draft: Draft) -> str:
    """What the caller wants: `keep`, `again`, or the operator, `0`. Who says nothing wants it kept."""
    silent = 0
    while silent < TIMES:
        operator = ("voicemail/review-operator",) if box.operator else ()
        match (await caller.gather("voicemail/review", *operator, keys=REVIEW)).digits:
            case "1" | "#":
                break
            case "2":
                await caller.play(SoundFile(draft.message.file))
            case "3":
                return "again"
            case "4":
                draft.urgent = not draft.urgent
                await caller.play("voicemail/marked-urgent" if draft.urgent else "voicemail/not-urgent")
            case "0" if box.operator:
                return "0"
            case _:
                silent += 1
    return "keep"

"""What happens to a call of somebody who records a prompt."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path

from softswitch.engine.caller import Caller, Keys
from softswitch.feature import CallApp
from softswitch.features.prompts.model import WORDLESS, check_name
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, Invalid, Rejected
from softswitch.kernel.sound import SoundFile, Tone
from softswitch.kernel.spoken import LANGUAGES

BEEP = Tone(((1000.0, -13.0),), 300)
MOST_SECONDS = 180.0
SILENCE_SECONDS = 6.0
"""After which nothing more is expected."""
LEAST_SECONDS = 0.5
MOST_TURNS = 10
"""Questions and takes in one call."""


class Choice(StrEnum):
    """What may be pressed."""

    KEEP = "1"
    AGAIN = "2"
    HEAR = "3"
    LEAVE = "*"


Take = Callable[[str, str, Path, str | None, str], Awaitable[object]]
"""Keeps a recording: see `service.Library.take`."""


def record_app(take: Take, data: Path) -> CallApp:
    """Takes the calls for `record-prompt/NAME` (in the caller's language) and `record-prompt/LANGUAGE/NAME`: the caller
    says the prompt, hears it, and keeps it or tries again. Who may dial such a code is the dial plan's to say."""

    async def record(caller: Caller, name: str) -> Destination | None:
        if caller.origin.kind != "account":
            raise Rejected(Cause.FACILITY_REJECTED, "only accounts record prompts")
        if caller.routed_as != caller.origin:
            # Else a forward to such a code would let everybody who calls record it.
            raise Rejected(
                Cause.FACILITY_REJECTED, f"{caller.routed_as.name} forwards to a code of {caller.origin.name}"
            )
        first, _, rest = name.partition("/")
        language, prompt = (first, rest) if first in LANGUAGES or first == WORDLESS else (caller.language, name)
        try:
            check_name(language, prompt)
        except Invalid as invalid:
            raise Rejected(Cause.INVALID_NUMBER_FORMAT, str(invalid)) from invalid
        file = f"cache/takes/{caller.call}.wav"
        try:
            if await _is_good(caller, file):
                await take(language, prompt, data / file, None, caller.origin.name)
                await caller.play("record/kept")
            else:
                await caller.play("record/left")
        except (Invalid, Conflict) as refused:
            caller.note(f"the prompt was not kept: {refused}")
            await caller.play("record/left")
        finally:
            (data / file).unlink(missing_ok=True)
        return None

    return record


async def _is_good(caller: Caller, file: str) -> bool:
    """Record until the caller is content with it, or leaves it."""
    key: str = Choice.AGAIN
    for _ in range(MOST_TURNS):
        match key:
            case Choice.KEEP:
                return True
            case Choice.LEAVE:
                return False
            case Choice.AGAIN:
                await caller.play("record/say", BEEP)
                recorded = await caller.record(
                    file, most_seconds=MOST_SECONDS, silence_seconds=SILENCE_SECONDS, ends_with="#*"
                )
                if recorded.ended_by == f"key:{Choice.LEAVE}":
                    return False
                said = recorded.seconds - (SILENCE_SECONDS if recorded.ended_by == "silence" else 0)
                if said < LEAST_SECONDS:
                    await caller.play("record/nothing")
                    continue
                await caller.play(SoundFile(file))
            case Choice.HEAR:
                await caller.play(SoundFile(file))
        keyed = await caller.gather("record/keys", keys=Keys(1, ends_with=""))
        key = keyed.digits
    return False

"""What happens to a test call."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from softswitch.engine.caller import Caller
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected
from softswitch.kernel.spoken import Clip, Rest, Unspeakable, grammar_of

TEST_TONE_HZ = 1004.0
"""The milliwatt tone of ITU-T O.133: not 1000 Hz, which divides the sampling rate and so hides errors."""


async def echo(caller: Caller, name: str) -> Destination | None:
    """Send the caller's sound back."""
    await caller.echo()
    return None


async def tone(caller: Caller, name: str) -> Destination | None:
    """A steady tone: `tone`, or `tone/<Hz>`."""
    try:
        frequency = float(name) if name else TEST_TONE_HZ
    except ValueError:
        frequency = 0.0
    if not 20.0 <= frequency <= 20_000.0:
        raise Rejected(Cause.INVALID_NUMBER_FORMAT, f"{name!r} is no frequency in Hz")
    await caller.tone(frequency)
    return None


async def announce(caller: Caller, name: str) -> Destination | None:
    """Play one prompt: `announce/<prompt>`."""
    try:
        await caller.play(name)
    except NotFound as error:
        raise Rejected(Cause.DESTINATION_OUT_OF_ORDER, str(error)) from error
    return None


async def clock(caller: Caller, name: str) -> Destination | None:
    """Say the time and the caller's number: `clock`, `clock/zh`, `clock/en/Asia/Shanghai`. Without a zone the time is
    the machine's own."""
    language, _, zone = (name or "en").partition("/")
    try:
        grammar = grammar_of(language)
        now = datetime.fromtimestamp(caller.wall_ms() / 1000, ZoneInfo(zone) if zone else None)
    except (Unspeakable, ZoneInfoNotFoundError, ValueError) as error:
        raise Rejected(Cause.DESTINATION_OUT_OF_ORDER, f"clock/{name}: {error}") from error
    try:
        who = grammar.digits(caller.from_.number)
    except Unspeakable:  # a name, or nobody's number
        who = (Clip("clock/unknown-number"),)
    words = (Clip("clock/the-time-is"), *grammar.time(now.time()), Rest(500), Clip("clock/you-call-from"), *who)
    caller.language = language.partition("-")[0].lower()
    await caller.play(words)
    return None


async def hang_up(caller: Caller, name: str) -> Destination | None:
    """End the call: `hangup/<cause>`, the cause by its name or Q.850 value."""
    try:
        cause = Cause.named(name)
    except ValueError as error:
        raise Rejected(Cause.NORMAL_UNSPECIFIED, str(error)) from error
    raise Rejected(cause, f"the dial plan ends the call: {cause.text}")

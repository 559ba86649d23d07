"""What happens to a test call."""

from softswitch.engine.caller import Caller
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected

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
    """Speak the time and the caller's number, which needs prompts of digits that there are not."""
    raise Rejected(Cause.SERVICE_NOT_IMPLEMENTED, "the switch has no voice for digits")


async def hang_up(caller: Caller, name: str) -> Destination | None:
    """End the call: `hangup/<cause>`, the cause by its name or Q.850 value."""
    try:
        cause = Cause.named(name)
    except ValueError as error:
        raise Rejected(Cause.NORMAL_UNSPECIFIED, str(error)) from error
    raise Rejected(cause, f"the dial plan ends the call: {cause.text}")

"""An owner sets its box by phone: greetings, PIN, language."""

from softswitch.engine.caller import Caller, Keys
from softswitch.features.voicemail import said
from softswitch.features.voicemail.model.box import GREETING_SECONDS, Greeting
from softswitch.features.voicemail.model.message import LEAST_SECONDS
from softswitch.features.voicemail.service import Voicemail
from softswitch.kernel.errors import Invalid, NotFound
from softswitch.kernel.sound import SoundFile

ONE_KEY = Keys(1, ends_with="", first_within=5.0)
PIN = Keys(12, first_within=8.0, next_within=4.0)
TIMES = 3
"""How often somebody is asked."""
_GREETINGS: dict[str, Greeting] = {"1": "busy", "2": "absent", "3": "temporary", "4": "name"}


async def change_settings(caller: Caller, voicemail: Voicemail, number: str) -> None:
    """The menu of settings, until the owner goes back."""
    for _ in range(2 * TIMES):
        match (await caller.gather("voicemail/settings-menu", keys=ONE_KEY)).digits:
            case "1":
                await _greetings(caller, voicemail, number)
            case "2":
                await _pin(caller, voicemail, number)
            case "3":
                await _language(caller, voicemail, number)
            case "*":
                return


async def recorded(caller: Caller, file: str, invitation: str) -> bool:
    """Let somebody speak after a tone: whether there is something in the file."""
    for _ in range(TIMES):
        await caller.play(invitation, said.BEEP)
        take = await caller.record(file, most_seconds=GREETING_SECONDS)
        if take.ended_by == "fault":
            await caller.play("voicemail/cannot-record")
            return False
        if take.seconds >= LEAST_SECONDS:
            return True
        await caller.play("voicemail/too-short")
    return False


async def _greetings(caller: Caller, voicemail: Voicemail, number: str) -> None:
    greeting = _GREETINGS.get((await caller.gather("voicemail/which-greeting", keys=ONE_KEY)).digits)
    if greeting is None:
        return
    for _ in range(2 * TIMES):
        match (await caller.gather("voicemail/greeting-menu", keys=ONE_KEY)).digits:
            case "1":
                await _record_greeting(caller, voicemail, number, greeting)
            case "2":
                file = voicemail.boxes.box(number).greetings.get(greeting)
                try:
                    await caller.play(SoundFile(file) if file is not None else "voicemail/no-greeting")
                except NotFound:  # its file is lost
                    await caller.play("voicemail/no-greeting")
            case "3":
                await voicemail.set_greeting(number, greeting, None)
                await caller.play("voicemail/greeting-gone")
            case "*":
                return


async def _record_greeting(caller: Caller, voicemail: Voicemail, number: str, greeting: Greeting) -> None:
    file, kept = voicemail.greeting_file(number, greeting), False
    try:
        kept = await recorded(caller, file, "voicemail/speak-after-tone")
    finally:
        if not kept:
            voicemail.remove_behind(file)
    if kept:
        await voicemail.set_greeting(number, greeting, file)
        await caller.play("voicemail/greeting-kept")


async def _pin(caller: Caller, voicemail: Voicemail, number: str) -> None:
    for _ in range(TIMES):
        pin = (await caller.gather("voicemail/new-pin", keys=PIN)).digits
        if not pin:
            return
        if (await caller.gather("voicemail/new-pin-again", keys=PIN)).digits != pin:
            await caller.play("voicemail/pin-differs")
            continue
        try:
            await voicemail.set(number, {"pin": pin})
        except Invalid:
            await caller.play("voicemail/pin-weak")
            continue
        await caller.play("voicemail/pin-changed")
        return


async def _language(caller: Caller, voicemail: Voicemail, number: str) -> None:
    keyed = (await caller.gather("voicemail/language-menu", keys=ONE_KEY)).digits
    language = {"1": "en", "2": "zh"}.get(keyed)
    if language is not None:
        await voicemail.set(number, {"language": language})
        caller.language = language

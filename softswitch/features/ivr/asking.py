"""What flows let callers hear, and ask them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from softswitch.engine.caller import Keys, Recorded, Spoken
from softswitch.features.ivr.journey import Said, Steps
from softswitch.kernel.errors import SwitchError

SHORTEST_RECORDING = 0.5
"""Seconds: less is nothing."""
AT_ONCE = 0.05
"""Seconds in which a key that comes with the last word of a question is still taken, before speech is listened to."""
PAUSE = 0.9
"""Seconds of silence behind a word, after which an answer is over."""
LONGEST_ANSWER = 15.0

_Answer = TypeVar("_Answer")
Reply = tuple[_Answer | None, str]
"""What a caller said once, and how the path of its call has it; or None, and why: `invalid` or `silent`."""


def _why(keyed: str) -> str:
    """Why there is no answer."""
    return "invalid" if keyed else "silent"


class Asking(Steps):
    """The nodes by which a flow and its caller talk."""

    # What is heard ------------------------------------------------------------------------------------------

    async def play(self, *hear: Said, node: str = "") -> None:
        """Let the caller hear prompts, values and texts, one after the other, to the end."""
        step = self._step("play", node, hear)
        await self._play(hear)
        self._came(step, "heard")

    def speak(self, language: str, *, node: str = "") -> None:
        """Change the language of all that follows."""
        step = self._step("language", node)
        self._caller.language = language
        self._came(step, language)

    # What is asked ------------------------------------------------------------------------------------------

    async def menu(
        self,
        *hear: Said,
        keys: str,
        tries: int = 3,
        seconds: float = 5.0,
        invalid: Sequence[Said] = ("ivr/invalid",),
        silent: Sequence[Said] = ("ivr/no-input",),
        barge: bool = True,
        node: str = "",
    ) -> str | None:
        """Ask for one of several keys, a few times: gives the key; None: none was pressed, or another."""
        step = self._step("menu", node, hear)
        asked = Keys(1, ends_with="", first_within=seconds, barge=barge)

        async def once(heard: Sequence[Said]) -> Reply[str]:
            keyed = await self._gather(heard, asked)
            return (keyed, keyed) if keyed and keyed in keys else (None, _why(keyed))

        return await self._until_answered(step, once, hear, tries, invalid, silent)

    async def collect(
        self,
        *hear: Said,
        most: int,
        least: int = 1,
        ends_with: str = "#",
        tries: int = 3,
        seconds: float = 5.0,
        between: float = 3.0,
        invalid: Sequence[Said] = ("ivr/invalid",),
        silent: Sequence[Said] = ("ivr/no-input",),
        barge: bool = True,
        node: str = "",
    ) -> str | None:
        """Ask for digits, a few times: gives them; None: too few came. The path does not keep them."""
        step = self._step("collect", node, hear)
        asked = Keys(most, least, ends_with, seconds, between, barge)

        async def once(heard: Sequence[Said]) -> Reply[str]:
            keyed = await self._caller.gather(*await self._sounds(heard), keys=asked)
            enough = len(keyed.digits) >= least and (keyed.digits or keyed.ended_by == "terminator")
            return (keyed.digits, "keyed") if enough else (None, _why(keyed.digits))

        return await self._until_answered(step, once, hear, tries, invalid, silent)

    async def survey(
        self,
        question: str,
        *hear: Said,
        low: int = 1,
        high: int = 5,
        tries: int = 3,
        seconds: float = 5.0,
        invalid: Sequence[Said] = ("ivr/invalid",),
        silent: Sequence[Said] = ("ivr/no-input",),
        barge: bool = True,
        node: str = "",
    ) -> int | None:
        """Ask for a mark, which the path keeps under the question's name."""
        step = self._step("survey", node or question)
        asked = Keys(len(str(high)), first_within=seconds, next_within=1.5, barge=barge)

        async def once(heard: Sequence[Said]) -> Reply[int]:
            keyed = await self._gather(heard, asked)
            if keyed.isdigit() and low <= int(keyed) <= high:
                return int(keyed), str(int(keyed))
            return None, _why(keyed)

        return await self._until_answered(step, once, hear, tries, invalid, silent)

    async def listen(
        self,
        *hear: Said,
        phrases: Mapping[str, Sequence[str]],
        keys: Mapping[str, str] = {},
        tries: int = 3,
        seconds: float = 5.0,
        invalid: Sequence[Said] = ("ivr/invalid",),
        silent: Sequence[Said] = ("ivr/no-input",),
        node: str = "",
    ) -> str | None:
        """Ask for one of several answers, each of which may be said in several ways, or keyed in: gives which. Where
        nobody understands speech here, keys alone are understood."""
        step = self._step("listen", node, hear)

        async def once(heard: Sequence[Said]) -> Reply[str]:
            answer = await self._answer(await self._sounds(heard), phrases, keys, seconds)
            return (answer, answer) if answer else (None, "silent" if answer is None else "invalid")

        return await self._until_answered(step, once, hear, tries, invalid, silent)

    async def _until_answered(
        self,
        step: int,
        once: Callable[[Sequence[Said]], Awaitable[Reply[_Answer]]],
        hear: Sequence[Said],
        tries: int,
        invalid: Sequence[Said],
        silent: Sequence[Said],
    ) -> _Answer | None:
        """Ask until there is an answer, a few times: after the first time, what was wrong is heard before."""
        before: Sequence[Said] = ()
        came = "silent"
        for _ in range(tries):
            answer, came = await once((*before, *hear))
            if answer is not None:
                self._came(step, came)
                return answer
            before = invalid if came == "invalid" else silent
        self._came(step, came)
        return None

    async def _answer(
        self, spoken: Sequence[Spoken], phrases: Mapping[str, Sequence[str]], keys: Mapping[str, str], seconds: float
    ) -> str | None:
        """One answer to a question: empty where it is none of those that were meant, None where there was none."""
        ears, caller = self._journey.parts.ears, self._caller
        keyed = await caller.gather(
            *spoken, keys=Keys(1, ends_with="", first_within=seconds if ears is None else AT_ONCE)
        )
        if keyed.digits or ears is None:
            return keys.get(keyed.digits, "") if keyed.digits else None
        file = self._file()
        try:
            recorded = await caller.record(
                file, most_seconds=LONGEST_ANSWER, silence_seconds=PAUSE, patience_seconds=seconds
            )
            if recorded.ended_by.startswith("key:"):
                return keys.get(recorded.ended_by.removeprefix("key:"), "")
            if not recorded.spoken or recorded.ended_by == "fault":
                return None
            meant = [each for some in phrases.values() for each in some]
            heard = await ears.phrase(recorded.name, self.language, meant)
        except SwitchError as error:
            self.trouble(f"what was said is not understood: {error}")
            return ""
        finally:
            # Also when the caller has hung up: nobody need keep what was only to be understood.
            await ears.forget(file)
        return next((answer for answer, some in phrases.items() if heard in some), "")

    def _file(self) -> str:
        self._journey.recordings += 1
        return f"flows/{self._published.name}/{self._caller.call}-{self._journey.recordings}.wav"

    async def record(
        self,
        *hear: Said,
        most_seconds: float = 120.0,
        silence_seconds: float = 5.0,
        ends_with: str = "#",
        node: str = "",
    ) -> Recorded | None:
        """Write what the caller says to a file; None: it said nothing, or it could not be written."""
        step = self._step("record", node, hear)
        await self._play(hear)
        recorded = await self._caller.record(
            self._file(), most_seconds=most_seconds, silence_seconds=silence_seconds, ends_with=ends_with
        )
        good = recorded.ended_by != "fault" and recorded.spoken and recorded.seconds >= SHORTEST_RECORDING
        self._came(step, "recorded" if good else "nothing")
        return recorded if good else None

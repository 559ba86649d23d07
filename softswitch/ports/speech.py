"""Who says texts, and who understands what is said."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from softswitch.kernel.sound import SoundFile
from softswitch.kernel.speech import Heard


class Synthesiser(Protocol):
    """Says texts."""

    async def synthesise(self, text: str, language: str, voice: str = "") -> SoundFile:
        """A sound that says the text in a language (`en`, `zh`), in a voice of that name or the language's usual one.
        The same text is worked on once; its file stays as long as it is asked for now and then.

        Raises Invalid for a text that cannot be said, NotFound for an unknown voice or language, and Unavailable where
        the voice is not installed, has too much to do, or takes too long.
        """
        ...

    def why_silent(self, language: str) -> str | None:
        """Why nobody here speaks a language, with what is to be installed; None: somebody does."""
        ...


class Recogniser(Protocol):
    """Understands what is said."""

    async def recognise(self, sound: Path, language: str, phrases: Sequence[str] = ()) -> Heard:
        """What is said in a sound file (WAV or Ogg Opus), in a language (`en`, `zh`). `phrases`: what is expected,
        which helps; `Heard.phrase` is the one of them that it is.

        Raises Invalid for a file that is no sound or too long, NotFound for an unknown language, and Unavailable where
        no recogniser is installed, it has too much to do, or takes too long.
        """
        ...

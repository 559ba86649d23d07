"""What is played: prompts, sound files, tones and silence."""

from msgspec import Struct


class Prompt(Struct, frozen=True, gc=False):
    """A prompt by its name, from a time on."""

    name: str
    from_ms: int = 0


class SoundFile(Struct, frozen=True, gc=False):
    """A sound file (`.wav`, `.opus`) by its path below the data folder, from a time on: what somebody has said, say."""

    name: str
    from_ms: int = 0


class Tone(Struct, frozen=True):
    """A tone of one to four parts."""

    parts: tuple[tuple[float, float], ...]
    """Hz and dBm0 of each; they are heard together."""
    ms: int | None = None
    """None: for ever."""
    cadence: tuple[int, ...] = ()
    """Milliseconds of sound and of silence, in turn, and then anew; empty: it is steady."""


class Silence(Struct, frozen=True, gc=False):
    """Nothing, for so long."""

    ms: int


class SoundData(Struct, frozen=True, gc=False):
    """A sound file's content."""

    suffix: str
    """`.wav` or `.opus`."""
    content: bytes
    milliseconds: int


Sound = Prompt | SoundFile | Tone | Silence

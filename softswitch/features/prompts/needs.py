"""What prompts ask of others."""

from typing import Protocol

from softswitch.kernel.sound import SoundData


class TakeReader(Protocol):
    """Knows what callers have said (`gateways.media.uploads.read_take`)."""

    def __call__(self, data: bytes) -> SoundData:
        """The sound of a recording without the silence before and after it. Takes its time. Raises Invalid."""
        ...


class Reader(Protocol):
    """Knows sound files (`gateways.media.uploads.read_upload`)."""

    def __call__(self, data: bytes, media_type: str) -> SoundData:
        """The sound in bytes that somebody has sent. Takes its time. Raises Invalid."""
        ...

"""Any number of legs that hear each other."""

from collections.abc import Callable, Sequence
from typing import Protocol

from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.sound import Sound


class Mixer(Protocol):
    """Mixes: any number of legs that hear each other. Listening, whispering and barging in are mixes, too, in which
    not everybody hears everybody."""

    def open_mix(
        self,
        mix: MixId,
        *,
        rate: int = 16_000,
        loudest: int = 0,
        keys: bool = False,
        speaking: Callable[[LegId], None] | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Make a mix of 8000, 16000 or 48000 samples a second, in which at most `loudest` are heard at once (0: all).

        `keys`: those that a member presses are sent to all who hear it. `speaking` is told when another member speaks,
        `failed` the reason when the mix is gone by a fault: then it is still to be closed.
        Raises Rejected(SWITCH_CONGESTION) when there are too many.
        """
        ...

    def join(self, mix: MixId, leg: LegId) -> None:
        """Let a leg hear all others, and be heard by them. `Media.silence`, or anything else that it is to do, takes
        it out again."""
        ...

    def set_level(self, mix: MixId, leg: LegId, *, gain: float = 0.0, muted: bool = False, deaf: bool = False) -> None:
        """How loud a member is, in dB; whether it is not heard, and does not hear."""
        ...

    def set_hearing(self, mix: MixId, listener: LegId, speaker: LegId, gain: float | None) -> None:
        """Let a member hear another otherwise than all do: with a gain in dB, although that is muted; or not at all
        (None)."""
        ...

    def play_to_mix(
        self, mix: MixId, sounds: Sequence[Sound], *, loop: bool = False, ended: Callable[[], None] | None = None
    ) -> None:
        """Play to all members; see `Player.play_list`."""
        ...

    def stop_mix_list(self, mix: MixId) -> None:
        """End what is played to all members."""
        ...

    def record_all(self, mix: MixId, name: str, *, format: str, ended: Callable[[int, int, str], None]) -> int:
        """Write what all members say, and what is played to them, to a file of `wav` or `opus`, until the mix's end or
        `Recorder.stop_recording`; see `Recorder.record_said`."""
        ...

    def close_mix(self, mix: MixId) -> None:
        """End a mix; its members are silent then. Closing twice does nothing."""
        ...

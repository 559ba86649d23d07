"""Makes softswitch/prompts/music/hold.wav: sixteen seconds of a slow melody over a steady chord, synthesised here, so
that nobody's rights are in it. The chord's root, 262 Hz, sounds all the time."""

import math
import struct
import sys
import wave

RATE = 8000
BEAT = 0.5
MELODY = (76, 79, 84, 83, 79, 76, 74, 72, 76, 77, 81, 79, 76, 74, 72, 67) * 2
"""MIDI note numbers, one a beat, in C major."""
CHORD = (60, 64, 67)


def hertz(note: int) -> float:
    return 440.0 * 2.0 ** ((note - 69) / 12)


def sample(index: int) -> float:
    now = index / RATE
    total = len(MELODY) * BEAT
    beat = now % BEAT
    note = MELODY[int(now / BEAT) % len(MELODY)]
    pluck = math.exp(-4.0 * beat) * min(1.0, beat / 0.01)
    # The chord swells slowly; whole periods in the whole length, so that the loop has no seam.
    swell = 0.8 + 0.2 * math.sin(2 * math.pi * 2 * now / total)
    pads = sum(math.sin(2 * math.pi * round(hertz(each) * total) / total * now) for each in CHORD[1:])
    root = math.sin(2 * math.pi * round(hertz(CHORD[0]) * total) / total * now)
    return 0.16 * swell * root + 0.05 * swell * pads + 0.14 * pluck * math.sin(2 * math.pi * hertz(note) * beat)


def main(path: str) -> None:
    samples = [round(32767 * sample(index)) for index in range(int(RATE * BEAT * len(MELODY)))]
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "softswitch/prompts/music/hold.wav")

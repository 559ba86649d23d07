"""Sound made by the media engine, in a process of its own: prompts, rooms, calls between codecs.

`python -m tests.bench.sound_server KIND LEGS` prints the kind of I/O, then a line for each leg as `soundload` reads
it, then an empty line. For each line on its standard input it prints the engine's figures as JSON; it ends when there
are no more. KINDs: `prompt`, each leg is played one; `room`, all hear all; `opus-room`, the same at 16 kHz, where three
speak and no more than three are heard; `transcode`, each two legs are bridged, the one in G.711, the other in Opus.
"""

import json
import math
import struct
import sys

from gateways._native import MediaCommand, MediaEngine, MediaFormats, MediaItem

PROMPT_SECONDS = 20
SPEAKERS = 3


def serve(kind: str, legs: int) -> None:
    engine = MediaEngine(host="127.0.0.1", first_port=0, legs=legs)
    parties = [_party(kind, leg) for leg in range(legs)]
    for leg, (_, codec) in enumerate(parties):
        engine.submit([MediaCommand.Open(leg=leg, epoch=1), _connect(leg, codec)])
    engine.submit(_orders(kind, legs, engine))
    print(engine.io)
    for port, (says, codec) in zip(engine.ports(), parties, strict=True):
        print(port, says, codec)
    print(flush=True)
    for _ in sys.stdin:
        print(json.dumps(engine.stats()), flush=True)
    engine.close()


def _party(kind: str, leg: int) -> tuple[str, str]:
    """What the party of a leg says, and its codec."""
    if kind == "transcode":
        return "speech", "opus" if leg % 2 else "pcma"
    if kind == "opus-room":
        return "speech" if leg < SPEAKERS else "quiet", "opus"
    return "speech" if kind == "room" else "quiet", "pcma"


def _connect(leg: int, codec: str) -> MediaCommand:
    speech = (111, "OPUS", 48000, 2, "") if codec == "opus" else (8, "PCMA", 8000, 1, "")
    return MediaCommand.Connect(
        leg=leg,
        # Where the party sends from is told by its packets, as for a phone behind NAT.
        host="0.0.0.0",
        port=0,
        rtcp_host="0.0.0.0",
        rtcp_port=0,
        rtcp_mux=False,
        formats=MediaFormats([speech], [speech]),
        ptime=20,
        send=True,
        receive=True,
    )


def _orders(kind: str, legs: int, engine: MediaEngine) -> list[MediaCommand]:
    if kind == "prompt":
        items = [MediaItem.Prompt(prompt=engine.add_prompt(_hum(PROMPT_SECONDS), 8000))]
        return [MediaCommand.Play(leg=leg, items=items, operation=1, looped=True) for leg in range(legs)]
    if kind == "transcode":
        return [MediaCommand.Bridge(a=leg, b=leg + 1) for leg in range(0, legs, 2)]
    rate, loudest = (8000, 0) if kind == "room" else (16000, SPEAKERS)
    opened = MediaCommand.OpenMix(mix=0, epoch=1, rate=rate, loudest=loudest)
    return [opened, *(MediaCommand.Join(mix=0, leg=leg) for leg in range(legs))]


def _hum(seconds: int) -> bytes:
    """Something that sounds all the time, at 8 kHz."""
    samples = (int(3000 * math.sin(n * (0.2 + 0.1 * math.sin(n / 3000)))) for n in range(8000 * seconds))
    return struct.pack(f"<{8000 * seconds}h", *samples)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))

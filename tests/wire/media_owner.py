"""A call control that will be killed: begins a media engine of its own, lets two parties talk, and says where.

`python -m tests.wire.media_owner FOLDER PORT PORT` writes a line of JSON to its standard error: the local
ports of its legs.
"""

import asyncio
import json
import sys
from pathlib import Path

from gateways.media.gateway import MediaGateway
from softswitch.kernel.address import HostPort
from softswitch.kernel.ids import LegId, MixId
from softswitch.kernel.media import Codec, Direction, MediaDescription
from tests.wire.media_process import engine_process

CODECS = (Codec(8, "PCMA"), Codec(101, "TELEPHONE-EVENT", parameters="0-16"))
A, B, LEFT_OVER = LegId("call.1"), LegId("call.2"), LegId("call.3")
RECORDING = 7


class Nobody:
    """Hears events and does nothing."""

    def played(self, leg: LegId) -> None: ...
    def digit(self, leg: LegId, digit: str, duration_ms: int) -> None: ...
    def detected(self, leg: LegId, what: str) -> None: ...
    def sound_lost(self, leg: LegId) -> None: ...


def described(address: HostPort) -> MediaDescription:
    return MediaDescription(address, CODECS, Direction.SENDRECV, 20)


async def own(folder: Path, ports: list[int]) -> None:
    process = engine_process(folder, "--orphan-seconds", "20")
    gateway = MediaGateway(process.reach(), "127.0.0.1", process=process, keeps_in=folder)
    gateway.listen(Nobody())
    await gateway.start()
    legs = {leg: gateway.open(leg) for leg in (A, B, LEFT_OVER)}
    for leg, port in zip((A, B), ports, strict=True):
        gateway.connect(leg, described(legs[leg]), described(HostPort("127.0.0.1", port)))
    gateway.bridge(A, B)
    gateway.record(A, RECORDING, folder / "kept.wav", layout="stereo", format="wav")
    gateway.record_said(B, "voicemail/said.wav", ended=lambda milliseconds, size, reason: None)
    gateway.open_mix(MixId("left over"))
    gateway.join(MixId("left over"), LEFT_OVER)
    await asyncio.sleep(0)
    assert gateway.stats["legs_open"] == 3
    print(json.dumps([legs[A].port, legs[B].port, legs[LEFT_OVER].port]), file=sys.stderr, flush=True)
    await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(own(Path(sys.argv[1]), [int(word) for word in sys.argv[2:4]]))

"""Pictures of people who talk, for benchmarks: drawn and encoded beforehand, so that sending them costs nothing.

`python -m tests.bench.heads MEMBERS WIDTH HEIGHT FPS SECONDS`: the codecs and the scaler alone, called in a loop: no
composer can be cheaper. Prints its CPU time in seconds.
"""

import sys
import time
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType

from gateways.video.composer.canvas import Canvas
from gateways.video.composer.encoding import Encoder
from gateways.video.layouts import Rect
from gateways.video.records import Output

SIZE = (640, 360)
FRAMES = 75


def clip(seed: int, fps: int, kbps: int = 600) -> list[tuple[bool, bytes]]:
    """Key frame or not, and the bytes, of a head that moves before a wall, with the noise of a camera. It can be played
    round and round."""
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height = SIZE
    context.pix_fmt = "yuv420p"
    context.time_base, context.framerate = Fraction(1, 90_000), Fraction(fps)
    context.gop_size, context.thread_count, context.bit_rate = 10_000, 1, kbps * 1000
    bits = str(kbps * 1000)
    context.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "maxrate": bits,
        "bufsize": bits,
    }
    chance = np.random.default_rng(seed)
    wall = chance.integers(70, 130, (SIZE[1] // 20, SIZE[0] // 20)).repeat(20, 0).repeat(20, 1)
    pictures = []
    for count in range(FRAMES):
        frame = av.VideoFrame.from_numpy_buffer(head(wall, chance, count / fps), "yuv420p")
        frame.pts = count * 90_000 // fps
        frame.pict_type = PictureType.NONE if count else PictureType.I
        pictures += [(packet.is_keyframe, bytes(packet)) for packet in context.encode(frame)]
    return pictures


def head(wall: Any, chance: Any, at: float, tint: tuple[int, int] = (122, 132)) -> Any:
    """One picture, `at` seconds from the beginning: its planes. `tint` is the wall's."""
    width, height = SIZE
    rows, columns = np.ogrid[:height, :width]
    y = wall + chance.normal(0, 1.2, (height, width))
    u, v = (np.full((height // 2, width // 2), float(value)) for value in tint)
    left, top = width / 2 + 18 * np.sin(2.1 * at), height / 2 + 8 * np.sin(3.3 * at)
    face = ((columns - left) / 85) ** 2 + ((rows - top) / 115) ** 2 < 1
    y[face] = 165 + 15 * np.sin(columns / 30 + np.zeros_like(rows))[face]
    mouth = ((columns - left) / 30) ** 2 + ((rows - top - 55) / (4 + 10 * abs(np.sin(9 * at)))) ** 2 < 1
    y[mouth] = 60
    for side in (-32, 32):
        y[((columns - left - side) / 11) ** 2 + ((rows - top + 25) / 7) ** 2 < 1] = 40
    u[face[::2, ::2]], v[face[::2, ::2]] = 108, 152
    planes = (np.clip(plane, 16, 235).astype(np.uint8).reshape(-1) for plane in (y, u, v))
    return np.concatenate(list(planes)).reshape(height * 3 // 2, width)


def floor(members: int, width: int, height: int, fps: int, seconds: int) -> float:
    """CPU seconds."""
    clips = [clip(seed, fps) for seed in range(members)]
    decoders: list[Any] = [av.CodecContext.create("h264", "r") for _ in clips]
    columns = next(count for count in range(1, 9) if count * count >= members)
    canvas, encoder = Canvas(width, height), Encoder(Output(1, "H264", 1500), width, height, fps)
    wide, tall = width // columns & ~1, height // columns & ~1
    began = time.process_time()
    for count in range(seconds * fps):
        for index, (decoder, pictures) in enumerate(zip(decoders, clips, strict=True)):
            (frame,) = decoder.decode(av.Packet(pictures[count % FRAMES][1]))
            small = frame.reformat(wide, tall, threads=1)
            place = Rect(index % columns * wide, index // columns * tall, wide, tall)
            whole = small.to_ndarray().reshape(-1)
            quarter = wide * tall // 4
            y, u, v = whole[: 4 * quarter], whole[4 * quarter : 5 * quarter], whole[5 * quarter :]
            canvas.planes.y[place.y : place.y + tall, place.x : place.x + wide] = y.reshape(tall, wide)
            half = slice(place.y // 2, (place.y + tall) // 2), slice(place.x // 2, (place.x + wide) // 2)
            canvas.planes.u[half], canvas.planes.v[half] = u.reshape(tall // 2, -1), v.reshape(tall // 2, -1)
        for _ in encoder.encode(canvas, count * 90_000 // fps):
            pass
    return time.process_time() - began


if __name__ == "__main__":
    print(floor(*map(int, sys.argv[1:])))

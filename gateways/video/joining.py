"""Puts pictures and sound of a recording together, in a process of its own: `composer/muxing.py` says how."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateways.video.gateway import missing
from softswitch.kernel.errors import Unavailable

MOST_SECONDS: Final = 3600.0
"""How long it may take: an hour of a meeting takes seconds."""
COMMAND: Final = (sys.executable, "-m", "gateways.video.composer.muxing")


async def join(
    takes: Sequence[Sequence[Path]],
    sound: Path | None,
    sound_began_us: int,
    out: Path,
    command: Sequence[str] = COMMAND,
) -> int:
    """Make one file of the pictures of each take and the sound that began then (CLOCK_MONOTONIC), and give its length
    in milliseconds. Raises Unavailable with the reason, and then leaves everything as it is."""
    reason = missing()
    if reason is not None:
        raise Unavailable(reason)
    job = {
        "takes": [[str(file) for file in take] for take in takes],
        "sound": "" if sound is None else str(sound),
        "sound_began_us": sound_began_us,
        "out": str(out),
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        printed, complaints = await asyncio.wait_for(process.communicate(json.dumps(job).encode()), MOST_SECONDS)
    except TimeoutError:
        raise Unavailable(f"{out.name}: it took longer than {MOST_SECONDS:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        lines = complaints.decode(errors="replace").strip().splitlines() or [f"status {process.returncode}"]
        raise Unavailable(f"{out.name}: {lines[-1]}")
    return int(printed)

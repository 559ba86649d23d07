"""The switch's media engine: in its own process, or spoken to in another."""

import sys

from gateways._native import MediaEngine, MediaEngineLink
from gateways.media.process import EngineProcess
from softswitch.kernel.errors import Invalid
from softswitch.settings import Settings


def engine_process(settings: Settings) -> EngineProcess | None:
    """Where an engine in a process of its own is found or begun; None: it is to be in ours."""
    media = settings.media
    if media.socket is None:
        return None
    command = (sys.executable, "-m", "softswitch", "media", "--ends-alone")
    options = {
        "--socket": media.socket,
        "--data-dir": settings.data_dir,
        "--listen": settings.media_listen,
        "--first-port": media.first_port,
        "--legs": media.legs,
        "--threads": media.threads,
        "--io": media.io,
        "--orphan-seconds": media.orphan_seconds,
    }
    words = [word for name, value in options.items() for word in (name, str(value))]
    return EngineProcess(media.socket, (*command, *words), settings.data_dir / "media-engine.log")


def media_engine(settings: Settings, process: EngineProcess | None) -> MediaEngine | MediaEngineLink:
    """The engine. Raises OSError when it cannot begin or be had, Invalid when it listens on another address."""
    media = settings.media
    if process is None:
        return MediaEngine(
            host=settings.media_listen,
            first_port=media.first_port,
            legs=media.legs,
            threads=media.threads,
            io=media.io,
            prompts=settings.prompt_cache,
        )
    link = process.reach()
    if link.host != settings.media_listen:
        link.abandon()
        where = f"the media engine at {media.socket} receives sound on {link.host}"
        raise Invalid("media.listen", f"{where}, and not on {settings.media_listen}: end it first")
    return link

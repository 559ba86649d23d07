"""Sound."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from softswitch.settings.kinds import Kind, comma_separated, one_of, read_ip, read_text, setting, whole


def _prompt(value: Any) -> str:
    if (
        not isinstance(value, str)
        or value.startswith("/")
        or ".." in value
        or any(ord(letter) < 32 for letter in value)
    ):
        raise ValueError(f"{value!r} should be a prompt's name, such as music/hold, or empty")
    return value


_SERVER = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)


def _stream_hosts(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(each, str) and _SERVER.fullmatch(each) for each in values):
        raise ValueError(f"{value!r} should be a list such as ['agents.example.com', '192.0.2.7:9000']")
    return tuple(each.lower() for each in values)


_LONGEST_SOCKET = 107
"""Octets of a Unix socket's path (unix(7))."""


def _socket(value: Any) -> Path:
    path = Path(read_text(value)).expanduser()
    if not path.is_absolute() or len(os.fsencode(path)) > _LONGEST_SOCKET:
        raise ValueError(f"{value!r} should be an absolute path of {_LONGEST_SOCKET} octets at the most")
    return path


@dataclass(frozen=True)
class MediaSettings:
    """`[media]`"""

    listen: str | None = setting(None, Kind(read_ip))
    """The address to receive sound on; left out: the one of the first SIP listener."""
    advertised: str | None = setting(None, Kind(read_ip))
    """The address that phones send sound to; left out: `sip.advertised`, else `media.listen`."""
    first_port: int = setting(20000, whole(0, 65000))
    """The lowest RTP port; each leg takes two. 0: any that are free."""
    legs: int = setting(4000, whole(2, 20000))
    """How many legs may have sound through the switch at once; a call has two."""
    language: Literal["en", "zh"] = setting("en", one_of("en", "zh"))
    """In which language callers hear prompts and values until they choose another."""
    music: str = setting("music/hold", Kind(_prompt))
    """The prompt that parties hear while they wait or are held; empty: what the phone that holds them sends."""
    ringback: str = setting("tones/ringback", Kind(_prompt))
    """The prompt that a caller hears while somebody rings, where its phone hears the switch already and makes no tone
    of its own; empty: silence."""
    threads: int = setting(1, whole(1, 64))
    """Threads that carry sound."""
    io: Literal["auto", "epoll", "io_uring"] = setting("auto", one_of("auto", "epoll", "io_uring"))
    """How packets are read and written; `auto` takes the fastest that this kernel allows."""
    stream_hosts: tuple[str, ...] = setting((), Kind(_stream_hosts, comma_separated))
    """The servers that sound of calls may be sent to over WebSocket, `HOST` or `HOST:PORT`. None: to none."""
    socket: Path | None = setting(None, Kind(_socket))  # noqa: RUF009 - immutable
    """The Unix socket of a media engine in a process of its own, which is started where nobody listens there. Left out:
    the engine runs in the switch's process."""
    orphan_seconds: int = setting(60, whole(1, 3600))
    """How long such an engine keeps the sound of calls up when the switch has died."""

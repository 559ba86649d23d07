"""URLs of cameras: which are some, and how they may be read."""

import re
from urllib.parse import urlsplit

from softswitch.kernel.errors import Invalid

_SECRET = re.compile(r"((?:pass\w*|pwd|pw|secret|token|auth\w*|key)=)[^&/?#]*", re.IGNORECASE)


def checked_url(url: str) -> None:
    """Raises Invalid for what is no URL of a camera. Whether its host is one that may be fetched is seen when it is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    # What follows an unescaped slash in a password would be taken for a path, and shown.
    if host is None or parts.scheme != "rtsp" or "@" in parts.path or not url.isprintable() or " " in url:
        raise Invalid("cameras", "no address of a camera, such as rtsp://camera.example.com/stream (@ in a path: %40)")


def masked(url: str) -> str:
    """With `***` for its passwords: that of a user, and what some cameras want behind `password=`."""
    scheme, _, rest = url.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    user, at, place = rest[:end].rpartition("@")
    name, colon, _ = user.partition(":")
    shown = f"{name}:***@{place}" if at and colon else rest[:end]
    path = _SECRET.sub(r"\1***", rest[end:])
    return f"{scheme}://{shown}{path}"

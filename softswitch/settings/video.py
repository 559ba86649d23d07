"""Pictures in meetings."""

from dataclasses import dataclass

from softswitch.settings.flows import HOSTS
from softswitch.settings.kinds import setting


@dataclass(frozen=True)
class VideoSettings:
    """`[video]`"""

    camera_hosts: tuple[str, ...] = setting((), HOSTS)
    """The cameras that may be fetched by RTSP, `HOST` or `HOST:PORT`. None: none."""

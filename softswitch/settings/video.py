"""Pictures in meetings."""

from dataclasses import dataclass

from softswitch.kernel.address import HostPort
from softswitch.settings.flows import HOSTS
from softswitch.settings.kinds import Kind, read_address, setting

FLOOR_ADDRESS = Kind(lambda value: read_address(value, 5070))


@dataclass(frozen=True)
class VideoSettings:
    """`[video]`"""

    camera_hosts: tuple[str, ...] = setting((), HOSTS)
    """The cameras that may be fetched by RTSP, `HOST` or `HOST:PORT`. None: none."""
    floor_listen: HostPort | None = setting(None, FLOOR_ADDRESS)  # noqa: RUF009 - immutable
    """Where phones ask for the floor of slides in meetings, by UDP and TCP (BFCP, RFC 8855). Left out: they are told of
    no floor control, and whoever shows slides presents."""

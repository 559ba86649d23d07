"""Where the API is served."""

from dataclasses import dataclass

from softswitch.kernel.address import HostPort
from softswitch.settings.kinds import Kind, read_address, setting

HTTP_ADDRESS = Kind(lambda value: read_address(value, 8080))


@dataclass(frozen=True)
class HttpSettings:
    """`[http]`"""

    listen: HostPort = setting(HostPort("127.0.0.1", 8080), HTTP_ADDRESS)  # noqa: RUF009 - immutable
    """Where the API is served, in the clear: put a TLS proxy before it when it leaves the machine."""

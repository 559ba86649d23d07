"""What a listener is."""

from typing import NamedTuple

from softswitch.kernel.address import HostPort


class Listening(NamedTuple):
    """An address that SIP is heard on."""

    kind: str
    """`udp`, `tcp`, `tls`, `ws` or `wss`."""
    address: HostPort

    @property
    def name(self) -> str:
        """What it is called in paths: `tls-192.0.2.1-5061`."""
        return f"{self.kind}-{self.address.host.replace(':', '_')}-{self.address.port}"

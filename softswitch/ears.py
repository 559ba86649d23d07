"""What the listeners feature may do with the SIP gateway's sockets, under the rules of the settings."""

from collections.abc import Sequence
from ipaddress import ip_address

from gateways.sip.gateway import SipGateway
from gateways.sip.listener import Listener
from gateways.sip.tls import Certificate
from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import Invalid
from softswitch.settings import Settings


class GatewayEars:
    """Satisfies the feature's `Ears`."""

    def __init__(self, sip: SipGateway, settings: Settings) -> None:
        self._sip = sip
        self._settings = settings

    @property
    def bound(self) -> Sequence[tuple[str, HostPort]]:
        return self._sip.bound

    def listen(self, kind: str, address: HostPort) -> HostPort:
        host = ip_address(address.host)
        if self._settings.demo and not host.is_loopback:
            raise Invalid("host", "the demo's passwords are known to everyone: it listens on loopback only")
        if host.is_unspecified and self._settings.advertised_for(address.host) == address.host:
            raise Invalid("host", f"{address.host} stands for every address: sip.advertised must say which to use")
        return self._sip.open(listener_of(self._settings, kind, address))

    def stop_listening(self, kind: str, address: HostPort) -> None:
        self._sip.stop_listening(kind, address)

    @property
    def certificates(self) -> Sequence[Certificate]:
        return self._sip.certificates.shown

    def reload_certificates(self) -> None:
        self._sip.certificates.reload()


def listener_of(settings: Settings, kind: str, address: HostPort) -> Listener:
    """A listener that tells its address as the settings say."""
    advertised = settings.advertised_for(address.host)
    return Listener(kind, address, advertised if advertised != address.host else None, settings.sip.local_networks)

"""What the switch's settings mean to its gateways."""

from typing import TYPE_CHECKING

from gateways.bfcp.gateway import BfcpGateway
from gateways.mail.gateway import MailSettings
from gateways.sip.connections import ConnectionLimits
from gateways.sip.defence import DefenceSettings, SourceLimits
from gateways.sip.gateway import SipSettings
from gateways.sip.listener import own_address
from gateways.sip.resolver import ResolverSettings
from gateways.sip.tls import TlsSettings
from gateways.sip.ua.digest import ALGORITHMS
from gateways.sip.ua.registrar import RegistrarRules
from gateways.sip.ua.settings import UserAgentSettings
from gateways.sip.ua.vicinity import Vicinity
from softswitch import __version__, demo
from softswitch.ears import listener_of
from softswitch.kernel.clock import Clock
from softswitch.settings import Settings

if TYPE_CHECKING:
    from gateways.mqtt.gateway import MqttGateway


def mail_settings(settings: Settings) -> MailSettings:
    """Which mail server is used, and how."""
    mail, tls = settings.mail, settings.tls
    assert mail.server is not None
    return MailSettings(
        host=mail.server.host,
        port=mail.port,
        tls=mail.tls,
        username=mail.username,
        password=mail.password,
        sender=mail.sender,
        authority=tls.authority,
        verify=tls.verify,
    )


def floor_gateway(settings: Settings, clock: Clock) -> BfcpGateway | None:
    """Floor control; None: phones are told of none."""
    listen = settings.video.floor_listen
    return None if listen is None else BfcpGateway(listen, clock, settings.advertised_for(listen.host))


def mqtt_gateway(settings: Settings) -> "MqttGateway | None":
    """Who tells the MQTT broker what happens; None where there is none, and then nothing of it is loaded."""
    mqtt = settings.mqtt
    if mqtt.server is None:
        return None
    from gateways.mqtt.gateway import MqttGateway, MqttSettings

    return MqttGateway(
        MqttSettings(
            host=mqtt.server.host,
            port=mqtt.port,
            tls=mqtt.tls,
            authority=settings.tls.authority,
            verify=settings.tls.verify,
            username=mqtt.username,
            password=mqtt.password,
            prefix=mqtt.prefix,
            qos=1 if mqtt.qos else 0,
            topics=mqtt.topics,
        )
    )


def sip_host(settings: Settings) -> str:
    """The switch's name in URIs of its own."""
    host = settings.advertised_for(settings.sip.listen[0].address.host)
    return f"[{host}]" if ":" in host else host


def sip_settings(settings: Settings) -> SipSettings:
    """How the SIP gateway is built."""
    return SipSettings(
        listeners=tuple(
            listener_of(settings, listener.transport, listener.address) for listener in settings.sip.listen
        ),
        agent=UserAgentSettings(
            host=sip_host(settings),
            realm=settings.sip.realm,
            digest_algorithms=settings.sip.digest or (demo.DIGEST if settings.demo else ALGORITHMS),
            digest_md5_agents=settings.sip.digest_md5_agents,
            digest_user_left_out=settings.demo,
            product=f"Softswitch/{__version__}",
            vicinity=_vicinity(settings),
            srtp_keys_in_clear=settings.sip.srtp_keys_in_clear,
            nat_ping_seconds=settings.sip.nat_ping_seconds,
            unsolicited_mwi=settings.sip.unsolicited_mwi,
            registrar=RegistrarRules(service_route=settings.sip.service_route, push_services=settings.push.services),
            session_expires=settings.sip.session_expires,
            min_session_expires=settings.sip.min_session_expires,
            prefer_reliable=settings.sip.reliable_provisional == "supported",
        ),
        limits=ConnectionLimits(
            connections=settings.limits.connections,
            idle=settings.limits.idle_seconds,
            ask=min(90.0, settings.limits.idle_seconds / 3),
        ),
        resolver=ResolverSettings(servers=settings.sip.name_servers),
        defence=DefenceSettings(
            shedding=settings.defence.shedding,
            emergency=settings.defence.emergency,
            limits=SourceLimits() if settings.defence.limits and not settings.bench else None,
            allowed=settings.defence.allow,
        ),
        tls=TlsSettings(
            certificates=settings.tls.certificates,
            client_certificates=settings.tls.client_certificates,
            client_authority=settings.tls.client_authority,
            authority=settings.tls.authority,
            verify=settings.tls.verify,
        ),
    )


def _vicinity(settings: Settings) -> Vicinity | None:
    """None where everybody is told the same addresses, which costs a call nothing."""
    if not settings.sip.local_networks:
        return None
    inside = own_address(settings.media_listen) if settings.media_listen in ("0.0.0.0", "::") else settings.media_listen
    return Vicinity(settings.sip.local_networks, settings.media_advertised, inside)

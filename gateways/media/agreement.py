"""What an offer and its answer mean for the engine. Pure."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from gateways._native import MediaCommand
from softswitch.kernel.media import Codec, MediaDescription

PCMU = Codec(0, "PCMU")
PCMA = Codec(8, "PCMA")
TELEPHONE_EVENT = Codec(101, "TELEPHONE-EVENT", parameters="0-16")

NOWHERE = "0.0.0.0"


def connect(
    slot: int, local: MediaDescription, remote: MediaDescription, reach: str | None = None
) -> MediaCommand.Connect:
    """The engine's order from what we said (`local`) and what the party said (`remote`). `reach` is the address that
    sound is received on; None: the one that we said."""
    mux = local.rtcp_mux and remote.rtcp_mux
    reach = local.address.host if reach is None else reach
    host, port = _address(remote.address.host, reach), remote.address.port
    rtcp = remote.rtcp
    if mux:
        rtcp_host, rtcp_port = host, port
    elif rtcp is not None:
        rtcp_host, rtcp_port = _address(rtcp.host, reach), rtcp.port
    else:
        # RFC 3550 section 11: the next port up, where nothing else is said.
        rtcp_host, rtcp_port = host, min(port + 1, 65535)
    codec, payload_type, events = _spoken(local.codecs, remote.codecs)
    return MediaCommand.Connect(
        leg=slot,
        host=host,
        port=port,
        rtcp_host=rtcp_host,
        rtcp_port=rtcp_port,
        rtcp_mux=mux,
        codec=codec,
        payload_type=payload_type,
        event_payload_type=events,
        ptime=remote.ptime or 20,
        send=local.direction.sends and remote.direction.receives,
        receive=local.direction.receives and remote.direction.sends,
    )


@lru_cache(maxsize=1024)
def _spoken(
    local: tuple[Codec, ...], remote: tuple[Codec, ...]
) -> tuple[Literal["PCMU", "PCMA"] | None, int, int | None]:
    """What the engine itself speaks and under which payload type, and that of telephone-events."""
    speech = speech_codec(local, remote)
    events = _telephone_event(local) or _telephone_event(remote)
    named: Literal["PCMU", "PCMA"] | None = None
    if speech is not None:
        named = "PCMU" if speech.name == "PCMU" else "PCMA"
    return named, speech.payload_type if speech else 0, events.payload_type if events else None


def speech_codec(local: tuple[Codec, ...], remote: tuple[Codec, ...]) -> Codec | None:
    """What the engine itself speaks to a party: the first of its codecs that we know and have named, too, under
    the payload type that it wants (RFC 3264 section 5.1: a description says what its maker will receive)."""
    named = {codec.name for codec in local}
    return next((c for c in remote if _kind(c) in _SPEECH and c.name in named), None)


def _telephone_event(codecs: Sequence[Codec]) -> Codec | None:
    return next((codec for codec in codecs if _kind(codec) == _EVENTS), None)


def _kind(codec: Codec) -> tuple[str, int, int]:
    return codec.name, codec.clock_rate, codec.channels


_SPEECH = frozenset((_kind(PCMU), _kind(PCMA)))
_EVENTS = _kind(TELEPHONE_EVENT)


@lru_cache(maxsize=4096)
def _address(host: str, reach: str) -> str:
    """Where sound may go that a description asks for; NOWHERE: nothing is sent until the party is heard itself.

    A name is not looked up. No description may send us to many at once (multicast, broadcast), into this machine, or
    from a public address into a private network: what stands there did not ask for it.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return NOWHERE
    ours = ipaddress.ip_address(reach)
    if address.is_multicast or address.is_reserved or address.is_unspecified:
        return NOWHERE
    if address.is_loopback:
        return host if ours.is_loopback else NOWHERE
    # An address for documentation is private to Python; to us it is anybody's.
    inside = any(address in network for network in _PRIVATE if network.version == address.version)
    if inside and not (ours.is_unspecified or any(ours in n for n in _PRIVATE if n.version == ours.version)):
        return host if ours.is_loopback else NOWHERE
    return host


_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10"
    )
)  # fmt: skip

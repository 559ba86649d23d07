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


def connect(slot: int, local: MediaDescription, remote: MediaDescription) -> MediaCommand.Connect:
    """The engine's order from what we said (`local`) and what the party said (`remote`)."""
    mux = local.rtcp_mux and remote.rtcp_mux
    host, port = _address(remote.address.host), remote.address.port
    rtcp = remote.rtcp
    if mux:
        rtcp_host, rtcp_port = host, port
    elif rtcp is not None:
        rtcp_host, rtcp_port = _address(rtcp.host), rtcp.port
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
def _address(host: str) -> str:
    """An IP address as it is. A name is not looked up: its party is sent nothing until it is heard itself."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return NOWHERE
    return host

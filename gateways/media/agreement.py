"""What an offer and its answer mean for the engine. Pure."""

import base64
import binascii
import ipaddress
import re
from functools import lru_cache

from msgspec import structs

from gateways._native import MediaCommand, MediaFormats
from softswitch.kernel.media import Codec, MediaDescription, Security, VideoLine

PCMU = Codec(0, "PCMU")
PCMA = Codec(8, "PCMA")
TELEPHONE_EVENT = Codec(101, "TELEPHONE-EVENT", parameters="0-16")

G722 = Codec(9, "G722")
OPUS = Codec(107, "OPUS", 48000, 2, "useinbandfec=1;maxplaybackrate=16000;sprop-maxcapturerate=16000")
"""RFC 7587 section 6.1: these parameters are hints, and a party may say otherwise of itself."""
CONVERTED = (
    PCMA,
    PCMU,
    G722,
    OPUS,
    *(Codec(115 + place, "L16", rate) for place, rate in enumerate((8000, 16000, 24000, 48000))),
)
"""What the engine converts between, cheapest first."""

NOWHERE = "0.0.0.0"


def connect(
    slot: int, local: MediaDescription, remote: MediaDescription, reach: str | None = None
) -> MediaCommand.Connect:
    """The engine's order from what we said (`local`) and what the party said (`remote`). `reach` is the address that
    sound is received on; None: the one that we said."""
    (host, port), (rtcp_host, rtcp_port), mux = _places(local, remote, reach)
    return MediaCommand.Connect(
        leg=slot,
        host=host,
        port=port,
        rtcp_host=rtcp_host,
        rtcp_port=rtcp_port,
        rtcp_mux=mux,
        formats=formats(local.codecs, remote.codecs),
        ptime=remote.ptime or 20,
        send=local.direction.sends and remote.direction.receives,
        receive=local.direction.receives and remote.direction.sends,
        keys=None if remote.security is None else _keys(remote.security),
    )


VIDEO = (
    Codec(97, "H264", 90000, 1, "profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1"),
    Codec(98, "H264", 90000, 1, "profile-level-id=42e01f;level-asymmetry-allowed=1"),
    Codec(96, "VP8", 90000),
)
"""Pictures that the engine can show to many, best first."""


def connect_video(
    slot: int, local: VideoLine, remote: VideoLine, reach: str | None = None
) -> MediaCommand.ConnectVideo:
    """The same for a video line. One that either side has refused or ended is neither sent to nor heard."""
    live = local.live and remote.live
    (host, port), (rtcp_host, rtcp_port), mux = _places(local, remote, reach)
    return MediaCommand.ConnectVideo(
        leg=slot,
        host=host,
        port=port if live else 0,
        rtcp_host=rtcp_host,
        rtcp_port=rtcp_port if live else 0,
        rtcp_mux=mux,
        ours=local.codecs,
        theirs=remote.codecs,
        feedback=remote.feedback,
        send=live and local.direction.sends and remote.direction.receives,
        receive=live and local.direction.receives and remote.direction.sends,
        kbps=remote.bandwidth_kbps,
        sets=_parameter_sets(remote.codecs),
        keys=None if remote.security is None else _keys(remote.security),
    )


def common_video(local: VideoLine, remote: VideoLine) -> VideoLine:
    """What a party said, as far as we said the same."""

    def alike(one: Codec, other: Codec) -> bool:
        return one.name == other.name and (one.name != "H264" or _mode(one) == _mode(other))

    codecs = tuple(theirs for theirs in remote.codecs if any(alike(theirs, ours) for ours in local.codecs))
    return structs.replace(remote, codecs=codecs)


def _mode(codec: Codec) -> str:
    found = _MODE.search(codec.parameters)
    return "0" if found is None else found[1]


_MODE = re.compile(r"packetization-mode\s*=\s*([0-9])", re.IGNORECASE)


def _parameter_sets(codecs: tuple[Codec, ...]) -> list[bytes]:
    """What a party said of its H.264 by signalling (`sprop-parameter-sets`, RFC 6184 section 8.1); what is broken is as
    if it was not said: they come with the pictures, too."""
    sets: list[bytes] = []
    for codec in codecs:
        for parameter in codec.parameters.split(";"):
            name, _, value = parameter.strip().partition("=")
            if codec.name == "H264" and name.lower() == "sprop-parameter-sets":
                try:
                    sets += [base64.b64decode(unit, validate=True) for unit in value.split(",")[:8]]
                except binascii.Error:
                    continue
    return sets


def _places(
    local: MediaDescription | VideoLine, remote: MediaDescription | VideoLine, reach: str | None
) -> tuple[tuple[str, int], tuple[str, int], bool]:
    """Where a party receives RTP and RTCP, and whether at one port."""
    mux = local.rtcp_mux and remote.rtcp_mux
    reach = local.address.host if reach is None else reach
    host, port = _address(remote.address.host, reach), remote.address.port
    rtcp = remote.rtcp
    if mux:
        return (host, port), (host, port), mux
    if rtcp is not None:
        return (host, port), (_address(rtcp.host, reach), rtcp.port), mux
    # RFC 3550 section 11: the next port up, where nothing else is said.
    return (host, port), (host, min(port + 1, 65535)), mux


def _keys(security: Security) -> tuple[str, bytes, bytes, bytes] | None:
    ours, theirs = security.ours, security.theirs
    return None if ours is None or theirs is None else (ours.suite, ours.key, theirs.key, theirs.mki)


@lru_cache(maxsize=1024)
def formats(local: tuple[Codec, ...], remote: tuple[Codec, ...]) -> MediaFormats:
    """What may be said and heard, from what we said that we receive and what the party said."""
    return MediaFormats(local, remote)


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

import pytest
from msgspec.structs import replace

from gateways.media.agreement import NOWHERE, PCMA, PCMU, TELEPHONE_EVENT, connect
from softswitch.kernel.address import HostPort
from softswitch.kernel.media import Codec, Direction, MediaDescription

OURS, THEIRS = HostPort("192.0.2.1", 20_000), HostPort("198.51.100.7", 4000)


def local(*codecs: Codec, direction: Direction = Direction.SENDRECV, rtcp_mux: bool = False) -> MediaDescription:
    return MediaDescription(OURS, codecs or (PCMA, PCMU, TELEPHONE_EVENT), direction, rtcp_mux=rtcp_mux)


def remote(
    *codecs: Codec,
    address: HostPort = THEIRS,
    direction: Direction = Direction.SENDRECV,
    rtcp: HostPort | None = None,
    rtcp_mux: bool = False,
) -> MediaDescription:
    return MediaDescription(address, codecs or (PCMA, TELEPHONE_EVENT), direction, None, rtcp, rtcp_mux)


def test_sound_goes_where_the_party_said_and_rtcp_to_the_next_port() -> None:
    order = connect(3, local(), remote())
    assert (order.leg, order.host, order.port) == (3, "198.51.100.7", 4000)
    assert (order.rtcp_host, order.rtcp_port, order.rtcp_mux) == ("198.51.100.7", 4001, False)


def test_rtcp_goes_where_the_party_said() -> None:
    order = connect(3, local(), remote(rtcp=HostPort("198.51.100.8", 9)))
    assert (order.rtcp_host, order.rtcp_port) == ("198.51.100.8", 9)


@pytest.mark.parametrize(("ours", "theirs", "mux"), [(True, True, True), (True, False, False), (False, True, False)])
def test_rtcp_is_muxed_only_when_both_said_so(ours: bool, theirs: bool, mux: bool) -> None:
    order = connect(3, local(rtcp_mux=ours), remote(rtcp_mux=theirs))
    assert order.rtcp_mux is mux
    assert order.rtcp_port == (4000 if mux else 4001)


def test_we_speak_the_partys_first_codec_that_we_named_too_under_its_payload_type() -> None:
    order = connect(0, local(PCMU), remote(Codec(9, "G722"), PCMA, Codec(96, "PCMU")))
    assert order.formats.speaks == ("PCMU", 96)


def test_a_party_without_a_codec_of_ours_is_only_passed_on() -> None:
    narrow = Codec(18, "G729")
    assert connect(0, local(narrow), remote(narrow)).formats.speaks is None
    assert connect(0, local(narrow), remote(narrow)).formats.hears(18) == "G729/8000/1"
    assert connect(0, local(), remote(Codec(97, "PCMU", 16_000))).formats.speaks is None


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        (Codec(9, "G722"), "G722"),
        (Codec(111, "OPUS", 48_000, 2), "opus"),
        (Codec(97, "L16", 16_000), "L16"),
        (PCMA, "PCMA"),
        (PCMU, "PCMU"),
    ],
)
def test_the_engine_speaks(codec: Codec, name: str) -> None:
    formats = connect(0, local(codec), remote(codec)).formats
    assert formats.speaks == (name, codec.payload_type)
    assert formats.hears(codec.payload_type) == name


def test_keys_are_expected_under_the_payload_type_that_we_named() -> None:
    said = connect(0, local(PCMA, Codec(96, "TELEPHONE-EVENT")), remote(PCMA, Codec(101, "TELEPHONE-EVENT")))
    assert said.formats.hears(96) == said.formats.hears(101) == "telephone-event/8000"
    assert connect(0, local(PCMA), remote(PCMA)).formats.hears(101) is None
    fast = Codec(110, "TELEPHONE-EVENT", 48_000)
    assert connect(0, local(PCMA, fast), remote(PCMA, fast)).formats.hears(110) == "telephone-event/48000"


def test_what_was_never_agreed_is_not_heard() -> None:
    order = connect(0, local(PCMA), remote(PCMU, PCMA))
    assert (order.formats.hears(8), order.formats.hears(0)) == ("PCMA", None)


@pytest.mark.parametrize(
    ("ours", "theirs", "send", "receive"),
    [
        (Direction.SENDRECV, Direction.SENDRECV, True, True),
        (Direction.RECVONLY, Direction.SENDONLY, False, True),
        (Direction.SENDONLY, Direction.RECVONLY, True, False),
        (Direction.INACTIVE, Direction.SENDRECV, False, False),
        (Direction.SENDRECV, Direction.INACTIVE, False, False),
    ],
)
def test_sound_flows_as_far_as_both_want(ours: Direction, theirs: Direction, send: bool, receive: bool) -> None:
    order = connect(0, local(direction=ours), remote(direction=theirs))
    assert (order.send, order.receive) == (send, receive)


def test_a_name_is_sent_nothing_until_its_party_is_heard() -> None:
    order = connect(0, local(), remote(address=HostPort("media.example.com", 4000)))
    assert (order.host, order.rtcp_host) == (NOWHERE, NOWHERE)


def test_the_last_port_has_no_next_one() -> None:
    assert connect(0, local(), remote(address=HostPort("198.51.100.7", 65_535))).rtcp_port == 65_535


@pytest.mark.parametrize(
    ("claimed", "reach", "sent"),
    [
        ("198.51.100.7", "203.0.113.1", True),
        ("192.168.1.20", "192.168.1.1", True),
        ("192.168.1.20", "10.0.0.1", True),
        ("192.168.1.20", "0.0.0.0", True),
        ("192.168.1.20", "203.0.113.1", False),
        ("fd00::1", "2001:db8::1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "203.0.113.1", False),
        ("::1", "2001:db8::1", False),
        ("224.0.0.1", "203.0.113.1", False),
        ("255.255.255.255", "192.168.1.1", False),
        ("ff02::1", "2001:db8::1", False),
        ("phone.example.com", "203.0.113.1", False),
    ],
)
def test_sound_goes_to_no_address_that_a_party_cannot_own_before_it_is_heard(
    claimed: str, reach: str, sent: bool
) -> None:
    order = connect(0, local(), replace(remote(), address=HostPort(claimed, 4000)), reach)
    assert (order.host == claimed) is sent
    assert order.port == 4000
    spied = connect(0, local(), replace(remote(), rtcp=HostPort(claimed, 4001)), reach)
    assert (spied.rtcp_host == claimed) is sent

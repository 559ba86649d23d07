"""Session descriptions as Python sees them; the rules themselves are tested in `gateways/rust/crates/sdp`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways._native import AudioStream, SessionDescription, offer, sdp_panics

PHONE_OFFER = b"""v=0
o=1001 12 34 IN IP4 192.168.1.20
s=-
c=IN IP4 192.168.1.20
t=0 0
m=audio 4002 RTP/AVP 0 96 101
a=rtpmap:96 opus/48000/2
a=fmtp:96 useinbandfec=1
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:30
a=rtcp:4010 IN IP4 192.168.1.21
a=rtcp-mux
a=sendonly
m=video 4004 RTP/AVP 97
"""


def ours(**changes: object) -> AudioStream:
    codecs = [(8, "pcma", 8000, 1, ""), (0, "PCMU", 8000, 1, ""), (97, "TELEPHONE-EVENT", 8000, 1, "0-16")]
    return AudioStream("203.0.113.5", 30000, codecs, ptime=20, **changes)  # type: ignore[arg-type]


def test_an_offer_is_read() -> None:
    description = SessionDescription.parse(PHONE_OFFER)
    assert (description.origin_id, description.origin_version) == ("12", "34")
    assert description.media == [("audio", 4002, "RTP/AVP"), ("video", 4004, "RTP/AVP")]
    audio = description.audio
    assert audio is not None
    assert (audio.host, audio.port, audio.direction, audio.ptime) == ("192.168.1.20", 4002, "sendonly", 30)
    assert (audio.rtcp, audio.rtcp_mux) == (("192.168.1.21", 4010), True)
    assert audio.codecs == (
        (0, "PCMU", 8000, 1, ""),
        (96, "OPUS", 48000, 2, "useinbandfec=1"),
        (101, "TELEPHONE-EVENT", 8000, 1, "0-15"),
    )


def test_our_answer_accepts_one_stream_and_refuses_the_other() -> None:
    body = SessionDescription.parse(PHONE_OFFER).answer(ours(), session_id=7, version=8)
    assert body.endswith(b"m=video 0 RTP/AVP 97\r\n")
    answered = SessionDescription.parse(body)
    assert (answered.origin_id, answered.origin_version) == ("7", "8")
    audio = answered.audio
    assert audio is not None
    assert audio.codecs == ((0, "PCMU", 8000, 1, ""), (101, "TELEPHONE-EVENT", 8000, 1, "0-16"))
    assert (audio.direction, audio.rtcp_mux, audio.ptime) == ("recvonly", False, 20)


def test_our_offer_is_read_as_it_was_meant() -> None:
    stream = ours(direction="inactive", rtcp=("203.0.113.6", 30009), rtcp_mux=True)
    audio = SessionDescription.parse(offer(stream, session_id=2**63, version=1)).audio
    assert audio is not None
    assert audio.codecs == stream.codecs == ((8, "PCMA", 8000, 1, ""), (0, "PCMU", 8000, 1, ""), ours().codecs[2])
    assert (audio.direction, audio.rtcp, audio.rtcp_mux) == ("inactive", ("203.0.113.6", 30009), True)


def test_printing_gives_a_complete_description() -> None:
    printed = SessionDescription.parse(b"v=0\no=- 1 1 IN IP4 h\na=x:1\n").print()
    assert printed == b"v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\na=x:1\r\n"


def test_a_description_without_plain_audio_has_none() -> None:
    secured = PHONE_OFFER.replace(b"RTP/AVP 0", b"RTP/SAVP 0")
    description = SessionDescription.parse(secured)
    assert description.audio is None
    with pytest.raises(ValueError, match="no audio stream"):
        description.answer(ours(), session_id=1, version=1)


def test_an_error_names_the_line() -> None:
    with pytest.raises(ValueError, match=r"line 6: the port is no number up to 65535: .m=audio 99999"):
        SessionDescription.parse(PHONE_OFFER.replace(b"4002", b"99999"))


def test_no_common_codec_is_an_error() -> None:
    only_g729 = AudioStream("203.0.113.5", 30000, [(18, "G729", 8000, 1, "")])
    with pytest.raises(ValueError, match="no codec is common"):
        SessionDescription.parse(PHONE_OFFER).answer(only_g729, session_id=1, version=1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: AudioStream("192.0.2.1\r\na=x", 1, []),
        lambda: AudioStream("192.0.2.1", 1, [(0, "PCMU\r\n", 8000, 1, "")]),
        lambda: AudioStream("192.0.2.1", 1, [(128, "PCMU", 8000, 1, "")]),
        lambda: AudioStream("192.0.2.1", 1, [], direction="both"),  # type: ignore[arg-type]
        lambda: AudioStream("192.0.2.1", 1, [], rtcp=("", 5)),
    ],
)
def test_what_could_not_be_printed_is_refused(make: object) -> None:
    with pytest.raises(ValueError):
        make()  # type: ignore[operator]


@given(st.binary(max_size=300), st.integers(0, len(PHONE_OFFER)), st.integers(0, 40))
def test_no_bytes_bring_about_a_panic(noise: bytes, at: int, cut: int) -> None:
    for body in (noise, PHONE_OFFER[:at] + noise[:8] + PHONE_OFFER[at + cut :]):
        try:
            SessionDescription.parse(body).answer(ours(), session_id=1, version=1)
        except ValueError as refused:
            assert "session description" in str(refused)
    assert sdp_panics() == 0

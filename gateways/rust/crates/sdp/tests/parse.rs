//! What phones send, and what is wrong enough to be refused.

use sdp::{AudioStream, Direction, SessionDescription};

fn description(lines: &[&str]) -> SessionDescription {
    SessionDescription::parse(lines.join("\r\n").as_bytes())
        .expect("a description that can be read")
}

fn audio(lines: &[&str]) -> AudioStream {
    let mut all = vec![
        "v=0",
        "o=- 7 8 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
    ];
    all.extend(lines);
    description(&all).audio().expect("an audio stream").clone()
}

fn refusal(text: &str) -> String {
    SessionDescription::parse(text.as_bytes())
        .expect_err("a description that cannot be read")
        .to_string()
}

fn named(stream: &AudioStream) -> Vec<(u8, &str, u32)> {
    stream
        .codecs
        .iter()
        .map(|codec| (codec.payload_type, &*codec.name, codec.clock_rate))
        .collect()
}

#[test]
fn a_desk_phone_offer_is_read() {
    let offer = description(&[
        "v=0",
        "o=alice 2890844526 2890844527 IN IP4 host.example.com",
        "s=call",
        "c=IN IP4 192.0.2.7",
        "t=0 0",
        "m=audio 49170 RTP/AVP 0 8 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 pcma/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "a=maxptime:60",
        "a=rtcp-mux",
        "a=rtcp:49999 IN IP4 192.0.2.8",
        "a=sendrecv",
        "",
    ]);
    assert_eq!(
        (offer.origin_id(), offer.origin_version()),
        ("2890844526", "2890844527")
    );
    let stream = offer.audio().expect("audio");
    assert_eq!((stream.host.as_str(), stream.port), ("192.0.2.7", 49170));
    assert_eq!(
        named(stream),
        [
            (0, "PCMU", 8000),
            (8, "PCMA", 8000),
            (101, "TELEPHONE-EVENT", 8000)
        ]
    );
    assert_eq!(stream.codecs[2].parameters, "0-16");
    assert_eq!(
        (stream.ptime, stream.maxptime, stream.rtcp_mux),
        (Some(20), Some(60), true)
    );
    assert_eq!(stream.rtcp, Some(("192.0.2.8".to_owned(), 49999)));
    assert_eq!(stream.direction, Direction::SendRecv);
}

#[test]
fn static_payload_types_need_no_rtpmap_and_unnamed_dynamic_ones_are_left_out() {
    assert_eq!(
        named(&audio(&["m=audio 4000 RTP/AVP 9 0 97 18"])),
        [(9, "G722", 8000), (0, "PCMU", 8000), (18, "G729", 8000)]
    );
}

#[test]
fn line_ends_may_be_lf_and_empty_lines_are_forgiven() {
    let text = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1 \nt=0 0\nm=audio 4000 RTP/AVP 8 \n\n\n";
    let parsed = SessionDescription::parse(text.as_bytes()).expect("LF only");
    assert_eq!(named(parsed.audio().expect("audio")), [(8, "PCMA", 8000)]);
}

#[test]
fn name_and_times_may_be_missing_and_are_printed() {
    let short = description(&[
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.1",
        "c=IN IP4 192.0.2.1",
        "m=audio 4000 RTP/AVP 8",
    ]);
    let printed = String::from_utf8(short.print()).expect("text");
    assert_eq!(
        printed,
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
    );
}

#[test]
fn unknown_attributes_are_kept_and_lines_put_in_order() {
    let odd = description(&[
        "v=0",
        "s=-",
        "o=- 1 1 IN IP4 192.0.2.1",
        "a=x-vendor:1",
        "t=0 0",
        "m=audio 4000 RTP/AVP 8",
        "a=x-vendor:2",
        "c=IN IP4 192.0.2.1",
    ]);
    let expected = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\na=x-vendor:1\r\nm=audio 4000 RTP/AVP 8\r\n\
                    c=IN IP4 192.0.2.1\r\na=x-vendor:2\r\n";
    assert_eq!(String::from_utf8(odd.print()).expect("text"), expected);
}

#[test]
fn an_address_of_the_stream_goes_before_that_of_the_session() {
    assert_eq!(
        audio(&["m=audio 4000 RTP/AVP 8", "c=IN IP4 198.51.100.2/127"]).host,
        "198.51.100.2"
    );
    let only = description(&[
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.1",
        "m=audio 4000 RTP/AVP 8",
        "c=IN IP4 198.51.100.2",
    ]);
    assert_eq!(only.audio().expect("audio").host, "198.51.100.2");
}

#[test]
fn ipv6_addresses_are_read_with_and_without_brackets() {
    assert_eq!(
        audio(&["m=audio 4000 RTP/AVP 8", "c=IN IP6 2001:db8::1"]).host,
        "2001:db8::1"
    );
    assert_eq!(
        audio(&["m=audio 4000 RTP/AVP 8", "c=IN IP6 [2001:db8::1]"]).host,
        "2001:db8::1"
    );
}

#[test]
fn the_first_plain_audio_stream_that_is_not_refused_counts() {
    let many = description(&[
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.1",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=video 5000 RTP/AVP 99",
        "m=audio 0 RTP/AVP 0",
        "m=audio 5002 RTP/SAVP 0",
        "m=audio 5004/2 rtp/avpf 8",
        "m=audio 5006 RTP/AVP 0",
        "m=image 5008 udptl t38",
    ]);
    assert_eq!(many.audio().expect("audio").port, 5004);
    let listed: Vec<_> = many
        .media()
        .iter()
        .map(|it| (many.kind(it), it.port, many.protocol(it)))
        .collect();
    assert_eq!(listed[0], ("video", 5000, "RTP/AVP"));
    assert_eq!(listed[2], ("audio", 5002, "RTP/SAVP"));
    assert_eq!(listed.len(), 6);
    let secured = description(&[
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.1",
        "c=IN IP4 192.0.2.1",
        "m=audio 5002 RTP/SAVP 0",
    ]);
    assert!(secured.audio().is_none(), "RTP/SAVP is not plain audio");
}

#[test]
fn direction_of_the_session_is_the_default_of_the_stream() {
    let held = [
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.1",
        "c=IN IP4 192.0.2.1",
        "a=sendonly",
        "m=audio 4000 RTP/AVP 8",
    ];
    assert_eq!(
        description(&held).audio().expect("audio").direction,
        Direction::SendOnly
    );
    let mut overruled = held.to_vec();
    overruled.push("a=recvonly");
    assert_eq!(
        description(&overruled).audio().expect("audio").direction,
        Direction::RecvOnly
    );
}

#[test]
fn an_unspecified_address_is_a_hold() {
    let direction = |lines: &[&str]| audio(lines).direction;
    assert_eq!(
        direction(&["m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0"]),
        Direction::SendOnly
    );
    assert_eq!(
        direction(&["m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0", "a=recvonly"]),
        Direction::Inactive
    );
    assert_eq!(
        direction(&["m=audio 4000 RTP/AVP 8", "c=IN IP6 ::"]),
        Direction::SendOnly
    );
}

#[test]
fn careless_attributes_cost_nothing() {
    let stream = audio(&[
        "m=audio 4000 RTP/AVP 8 8 101",
        "a=ptime:20.0",
        "a=rtcp:x",
        "a=rtpmap:101 opus/48000/2/",
    ]);
    assert_eq!((stream.ptime, stream.rtcp), (Some(20), None));
    assert_eq!(stream.codecs.len(), 2);
    assert_eq!(stream.codecs[1].channels, 2);
}

#[test]
fn texts_need_not_be_utf8() {
    let body = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=Caf\xe9\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8\r\n";
    assert!(
        SessionDescription::parse(body)
            .expect("Latin-1")
            .audio()
            .is_some()
    );
}

#[test]
fn an_error_names_the_line() {
    const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n";
    let cases = [
        ("", "no v= line"),
        ("v=1\r\n", "line 1: the first line is not v=0: \"v=1\""),
        (
            "o=- 1 1 IN IP4 192.0.2.1\r\n",
            "line 1: the first line is not v=0",
        ),
        ("v=0\r\ns=-\r\n", "no o= line"),
        (
            "v=0\r\no=- 1 IN IP4 x\r\n",
            "line 2: o= has fewer than six fields",
        ),
        (
            &format!("{HEAD}x=1\r\n"),
            "line 3: unknown line type: \"x=1\"",
        ),
        (&format!("{HEAD}hello\r\n"), "line 3: not a letter"),
        (&format!("{HEAD}s=a\0b\r\n"), "line 3: a NUL"),
        (&format!("{HEAD}m=audio\r\n"), "line 3: m= lacks"),
        (
            &format!("{HEAD}m=audio 65536 RTP/AVP 0\r\n"),
            "line 3: the port",
        ),
        (
            &format!("{HEAD}m=audio 4000 RTP/AVP\r\n"),
            "line 3: m= names no format",
        ),
        (
            &format!("{HEAD}m=audio 4000 RTP/AVP 0\r\n"),
            "line 3: no c= line",
        ),
        (
            &format!("{HEAD}c=IN IP4 a b\r\nc=IN IP4\r\nm=audio 4000 RTP/AVP 128\r\n"),
            "line 5: a payload type",
        ),
        (
            &format!("{HEAD}c=ATM NSAP 1\r\nm=audio 4000 RTP/AVP 0\r\n"),
            "line 3: no usable address",
        ),
        (
            &format!("{HEAD}c=IN IP4 h\r\nm=audio 4000 RTP/AVP 97\r\na=rtpmap:97 opus\r\n"),
            "line 5: rtpmap",
        ),
        (
            &format!("{HEAD}{}", "m=audio 0 RTP/AVP 0\r\n".repeat(33)),
            "line 35: more than 32",
        ),
        (&"v=0\r\n".repeat(20_000), "longer than 65536"),
    ];
    for (text, reason) in cases {
        let said = refusal(text);
        assert!(said.contains(reason), "{said:?} should say {reason:?}");
    }
}

//! RFC 3264, from both sides.

use std::borrow::Cow;

use sdp::{AudioStream, Codec, Crypto, Direction, SessionDescription, answer, offer};
use srtp::{MasterKey, Suite};

fn codec(payload_type: u8, name: &'static str, clock_rate: u32, parameters: &str) -> Codec {
    Codec {
        payload_type,
        name: Cow::Borrowed(name),
        clock_rate,
        channels: 1,
        parameters: parameters.to_owned(),
    }
}

fn ours(codecs: Vec<Codec>) -> AudioStream {
    AudioStream {
        host: "203.0.113.1".to_owned(),
        port: 30000,
        codecs,
        direction: Direction::SendRecv,
        ptime: Some(20),
        maxptime: None,
        rtcp: None,
        rtcp_mux: false,
        secure: false,
        crypto: Vec::new(),
    }
}

fn usual() -> AudioStream {
    ours(vec![
        codec(8, "PCMA", 8000, ""),
        codec(0, "PCMU", 8000, ""),
        codec(101, "TELEPHONE-EVENT", 8000, "0-16"),
    ])
}

fn offered(media: &str) -> SessionDescription {
    let text =
        format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=3 4\r\n{media}");
    SessionDescription::parse(text.as_bytes()).expect("an offer")
}

fn answered(media: &str, ours: &AudioStream) -> String {
    String::from_utf8(answer(&offered(media), ours, 5, 6).expect("an answer")).expect("text")
}

#[test]
fn an_offer_is_complete() {
    let text = String::from_utf8(offer(&usual(), 5, 6).expect("an offer")).expect("text");
    let expected = "v=0\r\no=- 5 6 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n\
        m=audio 30000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";
    assert_eq!(text, expected);
}

#[test]
fn an_answer_takes_the_payload_types_of_the_offer_and_our_order() {
    let text = answered(
        "m=audio 4000 RTP/AVP 0 8 96 97\r\na=rtpmap:96 telephone-event/8000\r\na=rtpmap:97 opus/48000/2\r\n",
        &usual(),
    );
    assert!(text.contains("m=audio 30000 RTP/AVP 8 0 96\r\n"), "{text}");
    assert!(
        text.contains("a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-16\r\n"),
        "{text}"
    );
}

#[test]
fn an_answer_has_the_m_lines_of_the_offer_with_all_but_one_refused() {
    let text = answered(
        "m=video 5000 RTP/AVP 99 100\r\nm=audio 4000 RTP/AVPF 0\r\nm=audio 4002 RTP/AVP 0\r\nm=image 0 udptl\r\n",
        &usual(),
    );
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("m=") || line.starts_with("t="))
        .collect();
    let expected = [
        "t=3 4",
        "m=video 0 RTP/AVP 99 100",
        "m=audio 30000 RTP/AVPF 0",
        "m=audio 0 RTP/AVP 0",
        "m=image 0 udptl 0",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn direction_is_no_wider_than_the_offer_allows() {
    let cases = [
        ("sendrecv", Direction::SendRecv, "sendrecv"),
        ("sendonly", Direction::SendRecv, "recvonly"),
        ("recvonly", Direction::SendRecv, "sendonly"),
        ("inactive", Direction::SendRecv, "inactive"),
        ("sendonly", Direction::SendOnly, "inactive"),
        ("sendrecv", Direction::RecvOnly, "recvonly"),
    ];
    for (theirs, our, expected) in cases {
        let stream = AudioStream {
            direction: our,
            ..usual()
        };
        let text = answered(
            &format!("m=audio 4000 RTP/AVP 0\r\na={theirs}\r\n"),
            &stream,
        );
        assert!(
            text.ends_with(&format!("a={expected}\r\n")),
            "{theirs} and {our:?}: {text}"
        );
    }
}

#[test]
fn no_common_voice_is_an_error() {
    let events = "m=audio 4000 RTP/AVP 96 3\r\na=rtpmap:96 telephone-event/8000\r\n";
    assert!(answer(&offered(events), &usual(), 1, 1).is_err());
    assert!(answer(&offered("m=video 4000 RTP/AVP 96\r\n"), &usual(), 1, 1).is_err());
    assert!(offer(&ours(Vec::new()), 1, 1).is_err());
}

#[test]
fn ptime_stays_below_what_the_offer_can_take() {
    let slow = AudioStream {
        ptime: Some(60),
        ..usual()
    };
    assert!(
        answered("m=audio 4000 RTP/AVP 0\r\na=maxptime:40\r\n", &slow).contains("a=ptime:40\r\n")
    );
}

#[test]
fn rtcp_mux_is_answered_only_where_it_was_offered() {
    let mux = AudioStream {
        rtcp_mux: true,
        ..usual()
    };
    assert!(!answered("m=audio 4000 RTP/AVP 0\r\n", &mux).contains("rtcp-mux"));
    assert!(answered("m=audio 4000 RTP/AVP 0\r\na=rtcp-mux\r\n", &mux).contains("a=rtcp-mux\r\n"));
}

#[test]
fn formats_that_differ_inside_are_told_apart() {
    let amr = |parameters| ours(vec![codec(96, "AMR", 8000, parameters)]);
    let theirs = "m=audio 4000 RTP/AVP 104 105\r\na=rtpmap:104 AMR/8000\r\na=rtpmap:105 AMR/8000\r\na=fmtp:105 octet-align=1\r\n";
    assert!(answered(theirs, &amr("octet-align=1")).contains("RTP/AVP 105\r\n"));
    assert!(answered(theirs, &amr("")).contains("RTP/AVP 104\r\n"));
    // G.722 at 16000 is an old misspelling; the answer repeats the offer's rate.
    let text = answered(
        "m=audio 4000 RTP/AVP 9\r\na=rtpmap:9 G722/16000\r\n",
        &ours(vec![codec(9, "G722", 8000, "")]),
    );
    assert!(text.contains("a=rtpmap:9 G722/16000\r\n"), "{text}");
}

#[test]
fn ipv6_and_a_foreign_rtcp_address_are_printed() {
    let six = AudioStream {
        host: "2001:db8::7".to_owned(),
        rtcp: Some(("192.0.2.9".to_owned(), 4001)),
        ..usual()
    };
    let text = answered("m=audio 4000 RTP/AVP 0\r\n", &six);
    assert!(
        text.contains("c=IN IP6 2001:db8::7\r\n")
            && text.contains("a=rtcp:4001 IN IP4 192.0.2.9\r\n"),
        "{text}"
    );
}

#[test]
fn nothing_of_ours_can_smuggle_a_line() {
    let bad_host = AudioStream {
        host: "192.0.2.1\r\na=x".to_owned(),
        ..usual()
    };
    let bad_name = ours(vec![codec(96, "PCMU\r\na=x", 8000, "")]);
    let bad_fmtp = ours(vec![codec(96, "PCMU", 8000, "0-16\r\na=x")]);
    for stream in [bad_host, bad_name, bad_fmtp] {
        assert!(offer(&stream, 1, 1).is_err());
        assert!(answer(&offered("m=audio 4000 RTP/AVP 0\r\n"), &stream, 1, 1).is_err());
    }
}

const THEIR_KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const OUR_KEY: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ";

/// Under a key of nines.
fn secured(tag: u32, secure: bool) -> AudioStream {
    let suite = Suite::AesCm128HmacSha1_80;
    AudioStream {
        secure,
        crypto: vec![Crypto {
            tag,
            key: MasterKey::new(suite, &[9; 30]).expect("as long as the suite says"),
            mki: Vec::new(),
        }],
        ..usual()
    }
}

#[test]
fn an_offer_of_srtp_alone_or_beside_plain_sound() {
    for (secure, protocol) in [(true, "RTP/SAVP"), (false, "RTP/AVP")] {
        let body = offer(&secured(1, secure), 5, 6).expect("an offer");
        let text = String::from_utf8(body.clone()).expect("text");
        assert!(text.contains(&format!("m=audio 30000 {protocol} 8 0 101\r\n")));
        assert!(text.contains(&format!(
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{OUR_KEY}\r\n"
        )));
        let read = SessionDescription::parse(&body).expect("our own offer");
        let stream = if secure {
            read.secure_audio()
        } else {
            read.audio()
        };
        assert_eq!(stream, Some(&secured(1, secure)));
    }
    let keyless = AudioStream {
        secure: true,
        ..usual()
    };
    assert!(offer(&keyless, 5, 6).is_err(), "SRTP without a key");
}

#[test]
fn an_answer_keeps_the_profile_and_names_the_tag() {
    let lines = format!(
        "a=crypto:1 F8_128_HMAC_SHA1_80 inline:{THEIR_KEY}\r\na=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:{THEIR_KEY}|2^31\r\n"
    );
    for protocol in ["RTP/SAVP", "RTP/SAVPF", "RTP/AVP"] {
        let media = format!("m=audio 4000 {protocol} 0\r\n{lines}");
        let theirs = offered(&media);
        let secure = protocol != "RTP/AVP";
        let stream = if secure {
            theirs.secure_audio()
        } else {
            theirs.audio()
        };
        let crypto = &stream.expect("a stream").crypto;
        assert_eq!(crypto.iter().map(|it| it.tag).collect::<Vec<_>>(), [7]);
        let text = answered(&media, &secured(7, secure));
        assert!(
            text.contains(&format!("m=audio 30000 {protocol} 0\r\n")),
            "{text}"
        );
        assert!(text.contains(&format!(
            "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:{OUR_KEY}\r\n"
        )));
        assert!(!text.contains(THEIR_KEY));
    }
}

#[test]
fn of_two_streams_for_the_same_sound_one_is_taken() {
    let media = format!(
        "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{THEIR_KEY}\r\nm=audio 4002 RTP/AVP 0\r\n"
    );
    let text = answered(&media, &secured(1, true));
    assert!(
        text.contains("m=audio 30000 RTP/SAVP 0\r\n") && text.contains("m=audio 0 RTP/AVP 0\r\n")
    );
    let text = answered(&media, &usual());
    assert!(
        text.contains("m=audio 0 RTP/SAVP 0\r\n") && text.contains("m=audio 30000 RTP/AVP 0\r\n")
    );
    assert!(!text.contains("crypto"));
    assert!(
        answer(
            &offered("m=audio 4002 RTP/AVP 0\r\n"),
            &secured(1, true),
            5,
            6
        )
        .is_err(),
        "SRTP was not offered"
    );
}

#[test]
fn a_stream_whose_ways_are_all_unknown_has_none() {
    let theirs = offered("m=audio 4000 RTP/SAVP 0\r\na=crypto:1 NULL_HMAC_SHA1_80 inline:x\r\n");
    assert_eq!(theirs.secure_audio().map(|it| it.crypto.len()), Some(0));
    assert_eq!(theirs.audio(), None);
}

#[test]
fn what_is_wrong_is_said_without_the_key() {
    for line in [
        format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{THEIR_KEY}\0"),
        format!("k=base64:{THEIR_KEY}\0"),
    ] {
        let text =
            format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 4000 RTP/SAVP 0\r\n{line}\r\n");
        let error = SessionDescription::parse(text.as_bytes())
            .expect_err("a NUL")
            .to_string();
        assert!(!error.contains(&THEIR_KEY[..4]), "{error}");
        assert!(error.contains("line 4"), "{error}");
    }
}

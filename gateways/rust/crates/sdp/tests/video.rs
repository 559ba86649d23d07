//! Video lines: read, printed, offered, answered.

use std::borrow::Cow;

use proptest::prelude::*;
use sdp::{
    AudioStream, Beside, Codec, Crypto, Direction, FEEDBACK, Line, SessionDescription, VideoStream,
    answer, answer_beside, offer_beside,
};
use srtp::{MasterKey, Suite};

const ROOM_SYSTEM: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nb=AS:6000\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 8\r\n\
    m=video 4002 RTP/AVPF 97 98 96 99\r\nb=TIAS:1500400\r\nb=AS:2000\r\na=content:main\r\na=label:11\r\n\
    a=rtpmap:97 H264/90000\r\na=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\n\
    a=rtpmap:98 H264/90000\r\na=fmtp:98 profile-level-id=42e01f\r\n\
    a=rtpmap:96 VP8/90000\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=97\r\n\
    a=rtcp-fb:* nack pli\r\na=rtcp-fb:97 nack\r\na=rtcp-fb:97 ccm fir\r\na=rtcp-fb:97 ccm tmmbr smaxpr=120\r\n\
    a=rtcp-fb:97 nack sli\r\na=rtcp-fb:97 goog-remb\r\na=rtcp-mux\r\na=sendonly\r\n\
    m=application 5000 UDP/BFCP *\r\na=floorctrl:c-s\r\n\
    m=video 4004 RTP/AVP 34\r\nc=IN IP4 192.0.2.9\r\na=content:slides,alt\r\na=rtcp:5555\r\n\
    m=video 0 RTP/AVP 96\r\n";

fn parsed(text: &str) -> SessionDescription {
    SessionDescription::parse(text.as_bytes()).expect("a description")
}

fn pictures_of(video: &[(usize, VideoStream)]) -> Beside<'_> {
    Beside { video, floor: None }
}

fn sound() -> AudioStream {
    AudioStream {
        host: "203.0.113.1".to_owned(),
        port: 30000,
        codecs: Codec::of_static(8).into_iter().collect(),
        direction: Direction::SendRecv,
        ptime: None,
        maxptime: None,
        rtcp: None,
        rtcp_mux: false,
        secure: false,
        crypto: Vec::new(),
    }
}

fn h264(payload_type: u8, parameters: &str) -> Codec {
    Codec::new(payload_type, "H264", 90_000, 1, parameters.to_owned())
}

fn pictures(port: u16, codecs: Vec<Codec>) -> VideoStream {
    VideoStream {
        host: "203.0.113.1".to_owned(),
        port,
        codecs,
        direction: Direction::SendRecv,
        content: String::new(),
        bandwidth_kbps: None,
        rtcp: None,
        rtcp_mux: false,
        secure: false,
        avpf: false,
        crypto: Vec::new(),
        feedback: Vec::new(),
        label: String::new(),
    }
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).expect("text")
}

#[test]
fn each_video_line_is_read_with_its_place() {
    let lines = parsed(ROOM_SYSTEM).video();
    let places: Vec<usize> = lines.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [1, 3, 4]);
    let main = &lines[0].1;
    assert_eq!((main.host.as_str(), main.port), ("192.0.2.1", 4002));
    let names: Vec<&str> = main.codecs.iter().map(|codec| &*codec.name).collect();
    assert_eq!(names, ["H264", "H264", "VP8", "RTX"]);
    assert_eq!(
        main.codecs[0].parameters,
        "profile-level-id=42e01f;packetization-mode=1"
    );
    assert_eq!(main.codecs[3].parameters, "apt=97");
    assert_eq!(main.direction, Direction::SendOnly);
    assert_eq!((main.content.as_str(), main.label.as_str()), ("main", "11"));
    // TIAS goes before AS, and what the session may have says nothing of one line.
    assert_eq!(main.bandwidth_kbps, Some(1501));
    assert_eq!(
        main.feedback,
        ["nack pli", "nack", "ccm fir", "ccm tmmbr"],
        "what we do not do is passed over"
    );
    assert!(main.rtcp_mux && main.avpf && !main.secure);
    let slides = &lines[1].1;
    assert_eq!((slides.host.as_str(), slides.port), ("192.0.2.9", 4004));
    assert_eq!(slides.content, "slides");
    assert_eq!(&*slides.codecs[0].name, "H263", "RFC 3551 names it");
    assert_eq!(slides.rtcp, Some(("192.0.2.9".to_owned(), 5555)));
    assert_eq!(slides.bandwidth_kbps, None);
    assert_eq!(lines[2].1.port, 0);
}

#[test]
fn a_line_that_cannot_be_used_is_as_if_refused_and_costs_no_call() {
    let lines = "m=audio 4000 RTP/AVP 8\r\n";
    for bad in [
        "m=video 4002 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n",
        "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 VP8\r\n",
        "m=video 4002 RTP/AVP 96\r\n",
        "m=video 4002 RTP/AVP 300\r\n",
        "m=video 4002 RTP/AVP 96\r\nc=IN IP4\r\na=rtpmap:96 VP8/90000\r\n",
    ] {
        let theirs = parsed(&format!(
            "v=0\r\no=- 1 1 IN IP4 h\r\nc=IN IP4 192.0.2.1\r\n{lines}{bad}"
        ));
        let video = theirs.video();
        assert_eq!((video.len(), video[0].1.port), (1, 0), "{bad}");
        assert!(theirs.audio().is_some(), "{bad}");
    }
}

#[test]
fn an_answer_takes_the_lines_that_are_named_in_the_order_of_the_offer() {
    let theirs = parsed(ROOM_SYSTEM);
    let mut line = pictures(
        40_000,
        vec![
            h264(97, "profile-level-id=42e01f;packetization-mode=1"),
            h264(120, "profile-level-id=640028"),
        ],
    );
    line.bandwidth_kbps = Some(1024);
    line.feedback = vec!["nack pli", "ccm fir"];
    line.rtcp_mux = true;
    line.content = "main".to_owned();
    let body =
        text(answer_beside(&theirs, &sound(), 5, 6, pictures_of(&[(1, line)])).expect("an answer"));
    let (_, media) = body.split_once("t=0 0\r\n").expect("a time");
    assert_eq!(
        media,
        "m=audio 30000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n\
        m=video 40000 RTP/AVPF 97\r\nb=AS:1024\r\nb=TIAS:1024000\r\na=rtpmap:97 H264/90000\r\n\
        a=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\na=rtcp-fb:* nack pli\r\na=rtcp-fb:* ccm fir\r\n\
        a=content:main\r\na=rtcp-mux\r\na=recvonly\r\n\
        m=application 0 UDP/BFCP *\r\nm=video 0 RTP/AVP 34\r\nm=video 0 RTP/AVP 96\r\n"
    );
}

#[test]
fn a_line_of_which_nothing_is_common_is_refused() {
    let theirs = parsed(ROOM_SYSTEM);
    for (place, codecs, port) in [
        (1, vec![h264(120, "")], 40_000),
        (
            1,
            vec![Codec::new(99, "rtx", 90_000, 1, "apt=97".to_owned())],
            40_000,
        ),
        (1, vec![h264(97, "")], 0),
        (4, vec![h264(96, "")], 40_000),
    ] {
        let lines = [(place, pictures(port, codecs))];
        let body = answer_beside(&theirs, &sound(), 5, 6, pictures_of(&lines)).expect("an answer");
        assert_eq!(body, answer(&theirs, &sound(), 5, 6).expect("an answer"));
    }
}

#[test]
fn feedback_that_was_not_offered_is_not_answered() {
    let theirs = parsed(
        "v=0\r\no=- 1 1 IN IP4 h\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8\r\n\
        m=video 4002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\na=rtcp-fb:97 nack pli\r\n",
    );
    let mut line = pictures(40_000, vec![h264(97, "")]);
    line.feedback = FEEDBACK.to_vec();
    line.rtcp_mux = true;
    let body =
        text(answer_beside(&theirs, &sound(), 5, 6, pictures_of(&[(1, line)])).expect("an answer"));
    assert!(body.contains("a=rtcp-fb:* nack pli\r\n"), "{body}");
    assert_eq!(body.matches("rtcp-fb").count(), 1, "{body}");
    assert!(!body.contains("rtcp-mux"), "{body}");
}

#[test]
fn an_offer_keeps_every_line_in_its_place() {
    let video = pictures(40_000, vec![h264(97, "packetization-mode=1")]);
    let lines = [
        Line::Refused {
            kind: "application",
            protocol: "UDP/BFCP",
        },
        Line::Video(&video),
        Line::Audio,
    ];
    let body = text(offer_beside(&sound(), 5, 6, &lines).expect("an offer"));
    let kinds: Vec<&str> = body.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        kinds,
        [
            "m=application 0 UDP/BFCP 0",
            "m=video 40000 RTP/AVP 97",
            "m=audio 30000 RTP/AVP 8"
        ]
    );
    for wrong in [&lines[..2], &[lines[2], lines[2]]] {
        assert!(offer_beside(&sound(), 5, 6, wrong).is_err());
    }
}

#[test]
fn what_would_be_read_as_more_than_it_is_cannot_be_said() {
    let good = pictures(40_000, vec![h264(97, "")]);
    assert!(good.check().is_ok());
    for bad in [
        VideoStream {
            label: "a\r\na=b".to_owned(),
            ..good.clone()
        },
        VideoStream {
            content: "slides main".to_owned(),
            ..good.clone()
        },
        VideoStream {
            codecs: Vec::new(),
            ..good.clone()
        },
        VideoStream {
            secure: true,
            ..good.clone()
        },
        VideoStream {
            codecs: vec![h264(97, "a\nm=b")],
            ..good.clone()
        },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
        assert!(offer_beside(&sound(), 1, 1, &[Line::Audio, Line::Video(&bad)]).is_err());
    }
}

prop_compose! {
    fn video_streams()(
        host in prop_oneof!["192\\.0\\.2\\.[1-9]", "2001:db8::[1-9a-f]{1,4}"],
        port in 1u16..,
        codecs in prop::collection::vec(("[A-Z][A-Z0-9-]{0,8}", "([a-zA-Z0-9=;,+/-]{1,30})?"), 1..8),
        direction in prop::sample::select(&[Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly,
            Direction::Inactive][..]),
        content in "(main|slides|[a-z]{1,12})?",
        label in "[a-zA-Z0-9.-]{0,32}",
        bandwidth_kbps in prop::option::of(1u32..),
        rtcp in prop::option::of(("192\\.0\\.2\\.[1-9]", 1u16..)),
        rtcp_mux: bool,
        avpf: bool,
        key in prop::option::of(any::<[u8; 30]>()),
        feedback in prop::sample::subsequence(FEEDBACK.to_vec(), 0..=4),
    ) -> VideoStream {
        let codec = |(index, (name, parameters)): (usize, (String, String))| Codec {
            payload_type: 96 + u8::try_from(index).expect("few"),
            name: Cow::Owned(name),
            clock_rate: 90_000,
            channels: 1,
            parameters,
        };
        let crypto: Vec<Crypto> = key
            .and_then(|key| MasterKey::new(Suite::by_name("AES_CM_128_HMAC_SHA1_80")?, &key))
            .map(|key| Crypto { tag: 1, key, mki: Vec::new() })
            .into_iter()
            .collect();
        VideoStream {
            host, port, codecs: codecs.into_iter().enumerate().map(codec).collect(), direction, content,
            bandwidth_kbps, rtcp, rtcp_mux, secure: !crypto.is_empty(), avpf, crypto, feedback, label,
        }
    }
}

proptest! {
    #[test]
    fn an_offer_of_video_is_read_as_it_was_meant(
        before in prop::collection::vec(video_streams(), 0..3),
        after in prop::collection::vec(video_streams(), 0..3),
    ) {
        let mut lines: Vec<Line<'_>> = before.iter().map(Line::Video).collect();
        lines.push(Line::Audio);
        lines.extend(after.iter().map(Line::Video));
        let theirs = SessionDescription::parse(&offer_beside(&sound(), 1, 1, &lines).expect("an offer")).expect("ours");
        let read: Vec<VideoStream> = theirs.video().into_iter().map(|(_, stream)| stream).collect();
        let meant: Vec<VideoStream> = before.iter().chain(&after).cloned().collect();
        prop_assert_eq!(&read, &meant);
        prop_assert_eq!(theirs.audio(), Some(&sound()));
        // Who takes all of it answers with the same again, seen from the other side.
        let all = theirs.video();
        let answered = answer_beside(&theirs, &sound(), 2, 2, pictures_of(&all)).expect("an answer");
        let answered = SessionDescription::parse(&answered).expect("our own answer");
        prop_assert_eq!(answered.media().len(), theirs.media().len());
        for ((_, told), meant) in answered.video().iter().zip(&meant) {
            let direction = meant.direction.within(meant.direction);
            let pictures = meant.codecs.iter().any(|codec| codec.name != "RTX" && codec.name != "RED");
            if pictures {
                prop_assert_eq!(told, &VideoStream { direction, ..meant.clone() });
            }
        }
    }

    #[test]
    fn lines_that_are_nearly_right_never_panic(
        lines in prop::collection::vec(prop_oneof![
            "m=video [0-9]{1,5} (RTP/AVP|RTP/AVPF|RTP/SAVP)( [0-9]{1,3}){0,4}",
            "a=rtpmap:[0-9]{1,3} [a-zA-Z0-9/]{1,12}",
            "a=rtcp-fb:[0-9*]{1,3} [a-z ]{0,12}",
            "b=(AS|TIAS|CT):[0-9]{0,12}",
            "a=(content|label):[ -~]{0,40}",
            "[abc]=[ -~é]{0,12}",
        ], 0..20),
        taken in video_streams(),
    ) {
        let text = format!("v=0\r\no=- 1 1 IN IP4 h\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8\r\n{}", lines.join("\r\n"));
        let Ok(theirs) = SessionDescription::parse(text.as_bytes()) else { return Ok(()) };
        for (place, stream) in theirs.video() {
            prop_assert!(stream.check().is_ok() || stream.crypto.is_empty(), "{:?}", stream);
            let body = answer_beside(&theirs, &sound(), 1, 1, pictures_of(&[(place, taken.clone())]));
            if let Ok(body) = body {
                let answered = SessionDescription::parse(&body).expect("our own answer");
                prop_assert_eq!(answered.media().len(), theirs.media().len());
            }
        }
    }
}

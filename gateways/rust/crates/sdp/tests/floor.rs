//! The line of floor control: read, printed, answered.

use proptest::prelude::*;
use sdp::{
    AudioStream, Beside, Codec, Direction, FloorLine, Line, SessionDescription, answer_beside,
    offer_beside,
};

const ROOM_SYSTEM: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 8\r\n\
    m=application 5000 UDP/BFCP *\r\nc=IN IP4 192.0.2.7\r\na=floorctrl:c-s\r\na=setup:actpass\r\na=connection:new\r\n\
    a=sendrecv\r\na=rtpmap:0 x\r\na=confid:\r\n";

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

fn ours() -> FloorLine {
    FloorLine {
        host: "203.0.113.1".to_owned(),
        port: 5070,
        protocol: "UDP/BFCP",
        attributes: [
            "floorctrl:s-only",
            "confid:4711",
            "userid:2",
            "floorid:1 mstrm:3",
        ]
        .map(str::to_owned)
        .to_vec(),
    }
}

fn parsed(text: &[u8]) -> SessionDescription {
    SessionDescription::parse(text).expect("a description")
}

#[test]
fn what_a_party_says_of_floor_control_is_read() {
    let (place, line) = parsed(ROOM_SYSTEM.as_bytes()).floor().expect("a line");
    assert_eq!(place, 1);
    assert_eq!(
        (line.host.as_str(), line.port, line.protocol),
        ("192.0.2.7", 5000, "UDP/BFCP")
    );
    assert_eq!(
        line.attributes,
        ["floorctrl:c-s", "setup:actpass", "connection:new"]
    );
    for (from, to) in [
        (" 5000 ", " 0 "),
        ("UDP/BFCP", "TCP/TLS/BFCP"),
        ("m=application", "m=image"),
    ] {
        assert!(
            parsed(ROOM_SYSTEM.replace(from, to).as_bytes())
                .floor()
                .is_none(),
            "{to}"
        );
    }
}

#[test]
fn it_is_answered_at_its_place_or_refused_there() {
    let theirs = parsed(ROOM_SYSTEM.as_bytes());
    let floor = (1, ours());
    let taken = Beside {
        video: &[],
        floor: Some(&floor),
    };
    let answer = answer_beside(&theirs, &sound(), 1, 1, taken).expect("an answer");
    assert_eq!(parsed(&answer).floor(), Some((1, ours())));
    assert!(String::from_utf8_lossy(&answer).contains("m=application 5070 UDP/BFCP *\r\n"));
    let refused = answer_beside(&theirs, &sound(), 1, 1, Beside::default()).expect("an answer");
    assert!(String::from_utf8_lossy(&refused).contains("m=application 0 UDP/BFCP *\r\n"));
    // Over another protocol than was offered there, it is not taken.
    let other = (
        1,
        FloorLine {
            protocol: "TCP/BFCP",
            ..ours()
        },
    );
    let taken = Beside {
        video: &[],
        floor: Some(&other),
    };
    let answer = answer_beside(&theirs, &sound(), 1, 1, taken).expect("an answer");
    assert!(parsed(&answer).floor().is_none());
}

#[test]
fn it_is_offered_beside_the_sound() {
    let line = ours();
    let body = offer_beside(&sound(), 1, 1, &[Line::Audio, Line::Floor(&line)]).expect("an offer");
    assert_eq!(parsed(&body).floor(), Some((1, line)));
    for attribute in ["floorctrl", "x:1", "confid:1\r\nm=audio 1 RTP/AVP 0", ""] {
        let line = FloorLine {
            attributes: vec![attribute.to_owned()],
            ..ours()
        };
        assert!(offer_beside(&sound(), 1, 1, &[Line::Audio, Line::Floor(&line)]).is_err());
    }
}

proptest! {
    #[test]
    fn any_attributes_are_read_or_passed_over(attributes in prop::collection::vec("a=(floorctrl|confid|userid|floorid|x):[ -~é]{0,12}", 0..20)) {
        let text = format!("{ROOM_SYSTEM}{}\r\n", attributes.join("\r\n"));
        if let Ok(description) = SessionDescription::parse(text.as_bytes()) {
            let (_, line) = description.floor().expect("a line");
            prop_assert!(line.check().is_ok());
        }
    }
}

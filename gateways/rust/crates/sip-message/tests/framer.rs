//! Streams, cut in every way a network cuts them.

use sip_message::framer::{Frame, StreamFramer};

fn options(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=a\r\nTo: <sip:b@h>\r\n\
         Call-ID: c\r\nCSeq: 1 OPTIONS\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What comes out of a stream that arrives in pieces of a size: messages as text, pings as "ping".
fn frames(stream: &[u8], piece: usize) -> Vec<String> {
    let mut framer = StreamFramer::default();
    let mut out = Vec::new();
    for bytes in stream.chunks(piece) {
        framer.push(bytes);
        while let Some(frame) = framer.next_frame() {
            out.push(match frame {
                Frame::Message(bytes) => String::from_utf8(bytes).expect("UTF-8"),
                Frame::Ping => "ping".to_owned(),
                Frame::Broken(malformed) => format!("{} {}", malformed.status, malformed.reason),
            });
        }
    }
    out
}

#[test]
fn however_a_stream_is_cut_the_same_messages_come_out() {
    let (first, second, third) = (
        options("", "body\r\n\r\n"),
        options("l2: x\r\n", ""),
        options("", "z"),
    );
    let stream = [
        b"\r\n".as_slice(),
        &first,
        &second,
        b"\r\n\r\n",
        b"\r\n",
        &third,
        b"\r\n\r\n\r\n\r\n",
    ]
    .concat();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let expected = [
        text(&first),
        text(&second),
        "ping".to_owned(),
        text(&third),
        "ping".to_owned(),
        "ping".to_owned(),
    ];
    for piece in 1..stream.len() + 1 {
        assert_eq!(frames(&stream, piece), expected, "in pieces of {piece}");
    }
}

#[test]
fn long_bodies_and_long_headers_pass() {
    let body = "x".repeat(30_000);
    let headers: String = (0..500)
        .map(|number| format!("X-Number-{number}: {}\r\n", "y".repeat(30)))
        .collect();
    assert!(headers.len() > 22_000);
    for message in [options("", &body), options(&headers, "b")] {
        for piece in [1, 1448, 70_000] {
            assert_eq!(frames(&message, piece).len(), 1);
        }
        assert!(sip_message::Message::parse(&message).is_ok());
    }
}

#[test]
fn what_cannot_be_cut_breaks_the_stream_once() {
    let good = String::from_utf8(options("", "")).expect("UTF-8");
    for (bad, expected) in [
        ("Content-Length: -1", "400 bad Content-Length"),
        ("Content-Length: 1x", "400 bad Content-Length"),
        (
            "Content-Length: 99999999999999999999999",
            "400 bad Content-Length",
        ),
        (
            "Content-Length: 1\r\nl: 1",
            "400 more than one Content-Length",
        ),
        ("X: 0", "400 Content-Length is missing"),
        ("Content-Length: 65500", "513 message too long"),
    ] {
        let stream = good.replace("Content-Length: 0", bad).repeat(2);
        assert_eq!(frames(stream.as_bytes(), 7), [expected], "{bad}");
    }
    assert_eq!(
        frames(
            "OPTIONS sip:b@h SIP/2.0\r\nX: y".repeat(5_000).as_bytes(),
            1000
        ),
        ["413 headers too long"]
    );
    assert_eq!(
        frames(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 5),
        ["400 no start line of SIP"]
    );
}

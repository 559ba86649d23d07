//! Messages, addresses and headers as the field writes them.

use sip_message::grammar::{unescape, unfold, unquote};
use sip_message::name_addr::NameAddr;
use sip_message::uri::Uri;
use sip_message::{HeaderName, Message};

fn request(lines: &[&str]) -> Vec<u8> {
    let mut lines = lines.to_vec();
    for (name, line) in [
        ("Via", "Via: SIP/2.0/UDP h;branch=z9hG4bKx"),
        ("From", "From: <sip:a@h>;tag=a"),
        ("To", "To: <sip:b@h>"),
        ("Call-ID", "Call-ID: c"),
        ("CSeq", "CSeq: 1 OPTIONS"),
    ] {
        let wanted = HeaderName::of(name.as_bytes());
        let name_of = |line: &&str| {
            HeaderName::of(line.split(':').next().unwrap_or_default().trim().as_bytes())
        };
        if !lines.iter().any(|given| name_of(given) == wanted) {
            lines.push(line);
        }
    }
    format!("OPTIONS sip:b@h SIP/2.0\r\n{}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

fn parsed(lines: &[&str]) -> Message {
    Message::parse(&request(lines)).expect("a good request")
}

fn refused(lines: &[&str]) -> String {
    Message::parse(&request(lines))
        .expect_err("a bad request")
        .reason
        .into_owned()
}

#[test]
fn folded_spaced_and_compact_headers_read_like_plain_ones() {
    let message = parsed(&[
        "v  : SIP  / 2.0 / UDP    [2001:db8::1] : 5070 ;\r\n  Branch = \r\n z9hG4bKy , SIP/2.0/TCP p",
        "VIA: SIP/2.0/UDP q",
        "f: \"A \\\" B\"\r\n\t<sip:a@h>  ;\r\n tag = t",
        "cseq: 0009\r\n  OPTIONS",
        "s :",
        "k: 100rel,timer",
        "Supported: path",
    ]);
    assert_eq!(message.branch(), b"z9hG4bKy");
    assert_eq!(message.slice(message.via().host), b"[2001:db8::1]");
    assert_eq!(message.via().port, Some(5070));
    assert_eq!(message.from_tag(), b"t");
    assert_eq!(
        (message.cseq(), message.cseq_method()),
        (9, b"OPTIONS".as_slice())
    );
    assert_eq!(message.header("subject").as_deref(), Some(b"".as_slice()));
    assert_eq!(
        message.headers("Supported"),
        [b"100rel".as_slice(), b"timer", b"path"]
    );
    assert_eq!(message.headers("Via").len(), 3);
    assert_eq!(message.header("x-none"), None);
    assert_eq!(message.max_forwards(), 70);
}

#[test]
fn what_is_ambiguous_is_refused_by_name() {
    assert_eq!(refused(&["Call-ID: 1", "i: 2"]), "more than one Call-ID");
    assert_eq!(
        refused(&["CSeq: 2147483648 OPTIONS"]),
        "CSeq: CSeq number out of range"
    );
    assert_eq!(
        refused(&["CSeq: 1 options"]),
        "CSeq method is not that of the request"
    );
    assert_eq!(
        refused(&["Max-Forwards: 256"]),
        "Max-Forwards: out of range"
    );
    assert_eq!(
        refused(&["Content-Length: 1"]),
        "body shorter than Content-Length"
    );
    assert_eq!(
        refused(&["From: <sip:a@h>;tag=a, <sip:b@h>"]),
        "From: more than one value"
    );
    assert_eq!(refused(&["Via: SIP/2.0/UDP h:99999"]), "Via: bad Via port");
    assert_eq!(
        refused(&["Contact: <sip:a@h>, sip:b@h?x=y"]),
        "Contact: address must be in angle brackets"
    );
    assert_eq!(refused(&["X: a\rb"]), "stray carriage return");
    assert_eq!(refused(&["no colon here"]), "bad header line");
    assert_eq!(refused(&["Call-ID:"]), "Call-ID is missing");
}

#[test]
fn what_phones_write_is_read() {
    for line in [
        "Contact: *",
        "Contact: <sip:1001@192.0.2.1:5060;transport=UDP>;expires=3600;+sip.instance=\"<urn:uuid:1>\"",
        "From: 张三 <sip:zhang@h>;tag=a",
        "From: John (Sales) <sip:john@h>;tag=a",
        "From: \"Bell, A\"<sip:a@h>;tag=a",
        "To: tel:+1-212-555-0101",
        "To: <sip:h>",
        "Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKx",
        "Via: SIP/2.0/UDP [::1]:5060;rport;branch=z9hG4bKx;alias",
        "X-Empty:",
    ] {
        assert!(Message::parse(&request(&[line])).is_ok(), "{line}");
    }
}

#[test]
fn lone_line_feeds_end_lines_too() {
    let text = String::from_utf8(request(&[]))
        .expect("ASCII")
        .replace("\r\n", "\n");
    assert!(Message::parse(text.as_bytes()).is_ok());
}

#[test]
fn a_body_ends_where_content_length_says() {
    let mut bytes = request(&[
        "Content-Type: Application/SDP ;charset=utf-8",
        "Content-Length: 3",
    ]);
    bytes.extend_from_slice(b"v=0\r\nnoise");
    let message = Message::parse(&bytes).expect("a good request");
    assert_eq!(
        (message.body(), message.content_type().as_str()),
        (b"v=0".as_slice(), "application/sdp")
    );
    let mut bytes = request(&[]);
    bytes.extend_from_slice(b"all of it");
    assert_eq!(
        Message::parse(&bytes).expect("a good request").body(),
        b"all of it"
    );
}

#[test]
fn another_version_is_505() {
    let text = String::from_utf8(request(&["Via: SIP/7.0/UDP h"]))
        .expect("ASCII")
        .replacen("SIP/2.0", "SIP/7.0", 1);
    assert_eq!(
        Message::parse(text.as_bytes())
            .expect_err("another version")
            .status,
        505
    );
}

#[test]
fn a_response_is_read_with_any_reason_phrase() {
    for (line, status, reason) in [
        ("SIP/2.0 200 OK", 200, "OK"),
        ("SIP/2.0 100 ", 100, ""),
        ("SIP/2.0 183", 183, ""),
        ("sip/2.0 600 Ça va", 600, "Ça va"),
    ] {
        let text = String::from_utf8(request(&[])).expect("ASCII");
        let message =
            Message::parse(text.replace("OPTIONS sip:b@h SIP/2.0", line).as_bytes()).expect(line);
        assert_eq!(
            (message.status(), message.reason(), message.method()),
            (status, reason.as_bytes(), b"OPTIONS".as_slice())
        );
    }
    for line in [
        "SIP/2.0 99 Low",
        "SIP/2.0 4294967301 Wraps",
        "SIP/2.0 2x0 Odd",
        "SIP/2.0 0200 Long",
    ] {
        let text = String::from_utf8(request(&[]))
            .expect("ASCII")
            .replace("OPTIONS sip:b@h SIP/2.0", line);
        assert!(Message::parse(text.as_bytes()).is_err(), "{line}");
    }
}

#[test]
fn every_part_of_a_uri_is_told_apart() {
    let uri = Uri::parse(
        "sips:al%69ce;d=1?2:s%40e@[::1]:5061;transport=tls;lr;x=%31?Subject=a%20b&Priority=high",
    )
    .expect("a URI");
    assert_eq!(uri.user().as_deref(), Some("alice;d=1?2"));
    assert_eq!(uri.password().as_deref(), Some("s@e"));
    assert_eq!((uri.host(), uri.port()), ("::1", Some(5061)));
    assert_eq!(
        (uri.param("LR").as_deref(), uri.param("x").as_deref()),
        (Some(""), Some("1"))
    );
    let headers: Vec<_> = uri
        .headers()
        .map(|(name, value)| (name, value.unwrap_or_default()))
        .collect();
    assert_eq!(
        headers,
        [
            ("Subject".into(), "a b".into()),
            ("Priority".into(), "high".into())
        ]
    );
    assert_eq!(Uri::parse("sip:h").and_then(|uri| uri.user()), None);
    assert_eq!(
        Uri::parse("tel:+1-201-555-0123;phone-context=x")
            .and_then(|uri| uri.user())
            .as_deref(),
        Some("+1-201-555-0123")
    );
}

#[test]
fn broken_uris_are_none() {
    for text in [
        "",
        "sip:",
        "sip:@h",
        "sip:a@",
        "sip:a b@h",
        "sip:a@h:",
        "sip:a@h:70000",
        "sip:a@[::1",
        "sip:a@[zz]",
        "sip:a%4@h",
        "sip:a@h;",
        "sip:a@h;;lr",
        "sip:a@h;=x",
        "sip:a@h?",
        "<sip:a@h>",
        "http://h",
        "h",
        "sip:a@h\"",
        "tel:",
        "sip:a@b@c",
    ] {
        assert!(Uri::parse(text).is_none(), "{text:?}");
    }
}

#[test]
fn uris_are_equivalent_as_rfc_3261_19_1_4_says() {
    let equivalent = |a: &str, b: &str| {
        let (a, b) = (Uri::parse(a).expect("a URI"), Uri::parse(b).expect("a URI"));
        assert_eq!(a.equivalent(&b), b.equivalent(&a));
        a.equivalent(&b)
    };
    for (a, b) in [
        (
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtLanTa.CoM;Transport=tcp",
        ),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:carol@chicago.com;security=on",
            "sip:carol@chicago.com;newparam=5",
        ),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("tel:+1-212-555-0101", "tel:+1(212)5550101"),
    ] {
        assert!(equivalent(a, b), "{a} {b}");
    }
    for (a, b) in [
        (
            "SIP:ALICE@AtLanTa.CoM;Transport=udp",
            "sip:alice@AtLanTa.CoM;Transport=UDP",
        ),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        (
            "sip:bob@biloxi.com",
            "sip:bob@biloxi.com:6000;transport=tcp",
        ),
        (
            "sip:carol@chicago.com",
            "sip:carol@chicago.com?Subject=next%20meeting",
        ),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        (
            "sip:carol@chicago.com;security=on",
            "sip:carol@chicago.com;security=off",
        ),
        ("sip:a@h", "sips:a@h"),
        ("sip:a:x@h", "sip:a@h"),
    ] {
        assert!(!equivalent(a, b), "{a} {b}");
    }
}

#[test]
fn an_address_gives_its_parts() {
    let address =
        NameAddr::parse("\"Tea, \\\"T\\\"\" <sip:t@h;lr?x=y>;q=0.7;x;+sip.instance=\"<urn:1>\"")
            .expect("an address");
    assert_eq!(address.display_name(), "Tea, \"T\"");
    assert_eq!(address.uri(), "sip:t@h;lr?x=y");
    let params: Vec<_> = address
        .params()
        .map(|(name, value)| (name, value.map(String::from)))
        .collect();
    let owned = |text: &str| Some(text.to_owned());
    assert_eq!(
        params,
        [
            ("q", owned("0.7")),
            ("x", None),
            ("+sip.instance", owned("<urn:1>"))
        ]
    );
    let bare = NameAddr::parse("sip:t@h;tag=1").expect("an address");
    assert_eq!((bare.uri(), bare.params().count()), ("sip:t@h", 1));
    for text in [
        "",
        "<sip:t@h",
        "\"T <sip:t@h>",
        "T",
        "<sip:t@h> x",
        "<sip:t@h>;",
        "sip:a@h, sip:b@h",
        "< sip:t@h >",
    ] {
        assert!(NameAddr::parse(text).is_none(), "{text:?}");
    }
}

#[test]
fn quoting_folding_and_escaping_are_undone() {
    assert_eq!(unquote(r#""a \"b\" \\ c""#), r#"a "b" \ c"#);
    assert_eq!(unfold(b"a \r\n \t b\r\n c"), b"a b c".as_slice());
    assert_eq!(unescape("a%20%e5%bc%a0%zz%4"), "a 张%zz%4");
    assert_eq!(HeaderName::of(b"cOnTeNt-LeNgTh"), HeaderName::ContentLength);
}

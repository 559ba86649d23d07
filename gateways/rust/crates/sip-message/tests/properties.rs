//! What must hold for any message: it prints as it reads, and no bytes make the parser panic.

use std::net::SocketAddr;

use proptest::prelude::*;
use sip_message::framer::StreamFramer;
use sip_message::name_addr::NameAddr;
use sip_message::uri::Uri;
use sip_message::{Message, auth, print};

const METHODS: [&str; 6] = [
    "INVITE",
    "BYE",
    "OPTIONS",
    "REGISTER",
    "MESSAGE",
    "X-a!%*_+`'~",
];

prop_compose! {
    fn parts()(
        method in prop::sample::select(METHODS.to_vec()),
        user in "[a-zA-Z0-9_.!~*'()&=+$,;?/-]{1,12}",
        host in "[a-z0-9]{1,8}(\\.[a-z]{2,5})?",
        port in prop::option::of(1u16..),
        display in prop::option::of("[ -~张é]{0,12}"),
        tag in "[a-zA-Z0-9.!%*_+`'~-]{1,12}",
        call_id in "[a-zA-Z0-9@.-]{1,20}",
        cseq in 0u32..(1 << 31),
        extra in prop::collection::vec(("X-[A-Za-z]{1,8}", "[!-~][ -~张é]{0,30}[!-~]"), 0..6),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) -> (String, String, Vec<(String, String)>, Vec<u8>) {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let uri = format!("sip:{user}@{host}{port}");
        let display = display
            .map(|text| format!("\"{}\" ", text.replace('\\', "\\\\").replace('"', "\\\"")))
            .unwrap_or_default();
        let mut headers = vec![
            ("From".to_owned(), format!("{display}<{uri}>;tag={tag}")),
            ("To".to_owned(), format!("<{uri}>")),
            ("Call-ID".to_owned(), call_id),
            ("CSeq".to_owned(), format!("{cseq} {method}")),
        ];
        headers.extend(extra);
        (method.to_owned(), uri, headers, body)
    }
}

fn printed(
    (method, uri, headers, body): &(String, String, Vec<(String, String)>, Vec<u8>),
) -> Vec<u8> {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut out = Vec::new();
    print::request(
        &mut out,
        method,
        uri,
        "SIP/2.0/UDP h:5060;branch=z9hG4bKx;rport",
        &headers,
        body,
    );
    out
}

/// What one mutation does to bytes.
#[derive(Clone, Debug)]
enum Mutation {
    Cut(prop::sample::Index),
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index),
}

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let index = any::<prop::sample::Index>;
    let pieces = prop::sample::select(vec![
        &b"\r\n"[..],
        b"\r",
        b"\n",
        b"\"",
        b"<",
        b">",
        b";",
        b",",
        b"%",
        b"\\",
        b" ",
        b"\0",
        b"[",
        b"@",
        b":",
        b"Via:",
        b"l: 9\r\n",
    ]);
    prop::collection::vec(
        prop_oneof![
            index().prop_map(Mutation::Cut),
            (index(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
            (index(), pieces).prop_map(|(at, piece)| Mutation::Insert(at, piece.to_vec())),
            index().prop_map(Mutation::Remove),
        ],
        0..6,
    )
}

fn mutated(mut bytes: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        if bytes.is_empty() {
            break;
        }
        match mutation {
            Mutation::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Mutation::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Mutation::Insert(at, piece) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, piece.iter().copied());
            }
            Mutation::Remove(at) => {
                bytes.remove(at.index(bytes.len()));
            }
        }
    }
    bytes
}

/// Read everything there is to read, and answer it.
fn exercise(bytes: &[u8]) {
    let source = SocketAddr::from(([192, 0, 2, 1], 5060));
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(malformed) => match malformed.message {
            Some(message) => *message,
            None => return,
        },
    };
    for name in [
        "Via",
        "From",
        "Contact",
        "Subject",
        "x",
        "Content-Type",
        "l",
    ] {
        message.header(name);
        message.headers(name);
    }
    let mut out = Vec::new();
    print::response(
        &mut out,
        &message,
        source,
        "",
        200,
        None,
        Some("t"),
        &[("X", "y")],
        b"body",
    );
    assert!(out.ends_with(b"\r\n\r\nbody"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_request_reads_as_it_was_meant(parts in parts()) {
        let bytes = printed(&parts);
        let message = Message::parse(&bytes).expect("what we print, we can read");
        let (method, uri, headers, body) = &parts;
        prop_assert_eq!(message.method(), method.as_bytes());
        prop_assert_eq!(message.uri(), uri.as_bytes());
        prop_assert_eq!(message.body(), &body[..]);
        for (name, value) in headers {
            prop_assert!(message.headers(name).iter().any(|read| **read == *value.as_bytes()), "{}: {}", name, value);
        }
        // And again from its own parts: the same bytes.
        let fields: Vec<(String, String)> = message
            .fields()
            .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).into_owned()))
            .filter(|(name, _)| name != "Via" && name != "Content-Length")
            .collect();
        prop_assert_eq!(printed(&(method.clone(), uri.clone(), fields, body.clone())).len(), bytes.len());
    }

    #[test]
    fn a_response_carries_what_it_must(parts in parts(), status in 100u16..700) {
        let bytes = printed(&parts);
        let request = Message::parse(&bytes).expect("what we print, we can read");
        let mut out = Vec::new();
        print::response(&mut out, &request, SocketAddr::from(([192, 0, 2, 1], 9)), "", status, None, Some("t"), &[], &parts.3);
        let response = Message::parse(&out).expect("what we print, we can read");
        prop_assert_eq!(response.status(), status);
        prop_assert_eq!(response.branch(), request.branch());
        prop_assert_eq!(response.call_id(), request.call_id());
        prop_assert_eq!(response.from_tag(), request.from_tag());
        prop_assert_eq!(response.to_tag(), b"t");
        prop_assert_eq!((response.cseq(), response.cseq_method()), (request.cseq(), request.cseq_method()));
        prop_assert_eq!(response.body(), &parts.3[..]);
    }

    #[test]
    fn mutated_messages_never_panic(parts in parts(), mutations in mutations()) {
        exercise(&mutated(printed(&parts), &mutations));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        exercise(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        if let Some(uri) = Uri::parse(&text) {
            let _ = (uri.user(), uri.params().count(), uri.headers().count(), uri.equivalent(&uri));
        }
        if let Some(address) = NameAddr::parse(&text) {
            let _ = (address.display_name(), address.params().count());
        }
        let _ = auth::parse(&text);
    }

    #[test]
    fn text_like_headers_never_panics(text in "[ -~\"<>;:,@%\\\\\\r\\n张]{0,60}") {
        let _ = Uri::parse(&text).map(|uri| (uri.user().is_some(), uri.params().count()));
        let _ = NameAddr::parse(&text).map(|address| (address.display_name().len(), address.params().count()));
        let _ = auth::parse(&text);
        exercise(format!("INVITE sip:a@b SIP/2.0\r\nVia: {text}\r\nFrom: {text}\r\n{text}\r\n\r\n").as_bytes());
    }

    #[test]
    fn a_mutated_stream_never_panics_and_never_waits_for_more_than_a_message(
        parts in parts(), mutations in mutations(), piece in 1usize..200,
    ) {
        let mut framer = StreamFramer::default();
        for bytes in mutated(printed(&parts).repeat(3), &mutations).chunks(piece) {
            framer.push(bytes);
            while framer.next_frame().is_some() {}
            prop_assert!(framer.waiting() <= sip_message::MAX_MESSAGE + piece);
        }
    }
}

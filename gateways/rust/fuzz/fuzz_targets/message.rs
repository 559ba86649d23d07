//! One datagram: every way to read it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_message::name_addr::NameAddr;
use sip_message::uri::Uri;
use sip_message::{Message, auth};

fuzz_target!(|data: &[u8]| {
    let message = match Message::parse(data) {
        Ok(message) => message,
        Err(malformed) => {
            assert!(!malformed.reason.is_empty());
            return;
        }
    };
    if message.is_request() {
        assert!(!message.method().is_empty());
        if let Some(uri) = std::str::from_utf8(message.uri()).ok().and_then(Uri::parse) {
            let _ = (
                uri.user(),
                uri.password(),
                uri.host(),
                uri.port(),
                uri.params().count(),
                uri.headers().count(),
            );
            let names: Vec<String> = uri
                .params()
                .map(|(name, _)| name.to_ascii_lowercase())
                .collect();
            let repeated = names
                .iter()
                .enumerate()
                .any(|(at, name)| names[..at].contains(name));
            // RFC 3261 section 19.1.1: a parameter name must not appear twice; such a URI equals nothing.
            assert!(repeated || uri.equivalent(&uri), "a URI equals itself");
        }
    } else {
        assert!((100..700).contains(&message.status()));
    }
    assert!(message.cseq() < 1 << 31 && message.body().len() <= data.len());
    for name in [
        "Via",
        "v",
        "From",
        "Contact",
        "Route",
        "Subject",
        "Authorization",
        "Content-Type",
        "X-Unknown",
    ] {
        let _ = message.header(name);
        for value in message.headers(name) {
            let Ok(text) = std::str::from_utf8(&value) else {
                continue;
            };
            if let Some(address) = NameAddr::parse(text) {
                let _ = (
                    address.display_name(),
                    Uri::parse(address.uri()),
                    address.params().count(),
                );
            }
            let _ = auth::parse(text);
        }
    }
    let _ = message.content_type();
});

//! A keep-alive on the SIP port: whatever is answered is itself well-formed, and never longer than a binding's answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_transaction::stun;

fuzz_target!(|data: &[u8]| {
    let source = std::net::SocketAddr::from(([192, 0, 2, 1], 5060));
    if let Some(answer) = stun::answer(data, source) {
        assert!(stun::is_stun(data) && stun::is_stun(&answer));
        assert!(answer.len() <= 20 + 28 + 4 + 32, "no amplification");
        assert_eq!(answer[4..20], data[4..20]);
        assert!(stun::answer(&answer, source).is_none(), "two servers never answer each other");
    }
});

//! A compound packet: what is read is printed and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(packets) = rtp::rtcp::parse(data) else {
        return;
    };
    let printed = rtp::rtcp::print(&packets);
    let again = rtp::rtcp::parse(&printed).expect("what was printed can be read");
    assert_eq!(again.len(), packets.len());
});

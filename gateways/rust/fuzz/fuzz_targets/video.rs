#![no_main]

use libfuzzer_sys::fuzz_target;
use video::frames::{Frames, Place};
use video::{Codec, feedback, h264, rtx, vp8};

fuzz_target!(|data: &[u8]| {
    feedback::read(data, |_| {});
    rtx::unwrap(data);
    vp8::Descriptor::parse(data);
    h264::Sps::parse(data);
    h264::units(data).for_each(|unit| assert!(!unit.is_empty()));
    for codec in [Codec::H264, Codec::Vp8] {
        codec.look(data);
        codec.size(data);
        let mut frames = Frames::new(codec, 0.1);
        // Each packet: two bytes for its place, one for its length.
        let mut rest = data;
        let mut now = 0.0;
        while let [a, b, length, behind @ ..] = rest {
            let (payload, behind) = behind.split_at(usize::from(*length).min(behind.len()));
            let place = Place {
                sequence: u16::from(*a),
                timestamp: u32::from(b >> 1) * 3000,
                marker: b & 1 != 0,
            };
            frames.put(place, payload, now, |frame| assert!(!frame.data.is_empty()));
            now += 0.02;
            frames.poll(now, |frame| assert!(!frame.data.is_empty()));
            rest = behind;
        }
    }
});

//! A stream: what comes out does not depend on how it was cut into pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_message::framer::{Frame, StreamFramer};

fn frames(pieces: impl Iterator<Item = impl AsRef<[u8]>>) -> Vec<Result<Vec<u8>, u16>> {
    let (mut framer, mut out) = (StreamFramer::default(), Vec::new());
    for piece in pieces {
        framer.push(piece.as_ref());
        while let Some(frame) = framer.next_frame() {
            out.push(match frame {
                Frame::Message(message) => Ok(message),
                Frame::Ping => Ok(Vec::new()),
                Frame::Broken(malformed) => Err(malformed.status),
            });
        }
    }
    out
}

fuzz_target!(|data: &[u8]| {
    let Some((&size, stream)) = data.split_first() else {
        return;
    };
    let whole = frames(std::iter::once(stream));
    let pieces = frames(stream.chunks(usize::from(size).max(1)));
    assert_eq!(whole, pieces);
});

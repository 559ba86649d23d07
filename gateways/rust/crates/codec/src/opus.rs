//! Opus by libopus (RFC 6716). The library is compiled with the crate: nothing of it is looked for at run time.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};

use opusic_sys as sys;

use crate::format::Opus;
use crate::{Error, Malformed};

/// RFC 6716 section 3.2.1: a frame has at most 1275 bytes; 60 ms are up to three of them and their count.
const LONGEST_PACKET: usize = 3 * 1275 + 7;

/// What is lost of our packets, as long as nobody says it. With none, libopus would put no redundancy into them.
const USUAL_LOSS_PERCENT: c_int = 5;

/// Where the party names no bit rate. libopus would take 11 and 19 kbit/s at 8 and 16 kHz, which costs a whole point of
/// PESQ at the lowest complexity, and has no room for redundancy.
const USUAL_BITRATES: [(u32, c_int); 4] = [
    (8000, 32_000),
    (16_000, 32_000),
    (24_000, 40_000),
    (48_000, 64_000),
];

pub struct Encoder {
    state: NonNull<sys::OpusEncoder>,
    dtx: bool,
}

// SAFETY: the state is memory that only this owner reaches; libopus keeps nothing for a thread.
unsafe impl Send for Encoder {}

impl Encoder {
    pub fn new(opus: Opus) -> Result<Self, Error> {
        let mut code = 0;
        // SAFETY: `code` outlives the call; what is not a rate or a purpose is refused by libopus.
        let state = unsafe {
            let rate = opus.rate as i32;
            sys::opus_encoder_create(rate, 1, sys::OPUS_APPLICATION_VOIP, &raw mut code)
        };
        let state = NonNull::new(state).ok_or_else(|| refused("an encoder", code))?;
        let mut encoder = Self {
            state,
            dtx: opus.dtx,
        };
        let usual = USUAL_BITRATES.iter().find(|(rate, _)| *rate == opus.rate);
        let bitrate = match opus.bitrate {
            0 => usual.map_or(sys::OPUS_AUTO, |(_, bits)| *bits),
            bits => bits as c_int,
        };
        for (request, value) in [
            (sys::OPUS_SET_SIGNAL_REQUEST, sys::OPUS_SIGNAL_VOICE),
            (sys::OPUS_SET_COMPLEXITY_REQUEST, opus.complexity.into()),
            (sys::OPUS_SET_INBAND_FEC_REQUEST, opus.fec.into()),
            (sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, USUAL_LOSS_PERCENT),
            (sys::OPUS_SET_DTX_REQUEST, opus.dtx.into()),
            (sys::OPUS_SET_VBR_REQUEST, (!opus.cbr).into()),
            (sys::OPUS_SET_BITRATE_REQUEST, bitrate),
        ] {
            encoder.set(request, value)?;
        }
        Ok(encoder)
    }

    pub fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + LONGEST_PACKET, 0);
        // SAFETY: libopus reads as many samples as it is told, refuses a length that is no frame's, and writes no more
        // than the bytes it is told of.
        let written = unsafe {
            sys::opus_encode(
                self.state.as_ptr(),
                samples.as_ptr(),
                samples.len() as c_int,
                out[start..].as_mut_ptr(),
                LONGEST_PACKET as i32,
            )
        };
        debug_assert!(written > 0, "{} samples: error {written}", samples.len());
        // RFC 7587 section 3.1.3: in silence a packet of the table of contents alone need not go out.
        let needed = written > if self.dtx { 2 } else { 0 };
        out.truncate(start + if needed { written as usize } else { 0 });
    }

    pub fn expect_loss(&mut self, percent: u8) {
        let percent = c_int::from(percent.min(100));
        let set = self.set(sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, percent);
        debug_assert_eq!(set, Ok(()));
    }

    fn set(&mut self, request: c_int, value: c_int) -> Result<(), Error> {
        // SAFETY: the requests used here all take one int.
        match unsafe { sys::opus_encoder_ctl(self.state.as_ptr(), request, value) } {
            sys::OPUS_OK => Ok(()),
            code => Err(refused(&format!("value {value} of {request}"), code)),
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: it was made by `opus_encoder_create` and is used no more.
        unsafe { sys::opus_encoder_destroy(self.state.as_ptr()) }
    }
}

pub struct Decoder {
    state: NonNull<sys::OpusDecoder>,
    /// Samples in 2.5 ms, of which everything that can be decoded is a multiple.
    step: usize,
}

// SAFETY: as the encoder's.
unsafe impl Send for Decoder {}

impl Decoder {
    pub fn new(opus: Opus) -> Result<Self, Error> {
        let mut code = 0;
        // SAFETY: `code` outlives the call. Packets of two channels are decoded to one.
        let state = unsafe { sys::opus_decoder_create(opus.rate as i32, 1, &raw mut code) };
        Ok(Self {
            state: NonNull::new(state).ok_or_else(|| refused("a decoder", code))?,
            step: opus.rate as usize / 400,
        })
    }

    /// `samples`: how many the packet holds.
    pub fn decode(
        &mut self,
        payload: &[u8],
        samples: usize,
        out: &mut Vec<i16>,
    ) -> Result<(), Malformed> {
        let start = out.len();
        let decoded = self.run(Some(payload), samples, false, out);
        if decoded == samples as c_int {
            return Ok(());
        }
        out.truncate(start);
        Err(Malformed)
    }

    /// `next` is read for what it repeats of the missing packet.
    pub fn conceal(&mut self, samples: usize, next: Option<&[u8]>, out: &mut Vec<i16>) {
        let start = out.len();
        let whole = samples.next_multiple_of(self.step);
        let mut made = self.run(next, whole, true, out);
        if made != whole as c_int && next.is_some() {
            // What follows is no packet of Opus.
            out.truncate(start);
            made = self.run(None, whole, false, out);
        }
        debug_assert_eq!(made, whole as c_int);
        out.truncate(start + samples);
    }

    /// Samples made, or a code of libopus below 0.
    fn run(
        &mut self,
        payload: Option<&[u8]>,
        samples: usize,
        fec: bool,
        out: &mut Vec<i16>,
    ) -> c_int {
        let start = out.len();
        out.resize(start + samples, 0);
        let (data, length) = match payload {
            Some(payload) => (payload.as_ptr(), payload.len() as i32),
            None => (ptr::null(), 0),
        };
        // SAFETY: libopus reads `length` bytes and writes at most `samples` samples.
        unsafe {
            sys::opus_decode(
                self.state.as_ptr(),
                data,
                length,
                out[start..].as_mut_ptr(),
                samples as c_int,
                fec.into(),
            )
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: it was made by `opus_decoder_create` and is used no more.
        unsafe { sys::opus_decoder_destroy(self.state.as_ptr()) }
    }
}

/// As libopus names itself.
pub fn version() -> String {
    // SAFETY: a text that libopus keeps for ever.
    let version = unsafe { CStr::from_ptr(sys::opus_get_version_string()) };
    version.to_string_lossy().into_owned()
}

fn refused(what: &str, code: c_int) -> Error {
    Error(format!("libopus refuses {what} (error {code})"))
}

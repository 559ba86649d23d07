//! Where the parts of a packet are that its protection must know.

use crate::Refused;

/// RFC 3550 section 6.4: an RTCP packet's first header and the SSRC after it stay in the clear (RFC 3711 section 3.4).
pub const RTCP_CLEAR: usize = 8;

/// The fields of an RTP packet that protection needs.
#[derive(Clone, Copy)]
pub struct Rtp {
    pub sequence: u16,
    pub ssrc: u32,
    /// Where header, contributing sources and extension end: what stays in the clear (RFC 3711 section 3.1).
    pub payload_at: usize,
}

impl Rtp {
    pub fn read(data: &[u8]) -> Result<Rtp, Refused> {
        let (fixed, _) = data.split_first_chunk::<12>().ok_or(Refused::Malformed)?;
        if fixed[0] >> 6 != 2 {
            return Err(Refused::Malformed);
        }
        let mut payload_at = 12 + 4 * usize::from(fixed[0] & 0x0f);
        if fixed[0] & 0x10 != 0 {
            let extension = data
                .get(payload_at..payload_at + 4)
                .ok_or(Refused::Malformed)?;
            let words = u16::from_be_bytes([extension[2], extension[3]]);
            payload_at += 4 + 4 * usize::from(words);
        }
        if payload_at > data.len() {
            return Err(Refused::Malformed);
        }
        Ok(Rtp {
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            payload_at,
        })
    }
}

/// The SSRC of an RTCP packet's sender.
pub fn rtcp_ssrc(data: &[u8]) -> Result<u32, Refused> {
    let (clear, _) = data
        .split_first_chunk::<RTCP_CLEAR>()
        .ok_or(Refused::Malformed)?;
    if clear[0] >> 6 != 2 {
        return Err(Refused::Malformed);
    }
    Ok(u32::from_be_bytes([clear[4], clear[5], clear[6], clear[7]]))
}

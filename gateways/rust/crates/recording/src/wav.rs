//! RIFF WAVE with 16-bit samples: its header, and the most it can hold.

/// Bytes before the samples.
pub const HEADER: usize = 44;
/// The header counts all but its first eight bytes in 32 bits.
pub const MOST_BYTES: u64 = u32::MAX as u64 - HEADER as u64;

/// The header of a file with so many bytes of samples.
pub fn header(channels: usize, rate: u32, bytes: u64) -> [u8; HEADER] {
    let bytes = bytes.min(MOST_BYTES) as u32;
    let frame = channels as u32 * 2;
    let mut header = [0; HEADER];
    let mut at = 0;
    let mut put = |part: &[u8]| {
        header[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    };
    put(b"RIFF");
    put(&(bytes + HEADER as u32 - 8).to_le_bytes());
    put(b"WAVEfmt ");
    put(&16u32.to_le_bytes());
    put(&1u16.to_le_bytes()); // WAVE_FORMAT_PCM
    put(&(channels as u16).to_le_bytes());
    put(&rate.to_le_bytes());
    put(&(rate * frame).to_le_bytes());
    put(&(frame as u16).to_le_bytes());
    put(&16u16.to_le_bytes());
    put(b"data");
    put(&bytes.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_what_is_behind_it() {
        let header = header(2, 8000, 32_000);
        let expected = b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x10\0data\0\x7d\0\0";
        assert_eq!(&header, expected);
    }
}

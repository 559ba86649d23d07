//! Ogg pages (RFC 3533 section 6).

/// What a page is in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    First,
    Within,
    Last,
}

/// How many segments a page can have, and how many bytes each; a packet ends with one that is not full.
const SEGMENTS: usize = 255;
const SEGMENT: usize = 255;

/// How many of some packets fit in one page, told by their lengths.
pub fn fitting(lengths: impl IntoIterator<Item = usize>) -> usize {
    let mut segments = 0;
    lengths
        .into_iter()
        .take_while(|length| {
            segments += length / SEGMENT + 1;
            segments <= SEGMENTS
        })
        .count()
}

/// Append a page of whole packets, which fit, to `out`. `position`: the granule position at their end.
pub fn page(
    packets: &[Vec<u8>],
    place: Place,
    position: u64,
    serial: u32,
    sequence: u32,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.extend_from_slice(b"OggS\0");
    out.push(match place {
        Place::First => 2,
        Place::Within => 0,
        Place::Last => 4,
    });
    out.extend_from_slice(&position.to_le_bytes());
    out.extend_from_slice(&serial.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    let checksum = out.len();
    out.extend_from_slice(&[0; 4]);
    let count: usize = packets
        .iter()
        .map(|packet| packet.len() / SEGMENT + 1)
        .sum();
    debug_assert!(count <= SEGMENTS);
    out.push(count as u8);
    for packet in packets {
        out.extend(std::iter::repeat_n(SEGMENT as u8, packet.len() / SEGMENT));
        out.push((packet.len() % SEGMENT) as u8);
    }
    for packet in packets {
        out.extend_from_slice(packet);
    }
    let sum = crc(&out[start..]).to_le_bytes();
    out[checksum..checksum + 4].copy_from_slice(&sum);
}

/// The checksum of a page as it was read: over all of it but the sum itself, which counts as zeros.
pub fn crc_of_page(page: &[u8]) -> u32 {
    let (before, after) = page.split_at(22);
    continued(continued(continued(0, before), &[0; 4]), &after[4..])
}

/// "direct algorithm, initial val and final XOR = 0, generator polynomial=0x04c11db7", over the page with zeros in
/// place of the sum.
fn crc(bytes: &[u8]) -> u32 {
    continued(0, bytes)
}

fn continued(sum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(sum, |sum, &byte| {
        sum << 8 ^ CRC[usize::from((sum >> 24) as u8 ^ byte)]
    })
}

static CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut sum = (n as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 << 31 == 0 {
                sum << 1
            } else {
                sum << 1 ^ 0x04c1_1db7
            };
            bit += 1;
        }
        table[n] = sum;
        n += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_packets_laced() {
        let mut out = Vec::new();
        let packets = [vec![1; 10], vec![2; 255], vec![3; 600]];
        page(&packets, Place::First, 960, 7, 0, &mut out);
        assert_eq!(&out[..6], b"OggS\0\x02");
        assert_eq!(out[26], 6);
        assert_eq!(&out[27..33], [10, 255, 0, 255, 255, 90]);
        assert_eq!(out.len(), 33 + 865);
    }

    #[test]
    fn as_many_packets_go_in_a_page_as_have_segments() {
        assert_eq!(fitting([10; 300]), 255);
        assert_eq!(fitting([255; 300]), 127);
        assert_eq!(fitting([]), 0);
    }
}

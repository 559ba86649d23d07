//! The RTP packet (RFC 3550 section 5.1).

/// The length of a header without CSRCs and extension.
const FIXED: usize = 12;

/// What a sender chooses for each packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

impl Header {
    pub const LENGTH: usize = FIXED;

    /// Append the header: version 2, no padding, no extension, no CSRC.
    pub fn print(&self, out: &mut Vec<u8>) {
        out.push(0x80);
        out.push(u8::from(self.marker) << 7 | self.payload_type & 0x7f);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.ssrc.to_be_bytes());
    }
}

/// A received packet, read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    pub header: Header,
    /// Contributing sources, four bytes each.
    pub csrcs: &'a [u8],
    /// The extension's profile word and its data (section 5.3.1).
    pub extension: Option<(u16, &'a [u8])>,
    /// Without padding.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// None unless `data` is a whole packet of version 2 (the checks of section A.1 that need no history).
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let (fixed, mut rest) = data.split_first_chunk::<FIXED>()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let csrcs;
        (csrcs, rest) = rest.split_at_checked(usize::from(fixed[0] & 0x0f) * 4)?;
        let mut extension = None;
        if fixed[0] & 0x10 != 0 {
            let (head, tail) = rest.split_first_chunk::<4>()?;
            let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let data;
            (data, rest) = tail.split_at_checked(words * 4)?;
            extension = Some((u16::from_be_bytes([head[0], head[1]]), data));
        }
        if fixed[0] & 0x20 != 0 {
            // Section 5.1: the last octet of the padding counts the padding, itself included.
            let padding = usize::from(*rest.last()?);
            if padding == 0 {
                return None;
            }
            rest = rest.get(..rest.len().checked_sub(padding)?)?;
        }
        Some(Self {
            header: Header {
                marker: fixed[1] & 0x80 != 0,
                payload_type: fixed[1] & 0x7f,
                sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
                timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
                ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            },
            csrcs,
            extension,
            payload: rest,
        })
    }
}

/// Give a whole packet another payload type. What is too short for a header is left alone.
pub fn set_payload_type(data: &mut [u8], payload_type: u8) {
    if let Some(second) = data.get_mut(1) {
        *second = *second & 0x80 | payload_type & 0x7f;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        marker: true,
        payload_type: 8,
        sequence: 0xfffe,
        timestamp: 0x0102_0304,
        ssrc: 0xdead_beef,
    };

    fn printed(payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        HEADER.print(&mut out);
        out.extend_from_slice(payload);
        out
    }

    #[test]
    fn what_is_printed_reads_back() {
        let bytes = printed(b"sound");
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.header, HEADER);
        assert_eq!(
            (packet.payload, packet.csrcs.len(), packet.extension),
            (&b"sound"[..], 0, None)
        );
    }

    #[test]
    fn csrcs_extension_and_padding_are_left_out_of_the_payload() {
        let mut bytes = printed(&[]);
        bytes[0] = 0x80 | 0x20 | 0x10 | 2;
        bytes.extend_from_slice(&[1, 1, 1, 1, 2, 2, 2, 2]);
        bytes.extend_from_slice(&[0xbe, 0xde, 0, 1, 9, 9, 9, 9]);
        bytes.extend_from_slice(b"sound\0\0\x03");
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.payload, b"sound");
        assert_eq!(packet.csrcs, [1, 1, 1, 1, 2, 2, 2, 2]);
        assert_eq!(packet.extension, Some((0xbede, &[9u8, 9, 9, 9][..])));
    }

    #[test]
    fn broken_packets_are_none() {
        let whole = printed(b"sound");
        for length in 0..FIXED {
            assert!(Packet::parse(&whole[..length]).is_none());
        }
        let with = |first: u8, tail: &[u8]| {
            let mut bytes = printed(tail);
            bytes[0] = first;
            Packet::parse(&bytes).is_none()
        };
        assert!(with(0x40, b"sound"), "version 1");
        assert!(with(0x82, b"short"), "two CSRCs in five bytes");
        assert!(
            with(0x90, &[0, 0, 0, 2, 1, 2, 3, 4]),
            "an extension longer than the packet"
        );
        assert!(with(0xa0, b""), "padding without any");
        assert!(with(0xa0, &[0]), "padding of no bytes");
        assert!(with(0xa0, &[1, 2, 9]), "more padding than packet");
    }
}

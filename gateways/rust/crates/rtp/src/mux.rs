//! What a datagram on a media port is (RFC 5761 section 4, RFC 7983 section 7).

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rtp,
    Rtcp,
    Stun,
    Dtls,
    Unknown,
}

/// Tell by the first two bytes, as the RFCs do; the parsers check the rest.
pub fn classify(data: &[u8]) -> Kind {
    match data {
        // RFC 5761 section 4: RTCP packet types 192 to 223 are where marked RTP payload types 64 to 95 would be,
        // which therefore must not be used.
        [0x80..=0xbf, 192..=223, ..] => Kind::Rtcp,
        [0x80..=0xbf, _, ..] => Kind::Rtp,
        [0..=3, ..] => Kind::Stun,
        [20..=63, ..] => Kind::Dtls,
        _ => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtp_and_rtcp_are_told_apart_by_the_second_byte() {
        assert_eq!(classify(&[0x80, 0]), Kind::Rtp);
        assert_eq!(classify(&[0x80, 0x80 | 8]), Kind::Rtp);
        assert_eq!(classify(&[0x80, 0x80 | 101]), Kind::Rtp);
        for packet_type in [200, 201, 202, 203, 204, 205, 206, 207] {
            assert_eq!(classify(&[0x81, packet_type]), Kind::Rtcp);
        }
    }

    #[test]
    fn other_protocols_of_a_media_port_are_known() {
        assert_eq!(classify(&[0, 1]), Kind::Stun);
        assert_eq!(classify(&[22, 254]), Kind::Dtls);
        assert_eq!(classify(&[0xff, 0]), Kind::Unknown);
        assert_eq!(classify(&[]), Kind::Unknown);
        assert_eq!(classify(&[0x80]), Kind::Unknown);
    }
}

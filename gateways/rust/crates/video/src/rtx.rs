//! Packets sent again in a stream of their own (RFC 4588).

/// Section 4: the payload of a packet sent again has its first number before it.
const HEAD: usize = 2;

/// Append the payload of a retransmission.
pub fn wrap(sequence: u16, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&sequence.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The first number and payload of a retransmission; None: it holds none, as a packet that only fills the line does.
pub fn unwrap(payload: &[u8]) -> Option<(u16, &[u8])> {
    if payload.len() <= HEAD {
        return None;
    }
    let (sequence, payload) = payload.split_first_chunk::<HEAD>()?;
    Some((u16::from_be_bytes(*sequence), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_comes_out_again() {
        let mut out = Vec::new();
        wrap(0xfffe, b"picture", &mut out);
        assert_eq!(unwrap(&out), Some((0xfffe, &b"picture"[..])));
        assert_eq!(unwrap(&out[..2]), None);
        assert_eq!(unwrap(&[]), None);
    }
}

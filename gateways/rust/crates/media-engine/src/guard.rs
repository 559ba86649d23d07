//! What comes from a leg's party under keys. No I/O; time comes in.

use std::fmt;

use rtp::mux::{Kind, classify};
use srtp::{Inbound, MasterKey, Refused};

/// How long packets under the last key are still taken after a new one was agreed: they are on the way.
const OVERLAP: f64 = 2.0;

/// The keys that SDP has agreed on, one for each direction (RFC 4568).
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Keys {
    /// What we send under.
    pub ours: MasterKey,
    /// What the party sends under.
    pub theirs: MasterKey,
    /// The name of its key in each packet; empty: there is none.
    pub mki: Vec<u8>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.ours.suite().name())
    }
}

/// Opens what a party sends. What is refused here is as if it had never come: it is not heard, and its source is not
/// taken for the party's.
pub struct Guard {
    current: Inbound,
    /// The last key's, and until when.
    previous: Option<(Inbound, f64)>,
}

impl Guard {
    pub fn new(keys: &Keys) -> Self {
        Self {
            current: Inbound::new(&keys.theirs, &keys.mki),
            previous: None,
        }
    }

    /// After a new agreement. The same key goes on where it was: its packets must not be taken twice.
    pub fn agreed(&mut self, keys: &Keys, now: f64) {
        if *self.current.master() != keys.theirs || self.current.mki() != keys.mki {
            let last = std::mem::replace(&mut self.current, Inbound::new(&keys.theirs, &keys.mki));
            self.previous = Some((last, now + OVERLAP));
        }
    }

    /// Write the plain packet to `plain`.
    pub fn open(&mut self, data: &[u8], plain: &mut Vec<u8>, now: f64) -> Result<(), Refused> {
        let first = open(&mut self.current, data, plain);
        let Some((previous, until)) = &mut self.previous else {
            return first;
        };
        if now > *until {
            self.previous = None;
            return first;
        }
        first.or_else(|refused| open(previous, data, plain).map_err(|_| refused))
    }
}

fn open(inbound: &mut Inbound, data: &[u8], plain: &mut Vec<u8>) -> Result<(), Refused> {
    plain.clear();
    plain.extend_from_slice(data);
    let length = match classify(data) {
        Kind::Rtcp => inbound.open_rtcp(plain),
        _ => inbound.open_rtp(plain),
    }?;
    plain.truncate(length);
    Ok(())
}

/// Of a packet of G.711 or G.722: whether it has the length of plain sound, in steps of 5 ms (Some(true)), or that and a tag
/// of SRTP (Some(false)). None: neither, or it is no such packet.
pub fn looks_plain(data: &[u8]) -> Option<bool> {
    if classify(data) != Kind::Rtp || data[0] != 0x80 || !matches!(data[1] & 0x7f, 0 | 8 | 9) {
        return None;
    }
    match data.len().checked_sub(12)? % 40 {
        0 => Some(true),
        4 | 10 | 16 => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use srtp::{Outbound, Suite};

    fn master(seed: u8) -> MasterKey {
        MasterKey::new(Suite::AesCm128HmacSha1_80, &[seed; 30]).unwrap()
    }

    fn keys(theirs: u8) -> Keys {
        Keys {
            ours: master(0),
            theirs: master(theirs),
            mki: Vec::new(),
        }
    }

    fn sent(outbound: &mut Outbound, sequence: u16) -> Vec<u8> {
        let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet.resize(172, 7);
        outbound.protect_rtp(&mut packet).unwrap();
        packet
    }

    #[test]
    fn both_keys_are_good_for_a_while_after_a_change_and_the_old_one_no_longer() {
        let (mut old, mut new) = (Outbound::new(&master(1)), Outbound::new(&master(2)));
        let mut guard = Guard::new(&keys(1));
        let mut plain = Vec::new();
        assert_eq!(guard.open(&sent(&mut old, 1), &mut plain, 0.0), Ok(()));
        assert_eq!((plain.len(), plain[171]), (172, 7));
        assert_eq!(
            guard.open(&sent(&mut new, 2), &mut plain, 0.1),
            Err(Refused::Forged)
        );
        guard.agreed(&keys(2), 1.0);
        assert_eq!(guard.open(&sent(&mut old, 2), &mut plain, 1.1), Ok(()));
        assert_eq!(guard.open(&sent(&mut new, 3), &mut plain, 1.2), Ok(()));
        let late = sent(&mut old, 4);
        assert_eq!(guard.open(&late, &mut plain, 1.3), Ok(()));
        assert!(guard.open(&late, &mut plain, 1.4).is_err(), "once");
        assert_eq!(
            guard.open(&sent(&mut old, 5), &mut plain, 3.1),
            Err(Refused::Forged)
        );
    }

    #[test]
    fn the_same_key_agreed_again_takes_no_packet_twice() {
        let mut outbound = Outbound::new(&master(1));
        let mut guard = Guard::new(&keys(1));
        let mut plain = Vec::new();
        let packet = sent(&mut outbound, 1);
        assert_eq!(guard.open(&packet, &mut plain, 0.0), Ok(()));
        guard.agreed(&keys(1), 1.0);
        assert_eq!(guard.open(&packet, &mut plain, 1.1), Err(Refused::Replayed));
    }

    #[test]
    fn plain_and_protected_sound_differ_in_length() {
        let of_length = |length: usize| {
            let mut packet = vec![0u8; length];
            packet[0] = 0x80;
            looks_plain(&packet)
        };
        for plain in [160, 80, 240, 40] {
            assert_eq!(of_length(12 + plain), Some(true));
            for tag in [4, 10, 16] {
                assert_eq!(of_length(12 + plain + tag), Some(false));
            }
        }
        assert_eq!(of_length(12 + 33), None);
    }

    #[test]
    fn keys_do_not_show_themselves() {
        assert_eq!(format!("{:?}", keys(1)), "Keys(AES_CM_128_HMAC_SHA1_80)");
    }
}

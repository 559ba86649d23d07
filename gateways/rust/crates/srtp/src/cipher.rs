//! How one kind of packet, RTP or RTCP, is sealed and opened under one session key.

use aes::{Aes128, Aes128Enc, Aes256, Aes256Enc};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::U12;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::Refused;
use crate::derivation::{Label, derive, keystream};
use crate::key::{MasterKey, Suite};

/// RFC 3711 section 5.2: the session authentication key of HMAC-SHA1 has 160 bits.
const AUTHENTICATION_KEY: usize = 20;
/// RFC 7714 section 13.2: all AEAD suites here have whole tags.
const GCM_TAG: usize = 16;

/// Bytes that a MAC or a tag covers beside the packet: the rollover counter, or RTCP's index.
pub type Trailer = [u8; 4];

pub struct Cipher {
    algorithm: Algorithm,
    /// Of an AEAD suite the first 12 bytes count.
    salt: [u8; 14],
}

enum Algorithm {
    Cm128(Aes128Enc, HmacSha1),
    Cm256(Aes256Enc, HmacSha1),
    Gcm128(AesGcm<Aes128, U12>),
    Gcm256(AesGcm<Aes256, U12>),
}

/// Keyed once; each packet begins from a copy.
struct HmacSha1 {
    keyed: Hmac<Sha1>,
    tag_bytes: usize,
}

impl Cipher {
    pub fn new(master: &MasterKey, rtcp: bool) -> Cipher {
        let mut salt = [0; 14];
        let salt_bytes = master.suite().salt_bytes();
        derive(master, Label::Salt, rtcp, &mut salt[..salt_bytes]);
        let mut key = [0; 32];
        let key_bytes = master.suite().key_bytes();
        derive(master, Label::Encryption, rtcp, &mut key[..key_bytes]);
        let mut authentication = [0; AUTHENTICATION_KEY];
        if salt_bytes == 14 {
            derive(master, Label::Authentication, rtcp, &mut authentication);
        }
        Cipher::of_session(master.suite(), rtcp, &key, salt, &authentication)
    }

    /// From session keys; of `key` only as much counts as the suite needs.
    pub fn of_session(
        suite: Suite,
        rtcp: bool,
        key: &[u8; 32],
        salt: [u8; 14],
        authentication: &[u8; AUTHENTICATION_KEY],
    ) -> Cipher {
        let mut short = [0; 16];
        short.copy_from_slice(&key[..16]);
        let mac = |tag_bytes| HmacSha1 {
            keyed: HmacSha1::keyed(authentication),
            // RFC 4568 section 6.2.2: the short tag is RTP's alone, RTCP keeps 80 bits; RFC 6188 section 4 likewise.
            tag_bytes: if rtcp { 10 } else { tag_bytes },
        };
        let algorithm = match suite {
            Suite::AesCm128HmacSha1_80 => Algorithm::Cm128(Aes128Enc::new(&short.into()), mac(10)),
            Suite::AesCm128HmacSha1_32 => Algorithm::Cm128(Aes128Enc::new(&short.into()), mac(4)),
            Suite::AesCm256HmacSha1_80 => Algorithm::Cm256(Aes256Enc::new(key.into()), mac(10)),
            Suite::AesCm256HmacSha1_32 => Algorithm::Cm256(Aes256Enc::new(key.into()), mac(4)),
            Suite::AeadAes128Gcm => Algorithm::Gcm128(AesGcm::new(&short.into())),
            Suite::AeadAes256Gcm => Algorithm::Gcm256(AesGcm::new(key.into())),
        };
        Cipher { algorithm, salt }
    }

    /// Bytes of a tag.
    pub fn tag_bytes(&self) -> usize {
        match &self.algorithm {
            Algorithm::Cm128(_, mac) | Algorithm::Cm256(_, mac) => mac.tag_bytes,
            Algorithm::Gcm128(_) | Algorithm::Gcm256(_) => GCM_TAG,
        }
    }

    /// Whether RTCP's index follows the tag (RFC 7714 section 9.2) instead of going before it (RFC 3711 section 3.4).
    pub fn is_aead(&self) -> bool {
        matches!(self.algorithm, Algorithm::Gcm128(_) | Algorithm::Gcm256(_))
    }

    /// Encrypt an RTP packet from `clear` on and append its tag. The rollover counter is `index >> 16`.
    pub fn seal_rtp(&self, packet: &mut Vec<u8>, clear: usize, ssrc: u32, index: u64) {
        let rollover = ((index >> 16) as u32).to_be_bytes();
        if self.is_aead() {
            let nonce = self.gcm_nonce(ssrc, index);
            let (header, payload) = packet.split_at_mut(clear);
            let tag = self.gcm_seal(&nonce, header, payload);
            packet.extend_from_slice(&tag);
        } else {
            self.counter_mode(ssrc, index, &mut packet[clear..]);
            // RFC 3711 section 4.2: the rollover counter is authenticated as if it stood behind the packet.
            let tag = self.mac(&[packet, &rollover]);
            packet.extend_from_slice(&tag[..self.tag_bytes()]);
        }
    }

    /// Open an RTP packet in place, of which `tag_at` bytes are header and ciphertext. A packet that is refused may be
    /// changed only where the caller throws it away.
    pub fn open_rtp(
        &self,
        packet: &mut [u8],
        tag: &[u8],
        clear: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), Refused> {
        if self.is_aead() {
            let nonce = self.gcm_nonce(ssrc, index);
            let (header, payload) = packet.split_at_mut(clear);
            self.gcm_open(&nonce, header, payload, tag)
        } else {
            let rollover = ((index >> 16) as u32).to_be_bytes();
            self.verify(&[packet, &rollover], tag)?;
            self.counter_mode(ssrc, index, &mut packet[clear..]);
            Ok(())
        }
    }

    /// Encrypt an RTCP packet from `clear` on, and give the tag over it and `word`, the index with its E bit.
    pub fn seal_rtcp(&self, packet: &mut [u8], clear: usize, ssrc: u32, word: u32) -> [u8; 20] {
        let index = u64::from(word & 0x7fff_ffff);
        let trailer: Trailer = word.to_be_bytes();
        if self.is_aead() {
            let nonce = self.gcm_nonce(ssrc, index);
            let (header, payload) = packet.split_at_mut(clear);
            let mut tag = [0; 20];
            tag[..GCM_TAG].copy_from_slice(&self.gcm_seal(&nonce, &with(header, trailer), payload));
            tag
        } else {
            self.counter_mode(ssrc, index, &mut packet[clear..]);
            self.mac(&[packet, &trailer])
        }
    }

    /// Open an RTCP packet in place; `word` came with it. Without its E bit it is authenticated alone.
    pub fn open_rtcp(
        &self,
        packet: &mut [u8],
        tag: &[u8],
        clear: usize,
        ssrc: u32,
        word: u32,
    ) -> Result<(), Refused> {
        let index = u64::from(word & 0x7fff_ffff);
        let trailer: Trailer = word.to_be_bytes();
        let encrypted = word >> 31 == 1;
        if self.is_aead() {
            let nonce = self.gcm_nonce(ssrc, index);
            if !encrypted {
                // RFC 7714 section 9.3: then the whole packet is associated data. No phone is known to do it.
                return Err(Refused::Malformed);
            }
            let (header, payload) = packet.split_at_mut(clear);
            self.gcm_open(&nonce, &with(header, trailer), payload, tag)
        } else {
            self.verify(&[packet, &trailer], tag)?;
            if encrypted {
                self.counter_mode(ssrc, index, &mut packet[clear..]);
            }
            Ok(())
        }
    }

    /// RFC 3711 section 4.1.1: IV = salt * 2^16 XOR SSRC * 2^64 XOR index * 2^16.
    fn counter_mode(&self, ssrc: u32, index: u64, data: &mut [u8]) {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        xor(&mut iv[4..8], &ssrc.to_be_bytes());
        xor(&mut iv[8..14], &index.to_be_bytes()[2..]);
        match &self.algorithm {
            Algorithm::Cm128(aes, _) => keystream(aes, &iv, data),
            Algorithm::Cm256(aes, _) => keystream(aes, &iv, data),
            Algorithm::Gcm128(_) | Algorithm::Gcm256(_) => {
                unreachable!("an AEAD suite has its own mode")
            }
        }
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 20] {
        match &self.algorithm {
            Algorithm::Cm128(_, mac) | Algorithm::Cm256(_, mac) => {
                mac.over(parts).finalize().into_bytes().into()
            }
            Algorithm::Gcm128(_) | Algorithm::Gcm256(_) => unreachable!("an AEAD suite has no MAC"),
        }
    }

    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), Refused> {
        match &self.algorithm {
            // In constant time.
            Algorithm::Cm128(_, mac) | Algorithm::Cm256(_, mac) => mac
                .over(parts)
                .verify_truncated_left(tag)
                .map_err(|_| Refused::Forged),
            Algorithm::Gcm128(_) | Algorithm::Gcm256(_) => unreachable!("an AEAD suite has no MAC"),
        }
    }

    /// RFC 7714 sections 8.1 and 9.1: two zero bytes, the SSRC, and the index, XOR the salt.
    fn gcm_nonce(&self, ssrc: u32, index: u64) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&self.salt[..12]);
        xor(&mut nonce[2..6], &ssrc.to_be_bytes());
        xor(&mut nonce[6..12], &index.to_be_bytes()[2..]);
        nonce
    }

    fn gcm_seal(&self, nonce: &[u8; 12], header: &[u8], payload: &mut [u8]) -> [u8; GCM_TAG] {
        let sealed = match &self.algorithm {
            Algorithm::Gcm128(gcm) => {
                gcm.encrypt_inout_detached(nonce.into(), header, payload.into())
            }
            Algorithm::Gcm256(gcm) => {
                gcm.encrypt_inout_detached(nonce.into(), header, payload.into())
            }
            Algorithm::Cm128(..) | Algorithm::Cm256(..) => unreachable!("no AEAD suite"),
        };
        // It fails for more than 64 GB alone; a tag of zeros is then no tag.
        sealed.map_or([0; GCM_TAG], Into::into)
    }

    fn gcm_open(
        &self,
        nonce: &[u8; 12],
        header: &[u8],
        payload: &mut [u8],
        tag: &[u8],
    ) -> Result<(), Refused> {
        let tag: &[u8; GCM_TAG] = tag.try_into().map_err(|_| Refused::Malformed)?;
        let opened = match &self.algorithm {
            Algorithm::Gcm128(gcm) => {
                gcm.decrypt_inout_detached(nonce.into(), header, payload.into(), tag.into())
            }
            Algorithm::Gcm256(gcm) => {
                gcm.decrypt_inout_detached(nonce.into(), header, payload.into(), tag.into())
            }
            Algorithm::Cm128(..) | Algorithm::Cm256(..) => unreachable!("no AEAD suite"),
        };
        opened.map_err(|_| Refused::Forged)
    }
}

impl HmacSha1 {
    fn keyed(key: &[u8; AUTHENTICATION_KEY]) -> Hmac<Sha1> {
        let mut block = [0; 64];
        block[..AUTHENTICATION_KEY].copy_from_slice(key);
        // RFC 2104: a shorter key is the same as one that zeros fill up to a block.
        Hmac::new(&block.into())
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha1> {
        let mut mac = self.keyed.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac
    }
}

/// RTCP's eight clear bytes and the word with its index: the associated data of RFC 7714 section 9.2.
fn with(header: &[u8], trailer: Trailer) -> [u8; 12] {
    let mut both = [0; 12];
    both[..8].copy_from_slice(&header[..8]);
    both[8..].copy_from_slice(&trailer);
    both
}

fn xor(into: &mut [u8], with: &[u8]) {
    into.iter_mut()
        .zip(with)
        .for_each(|(byte, other)| *byte ^= other);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    }

    /// RFC 7714 section 16: the session key counts up from 0, and the session salt is "Quid pro quo".
    fn of_rfc_7714(suite: Suite, rtcp: bool) -> Cipher {
        let key: [u8; 32] = std::array::from_fn(|n| n as u8);
        let mut salt = [0; 14];
        salt[..12].copy_from_slice(b"Quid pro quo");
        Cipher::of_session(suite, rtcp, &key, salt, &[0; AUTHENTICATION_KEY])
    }

    #[test]
    fn rfc_7714_section_16() {
        let plain = hex(
            "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573",
        );
        for (suite, sealed) in [
            (
                Suite::AeadAes128Gcm,
                "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce",
            ),
            (
                Suite::AeadAes256Gcm,
                "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
            ),
        ] {
            let cipher = of_rfc_7714(suite, false);
            let mut packet = plain.clone();
            cipher.seal_rtp(&mut packet, 12, 0x5501_a0b2, 0xf17b);
            assert_eq!(packet, hex(sealed), "{suite:?}");
            let (body, tag) = packet.split_at_mut(plain.len());
            assert_eq!(cipher.open_rtp(body, tag, 12, 0x5501_a0b2, 0xf17b), Ok(()));
            assert_eq!(body, plain);
        }
    }

    #[test]
    fn rfc_7714_section_17() {
        let plain = hex(
            "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
        );
        let cipher = of_rfc_7714(Suite::AeadAes128Gcm, true);
        let mut packet = plain.clone();
        let tag = cipher.seal_rtcp(&mut packet, 8, 0x4d61_7273, 0x8000_05d4);
        packet.extend_from_slice(&tag[..GCM_TAG]);
        let sealed = "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade";
        assert_eq!(packet, hex(sealed));
        let (body, tag) = packet.split_at_mut(plain.len());
        assert_eq!(
            cipher.open_rtcp(body, tag, 8, 0x4d61_7273, 0x8000_05d4),
            Ok(())
        );
        assert_eq!(body, plain);
    }
}

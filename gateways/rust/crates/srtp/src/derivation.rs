//! Session keys from a master key (RFC 3711 section 4.3), at a key derivation rate of 0: once for all packets.

use aes::{Aes128Enc, Aes256Enc};
use ctr::Ctr128BE;
use ctr::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};

use crate::key::MasterKey;

/// Section 4.3.2; RTCP's are three higher.
#[derive(Clone, Copy)]
pub enum Label {
    Encryption = 0,
    Authentication = 1,
    Salt = 2,
}

/// Fill `out` with the session key of that label.
pub fn derive(master: &MasterKey, label: Label, rtcp: bool, out: &mut [u8]) {
    // Section 4.3.1 with r = 0: x is the label, 48 bits up, XOR the master salt; section 4.3.3: the PRF is AES-CM with
    // x * 2^16 as its IV.
    let mut iv = [0; 16];
    iv[..14].copy_from_slice(&master.salt());
    iv[7] ^= label as u8 + if rtcp { 3 } else { 0 };
    out.fill(0);
    let key = master.key();
    // RFC 6188 section 3: as long a key, as strong a PRF.
    if let Ok(key) = key.try_into() {
        keystream::<Aes128Enc>(&Aes128Enc::new(key), &iv, out);
    } else if let Ok(key) = key.try_into() {
        keystream::<Aes256Enc>(&Aes256Enc::new(key), &iv, out);
    }
}

/// XOR the counter mode's keystream into `data` (section 4.1.1).
pub fn keystream<'a, C>(cipher: &'a C, iv: &[u8; 16], data: &mut [u8])
where
    C: ctr::cipher::BlockCipherEncrypt<BlockSize = ctr::cipher::consts::U16>,
{
    let core = ctr::CtrCore::<&'a C, ctr::flavors::Ctr128BE>::inner_iv_init(cipher, iv.into());
    let mut stream: Ctr128BE<&'a C> = StreamCipherCoreWrapper::from_core(core);
    stream.apply_keystream(data);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Suite;

    pub fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        let byte =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    fn derived(master: &MasterKey, label: Label, rtcp: bool, length: usize) -> Vec<u8> {
        let mut out = vec![0xff; length];
        derive(master, label, rtcp, &mut out);
        out
    }

    #[test]
    fn rfc_3711_appendix_b_2() {
        let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let iv: [u8; 16] = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000").try_into().unwrap();
        let cipher = Aes128Enc::new(key.as_slice().try_into().unwrap());
        let mut stream = vec![0; 0xff02 * 16];
        keystream(&cipher, &iv, &mut stream);
        let start = hex(
            "e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab 41e95b3bb0a2e8dd477901e4fca894c0",
        );
        assert_eq!(stream[..48], start);
        let end = hex(
            "ec8cdf7398607cb0f2d21675ea9ea1e4 362b7c3c6773516318a077d7fc5073ae 6a2cc3787889374fbeb4c81b17ba6c44",
        );
        assert_eq!(stream[0xfeff * 16..][..48], end);
    }

    #[test]
    fn rfc_3711_appendix_b_3() {
        let master = hex("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
        let master = MasterKey::new(Suite::AesCm128HmacSha1_80, &master).unwrap();
        assert_eq!(
            derived(&master, Label::Encryption, false, 16),
            hex("c61e7a93744f39ee10734afe3ff7a087")
        );
        assert_eq!(
            derived(&master, Label::Salt, false, 14),
            hex("30cbbc08863d8c85d49db34a9ae1")
        );
        let authentication = hex(
            "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce
             e049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc25
             6d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2dc",
        );
        assert_eq!(
            derived(&master, Label::Authentication, false, 94),
            authentication[..94]
        );
    }

    #[test]
    fn rfc_6188_section_7() {
        let key = hex("57f82fe3613fd170a85ec93c40b1f092 2ec4cb0dc025b58272147cc438944a98");
        let iv: [u8; 16] = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000").try_into().unwrap();
        let mut stream = vec![0; 48];
        keystream(
            &Aes256Enc::new(key.as_slice().try_into().unwrap()),
            &iv,
            &mut stream,
        );
        assert_eq!(
            stream,
            hex(
                "92bdd28a93c3f52511c677d08b5515a4 9da71b2378a854f67050756ded165bac 63c4868b7096d88421b563b8c94c9a31"
            )
        );
        let master = hex(
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6
             3b04803de51ee7c96423ab5b78d2",
        );
        let master = MasterKey::new(Suite::AesCm256HmacSha1_80, &master).unwrap();
        assert_eq!(
            derived(&master, Label::Encryption, false, 32),
            hex("5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4")
        );
        assert_eq!(
            derived(&master, Label::Salt, false, 14),
            hex("fa31791685ca444a9e07c6c64e93")
        );
        assert_eq!(
            derived(&master, Label::Authentication, false, 20),
            hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05")
        );
    }
}

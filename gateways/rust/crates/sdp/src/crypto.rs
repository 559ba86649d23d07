//! Keys in SDP: `a=crypto` (RFC 4568).

use std::fmt;

use srtp::{MasterKey, Suite};

/// RFC 4568 section 6.1: the least lifetime of a key that we take, in packets: five hours of sound at 50 a second. We keep a
/// key as long as a call lasts, and whoever wants it changed sooner must offer another.
const LEAST_LIFETIME: u64 = 1 << 20;
/// Section 6.1: an MKI has at most 128 bytes. None of more than 8 was ever seen.
const MAX_MKI: usize = 8;

/// One way to protect a stream, and the key that whoever says it sends under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crypto {
    /// What an answer names it by: at most nine digits.
    pub tag: u32,
    pub key: MasterKey,
    /// The key's name in each packet (RFC 3711 section 3.1); empty: there is none.
    pub mki: Vec<u8>,
}

impl Crypto {
    /// The value of `a=crypto` after the colon: `1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19z…|2^20|1:4`. None where it is
    /// broken, or asks for what we do not do: another suite, several keys, or a session parameter that changes the
    /// packets. Without `-` before it a parameter "MUST" be understood (section 6.3.7).
    pub(crate) fn parse(value: &str) -> Option<Crypto> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= 9)?.parse().ok()?;
        let suite = Suite::by_name(words.next()?)?;
        let (method, key_info) = words.next()?.split_once(':')?;
        if !method.eq_ignore_ascii_case("inline") || key_info.contains(';') {
            return None;
        }
        let mut parts = key_info.split('|');
        let key = MasterKey::new(suite, &base64_decoded(parts.next()?)?)?;
        let mut mki = Vec::new();
        for part in parts {
            match part.split_once(':') {
                Some((value, length)) => mki = mki_of(value, length)?,
                None => lifetime(part)
                    .filter(|packets| *packets >= LEAST_LIFETIME)
                    .map(drop)?,
            }
        }
        // Section 6.3.6: a hint for the size of the replay window, and ours is wide enough.
        let known =
            |word: &str| word.starts_with('-') || word.to_ascii_uppercase().starts_with("WSH=");
        words.all(known).then_some(Crypto { tag, key, mki })
    }
}

/// As it is said in SDP, key and all.
impl fmt::Display for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tag, suite) = (self.tag, self.key.suite().name());
        write!(f, "{tag} {suite} inline:{}", base64(self.key.as_bytes()))?;
        if !self.mki.is_empty() {
            let value = self
                .mki
                .iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte));
            write!(f, "|{value}:{}", self.mki.len())?;
        }
        Ok(())
    }
}

/// `4` in two bytes is `4:2`.
fn mki_of(value: &str, length: &str) -> Option<Vec<u8>> {
    let length = length
        .parse()
        .ok()
        .filter(|length| (1..=MAX_MKI).contains(length))?;
    let bytes = value.parse::<u64>().ok()?.to_be_bytes();
    let (rest, mki) = bytes.split_at(bytes.len() - length);
    rest.iter().all(|byte| *byte == 0).then(|| mki.to_vec())
}

/// `2^31`, or a number.
fn lifetime(text: &str) -> Option<u64> {
    match text.split_once('^') {
        Some(("2", exponent)) => 1u64.checked_shl(exponent.parse().ok()?),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

/// The same back; the `=` at its end may be left out, as some phones do.
fn base64_decoded(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 || digits.len() % 4 == 1 || digits.len() > 128 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut held) = (0u32, 0);
    for digit in digits.bytes() {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        bits = bits << 6 | value as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    #[test]
    fn a_line_is_read_and_printed() {
        for line in [
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("999999999 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|1:4"),
        ] {
            assert_eq!(
                Crypto::parse(&line)
                    .expect("a line of RFC 4568")
                    .to_string(),
                line
            );
        }
        let full = Crypto::parse(&format!(
            "2 aes_cm_128_hmac_sha1_80 INLINE:{KEY}|2^31|257:2 WSH=128 -x=1"
        ));
        let full = full.expect("all that may stand there");
        assert_eq!((full.tag, full.mki), (2, vec![1, 1]));
        assert!(!format!("{:?}", full.key).contains(KEY));
    }

    #[test]
    fn what_we_do_not_do_is_not_taken() {
        for line in [
            "",
            "1",
            "1 AES_CM_128_HMAC_SHA1_80",
            "x AES_CM_128_HMAC_SHA1_80 inline:KEY",
            "1234567890 AES_CM_128_HMAC_SHA1_80 inline:KEY",
            "1 F8_128_HMAC_SHA1_80 inline:KEY",
            "1 AES_CM_128_HMAC_SHA1_80 uri:KEY",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEYx",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KE!Y",
            "1 AEAD_AES_128_GCM inline:KEY",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^10",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|3^31",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^99",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|1000",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|300:1",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|1:9",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY;inline:KEY",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY UNENCRYPTED_SRTP",
            "1 AES_CM_128_HMAC_SHA1_80 inline:KEY KDR=5",
        ] {
            assert_eq!(Crypto::parse(&line.replace("KEY", KEY)), None, "{line}");
        }
    }

    #[test]
    fn base64_is_its_own_inverse_with_padding_and_without() {
        for length in 0..60u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(37)).collect();
            let text = base64(&bytes);
            assert_eq!(base64_decoded(&text), Some(bytes.clone()), "{text}");
            assert_eq!(base64_decoded(text.trim_end_matches('=')), Some(bytes));
        }
        // RFC 4648 section 10.
        for (plain, text) in [
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), text);
        }
    }
}

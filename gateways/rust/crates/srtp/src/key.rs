//! Suites and master keys.

use std::fmt;

/// What protects the packets, by its name in SDP (RFC 4568 section 6.2, RFC 6188 section 4, RFC 7714 section 14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Suite {
    AesCm128HmacSha1_80,
    AesCm128HmacSha1_32,
    AesCm256HmacSha1_80,
    AesCm256HmacSha1_32,
    AeadAes128Gcm,
    AeadAes256Gcm,
}

impl Suite {
    pub const ALL: [Suite; 6] = [
        Suite::AesCm128HmacSha1_80,
        Suite::AesCm128HmacSha1_32,
        Suite::AesCm256HmacSha1_80,
        Suite::AesCm256HmacSha1_32,
        Suite::AeadAes128Gcm,
        Suite::AeadAes256Gcm,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Suite::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Suite::AesCm256HmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Suite::AesCm256HmacSha1_32 => "AES_256_CM_HMAC_SHA1_32",
            Suite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Suite::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// By name, without case (RFC 4568 section 9.1 takes it from ABNF strings); `AES_CM_256_…`, as some phones have it
    /// from a draft, is the same as `AES_256_CM_…`.
    pub fn by_name(name: &str) -> Option<Suite> {
        let draft = [
            ("AES_CM_256_HMAC_SHA1_80", Suite::AesCm256HmacSha1_80),
            ("AES_CM_256_HMAC_SHA1_32", Suite::AesCm256HmacSha1_32),
        ];
        let known = Suite::ALL.into_iter().map(|suite| (suite.name(), suite));
        known
            .chain(draft)
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, suite)| suite)
    }

    /// Bytes of the master key.
    pub fn key_bytes(self) -> usize {
        match self {
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 | Suite::AeadAes128Gcm => 16,
            Suite::AesCm256HmacSha1_80 | Suite::AesCm256HmacSha1_32 | Suite::AeadAes256Gcm => 32,
        }
    }

    /// Bytes of the master salt.
    pub fn salt_bytes(self) -> usize {
        match self {
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => 12,
            _ => 14,
        }
    }

    /// Bytes of a master key with its salt, as SDES carries them.
    pub fn master_bytes(self) -> usize {
        self.key_bytes() + self.salt_bytes()
    }
}

/// A master key and its salt (RFC 3711 section 3.2.1). Its bytes stay out of `Debug`, and so out of every log.
#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "(Suite, Vec<u8>)", into = "(Suite, Vec<u8>)")]
pub struct MasterKey {
    suite: Suite,
    bytes: [u8; 46],
}

impl MasterKey {
    /// `bytes`: the key, then the salt. None when they are not as many as the suite needs.
    pub fn new(suite: Suite, bytes: &[u8]) -> Option<MasterKey> {
        if bytes.len() != suite.master_bytes() {
            return None;
        }
        let mut held = [0; 46];
        held[..bytes.len()].copy_from_slice(bytes);
        Some(MasterKey { suite, bytes: held })
    }

    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The key, then the salt: for SDP alone.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.suite.master_bytes()]
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.bytes[..self.suite.key_bytes()]
    }

    /// As long as key derivation wants it: RFC 7714 section 11 has the salt of an AEAD suite followed by 16 zero bits.
    pub(crate) fn salt(&self) -> [u8; 14] {
        let mut salt = [0; 14];
        let given = &self.bytes[self.suite.key_bytes()..self.suite.master_bytes()];
        salt[..given.len()].copy_from_slice(given);
        salt
    }
}

impl From<MasterKey> for (Suite, Vec<u8>) {
    fn from(key: MasterKey) -> Self {
        (key.suite, key.as_bytes().to_vec())
    }
}

impl TryFrom<(Suite, Vec<u8>)> for MasterKey {
    type Error = &'static str;

    fn try_from((suite, bytes): (Suite, Vec<u8>)) -> Result<Self, Self::Error> {
        Self::new(suite, &bytes).ok_or("a key is not as long as its suite wants it")
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.suite.name())
    }
}

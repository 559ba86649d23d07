//! Characters, white space and quoting (RFC 3261 section 25.1).

use std::borrow::Cow;

/// A set of bytes. Most of reading is running along until a byte belongs to one, so each is one look into a table.
#[derive(Clone, Copy)]
pub(crate) struct Set(u8);

/// What a `token` is made of.
pub(crate) const TOKEN: Set = Set(1);
/// Linear white space as it stands inside a header value: CR and LF occur there only where the line was folded.
pub(crate) const LWS: Set = Set(2);
/// What ends a parameter's value that is not quoted.
pub(crate) const VALUE_END: Set = Set(4);
/// What a host name or an IPv4 address is made of; the underscore is wrong and yet in use.
pub(crate) const HOST: Set = Set(8);
/// What ends a display name or an address without angle brackets.
pub(crate) const ADDRESS_END: Set = Set(16);
/// What cannot stand in any URI: controls, spaces, quotes and angle brackets. Octets above ASCII should have been
/// escaped, yet phones send UTF-8 user names as they are.
pub(crate) const NOT_URI: Set = Set(32);

const SETS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        if (byte as u8).is_ascii_alphanumeric() {
            table[byte] |= TOKEN.0 | HOST.0;
        }
        if byte <= b' ' as usize || byte == 0x7f {
            table[byte] |= NOT_URI.0;
        }
        byte += 1;
    }
    add(&mut table, b"-.!%*_+`'~", TOKEN.0);
    add(&mut table, b" \t\r\n", LWS.0);
    add(&mut table, b" \t\r\n;,\"", VALUE_END.0);
    add(&mut table, b".-_", HOST.0);
    add(&mut table, b"<;,?\">", ADDRESS_END.0);
    add(&mut table, b"<>\"", NOT_URI.0);
    table
};

const fn add(table: &mut [u8; 256], bytes: &[u8], set: u8) {
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] |= set;
        at += 1;
    }
}

impl Set {
    #[inline]
    pub fn has(self, byte: u8) -> bool {
        SETS[byte as usize] & self.0 != 0
    }

    /// The position of the first byte from `at` that is not of this set.
    #[inline]
    pub fn skip(self, bytes: &[u8], mut at: usize) -> usize {
        while at < bytes.len() && self.has(bytes[at]) {
            at += 1;
        }
        at
    }

    /// The position of the first byte from `at` that is of this set; the end when there is none.
    #[inline]
    pub fn find(self, bytes: &[u8], mut at: usize) -> usize {
        while at < bytes.len() && !self.has(bytes[at]) {
            at += 1;
        }
        at
    }
}

/// Whether the bytes are a `token`: not empty, and of token characters only.
#[inline]
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && TOKEN.skip(bytes, 0) == bytes.len()
}

#[inline]
pub(crate) fn is_lws(byte: u8) -> bool {
    LWS.has(byte)
}

/// The position of the first byte from `at` that is no white space.
#[inline]
pub fn skip_lws(bytes: &[u8], at: usize) -> usize {
    LWS.skip(bytes, at)
}

/// The position after the last byte before `end` that is no white space; never before `start`.
#[inline]
pub fn trim_end(bytes: &[u8], start: usize, mut end: usize) -> usize {
    while end > start && is_lws(bytes[end - 1]) {
        end -= 1;
    }
    end
}

/// The bytes without white space around them.
pub fn trim(bytes: &[u8]) -> &[u8] {
    let start = skip_lws(bytes, 0);
    &bytes[start..trim_end(bytes, start, bytes.len())]
}

/// The position after a quoted string that opens at `at`; None when it is not closed.
pub fn skip_quoted(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// A folded value on one line: each line break with the white space around it reads as one space (section 7.3.1).
pub fn unfold(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\r', b'\n', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut line = Vec::with_capacity(bytes.len());
    unfold_into(&mut line, bytes);
    Cow::Owned(line)
}

/// Append a value, unfolded.
pub fn unfold_into(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(fold) = memchr::memchr2(b'\r', b'\n', rest) {
        let before = trim_end(rest, 0, fold);
        out.extend_from_slice(&rest[..before]);
        out.push(b' ');
        rest = &rest[skip_lws(rest, fold)..];
    }
    out.extend_from_slice(rest);
}

/// A quoted string without its quotes and backslashes; anything else as it is.
pub fn unquote(text: &str) -> Cow<'_, str> {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return Cow::Borrowed(text);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            // RFC 3261 section 25.1: quoted-pair = "\" (any ASCII character but CR and LF).
            '\\' => plain.extend(characters.next()),
            _ => plain.push(character),
        }
    }
    Cow::Owned(plain)
}

/// `%HH` escapes resolved. Bytes that are no UTF-8 afterwards read as U+FFFD; a `%` without two digits stays.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if let Some(byte) = escaped(bytes, at) {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

/// The byte that a `%HH` at `at` stands for.
pub fn escaped(bytes: &[u8], at: usize) -> Option<u8> {
    if bytes.get(at) != Some(&b'%') {
        return None;
    }
    let high = (*bytes.get(at + 1)? as char).to_digit(16)?;
    let low = (*bytes.get(at + 2)? as char).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

/// A decimal number of digits only, at most `limit`.
pub fn number(digits: &[u8], limit: u64) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let mut value: u64 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
    }
    (value <= limit).then_some(value)
}

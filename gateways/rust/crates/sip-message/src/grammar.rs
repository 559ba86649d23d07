//! Characters, white space and quoting (RFC 3261 section 25.1).

use std::borrow::Cow;

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"-.!%*_+`'~";
    let mut mark = 0;
    while mark < marks.len() {
        table[marks[mark] as usize] = true;
        mark += 1;
    }
    table
};

/// Whether a byte may stand in a `token`.
#[inline]
pub fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// Whether the bytes are a `token`: not empty, and of token characters only.
#[inline]
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

/// Linear white space as it stands inside a header value: CR and LF occur there only where the line was folded.
#[inline]
pub fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The position of the first byte from `at` that is no white space.
#[inline]
pub fn skip_lws(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && is_lws(bytes[at]) {
        at += 1;
    }
    at
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

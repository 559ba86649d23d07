//! Authorization, WWW-Authenticate and their like (RFC 3261 section 20.7 and 20.44, RFC 7616).

use std::borrow::Cow;

use crate::grammar::{TOKEN, is_lws, skip_lws, skip_quoted, unquote};

/// A scheme in lower case, and its parameters: names in lower case, values unquoted.
pub type Credentials<'a> = (String, Vec<(String, Cow<'a, str>)>);

/// Read one value. None when it is broken. A scheme whose credentials are no parameters (`Basic`, `Bearer`) has none.
pub fn parse(value: &str) -> Option<Credentials<'_>> {
    let bytes = value.as_bytes();
    let start = skip_lws(bytes, 0);
    let end = token_end(bytes, start);
    if end == start || bytes.get(end).is_some_and(|&byte| !is_lws(byte)) {
        return None;
    }
    let scheme = value.get(start..end)?.to_ascii_lowercase();
    if matches!(scheme.as_str(), "basic" | "bearer") {
        return Some((scheme, Vec::new()));
    }
    let mut params = Vec::new();
    let mut at = skip_lws(bytes, end);
    while at < bytes.len() {
        let name_end = token_end(bytes, at);
        let equals = skip_lws(bytes, name_end);
        if name_end == at || bytes.get(equals) != Some(&b'=') {
            return None;
        }
        let value_start = skip_lws(bytes, equals + 1);
        let value_end = match bytes.get(value_start) {
            Some(b'"') => skip_quoted(bytes, value_start)?,
            _ => bytes[value_start..]
                .iter()
                .position(|&byte| is_lws(byte) || byte == b',')
                .map_or(bytes.len(), |length| value_start + length),
        };
        params.push((
            value.get(at..name_end)?.to_ascii_lowercase(),
            unquote(value.get(value_start..value_end)?),
        ));
        at = skip_lws(bytes, value_end);
        match bytes.get(at) {
            None => break,
            Some(b',') => at = skip_lws(bytes, at + 1),
            Some(_) => return None,
        }
    }
    Some((scheme, params))
}

fn token_end(bytes: &[u8], start: usize) -> usize {
    TOKEN.skip(bytes, start)
}

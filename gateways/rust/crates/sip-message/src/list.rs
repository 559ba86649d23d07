//! Comma-separated values (RFC 3261 section 7.3.1).

use crate::grammar::{skip_quoted, trim};

/// The values of a list, each without white space around it. A comma inside quotes or angle brackets divides
/// nothing; empty values are left out.
pub fn values(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = line;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = value_end(rest);
            let value = trim(&rest[..end]);
            rest = &rest[(end + 1).min(rest.len())..];
            if !value.is_empty() {
                return Some(value);
            }
        }
        None
    })
}

fn value_end(bytes: &[u8]) -> usize {
    let mut bracketed = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' if !bracketed => match skip_quoted(bytes, at) {
                Some(after) => {
                    at = after;
                    continue;
                }
                None => return bytes.len(),
            },
            b'<' => bracketed = true,
            b'>' => bracketed = false,
            b',' if !bracketed => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    #[test]
    fn commas_divide_only_outside_quotes_and_brackets() {
        let line = br#" "Bell, A" <sip:a,b@c>;x="1,2" ,, <sip:d@e> , f "#;
        let values: Vec<_> = super::values(line)
            .map(|value| std::str::from_utf8(value).expect("ASCII"))
            .collect();
        assert_eq!(
            values,
            [r#""Bell, A" <sip:a,b@c>;x="1,2""#, "<sip:d@e>", "f"]
        );
    }
}

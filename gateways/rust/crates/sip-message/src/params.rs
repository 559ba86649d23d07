//! Parameters: `;name`, `;name=value`, `;name="quoted value"` (RFC 3261 section 25.1, generic-param).

use crate::grammar::{TOKEN, VALUE_END, skip_lws, skip_quoted};
use crate::message::Span;

/// One parameter where it stands. A value still has its quotes; `whole` begins at the semicolon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Param {
    pub name: Span,
    pub value: Option<Span>,
    pub whole: Span,
}

/// The next parameter of `bytes` from `at`, where white space and a semicolon are expected. None at the end of the
/// text or at a comma; the position is then where it ended.
pub(crate) fn next(bytes: &[u8], at: &mut usize) -> Result<Option<Param>, &'static str> {
    let start = skip_lws(bytes, *at);
    if start == bytes.len() || bytes[start] == b',' {
        *at = start;
        return Ok(None);
    }
    if bytes[start] != b';' {
        return Err("junk after a value");
    }
    let name_start = skip_lws(bytes, start + 1);
    let name_end = TOKEN.skip(bytes, name_start);
    if name_end == name_start {
        return Err("empty parameter");
    }
    let name = Span::new(name_start, name_end);
    let equals = skip_lws(bytes, name_end);
    if equals == bytes.len() || bytes[equals] != b'=' {
        *at = name_end;
        return Ok(Some(Param {
            name,
            value: None,
            whole: Span::new(start, name_end),
        }));
    }
    let value_start = skip_lws(bytes, equals + 1);
    let value_end = match bytes.get(value_start) {
        Some(b'"') => skip_quoted(bytes, value_start).ok_or("unterminated quoted string")?,
        _ => VALUE_END.find(bytes, value_start),
    };
    if value_end == value_start {
        return Err("parameter without its value");
    }
    *at = value_end;
    Ok(Some(Param {
        name,
        value: Some(Span::new(value_start, value_end)),
        whole: Span::new(start, value_end),
    }))
}

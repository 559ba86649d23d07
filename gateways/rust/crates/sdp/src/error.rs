use std::fmt;

/// What is wrong, and in which line (from 1; 0 where it is the whole description).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub line: usize,
    pub reason: String,
}

/// As much of a bad line as is worth a place in a log.
const QUOTED_CHARS: usize = 60;

impl Error {
    pub(crate) fn at(line: usize, reason: &str, text: &str) -> Error {
        let text = without_key(text);
        let mut quoted: String = text.chars().take(QUOTED_CHARS).collect();
        if quoted.len() < text.len() {
            quoted.push('…');
        }
        Error {
            line,
            reason: format!("{reason}: {quoted:?}"),
        }
    }

    pub(crate) fn whole(reason: &str) -> Error {
        Error {
            line: 0,
            reason: reason.to_owned(),
        }
    }
}

/// A line up to where a key stands in it: what is wrong is told to logs and to other parties.
fn without_key(text: &str) -> &str {
    let end = match text.to_ascii_lowercase() {
        lower if lower.starts_with("k=") => 2,
        lower if lower.starts_with("a=crypto") => lower.find("inline").map_or(text.len(), |at| at),
        _ => text.len(),
    };
    &text[..end]
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "session description: {}", self.reason),
            line => write!(f, "session description, line {line}: {}", self.reason),
        }
    }
}

impl std::error::Error for Error {}

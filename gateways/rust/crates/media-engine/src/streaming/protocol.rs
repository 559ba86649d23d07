//! The text messages of the media WebSocket, as docs/reference/media-websocket.md says.

use serde_json::{Value, json};

/// The longest name of a mark, in bytes.
const NAME: usize = 128;

/// What the far end asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    Mark(String),
    Clear,
    Stop,
}

/// Read a text message; why not, when it cannot be.
pub fn read(text: &str) -> Result<Asked, String> {
    let message: Value =
        serde_json::from_str(text).map_err(|error| format!("the text is no JSON: {error}"))?;
    match message["type"].as_str() {
        Some("mark") => match message["name"].as_str() {
            Some(name) if !name.is_empty() && name.len() <= NAME => {
                Ok(Asked::Mark(name.to_owned()))
            }
            _ => Err(format!("mark: `name` must be a text of 1 to {NAME} bytes")),
        },
        Some("clear") => Ok(Asked::Clear),
        Some("stop") => Ok(Asked::Stop),
        _ => Err("`type` must be mark, clear or stop".to_owned()),
    }
}

pub fn digit(digit: char, duration_ms: u32) -> String {
    json!({"type": "digit", "digit": digit, "duration_ms": duration_ms}).to_string()
}

pub fn speech(speaks: bool) -> String {
    let state = if speaks { "started" } else { "stopped" };
    json!({"type": "speech", "state": state}).to_string()
}

pub fn played(name: &str) -> String {
    json!({"type": "played", "name": name}).to_string()
}

/// `marks`: those that will never be played.
pub fn cleared(ms: u64, marks: &[String]) -> String {
    json!({"type": "cleared", "ms": ms, "marks": marks}).to_string()
}

/// Sound to the far end that it was too slow for: it comes just before what comes next.
pub fn lost(ms: u64) -> String {
    json!({"type": "lost", "ms": ms}).to_string()
}

/// Sound from the far end that found no room.
pub fn overflow(ms: u64) -> String {
    json!({"type": "overflow", "ms": ms}).to_string()
}

pub fn error(reason: &str) -> String {
    json!({"type": "error", "reason": reason}).to_string()
}

pub fn stop(reason: &str) -> String {
    json!({"type": "stop", "reason": reason}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_read_and_all_else_refused_with_the_reason() {
        assert_eq!(
            read(r#"{"type": "mark", "name": "a\"b"}"#),
            Ok(Asked::Mark("a\"b".to_owned()))
        );
        assert_eq!(read(r#"{"type": "clear"}"#), Ok(Asked::Clear));
        assert_eq!(
            read(r#"{"type": "stop", "reason": "done"}"#),
            Ok(Asked::Stop)
        );
        let long = format!(r#"{{"type": "mark", "name": "{}"}}"#, "n".repeat(NAME + 1));
        for (text, reason) in [
            ("", "no JSON"),
            ("[]", "`type` must be"),
            ("7", "`type` must be"),
            (r#"{"type": "mark"}"#, "`name`"),
            (r#"{"type": "mark", "name": 7}"#, "`name`"),
            (&long, "`name`"),
            (r#"{"type": "play"}"#, "`type` must be"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }
}

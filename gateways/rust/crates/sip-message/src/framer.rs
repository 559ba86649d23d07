//! Messages out of a stream (RFC 3261 section 18.3), and keep-alives (RFC 5626 section 3.5.1).

use crate::MAX_MESSAGE;
use crate::grammar::number;
use crate::header_name::HeaderName;
use crate::index;
use crate::message::{Malformed, Message};

/// What came out of a stream.
#[derive(Debug)]
pub enum Frame {
    /// The octets of one message.
    Message(Vec<u8>),
    /// A keep-alive (two CRLFs) that wants one CRLF in answer.
    Ping,
    /// The stream cannot be read on.
    Broken(Malformed),
}

/// Cuts one stream into messages. Give it bytes as they come, then take frames until there is none.
#[derive(Debug, Default)]
pub struct StreamFramer {
    buffer: Vec<u8>,
    /// Octets at the front of the buffer that were taken already.
    taken: usize,
    /// Where the search for the end of the headers goes on.
    searched: usize,
    /// The length of the message at the front, once its headers are there.
    expected: Option<usize>,
    /// CRLFs seen since the last message.
    breaks: u8,
    broken: bool,
}

impl StreamFramer {
    pub fn push(&mut self, bytes: &[u8]) {
        if self.broken {
            return;
        }
        self.buffer.drain(..self.taken);
        self.searched -= self.taken.min(self.searched);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Octets that wait for the rest of their message.
    pub fn waiting(&self) -> usize {
        self.buffer.len() - self.taken
    }

    /// The next frame; None when more bytes are needed.
    pub fn next_frame(&mut self) -> Option<Frame> {
        if self.broken {
            return None;
        }
        if self.expected.is_none() {
            if self.skip_breaks() {
                return Some(Frame::Ping);
            }
            let head_end = match self.head_end() {
                Some(end) => end,
                None if self.waiting() > MAX_MESSAGE => {
                    return Some(self.broken(413, "headers too long"));
                }
                None => return None,
            };
            match self.message_length(head_end) {
                Ok(length) => self.expected = Some(length),
                Err((status, reason)) => return Some(self.broken(status, reason)),
            }
        }
        let length = self.expected.filter(|&length| length <= self.waiting())?;
        let message = self.buffer[self.taken..self.taken + length].to_vec();
        self.taken += length;
        self.searched = self.taken;
        self.expected = None;
        self.breaks = 0;
        Some(Frame::Message(message))
    }

    /// Take line breaks before a message; true when they make up a keep-alive. A single one is what a peer answers
    /// to our own keep-alive, or what a sloppy one sends behind a body (section 7.5).
    fn skip_breaks(&mut self) -> bool {
        while self.buffer[self.taken..].starts_with(b"\r\n") {
            self.taken += 2;
            self.searched = self.taken;
            self.breaks += 1;
            if self.breaks == 2 {
                self.breaks = 0;
                return true;
            }
        }
        false
    }

    /// Where the empty line after the headers ends.
    fn head_end(&mut self) -> Option<usize> {
        while let Some(found) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
            let at = self.searched + found;
            match self.buffer.get(at + 1..)? {
                [b'\n', ..] => return Some(at + 2),
                [b'\r', b'\n', ..] => return Some(at + 3),
                [] | [b'\r'] => {
                    // Undecided: look at this line break again when more has come.
                    self.searched = at;
                    return None;
                }
                _ => self.searched = at + 1,
            }
        }
        self.searched = self.buffer.len();
        None
    }

    fn message_length(&self, head_end: usize) -> Result<usize, (u16, &'static str)> {
        let head_length = head_end - self.taken;
        let (head, _) =
            index::head(&self.buffer[self.taken..head_end.min(self.taken + MAX_MESSAGE)])
                .map_err(|reason| (400, reason))?;
        let mut lines = head.lines(HeaderName::ContentLength);
        // RFC 3261 section 18.3: over a stream, Content-Length is how the end of a message is found.
        let value = lines.next().ok_or((400, "Content-Length is missing"))?;
        let body = number(value, u64::from(u32::MAX)).ok_or((400, "bad Content-Length"))?;
        if lines.next().is_some() {
            return Err((400, "more than one Content-Length"));
        }
        let length = usize::try_from(body)
            .unwrap_or(usize::MAX)
            .saturating_add(head_length);
        if length > MAX_MESSAGE {
            Err((513, "message too long"))
        } else {
            Ok(length)
        }
    }

    fn broken(&mut self, status: u16, reason: &'static str) -> Frame {
        self.broken = true;
        let start = self.taken;
        let end = self.buffer.len().min(start + MAX_MESSAGE);
        let mut malformed = match Message::parse(&self.buffer[start..end]) {
            Err(malformed) => malformed,
            Ok(message) => Malformed {
                status,
                reason: reason.into(),
                message: Some(Box::new(message)),
            },
        };
        malformed.status = status;
        malformed.reason = reason.into();
        self.buffer = Vec::new();
        self.taken = 0;
        self.searched = 0;
        Frame::Broken(malformed)
    }
}

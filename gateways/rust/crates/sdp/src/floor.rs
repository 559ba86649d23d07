//! The line of floor control (RFC 8856): where a party speaks BFCP.

use crate::audio::check_hosts;
use crate::description::Media;
use crate::{Error, SessionDescription};

/// The protocols of floor control without TLS.
pub const FLOOR_PROTOCOLS: [&str; 2] = ["UDP/BFCP", "TCP/BFCP"];
/// The attributes that say something of it; all others are passed over.
const ATTRIBUTES: [&str; 7] = [
    "floorctrl",
    "confid",
    "userid",
    "floorid",
    "setup",
    "connection",
    "bfcpver",
];
/// More attributes than any line has, and longer ones.
const MAX_ATTRIBUTES: usize = 16;
const MAX_LENGTH: usize = 200;

/// An m-line of floor control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloorLine {
    /// An address or a host name, never with brackets.
    pub host: String,
    pub port: u16,
    /// One of [`FLOOR_PROTOCOLS`].
    pub protocol: &'static str,
    /// `floorctrl:c-s`, `confid:4711`, ... in their order.
    pub attributes: Vec<String>,
}

impl FloorLine {
    /// Whether it can be printed without becoming something else.
    pub fn check(&self) -> Result<(), Error> {
        check_hosts(&self.host, None)?;
        if self.port == 0 {
            return Err(Error::whole("floor control without a port"));
        }
        let sound = |it: &String| it.len() <= MAX_LENGTH && is_known(it) && is_graphic(it);
        if self.attributes.len() > MAX_ATTRIBUTES || !self.attributes.iter().all(sound) {
            return Err(Error::whole("no attribute of floor control"));
        }
        Ok(())
    }
}

impl SessionDescription {
    /// The first line of floor control that is not refused and can be read, with its place among all m-lines.
    #[must_use]
    pub fn floor(&self) -> Option<(usize, FloorLine)> {
        let mut lines = self.media().iter().enumerate();
        lines.find_map(|(index, media)| Some((index, self.floor_line(media)?)))
    }

    fn floor_line(&self, media: &Media) -> Option<FloorLine> {
        if media.port == 0 || self.kind(media) != "application" {
            return None;
        }
        let protocol = self.protocol(media);
        let protocol = FLOOR_PROTOCOLS
            .into_iter()
            .find(|known| protocol.eq_ignore_ascii_case(known))?;
        let (host, _, _) = self.ground(media).ok()?;
        let attributes = self
            .values(media, b'a')
            .filter(|it| it.len() <= MAX_LENGTH && is_known(it) && is_graphic(it))
            .take(MAX_ATTRIBUTES)
            .map(str::to_owned)
            .collect();
        Some(FloorLine {
            host: host.to_owned(),
            port: media.port,
            protocol,
            attributes,
        })
    }
}

fn is_known(attribute: &str) -> bool {
    let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
    !value.is_empty() && ATTRIBUTES.contains(&name)
}

fn is_graphic(text: &str) -> bool {
    text.bytes().all(|it| it == b' ' || it.is_ascii_graphic())
}

//! What goes out under one key.

use crate::Refused;
use crate::cipher::Cipher;
use crate::key::MasterKey;
use crate::packet::{RTCP_CLEAR, Rtp, rtcp_ssrc};
use crate::window::Window;

/// As many sources of sound as one key serves. Each index of each source is used once, for that is what the cipher's
/// safety hangs on (RFC 3711 section 9.1), so none is ever forgotten while the key lives.
pub const MAX_SOURCES: usize = 64;

/// Protects packets of several sources under one master key.
pub struct Outbound {
    master: MasterKey,
    rtp: Cipher,
    rtcp: Cipher,
    sources: Vec<Source>,
    /// Where the last packet's source is.
    last: usize,
    rtcp_index: u32,
}

struct Source {
    ssrc: u32,
    sent: Window,
}

impl Outbound {
    pub fn new(master: &MasterKey) -> Outbound {
        Outbound {
            master: *master,
            rtp: Cipher::new(master, false),
            rtcp: Cipher::new(master, true),
            sources: Vec::with_capacity(2),
            last: 0,
            rtcp_index: 0,
        }
    }

    pub fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Protect an RTP packet in place; it grows by the tag, at most [`crate::MAX_OVERHEAD`] bytes. The same packet is
    /// protected once: what comes again, or late by more than 128 packets, is refused.
    pub fn protect_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), Refused> {
        let rtp = Rtp::read(packet)?;
        let source = self.source(rtp.ssrc)?;
        let index = source.sent.index_of(rtp.sequence);
        if !source.sent.is_fresh(index) {
            return Err(Refused::Replayed);
        }
        // RFC 3711 section 9.2: at most 2^48 packets under one key.
        if index >> 48 != 0 {
            return Err(Refused::Exhausted);
        }
        source.sent.note(index);
        self.rtp.seal_rtp(packet, rtp.payload_at, rtp.ssrc, index);
        Ok(())
    }

    /// Protect an RTCP packet in place; it grows by tag and index, at most [`crate::MAX_OVERHEAD`] bytes.
    pub fn protect_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), Refused> {
        let ssrc = rtcp_ssrc(packet)?;
        // Section 9.2: and at most 2^31 of RTCP.
        if self.rtcp_index >> 31 != 0 {
            return Err(Refused::Exhausted);
        }
        let word = 1 << 31 | self.rtcp_index;
        self.rtcp_index += 1;
        let tag = self.rtcp.seal_rtcp(packet, RTCP_CLEAR, ssrc, word);
        let tag = &tag[..self.rtcp.tag_bytes()];
        let index = word.to_be_bytes();
        let (first, second) = if self.rtcp.is_aead() {
            (tag, &index[..])
        } else {
            (&index[..], tag)
        };
        packet.extend_from_slice(first);
        packet.extend_from_slice(second);
        Ok(())
    }

    fn source(&mut self, ssrc: u32) -> Result<&mut Source, Refused> {
        if self.sources.get(self.last).is_none_or(|it| it.ssrc != ssrc) {
            self.last = match self.sources.iter().position(|it| it.ssrc == ssrc) {
                Some(place) => place,
                None if self.sources.len() < MAX_SOURCES => {
                    self.sources.push(Source {
                        ssrc,
                        sent: Window::default(),
                    });
                    self.sources.len() - 1
                }
                None => return Err(Refused::Exhausted),
            };
        }
        Ok(&mut self.sources[self.last])
    }
}

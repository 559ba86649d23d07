//! What comes in under one key.

use crate::Refused;
use crate::cipher::Cipher;
use crate::key::MasterKey;
use crate::outbound::MAX_SOURCES;
use crate::packet::{RTCP_CLEAR, Rtp, rtcp_ssrc};
use crate::window::Window;

/// RTCP's index and its E bit.
const WORD: usize = 4;

/// Opens packets of several sources under one master key.
pub struct Inbound {
    master: MasterKey,
    /// RFC 3711 section 3.1: names the key in each packet, where the other party said that it does.
    mki: Vec<u8>,
    rtp: Cipher,
    rtcp: Cipher,
    sources: Vec<Source>,
    /// Where the last packet's source is.
    last: usize,
}

#[derive(Clone, Copy)]
struct Source {
    ssrc: u32,
    rtp: Window,
    rtcp: Window,
}

impl Inbound {
    /// `mki` is the key's name in each packet; empty: there is none.
    pub fn new(master: &MasterKey, mki: &[u8]) -> Inbound {
        Inbound {
            master: *master,
            mki: mki.to_vec(),
            rtp: Cipher::new(master, false),
            rtcp: Cipher::new(master, true),
            sources: Vec::with_capacity(2),
            last: 0,
        }
    }

    pub fn master(&self) -> &MasterKey {
        &self.master
    }

    pub fn mki(&self) -> &[u8] {
        &self.mki
    }

    /// Open a protected RTP packet in place: as many of its bytes as are given back are the plain packet. Of a packet
    /// that is refused the bytes mean nothing any more.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let rtp = Rtp::read(packet)?;
        let tag_bytes = self.rtp.tag_bytes();
        let end = packet.len().checked_sub(tag_bytes + self.mki.len());
        let end = end
            .filter(|end| *end >= rtp.payload_at)
            .ok_or(Refused::Malformed)?;
        let (sealed, trailer) = packet.split_at_mut(end);
        // RFC 3711 section 3.1: the MKI goes before the tag; RFC 7714 section 8.2: behind it.
        let tag_at = if self.rtp.is_aead() {
            0
        } else {
            self.mki.len()
        };
        let tag = &trailer[tag_at..tag_at + tag_bytes];
        if self.mki != trailer[if tag_at == 0 { tag_bytes } else { 0 }..][..self.mki.len()] {
            return Err(Refused::Forged);
        }

        let (place, mut source) = self.source(rtp.ssrc)?;
        let mut index = source.rtp.index_of(rtp.sequence);
        if !source.rtp.is_fresh(index) {
            return Err(Refused::Replayed);
        }
        let mut opened = self
            .rtp
            .open_rtp(sealed, tag, rtp.payload_at, rtp.ssrc, index);
        if opened.is_err() && source.rtp.is_new() && rtp.sequence < 0x8000 && !self.rtp.is_aead() {
            // Its first packets may have come before its key did, and its sequence number may have wrapped meanwhile.
            index |= 0x1_0000;
            opened = self
                .rtp
                .open_rtp(sealed, tag, rtp.payload_at, rtp.ssrc, index);
        }
        opened?;
        source.rtp.note(index);
        self.keep(place, source);
        Ok(end)
    }

    /// Open a protected RTCP packet in place, as [`Inbound::open_rtp`].
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let ssrc = rtcp_ssrc(packet)?;
        let tag_bytes = self.rtcp.tag_bytes();
        let end = packet.len().checked_sub(tag_bytes + self.mki.len() + WORD);
        let end = end
            .filter(|end| *end >= RTCP_CLEAR)
            .ok_or(Refused::Malformed)?;
        let (sealed, trailer) = packet.split_at_mut(end);
        let mki = self.mki.len();
        let (word, named, tag) = if self.rtcp.is_aead() {
            (
                &trailer[tag_bytes..tag_bytes + WORD],
                &trailer[tag_bytes + WORD..],
                &trailer[..tag_bytes],
            )
        } else {
            (
                &trailer[..WORD],
                &trailer[WORD..WORD + mki],
                &trailer[WORD + mki..],
            )
        };
        if self.mki != named {
            return Err(Refused::Forged);
        }
        let word = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        let index = u64::from(word & 0x7fff_ffff);

        let (place, mut source) = self.source(ssrc)?;
        if !source.rtcp.is_fresh(index) {
            return Err(Refused::Replayed);
        }
        self.rtcp.open_rtcp(sealed, tag, RTCP_CLEAR, ssrc, word)?;
        source.rtcp.note(index);
        self.keep(place, source);
        Ok(end)
    }

    /// A source and its place; a new one has none until a packet of its proved authentic.
    fn source(&mut self, ssrc: u32) -> Result<(Option<usize>, Source), Refused> {
        if self.sources.get(self.last).is_none_or(|it| it.ssrc != ssrc) {
            let Some(place) = self.sources.iter().position(|it| it.ssrc == ssrc) else {
                // Forgetting one would let its packets be played again.
                let full = self.sources.len() >= MAX_SOURCES;
                let new = Source {
                    ssrc,
                    rtp: Window::default(),
                    rtcp: Window::default(),
                };
                return if full {
                    Err(Refused::Exhausted)
                } else {
                    Ok((None, new))
                };
            };
            self.last = place;
        }
        Ok((Some(self.last), self.sources[self.last]))
    }

    fn keep(&mut self, place: Option<usize>, source: Source) {
        match place {
            Some(place) => self.sources[place] = source,
            None => {
                self.last = self.sources.len();
                self.sources.push(source);
            }
        }
    }
}

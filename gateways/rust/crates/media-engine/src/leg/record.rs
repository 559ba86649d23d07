//! What a leg's sound gives to recordings: the packets themselves.

use codec::Format;
use recording::Side;
use rtp::{Header, Packet};

use super::Leg;
use crate::formats::Kind;
use crate::studio::Speech;

impl Leg {
    /// The party said something, and is recorded.
    #[inline(never)]
    pub(super) fn record_said(&self, format: Format, header: Header, payload: &[u8], now: f64) {
        let speech = Speech {
            format,
            header,
            payload,
        };
        let tracks = &self.around.tracks;
        tracks.packet(self.slot, self.epoch, Side::Left, speech, now);
    }

    /// A packet of our own went to the party, who is recorded.
    #[inline(never)]
    pub fn record_heard(&self, data: &[u8], now: f64) {
        let manner = self.speaker.as_ref().map(|speaker| speaker.manner());
        let format = |payload_type| {
            let manner = manner.filter(|manner| manner.payload_type == payload_type)?;
            Some(manner.format)
        };
        self.record(data, format, self.slot, self.epoch, now);
    }

    /// A packet of the party's went on to another leg, whose party is recorded.
    #[inline(never)]
    pub fn record_passed(&self, data: &[u8], to: u32, epoch: u64, now: f64) {
        let format = |payload_type| {
            let connection = &self.party.as_ref()?.connection;
            match connection.formats.meaning(payload_type) {
                Some(Kind::Speech(format)) => Some(*format),
                _ => None,
            }
        };
        self.record(data, format, to, epoch, now);
    }

    /// `format`: what a payload type means; None: no speech.
    fn record(
        &self,
        data: &[u8],
        format: impl FnOnce(u8) -> Option<Format>,
        slot: u32,
        epoch: u64,
        now: f64,
    ) {
        let Some(packet) = Packet::parse(data) else {
            return;
        };
        if let Some(format) = format(packet.header.payload_type) {
            let speech = Speech {
                format,
                header: packet.header,
                payload: packet.payload,
            };
            let tracks = &self.around.tracks;
            tracks.packet(slot, epoch, Side::Right, speech, now);
        }
    }
}

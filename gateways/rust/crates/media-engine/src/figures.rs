//! Counters that one thread writes and any may read.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use srtp::Refused;

use crate::address::AddressCell;
use crate::measures::{Measures, MeasuresCell, score};
use crate::video::{VideoCounters, VideoFigures};

/// Packets of a plain leg that are looked at whether they are protected.
const LOOKED_AT: u64 = 100;

/// One leg's counters so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LegFigures {
    /// RTP packets from the party.
    pub received: u64,
    pub sent: u64,
    /// RFC 3550 section A.3, of what the party sent.
    pub lost: u64,
    /// RFC 3550 section A.8.
    pub jitter_ms: f64,
    /// From the leg's opening to its first packet.
    pub first_packet_ms: Option<u64>,
    /// Where the last packet came from.
    pub last_address: Option<SocketAddr>,
    /// Refused packets: before Connect, from a stranger, no RTP, or of a payload type that was never agreed.
    pub discarded: u64,
    /// Packets of telephone-events among those received.
    pub telephone_events: u64,
    /// The payload types that were received, a bit each.
    pub payload_types: u128,
    /// Packets under keys that were refused: their tags were wrong.
    pub forged: u64,
    /// They were there before.
    pub replayed: u64,
    /// Packets that look plain where keys were agreed, or protected where none were.
    pub mismatched: u64,
    pub measures: Measures,
    /// Rating of what came (ITU-T G.107), and the score that follows; None: nothing came.
    pub r: Option<f64>,
    pub mos: Option<f64>,
    /// Of a leg of pictures.
    pub video: VideoFigures,
}

/// The live form of [`LegFigures`], one for each slot, used by one epoch after another. What each packet counts comes
/// first, in one cache line.
#[derive(Default)]
#[repr(C, align(64))]
pub struct Counters {
    received: AtomicU64,
    sent: AtomicU64,
    /// The lower and the upper half of the payload types.
    payload_types: [AtomicU64; 2],
    lost: AtomicI64,
    /// In microseconds.
    jitter: AtomicU64,
    discarded: AtomicU64,
    telephone_events: AtomicU64,
    epoch: AtomicU64,
    forged: AtomicU64,
    replayed: AtomicU64,
    mismatched: AtomicU64,
    /// Plus one; 0 for none.
    first_packet_ms: AtomicU64,
    last_address: AddressCell,
    measures: MeasuresCell,
    pub video: VideoCounters,
}

impl Counters {
    /// Begin anew for another user of the slot.
    pub fn open(&self, epoch: u64) {
        for counter in [
            &self.received,
            &self.sent,
            &self.discarded,
            &self.jitter,
            &self.first_packet_ms,
            &self.telephone_events,
            &self.payload_types[0],
            &self.payload_types[1],
            &self.forged,
            &self.replayed,
            &self.mismatched,
        ] {
            counter.store(0, Relaxed);
        }
        self.lost.store(0, Relaxed);
        self.last_address.set(None);
        self.measures.set(Measures::default());
        self.video.open();
        self.epoch.store(epoch, Relaxed);
    }

    /// The owner of the slot alone counts these: no locked instruction is needed.
    #[inline]
    pub fn count_received(&self) {
        self.received
            .store(self.received.load(Relaxed) + 1, Relaxed);
    }

    #[inline]
    pub fn count_telephone_event(&self) {
        self.telephone_events
            .store(self.telephone_events.load(Relaxed) + 1, Relaxed);
    }

    /// Note a payload type below 128.
    #[inline]
    pub fn note_payload_type(&self, payload_type: u8) {
        let half = &self.payload_types[usize::from(payload_type >> 6 & 1)];
        let bit = 1 << (payload_type & 63);
        let seen = half.load(Relaxed);
        if seen & bit == 0 {
            half.store(seen | bit, Relaxed);
        }
    }

    #[inline]
    pub fn count_discarded(&self) {
        self.discarded
            .store(self.discarded.load(Relaxed) + 1, Relaxed);
    }

    /// A packet was refused before anything of it was believed.
    #[cold]
    pub fn count_refused(&self, refused: Refused) {
        self.count_discarded();
        let counter = match refused {
            Refused::Replayed => &self.replayed,
            Refused::Forged | Refused::Malformed | Refused::Exhausted => &self.forged,
        };
        counter.store(counter.load(Relaxed) + 1, Relaxed);
    }

    #[cold]
    pub fn count_mismatched(&self) {
        self.mismatched
            .store(self.mismatched.load(Relaxed) + 1, Relaxed);
    }

    /// Whether so few packets have come that it is worth a look what they are.
    #[inline]
    pub fn is_new(&self) -> bool {
        self.received.load(Relaxed) < LOOKED_AT
    }

    /// Any thread may send on a leg.
    #[inline]
    pub fn count_sent(&self) {
        self.sent.fetch_add(1, Relaxed);
    }

    #[inline]
    pub fn measure(&self, lost: i64, jitter_seconds: f64) {
        self.lost.store(lost, Relaxed);
        self.jitter.store((jitter_seconds * 1e6) as u64, Relaxed);
    }

    pub fn first_packet(&self, after_ms: u64) {
        self.first_packet_ms.store(after_ms + 1, Relaxed);
    }

    pub fn set_last_address(&self, address: SocketAddr) {
        self.last_address.set(Some(address));
    }

    pub fn set_measures(&self, measures: Measures) {
        self.measures.set(measures);
    }

    /// Nothing yet when the slot's thread has not begun this epoch.
    pub fn read(&self, epoch: u64) -> LegFigures {
        if self.epoch.load(Relaxed) != epoch {
            return LegFigures::default();
        }
        let received = self.received.load(Relaxed);
        let jitter_ms = self.jitter.load(Relaxed) as f64 / 1000.0;
        let measures = self.measures.get();
        let r = (received > 0).then(|| measures.rating(jitter_ms));
        LegFigures {
            received,
            sent: self.sent.load(Relaxed),
            lost: self.lost.load(Relaxed).max(0) as u64,
            jitter_ms,
            first_packet_ms: self.first_packet_ms.load(Relaxed).checked_sub(1),
            last_address: self.last_address.get(),
            discarded: self.discarded.load(Relaxed),
            telephone_events: self.telephone_events.load(Relaxed),
            payload_types: u128::from(self.payload_types[0].load(Relaxed))
                | u128::from(self.payload_types[1].load(Relaxed)) << 64,
            forged: self.forged.load(Relaxed),
            replayed: self.replayed.load(Relaxed),
            mismatched: self.mismatched.load(Relaxed),
            measures,
            r,
            mos: r.map(score),
            video: self.video.read(),
        }
    }
}

//! A stream of pictures and who is shown it.

use rtp::Header;
use video::missing::Missing;
use video::ring::Ring;
use video::{Look, h264, rtx};

use super::asking::Asking;
use super::feed::Feed;
use super::terms::Wire;
use super::view::{Name, Offered, Step};
use crate::command::Event;
use crate::io::Outbox;
use crate::worker::Shared;

/// Packets that are kept to be sent again: more than a second of 1.5 Mb/s.
const KEPT: u16 = 256;
/// A number so far from the newest is of a sender that began anew.
const JUMP: u16 = 2000;
/// What one source may send to those who are shown it, in bytes a second and at once: four times what the largest
/// pictures need. Each packet goes out as often as there are viewers, by the thread that carries sound, too.
const RATE: f64 = 2e6;
const BURST: f64 = 2e6;
/// What a packet costs beside its bytes: that tiny ones are no way around it.
const EACH: f64 = 200.0;
/// The longest parameter set that is kept: it must fit into a packet of its own.
const LONGEST_SET: usize = 1100;

pub struct Source {
    pub name: Name,
    viewers: Vec<(u32, u64)>,
    ring: Ring,
    pub missing: Missing,
    pub asking: Asking,
    pub feed: Option<Feed>,
    ssrc: Option<u32>,
    newest: u16,
    /// The newest parameter sets of H.264: sequence, picture.
    sets: [Vec<u8>; 2],
    /// Bytes that may go out now, and when that was counted.
    allowed: f64,
    counted_at: f64,
    packet: Vec<u8>,
    head: Vec<u8>,
}

/// One packet of it.
#[derive(Clone, Copy)]
pub struct Packet<'a> {
    pub wire: Wire,
    pub header: Header,
    pub payload: &'a [u8],
    pub look: Look,
}

impl Source {
    pub fn new(name: Name) -> Self {
        Self {
            name,
            viewers: Vec::new(),
            ring: Ring::new(KEPT),
            missing: Missing::default(),
            asking: Asking::default(),
            feed: None,
            ssrc: None,
            newest: 0,
            sets: [Vec::new(), Vec::new()],
            allowed: BURST,
            counted_at: 0.0,
            packet: Vec::new(),
            head: Vec::new(),
        }
    }

    /// Parameter sets that were said by signalling.
    pub fn know(&mut self, units: &[Vec<u8>]) {
        for unit in units {
            self.remember(unit);
            if let Some(feed) = &mut self.feed {
                feed.know(unit);
            }
        }
    }

    fn remember(&mut self, unit: &[u8]) {
        let set = match h264::kind(unit) {
            Some(h264::SPS) => &mut self.sets[0],
            Some(h264::PPS) => &mut self.sets[1],
            _ => return,
        };
        if unit.len() <= LONGEST_SET {
            set.clear();
            set.extend_from_slice(unit);
        }
    }

    /// Somebody is to be shown this from its next key frame on.
    pub fn serve(&mut self, viewer: u32, epoch: u64) {
        self.viewers.retain(|(slot, _)| *slot != viewer);
        self.viewers.push((viewer, epoch));
        self.asking.want(true);
    }

    /// Whether anybody wants its packets.
    pub fn is_wanted(&self) -> bool {
        !self.viewers.is_empty() || self.feed.is_some()
    }

    /// Feed the composer, or no more.
    pub fn feed(&mut self, feed: Option<Feed>) {
        self.feed = feed;
        if let Some(feed) = &mut self.feed {
            self.sets.iter().for_each(|set| feed.know(set));
            self.asking.want(true);
        }
    }

    /// A packet has come, in any order: to all who are shown this. Gives how many were sent.
    pub fn take(
        &mut self,
        packet: &Packet<'_>,
        now: f64,
        shared: &Shared,
        outbox: &mut impl Outbox,
    ) -> u64 {
        let Packet {
            wire,
            header,
            payload,
            look,
        } = *packet;
        if look.sps || look.pps {
            for unit in h264::whole(payload) {
                self.remember(unit);
            }
        }
        if !self.is_wanted() {
            self.ssrc = None;
            return 0;
        }
        if !self.may_send(payload.len(), now) {
            shared.counters[self.name.0 as usize].count_discarded();
            return 0;
        }
        self.follow(&header, shared);
        if !self.ring.put(
            (header.sequence, header.timestamp),
            (header.payload_type, header.marker),
            payload,
        ) {
            return 0;
        }
        if look.key {
            self.asking.came();
        }
        if let Some(feed) = &mut self.feed {
            feed.put(wire.codec(), &header, payload, now, &shared.composer);
        }
        self.spread(packet, now, shared, outbox)
    }

    fn may_send(&mut self, bytes: usize, now: f64) -> bool {
        self.allowed = (self.allowed + (now - self.counted_at) * RATE).min(BURST);
        self.counted_at = now;
        let cost = bytes as f64 + EACH;
        if self.allowed < cost {
            return false;
        }
        self.allowed -= cost;
        true
    }

    /// A sender that began anew has other numbers: whoever sees it begins anew, too.
    fn follow(&mut self, header: &Header, shared: &Shared) {
        let far = header.sequence.wrapping_sub(self.newest);
        let jumped = (JUMP..0u16.wrapping_sub(JUMP)).contains(&far);
        if self.ssrc != Some(header.ssrc) || jumped {
            if self.ssrc.is_some() {
                for &(viewer, _) in &self.viewers {
                    shared.views.lock(viewer).interrupt(self.name);
                }
                self.asking.want(true);
            }
            self.ssrc = Some(header.ssrc);
            self.ring.clear();
            self.missing.reset();
            self.newest = header.sequence;
        } else if far < JUMP {
            self.newest = header.sequence;
        }
    }

    fn spread(
        &mut self,
        packet: &Packet<'_>,
        now: f64,
        shared: &Shared,
        outbox: &mut impl Outbox,
    ) -> u64 {
        let Packet {
            wire,
            header,
            payload,
            look,
        } = *packet;
        let offered = Offered {
            from: self.name,
            wire,
            sequence: header.sequence,
            timestamp: header.timestamp,
            marker: header.marker,
            look,
            before: self.before(wire, look),
        };
        self.packet.clear();
        self.packet.resize(Header::LENGTH, 0);
        self.packet.extend_from_slice(payload);
        let (mut at, mut sent) = (0, 0);
        while let Some(&(viewer, epoch)) = self.viewers.get(at) {
            let outlet = &shared.outlets[viewer as usize];
            let destination = outlet.rtp(epoch);
            let mut view = shared.views.lock(viewer);
            let step = match destination {
                Some(_) => view.offer(epoch, &offered, now),
                None => {
                    let gone = !view.is_of(epoch)
                        || view.shown() != Some(self.name) && !view.awaits(self.name);
                    view.interrupt(self.name);
                    (if gone { Step::Leave } else { Step::Skip }, header)
                }
            };
            if let (Step::Send | Step::Begin, header) = step {
                view.sent(payload.len());
                let news = step.0 == Step::Begin && view.is_news();
                drop(view);
                let mut out = To {
                    viewer,
                    epoch,
                    shared,
                    outbox,
                    head: &mut self.head,
                };
                if step.0 == Step::Begin {
                    sent += sets(&self.sets, offered.before, header, &mut out);
                }
                if news {
                    let shown = Event::Shown {
                        viewer,
                        epoch,
                        source: self.name.0,
                    };
                    shared.events.push(shown, 1.0);
                }
                sent += out.send(header, &mut self.packet);
            }
            if step.0 == Step::Leave {
                self.viewers.swap_remove(at);
            } else {
                at += 1;
            }
        }
        sent
    }

    /// How many packets of parameter sets go before this one to who begins with it; None: nobody can.
    fn before(&self, wire: Wire, look: Look) -> Option<u16> {
        match wire {
            Wire::Vp8 => Some(0),
            Wire::H264 { .. } if look.sps && look.pps => Some(0),
            Wire::H264 { .. } if self.sets.iter().any(Vec::is_empty) => None,
            Wire::H264 { .. } => Some(2),
        }
    }

    /// Send again what a viewer missed: the packets from `first` on that the bits of `others` name. Gives how many.
    pub fn resend(
        &mut self,
        (viewer, epoch): (u32, u64),
        (first, others): (u16, u16),
        shared: &Shared,
        outbox: &mut impl Outbox,
    ) -> u64 {
        let outlet = &shared.outlets[viewer as usize];
        if outlet.rtp(epoch).is_none() {
            return 0;
        }
        let mut sent = 0;
        for behind in 0..=16u16 {
            if behind > 0 && others & 1 << (behind - 1) == 0 {
                continue;
            }
            let sequence = first.wrapping_add(behind);
            let mut view = shared.views.lock(viewer);
            let Some(kept) = view
                .missed(epoch, self.name, sequence)
                .and_then(|theirs| self.ring.get(theirs))
            else {
                continue;
            };
            let (header, apart) = view.again(sequence, kept.timestamp, kept.marker);
            drop(view);
            self.packet.clear();
            self.packet.resize(Header::LENGTH, 0);
            if apart {
                rtx::wrap(sequence, &kept.payload, &mut self.packet);
            } else if outlet.is_secured() {
                // No index may be used twice (RFC 3711 section 9.1): under keys it goes in a stream of its own or not.
                continue;
            } else {
                self.packet.extend_from_slice(&kept.payload);
            }
            let mut out = To {
                viewer,
                epoch,
                shared,
                outbox,
                head: &mut self.head,
            };
            sent += out.send(header, &mut self.packet);
            shared.counters[viewer as usize].video.count_resent();
        }
        sent
    }

    /// What of its viewers follows: whether one awaits a key frame and can be sent to, and the most that all take.
    pub fn look_round(&mut self, shared: &Shared) -> (bool, Option<u64>) {
        let (mut awaited, mut most) = (false, None);
        let name = self.name;
        self.viewers.retain(|&(viewer, epoch)| {
            let view = shared.views.lock(viewer);
            if !view.is_of(epoch) || view.shown() != Some(name) && !view.awaits(name) {
                return false;
            }
            if shared.outlets[viewer as usize].rtp(epoch).is_some() {
                awaited |= view.awaits(name);
                most = [most, view.most()].into_iter().flatten().min();
            }
            true
        });
        (awaited, most)
    }
}

/// A packet's way to one viewer.
struct To<'a, O: Outbox> {
    viewer: u32,
    epoch: u64,
    shared: &'a Shared,
    outbox: &'a mut O,
    head: &'a mut Vec<u8>,
}

impl<O: Outbox> To<'_, O> {
    /// Send a packet whose first bytes are to be this header.
    fn send(&mut self, header: Header, packet: &mut [u8]) -> u64 {
        self.head.clear();
        header.print(self.head);
        packet[..Header::LENGTH].copy_from_slice(self.head);
        let outlet = &self.shared.outlets[self.viewer as usize];
        let Some(destination) = outlet.rtp(self.epoch) else {
            return 0;
        };
        let (outbox, socket) = (&mut *self.outbox, 2 * self.viewer);
        if !outlet.emit(self.epoch, packet, |data| {
            outbox.send(socket, destination, data)
        }) {
            return 0;
        }
        self.shared.counters[self.viewer as usize].count_sent();
        1
    }
}

/// The parameter sets before a key frame that has none, where there are any to go before it.
fn sets(
    sets: &[Vec<u8>; 2],
    before: Option<u16>,
    first: Header,
    out: &mut To<'_, impl Outbox>,
) -> u64 {
    let Some(before @ 1..) = before else { return 0 };
    let mut sent = 0;
    for (set, number) in sets.iter().zip(0u16..) {
        let header = Header {
            marker: false,
            sequence: first.sequence.wrapping_sub(before).wrapping_add(number),
            ..first
        };
        let mut packet = vec![0; Header::LENGTH];
        packet.extend_from_slice(set);
        sent += out.send(header, &mut packet);
    }
    sent
}

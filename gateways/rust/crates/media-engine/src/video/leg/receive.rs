//! What the party sends: whether it is the party's, what it means, to whom it goes.

use rtp::mux::{Kind, classify};
use rtp::{Header, Packet as RtpPacket};
use video::{CLOCK_RATE, rtx};

use super::{SHARE, Site, VideoLeg};
use crate::command::Event;
use crate::io::Outbox;
use crate::leg::Datagram;
use crate::video::source::Packet;
use crate::video::terms::{VideoKind, Wire};

impl VideoLeg {
    /// A datagram; false: it is not the party's, or nothing that was agreed.
    pub fn receive<O: Outbox>(&mut self, datagram: Datagram<'_>, site: &mut Site<'_, O>) -> bool {
        #[cfg(test)]
        assert!(!self.panics, "as ordered");
        let counters = &site.shared.counters[self.slot as usize];
        let Some(guard) = &mut self.guard else {
            return self.receive_plain(datagram, site);
        };
        let mut plain = std::mem::take(&mut self.plain);
        let taken = match guard.open(datagram.data, &mut plain, site.now) {
            Ok(()) => {
                let data = &plain;
                self.receive_plain(Datagram { data, ..datagram }, site)
            }
            Err(refused) => {
                counters.count_refused(refused);
                false
            }
        };
        self.plain = plain;
        taken
    }

    fn receive_plain<O: Outbox>(&mut self, datagram: Datagram<'_>, site: &mut Site<'_, O>) -> bool {
        let taken = match (classify(datagram.data), datagram.on_rtcp_socket) {
            (Kind::Rtp, false) => self.receive_rtp(datagram, site).is_some(),
            (Kind::Rtcp, _) => self.receive_rtcp(datagram, site),
            _ => false,
        };
        if !taken {
            site.shared.counters[self.slot as usize].count_discarded();
        }
        taken
    }

    pub(super) fn receive_rtp<O: Outbox>(
        &mut self,
        datagram: Datagram<'_>,
        site: &mut Site<'_, O>,
    ) -> Option<()> {
        let (shared, now) = (site.shared, site.now);
        let counters = &shared.counters[self.slot as usize];
        let party = self.party.as_mut()?;
        let packet = RtpPacket::parse(datagram.data)?;
        let destination = party.latch.destination();
        if !party.latch.accept(datagram.source, now) {
            return None;
        }
        if party.latch.destination() != destination {
            party.publish(&shared.outlets[self.slot as usize]);
        }
        let header = packet.header;
        let connection = &party.connection;
        let kind = connection.terms.meaning(header.payload_type)?;
        counters.count_received();
        counters.note_payload_type(header.payload_type);
        if self.last_address != Some(datagram.source) {
            if self.last_address.is_none() {
                counters.first_packet(((now - self.opened_at) * 1000.0) as u64);
            }
            self.last_address = Some(datagram.source);
            counters.set_last_address(datagram.source);
        }
        self.heard_at = now;
        if !self.alive {
            self.alive = true;
            let started = Event::VideoStarted {
                leg: self.slot,
                epoch: self.epoch,
            };
            shared.events.push(started, SHARE);
        }
        let receives = connection.receive;
        let wire = match *kind {
            VideoKind::Picture(wire) => Some((wire, header, packet.payload)),
            // RFC 4588 section 8.6: what is sent again is of the stream that it names, and no part of its own.
            VideoKind::Resent { of } => match connection.terms.meaning(of) {
                Some(VideoKind::Picture(wire)) => {
                    rtx::unwrap(packet.payload).map(|(sequence, payload)| {
                        let header = Header {
                            payload_type: of,
                            sequence,
                            ssrc: self.reception.ssrc().unwrap_or(header.ssrc),
                            ..header
                        };
                        (*wire, header, payload)
                    })
                }
                _ => None,
            },
            VideoKind::Foreign(_) => None,
        };
        if !matches!(kind, VideoKind::Resent { .. }) {
            let arrival = (now * f64::from(CLOCK_RATE)) as u64 as u32;
            self.reception.receive(&header, Some(arrival));
            let jitter = f64::from(self.reception.jitter()) / f64::from(CLOCK_RATE);
            counters.measure(self.reception.lost(), jitter);
        }
        if !receives {
            return Some(());
        }
        if let Some((wire, header, payload)) = wire {
            self.see(wire, header, payload, site);
        }
        self.pass(datagram.data, header.payload_type, site);
        Some(())
    }

    /// A packet of a picture, sent for the first time or again.
    pub(super) fn see<O: Outbox>(
        &mut self,
        wire: Wire,
        header: Header,
        payload: &[u8],
        site: &mut Site<'_, O>,
    ) {
        let video = &site.shared.counters[self.slot as usize].video;
        let look = wire.codec().look(payload);
        self.wire = Some(wire);
        if (look.sps || look.key) && self.counted.key_timestamp != Some(header.timestamp) {
            if let Some(size) = wire.codec().size(payload) {
                video.set_size(size);
            }
        }
        if look.key && self.counted.key_timestamp != Some(header.timestamp) {
            self.counted.key_timestamp = Some(header.timestamp);
            video.count_key_frame();
            self.source.asking.came();
        }
        if self
            .counted
            .next
            .is_some_and(|next| next != header.sequence)
        {
            self.counted.broken = true;
        }
        self.counted.next = Some(header.sequence.wrapping_add(1));
        if header.marker && !std::mem::take(&mut self.counted.broken) {
            video.count_frame();
        }
        if self.source.is_wanted() {
            self.source.missing.came(header.sequence, site.now);
        }
        let packet = Packet {
            wire,
            header,
            payload,
            look,
        };
        site.sent += self
            .source
            .take(&packet, site.now, site.shared, site.outbox);
    }

    /// A packet as it is, to whom the leg is bridged with.
    pub(super) fn pass<O: Outbox>(
        &mut self,
        data: &[u8],
        payload_type: u8,
        site: &mut Site<'_, O>,
    ) {
        let Some(bridge) = self.bridge else { return };
        let Some(there) = bridge.passage.to(payload_type) else {
            return;
        };
        let outlet = &site.shared.outlets[bridge.peer as usize];
        let Some(destination) = outlet.rtp(bridge.epoch) else {
            return;
        };
        let data = if there == payload_type {
            data
        } else {
            self.renumbered.clear();
            self.renumbered.extend_from_slice(data);
            rtp::set_payload_type(&mut self.renumbered, there);
            &self.renumbered
        };
        let (outbox, socket) = (&mut *site.outbox, 2 * bridge.peer);
        if outlet.emit(bridge.epoch, data, |data| {
            outbox.send(socket, destination, data)
        }) {
            site.shared.counters[bridge.peer as usize].count_sent();
            site.sent += 1;
        }
    }
}

//! Legs of pictures: what comes to them, what is due, what the owner orders.

use super::{FAULT, Legs};
use crate::command::Event;
use crate::io::Outbox;
use crate::leg::Datagram;
use crate::video::{Site, VideoLeg, VideoOrder};

/// Packets that pictures make before it is looked whether something else is due.
const CROWD: u64 = 512;

impl Legs {
    fn look_at_the_clock(&mut self) {
        // In stories time is virtual.
        #[cfg(not(test))]
        crate::io::Hearer::woken(self);
    }

    /// Let a leg of pictures do something. Whether there is one.
    fn with_pictures<O: Outbox>(
        &mut self,
        slot: u32,
        outbox: &mut O,
        work: impl FnOnce(&mut VideoLeg, &mut Site<'_, O>),
    ) -> bool {
        let Some(leg) = &mut self.pictures[slot as usize] else {
            return false;
        };
        let mut site = Site {
            shared: &self.shared,
            outbox,
            now: self.now,
            sent: 0,
        };
        work(leg, &mut site);
        self.sent += site.sent;
        true
    }

    #[inline(never)]
    pub(super) fn take_picture(
        &mut self,
        slot: u32,
        datagram: Datagram<'_>,
        outbox: &mut impl Outbox,
    ) {
        let (mut taken, before) = (false, self.sent);
        self.with_pictures(slot, outbox, |leg, site| {
            taken = leg.receive(datagram, site);
        });
        if !taken {
            self.discarded += 1;
        }
        self.crowd += self.sent - before;
        if self.crowd > CROWD {
            // Pictures for many come in bursts; what is due meanwhile is not to wait for the last of their packets.
            self.crowd = 0;
            self.look_at_the_clock();
            self.tick_due(outbox);
        }
    }

    #[inline(never)]
    pub(super) fn tick_pictures(&mut self, slot: u32, outbox: &mut impl Outbox) {
        self.with_pictures(slot, outbox, VideoLeg::tick);
    }

    pub(super) fn obey_video(&mut self, slot: u32, order: VideoOrder, outbox: &mut impl Outbox) {
        let opened = match order {
            VideoOrder::Open { epoch } => VideoLeg::new(slot, epoch, self.now),
            VideoOrder::OpenSource {
                epoch,
                number,
                wire,
            } => {
                self.shared.composer.add_source(number, slot);
                VideoLeg::composed(slot, epoch, number, wire, self.now)
            }
            VideoOrder::Close => return self.close_pictures(slot),
            order => {
                self.with_pictures(slot, outbox, |leg, site| leg.obey(order, site));
                return;
            }
        };
        self.shared.counters[slot as usize].open(opened.epoch);
        self.shared.outlets[slot as usize].open(opened.epoch);
        self.pictures[slot as usize] = Some(Box::new(opened));
        self.wheel.add(slot, self.now);
    }

    fn close_pictures(&mut self, slot: u32) {
        if let Some(mut leg) = self.pictures[slot as usize].take() {
            leg.leave(&self.shared);
            self.shared.outlets[slot as usize].close();
            self.wheel.remove(slot);
        }
    }

    /// What a panic left of a leg is not to be trusted: it is as if nothing had been agreed with its party.
    pub(super) fn end_faulty_pictures(&mut self, slot: u32) {
        let Some(leg) = &mut self.pictures[slot as usize] else {
            return;
        };
        let epoch = leg.epoch;
        leg.leave(&self.shared);
        **leg = VideoLeg::new(slot, epoch, self.now);
        self.wheel.add(slot, self.now);
        self.tell(Event::Failed {
            leg: slot,
            epoch,
            reason: FAULT,
        });
    }
}

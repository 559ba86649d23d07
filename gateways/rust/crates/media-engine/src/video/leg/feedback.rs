//! What is said by RTCP: what the party wishes of others, what is wished of it, reports.

use rtp::rtcp::{self, Rtcp};
use video::feedback::{self, Feedback};

use super::{SHARE, Site, VideoLeg, pass_on};
use crate::command::Event;
use crate::io::Outbox;
use crate::leg::Datagram;
use crate::video::asking::Ask;
use crate::video::order::{VideoBridge, VideoOrder};

/// What is missing of a party that takes no NACK is given up after so many seconds: it was not only overtaken.
const OVERTAKEN: f64 = 0.1;
/// A limit is told again so often, as long as it holds: a packet with it may be lost.
const LIMIT_AGAIN: f64 = 5.0;
/// No viewer may bring a source below this, in bits a second: the others would see nothing.
const LEAST: u64 = 64_000;
/// Of one packet so many words of missing packets are heard: more than what is kept to be sent again needs.
const WORDS: u32 = 64;
/// A viewer that can ask for nothing, but reports losses, is helped this often.
const HELPED: f64 = 2.0;

impl VideoLeg {
    pub(super) fn receive_rtcp<O: Outbox>(
        &mut self,
        datagram: Datagram<'_>,
        site: &mut Site<'_, O>,
    ) -> bool {
        let outlet = &site.shared.outlets[self.slot as usize];
        let Some(party) = &mut self.party else {
            return false;
        };
        // A party that only sees sends nothing else by which it could be found.
        if !datagram.on_rtcp_socket
            && party.connection.rtcp_mux
            && party.latch.source().is_none()
            && rtcp::parse(datagram.data).is_some()
        {
            party.latch.accept(datagram.source, site.now);
            party.publish(outlet);
        }
        if !party.is_its_rtcp(datagram.source, datagram.on_rtcp_socket, outlet)
            || !self.reporter.receive(datagram.data, site.now)
        {
            return false;
        }
        let round_trip = self.reporter.round_trip().map(|seconds| seconds * 1000.0);
        let counters = &site.shared.counters[self.slot as usize];
        counters.set_measures(crate::measures::Measures {
            round_trip_ms: round_trip,
            party_lost: self.reporter.remote().map(|remote| remote.fraction_lost),
            ..Default::default()
        });
        match self.bridge {
            Some(bridge) => self.pass_feedback(&bridge, datagram.data, site),
            None => self.hear_feedback(datagram.data, site),
        }
        true
    }

    /// The peer's party is told what ours says, and asked another way where it takes no such request.
    fn pass_feedback<O: Outbox>(
        &mut self,
        bridge: &VideoBridge,
        data: &[u8],
        site: &mut Site<'_, O>,
    ) {
        let shared = site.shared;
        let outlet = &shared.outlets[bridge.peer as usize];
        if let Some((destination, mux)) = outlet.rtcp(bridge.epoch) {
            outlet.passed_report(data, site.now);
            let (outbox, socket) = (&mut *site.outbox, 2 * bridge.peer + u32::from(!mux));
            outlet.emit(bridge.epoch, data, |data| {
                outbox.send(socket, destination, data)
            });
        }
        let (mut asked, mut passed) = (false, true);
        feedback::read(data, |feedback| match feedback {
            Feedback::Pli { .. } => (asked, passed) = (true, passed && bridge.takes.pli),
            Feedback::Fir { .. } => (asked, passed) = (true, passed && bridge.takes.fir),
            _ => {}
        });
        if asked {
            shared.counters[self.slot as usize]
                .video
                .count_asked_by_party();
            if passed {
                shared.counters[bridge.peer as usize]
                    .video
                    .count_asked_of_party();
            } else {
                pass_on(shared, bridge.peer, VideoOrder::Wanted);
            }
        }
    }

    /// What our party says of what it is shown.
    fn hear_feedback<O: Outbox>(&mut self, data: &[u8], site: &mut Site<'_, O>) {
        let shared = site.shared;
        let concerned = shared.views.lock(self.slot).concerns();
        let (mut asked, mut limit, mut words) = (false, None, 0);
        let (viewer, epoch) = (self.slot, self.epoch);
        feedback::read(data, |feedback| match feedback {
            Feedback::Pli { .. } | Feedback::Fir { .. } => asked = true,
            Feedback::Tmmbr { by, bits, .. } => limit = Some((bits, Some(by))),
            Feedback::Remb { bits } => limit = Some((bits, None)),
            Feedback::Nack { first, others, .. } => {
                words += 1;
                if let Some((source, _)) = concerned.filter(|_| words <= WORDS) {
                    let missed = VideoOrder::Missed {
                        viewer,
                        epoch,
                        first,
                        others,
                    };
                    pass_on(shared, source, missed);
                }
            }
            Feedback::Tmmbn { .. } => {}
        });
        if asked {
            shared.counters[self.slot as usize]
                .video
                .count_asked_by_party();
        } else if self.loses_unheard(site.now) {
            asked = true;
        }
        if let (true, Some((source, _))) = (asked, concerned) {
            pass_on(shared, source, VideoOrder::Wanted);
        }
        if let Some((bits, owner)) = limit {
            shared.views.lock(self.slot).ask_most(bits.max(LEAST));
            if let Some(owner) = owner {
                // RFC 5104 section 3.5.4.2: who is limited says by which limit, and whose that is.
                self.asked.push(Feedback::Tmmbn { owner, bits });
                self.send_asked(site);
            }
        }
    }

    /// Whether a party that agreed to no way of asking reports losses.
    fn loses_unheard(&mut self, now: f64) -> bool {
        let can_ask = self.party.as_ref().is_some_and(|party| {
            let takes = party.connection.terms.takes;
            takes.asks_for_pictures() || takes.nack
        });
        let loses = self
            .reporter
            .remote()
            .is_some_and(|remote| remote.fraction_lost > 0.0);
        if can_ask || !loses || now - self.helped_at < HELPED {
            return false;
        }
        self.helped_at = now;
        true
    }

    pub(super) fn ask_for_missing<O: Outbox>(&mut self, site: &mut Site<'_, O>) {
        if self.source.missing.is_quiet() || !self.source.is_wanted() {
            return;
        }
        let missing = &mut self.source.missing;
        let takes = self
            .party
            .as_ref()
            .map(|party| party.connection.terms.takes);
        match (takes, self.reception.ssrc()) {
            (Some(takes), Some(media)) if takes.nack => {
                missing.due(media, self.reporter.round_trip(), site.now, &mut self.asked);
            }
            _ => missing.give_up_after(OVERTAKEN, site.now),
        }
        if missing.take_given_up() {
            self.source.asking.want(false);
        }
        self.send_asked(site);
    }

    /// Ask for a key frame, if it is time to.
    pub(super) fn ask<O: Outbox>(&mut self, site: &mut Site<'_, O>) {
        let shared = site.shared;
        if let Some(maker) = &self.maker {
            if self.source.asking.due(true, false, site.now).is_some() {
                shared.composer.want(maker.number);
            }
            return;
        }
        let Some(party) = &self.party else { return };
        if !party.connection.receive {
            return;
        }
        let takes = party.connection.terms.takes;
        let Some(ask) = self.source.asking.due(takes.pli, takes.fir, site.now) else {
            return;
        };
        // Before its first packet the party's source has no name yet: RFC 4585 section 6.1 knows none for that.
        let media = self.reception.ssrc().unwrap_or_default();
        shared.counters[self.slot as usize]
            .video
            .count_asked_of_party();
        match ask {
            Ask::Pli => self.asked.push(Feedback::Pli { media }),
            Ask::Fir(number) => self.asked.push(Feedback::Fir { media, number }),
            Ask::Signalling => {
                let wanted = Event::PictureWanted {
                    leg: self.slot,
                    epoch: self.epoch,
                };
                shared.events.push(wanted, SHARE);
            }
        }
        self.send_asked(site);
    }

    /// Tell the party how much it may send, where that has changed or it may have missed it. `viewers`: what they take.
    pub(super) fn tell_limit<O: Outbox>(&mut self, viewers: Option<u64>, site: &mut Site<'_, O>) {
        let Some(party) = &self.party else { return };
        let takes = party.connection.terms.takes;
        let most = [self.limit.ordered, viewers]
            .into_iter()
            .flatten()
            .min()
            .map(|bits| bits.max(LEAST));
        let due =
            most != self.limit.told || most.is_some() && site.now - self.limit.at > LIMIT_AGAIN;
        let Some(media) = self.reception.ssrc().filter(|_| due) else {
            return;
        };
        // None: as much as it can be told.
        let bits = most.unwrap_or(100_000_000);
        if takes.tmmbr {
            let by = site.shared.views.lock(self.slot).ssrc();
            self.asked.push(Feedback::Tmmbr { by, media, bits });
        } else if takes.remb {
            self.asked.push(Feedback::Remb { bits });
        }
        self.limit.told = most;
        self.limit.at = site.now;
        self.send_asked(site);
    }

    /// Send what the party is asked, behind a report of nothing (RFC 4585 section 3.1).
    pub(super) fn send_asked<O: Outbox>(&mut self, site: &mut Site<'_, O>) {
        if self.asked.is_empty() {
            return;
        }
        let own = site.shared.views.lock(self.slot).ssrc();
        let mut compound = rtcp::print(&[
            Rtcp::ReceiverReport {
                ssrc: own,
                blocks: Vec::new(),
            },
            Rtcp::SourceDescription(vec![(own, Some(site.shared.reporting.name.clone()))]),
        ]);
        feedback::print(own, &self.asked, &mut compound);
        self.asked.clear();
        self.send_rtcp(&compound, site);
    }

    pub(super) fn report<O: Outbox>(&mut self, site: &mut Site<'_, O>) {
        let (own, sending) = {
            let mut view = site.shared.views.lock(self.slot);
            (view.ssrc(), view.sending(site.now))
        };
        let reporting = &site.shared.reporting;
        let report = self.reporter.make(
            (own, &reporting.name),
            sending,
            &mut self.reception,
            None,
            (site.now, reporting.ntp(site.now)),
        );
        self.send_rtcp(&report, site);
    }

    fn send_rtcp<O: Outbox>(&self, data: &[u8], site: &mut Site<'_, O>) {
        let outlet = &site.shared.outlets[self.slot as usize];
        if let Some((destination, mux)) = outlet.rtcp(self.epoch) {
            let (outbox, socket) = (&mut *site.outbox, 2 * self.slot + u32::from(!mux));
            outlet.emit(self.epoch, data, |data| {
                outbox.send(socket, destination, data)
            });
        }
    }
}

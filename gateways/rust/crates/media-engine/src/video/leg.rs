//! One leg of pictures: what its party sends, and to whom it goes. Time comes in.
//!
//! A leg does one of three things for its party: it passes packets to and from another as they are (`bridge`), it shows a
//! source (`view`), or nothing. Beside that it is a source itself, for any number of viewers and for the composer.

use std::hash::{BuildHasher, RandomState};

use rtp::mux::{Kind, classify};
use rtp::reception::Reception;
use rtp::report::Reporter;
use rtp::rtcp::{self, Rtcp};
use rtp::{Header, Packet as RtpPacket};
use video::feedback::{self, Feedback};
use video::{CLOCK_RATE, rtx};

use super::asking::Ask;
use super::feed::Feed;
use super::order::{Made, VideoBridge, VideoOrder};
use super::source::{Maker, Packet, Source};
use super::terms::{VideoConnection, VideoKind, Wire};
use crate::command::Event;
use crate::guard::Guard;
use crate::io::Outbox;
use crate::leg::Datagram;
use crate::leg::party::Party;
use crate::order::{Errand, Order};
use crate::worker::Shared;

/// Without a packet for so many seconds a party that has sent has stalled.
const STALLED: f64 = 2.0;
/// What is missing of a party that takes no NACK is given up after so many seconds: it was not only overtaken.
const OVERTAKEN: f64 = 0.1;
/// Ticks between two looks at the viewers.
const ROUND: u32 = 5;
/// A limit is told again so often, as long as it holds: a packet with it may be lost.
const LIMIT_AGAIN: f64 = 5.0;
/// No viewer may bring a source below this, in bits a second: the others would see nothing.
const LEAST: u64 = 64_000;
/// A viewer that can ask for nothing, but reports losses, is helped this often.
const HELPED: f64 = 2.0;
/// Errands from party to party may fill no more than this share of a thread's queue.
const SHARE: f64 = 0.5;

pub struct VideoLeg {
    pub epoch: u64,
    slot: u32,
    opened_at: f64,
    party: Option<Party<VideoConnection>>,
    guard: Option<Box<Guard>>,
    bridge: Option<VideoBridge>,
    pub source: Source,
    maker: Option<Maker>,
    reception: Reception,
    reporter: Reporter,
    name: String,
    last_address: Option<std::net::SocketAddr>,
    /// When the newest packet came, and whether the party is taken to be sending.
    heard_at: f64,
    alive: bool,
    wire: Option<Wire>,
    counted: Counted,
    ticks: u32,
    limit: Limit,
    helped_at: f64,
    plain: Vec<u8>,
    renumbered: Vec<u8>,
    asked: Vec<Feedback>,
}

/// Pictures as they are counted: whole when the packets up to a marker came in order.
#[derive(Default)]
struct Counted {
    next: Option<u16>,
    broken: bool,
    key_timestamp: Option<u32>,
}

/// What the party may send.
#[derive(Default)]
struct Limit {
    ordered: Option<u64>,
    /// What it was told last, and when.
    told: Option<u64>,
    at: f64,
}

/// What a leg works with.
pub struct Site<'a, O> {
    pub shared: &'a Shared,
    pub outbox: &'a mut O,
    pub now: f64,
    /// NTP time, in seconds, when the engine's clock was at 0.
    pub ntp: f64,
    /// Packets that went out.
    pub sent: u64,
}

impl VideoLeg {
    pub fn new(slot: u32, epoch: u64, now: f64) -> Self {
        let random = RandomState::new();
        Self {
            epoch,
            slot,
            opened_at: now,
            party: None,
            guard: None,
            bridge: None,
            source: Source::new((slot, epoch)),
            maker: None,
            reception: Reception::default(),
            reporter: Reporter::new(random.hash_one(1), now),
            // RFC 7022: short-lived, at random.
            name: format!("{:016x}{:016x}", random.hash_one(2), random.hash_one(3)),
            last_address: None,
            heard_at: now,
            alive: false,
            wire: None,
            counted: Counted::default(),
            ticks: slot,
            limit: Limit::default(),
            helped_at: f64::NEG_INFINITY,
            plain: Vec::new(),
            renumbered: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// Pictures that the composer makes.
    pub fn composed(slot: u32, epoch: u64, number: u64, wire: Wire, now: f64) -> Self {
        Self {
            maker: Some(Maker::new(number, wire)),
            ..Self::new(slot, epoch, now)
        }
    }

    // Orders ------------------------------------------------------------------------------------------------------

    /// Whatever is no opening and no closing.
    pub fn obey<O: Outbox>(&mut self, order: VideoOrder, site: &mut Site<'_, O>) {
        match order {
            VideoOrder::Connect(connection) => self.connect(connection, site),
            VideoOrder::Bridge(bridge) => self.bridge = Some(bridge),
            VideoOrder::Serve { viewer, epoch } => {
                self.source.serve(viewer, epoch);
                self.ask(site);
            }
            VideoOrder::Wanted => {
                self.source.asking.want(false);
                self.ask(site);
            }
            VideoOrder::Needed => {
                if let Some(feed) = &mut self.source.feed {
                    feed.restart();
                    self.source.asking.want(false);
                    self.ask(site);
                }
            }
            VideoOrder::Missed {
                viewer,
                epoch,
                first,
                others,
            } => {
                let missed = (first, others);
                site.sent += self
                    .source
                    .resend((viewer, epoch), missed, site.shared, site.outbox);
            }
            VideoOrder::Limit(most) => {
                self.limit.ordered = most;
                self.tell_limit(None, site);
            }
            VideoOrder::Feed(member) => {
                let composer = &site.shared.composer;
                if let Some(feed) = &self.source.feed {
                    composer.drop_member(feed.member(), self.slot);
                }
                if let Some(member) = member {
                    composer.add_member(member, self.slot);
                }
                self.source.feed(member.map(Feed::new));
                self.ask(site);
            }
            VideoOrder::Made(made) => self.show(&made, site),
            VideoOrder::Silence => self.bridge = None,
            VideoOrder::Open { .. } | VideoOrder::OpenSource { .. } | VideoOrder::Close => {}
        }
    }

    fn connect<O>(&mut self, connection: VideoConnection, site: &mut Site<'_, O>) {
        let outlet = &site.shared.outlets[self.slot as usize];
        let keys = connection.keys.as_deref();
        outlet.secure(keys.map(|keys| &keys.ours));
        match (self.guard.as_mut(), keys) {
            (Some(guard), Some(keys)) => guard.agreed(keys, site.now),
            (_, keys) => self.guard = keys.map(|keys| Box::new(Guard::new(keys))),
        }
        self.source.know(&connection.sets);
        let party = match self.party.take() {
            Some(party) => party.reconnected(connection),
            None => Party::new(connection),
        };
        party.publish(outlet);
        self.party = Some(party);
    }

    /// A picture of the composer's, to all who are shown it.
    fn show<O: Outbox>(&mut self, made: &Made, site: &mut Site<'_, O>) {
        let Some(mut maker) = self.maker.take() else {
            return;
        };
        if maker.number == made.source && maker.codec() == made.codec {
            self.count_made(made, site.shared);
            maker.picture(made.timestamp, &made.data, |packet| {
                site.sent += self.source.take(packet, site.now, site.shared, site.outbox);
            });
        }
        self.maker = Some(maker);
    }

    fn count_made(&mut self, made: &Made, shared: &Shared) {
        let video = &shared.counters[self.slot as usize].video;
        video.count_frame();
        if made.key {
            video.count_key_frame();
        }
    }

    // What comes --------------------------------------------------------------------------------------------------

    /// A datagram; false: it is not the party's, or nothing that was agreed.
    pub fn receive<O: Outbox>(&mut self, datagram: Datagram<'_>, site: &mut Site<'_, O>) -> bool {
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

    fn receive_rtp<O: Outbox>(
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
    fn see<O: Outbox>(
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
    fn pass<O: Outbox>(&mut self, data: &[u8], payload_type: u8, site: &mut Site<'_, O>) {
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

    fn receive_rtcp<O: Outbox>(&mut self, datagram: Datagram<'_>, site: &mut Site<'_, O>) -> bool {
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
        let (mut asked, mut limit) = (false, None);
        let (viewer, epoch) = (self.slot, self.epoch);
        feedback::read(data, |feedback| match feedback {
            Feedback::Pli { .. } | Feedback::Fir { .. } => asked = true,
            Feedback::Tmmbr { bits, .. } => limit = Some((bits, true)),
            Feedback::Remb { bits } => limit = Some((bits, false)),
            Feedback::Nack { first, others, .. } => {
                if let Some((source, _)) = concerned {
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
        if let Some((bits, wants_answer)) = limit {
            shared.views.lock(self.slot).ask_most(bits.max(LEAST));
            if wants_answer {
                // RFC 5104 section 3.5.4.2: who is limited says by which limit.
                self.asked.push(Feedback::Tmmbn { bits });
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

    // What is due by the clock ------------------------------------------------------------------------------------

    /// 20 ms have gone by.
    pub fn tick<O: Outbox>(&mut self, site: &mut Site<'_, O>) {
        let (shared, now) = (site.shared, site.now);
        self.ticks = self.ticks.wrapping_add(1);
        if self.alive && now - self.heard_at > STALLED {
            self.alive = false;
            let stalled = Event::VideoStalled {
                leg: self.slot,
                epoch: self.epoch,
            };
            shared.events.push(stalled, SHARE);
        }
        self.ask_for_missing(site);
        if let Some(feed) = &mut self.source.feed {
            if feed.poll(now, &shared.composer) {
                self.source.asking.want(false);
            }
        }
        if self.ticks % ROUND == 0 && self.source.is_wanted() {
            let (awaited, most) = self.source.look_round(shared);
            if awaited {
                self.source.asking.want(true);
            }
            self.tell_limit(most, site);
        }
        self.ask(site);
        if self.bridge.is_none() && self.reporter.is_due(now) {
            self.report(site);
        }
    }

    fn ask_for_missing<O: Outbox>(&mut self, site: &mut Site<'_, O>) {
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
    fn ask<O: Outbox>(&mut self, site: &mut Site<'_, O>) {
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
    fn tell_limit<O: Outbox>(&mut self, viewers: Option<u64>, site: &mut Site<'_, O>) {
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
            self.asked.push(Feedback::Tmmbr { media, bits });
        } else if takes.remb {
            self.asked.push(Feedback::Remb { bits });
        }
        self.limit.told = most;
        self.limit.at = site.now;
        self.send_asked(site);
    }

    /// Send what the party is asked, behind a report of nothing (RFC 4585 section 3.1).
    fn send_asked<O: Outbox>(&mut self, site: &mut Site<'_, O>) {
        if self.asked.is_empty() {
            return;
        }
        let own = site.shared.views.lock(self.slot).ssrc();
        let mut compound = rtcp::print(&[
            Rtcp::ReceiverReport {
                ssrc: own,
                blocks: Vec::new(),
            },
            Rtcp::SourceDescription(vec![(own, Some(self.name.clone()))]),
        ]);
        feedback::print(own, &self.asked, &mut compound);
        self.asked.clear();
        self.send_rtcp(&compound, site);
    }

    fn report<O: Outbox>(&mut self, site: &mut Site<'_, O>) {
        let (own, sending) = {
            let view = site.shared.views.lock(self.slot);
            (view.ssrc(), view.sending(site.now))
        };
        let ntp = ((site.ntp + site.now) * 4_294_967_296.0) as u64;
        let report = self.reporter.make(
            (own, &self.name),
            sending,
            &mut self.reception,
            None,
            (site.now, ntp),
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

    /// It ends.
    pub fn leave(&mut self, shared: &Shared) {
        if let Some(feed) = &self.source.feed {
            shared.composer.drop_member(feed.member(), self.slot);
        }
        if let Some(maker) = &self.maker {
            shared.composer.drop_source(maker.number, self.slot);
        }
    }
}

/// Give an order to the leg whose it is. What finds no room is lost: its party asks again.
fn pass_on(shared: &Shared, slot: u32, order: VideoOrder) {
    let errand = Errand::Leg(slot, Order::Video(order));
    shared.errands[shared.thread_of(slot)].push_all([(errand, SHARE)], drop);
}

//! One leg of pictures: what its party sends, and to whom it goes. Time comes in.
//!
//! A leg does one of three things for its party: it passes packets to and from another as they are (`bridge`), it shows a
//! source (`view`), or nothing. Beside that it is a source itself, for any number of viewers and for the composer.

mod feedback;
mod receive;

use std::hash::{BuildHasher, RandomState};

use rtp::reception::Reception;
use rtp::report::Reporter;
use video::feedback::Feedback;

use super::feed::Feed;
use super::maker::Maker;
use super::order::{Made, VideoBridge, VideoOrder};
use super::source::Source;
use super::terms::{VideoConnection, Wire};
use crate::command::Event;
use crate::guard::Guard;
use crate::io::Outbox;
use crate::leg::party::Party;
use crate::order::{Errand, Order};
use crate::worker::Shared;

/// Without a packet for so many seconds a party that has sent has stalled.
const STALLED: f64 = 2.0;
/// Packets that a leg sends in one go: some 3 ms.
const AT_ONCE: u64 = 1024;
/// Ticks between two looks at the viewers.
const ROUND: u32 = 5;
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
    #[cfg(test)]
    panics: bool,
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
    /// Packets that went out.
    pub sent: u64,
}

impl VideoLeg {
    pub fn new(slot: u32, epoch: u64, now: f64) -> Self {
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
            reporter: Reporter::new(RandomState::new().hash_one(1), now),
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
            #[cfg(test)]
            panics: false,
        }
    }

    #[cfg(test)]
    pub fn panic_from_now_on(&mut self) {
        self.panics = true;
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
            if !maker.picture(made.timestamp, &made.data) {
                self.source.asking.want(false);
            }
        }
        self.maker = Some(maker);
        self.flow(site);
    }

    /// Let made pictures go out, no more at a time than sound on the same thread can wait for.
    fn flow<O: Outbox>(&mut self, site: &mut Site<'_, O>) {
        if let Some(maker) = &mut self.maker {
            let source = &mut self.source;
            maker.flow(AT_ONCE, |packet| {
                let sent = source.take(packet, site.now, site.shared, site.outbox);
                site.sent += sent;
                sent
            });
        }
    }

    fn count_made(&mut self, made: &Made, shared: &Shared) {
        let video = &shared.counters[self.slot as usize].video;
        video.count_frame();
        if made.key {
            video.count_key_frame();
        }
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
        self.flow(site);
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

//! Stories of pictures in virtual time: phones with cameras and screens, a network between each and the engine.

mod phone;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use netem::{Faults, Netem};
use rtp::Header;
use video::Codec;
use video::feedback::Feedback;

use super::*;
use crate::command::Command;
use crate::switchboard::Switchboard;
use crate::video::{Takes, VideoCoding, VideoConnection, VideoTerms};
use phone::{PAYLOAD_TYPES, PPS, Phone, SPS, STEP, Skills};

struct House {
    board: Switchboard,
    legs: Legs,
    phones: BTreeMap<u32, Phone>,
    /// To and from each.
    networks: BTreeMap<(u32, bool), Netem>,
    /// On their way: when, to whom (false: to the engine), in which order.
    way: BTreeMap<(u64, u64), (u32, bool, Vec<u8>)>,
    count: u64,
    /// In milliseconds.
    now: u64,
    events: Vec<Event>,
    /// What was sent to parties that are no phones of this story, and when.
    heard: Vec<(f64, u32, Vec<u8>)>,
}

#[derive(Default)]
struct Out(Vec<(u32, Vec<u8>)>);

impl Outbox for Out {
    fn send(&mut self, socket: u32, _destination: SocketAddr, data: &[u8]) {
        self.0.push((socket / 2, data.to_vec()));
    }
}

const CALM: Faults = Faults {
    loss: 0.0,
    duplicate: 0.0,
    reorder: 0.0,
    delay: 0.02,
    jitter: 0.0,
};
const LOSSY: Faults = Faults { loss: 0.05, ..CALM };

fn codings(skills: Skills, payload_type: u8) -> Vec<VideoCoding> {
    let (name, parameters) = match skills.codec {
        Codec::H264 if skills.fragments => ("H264", "profile-level-id=42e01f;packetization-mode=1"),
        Codec::H264 => ("H264", "profile-level-id=42e01f"),
        Codec::Vp8 => ("VP8", ""),
    };
    let mut all = vec![VideoCoding::new(payload_type, name, 90_000, parameters)];
    if skills.rtx {
        let of = format!("apt={payload_type}");
        all.push(VideoCoding::new(payload_type + 1, "rtx", 90_000, &of));
    }
    all
}

impl House {
    fn new(slots: u32) -> Self {
        let shared = Arc::new(Shared::new(slots as usize, 1).unwrap());
        let board = Switchboard::new(slots as usize, Arc::clone(&shared.views));
        let mut legs = Legs::new(shared);
        legs.now = 1.0;
        Self {
            board,
            legs,
            phones: BTreeMap::new(),
            networks: BTreeMap::new(),
            way: BTreeMap::new(),
            count: 0,
            now: 1000,
            events: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn order(&mut self, command: &Command) {
        let errands = self.board.carry_out(command).unwrap();
        let mut out = Out::default();
        for errand in errands {
            self.legs.carry_out(errand, &mut out);
        }
        self.send(out);
    }

    fn call(&mut self, leg: u32, skills: Skills, faults: Faults) {
        self.order(&Command::OpenVideo { leg, epoch: 1 });
        self.phones.insert(leg, Phone::new(leg as u8, skills));
        for to_phone in [false, true] {
            let seed = u64::from(leg) * 2 + u64::from(to_phone) + 11;
            self.networks
                .insert((leg, to_phone), Netem::new(seed, faults));
        }
        self.connect(leg, true);
    }

    /// What `connect` agrees with a phone.
    fn connect(&mut self, leg: u32, send: bool) {
        let connection = self.connection(leg, send);
        self.order(&Command::ConnectVideo { leg, connection });
    }

    fn connection(&self, leg: u32, send: bool) -> VideoConnection {
        let phone = &self.phones[&leg];
        let all = codings(phone.skills, PAYLOAD_TYPES[leg as usize % 2]);
        let mut words = Vec::new();
        for (has, word) in [
            (phone.skills.nack, "nack"),
            (phone.skills.pli, "nack pli"),
            (phone.skills.fir, "ccm fir"),
            (phone.skills.tmmbr, "ccm tmmbr"),
        ] {
            words.extend(has.then_some(word));
        }
        let sets = if phone.skills.sets {
            Vec::new()
        } else {
            vec![SPS.to_vec(), PPS.to_vec()]
        };
        VideoConnection {
            rtp: address(leg),
            rtcp: address(leg),
            rtcp_mux: true,
            terms: Arc::new(VideoTerms::agree(all.clone(), all, Takes::new(words))),
            most: None,
            sets,
            send,
            receive: true,
            keys: None,
        }
    }

    fn network(&mut self, leg: u32, to_phone: bool, faults: Faults) {
        self.networks
            .insert((leg, to_phone), Netem::new(u64::from(leg) + 77, faults));
    }

    fn film(&mut self, leg: u32) {
        self.phones.get_mut(&leg).unwrap().on = true;
    }

    fn show(&mut self, viewer: u32, source: u32) {
        self.order(&Command::Show {
            viewer,
            source: Some(source),
        });
    }

    fn send(&mut self, out: Out) {
        for (leg, data) in out.0 {
            if self.networks.contains_key(&(leg, true)) {
                self.post(leg, true, data);
            } else {
                self.heard.push((self.legs.now, leg, data));
            }
        }
    }

    fn post(&mut self, leg: u32, to_phone: bool, data: Vec<u8>) {
        let network = self.networks.get_mut(&(leg, to_phone)).unwrap();
        for at in network.send(self.now as f64 / 1000.0) {
            self.count += 1;
            let at = (at * 1000.0) as u64;
            self.way
                .insert((at, self.count), (leg, to_phone, data.clone()));
        }
    }

    /// Time goes on.
    fn run(&mut self, ms: u64) {
        for _ in 0..ms / 2 {
            self.now += 2;
            self.legs.now = self.now as f64 / 1000.0;
            let mut posts = Vec::new();
            for (&leg, phone) in &mut self.phones {
                if phone.on && (self.now + u64::from(leg) * 4) % STEP == 0 {
                    posts.extend(phone.picture(self.now).into_iter().map(|data| (leg, data)));
                }
                if self.now % 20 == 0 {
                    posts.extend(phone.tick(self.now).map(|data| (leg, data)));
                }
            }
            for (leg, data) in posts {
                self.post(leg, false, data);
            }
            let mut out = Out::default();
            while let Some((&key, _)) = self.way.first_key_value().filter(|it| it.0.0 <= self.now) {
                let (leg, to_phone, data) = self.way.remove(&key).unwrap();
                if to_phone {
                    let answers = self.phones.get_mut(&leg).unwrap().hear(&data, self.now);
                    for data in answers {
                        self.post(leg, false, data);
                    }
                } else {
                    self.legs.datagram(2 * leg, address(leg), &data, &mut out);
                }
            }
            for errand in self.legs.shared.errands[0].take_all() {
                self.legs.carry_out(errand, &mut out);
            }
            while self.legs.tick_due(&mut out) {}
            self.send(out);
            let events = self.legs.shared.events.take(100);
            for event in &events {
                if let Event::PictureWanted { leg, .. } = event {
                    self.phones.get_mut(leg).unwrap().refresh();
                }
            }
            self.events.extend(events);
        }
        assert_eq!(self.legs.shared.panics.load(Relaxed), 0);
    }

    fn seen(&self, leg: u32) -> &[(u8, u32, bool, u64)] {
        &self.phones[&leg].seen
    }

    /// Requests for key frames that a phone got.
    fn asked(&self, leg: u32) -> Vec<u64> {
        let keys = self.phones[&leg].asked.iter().filter(|(_, feedback)| {
            matches!(feedback, Feedback::Pli { .. } | Feedback::Fir { .. })
        });
        keys.map(|(at, _)| *at).collect()
    }
}

fn address(leg: u32) -> SocketAddr {
    format!("192.0.2.1:{}", 4000 + 2 * leg).parse().unwrap()
}

/// One stream, whatever is shown in it: no number twice, none left out, time goes on.
fn is_one_stream(headers: &[Header]) {
    for pair in headers.windows(2) {
        assert_eq!(pair[0].ssrc, pair[1].ssrc);
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!(step < 90 * 10_000, "{step}");
    }
}

/// Of the pictures from the first on that were seen, the share of those that came.
fn share(seen: &[(u8, u32, bool, u64)]) -> f64 {
    let (first, last) = (seen[0].1, seen[seen.len() - 1].1);
    seen.len() as f64 / f64::from(last - first + 1)
}

#[test]
fn two_who_are_bridged_see_each_other_under_their_own_payload_types() {
    let mut house = House::new(2);
    house.call(0, Skills::ALL, CALM);
    house.call(1, Skills::ALL, CALM);
    house.order(&Command::Bridge { a: 0, b: 1 });
    house.film(0);
    house.film(1);
    house.run(2000);
    for (leg, other) in [(0, 1u8), (1, 0)] {
        let seen = house.seen(leg);
        assert!(seen.len() > 55 && seen.iter().all(|it| it.0 == other));
        assert_eq!(share(seen), 1.0);
        let headers = &house.phones[&leg].headers;
        is_one_stream(headers);
        assert_eq!(
            headers[0].ssrc,
            1000 + u32::from(other),
            "it passes as it is"
        );
    }
    let figures = house.legs.shared.counters[0].read(1).video;
    assert_eq!((figures.width, figures.height), (640, 360));
    assert!(figures.frames > 55 && figures.key_frames >= 1);
    assert!(
        house
            .events
            .contains(&Event::VideoStarted { leg: 0, epoch: 1 })
    );
}

#[test]
fn what_two_who_are_bridged_ask_each_other_passes_and_is_asked_by_signalling_where_it_cannot() {
    for peer in [Skills::ALL, Skills::PLAIN] {
        let mut house = House::new(2);
        house.call(0, Skills::ALL, CALM);
        house.call(1, peer, CALM);
        house.order(&Command::Bridge { a: 0, b: 1 });
        house.film(1);
        house.run(1000);
        house.network(1, false, Faults { loss: 0.3, ..CALM });
        house.run(1000);
        house.network(1, false, CALM);
        house.run(1500);
        let newest = house.seen(0).last().unwrap();
        assert!(house.now - newest.3 < 100, "it sees again: {newest:?}");
        let wanted = house
            .events
            .contains(&Event::PictureWanted { leg: 1, epoch: 1 });
        assert_eq!(wanted, !peer.pli);
        let nacks = house.phones[&1].asked.iter();
        let nacks = nacks.filter(|it| matches!(it.1, Feedback::Nack { .. }));
        assert!(nacks.count() > 0);
        let figures = house.legs.shared.counters[0].read(1).video;
        assert!(figures.asked_by_party >= 1 || peer.nack);
    }
}

#[test]
fn a_viewer_is_shown_one_source_after_another_in_one_stream_that_begins_with_a_key_frame() {
    for skills in [
        Skills::ALL,
        Skills::PLAIN,
        Skills {
            codec: Codec::Vp8,
            ..Skills::ALL
        },
        Skills {
            sets: false,
            ..Skills::ALL
        },
        Skills {
            fragments: false,
            sets: false,
            ..Skills::ALL
        },
    ] {
        let mut house = House::new(4);
        for leg in 0..4 {
            house.call(leg, skills, CALM);
        }
        house.film(0);
        house.film(1);
        house.show(2, 0);
        house.run(1000);
        house.show(2, 1);
        house.show(3, 2);
        house.show(3, 1);
        house.run(1000);
        house.show(2, 0);
        house.run(1000);
        let seen = house.seen(2);
        let mut runs: Vec<(u8, bool)> = Vec::new();
        for (who, _, key, _) in seen {
            if runs.last().is_none_or(|(last, _)| last != who) {
                runs.push((*who, *key));
            }
        }
        assert_eq!(runs, [(0, true), (1, true), (0, true)], "{skills:?}");
        // The one goes on to be seen until the other begins: a request and a picture later.
        assert!(seen.len() > 85, "{} {skills:?}", seen.len());
        assert!(
            seen.windows(2)
                .all(|pair| pair[1].3 - pair[0].3 <= 2 * STEP)
        );
        is_one_stream(&house.phones[&2].headers);
        assert!(house.seen(3).iter().all(|it| it.0 == 1) && house.seen(3).len() > 50);
        let shown: Vec<(u32, u32)> = house
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Shown { viewer, source, .. } => Some((*viewer, *source)),
                _ => None,
            })
            .collect();
        assert_eq!(shown, [(2, 0), (2, 1), (3, 1), (2, 0)]);
    }
}

#[test]
fn requests_of_many_viewers_are_one_in_half_a_second() {
    let mut house = House::new(22);
    for leg in 0..22 {
        house.call(leg, Skills::ALL, CALM);
    }
    house.film(0);
    for viewer in 1..22 {
        house.show(viewer, 0);
    }
    house.run(1000);
    assert_eq!(house.asked(0).len(), 1, "{:?}", house.asked(0));
    for viewer in 1..22 {
        house.network(viewer, true, Faults { loss: 0.5, ..CALM });
    }
    house.run(5000);
    let asked = house.asked(0);
    assert!((6..=11).contains(&asked.len()), "{}", asked.len());
    assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= 495));
    let figures = |leg: usize| house.legs.shared.counters[leg].read(1).video;
    assert!(figures(5).asked_by_party > 0);
    assert_eq!(figures(0).asked_of_party, asked.len() as u64);
}

#[test]
fn losses_on_either_side_are_mended_by_sending_again() {
    for (skills, lossy) in [
        (Skills::ALL, 0),
        (Skills::ALL, 1),
        (
            Skills {
                rtx: false,
                ..Skills::ALL
            },
            0,
        ),
        (
            Skills {
                rtx: false,
                ..Skills::ALL
            },
            1,
        ),
    ] {
        let mut house = House::new(2);
        house.call(0, skills, CALM);
        house.call(1, skills, CALM);
        house.network(0, false, if lossy == 0 { LOSSY } else { CALM });
        house.network(1, true, if lossy == 1 { LOSSY } else { CALM });
        house.film(0);
        house.show(1, 0);
        house.run(10_000);
        let seen = house.seen(1);
        assert!(share(seen) > 0.98, "{} {skills:?} {lossy}", share(seen));
        let keys = seen.iter().filter(|it| it.2).count();
        assert!(keys < 6, "{keys} key frames {skills:?} {lossy}");
        assert!(house.phones[&1].resent > 10 || lossy == 0);
        let resent = house.legs.shared.counters[1].read(1).video.resent;
        assert!(resent > 10 || lossy == 0, "{resent}");
    }
}

#[test]
fn without_a_way_to_send_again_a_key_frame_mends_a_loss() {
    let mut house = House::new(2);
    house.call(0, Skills::PLAIN, LOSSY);
    house.call(1, Skills::PLAIN, CALM);
    house.film(0);
    house.show(1, 0);
    house.run(20_000);
    let seen = house.seen(1);
    assert!(seen.len() > 60, "{}", seen.len());
    assert!(
        house
            .events
            .iter()
            .any(|it| matches!(it, Event::PictureWanted { leg: 0, .. }))
    );
}

#[test]
fn a_third_of_all_packets_lost_for_ten_seconds_is_got_over() {
    let mut house = House::new(3);
    for leg in 0..3 {
        house.call(leg, Skills::ALL, CALM);
    }
    house.film(0);
    house.show(1, 0);
    house.show(2, 0);
    house.run(2000);
    let storm = Faults {
        loss: 0.3,
        reorder: 0.05,
        jitter: 0.03,
        ..CALM
    };
    house.network(0, false, storm);
    house.network(1, true, storm);
    house.run(10_000);
    house.network(0, false, CALM);
    house.network(1, true, CALM);
    house.run(1500);
    for leg in [1, 2] {
        let before = house.seen(leg).len();
        house.run(1000);
        let after = &house.seen(leg)[before..];
        assert!(
            after.len() > 28 && share(after) == 1.0,
            "{leg}: {}",
            after.len()
        );
    }
}

#[test]
fn who_asks_for_too_much_again_gets_no_more_than_half_of_what_it_was_sent() {
    let mut house = House::new(2);
    house.call(0, Skills::ALL, CALM);
    house.call(1, Skills::ALL, CALM);
    house.film(0);
    house.show(1, 0);
    house.run(2000);
    let sent = house.phones[&1].headers.len();
    let newest = house.phones[&1].headers[sent - 1];
    for _ in 0..500 {
        let mut data = rtp::rtcp::print(&[rtp::rtcp::Rtcp::ReceiverReport {
            ssrc: 5,
            blocks: Vec::new(),
        }]);
        let nack = Feedback::Nack {
            media: newest.ssrc,
            first: newest.sequence.wrapping_sub(17),
            others: 0xffff,
        };
        video::feedback::print(5, &[nack], &mut data);
        house.post(1, false, data);
        house.run(2);
    }
    let resent = house.legs.shared.counters[1].read(1).video.resent;
    assert!(resent as usize <= sent / 2 + 150 + 64, "{resent} {sent}");
}

/// A key frame of VP8 in a packet.
fn key_frame(sequence: u16, ssrc: u32, size: usize) -> Vec<u8> {
    let mut data = Vec::new();
    Header {
        marker: true,
        payload_type: PAYLOAD_TYPES[0],
        sequence,
        timestamp: u32::from(sequence) * 3000,
        ssrc,
    }
    .print(&mut data);
    data.extend_from_slice(&[0x10, 0, 0, 0]);
    data.resize(size, 7);
    data
}

/// Two phones with VP8; the second is shown the first.
fn shown() -> House {
    let mut house = House::new(2);
    for leg in [0, 1] {
        let skills = Skills {
            codec: Codec::Vp8,
            ..Skills::ALL
        };
        house.call(leg, skills, CALM);
    }
    house.show(1, 0);
    house
}

#[test]
fn a_source_that_begins_anew_with_every_packet_is_told_of_once() {
    let mut house = shown();
    let mut out = Out::default();
    for number in 0..500u16 {
        let data = key_frame(number, 1000 + u32::from(number % 2), 100);
        house.legs.datagram(0, address(0), &data, &mut out);
    }
    assert!(out.0.len() >= 500, "it is seen: {}", out.0.len());
    let told = house.legs.shared.events.take(5000);
    let told = told.iter().filter(|it| matches!(it, Event::Shown { .. }));
    assert_eq!(told.count(), 1);
}

#[test]
fn of_a_flood_no_more_goes_on_to_those_who_see_it_than_pictures_need() {
    let mut house = shown();
    let mut sent = [0, 0];
    for (second, size) in [(0, 1000), (1, 1000)] {
        for number in 0..5000u16 {
            let mut out = Out::default();
            let data = key_frame(number.wrapping_add(5000 * second), 1000, size);
            house.legs.datagram(0, address(0), &data, &mut out);
            sent[usize::from(second)] += out.0.iter().filter(|it| it.0 == 1).count();
        }
        house.legs.now += 0.5;
    }
    assert!(
        (1000..2000).contains(&sent[0]),
        "what may come at once: {sent:?}"
    );
    assert!(
        (500..1000).contains(&sent[1]),
        "and half a second's: {sent:?}"
    );
    house.legs.now += 1.0;
    let mut out = Out::default();
    let data = key_frame(10_000, 1000, 1000);
    house.legs.datagram(0, address(0), &data, &mut out);
    assert!(out.0.iter().any(|it| it.0 == 1), "it goes on");
}

#[test]
fn one_packet_asks_for_no_more_than_is_kept() {
    let mut house = shown();
    let mut out = Out::default();
    for number in 0..300u16 {
        let data = key_frame(number, 1000, 100);
        house.legs.datagram(0, address(0), &data, &mut out);
    }
    let mut asks = rtp::rtcp::print(&[rtp::rtcp::Rtcp::ReceiverReport {
        ssrc: 5,
        blocks: Vec::new(),
    }]);
    let all: Vec<_> = (0..100)
        .map(|number| Feedback::Nack {
            media: 1,
            first: number * 17,
            others: 0xffff,
        })
        .collect();
    video::feedback::print(5, &all, &mut asks);
    house.legs.shared.errands[0].take_all();
    house
        .legs
        .datagram(2, address(1), &key_frame(1, 5, 100), &mut out);
    house.legs.datagram(2, address(1), &asks, &mut out);
    assert_eq!(house.legs.shared.errands[0].take_all().len(), 64);
}

#[test]
fn the_slowest_viewer_and_the_owner_limit_what_a_source_sends() {
    let mut house = House::new(3);
    for leg in 0..3 {
        house.call(leg, Skills::ALL, CALM);
    }
    house.film(0);
    house.show(1, 0);
    house.show(2, 0);
    house.run(500);
    let limits = |house: &House| -> Vec<u64> {
        let asked = house.phones[&0].asked.iter();
        asked
            .filter_map(|(_, feedback)| match feedback {
                Feedback::Tmmbr { bits, .. } => Some(*bits),
                _ => None,
            })
            .collect()
    };
    assert_eq!(limits(&house), [0; 0]);
    let asks = house.phones[&1].limit(512_000);
    house.post(1, false, asks);
    house.run(500);
    assert_eq!(limits(&house), [512_000]);
    let answered = house.phones[&1].asked.iter();
    let answered = answered.filter(|it| {
        it.1 == Feedback::Tmmbn {
            owner: 1001,
            bits: 512_000,
        }
    });
    assert_eq!(answered.count(), 1);
    house.order(&Command::LimitVideo {
        leg: 0,
        bits: Some(256_000),
    });
    house.run(500);
    assert_eq!(limits(&house).last(), Some(&256_000));
    house.run(6000);
    let told = limits(&house);
    assert_eq!(
        told[told.len() - 2..],
        [256_000; 2],
        "it may have been lost"
    );
}

#[test]
fn a_source_that_stalls_is_told_and_goes_on_to_be_seen_when_it_sends_again() {
    let mut house = House::new(2);
    house.call(0, Skills::ALL, CALM);
    house.call(1, Skills::ALL, CALM);
    house.film(0);
    house.show(1, 0);
    house.run(1000);
    house.phones.get_mut(&0).unwrap().on = false;
    house.run(3000);
    let stalled = Event::VideoStalled { leg: 0, epoch: 1 };
    assert_eq!(house.events.iter().filter(|it| **it == stalled).count(), 1);
    house.film(0);
    house.phones.get_mut(&0).unwrap().restart_camera();
    let before = house.seen(1).len();
    house.run(1000);
    assert!(house.seen(1).len() > before + 25);
    is_one_stream(&house.phones[&1].headers[..20]);
    let started = Event::VideoStarted { leg: 0, epoch: 1 };
    assert_eq!(house.events.iter().filter(|it| **it == started).count(), 2);
}

#[test]
fn viewers_of_a_source_that_has_gone_keep_its_last_picture_until_they_are_shown_another() {
    let mut house = House::new(3);
    for leg in 0..3 {
        house.call(leg, Skills::ALL, CALM);
    }
    house.film(0);
    house.film(1);
    house.show(2, 0);
    house.run(1000);
    house.order(&Command::Close { leg: 0 });
    house.phones.get_mut(&0).unwrap().on = false;
    house.run(500);
    let before = house.seen(2).len();
    house.run(500);
    assert_eq!(house.seen(2).len(), before);
    // The slot has another user: nothing of it is for the viewer.
    house.order(&Command::OpenVideo { leg: 0, epoch: 2 });
    house.connect(0, true);
    house.film(0);
    house.run(500);
    assert_eq!(house.seen(2).len(), before);
    house.show(2, 1);
    house.run(500);
    assert_eq!(house.seen(2).last().unwrap().0, 1);
    is_one_stream(&house.phones[&2].headers);
}

#[test]
fn a_viewer_on_hold_is_sent_nothing_and_begins_anew_with_a_key_frame() {
    let mut house = House::new(2);
    house.call(0, Skills::ALL, CALM);
    house.call(1, Skills::ALL, CALM);
    house.film(0);
    house.show(1, 0);
    house.run(1000);
    house.connect(1, false);
    house.run(100);
    let before = (house.seen(1).len(), house.asked(0).len());
    house.run(3000);
    assert_eq!(
        (house.seen(1).len(), house.asked(0).len()),
        before,
        "nobody is bothered meanwhile"
    );
    house.connect(1, true);
    house.run(1000);
    let seen = &house.seen(1)[before.0..];
    assert!(seen.len() > 20 && seen[0].2);
    is_one_stream(&house.phones[&1].headers);
}

#[test]
fn under_keys_it_is_shown_and_sent_again_in_a_stream_of_its_own() {
    use crate::guard::Keys;
    use srtp::{Inbound, MasterKey, Outbound, Suite};
    let master = |byte| MasterKey::new(Suite::AesCm128HmacSha1_80, &[byte; 30]).unwrap();
    let mut house = House::new(2);
    house.call(0, Skills::ALL, CALM);
    house.call(1, Skills::ALL, CALM);
    let connection = VideoConnection {
        keys: Some(Arc::new(Keys {
            ours: master(1),
            theirs: master(2),
            mki: Vec::new(),
        })),
        ..house.connection(1, true)
    };
    house.order(&Command::ConnectVideo { leg: 1, connection });
    house.show(1, 0);
    let mut out = Out::default();
    let mut phone = Phone::new(0, Skills::ALL);
    let (mut inbound, mut outbound) = (Inbound::new(&master(1), b""), Outbound::new(&master(2)));
    for now in 0..10 {
        for data in phone.picture(1000 + now * STEP) {
            house.legs.datagram(0, address(0), &data, &mut out);
        }
    }
    let mut opened: Vec<Header> = Vec::new();
    for (leg, mut data) in std::mem::take(&mut out.0) {
        if leg == 1 && rtp::mux::classify(&data) == rtp::mux::Kind::Rtp {
            let length = inbound.open_rtp(&mut data).unwrap();
            opened.push(rtp::Packet::parse(&data[..length]).unwrap().header);
        }
    }
    assert!(opened.len() > 20);
    is_one_stream(&opened);
    let newest = opened[opened.len() - 1];
    let mut asked = rtp::rtcp::print(&[rtp::rtcp::Rtcp::ReceiverReport {
        ssrc: 5,
        blocks: Vec::new(),
    }]);
    let nack = Feedback::Nack {
        media: newest.ssrc,
        first: newest.sequence,
        others: 0,
    };
    video::feedback::print(5, &[nack], &mut asked);
    // In the clear it is not the party's.
    house.legs.datagram(2, address(1), &asked, &mut out);
    assert!(house.legs.shared.errands[0].take_all().is_empty());
    outbound.protect_rtcp(&mut asked).unwrap();
    house.legs.datagram(2, address(1), &asked, &mut out);
    for errand in house.legs.shared.errands[0].take_all() {
        house.legs.carry_out(errand, &mut out);
    }
    let (_, mut again) = out.0.pop().unwrap();
    let length = inbound.open_rtp(&mut again).unwrap();
    let packet = rtp::Packet::parse(&again[..length]).unwrap();
    assert_eq!(packet.header.payload_type, PAYLOAD_TYPES[1] + 1);
    assert_eq!(packet.payload[..2], newest.sequence.to_be_bytes());
}

#[test]
fn a_panic_ends_the_pictures_of_its_leg_and_no_others() {
    let mut house = House::new(4);
    for leg in 0..4 {
        house.call(leg, Skills::ALL, CALM);
    }
    for leg in 0..2 {
        house.film(leg);
        house.show(leg + 2, leg);
    }
    house.run(500);
    house.legs.pictures[0].as_mut().unwrap().panic_from_now_on();
    let packet = house.phones.get_mut(&0).unwrap().picture(house.now);
    house
        .legs
        .datagram(0, address(0), &packet[0], &mut Out::default());
    assert_eq!(house.legs.shared.panics.swap(0, Relaxed), 1);
    let failed = house.legs.shared.events.take(9).into_iter();
    assert!(failed.into_iter().any(|it| matches!(
        it,
        Event::Failed {
            leg: 0,
            epoch: 1,
            ..
        }
    )));
    let before = (house.seen(2).len(), house.seen(3).len());
    house.run(1000);
    assert!(house.seen(2).len() <= before.0 + 2 && house.seen(3).len() > before.1 + 25);
    // Agreed anew, it goes on.
    house.connect(0, true);
    house.order(&Command::Show {
        viewer: 2,
        source: None,
    });
    house.show(2, 0);
    house.run(1000);
    assert!(house.seen(2).len() > before.0 + 20);
}

#[test]
fn an_echo_is_a_stream_of_ours() {
    let mut house = House::new(1);
    house.call(0, Skills::ALL, CALM);
    house.film(0);
    house.order(&Command::Echo { leg: 0 });
    house.run(1000);
    assert!(house.seen(0).len() > 25);
    assert_ne!(house.phones[&0].headers[0].ssrc, 1000);
}

#[test]
fn a_viewer_that_takes_whole_units_alone_is_not_shown_fragments() {
    let mut house = House::new(3);
    house.call(0, Skills::ALL, CALM);
    let whole = Skills {
        fragments: false,
        ..Skills::ALL
    };
    house.call(1, whole, CALM);
    house.call(2, Skills::ALL, CALM);
    let show = |viewer, source| Command::Show {
        viewer,
        source: Some(source),
    };
    assert!(matches!(
        house.board.carry_out(&show(1, 0)),
        Err(Event::Failed { leg: 1, .. })
    ));
    assert!(house.board.carry_out(&show(2, 1)).is_ok());
    assert!(matches!(
        house.board.carry_out(&Command::Join { mix: 0, leg: 1 }),
        Err(Event::Failed { leg: 1, .. })
    ));
}

#[test]
fn sound_and_pictures_are_reported_under_one_name_and_by_one_clock() {
    use crate::command::{Connection, Item, Target};
    use crate::formats::{Coding, Formats};
    use crate::playlist::ToneSpec;
    use rtp::rtcp::Rtcp;
    let mut house = House::new(4);
    house.call(0, Skills::ALL, CALM);
    house.film(0);
    house.order(&Command::OpenVideo { leg: 1, epoch: 1 });
    house.phones.insert(1, Phone::new(1, Skills::ALL));
    house.connect(1, true);
    house.phones.remove(&1);
    house.show(1, 0);
    house.order(&Command::Open { leg: 2, epoch: 1 });
    let codings = vec![Coding::new(8, "PCMA", 8000, 1, "")];
    let connection = Connection {
        rtp: address(2),
        rtcp: address(2),
        rtcp_mux: true,
        formats: Arc::new(Formats::agree(codings.clone(), codings)),
        ptime: 20,
        send: true,
        receive: true,
        keys: None,
    };
    house.order(&Command::Connect { leg: 2, connection });
    let tone = ToneSpec::steady(400.0, -20.0);
    house.order(&Command::Play {
        to: Target::Leg(2),
        items: vec![Item::Tone { tone, ms: None }],
        operation: 1,
        looped: false,
        over: false,
    });
    house.run(20_000);
    let mut names = Vec::new();
    for (leg, clock_rate) in [(1, 90_000.0), (2, 8000.0)] {
        let mut newest = (0.0, 0u32);
        let mut reports = 0;
        let began = house.legs.shared.reporting.ntp(0.0);
        for (at, _, data) in house.heard.iter().filter(|it| it.1 == leg) {
            let Some(packets) = rtp::rtcp::parse(data) else {
                newest = (*at, rtp::Packet::parse(data).unwrap().header.timestamp);
                continue;
            };
            for packet in packets {
                match packet {
                    Rtcp::SenderReport { ntp, timestamp, .. } => {
                        reports += 1;
                        // What was sent at a moment has the NTP time of that moment, by whatever report.
                        let told = (ntp - began) as f64 / 4_294_967_296.0;
                        let behind = timestamp.wrapping_sub(newest.1) as i32;
                        let sent = told - f64::from(behind) / clock_rate;
                        assert!((sent - newest.0).abs() < 0.005, "{leg}: {sent} {newest:?}");
                    }
                    Rtcp::SourceDescription(chunks) => {
                        names.extend(chunks.into_iter().filter_map(|it| it.1));
                    }
                    _ => {}
                }
            }
        }
        assert!(reports > 2, "{leg}: {reports}");
    }
    assert!(names[0].len() > 20 && names.iter().all(|name| *name == names[0]));
}

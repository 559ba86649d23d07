//! Stories of whole calls in virtual time: the switchboard, the legs and the mixes of one thread, and parties that speak
//! and hear real payloads.

use std::collections::HashMap;
use std::f64::consts::TAU;

use codec::{Decoder, Encoder, Format, Opus};
use dsp::amplitude_at;
use rtp::{Header, Packet};

use super::*;
use crate::command::{By, Command, Connection, Item, Target};
use crate::formats::{Coding, Formats};
use crate::playlist::ToneSpec;
use crate::prompt::Prompt;
use crate::switchboard::Switchboard;

mod cameras;

/// The peak of what parties say.
const PEAK: f64 = 8000.0;

struct House {
    board: Switchboard,
    legs: Legs,
    sent: Sent,
    parties: HashMap<u32, Party>,
    /// In milliseconds.
    now: u64,
}

#[derive(Default)]
struct Sent {
    rtp: Vec<(u32, Vec<u8>)>,
    rtcp: Vec<(u32, Vec<u8>)>,
}

impl Outbox for Sent {
    fn send(&mut self, socket: u32, _destination: SocketAddr, data: &[u8]) {
        let kept = match rtp::mux::classify(data) {
            rtp::mux::Kind::Rtcp => &mut self.rtcp,
            _ => &mut self.rtp,
        };
        kept.push((socket / 2, data.to_vec()));
    }
}

/// A phone: says a tone, and hears.
struct Party {
    format: Format,
    payload_type: u8,
    ptime: u64,
    /// Hz; None: it says nothing.
    says: Option<f64>,
    encoder: Encoder,
    decoder: Decoder,
    sequence: u16,
    heard: Vec<i16>,
    /// Of all packets it got: payload type, timestamp and payload length.
    packets: Vec<(Header, usize)>,
    keys: Vec<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Speech {
    Pcma,
    Pcmu,
    G722,
    Opus,
    L16,
}

const ALL: [Speech; 5] = [
    Speech::Pcma,
    Speech::Pcmu,
    Speech::G722,
    Speech::Opus,
    Speech::L16,
];

impl Speech {
    fn said(self) -> (u8, &'static str, u32, u32, Format) {
        match self {
            Self::Pcma => (8, "PCMA", 8000, 1, Format::Pcma),
            Self::Pcmu => (0, "PCMU", 8000, 1, Format::Pcmu),
            Self::G722 => (9, "G722", 8000, 1, Format::G722),
            Self::Opus => (111, "opus", 48_000, 2, Format::Opus(Opus::speech(48_000))),
            Self::L16 => (97, "L16", 16_000, 1, Format::L16 { rate: 16_000 }),
        }
    }
}

impl House {
    fn new(slots: u32) -> Self {
        let shared = Arc::new(Shared::new(slots as usize, 1).unwrap());
        Self {
            board: Switchboard::new(slots as usize, Arc::clone(&shared.views)),
            legs: Legs::new(shared),
            sent: Sent::default(),
            parties: HashMap::new(),
            now: 1000,
        }
    }

    fn order(&mut self, command: Command) {
        let errands = self.board.carry_out(&command).unwrap();
        for errand in errands {
            self.legs.carry_out(errand, &mut self.sent);
        }
    }

    /// A leg with a party that speaks a format.
    fn call(&mut self, leg: u32, speech: Speech, ptime: u32) {
        self.order(Command::Open { leg, epoch: 1 });
        let format = speech.said().4;
        let party = Party {
            format,
            payload_type: speech.said().0,
            ptime: u64::from(ptime),
            says: None,
            encoder: Encoder::new(format).unwrap(),
            decoder: Decoder::new(format).unwrap(),
            sequence: leg as u16 * 1000,
            heard: Vec::new(),
            packets: Vec::new(),
            keys: Vec::new(),
        };
        self.parties.insert(leg, party);
        self.connect(leg, speech, ptime, true);
    }

    fn connect(&mut self, leg: u32, speech: Speech, ptime: u32, send: bool) {
        let (payload_type, name, clock_rate, channels, _) = speech.said();
        let codings = vec![
            Coding::new(payload_type, name, clock_rate, channels, ""),
            Coding::new(101, "telephone-event", 8000, 1, ""),
        ];
        let address = format!("192.0.2.1:{}", 4000 + 2 * leg).parse().unwrap();
        self.order(Command::Connect {
            leg,
            connection: Connection {
                rtp: address,
                rtcp: address,
                rtcp_mux: true,
                formats: Arc::new(Formats::agree(codings.clone(), codings)),
                ptime,
                send,
                receive: true,
                keys: None,
            },
        });
    }

    fn says(&mut self, leg: u32, hz: f64) {
        self.parties.get_mut(&leg).unwrap().says = Some(hz);
    }

    fn bridge(&mut self, a: u32, b: u32) {
        self.order(Command::Bridge { a, b });
    }

    /// Time goes on.
    fn run(&mut self, ms: u64) {
        for _ in 0..ms / 2 {
            self.now += 2;
            self.legs.now = self.now as f64 / 1000.0;
            let mut packets = Vec::new();
            for (&leg, party) in &mut self.parties {
                // Each party has a phase of its own.
                if (self.now + 6 * u64::from(leg)) % party.ptime == 0 {
                    packets.extend(party.say(self.now).map(|packet| (leg, packet)));
                }
            }
            packets.sort();
            for (leg, packet) in packets {
                self.arrive(leg, &packet);
            }
            for errand in self.legs.shared.errands[0].take_all() {
                self.legs.carry_out(errand, &mut self.sent);
            }
            while self.legs.tick_due(&mut self.sent) {}
            for (leg, data) in std::mem::take(&mut self.sent.rtp) {
                self.parties.get_mut(&leg).unwrap().hear(&data);
            }
        }
    }

    fn arrive(&mut self, leg: u32, packet: &[u8]) {
        let source = format!("192.0.2.1:{}", 4000 + 2 * leg).parse().unwrap();
        self.legs.datagram(2 * leg, source, packet, &mut self.sent);
    }

    /// How loud a party hears a tone now, against what parties say: over the last half second.
    fn hears(&mut self, leg: u32, hz: f64) -> f64 {
        let party = &self.parties[&leg];
        let rate = party.format.rate();
        let half = rate as usize / 2;
        assert!(party.heard.len() > half, "leg {leg} heard too little");
        let newest = &party.heard[party.heard.len() - half..];
        amplitude_at(newest, hz, rate) / PEAK
    }

    fn events(&mut self) -> Vec<Event> {
        self.legs.shared.events.take(100).into()
    }

    fn panics(&self) -> u64 {
        self.legs.shared.panics.load(Relaxed)
    }
}

impl Party {
    fn say(&mut self, now: u64) -> Option<Vec<u8>> {
        let hz = self.says?;
        let rate = u64::from(self.format.rate());
        let samples: Vec<i16> = (0..rate * self.ptime / 1000)
            .map(|n| {
                let at = (now * rate / 1000 + n) as f64 / rate as f64;
                (PEAK * (TAU * hz * at).sin()) as i16
            })
            .collect();
        let mut packet = Vec::new();
        Header {
            marker: false,
            payload_type: self.payload_type,
            sequence: self.sequence,
            timestamp: (now * u64::from(self.format.clock_rate()) / 1000) as u32,
            ssrc: 7,
        }
        .print(&mut packet);
        self.sequence = self.sequence.wrapping_add(1);
        self.encoder.encode(&samples, &mut packet);
        Some(packet)
    }

    fn hear(&mut self, data: &[u8]) {
        let packet = Packet::parse(data).unwrap();
        self.packets.push((packet.header, packet.payload.len()));
        if packet.header.payload_type == 101 {
            self.keys.push(packet.payload.to_vec());
            return;
        }
        assert_eq!(packet.header.payload_type, self.payload_type);
        self.decoder
            .decode(packet.payload, &mut self.heard)
            .unwrap();
    }
}

fn is_heard(level: f64) {
    assert!((0.95..1.05).contains(&level), "{level}");
}

/// By way of Opus, which follows the sound and not its samples.
fn is_heard_about(level: f64) {
    assert!((0.8..1.25).contains(&level), "{level}");
}

fn is_not_heard(level: f64) {
    assert!(level < 0.02, "{level}");
}

#[test]
fn a_tone_keeps_its_frequency_and_level_between_any_two_formats() {
    for one in ALL {
        for other in ALL {
            let mut house = House::new(2);
            house.call(0, one, 20);
            house.call(1, other, 20);
            house.says(0, 1000.0);
            house.says(1, 600.0);
            house.bridge(0, 1);
            house.run(1500);
            for (leg, hz, not) in [(1, 1000.0, 600.0), (0, 600.0, 1000.0)] {
                if matches!((one, other), (Speech::Opus, _) | (_, Speech::Opus)) {
                    is_heard_about(house.hears(leg, hz));
                } else {
                    is_heard(house.hears(leg, hz));
                }
                is_not_heard(house.hears(leg, not));
            }
            assert_eq!(house.panics(), 0);
        }
    }
}

#[test]
fn what_both_understand_passes_untouched_and_is_converted_once_they_differ() {
    let mut house = House::new(2);
    house.call(0, Speech::Pcma, 20);
    house.call(1, Speech::Pcma, 20);
    house.says(0, 1000.0);
    house.bridge(0, 1);
    house.run(200);
    let ssrcs = |house: &House| -> Vec<u32> {
        let mut ssrcs: Vec<u32> = house.parties[&1].packets.iter().map(|p| p.0.ssrc).collect();
        ssrcs.dedup();
        ssrcs
    };
    assert_eq!(ssrcs(&house), [7]);
    // Another format is agreed with the hearer in the middle of the call.
    let party = house.parties.get_mut(&1).unwrap();
    let (payload_type, .., format) = Speech::G722.said();
    party.payload_type = payload_type;
    party.format = format;
    party.decoder = Decoder::new(format).unwrap();
    house.connect(1, Speech::G722, 20, true);
    house.run(1000);
    is_heard(house.hears(1, 1000.0));
    assert_eq!(ssrcs(&house).len(), 2);
}

#[test]
fn a_party_gets_packets_of_the_length_it_wants_from_one_that_sends_another() {
    for (from, to) in [(20, 60), (60, 20), (30, 20), (20, 30), (10, 40), (40, 10)] {
        let mut house = House::new(2);
        house.call(0, Speech::L16, from);
        house.call(1, Speech::Pcma, to);
        house.says(0, 1000.0);
        house.bridge(0, 1);
        house.run(1500);
        is_heard(house.hears(1, 1000.0));
        let packets = &house.parties[&1].packets;
        assert!(packets.iter().all(|p| p.1 == 8 * to as usize));
        let steps = packets.windows(2);
        assert!(
            steps.into_iter().skip(10).all(|pair| pair[1]
                .0
                .timestamp
                .wrapping_sub(pair[0].0.timestamp)
                == 8 * to),
            "{from} to {to}"
        );
    }
}

#[test]
fn an_echo_comes_back() {
    let mut house = House::new(1);
    house.call(0, Speech::Opus, 20);
    house.says(0, 1000.0);
    house.order(Command::Echo { leg: 0 });
    house.run(1000);
    is_heard(house.hears(0, 1000.0));
}

#[test]
fn nothing_is_sent_to_a_party_on_hold_and_it_hears_again_afterwards() {
    let mut house = House::new(2);
    house.call(0, Speech::G722, 20);
    house.call(1, Speech::Pcma, 20);
    house.says(0, 1000.0);
    house.bridge(0, 1);
    house.run(300);
    house.connect(1, Speech::Pcma, 20, false);
    let before = house.parties[&1].packets.len();
    house.run(300);
    assert_eq!(house.parties[&1].packets.len(), before);
    house.connect(1, Speech::Pcma, 20, true);
    house.run(1000);
    is_heard(house.hears(1, 1000.0));
}

fn tone(hz: f64, ms: Option<u32>) -> Item {
    // As loud as the parties are.
    let level = 20.0 * (PEAK / dsp::amplitude(0.0)).log10();
    Item::Tone {
        tone: ToneSpec::steady(hz, level),
        ms,
    }
}

fn play(to: Target, items: Vec<Item>, over: bool) -> Command {
    Command::Play {
        to,
        items,
        operation: 42,
        looped: false,
        over,
    }
}

const ENDED: Event = Event::PlayEnded {
    leg: 1,
    epoch: 1,
    operation: 42,
};

#[test]
fn what_is_played_over_a_bridge_is_heard_beside_it_and_then_packets_pass_again() {
    for other in [Speech::Pcma, Speech::G722] {
        let mut house = House::new(2);
        house.call(0, other, 20);
        house.call(1, Speech::Pcma, 20);
        house.says(0, 1000.0);
        house.says(1, 600.0);
        house.bridge(0, 1);
        house.run(200);
        let over = vec![tone(2000.0, Some(1000))];
        house.order(play(Target::Leg(1), over, true));
        house.run(900);
        is_heard(house.hears(1, 2000.0));
        is_heard(house.hears(1, 1000.0));
        is_not_heard(house.hears(0, 2000.0));
        is_heard(house.hears(0, 600.0));
        house.run(1000);
        assert_eq!(house.events(), [ENDED]);
        is_not_heard(house.hears(1, 2000.0));
        is_heard(house.hears(1, 1000.0));
        assert_eq!(house.panics(), 0);
    }
}

#[test]
fn prompts_in_any_format_are_heard_to_their_end_encoded_beforehand_or_not() {
    for (speech, beforehand) in ALL.map(|speech| [(speech, false), (speech, true)]).concat() {
        let mut house = House::new(2);
        let samples: Vec<i16> = (0..16_000)
            .map(|n| (PEAK * (TAU * 1000.0 * f64::from(n) / 16_000.0).sin()) as i16)
            .collect();
        house.call(1, speech, 20);
        let prompt = Prompt::new(&samples, 16_000, None);
        if beforehand {
            prompt.encode(house.board.manner(1).unwrap());
        }
        let prompt = house.board.add_prompt(prompt);
        let items = vec![
            Item::Silence { ms: 100 },
            Item::Prompt { prompt, from_ms: 0 },
        ];
        house.order(play(Target::Leg(1), items, false));
        house.run(1100);
        is_heard(house.hears(1, 1000.0));
        assert_eq!(house.events(), []);
        house.run(100);
        assert_eq!(house.events(), [ENDED]);
        let packets = house.parties[&1].packets.len();
        assert!((55..=57).contains(&packets), "{packets}");
        house.run(100);
        assert_eq!(house.parties[&1].packets.len(), packets);
    }
}

#[test]
fn a_prompt_that_is_dropped_while_it_plays_is_heard_to_its_end_and_can_be_played_no_more() {
    let mut house = House::new(2);
    house.call(1, Speech::Pcmu, 20);
    let samples: Vec<i16> = (0..8000)
        .map(|n| (PEAK * (TAU * 1000.0 * f64::from(n) / 8000.0).sin()) as i16)
        .collect();
    let prompt = house.board.add_prompt(Prompt::new(&samples, 8000, None));
    let items = vec![Item::Prompt { prompt, from_ms: 0 }];
    house.order(play(Target::Leg(1), items.clone(), false));
    house.run(100);
    house.order(Command::DropPrompt { prompt });
    let other = house.board.add_prompt(Prompt::new(&[0; 800], 8000, None));
    assert_ne!(other, prompt);
    house.run(850);
    is_heard(house.hears(1, 1000.0));
    assert_eq!(house.events(), []);
    house.run(100);
    assert_eq!(house.events(), [ENDED]);
    let again = play(Target::Leg(1), items, false);
    assert!(house.board.carry_out(&again).is_err());
}

#[test]
fn what_is_played_can_be_held_and_sought() {
    let mut house = House::new(2);
    house.call(1, Speech::Pcmu, 20);
    let items = vec![tone(1000.0, Some(2000)), tone(2000.0, Some(2000))];
    house.order(play(Target::Leg(1), items, false));
    let to = Target::Leg(1);
    house.run(200);
    house.order(Command::PausePlay { to, paused: true });
    let before = house.parties[&1].packets.len();
    house.run(500);
    assert_eq!(house.parties[&1].packets.len(), before);
    house.order(Command::SeekPlay { to, ms: 3000 });
    house.order(Command::PausePlay { to, paused: false });
    house.run(800);
    is_heard(house.hears(1, 2000.0));
    assert_eq!(house.events(), []);
    house.run(300);
    assert_eq!(house.events(), [ENDED]);
}

const TONES: [f64; 4] = [500.0, 700.0, 1100.0, 1300.0];

/// Four parties of different formats in one mix.
fn room(rate: u32, loudest: usize) -> House {
    let mut house = House::new(5);
    house.order(Command::OpenMix {
        mix: 0,
        epoch: 9,
        rate,
        loudest,
        keys: true,
    });
    let formats = [Speech::Pcma, Speech::G722, Speech::Opus, Speech::Pcma];
    for (leg, speech) in (0..).zip(formats) {
        house.call(leg, speech, 20);
        house.says(leg, TONES[leg as usize]);
        house.order(Command::Join { mix: 0, leg });
    }
    house
}

fn who_hears(house: &mut House, listener: u32) -> Vec<u32> {
    // Three tones at once are more than Opus has bits for, so that its levels are only about right.
    let exact = !matches!(house.parties[&listener].format, Format::Opus(_));
    (0..4)
        .filter(|&speaker| {
            let level = house.hears(listener, TONES[speaker as usize]);
            let heard = level > 0.4;
            if exact && heard {
                is_heard_about(level);
            } else if !heard {
                assert!(level < if exact { 0.02 } else { 0.08 }, "{level}");
            }
            heard
        })
        .collect()
}

#[test]
fn each_member_of_a_mix_hears_all_others_and_not_itself() {
    for rate in [8000, 16_000, 48_000] {
        let mut house = room(rate, 0);
        house.run(1500);
        for listener in 0..4 {
            let others: Vec<u32> = (0..4).filter(|&one| one != listener).collect();
            assert_eq!(who_hears(&mut house, listener), others, "at {rate}");
        }
        assert_eq!(house.panics(), 0);
    }
}

fn level(leg: u32, gain: f64, muted: bool, deaf: bool) -> Command {
    Command::Level {
        mix: 0,
        leg,
        gain,
        muted,
        deaf,
    }
}

#[test]
fn a_muted_member_is_not_heard_and_a_deaf_one_hears_silence() {
    let mut house = room(16_000, 0);
    house.order(level(0, 0.0, true, false));
    house.order(level(2, 0.0, false, true));
    house.run(1500);
    assert_eq!(who_hears(&mut house, 0), [1, 2, 3]);
    assert_eq!(who_hears(&mut house, 1), [2, 3]);
    assert_eq!(who_hears(&mut house, 2), [0; 0]);
    assert_eq!(who_hears(&mut house, 3), [1, 2]);
}

#[test]
fn a_member_is_as_loud_as_its_gain_says_and_still_does_not_hear_itself() {
    let mut house = room(8000, 0);
    house.order(level(0, -6.0, false, false));
    house.run(1500);
    let half = house.hears(1, TONES[0]);
    assert!((0.45..0.55).contains(&half), "{half}");
    is_not_heard(house.hears(0, TONES[0]));
}

#[test]
fn who_hears_whom_can_be_said_one_by_one() {
    let mut house = room(8000, 0);
    // 3 whispers to 1: nobody else hears it. 2 does not hear 0.
    house.order(level(3, 0.0, true, false));
    for (listener, speaker, gain) in [(1, 3, Some(0.0)), (2, 0, None)] {
        house.order(Command::Hear {
            mix: 0,
            listener,
            speaker,
            gain,
        });
    }
    house.run(1500);
    assert_eq!(who_hears(&mut house, 0), [1, 2]);
    assert_eq!(who_hears(&mut house, 1), [0, 2, 3]);
    assert_eq!(who_hears(&mut house, 2), [1]);
    assert_eq!(who_hears(&mut house, 3), [0, 1, 2]);
}

/// Milliseconds of silence that a party heard of all that it has heard since `from`.
fn silence(house: &House, leg: u32, from: usize) -> usize {
    let party = &house.parties[&leg];
    let frames = party.heard[from..].chunks(party.format.rate() as usize / 1000 * 4);
    4 * frames
        .filter(|frame| frame.iter().all(|sample| sample.abs() < 200))
        .count()
}

#[test]
fn two_that_talk_go_over_to_a_mix_and_back_with_a_pause_of_three_packets_at_the_most() {
    let mut house = House::new(3);
    for leg in 0..3 {
        house.call(leg, Speech::Pcma, 20);
        house.says(leg, TONES[leg as usize]);
    }
    house.bridge(0, 1);
    house.run(3000);
    let from = house.parties[&0].heard.len();
    let muted = Command::Level {
        mix: 0,
        leg: 2,
        gain: 0.0,
        muted: true,
        deaf: false,
    };
    house.order(Command::OpenMix {
        mix: 0,
        epoch: 9,
        rate: 16_000,
        loudest: 0,
        keys: true,
    });
    house.order(Command::Join { mix: 0, leg: 2 });
    house.order(muted);
    for leg in 0..2 {
        house.order(Command::Join { mix: 0, leg });
    }
    house.order(Command::Hear {
        mix: 0,
        listener: 1,
        speaker: 2,
        gain: Some(0.0),
    });
    house.run(2000);
    assert!(
        silence(&house, 0, from) <= 60,
        "{}",
        silence(&house, 0, from)
    );
    is_not_heard(house.hears(0, TONES[2]));
    is_heard_about(house.hears(0, TONES[1]));
    is_heard_about(house.hears(1, TONES[2]));
    is_heard_about(house.hears(2, TONES[0]));
    let from = house.parties[&0].heard.len();
    house.order(Command::Silence { leg: 2 });
    house.bridge(0, 1);
    house.order(Command::CloseMix { mix: 0 });
    house.run(1000);
    assert_eq!(silence(&house, 0, from), 0);
    assert_eq!(house.panics(), 0);
}

#[test]
fn who_leaves_a_mix_is_not_heard_any_more_and_hears_nothing() {
    let mut house = room(8000, 0);
    house.run(300);
    house.order(Command::Silence { leg: 0 });
    house.order(Command::Close { leg: 3 });
    let before = house.parties[&0].packets.len();
    house.run(1500);
    assert_eq!(house.parties[&0].packets.len(), before);
    assert_eq!(who_hears(&mut house, 1), [2]);
    assert_eq!(who_hears(&mut house, 2), [1]);
}

#[test]
fn what_is_played_to_a_mix_is_heard_by_all_and_its_end_is_told() {
    let mut house = room(16_000, 0);
    house.run(500);
    house.order(play(Target::Mix(0), vec![tone(2000.0, Some(800))], true));
    house.run(700);
    assert!(house.hears(2, 2000.0) > 0.4, "by way of Opus");
    for listener in [0, 1, 3] {
        is_heard_about(house.hears(listener, 2000.0));
        is_not_heard(house.hears(listener, TONES[listener as usize]));
    }
    house.run(1000);
    is_not_heard(house.hears(0, 2000.0));
    let ended = Event::MixPlayEnded {
        mix: 0,
        epoch: 9,
        operation: 42,
    };
    assert!(house.events().contains(&ended));
}

#[test]
fn those_who_hear_the_same_in_one_format_get_the_same_payloads() {
    let mut house = House::new(4);
    house.order(Command::OpenMix {
        mix: 0,
        epoch: 9,
        rate: 16_000,
        loudest: 0,
        keys: false,
    });
    for (leg, ptime) in [(0, 20), (1, 40), (2, 40), (3, 20)] {
        house.call(leg, Speech::Opus, ptime);
        house.order(Command::Join { mix: 0, leg });
    }
    house.says(3, 1000.0);
    house.run(1500);
    for listener in 0..3 {
        is_heard(house.hears(listener, 1000.0));
    }
    is_not_heard(house.hears(3, 1000.0));
    let lengths = |leg: u32| -> Vec<usize> {
        let packets = &house.parties[&leg].packets;
        packets[packets.len() - 10..].iter().map(|p| p.1).collect()
    };
    assert_eq!(lengths(1), lengths(2));
    assert!((35..=38).contains(&house.parties[&1].packets.len()));
}

impl House {
    /// A party presses a key for a while, as phones do (RFC 4733 section 2.5.1.4).
    fn press(&mut self, leg: u32, digit: char, ms: u32) {
        let mut sender = rtp::event::Sender::new(&digit.to_string(), ms, 60, 8000, 20).unwrap();
        let began = (self.now * 8) as u32;
        while !sender.is_done() {
            if let Some(packet) = sender.tick() {
                let party = self.parties.get_mut(&leg).unwrap();
                let mut data = Vec::new();
                Header {
                    marker: packet.marker,
                    payload_type: 101,
                    sequence: party.sequence,
                    timestamp: began.wrapping_add(packet.timestamp),
                    ssrc: 7,
                }
                .print(&mut data);
                party.sequence = party.sequence.wrapping_add(1);
                data.extend_from_slice(&packet.event.print());
                self.arrive(leg, &data);
                for (leg, data) in std::mem::take(&mut self.sent.rtp) {
                    self.parties.get_mut(&leg).unwrap().hear(&data);
                }
            }
            self.run(20);
        }
    }

    /// The keys that were told, with their legs.
    fn keys_told(&mut self) -> String {
        let mut told = String::new();
        for event in self.events() {
            if let Event::Digit { leg, digit, .. } = event {
                told += &format!("{leg}{digit} ");
            }
        }
        told
    }

    /// The keys that a party hears as events, by its own tracker.
    fn keys_by_event(&mut self, leg: u32) -> String {
        let mut tracker = rtp::event::KeyTracker::default();
        let party = &self.parties[&leg];
        let events = party.packets.iter().filter(|p| p.0.payload_type == 101);
        events
            .zip(&party.keys)
            .filter_map(|(packet, key)| {
                let event = rtp::event::TelephoneEvent::parse(key)?;
                Some(tracker.receive(event, packet.0.timestamp, 0.0)?.key)
            })
            .collect()
    }

    /// The keys that it hears in the sound.
    fn keys_in_band(&mut self, leg: u32) -> String {
        let party = &self.parties[&leg];
        let mut detector = dsp::dtmf::Detector::new(party.format.rate());
        let mut keys = String::new();
        for frame in party.heard.chunks(party.format.rate() as usize / 50) {
            keys.extend(detector.hear(frame).map(|pressed| pressed.key));
        }
        keys
    }

    /// Whether its connection knows telephone-events.
    fn without_events(&mut self, leg: u32, speech: Speech) {
        let (payload_type, name, clock_rate, channels, _) = speech.said();
        let codings = vec![Coding::new(payload_type, name, clock_rate, channels, "")];
        let address = format!("192.0.2.1:{}", 4000 + 2 * leg).parse().unwrap();
        self.order(Command::Connect {
            leg,
            connection: Connection {
                rtp: address,
                rtcp: address,
                rtcp_mux: true,
                formats: Arc::new(Formats::agree(codings.clone(), codings)),
                ptime: 20,
                send: true,
                receive: true,
                keys: None,
            },
        });
    }
}

#[test]
fn keys_are_sent_as_the_party_takes_them_and_what_is_heard_goes_on_afterwards() {
    for (by, as_events) in [(By::Agreed, true), (By::Event, true), (By::InBand, false)] {
        let mut house = House::new(2);
        house.call(0, Speech::Pcma, 20);
        house.call(1, Speech::Pcma, 20);
        house.says(0, 1000.0);
        house.bridge(0, 1);
        house.run(200);
        house.order(Command::SendDigits {
            leg: 1,
            digits: "159#D".to_owned(),
            press_ms: 100,
            pause_ms: 100,
            by,
        });
        house.run(2500);
        let (events, tones) = (house.keys_by_event(1), house.keys_in_band(1));
        let expected = if as_events {
            ("159#D", "")
        } else {
            ("", "159#D")
        };
        assert_eq!((events.as_str(), tones.as_str()), expected, "{by:?}");
        is_heard(house.hears(1, 1000.0));
        assert_eq!(house.panics(), 0);
    }
}

#[test]
fn a_key_goes_on_as_the_other_side_takes_it_and_never_twice() {
    // By whom it passes, is sent anew, and is made a tone.
    for (other, events) in [
        (Speech::Pcma, true),
        (Speech::G722, true),
        (Speech::Pcma, false),
        (Speech::G722, false),
        (Speech::Opus, false),
    ] {
        let mut house = House::new(2);
        house.call(0, Speech::Pcma, 20);
        house.call(1, other, 20);
        if !events {
            house.without_events(1, other);
        }
        house.says(0, 1000.0);
        house.bridge(0, 1);
        house.run(300);
        for digit in "4711".chars() {
            house.parties.get_mut(&0).unwrap().says = None;
            house.press(0, digit, 100);
            house.says(0, 1000.0);
            house.run(200);
        }
        house.run(1000);
        assert_eq!(house.keys_told(), "04 07 01 01 ");
        let heard = (house.keys_by_event(1), house.keys_in_band(1));
        let expected = if events { ("4711", "") } else { ("", "4711") };
        let name = other.said().1;
        assert_eq!(
            (heard.0.as_str(), heard.1.as_str()),
            expected,
            "{name} {events}"
        );
        assert_eq!(house.panics(), 0);
    }
}

#[test]
fn a_members_key_goes_to_those_who_hear_it() {
    let mut house = room(8000, 0);
    for leg in 0..4 {
        house.parties.get_mut(&leg).unwrap().says = None;
    }
    house.without_events(3, Speech::Pcma);
    house.order(level(1, 0.0, true, true));
    house.run(200);
    house.press(0, '5', 100);
    house.press(1, '6', 100);
    house.run(1000);
    assert_eq!(house.keys_told(), "05 16 ");
    let by_event: Vec<String> = (0..4).map(|leg| house.keys_by_event(leg)).collect();
    // Opus counts by another clock than the events that were agreed: it hears tones.
    assert_eq!(by_event, ["", "", "", ""]);
    assert_eq!(house.keys_in_band(3), "5");
    assert_eq!(house.keys_in_band(2), "5");
    assert_eq!(
        (house.keys_in_band(0), house.keys_in_band(1)),
        (String::new(), String::new())
    );
}

#[test]
fn only_the_loudest_are_heard_and_who_speaks_is_told() {
    let mut house = room(8000, 1);
    for leg in 0..4 {
        house.parties.get_mut(&leg).unwrap().says = None;
    }
    house.says(0, TONES[0]);
    house.run(600);
    let speaking = Event::Speaking {
        mix: 0,
        epoch: 9,
        leg: 0,
    };
    assert_eq!(house.events(), [speaking]);
    house.run(1000);
    for listener in 1..4 {
        assert_eq!(who_hears(&mut house, listener), [0]);
    }
    assert_eq!(who_hears(&mut house, 0), [0; 0]);
}

/// A party's RTCP, which answers what it gets after 30 ms.
struct Reports {
    reporter: rtp::report::Reporter,
    reception: rtp::reception::Reception,
    heard: Vec<Vec<rtp::rtcp::Rtcp>>,
}

impl House {
    /// Time goes on, and each report that goes to one of these legs is answered, with VoIP metrics if they are given.
    fn report(
        &mut self,
        ms: u64,
        ends: &mut [(u32, Reports)],
        metrics: Option<rtp::xr::VoipMetrics>,
    ) {
        for _ in 0..ms / 10 {
            self.run(10);
            let now = self.now as f64 / 1000.0;
            for (leg, data) in std::mem::take(&mut self.sent.rtcp) {
                let Some((_, end)) = ends.iter_mut().find(|(end, _)| *end == leg) else {
                    continue;
                };
                end.heard.push(rtp::rtcp::parse(&data).unwrap());
                assert!(end.reporter.receive(&data, now));
            }
            for (leg, end) in ends.iter_mut() {
                for (header, _) in self.parties.get_mut(leg).unwrap().packets.drain(..) {
                    end.reception.receive(&header, None);
                }
                if end.reporter.is_due(now) {
                    let ntp = ((now + 1e6 * f64::from(*leg)) * 4_294_967_296.0) as u64;
                    let sending = rtp::report::Sending {
                        ssrc: 7,
                        timestamp: 0,
                        packets: 1,
                        octets: 160,
                    };
                    let report = end.reporter.make(
                        (7, "party"),
                        Some(sending),
                        &mut end.reception,
                        metrics,
                        (now, ntp),
                    );
                    self.arrive(*leg, &report);
                }
            }
        }
    }

    fn ends(&self, legs: &[u32]) -> Vec<(u32, Reports)> {
        let now = self.now as f64 / 1000.0;
        legs.iter()
            .map(|&leg| {
                let end = Reports {
                    reporter: rtp::report::Reporter::new(u64::from(leg) + 77, now),
                    reception: rtp::reception::Reception::default(),
                    heard: Vec::new(),
                };
                (leg, end)
            })
            .collect()
    }

    fn measures(&self, leg: u32) -> crate::measures::Measures {
        self.legs.shared.counters[leg as usize].read(1).measures
    }
}

#[test]
fn who_speaks_itself_reports_it_and_hears_how_it_is_heard() {
    use rtp::rtcp::Rtcp;
    let mut house = House::new(2);
    house.call(0, Speech::Pcma, 20);
    house.call(1, Speech::Opus, 20);
    house.bridge(0, 1);
    house.says(0, 1000.0);
    house.says(1, 600.0);
    let mut ends = house.ends(&[0, 1]);
    house.report(30_000, &mut ends, None);
    for (leg, end) in &ends {
        assert!((5..12).contains(&end.heard.len()), "{}", end.heard.len());
        let last = end.heard.last().unwrap();
        let [
            Rtcp::SenderReport {
                packets,
                octets,
                blocks,
                ..
            },
            Rtcp::SourceDescription(_),
        ] = &last[..]
        else {
            panic!("{last:?}");
        };
        assert!(
            // The last report may be six seconds old (RFC 3550 section 6.3.1).
            (1190..1501).contains(packets) && *octets > 20 * packets,
            "{packets} {octets}"
        );
        assert_eq!(
            (blocks.len(), blocks[0].ssrc, blocks[0].fraction_lost),
            (1, 7, 0)
        );
        // Our reports tell the party its round trip, and its answers tell us ours: here both are of no length but the
        // party's steps of 10 ms.
        assert!(end.reporter.round_trip().unwrap() < 0.03);
        let measures = house.measures(*leg);
        assert!(measures.round_trip_ms.unwrap() < 30.0, "{measures:?}");
        assert_eq!(measures.party_lost, Some(0.0));
        assert!(
            measures.buffer_ms.is_some_and(|ms| ms < 60.0),
            "{measures:?}"
        );
    }
    assert_eq!(house.panics(), 0);
}

#[test]
fn where_packets_pass_reports_pass_too_and_are_read_on_the_way() {
    use rtp::rtcp::Rtcp;
    let mut house = House::new(2);
    house.call(0, Speech::Pcma, 20);
    house.call(1, Speech::Pcma, 20);
    house.bridge(0, 1);
    house.says(0, 1000.0);
    house.says(1, 600.0);
    let mut ends = house.ends(&[0, 1]);
    house.report(30_000, &mut ends, None);
    for (leg, end) in &ends {
        // Only the other party's, whose count of packets is 1.
        assert!(end.heard.len() >= 4);
        assert!(
            end.heard
                .iter()
                .all(|report| matches!(report[0], Rtcp::SenderReport { packets: 1, .. }))
        );
        let measures = house.measures(*leg);
        assert!(measures.round_trip_ms.unwrap() < 30.0, "{measures:?}");
        assert_eq!((measures.party_lost, measures.buffer_ms), (Some(0.0), None));
        assert_eq!(measures.sound, Some(1.0));
        let figures = house.legs.shared.counters[*leg as usize].read(1);
        assert!(figures.mos.unwrap() > 4.3, "{figures:?}");
    }
}

#[test]
fn voip_metrics_are_told_to_whoever_tells_its_own() {
    use rtp::rtcp::Rtcp;
    let mut house = House::new(2);
    house.call(0, Speech::Pcma, 20);
    house.call(1, Speech::Opus, 20);
    house.bridge(0, 1);
    house.says(0, 1000.0);
    house.says(1, 600.0);
    let theirs = rtp::xr::parse(&[[7, 0, 0, 8].as_slice(), &[0; 32]].concat()).unwrap()[0];
    let mut ends = house.ends(&[0]);
    house.report(20_000, &mut ends, Some(theirs));
    let last = ends[0].1.heard.last().unwrap();
    let Some(Rtcp::ExtendedReport { voip, .. }) = last.last() else {
        panic!("{last:?}");
    };
    assert_eq!((voip[0].ssrc, voip[0].loss_rate, voip[0].gmin), (7, 0, 16));
    assert!(voip[0].mos_conversation >= 42, "{voip:?}");
}

#[test]
fn losses_and_silence_of_a_party_are_measured_and_its_leg_is_judged_when_it_ends() {
    let mut house = House::new(2);
    house.call(0, Speech::Pcma, 20);
    house.call(1, Speech::Pcma, 20);
    house.bridge(0, 1);
    house.says(0, 1000.0);
    for _ in 0..20 {
        house.run(980);
        // Two packets in a row of every fifty never come.
        house.parties.get_mut(&0).unwrap().sequence += 2;
        house.run(20);
    }
    let figures = house.legs.shared.counters[0].read(1);
    assert!((36..=40).contains(&figures.lost), "{figures:?}");
    assert!(
        (18..=20).contains(&figures.measures.pattern.bursts),
        "{figures:?}"
    );
    let r = figures.r.unwrap();
    assert!((60.0..85.0).contains(&r), "{r}");
    house.order(Command::Close { leg: 0 });
    let judged = house.legs.shared.judged.ratings();
    assert_eq!(judged.iter().sum::<u64>(), 1);
    assert_eq!(house.legs.shared.judged.lost(), figures.lost);
}

impl House {
    /// A party says some sound of 8 kHz, as PCMA.
    fn speaks(&mut self, leg: u32, sound: &[i16]) {
        for frame in sound.chunks_exact(160) {
            let party = self.parties.get_mut(&leg).unwrap();
            let mut packet = Vec::new();
            Header {
                marker: false,
                payload_type: 8,
                sequence: party.sequence,
                timestamp: (self.now * 8) as u32,
                ssrc: 7,
            }
            .print(&mut packet);
            party.sequence = party.sequence.wrapping_add(1);
            Encoder::new(Format::Pcma)
                .unwrap()
                .encode(frame, &mut packet);
            self.arrive(leg, &packet);
            self.run(20);
        }
    }
}

fn keys(text: &str) -> Vec<i16> {
    let mut sound = vec![0; 1600];
    let mut dialer = dsp::dtmf::Dialer::new(text, 80, 80, 8000).unwrap();
    while !dialer.is_done() {
        dialer.play(160, &mut sound);
    }
    sound.resize(sound.len() + 4800, 0);
    sound
}

fn digits(events: &[Event]) -> String {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Digit { digit, .. } => Some(*digit),
            _ => None,
        })
        .collect()
}

#[test]
fn keys_in_the_sound_are_heard_where_they_are_listened_for_and_come_as_no_events() {
    use crate::leg::Listening;
    let mut house = House::new(2);
    house.call(0, Speech::Pcma, 20);
    house.call(1, Speech::Pcma, 20);
    house.bridge(0, 1);
    house.speaks(0, &keys("12"));
    assert_eq!(digits(&house.events()), "", "nobody listens");
    let listening = Listening {
        keys: true,
        ..Listening::default()
    };
    house.order(Command::Detect {
        leg: 0,
        listening: listening.clone(),
    });
    house.speaks(0, &keys("0123456789*#ABCD"));
    assert_eq!(digits(&house.events()), "0123456789*#ABCD");
    // A phone that sends both: the event is the key, and the tone beside it is the same.
    let sender = rtp::event::Sender::new("7", 100, 60, 8000, 20).unwrap();
    house.sends_key(0, sender);
    house.speaks(0, &keys("8"));
    assert_eq!(digits(&house.events()), "7");
    house.order(Command::Detect {
        leg: 0,
        listening: Listening::default(),
    });
    house.run(100);
    assert_eq!(house.panics(), 0);
}

impl House {
    fn sends_key(&mut self, leg: u32, mut sender: rtp::event::Sender) {
        let start = (self.now * 8) as u32;
        while !sender.is_done() {
            if let Some(sent) = sender.tick() {
                let party = self.parties.get_mut(&leg).unwrap();
                let mut packet = Vec::new();
                Header {
                    marker: sent.marker,
                    payload_type: 101,
                    sequence: party.sequence,
                    timestamp: start.wrapping_add(sent.timestamp),
                    ssrc: 7,
                }
                .print(&mut packet);
                party.sequence = party.sequence.wrapping_add(1);
                packet.extend_from_slice(&sent.event.print());
                self.arrive(leg, &packet);
            }
            self.run(20);
        }
    }
}

#[test]
fn a_fax_a_machines_beep_and_a_busy_tone_are_told_when_they_are_listened_for() {
    use crate::leg::{Detected, Listening};
    let mut house = House::new(1);
    house.call(0, Speech::Pcma, 20);
    house.order(Command::Detect {
        leg: 0,
        listening: Listening {
            keys: false,
            fax: true,
            answerer: true,
            beep: true,
            progress: Some("DE".to_owned()),
            pause_ms: None,
        },
    });
    house.speaks(0, &dsp::fax::Fax::Calling.sound(8000)[..4000]);
    house.speaks(0, &vec![0; 24_000]);
    let busy = dsp::progress::sound("DE", dsp::progress::Signal::Busy, 8000).unwrap();
    house.speaks(0, &busy.repeat(5));
    house.speaks(0, &vec![0; 4800]);
    let heard: Vec<Detected> = house
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Detected { what, .. } => Some(what),
            _ => None,
        })
        .collect();
    assert!(heard.contains(&Detected::FaxCalling), "{heard:?}");
    assert!(heard.contains(&Detected::Busy), "{heard:?}");
    assert!(
        heard.contains(&Detected::Person),
        "a word and a pause: {heard:?}"
    );
    assert!(heard.contains(&Detected::Beep), "{heard:?}");
    let unknown = Command::Detect {
        leg: 0,
        listening: Listening {
            progress: Some("XX".to_owned()),
            ..Listening::default()
        },
    };
    assert!(house.board.carry_out(&unknown).is_err());
}

#[test]
fn speech_and_the_pause_behind_it_are_told_also_of_a_party_that_sends_nothing_at_all() {
    use crate::leg::{Detected, Listening};
    let mut house = House::new(2);
    house.call(0, Speech::Pcma, 20);
    house.call(1, Speech::Pcma, 20);
    let told = |house: &mut House| {
        let mut told = Vec::new();
        for event in house.events() {
            if let Event::Detected { leg, what, .. } = event {
                told.push((leg, what));
            }
        }
        told
    };
    let listening = Listening {
        pause_ms: Some(1000),
        ..Listening::default()
    };
    for leg in 0..2 {
        house.order(Command::Detect {
            leg,
            listening: listening.clone(),
        });
    }
    let words: Vec<i16> = (0..4800)
        .map(|n| ((f64::from(n) * 0.7).sin() * 6000.0) as i16)
        .collect();
    house.speaks(0, &words);
    assert_eq!(told(&mut house), [(0, Detected::Speech)]);
    house.run(600);
    assert_eq!(
        told(&mut house),
        [(1, Detected::Pause)],
        "which has sent nothing"
    );
    // No packet comes while nothing is said: some phones do that.
    house.run(600);
    assert_eq!(told(&mut house), [(0, Detected::Pause)]);
    house.run(2000);
    house.speaks(0, &words);
    house.speaks(0, &[0; 12_000]);
    assert_eq!(
        told(&mut house),
        [(0, Detected::Speech), (0, Detected::Pause)]
    );
    for leg in 0..2 {
        house.order(Command::Detect {
            leg,
            listening: Listening::default(),
        });
    }
    house.run(3000);
    assert_eq!(told(&mut house), []);
    assert_eq!(house.panics(), 0);
}

#[test]
fn who_hears_a_mix_is_told_when_it_was_said() {
    use rtp::rtcp::Rtcp;
    let mut house = House::new(2);
    house.order(Command::OpenMix {
        mix: 0,
        epoch: 9,
        rate: 8000,
        loudest: 0,
        keys: true,
    });
    for leg in 0..2 {
        house.call(leg, Speech::Pcma, 20);
        house.order(Command::Join { mix: 0, leg });
    }
    house.says(0, 0.0);
    // Until as little is kept as the network needs.
    house.run(15_000);
    // From the next packet on, which comes when its first sample is said.
    house.says(0, 1000.0);
    let before = house.now;
    house.run(8000);
    let reports: Vec<_> = house.sent.rtcp.iter().filter(|it| it.0 == 1).collect();
    let newest = rtp::rtcp::parse(&reports[reports.len() - 1].1).unwrap();
    let Rtcp::SenderReport { ntp, timestamp, .. } = newest[0] else {
        panic!("{newest:?}");
    };
    let party = &house.parties[&1];
    let onset = party.heard.iter().position(|&it| it > 2000).unwrap();
    let first = party.packets[onset / 160].0.timestamp + (onset % 160) as u32;
    let told = (ntp - house.legs.shared.reporting.ntp(0.0)) as f64 / 4_294_967_296.0;
    let said = told - f64::from(timestamp.wrapping_sub(first)) / 8000.0;
    let late = said * 1000.0 - before as f64;
    assert!((0.0..=21.0).contains(&late), "{late} ms");
}

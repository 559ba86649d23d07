//! Rooms of Opus members: who is decoded, and whether anybody is cut off by that.

use codec::{Encoder, Format, Opus};
use rtp::Header;
use rtp::jitter::Settings;

use super::*;
use crate::playout::{Played, Playout};

const RATE: u32 = 16_000;
const FORMAT: Format = Format::Opus(Opus {
    rate: RATE,
    fec: false,
    dtx: false,
    cbr: false,
    bitrate: 0,
    complexity: 0,
});

/// A phone that speaks when it is told to: pulses of a voice's pitch through a formant, and soft noise always.
struct Phone {
    encoder: Encoder,
    pitch: u32,
    loudness: f64,
    filter: (f64, f64),
    n: u32,
}

impl Phone {
    fn new(slot: u32) -> Self {
        Self {
            encoder: Encoder::new(FORMAT).unwrap(),
            pitch: RATE / (90 + 11 * (slot % 12)),
            loudness: 3000.0 + 500.0 * f64::from(slot % 7),
            filter: (0.0, 0.0),
            n: slot * 101,
        }
    }

    fn packet(&mut self, speaks: bool) -> Vec<u8> {
        let samples: Vec<i16> = (0..RATE / 50)
            .map(|_| {
                self.n += 1;
                let noise = f64::from((self.n.wrapping_mul(7919)) % 31) / 10.0;
                // Syllables of a fifth of a second.
                let syllable = (f64::from(self.n % 3200) / 3200.0 * 3.2).sin().abs();
                let pulse = if speaks && self.n % self.pitch == 0 {
                    self.loudness * (0.3 + syllable)
                } else {
                    noise
                };
                let now = pulse + 1.7 * self.filter.0 - 0.8 * self.filter.1;
                self.filter = (now, self.filter.0);
                now.clamp(-32_000.0, 32_000.0) as i16
            })
            .collect();
        let mut payload = Vec::new();
        self.encoder.encode(&samples, &mut payload);
        payload
    }
}

/// A mix and the ears of its members.
struct Room {
    mix: Mix,
    voices: Arc<Voices>,
    playouts: Vec<Playout>,
    mixed: Mixed,
    frame: u32,
    decoded: u64,
    skipped: u64,
}

impl Room {
    fn new(members: u32, loudest: usize) -> Self {
        let voices = Arc::new(Voices::new(members as usize));
        let mut mix = Mix::new(1, RATE, loudest, false, Arc::clone(&voices));
        for slot in 0..members {
            voices.open(slot, 1);
            mix.join(slot, 1, None);
        }
        let playout = |_| Playout::new(FORMAT, Settings::default()).unwrap();
        Self {
            mix,
            voices,
            playouts: (0..members).map(playout).collect(),
            mixed: Mixed::default(),
            frame: 0,
            decoded: 0,
            skipped: 0,
        }
    }

    /// 20 ms: who is heard by all.
    fn run(&mut self, packets: &[Vec<u8>]) -> Vec<u32> {
        let now = 1.0 + 0.02 * f64::from(self.frame);
        for (slot, packet) in (0u32..).zip(packets) {
            let playout = &mut self.playouts[slot as usize];
            let header = Header {
                marker: false,
                payload_type: 111,
                sequence: self.frame as u16,
                timestamp: self.frame * 960,
                ssrc: slot,
            };
            playout.put(&header, FORMAT, packet, now);
            playout.hear_closely(self.voices.heard_closely(slot));
            let mut samples = Vec::new();
            match playout.frame(now, &mut samples) {
                Played::Nothing => {}
                Played::Skipped => {
                    self.skipped += 1;
                    self.voices.skip(slot, RATE, false);
                }
                _ => {
                    self.decoded += 1;
                    self.voices.speak(slot, RATE, false, now, &samples);
                }
            }
        }
        self.frame += 1;
        self.mix.tick(&mut self.mixed);
        let heard = |member: &&Member| self.mix.is_heard(member);
        let members = self.mix.members.iter().filter(heard);
        members.map(|member| member.leg).collect()
    }
}

/// Whether each phone speaks in a frame: bursts of 0.4 to 3 s at times that a seed gives.
fn speaks(seed: u32, slot: u32, frame: u32) -> bool {
    let turn = frame / 150;
    let dice =
        (seed.wrapping_mul(2_654_435_761) ^ slot.wrapping_mul(40_503) ^ turn.wrapping_mul(69_069))
            .wrapping_mul(2_246_822_519);
    let (begin, length) = (dice >> 8 & 63, 20 + (dice >> 16 & 127));
    let at = frame % 150;
    dice >> 29 < 3 && (begin..begin + length).contains(&at)
}

#[test]
fn nobody_who_begins_to_speak_is_cut_off_by_more_than_a_frame_beyond_hysteresis() {
    const MEMBERS: u32 = 9;
    let (mut begun, mut decoded, mut all) = (0, 0, 0);
    for seed in 0..6 {
        let mut room = Room::new(MEMBERS, 3);
        // Here somebody wants every word of each.
        let mut close = Room::new(MEMBERS, 3);
        let ears: Vec<Hearing> = (0..MEMBERS)
            .map(|slot| close.voices.hear(slot, 1))
            .collect();
        let mut phones: Vec<Phone> = (0..MEMBERS).map(Phone::new).collect();
        let mut history: Vec<(Vec<u32>, Vec<u32>)> = Vec::new();
        for frame in 0..1500 {
            let packets: Vec<Vec<u8>> = (0..MEMBERS)
                .zip(&mut phones)
                .map(|(slot, phone)| phone.packet(speaks(seed, slot, frame)))
                .collect();
            history.push((close.run(&packets), room.run(&packets)));
        }
        assert_eq!(close.skipped, 0);
        decoded += room.decoded;
        all += close.decoded;
        for at in 1..history.len() - 1 {
            let (before, now) = (&history[at - 1].0, &history[at].0);
            for slot in now.iter().filter(|slot| !before.contains(slot)) {
                // A place that becomes free may go to somebody who has just stopped: there is nothing to be cut off.
                let frame = at as u32;
                if !speaks(seed, *slot, frame) && !speaks(seed, *slot, frame - 1) {
                    continue;
                }
                begun += 1;
                let heard = history[at..=at + 1]
                    .iter()
                    .any(|(_, heard)| heard.contains(slot));
                assert!(
                    heard,
                    "seed {seed}: {slot} at frame {at}: {:?}",
                    &history[at - 1..at + 3]
                );
            }
        }
        drop(ears);
    }
    assert!(begun > 100, "{begun}");
    assert!(decoded < all * 8 / 10, "{decoded} of {all}");
}

#[test]
fn in_a_large_room_hardly_more_than_the_speakers_are_decoded() {
    const MEMBERS: u32 = 100;
    let mut room = Room::new(MEMBERS, 3);
    let mut phones: Vec<Phone> = (0..MEMBERS).map(Phone::new).collect();
    let mut heard = 0;
    for frame in 0..500 {
        let packets: Vec<Vec<u8>> = (0..MEMBERS)
            .zip(&mut phones)
            .map(|(slot, phone)| phone.packet(slot % 33 == 0 && slot > 0))
            .collect();
        if frame == 100 {
            (room.decoded, room.skipped) = (0, 0);
        }
        heard += usize::from(room.run(&packets) == [33, 66, 99]);
    }
    assert!(heard > 450, "{heard}");
    let share = room.decoded as f64 / (room.decoded + room.skipped) as f64;
    assert!(share < 0.12, "{share}");
}

#[test]
fn whom_one_member_hears_in_its_own_way_is_heard_closely_though_it_is_muted() {
    let mut room = Room::new(4, 1);
    let muted = Standing {
        muted: true,
        ..Standing::default()
    };
    room.mix.stand(0, muted);
    room.mix.stand(1, muted);
    room.mix.hear(3, 0, Some(Gain::UNITY));
    let mut phones: Vec<Phone> = (0..4).map(Phone::new).collect();
    for _ in 0..50 {
        let packets: Vec<Vec<u8>> = phones.iter_mut().map(|phone| phone.packet(true)).collect();
        room.run(&packets);
    }
    let close: Vec<bool> = (0..4).map(|slot| room.voices.heard_closely(slot)).collect();
    assert!(close[0] && !close[1]);
    assert_eq!(
        close[2..].iter().filter(|&&one| one).count(),
        1,
        "the loudest"
    );
}

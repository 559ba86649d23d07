//! Hours of bad networks in virtual time.

use netem::{Faults, Netem, Random};

use super::*;

const L16: Format = Format::L16 { rate: 8000 };
const SAMPLES: usize = 160;

/// A party, its network, and the ear at the other end.
struct Line {
    playout: Playout,
    netem: Netem,
    /// By the time of arrival.
    travelling: Vec<(f64, Header, Vec<u8>)>,
    header: Header,
    sent: u64,
    lost: u64,
    now: f64,
    /// Of the party's next packet; its clock runs as much faster as this is shorter than 20 ms.
    next_packet: f64,
    period: f64,
    heard: Vec<i16>,
    played: Vec<Played>,
}

impl Line {
    fn new(seed: u64, faults: Faults) -> Self {
        Self {
            playout: Playout::new(L16, Settings::default()).unwrap(),
            netem: Netem::new(seed, faults),
            travelling: Vec::new(),
            header: Header {
                marker: true,
                payload_type: 96,
                sequence: 65_500,
                timestamp: u32::MAX - 8000,
                ssrc: 7,
            },
            sent: 0,
            lost: 0,
            now: 0.0133,
            next_packet: 0.0,
            period: 0.02,
            heard: Vec::new(),
            played: Vec::new(),
        }
    }

    fn drifting(mut self, ppm: f64) -> Self {
        self.period = 0.02 / (1.0 + ppm * 1e-6);
        self
    }

    fn send(&mut self, samples: &[i16]) {
        let payload: Vec<u8> = samples.iter().flat_map(|s| s.to_be_bytes()).collect();
        let at = self.next_packet;
        let arrivals: Vec<f64> = self.netem.send(at).collect();
        self.lost += u64::from(arrivals.is_empty());
        for arrival in arrivals {
            let behind = self
                .travelling
                .partition_point(|(time, ..)| *time <= arrival);
            self.travelling
                .insert(behind, (arrival, self.header, payload.clone()));
        }
        self.sent += 1;
        self.header.marker = false;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.skip(samples.len());
    }

    /// The party says nothing for so many samples.
    fn skip(&mut self, samples: usize) {
        self.header.timestamp = self.header.timestamp.wrapping_add(samples as u32);
        self.next_packet += self.period * samples as f64 / SAMPLES as f64;
    }

    /// Let time go by until the party's next packet is due.
    fn hear(&mut self) {
        while self.now < self.next_packet {
            self.tick();
        }
    }

    fn tick(&mut self) {
        let arrived = self
            .travelling
            .partition_point(|(time, ..)| *time <= self.now);
        for (time, header, payload) in self.travelling.drain(..arrived) {
            self.playout.put(&header, L16, &payload, time);
        }
        let before = self.heard.len();
        self.played
            .push(self.playout.frame(self.now, &mut self.heard));
        assert_eq!(self.heard.len() - before, SAMPLES);
        self.now += 0.02;
    }

    /// A packet a tick, each made by its number.
    fn talk(&mut self, packets: u64, samples: impl Fn(u64) -> Vec<i16>) {
        for _ in 0..packets {
            self.send(&samples(self.sent));
            self.hear();
        }
    }

    /// Until all that was sent has been heard.
    fn finish(&mut self) {
        for _ in 0..100 {
            self.tick();
        }
    }

    fn count(&self, played: Played) -> u64 {
        self.played.iter().filter(|&&p| p == played).count() as u64
    }

    fn concealed(&self) -> u64 {
        self.playout.figures().concealed_ms / 20
    }
}

/// A packet that tells its number in every sample: never 0, and never the same in neighbours.
fn numbered(number: u64) -> Vec<i16> {
    vec![1000 + (number % 20_000) as i16; SAMPLES]
}

/// The numbers of the packets that were heard, each as often as its samples. What leads from one to another, as after
/// something was made up, is left out: nothing of it lasts 5 ms.
fn numbers(heard: &[i16]) -> Vec<(i16, usize)> {
    let mut numbers: Vec<(i16, usize)> = Vec::new();
    for &sample in heard.iter().filter(|&&sample| sample >= 1000) {
        match numbers.last_mut() {
            Some((last, count)) if *last == sample - 1000 => *count += 1,
            _ => numbers.push((sample - 1000, 1)),
        }
    }
    numbers.retain(|(_, count)| *count >= 40);
    numbers
}

/// Speech for a second, silence for half a second.
fn with_pauses(number: u64) -> Vec<i16> {
    if number % 75 < 50 {
        numbered(number)
    } else {
        vec![0; SAMPLES]
    }
}

#[test]
fn on_a_good_network_all_that_is_sent_is_heard_once_and_soon() {
    let mut line = Line::new(
        1,
        Faults {
            delay: 0.05,
            ..Faults::default()
        },
    );
    line.talk(49, numbered);
    line.finish();
    let whole: Vec<(i16, usize)> = (0..49).map(|n| (n, SAMPLES)).collect();
    let mut heard = numbers(&line.heard);
    // When nothing more comes, the last sound is taken to go on for a moment.
    let last = heard.last_mut().unwrap();
    assert!((SAMPLES..2 * SAMPLES).contains(&last.1));
    last.1 = SAMPLES;
    assert_eq!(heard, whole);
    let first = line.heard.iter().position(|&s| s >= 1000).unwrap();
    // It was sent at 0, and the first tick was 13 ms later.
    let delay = 13.3 + first as f64 / 8.0 - 50.0;
    assert!((40.0..60.0).contains(&delay), "{delay}");
    assert_eq!(line.concealed(), 0);
}

#[test]
fn the_delay_falls_to_what_the_network_needs_in_the_silences() {
    let mut line = Line::new(
        1,
        Faults {
            delay: 0.05,
            ..Faults::default()
        },
    );
    line.talk(1500, with_pauses);
    let kept = line.playout.buffer.excess() + line.playout.buffer.target();
    assert!((0.0..0.033).contains(&kept), "{kept}");
    assert!(
        numbers(&line.heard)
            .iter()
            .all(|&(_, samples)| samples == SAMPLES)
    );
    assert_eq!(line.concealed(), 0);
}

#[test]
fn what_is_played_is_what_was_sent_through_loss_jitter_reordering_and_duplicates() {
    for (seed, loss, jitter, reorder) in [
        (1, 0.0, 0.02, 0.0),
        (2, 0.01, 0.05, 0.0),
        (3, 0.05, 0.1, 0.01),
        (4, 0.1, 0.2, 0.0),
        (5, 0.2, 0.3, 0.0),
        (6, 0.3, 0.3, 0.01),
        (7, 0.3, 0.0, 0.0),
    ] {
        let faults = Faults {
            loss,
            jitter,
            reorder,
            duplicate: 0.05,
            delay: 0.03,
        };
        let mut line = Line::new(seed, faults);
        line.talk(15_000, with_pauses);
        line.finish();
        let figures = line.playout.figures();
        let played = figures.packets.played + figures.packets.late;
        assert_eq!(played + line.lost, line.sent, "{faults:?}: {figures:?}");
        // Besides what was lost, what came too late is concealed; the tail beyond the 98 % and the reordered.
        let late = 0.035 + reorder;
        assert!(
            figures.packets.late as f64 <= line.sent as f64 * late,
            "{faults:?}: {figures:?}"
        );
        let missing = (line.lost + figures.packets.late) as i64;
        let concealed = line.concealed() as i64;
        assert!(
            (concealed - missing).abs() <= line.sent as i64 / 50,
            "{faults:?}: {concealed} concealed, {missing} missing"
        );
        // In order and none twice, but for the steps by which speech is stretched.
        let heard = numbers(&line.heard);
        let falls = heard
            .windows(2)
            .filter(|pair| pair[1].0 < pair[0].0)
            .count();
        assert!(falls <= 20, "{faults:?}: {falls} with {figures:?}");
        assert!(figures.target_ms <= 400.0);
    }
}

#[test]
fn clocks_that_drift_for_six_hours_are_followed_in_the_silences() {
    for ppm in [-200.0, 200.0] {
        let faults = Faults {
            delay: 0.05,
            jitter: 0.01,
            ..Faults::default()
        };
        let mut line = Line::new(1, faults).drifting(ppm);
        line.talk(75 * 20, with_pauses);
        let mut delays = (f64::INFINITY, 0.0f64);
        for hour in 0..6 {
            for _ in 0..2400 {
                line.talk(75, with_pauses);
                let kept = line.playout.buffer.wait();
                delays = (delays.0.min(kept), delays.1.max(kept));
                line.heard.clear();
                line.played.clear();
            }
            let figures = line.playout.figures();
            assert!(
                figures.concealed_ms < 2000 * (hour + 1),
                "{ppm}: {figures:?}"
            );
            assert!(line.playout.buffer.len() < 5);
        }
        assert!(delays.1 < 0.045, "{ppm}: {delays:?}");
        let figures = line.playout.figures();
        let (more, less) = if ppm > 0.0 {
            (figures.cut_ms, figures.stretched_ms)
        } else {
            (figures.stretched_ms, figures.cut_ms)
        };
        // 200 ppm of 6 hours are 4.3 s.
        let drift = (more as f64 - less as f64) / 1000.0;
        assert!((drift - 4.32).abs() < 0.1, "{ppm}: {figures:?}");
    }
}

#[test]
fn music_without_a_pause_is_kept_in_step_by_small_steps() {
    let music = |number: u64| -> Vec<i16> {
        (0..SAMPLES as u64)
            .map(|n| {
                let time = (number * SAMPLES as u64 + n) as f64 / 8000.0;
                let tone = |hz: f64, peak: f64| peak * (std::f64::consts::TAU * hz * time).sin();
                (tone(261.6, 4000.0) + tone(329.6, 3000.0) + tone(392.0, 3000.0)) as i16
            })
            .collect()
    };
    for ppm in [-200.0, 200.0] {
        let mut line = Line::new(
            1,
            Faults {
                delay: 0.05,
                ..Faults::default()
            },
        )
        .drifting(ppm);
        for _ in 0..60 {
            line.talk(3000, music);
            assert!(line.playout.buffer.wait() < 0.07);
            // No click: neighbours differ no more than the steepest of the music does.
            let steepest = line.heard[8000..]
                .windows(2)
                .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
                .max();
            assert!(steepest < Some(2600), "{ppm}: {steepest:?}");
            line.heard.clear();
        }
        let figures = line.playout.figures();
        assert!(figures.concealed_ms <= 200, "{ppm}: {figures:?}");
        assert!(
            figures.cut_ms.max(figures.stretched_ms) > 500,
            "{ppm}: {figures:?}"
        );
    }
}

#[test]
fn pauses_of_the_sender_are_no_loss_and_each_talkspurt_is_heard_whole() {
    let mut line = Line::new(
        5,
        Faults {
            jitter: 0.03,
            ..Faults::default()
        },
    );
    let mut random = Random::new(9);
    for _ in 0..200 {
        line.header.marker = true;
        line.talk(20 + random.below(100), numbered);
        line.skip(SAMPLES * (10 + random.below(200) as usize));
        line.hear();
    }
    line.finish();
    let figures = line.playout.figures();
    assert_eq!(figures.packets.missing, 0);
    assert!(figures.packets.late < line.sent / 33, "{figures:?}");
    assert!(
        line.concealed() <= figures.packets.late + 40,
        "{figures:?} of {}",
        line.sent
    );
    assert!(line.count(Played::Nothing) > 10_000);
}

#[test]
fn another_source_a_jump_of_the_timestamp_and_a_restart_go_on_without_a_gap() {
    let mut line = Line::new(
        1,
        Faults {
            jitter: 0.005,
            ..Faults::default()
        },
    );
    line.talk(100, numbered);
    line.header.ssrc = 8;
    line.header.sequence = 1;
    line.header.timestamp = 1;
    line.talk(100, numbered);
    line.header.timestamp = line.header.timestamp.wrapping_add(1_000_000);
    line.talk(100, numbered);
    line.header.timestamp = line.header.timestamp.wrapping_sub(40_000_000);
    line.talk(100, numbered);
    line.header.sequence = line.header.sequence.wrapping_add(20_000);
    line.header.timestamp = line.header.timestamp.wrapping_add(77_000_000);
    line.talk(100, numbered);
    line.finish();
    let heard = numbers(&line.heard);
    assert_eq!(heard.len(), 500, "{heard:?}");
    assert_eq!(line.playout.figures().packets.strange, 0);
    assert!(line.playout.figures().packets.missing == 0);
}

#[test]
fn strangers_and_replays_are_counted_and_never_heard() {
    let mut line = Line::new(1, Faults::default());
    let false_sound: Vec<u8> = vec![0x7f; 2 * SAMPLES];
    for _ in 0..40 {
        line.talk(25, with_pauses);
        let strange = Header {
            ssrc: 666,
            sequence: line.sent as u16,
            ..line.header
        };
        line.playout.put(&strange, L16, &false_sound, line.now);
        for back in [900u16, 899, 898, 50, 49] {
            let replay = Header {
                sequence: line.header.sequence.wrapping_sub(back),
                timestamp: line.header.timestamp.wrapping_sub(u32::from(back) * 160),
                ..line.header
            };
            line.playout.put(&replay, L16, &false_sound, line.now);
        }
        let wild = Header {
            sequence: line.header.sequence.wrapping_add(15_000),
            ..line.header
        };
        line.playout.put(&wild, L16, &false_sound, line.now);
        line.playout
            .put(&line.header.clone(), L16, &[1, 2, 3], line.now - 1.0);
        line.header.sequence = line.header.sequence.wrapping_add(1);
    }
    line.finish();
    assert!(!line.heard.contains(&0x7f7f));
    let figures = line.playout.figures();
    assert_eq!(figures.malformed, 40);
    assert_eq!(
        figures.packets.strange + figures.packets.duplicates + figures.packets.late,
        40 * 7
    );
    assert_eq!(figures.packets.missing, 0);
}

#[test]
fn telephone_events_are_neither_heard_nor_missed() {
    let mut line = Line::new(1, Faults::default());
    for _ in 0..20 {
        line.talk(50, with_pauses);
        for _ in 0..8 {
            let event = line.header;
            line.playout.pass_over(&event, line.now);
            line.header.sequence = line.header.sequence.wrapping_add(1);
            line.next_packet += 0.02;
            line.hear();
        }
        line.header.timestamp = line.header.timestamp.wrapping_add(8 * 160);
    }
    line.finish();
    let figures = line.playout.figures();
    assert_eq!(
        (figures.packets.missing, figures.concealed_ms),
        (0, 0),
        "{figures:?}"
    );
    assert_eq!(figures.packets.played, line.sent);
}

#[test]
fn comfort_noise_is_heard_at_its_level_until_speech_comes_again() {
    let mut line = Line::new(1, Faults::default());
    line.talk(50, numbered);
    let noise = line.header;
    line.playout.put_comfort_noise(&noise, &[50], line.now);
    line.header.sequence = line.header.sequence.wrapping_add(1);
    line.heard.clear();
    line.played.clear();
    line.skip(100 * SAMPLES);
    line.hear();
    assert!(line.count(Played::Comfort) > 95);
    assert_eq!(line.count(Played::Concealed), 0);
    let level = dsp::dbm0(&line.heard[4000..]);
    assert!((level - (-50.0 + 6.15)).abs() < 0.5, "{level}");
    line.played.clear();
    line.talk(50, numbered);
    assert!(line.count(Played::Speech) > 45);
}

#[test]
fn a_flood_is_cut_to_what_may_be_kept() {
    let mut line = Line::new(1, Faults::default());
    line.talk(100, numbered);
    // The network stops for three seconds and then brings everything at once.
    let resume = line.next_packet + 2.99;
    for _ in 0..150 {
        let header = line.header;
        let payload: Vec<u8> = numbered(line.sent)
            .iter()
            .flat_map(|s| s.to_be_bytes())
            .collect();
        line.travelling.push((resume, header, payload));
        line.sent += 1;
        line.header.sequence = line.header.sequence.wrapping_add(1);
        line.skip(SAMPLES);
        line.hear();
    }
    line.talk(500, numbered);
    assert!(
        line.playout.buffer.len() < 12,
        "{}",
        line.playout.buffer.len()
    );
    let last = numbers(&line.heard).last().unwrap().0;
    assert!(
        line.sent - 1 - (last as u64) < 12,
        "{last} of {}",
        line.sent
    );
}

#[test]
fn packets_of_ten_to_sixty_milliseconds_are_heard_whole() {
    for samples in [80, 240, 320, 480] {
        let mut line = Line::new(
            1,
            Faults {
                jitter: 0.015,
                ..Faults::default()
            },
        );
        for number in 0..400u64 {
            let sound = if number % 20 < 15 {
                numbered(number)
            } else {
                vec![0; SAMPLES]
            };
            let sound: Vec<i16> = sound.iter().copied().cycle().take(samples).collect();
            line.send(&sound);
            line.hear();
        }
        line.finish();
        let figures = line.playout.figures();
        assert_eq!(figures.packets.missing, 0);
        assert!(figures.packets.late <= 10, "{samples}: {figures:?}");
        let whole = numbers(&line.heard)
            .iter()
            .filter(|(_, count)| *count == samples)
            .count();
        assert!(whole >= 285, "{samples}: {whole} of 300 whole");
    }
}

#[test]
fn a_format_may_change_from_packet_to_packet() {
    let mut playout = Playout::new(Format::Pcmu, Settings::default()).unwrap();
    let mut header = Header {
        marker: false,
        payload_type: 0,
        sequence: 0,
        timestamp: 0,
        ssrc: 1,
    };
    let mut out = Vec::new();
    let mut rates = Vec::new();
    for n in 0..200u32 {
        let now = f64::from(n) * 0.02;
        let (format, payload, step) = match n / 50 {
            0 => (Format::Pcmu, vec![0x00; 160], 160),
            1 => (Format::Pcma, vec![0x2a; 160], 160),
            _ => (Format::L16 { rate: 16_000 }, vec![0x40; 640], 320),
        };
        playout.put(&header, format, &payload, now);
        header.sequence += 1;
        header.timestamp += step;
        out.clear();
        playout.frame(now, &mut out);
        assert_eq!(out.len(), playout.rate() as usize / 50);
        if rates.last() != Some(&playout.rate()) {
            rates.push(playout.rate());
        }
    }
    assert_eq!(rates, [8000, 16_000]);
    assert_eq!(playout.figures().packets.late, 0);
    assert!(playout.figures().concealed_ms <= 20);
}

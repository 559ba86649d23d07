//! Keys as RTP (RFC 4733).

use std::collections::VecDeque;

/// The payload of a telephone-event packet (section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelephoneEvent {
    pub event: u8,
    pub end: bool,
    /// Power of the tone, in dBm0 with the sign dropped.
    pub volume: u8,
    /// In timestamp units, from the start of the event or of its segment.
    pub duration: u16,
}

impl TelephoneEvent {
    /// The first event of a payload; None when it is too short.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [event, flags, high, low, ..] = *payload else {
            return None;
        };
        Some(Self {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    pub fn print(&self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [
            self.event,
            u8::from(self.end) << 7 | self.volume & 0x3f,
            high,
            low,
        ]
    }

    /// The key of a DTMF event (section 3.2, table 3); None for any other event.
    pub fn key(&self) -> Option<char> {
        b"0123456789*#ABCD"
            .get(usize::from(self.event))
            .map(|&key| char::from(key))
    }
}

/// A key that was pressed and let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub key: char,
    /// In timestamp units.
    pub duration: u32,
}

/// Makes one [`Key`] of the many packets that tell of it.
///
/// A key is told when the first packet with the end bit comes; when those are all lost, at the next key, or when
/// nothing more was heard of it for [`KeyTracker::PATIENCE`] seconds.
#[derive(Debug, Default)]
pub struct KeyTracker {
    /// The newest event: its timestamp, and the pressed key until it has been told.
    last: Option<(u32, Option<Pressed>)>,
}

#[derive(Clone, Copy, Debug)]
struct Pressed {
    key: char,
    /// Of the segments before this one.
    before: u32,
    duration: u16,
    heard_at: f64,
}

impl Pressed {
    fn told(self) -> Key {
        Key {
            key: self.key,
            duration: self.before + u32::from(self.duration),
        }
    }
}

impl KeyTracker {
    /// Senders update an event every 50 ms at the longest (section 2.5.1.2); four lost ones in a row are its end.
    pub const PATIENCE: f64 = 0.25;

    /// An event packet with its RTP timestamp. Gives a key that is now known to be over.
    ///
    /// One packet can end the key before and be the only one heard of its own: the latter is told by the next packet
    /// or by `timeout`.
    pub fn receive(&mut self, event: TelephoneEvent, timestamp: u32, now: f64) -> Option<Key> {
        let key = event.key()?;
        let (start, pressed) = match self.last {
            Some((newest, _)) if (timestamp.wrapping_sub(newest) as i32) < 0 => {
                // Reordered behind a newer key.
                return None;
            }
            Some((newest, pressed)) if newest == timestamp => {
                (timestamp, pressed.map(|p| (p, None)))
            }
            Some((newest, Some(pressed)))
                if pressed.key == key && timestamp.wrapping_sub(newest) == u32::from(u16::MAX) =>
            {
                // Section 2.5.1.3: an event longer than the duration field can tell goes on as a new segment that
                // starts where the old one ended.
                let before = pressed.before + u32::from(u16::MAX);
                (
                    timestamp,
                    Some((
                        Pressed {
                            before,
                            duration: 0,
                            ..pressed
                        },
                        None,
                    )),
                )
            }
            earlier => {
                let fresh = Pressed {
                    key,
                    before: 0,
                    duration: 0,
                    heard_at: now,
                };
                let over = earlier.and_then(|(_, pressed)| pressed).map(Pressed::told);
                (timestamp, Some((fresh, over)))
            }
        };
        let Some((mut pressed, over)) = pressed else {
            // A repeated end packet of a key that was told.
            return None;
        };
        pressed.duration = pressed.duration.max(event.duration);
        pressed.heard_at = now;
        if event.end && over.is_none() {
            self.last = Some((start, None));
            return Some(pressed.told());
        }
        self.last = Some((start, Some(pressed)));
        over
    }

    /// Gives a key of which nothing was heard for too long.
    pub fn timeout(&mut self, now: f64) -> Option<Key> {
        match self.last {
            Some((start, Some(pressed))) if now >= pressed.heard_at + Self::PATIENCE => {
                self.last = Some((start, None));
                Some(pressed.told())
            }
            _ => None,
        }
    }

    /// Whether a key is held: then `timeout` must be called now and then.
    pub fn pressed(&self) -> bool {
        matches!(self.last, Some((_, Some(_))))
    }
}

/// The end of an event is sent so often (section 2.5.1.4).
const ENDS: u32 = 3;
/// The tone that the receiver is to make, in dBm0 with the sign dropped.
const VOLUME: u8 = 10;

/// Sends keys as events, one after another: asked for a packet at every tick.
///
/// All packets of a key bear the timestamp of its beginning; those of one that lasts longer than the field can tell go
/// on as a new segment (section 2.5.1.3).
#[derive(Clone, Debug)]
pub struct Sender {
    events: VecDeque<u8>,
    /// Timestamp units of a tick, of a key and of the pause behind it.
    tick: u32,
    press: u32,
    pause: u32,
    /// Since the first key began.
    elapsed: u32,
    pressed: Option<Pressing>,
}

#[derive(Clone, Copy, Debug)]
struct Pressing {
    event: u8,
    began: u32,
    /// Of its segment, from the beginning of the key.
    segment: u32,
    ends_sent: u32,
}

/// A packet to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket {
    pub event: TelephoneEvent,
    /// The first of a key (section 2.5.1.2).
    pub marker: bool,
    /// Since the sender's first tick, to be added to the timestamp that the stream had then.
    pub timestamp: u32,
}

impl Sender {
    /// `press` and `pause` in milliseconds, which are at least one tick and three ticks; `tick` in milliseconds. None
    /// when one of the keys is none, or a duration is longer than a minute.
    pub fn new(keys: &str, press: u32, pause: u32, clock_rate: u32, tick: u32) -> Option<Self> {
        if press.max(pause) > 60_000 {
            return None;
        }
        let units = |ms: u32| (u64::from(ms) * u64::from(clock_rate) / 1000) as u32;
        Some(Self {
            events: keys.chars().map(event_of).collect::<Option<_>>()?,
            tick: units(tick),
            press: units(press.max(tick)),
            // The repeated ends of a key must not come after the next one has begun.
            pause: units(pause.max(ENDS * tick)),
            elapsed: 0,
            pressed: None,
        })
    }

    /// Whether all has been sent.
    pub fn is_done(&self) -> bool {
        self.events.is_empty() && self.pressed.is_none()
    }

    /// A tick: the packet that is due now, if one is. Between keys, and at the end, there is none.
    pub fn tick(&mut self) -> Option<EventPacket> {
        let marker = self.pressed.is_none();
        let mut key = match self.pressed.take() {
            Some(key) => key,
            None => Pressing {
                event: self.events.pop_front()?,
                began: self.elapsed,
                segment: 0,
                ends_sent: 0,
            },
        };
        self.elapsed = self.elapsed.wrapping_add(self.tick);
        let lasted = self.elapsed.wrapping_sub(key.began);
        let end = lasted >= self.press;
        if end && key.ends_sent == ENDS {
            // The next key begins when the pause is over.
            if lasted < self.press + self.pause {
                self.pressed = Some(key);
            }
            return None;
        }
        let mut duration = lasted.min(self.press) - key.segment;
        let segment = key.segment;
        if duration > u32::from(u16::MAX) {
            // The full duration ends this segment; the next packet counts from there.
            duration = u32::from(u16::MAX);
            key.segment += duration;
        }
        let ends = end && key.segment == segment;
        key.ends_sent += u32::from(ends);
        self.pressed = Some(key);
        Some(EventPacket {
            event: TelephoneEvent {
                event: key.event,
                end: ends,
                volume: VOLUME,
                duration: duration as u16,
            },
            marker,
            timestamp: key.began.wrapping_add(segment),
        })
    }
}

/// The event of a DTMF key, in either case.
pub fn event_of(key: char) -> Option<u8> {
    "0123456789*#ABCD"
        .find(key.to_ascii_uppercase())
        .map(|event| event as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(event: u8, duration: u16, end: bool) -> TelephoneEvent {
        TelephoneEvent {
            event,
            end,
            volume: 10,
            duration,
        }
    }

    /// The packets of one key as a phone sends them, without those whose index is in `lost`.
    fn press(
        tracker: &mut KeyTracker,
        event: u8,
        timestamp: u32,
        start: f64,
        lost: &[usize],
    ) -> Vec<Key> {
        let durations = [160, 320, 480, 640, 800, 800, 800];
        (0..7)
            .filter(|index| !lost.contains(index))
            .filter_map(|index| {
                let now = start + 0.02 * index as f64;
                tracker.receive(packet(event, durations[index], index >= 4), timestamp, now)
            })
            .collect()
    }

    #[test]
    fn an_event_reads_back_as_printed() {
        let event = TelephoneEvent {
            event: 11,
            end: true,
            volume: 63,
            duration: 0x1234,
        };
        assert_eq!(TelephoneEvent::parse(&event.print()), Some(event));
        assert_eq!(event.key(), Some('#'));
        assert_eq!(TelephoneEvent::parse(&[1, 2, 3]), None);
        assert_eq!(packet(16, 0, false).key(), None, "a flash is no key");
    }

    #[test]
    fn a_key_is_told_once_however_often_its_end_is_repeated() {
        let keys = press(&mut KeyTracker::default(), 5, 1000, 0.0, &[]);
        assert_eq!(
            keys,
            [Key {
                key: '5',
                duration: 800
            }]
        );
    }

    #[test]
    fn one_end_packet_of_three_is_enough() {
        let keys = press(&mut KeyTracker::default(), 5, 1000, 0.0, &[0, 1, 4, 5]);
        assert_eq!(
            keys,
            [Key {
                key: '5',
                duration: 800
            }]
        );
    }

    #[test]
    fn the_same_key_twice_is_two_keys() {
        let mut tracker = KeyTracker::default();
        assert_eq!(press(&mut tracker, 1, 1000, 0.0, &[]).len(), 1);
        assert_eq!(press(&mut tracker, 1, 3000, 0.3, &[]).len(), 1);
    }

    #[test]
    fn a_key_without_its_end_packets_is_told_at_the_next_key() {
        let mut tracker = KeyTracker::default();
        assert_eq!(press(&mut tracker, 1, 1000, 0.0, &[4, 5, 6]), []);
        let keys = press(&mut tracker, 2, 3000, 0.2, &[]);
        assert_eq!(
            keys,
            [
                Key {
                    key: '1',
                    duration: 640
                },
                Key {
                    key: '2',
                    duration: 800
                }
            ]
        );
    }

    #[test]
    fn a_key_without_its_end_packets_is_told_when_patience_ends() {
        let mut tracker = KeyTracker::default();
        press(&mut tracker, 1, 1000, 0.0, &[4, 5, 6]);
        assert!(tracker.pressed());
        assert_eq!(tracker.timeout(0.2), None);
        assert_eq!(
            tracker.timeout(0.32),
            Some(Key {
                key: '1',
                duration: 640
            })
        );
        assert_eq!(tracker.timeout(9.0), None);
        // A straggler of it tells nothing new.
        assert_eq!(tracker.receive(packet(1, 800, true), 1000, 0.5), None);
    }

    #[test]
    fn a_straggler_of_an_older_key_is_ignored() {
        let mut tracker = KeyTracker::default();
        press(&mut tracker, 1, 1000, 0.0, &[]);
        press(&mut tracker, 2, 3000, 0.2, &[]);
        assert_eq!(tracker.receive(packet(1, 800, true), 1000, 0.5), None);
    }

    #[test]
    fn a_key_held_longer_than_the_field_can_tell_is_one_key() {
        let mut tracker = KeyTracker::default();
        assert_eq!(tracker.receive(packet(1, u16::MAX, false), 1000, 8.0), None);
        let next = 1000 + u32::from(u16::MAX);
        assert_eq!(tracker.receive(packet(1, 160, false), next, 8.1), None);
        let key = tracker.receive(packet(1, 800, true), next, 8.2);
        assert_eq!(
            key,
            Some(Key {
                key: '1',
                duration: 65_535 + 800
            })
        );
    }

    #[test]
    fn timestamps_that_wrap_keep_their_order() {
        let mut tracker = KeyTracker::default();
        assert_eq!(press(&mut tracker, 1, u32::MAX - 100, 0.0, &[]).len(), 1);
        assert_eq!(press(&mut tracker, 1, 1500, 0.3, &[]).len(), 1);
    }

    /// The packets of some keys, with their times.
    fn sent(mut sender: Sender) -> Vec<(f64, EventPacket)> {
        let mut packets = Vec::new();
        for tick in 0u32.. {
            if sender.is_done() {
                break;
            }
            let at = f64::from(tick) * 0.02;
            packets.extend(sender.tick().map(|packet| (at, packet)));
        }
        packets
    }

    #[test]
    fn a_key_is_sent_as_one_event_that_ends_three_times() {
        let packets = sent(Sender::new("5", 100, 60, 8000, 20).unwrap());
        let told: Vec<_> = packets
            .iter()
            .map(|(_, p)| (p.event.duration, p.event.end, p.marker, p.timestamp))
            .collect();
        assert_eq!(
            told,
            [
                (160, false, true, 0),
                (320, false, false, 0),
                (480, false, false, 0),
                (640, false, false, 0),
                (800, true, false, 0),
                (800, true, false, 0),
                (800, true, false, 0),
            ]
        );
        assert!(packets.iter().all(|(_, p)| p.event.key() == Some('5')));
    }

    #[test]
    fn keys_follow_each_other_after_their_pause() {
        let packets = sent(Sender::new("1d#", 40, 100, 8000, 20).unwrap());
        let starts: Vec<_> = packets
            .iter()
            .filter(|(_, p)| p.marker)
            .map(|(at, p)| ((at * 1000.0).round() as u32, p.timestamp, p.event.key()))
            .collect();
        assert_eq!(
            starts,
            [
                (0, 0, Some('1')),
                (140, 1120, Some('D')),
                (280, 2240, Some('#'))
            ]
        );
    }

    #[test]
    fn a_key_longer_than_the_field_can_tell_is_sent_in_segments_and_heard_as_one() {
        let packets = sent(Sender::new("7", 20_000, 60, 8000, 20).unwrap());
        assert!(
            packets
                .iter()
                .all(|(_, p)| p.marker == (p.timestamp == 0 && p.event.duration == 160))
        );
        let segments: Vec<u32> = packets
            .iter()
            .map(|(_, p)| p.timestamp)
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        assert_eq!(segments, [0, 65_535, 131_070]);
        let mut tracker = KeyTracker::default();
        let heard: Vec<Key> = packets
            .iter()
            .filter_map(|(at, p)| tracker.receive(p.event, p.timestamp, *at))
            .collect();
        assert_eq!(
            heard,
            [Key {
                key: '7',
                duration: 160_000
            }]
        );
    }

    #[test]
    fn what_is_no_key_is_not_sent() {
        assert!(Sender::new("12x", 100, 60, 8000, 20).is_none());
        assert!(Sender::new("1", 60_001, 60, 8000, 20).is_none());
        assert!(Sender::new("", 100, 60, 8000, 20).unwrap().is_done());
    }

    #[test]
    fn of_a_thousand_sequences_through_loss_no_key_is_doubled_and_none_lost_but_with_all_its_packets()
     {
        let mut random = netem::Random::new(4733);
        let (mut lost_keys, mut sent_keys) = (0, 0);
        for sequence in 0..1000u64 {
            let keys: String = (0..1 + random.below(12))
                .map(|_| char::from(b"0123456789*#ABCD"[random.below(16) as usize]))
                .collect();
            let press = 40 + random.below(160) as u32;
            let pause = 60 + random.below(100) as u32;
            let sender = Sender::new(&keys, press, pause, 8000, 20).unwrap();
            let faults = netem::Faults {
                loss: 0.6 * random.unit(),
                duplicate: 0.1,
                delay: 0.05,
                // Packets of neighbouring keys do not pass each other.
                jitter: 0.019,
                ..netem::Faults::default()
            };
            let mut network = netem::Netem::new(sequence, faults);
            let start = random.next_u64() as u32;
            let mut arrivals: Vec<(f64, EventPacket)> = sent(sender)
                .into_iter()
                .flat_map(|(at, packet)| network.send(at).map(move |then| (then, packet)))
                .collect();
            arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
            // What can be known at the other end: each key of which one packet came.
            let mut expected: Vec<(u32, char)> = arrivals
                .iter()
                .filter_map(|(_, p)| Some((p.timestamp, p.event.key()?)))
                .collect();
            expected.sort_unstable();
            expected.dedup();
            let mut tracker = KeyTracker::default();
            let mut heard = String::new();
            for (at, packet) in arrivals {
                // As an engine does, that looks at held keys now and then.
                heard.extend(tracker.timeout(at).map(|key| key.key));
                let timestamp = start.wrapping_add(packet.timestamp);
                heard.extend(
                    tracker
                        .receive(packet.event, timestamp, at)
                        .map(|key| key.key),
                );
            }
            heard.extend(tracker.timeout(f64::INFINITY).map(|key| key.key));
            let expected: String = expected.into_iter().map(|(_, key)| key).collect();
            assert_eq!(heard, expected, "sequence {sequence}: {keys}");
            sent_keys += keys.len();
            lost_keys += keys.len() - expected.len();
        }
        assert!(
            sent_keys > 6000 && lost_keys > 0 && lost_keys < sent_keys / 50,
            "{lost_keys} of {sent_keys}"
        );
    }
}

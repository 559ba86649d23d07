//! Keys as RTP (RFC 4733).

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
}

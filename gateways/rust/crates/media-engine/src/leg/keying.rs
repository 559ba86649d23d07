//! Keys that are sent to the party: as events (RFC 4733) where it takes them, as tones in the sound where not.

use std::collections::VecDeque;

use dsp::dtmf::Dialer;
use rtp::event::Sender;

use super::Leg;
use crate::command::By;
use crate::speaker::{Packets, Speaker, frame_length};
use crate::stream::TICK_MS;

/// Keys one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Presses {
    pub digits: String,
    /// Milliseconds that each is held, and that lie between two.
    pub press_ms: u32,
    pub pause_ms: u32,
    pub by: By,
}

/// Lists of keys that may wait for one party; a party that presses keys without end is not to fill memory.
const MOST_WAITING: usize = 64;

/// What a leg is to send and sends.
#[derive(Default)]
pub struct Keying {
    waiting: VecDeque<Presses>,
    now: Option<Dialling>,
}

enum Dialling {
    Events {
        sender: Sender,
        payload_type: u8,
        /// Of the first key's beginning.
        timestamp: u32,
    },
    Tones(Box<Dialer>, u32),
}

impl Keying {
    pub fn add(&mut self, keys: Presses) {
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back(keys);
        }
    }

    pub fn is_done(&self) -> bool {
        self.now.is_none() && self.waiting.is_empty()
    }

    pub fn stop(&mut self) {
        *self = Self::default();
    }

    /// The packets of 20 ms. `events`: the payload type under which the party takes keys.
    pub fn tick(
        &mut self,
        speaker: &mut Speaker,
        events: Option<u8>,
        now: f64,
        samples: &mut Vec<i16>,
        out: &mut Packets,
    ) {
        if self.now.is_none() {
            let Some(keys) = self.waiting.pop_front() else {
                return;
            };
            self.now = begin(&keys, speaker, events, now, out);
        }
        let done = match &mut self.now {
            None => true,
            Some(Dialling::Events {
                sender,
                payload_type,
                timestamp,
            }) => {
                if let Some(packet) = sender.tick() {
                    let at = timestamp.wrapping_add(packet.timestamp);
                    let payload = packet.event.print();
                    speaker.send_event(*payload_type, packet.marker, at, &payload, out);
                }
                sender.is_done()
            }
            Some(Dialling::Tones(dialer, rate)) => {
                samples.clear();
                dialer.play(frame_length(*rate), samples);
                speaker.say(samples, *rate, now, out);
                dialer.is_done()
            }
        };
        if done {
            self.now = None;
        }
    }
}

/// None: keys that are none.
fn begin(
    keys: &Presses,
    speaker: &mut Speaker,
    events: Option<u8>,
    now: f64,
    out: &mut Packets,
) -> Option<Dialling> {
    let Presses {
        digits,
        press_ms,
        pause_ms,
        by,
    } = keys;
    match (by, events) {
        (By::Event | By::Agreed, Some(payload_type)) => {
            let clock_rate = speaker.manner().format.clock_rate();
            Some(Dialling::Events {
                sender: Sender::new(digits, *press_ms, *pause_ms, clock_rate, TICK_MS)?,
                payload_type,
                timestamp: speaker.pause_at(now, out),
            })
        }
        // Who takes no events is not sent any.
        (By::Event, None) => None,
        _ => {
            let rate = speaker.rate_for(8000);
            let dialer = Dialer::new(digits, *press_ms, *pause_ms, rate)?;
            Some(Dialling::Tones(Box::new(dialer), rate))
        }
    }
}

impl Leg {
    /// Under which payload type the party takes keys beside the speech that it is sent.
    pub(super) fn events(&self) -> Option<u8> {
        let formats = &self.party.as_ref()?.connection.formats;
        let (format, _) = formats.speech()?;
        formats.events(format.clock_rate())
    }
}

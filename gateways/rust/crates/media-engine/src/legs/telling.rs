//! What is told to the owner, and what legs pass on to each other.

use std::sync::atomic::Ordering::Relaxed;

use crate::command::{By, Event};
use crate::leg::{Heard, KeyTaker, Press, Presses};
use crate::order::{Errand, MixOrder, Order};

use super::Legs;

/// Keys may fill no more than this share of the event queue: a party can press keys without end, while every other
/// event answers a command.
const KEYS_SHARE: f64 = 0.5;
/// A key is sent on as long as it was held, in milliseconds, within these; a receiver needs the shortest (ITU-T Q.24).
const SHORTEST_KEY_MS: u32 = 60;
const LONGEST_KEY_MS: u32 = 2000;
const KEY_PAUSE_MS: u32 = 60;

impl Legs {
    pub(super) fn tell_key(&self, leg: u32, epoch: u64, press: Option<Press>) {
        let Some(Press {
            digit,
            duration_ms,
            passed,
        }) = press
        else {
            return;
        };
        let event = Event::Digit {
            leg,
            epoch,
            digit,
            duration_ms,
        };
        self.shared.events.push(event, KEYS_SHARE);
        let taker = match &self.legs[leg as usize] {
            Some(seated) if !passed => seated.leg.key_taker(),
            _ => None,
        };
        // Those who hear the party get the key as each of them takes keys.
        let keys = Presses {
            digits: digit.to_string(),
            press_ms: duration_ms.clamp(SHORTEST_KEY_MS, LONGEST_KEY_MS),
            pause_ms: KEY_PAUSE_MS,
            by: By::Agreed,
        };
        match taker {
            Some(KeyTaker::Leg { slot, epoch }) => {
                self.pass_on(Errand::Leg(slot, Order::Key { epoch, keys }), slot);
            }
            Some(KeyTaker::Mix(mix)) => {
                let key = MixOrder::Key { presser: leg, keys };
                self.pass_on(Errand::Mix(mix, key), mix);
            }
            None => {}
        }
    }

    /// What was heard in a party's sound at this tick.
    pub(super) fn tell_heard(&mut self, leg: u32, epoch: u64) {
        for heard in std::mem::take(&mut self.desk.heard) {
            let event = match heard {
                Heard::Key { digit, duration_ms } => Event::Digit {
                    leg,
                    epoch,
                    digit,
                    duration_ms,
                },
                Heard::Thing(what) => Event::Detected { leg, epoch, what },
            };
            // A party can make tones without end, too.
            self.shared.events.push(event, KEYS_SHARE);
        }
    }

    /// Give an errand to whose it is. Keys that find no room are lost, as a party can press them without end.
    pub(super) fn pass_on(&self, errand: Errand, slot: u32) {
        let thread = self.shared.thread_of(slot);
        self.shared.errands[thread].push_all([(errand, KEYS_SHARE)], drop);
    }

    pub(super) fn tell(&self, event: Event) {
        self.shared.events.push(event, 1.0);
    }

    pub fn tell_totals(&mut self) {
        for (total, count) in [
            (&self.shared.packets_received, &mut self.received),
            (&self.shared.packets_sent, &mut self.sent),
            (&self.shared.packets_discarded, &mut self.discarded),
            (&self.shared.late_ticks, &mut self.late),
        ] {
            if *count > 0 {
                total.fetch_add(std::mem::take(count), Relaxed);
            }
        }
    }
}

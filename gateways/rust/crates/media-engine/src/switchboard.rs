//! Who is open, who is bridged with whom and who is in which mix: turns commands into orders, each of which concerns one
//! leg or one mix only, so that every one can live in the thread that owns its sockets.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use dsp::mix::Gain;
use rtp::event::event_of;

use crate::command::{Command, Connection, Event, Target};
use crate::formats::{Formats, Passage};
use crate::leg::{Presses, Terms};
use crate::mix::Standing;
use crate::order::{Errand, MixOrder, Order, Playlist};
use crate::prompt::Prompt;
use crate::speaker::Manner;
use crate::streaming::Company;
use crate::video::Views;
use crate::wire::Inventory;

use Errand::{Leg, Mix};
use pictures::Pictures;

#[derive(Clone, Default)]
struct Slot {
    /// None: not in use.
    epoch: Option<u64>,
    /// Kept after the end, for the figures.
    last_epoch: u64,
    connection: Option<Connection>,
    place: Place,
    /// Where it carries pictures, and no sound.
    pictures: Option<Box<Pictures>>,
}

/// Whom a leg hears.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Place {
    #[default]
    Alone,
    /// Another leg; itself, as an echo.
    Bridged(u32),
    Mixed(u32),
    /// It is shown the pictures of another.
    Shown(u32),
}

#[derive(Clone, Default)]
struct MixSlot {
    epoch: Option<u64>,
    last_epoch: u64,
    rate: u32,
    members: BTreeSet<u32>,
}

/// Rates of a mix.
const RATES: [u32; 3] = [8000, 16_000, 48_000];
/// Bounds of keys to send against a mistake.
const DIGITS: usize = 128;
const MILLISECONDS: RangeInclusive<u32> = 20..=6000;

pub struct Switchboard {
    slots: Vec<Slot>,
    mixes: Vec<MixSlot>,
    prompts: HashMap<u32, Arc<Prompt>>,
    next_prompt: u32,
    /// What each slot's party is shown: set here, at once, since the sources of one after another may have different
    /// threads.
    views: Arc<Views>,
}

impl Switchboard {
    /// With as many mixes as legs: no more of them have a member.
    pub fn new(slots: usize, views: Arc<Views>) -> Self {
        Self {
            slots: vec![Slot::default(); slots],
            mixes: vec![MixSlot::default(); slots],
            prompts: HashMap::new(),
            next_prompt: 0,
            views,
        }
    }

    /// The orders that carry out a command; or why it cannot be.
    pub fn carry_out(&mut self, command: &Command) -> Result<Vec<Errand>, Event> {
        match *command {
            Command::Open { leg, epoch } => {
                let slot = self.slot(leg)?;
                if slot.epoch.is_some() {
                    return Err(failed(leg, epoch, "the leg is open already"));
                }
                *slot = Slot {
                    epoch: Some(epoch),
                    last_epoch: epoch,
                    ..Slot::default()
                };
                Ok(vec![Leg(leg, Order::Open { epoch })])
            }
            Command::Connect {
                leg,
                ref connection,
            } => {
                let epoch = self.epoch(leg)?;
                let slot = self.slot(leg)?;
                slot.connection = Some(connection.clone());
                let place = slot.place;
                let mut errands = vec![Leg(leg, Order::Connect(connection.clone()))];
                match place {
                    Place::Alone | Place::Shown(_) => {}
                    Place::Bridged(peer) => errands.extend(self.bridge(leg, peer)),
                    Place::Mixed(mix) => {
                        let manner = connection.manner();
                        errands.push(Mix(mix, MixOrder::Join { leg, epoch, manner }));
                    }
                }
                Ok(errands)
            }
            Command::Bridge { a, b } if self.carries_pictures(a) => self.bridge_pictures(a, b),
            Command::Echo { leg } if self.carries_pictures(leg) => self.show(leg, Some(leg)),
            Command::Silence { leg } if self.carries_pictures(leg) => self.silence_pictures(leg),
            Command::Close { leg } if self.carries_pictures(leg) => self.close_pictures(leg),
            Command::OpenVideo { .. }
            | Command::ConnectVideo { .. }
            | Command::Show { .. }
            | Command::Refresh { .. }
            | Command::LimitVideo { .. }
            | Command::Composer { .. }
            | Command::FeedComposer { .. }
            | Command::OpenSource { .. } => self.carry_out_pictures(command),
            Command::Bridge { a, b } => {
                let epoch = self.epoch(a)?;
                self.epoch(b)?;
                if a == b {
                    return Err(failed(a, epoch, "a leg cannot be bridged with itself"));
                }
                if self.slot(a)?.place == Place::Bridged(b) {
                    // A new owner orders again what is so already: nothing of it is to be heard.
                    return Ok(self.bridge(a, b));
                }
                let mut errands = self.part(a);
                errands.extend(self.part(b));
                self.slot(a)?.place = Place::Bridged(b);
                self.slot(b)?.place = Place::Bridged(a);
                errands.extend(self.bridge(a, b));
                Ok(errands)
            }
            Command::Echo { leg } => {
                self.epoch(leg)?;
                let mut errands = self.part(leg);
                self.slot(leg)?.place = Place::Bridged(leg);
                errands.extend(self.bridge(leg, leg));
                Ok(errands)
            }
            Command::Play {
                to,
                ref items,
                operation,
                looped,
                over,
            } => {
                let playlist = Playlist {
                    items: self.items(to, items)?,
                    operation,
                    looped,
                    over,
                };
                if let (Target::Leg(leg), false) = (to, over) {
                    self.prepare(leg, &playlist.items);
                }
                match to {
                    Target::Mix(mix) => Ok(vec![Mix(mix, MixOrder::Play(playlist))]),
                    Target::Leg(leg) if over => Ok(vec![Leg(leg, Order::Play(playlist))]),
                    Target::Leg(leg) => self.alone(leg, Order::Play(playlist)),
                }
            }
            Command::StopPlay { to } => self.player(to, Order::StopPlay, MixOrder::StopPlay),
            Command::PausePlay { to, paused } => {
                self.player(to, Order::PausePlay(paused), MixOrder::PausePlay(paused))
            }
            Command::SeekPlay { to, ms } => {
                self.player(to, Order::SeekPlay(ms), MixOrder::SeekPlay(ms))
            }
            Command::SendDigits {
                leg,
                ref digits,
                press_ms,
                pause_ms,
                by,
            } => {
                let epoch = self.epoch(leg)?;
                if digits.is_empty()
                    || digits.len() > DIGITS
                    || !digits.chars().all(|key| event_of(key).is_some())
                {
                    let reason = "keys are 0 to 9, *, #, A to D, and 128 at the most";
                    return Err(failed(leg, epoch, reason));
                }
                if !(MILLISECONDS.contains(&press_ms) && MILLISECONDS.contains(&pause_ms)) {
                    let reason = "a key, and the pause behind it, lasts 20 to 6000 ms";
                    return Err(failed(leg, epoch, reason));
                }
                if self.slot(leg)?.connection.is_some() && self.manner(leg).is_none() {
                    return Err(failed(leg, epoch, "the party speaks no codec of ours"));
                }
                let keys = Presses {
                    digits: digits.clone(),
                    press_ms,
                    pause_ms,
                    by,
                };
                Ok(vec![Leg(leg, Order::SendKeys(keys))])
            }
            Command::OpenMix {
                mix,
                epoch,
                rate,
                loudest,
                keys,
            } => self.open_mix(mix, epoch, rate, loudest, keys),
            Command::Join { mix, leg } => self.join(mix, leg),
            Command::Level {
                mix,
                leg,
                gain,
                muted,
                deaf,
            } => {
                self.member(mix, leg)?;
                let standing = Standing {
                    gain: Gain::from_decibels(gain),
                    muted,
                    deaf,
                };
                Ok(vec![Mix(mix, MixOrder::Stand { leg, standing })])
            }
            Command::Hear {
                mix,
                listener,
                speaker,
                gain,
            } => {
                self.member(mix, listener)?;
                self.member(mix, speaker)?;
                let gain = gain.map(Gain::from_decibels);
                Ok(vec![Mix(
                    mix,
                    MixOrder::Hear {
                        listener,
                        speaker,
                        gain,
                    },
                )])
            }
            Command::CloseMix { mix } => {
                let slot = self.mix(mix)?;
                if slot.epoch.take().is_none() {
                    return Ok(Vec::new());
                }
                let mut errands = Vec::new();
                for leg in std::mem::take(&mut slot.members) {
                    self.slots[leg as usize].place = Place::Alone;
                    errands.push(Leg(leg, Order::Silence));
                }
                errands.push(Mix(mix, MixOrder::Close));
                Ok(errands)
            }
            Command::HearComposer { leg, member } => {
                let epoch = self.epoch(leg)?;
                if self.slot(leg)?.connection.is_some() {
                    return Err(failed(leg, epoch, "the leg has a party"));
                }
                Ok(vec![Leg(leg, Order::HearComposer(member))])
            }
            Command::DropPrompt { prompt } => {
                self.prompts.remove(&prompt);
                Ok(Vec::new())
            }
            Command::Detect { leg, ref listening } => {
                let epoch = self.epoch(leg)?;
                let country = listening.progress.as_deref();
                if country.is_some_and(|country| !dsp::progress::knows(country)) {
                    return Err(failed(leg, epoch, "no tones are known of that country"));
                }
                Ok(vec![Leg(leg, Order::Detect(listening.clone()))])
            }
            // The engine has its studio do this.
            Command::Record { .. }
            | Command::PauseRecord { .. }
            | Command::ResumeRecord { .. }
            | Command::StopRecord { .. }
            | Command::Stream(_)
            | Command::StopStream { .. } => Ok(Vec::new()),
            Command::Silence { leg } => self.alone(leg, Order::Silence),
            Command::Close { leg } => {
                if self.slot(leg)?.epoch.is_none() {
                    return Ok(Vec::new());
                }
                let mut errands = self.part(leg);
                let slot = self.slot(leg)?;
                slot.epoch = None;
                slot.connection = None;
                errands.push(Leg(leg, Order::Close));
                Ok(errands)
            }
        }
    }

    pub fn add_prompt(&mut self, prompt: Prompt) -> u32 {
        let number = self.next_prompt;
        self.next_prompt = number.wrapping_add(1);
        self.prompts.insert(number, Arc::new(prompt));
        number
    }

    pub fn prompts(&self) -> usize {
        self.prompts.len()
    }

    /// How a leg is spoken to; None: it is not, or not yet.
    pub fn manner(&self, leg: u32) -> Option<Manner> {
        self.slots.get(leg as usize)?.connection.as_ref()?.manner()
    }

    /// The present user of a leg's or mix's slot, and at which rate it is worth recording.
    pub fn recorded(&self, target: Target) -> Option<(u64, u32)> {
        match target {
            Target::Leg(leg) => {
                let slot = self.slots.get(leg as usize)?;
                if slot.pictures.is_some() {
                    return None;
                }
                let connection = slot.connection.as_ref();
                let wide = connection.is_some_and(|connection| connection.formats.is_wide());
                Some((slot.epoch?, if wide { 16_000 } else { 8000 }))
            }
            Target::Mix(mix) => {
                let slot = self.mixes.get(mix as usize)?;
                Some((slot.epoch?, slot.rate))
            }
        }
    }

    /// Whom a leg hears.
    pub fn company(&self, leg: u32) -> Company {
        match self.slots.get(leg as usize).map(|slot| slot.place) {
            Some(Place::Bridged(peer)) => Company::Leg(peer, self.slots[peer as usize].last_epoch),
            Some(Place::Mixed(mix)) => Company::Mix(mix, self.mixes[mix as usize].last_epoch),
            Some(Place::Alone | Place::Shown(_)) | None => Company::Nobody,
        }
    }

    /// The present user of a slot; None: it is not in use, or not for sound.
    pub fn user(&self, leg: u32) -> Option<u64> {
        let slot = self.slots.get(leg as usize)?;
        slot.epoch.filter(|_| slot.pictures.is_none())
    }

    /// The present user of a slot, or the last.
    pub fn last_epoch(&self, leg: u32) -> Option<u64> {
        self.slots.get(leg as usize).map(|slot| slot.last_epoch)
    }

    /// The present user of a mix's slot, or the last.
    pub fn last_mix_epoch(&self, mix: u32) -> Option<u64> {
        self.mixes.get(mix as usize).map(|slot| slot.last_epoch)
    }

    /// All that are in use, with their users.
    pub fn inventory(&self) -> Inventory {
        let legs = self.slots.iter().map(|slot| slot.epoch);
        let mixes = self.mixes.iter().map(|slot| slot.epoch);
        Inventory {
            legs: (0..)
                .zip(legs)
                .filter_map(|(leg, epoch)| Some((leg, epoch?)))
                .collect(),
            mixes: (0..)
                .zip(mixes)
                .filter_map(|(mix, epoch)| Some((mix, epoch?)))
                .collect(),
        }
    }

    pub fn open(&self) -> usize {
        self.slots
            .iter()
            .filter(|slot| slot.epoch.is_some())
            .count()
    }

    fn alone(&mut self, leg: u32, order: Order) -> Result<Vec<Errand>, Event> {
        self.epoch(leg)?;
        let mut errands = self.part(leg);
        errands.push(Leg(leg, order));
        Ok(errands)
    }

    /// Take a leg out of its bridge or mix: what the others are to do.
    fn part(&mut self, leg: u32) -> Vec<Errand> {
        match std::mem::take(&mut self.slots[leg as usize].place) {
            Place::Bridged(peer) if peer != leg => {
                self.slots[peer as usize].place = Place::Alone;
                vec![Leg(peer, Order::Silence)]
            }
            Place::Mixed(mix) => {
                self.mixes[mix as usize].members.remove(&leg);
                vec![Mix(mix, MixOrder::Leave { leg })]
            }
            _ => Vec::new(),
        }
    }

    /// What two bridged legs, or one that hears itself, are to do by what is agreed with their parties now.
    fn bridge(&self, a: u32, b: u32) -> Vec<Errand> {
        let formats = |leg: u32| -> Option<&Formats> {
            let connection = self.slots[leg as usize].connection.as_ref()?;
            Some(&connection.formats)
        };
        let terms = |from: u32, to: u32| {
            let both = formats(from).zip(formats(to));
            let (passage, passes, converts, speech) = match both {
                Some((mine, theirs)) => (
                    mine.passage(theirs),
                    !mine.converts(theirs),
                    theirs.converts(mine),
                    theirs.speech(),
                ),
                None => (Passage::NONE, true, false, None),
            };
            Order::Bridge(Terms {
                peer: to,
                epoch: self.slots[to as usize].last_epoch,
                passage,
                passes,
                converts,
                rate: speech.map_or(8000, |(format, _)| format.rate()),
            })
        };
        let mut errands = vec![Leg(a, terms(a, b))];
        if a != b {
            errands.push(Leg(b, terms(b, a)));
        }
        errands
    }

    fn open_mix(
        &mut self,
        mix: u32,
        epoch: u64,
        rate: u32,
        loudest: usize,
        keys: bool,
    ) -> Result<Vec<Errand>, Event> {
        let slot = self.mix(mix)?;
        if slot.epoch.is_some() {
            return Err(mix_failed(mix, epoch, "the mix is open already"));
        }
        if !RATES.contains(&rate) {
            return Err(mix_failed(
                mix,
                epoch,
                "a mix has 8000, 16000 or 48000 samples a second",
            ));
        }
        *slot = MixSlot {
            epoch: Some(epoch),
            last_epoch: epoch,
            rate,
            members: BTreeSet::new(),
        };
        let order = MixOrder::Open {
            epoch,
            rate,
            loudest,
            keys,
        };
        Ok(vec![Mix(mix, order)])
    }

    fn join(&mut self, mix: u32, leg: u32) -> Result<Vec<Errand>, Event> {
        let epoch = self.epoch(leg)?;
        let slot = self.mix(mix)?;
        let (Some(mix_epoch), rate) = (slot.epoch, slot.rate) else {
            return Err(mix_failed(mix, slot.last_epoch, "the mix is not open"));
        };
        let mut errands = self.part(leg);
        self.mix(mix)?.members.insert(leg);
        self.slot(leg)?.place = Place::Mixed(mix);
        let manner = self.manner(leg);
        let order = Order::Join {
            mix,
            epoch: mix_epoch,
            rate,
        };
        errands.push(Leg(leg, order));
        errands.push(Mix(mix, MixOrder::Join { leg, epoch, manner }));
        Ok(errands)
    }

    /// Whoever plays to a target is to do something.
    fn player(
        &mut self,
        to: Target,
        order: Order,
        mix_order: MixOrder,
    ) -> Result<Vec<Errand>, Event> {
        self.must_be_open(to)?;
        Ok(vec![match to {
            Target::Leg(leg) => Leg(leg, order),
            Target::Mix(mix) => Mix(mix, mix_order),
        }])
    }

    fn must_be_open(&mut self, to: Target) -> Result<u64, Event> {
        match to {
            Target::Leg(leg) => self.epoch(leg),
            Target::Mix(mix) => {
                let slot = self.mix(mix)?;
                let last = slot.last_epoch;
                slot.epoch
                    .ok_or_else(|| mix_failed(mix, last, "the mix is not open"))
            }
        }
    }

    /// A leg must be a member of a mix.
    fn member(&mut self, mix: u32, leg: u32) -> Result<(), Event> {
        let epoch = self.epoch(leg)?;
        if !self.mix(mix)?.members.contains(&leg) {
            return Err(failed(leg, epoch, "the leg is not in the mix"));
        }
        Ok(())
    }

    fn slot(&mut self, leg: u32) -> Result<&mut Slot, Event> {
        let slot = self.slots.get_mut(leg as usize);
        slot.ok_or_else(|| failed(leg, 0, "there is no such leg"))
    }

    fn mix(&mut self, mix: u32) -> Result<&mut MixSlot, Event> {
        let slot = self.mixes.get_mut(mix as usize);
        slot.ok_or_else(|| mix_failed(mix, 0, "there is no such mix"))
    }

    fn epoch(&mut self, leg: u32) -> Result<u64, Event> {
        let slot = self.slot(leg)?;
        let last = slot.last_epoch;
        if slot.pictures.is_some() {
            return Err(failed(leg, last, "the leg carries pictures"));
        }
        slot.epoch
            .ok_or_else(|| failed(leg, last, "the leg is not open"))
    }
}

fn failed(leg: u32, epoch: u64, reason: &'static str) -> Event {
    let reason = reason.into();
    Event::Failed { leg, epoch, reason }
}

fn mix_failed(mix: u32, epoch: u64, reason: &'static str) -> Event {
    let reason = reason.into();
    Event::MixFailed { mix, epoch, reason }
}

mod pictures;
mod playing;
#[cfg(test)]
mod tests;

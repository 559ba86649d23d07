//! Many legs that hear each other: a three-way call, a supervisor who listens, a room.
//!
//! Every 20 ms a mix takes a frame of each member's voice, adds those that are to be heard, and puts what came of it
//! where its members find it ([`Mixed`]): who is in the total hears it without itself, everybody else hears it as it is.
//! No I/O; the members' legs make their own packets of it, at their own ticks.

use std::collections::HashMap;
use std::sync::Arc;

use dsp::mix::{Gain, add, saturate};
use dsp::speakers::Choice;
use dsp::{energy, level};

use crate::converter::Converter;
use crate::mixed::Mixed;
use crate::playlist::Playing;
use crate::speaker::{Manner, Packetizer, frame_length};
use crate::voice::{Attention, Hearing, Voices};

pub struct Mix {
    pub epoch: u64,
    rate: u32,
    /// How many are heard at once at the most; None: all.
    loudest: Option<usize>,
    /// Whether keys that a member presses are for the others.
    keys: bool,
    voices: Arc<Voices>,
    members: Vec<Member>,
    choice: Choice,
    /// Who is in the choice's present, by seat.
    chosen: Vec<bool>,
    /// How one member hears another, where that is not as everybody does: by listener and speaker; None: not at all.
    heard: HashMap<(u32, u32), Option<Gain>>,
    /// One for each manner in which members are spoken to.
    groups: Vec<Group>,
    playing: Option<Playing>,
    /// The member that was last told to speak.
    speaking: Option<u32>,
    scratch: Vec<i16>,
}

struct Member {
    leg: u32,
    seat: u32,
    hearing: Hearing,
    converter: Converter,
    /// What it said in this tick, at the mix's rate; empty: nothing, or it was not decoded.
    frame: Vec<i16>,
    /// When it said that.
    said: f64,
    /// Of the newest frame that was decoded; None: it is silent.
    level: Option<u8>,
    standing: Standing,
    /// How it is spoken to: those of one manner who hear the same get the same packets.
    manner: Option<Manner>,
    /// Whether it hears the total as it is.
    hears_all: bool,
}

/// Members who are spoken to in one manner.
struct Group {
    manner: Manner,
    packetizer: Packetizer,
}

/// What a member may in a mix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    pub gain: Gain,
    /// It is not heard.
    pub muted: bool,
    /// It does not hear.
    pub deaf: bool,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            gain: Gain::UNITY,
            muted: false,
            deaf: false,
        }
    }
}

/// What came of a tick beside the sound.
#[derive(Debug, Default, PartialEq)]
pub struct Told {
    /// Another member speaks now.
    pub speaking: Option<u32>,
    /// What was played to the mix came to its end.
    pub play_ended: Option<u64>,
}

impl Mix {
    /// `loudest`: how many are heard at once at the most; 0: all. `keys`: whether those that a member presses are for the
    /// others.
    pub fn new(epoch: u64, rate: u32, loudest: usize, keys: bool, voices: Arc<Voices>) -> Self {
        let loudest = Some(loudest).filter(|&most| most > 0);
        Self {
            epoch,
            rate,
            loudest,
            keys,
            voices,
            members: Vec::new(),
            choice: Choice::new(loudest.unwrap_or(usize::MAX)),
            chosen: Vec::new(),
            heard: HashMap::new(),
            groups: Vec::new(),
            playing: None,
            speaking: None,
            scratch: Vec::new(),
        }
    }

    /// A user of a slot comes in. Who is in already only changes its manner.
    pub fn join(&mut self, leg: u32, epoch: u64, manner: Option<Manner>) {
        if let Some(member) = self.member(leg) {
            if member.hearing.of() == (leg, epoch) {
                member.manner = manner;
                self.regroup();
                return;
            }
            self.leave(leg);
        }
        let member = Member {
            leg,
            seat: self.choice.join(),
            hearing: self.voices.hear(leg, epoch),
            converter: Converter::default(),
            frame: Vec::new(),
            said: 0.0,
            level: None,
            standing: Standing::default(),
            manner,
            hears_all: false,
        };
        // By leg, as `Mixed` wants them.
        let at = self.members.partition_point(|other| other.leg < leg);
        self.members.insert(at, member);
        self.regroup();
    }

    pub fn leave(&mut self, leg: u32) {
        if let Ok(at) = self.members.binary_search_by_key(&leg, |member| member.leg) {
            let member = self.members.remove(at);
            self.choice.leave(member.seat);
            self.heard
                .retain(|&(listener, speaker), _| listener != leg && speaker != leg);
            self.speaking = self.speaking.filter(|&speaking| speaking != leg);
            self.regroup();
        }
    }

    pub fn stand(&mut self, leg: u32, standing: Standing) {
        if let Some(member) = self.member(leg) {
            member.standing = standing;
        }
    }

    /// Let one member hear another in its own way: louder or softer, although that is muted, or not at all (`gain`
    /// None).
    pub fn hear(&mut self, listener: u32, speaker: u32, gain: Option<Gain>) {
        if self.member(listener).is_some() && self.member(speaker).is_some() {
            self.heard.insert((listener, speaker), gain);
        }
    }

    /// Who is to get the keys that a member presses: slots and their users.
    pub fn key_takers(&self, presser: u32) -> Vec<(u32, u64)> {
        let pressing = |member: &&Member| member.leg == presser && !member.standing.muted;
        if !self.keys || !self.members.iter().any(|member| pressing(&member)) {
            return Vec::new();
        }
        let hears = |member: &&Member| {
            member.leg != presser
                && !member.standing.deaf
                && self.heard.get(&(member.leg, presser)) != Some(&None)
        };
        let takers = self.members.iter().filter(hears);
        takers.map(|member| member.hearing.of()).collect()
    }

    /// Play to all members.
    pub fn play(&mut self, playing: Option<Playing>) {
        self.playing = playing;
    }

    pub fn playing(&mut self) -> Option<&mut Playing> {
        self.playing.as_mut()
    }

    /// 20 ms have gone by: mix what was said, into a frame that nobody reads yet.
    pub fn tick(&mut self, mixed: &mut Mixed) -> Told {
        let length = frame_length(self.rate);
        mixed.begin(self.rate, length);
        self.listen(length);
        let speaking = self.choose();
        self.attend();
        let mut told = Told {
            speaking,
            play_ended: None,
        };
        if let Some(playing) = &mut self.playing {
            self.scratch.clear();
            if playing.frame(self.rate, &mut self.scratch) {
                add(&mut mixed.total, &self.scratch, Gain::UNITY);
            } else {
                told.play_ended = self.playing.take().map(|playing| playing.operation());
            }
        }
        mixed.played.clone_from(&mixed.total);
        for at in 0..self.members.len() {
            let member = &self.members[at];
            let heard = self.is_heard(member);
            if heard {
                mixed.add(member.leg, &member.frame, member.standing.gain, member.said);
            }
            self.members[at].hears_all = !heard;
        }
        self.mix_apart(mixed);
        self.encode(mixed);
        told
    }

    fn member(&mut self, leg: u32) -> Option<&mut Member> {
        let at = self
            .members
            .binary_search_by_key(&leg, |member| member.leg)
            .ok()?;
        self.members.get_mut(at)
    }

    /// Take a frame from each member.
    fn listen(&mut self, length: usize) {
        for member in &mut self.members {
            member.frame.clear();
            self.scratch.clear();
            let Some(heard) = member.hearing.frame(&mut self.scratch) else {
                member.level = None;
                continue;
            };
            if heard.skipped {
                continue;
            }
            if heard.rate == self.rate {
                std::mem::swap(&mut member.frame, &mut self.scratch);
            } else {
                member
                    .converter
                    .bring(&self.scratch, heard.rate, self.rate, &mut member.frame);
            }
            member.said = heard.said;
            // A voice that changes its rate has one frame of another length.
            member.frame.resize(length, 0);
            member.level = Some(level(energy(&member.frame), length));
        }
    }

    /// Choose who is heard; gives who speaks now, where that is another one.
    fn choose(&mut self) -> Option<u32> {
        for member in self.members.iter().filter(|member| !member.standing.muted) {
            if let Some(level) = member.level {
                self.choice.hear(member.seat, level);
            }
        }
        let chosen = self.choice.choose();
        self.chosen.fill(false);
        for &seat in chosen {
            let seat = seat as usize;
            if seat >= self.chosen.len() {
                self.chosen.resize(seat + 1, false);
            }
            self.chosen[seat] = true;
        }
        let active = self.choice.active()?;
        let leg = self
            .members
            .iter()
            .find(|member| member.seat == active)?
            .leg;
        (self.speaking.replace(leg) != Some(leg)).then_some(leg)
    }

    /// Let those be decoded who are heard. Of all others it is enough to know whether they speak, and how loud.
    fn attend(&mut self) {
        for member in &mut self.members {
            let may_be_heard =
                self.loudest.is_none() || self.chosen.get(member.seat as usize) == Some(&true);
            let by_one = |(&(_, speaker), gain): (&(u32, u32), &Option<Gain>)| {
                speaker == member.leg && gain.is_some()
            };
            let close = (may_be_heard && !member.standing.muted) || self.heard.iter().any(by_one);
            member.hearing.attend(if close {
                Attention::Close
            } else {
                Attention::Glance
            });
        }
    }

    /// Whether everybody hears a member in this tick.
    fn is_heard(&self, member: &Member) -> bool {
        !member.frame.is_empty()
            && !member.standing.muted
            && (self.loudest.is_none()
                || self
                    .chosen
                    .get(member.seat as usize)
                    .copied()
                    .unwrap_or(false))
    }

    /// What those hear who do not hear as everybody does.
    fn mix_apart(&mut self, mixed: &mut Mixed) {
        if self.heard.is_empty() && self.members.iter().all(|member| !member.standing.deaf) {
            return;
        }
        let length = frame_length(self.rate);
        let mut total = Vec::new();
        for at in 0..self.members.len() {
            let listener = &self.members[at];
            let own_way = self.heard.keys().any(|&(one, _)| one == listener.leg);
            if !own_way && !listener.standing.deaf {
                continue;
            }
            total.clear();
            total.resize(length, 0);
            if !listener.standing.deaf {
                total.clone_from(&mixed.played);
                for speaker in &self.members {
                    if speaker.leg == listener.leg || speaker.frame.is_empty() {
                        continue;
                    }
                    let gain = match self.heard.get(&(listener.leg, speaker.leg)) {
                        Some(own_way) => *own_way,
                        None => self.is_heard(speaker).then_some(speaker.standing.gain),
                    };
                    if let Some(gain) = gain {
                        add(&mut total, &speaker.frame, gain);
                    }
                }
            }
            mixed.set_apart(listener.leg, &total);
            self.members[at].hears_all = false;
        }
    }

    /// Encode the total once for all who hear it as it is and are spoken to in one manner.
    fn encode(&mut self, mixed: &mut Mixed) {
        let Self {
            groups,
            members,
            scratch,
            rate,
            ..
        } = self;
        scratch.clear();
        for group in groups {
            let hears = |member: &Member| {
                member.hears_all && member.manner.is_some_and(|manner| group.suits(manner))
            };
            if !members.iter().any(hears) {
                group.packetizer.reset();
                continue;
            }
            if scratch.is_empty() {
                scratch.resize(mixed.total.len(), 0);
                saturate(&mixed.total, scratch);
            }
            let payloads = mixed.payloads(group.manner.format, group.manner.ptime);
            group.packetizer.put(scratch, *rate, |payload| {
                payloads.add(|bytes| bytes.extend_from_slice(payload));
            });
        }
    }

    /// Make a group for each manner that there is.
    fn regroup(&mut self) {
        let members = &self.members;
        let wanted = |group: &Group| {
            let mut manners = members.iter().filter_map(|member| member.manner);
            manners.any(|manner| group.suits(manner))
        };
        self.groups.retain(wanted);
        for manner in members.iter().filter_map(|member| member.manner) {
            if !self.groups.iter().any(|group| group.suits(manner)) {
                self.groups.push(Group {
                    manner,
                    packetizer: Packetizer::new(manner.format, manner.ptime),
                });
            }
        }
    }
}

impl Group {
    fn suits(&self, manner: Manner) -> bool {
        self.packetizer.suits(manner)
    }
}

#[cfg(test)]
mod tests;

//! Who of many is heard: the loudest few, and which of them is the one who speaks.
//!
//! Fed the level of each member every 20 ms. A gate closes on who is only noise; of those that it lets through, the loudest
//! are chosen, and hysteresis keeps the choice from changing at every syllable.

use crate::level::SILENCE;

/// Loudness is counted in this part of a decibel, upwards from silence.
const DECIBEL: i32 = 256;
/// What is softer than -50 dBov is not speech.
const GATE: i32 = (SILENCE as i32 - 50) * DECIBEL;
/// Speech is this much above the noise of its place, ...
const ABOVE_NOISE: i32 = 9 * DECIBEL;
/// ... which is never thought louder than this, so that a steady loud sound (music, a tone) is heard for ever.
const MOST_NOISE: i32 = (SILENCE as i32 - 39) * DECIBEL;
/// How fast noise is believed: 3 dB a second.
const NOISE_RISE: i32 = 3 * DECIBEL / 50;
/// An open gate closes only below this much under where it opens, and this many frames later: the pause between two words.
const GATE_MARGIN: i32 = 3 * DECIBEL;
const HANG_OVER: u32 = 25;
/// Who is chosen gives way only to one who is this much louder, and not in its first frames.
const MARGIN: i32 = 6 * DECIBEL;
const STAY: u32 = 10;
/// Who speaks changes when another one leads by this much for this many frames: longer than a cough.
const LEAD: i32 = 3 * DECIBEL;
const LEAD_FRAMES: u32 = 15;

/// The members of one mix, by seats, and who of them is heard now.
#[derive(Debug, Default)]
pub struct Choice {
    most: usize,
    seats: Vec<Option<Member>>,
    chosen: Vec<u32>,
    /// Room to work in: seats and their ranks.
    ranked: Vec<(i32, u32)>,
    active: Option<u32>,
    /// Who leads the active speaker, and for how many frames.
    rival: Option<(u32, u32)>,
}

#[derive(Debug)]
struct Member {
    /// Of this frame.
    level: u8,
    /// Above the gate, smoothed: up at once, down slowly.
    loudness: i32,
    /// Above the gate, smoothed over a third of a second.
    presence: i32,
    noise: i32,
    /// Frames until the gate closes; 0: it is closed.
    open: u32,
    /// Frames since it was chosen; 0: it is not.
    chosen: u32,
}

impl Choice {
    /// `most`: how many are heard at once at the most.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    /// Take a seat, the lowest that is free.
    pub fn join(&mut self) -> u32 {
        let free = self.seats.iter().position(Option::is_none);
        let seat = free.unwrap_or(self.seats.len());
        if free.is_none() {
            self.seats.push(None);
        }
        self.seats[seat] = Some(Member::new());
        seat as u32
    }

    /// Give a seat back. One that is not taken stays so.
    pub fn leave(&mut self, seat: u32) {
        if let Some(member) = self.seats.get_mut(seat as usize) {
            *member = None;
        }
        self.chosen.retain(|&chosen| chosen != seat);
        self.active = self.active.filter(|&active| active != seat);
        self.rival = self.rival.filter(|&(rival, _)| rival != seat);
    }

    /// What a member said in this frame: its level as `level` gives it. Who is not heard of was silent.
    pub fn hear(&mut self, seat: u32, level: u8) {
        if let Some(Some(member)) = self.seats.get_mut(seat as usize) {
            member.level = level;
        }
    }

    /// The frame is over: who is to be heard in it, the loudest first.
    pub fn choose(&mut self) -> &[u32] {
        self.ranked.clear();
        for (seat, member) in self.seats.iter_mut().enumerate() {
            let Some(member) = member else { continue };
            member.step();
            if member.open > 0 {
                self.ranked.push((member.rank(), seat as u32));
            } else {
                member.chosen = 0;
            }
        }
        let louder_first = |&(rank, seat): &(i32, u32)| (-rank, seat);
        if self.ranked.len() > self.most {
            self.ranked
                .select_nth_unstable_by_key(self.most, louder_first);
            for &(_, seat) in &self.ranked[self.most..] {
                if let Some(member) = &mut self.seats[seat as usize] {
                    member.chosen = 0;
                }
            }
            self.ranked.truncate(self.most);
        }
        self.ranked.sort_unstable_by_key(louder_first);
        self.chosen.clear();
        for &(_, seat) in &self.ranked {
            if let Some(member) = &mut self.seats[seat as usize] {
                member.chosen = member.chosen.saturating_add(1);
            }
            self.chosen.push(seat);
        }
        self.follow();
        &self.chosen
    }

    /// Who speaks; after its last word still the last one. None: nobody has yet, or who did has left.
    pub fn active(&self) -> Option<u32> {
        self.active
    }

    /// Whether a member says something, heard or not.
    pub fn speaks(&self, seat: u32) -> bool {
        self.member(seat).is_some_and(|member| member.open > 0)
    }

    /// See whether another one speaks now.
    fn follow(&mut self) {
        let presence = |seat: u32| self.member(seat).map_or(0, |member| member.presence);
        let leader = self.chosen.iter().copied().max_by_key(|&s| presence(s));
        let Some(leader) = leader.filter(|&leader| self.active != Some(leader)) else {
            self.rival = None;
            return;
        };
        let Some(active) = self.active else {
            self.active = Some(leader);
            return;
        };
        if self.speaks(active) && presence(leader) < presence(active) + LEAD {
            self.rival = None;
            return;
        }
        let frames = match self.rival {
            Some((rival, frames)) if rival == leader => frames + 1,
            _ => 1,
        };
        self.rival = Some((leader, frames));
        if frames >= LEAD_FRAMES {
            (self.active, self.rival) = (Some(leader), None);
        }
    }

    fn member(&self, seat: u32) -> Option<&Member> {
        self.seats.get(seat as usize)?.as_ref()
    }
}

impl Member {
    fn new() -> Self {
        Self {
            level: SILENCE,
            loudness: 0,
            presence: 0,
            noise: GATE - ABOVE_NOISE,
            open: 0,
            chosen: 0,
        }
    }

    fn step(&mut self) {
        let level = std::mem::replace(&mut self.level, SILENCE).min(SILENCE);
        let now = i32::from(SILENCE - level) * DECIBEL;
        // Below the gate all is equal: it must not take long to come up from there.
        let above = (now - GATE).max(0);
        let rises = above > self.loudness;
        self.loudness += (above - self.loudness) / if rises { 2 } else { 32 };
        self.presence += (above - self.presence) / 16;
        let noise = if now > self.noise {
            self.noise + NOISE_RISE
        } else {
            self.noise + (now - self.noise) / 4
        };
        self.noise = noise.clamp(GATE - ABOVE_NOISE, MOST_NOISE);
        let opens = self.noise + ABOVE_NOISE;
        if now > opens || self.open > 0 && now > opens - GATE_MARGIN {
            self.open = HANG_OVER;
        } else {
            self.open = self.open.saturating_sub(1);
        }
    }

    /// What it is compared by.
    fn rank(&self) -> i32 {
        match self.chosen {
            0 => self.loudness,
            1..=STAY => i32::MAX,
            _ => self.loudness + MARGIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Members of a mix who speak at steady levels for some frames; gives the last choice, by seat.
    fn speak(choice: &mut Choice, frames: u32, levels: &[(u32, u8)]) -> Vec<u32> {
        let mut chosen = Vec::new();
        for _ in 0..frames {
            for &(seat, level) in levels {
                choice.hear(seat, level);
            }
            chosen = choice.choose().to_vec();
        }
        chosen.sort_unstable();
        chosen
    }

    fn room(most: usize, members: u32) -> Choice {
        let mut choice = Choice::new(most);
        for seat in 0..members {
            assert_eq!(choice.join(), seat);
        }
        choice
    }

    #[test]
    fn where_there_is_room_one_is_heard_from_the_first_frame() {
        let mut choice = room(3, 4);
        assert_eq!(speak(&mut choice, 1, &[(2, 30)]), [2]);
        assert_eq!(choice.active(), Some(2));
        assert!(choice.speaks(2) && !choice.speaks(1));
    }

    #[test]
    fn the_loudest_few_are_heard() {
        let mut choice = room(2, 5);
        let levels = [(0, 40), (1, 20), (2, 35), (3, 25), (4, 30)];
        assert_eq!(speak(&mut choice, 30, &levels), [1, 3]);
        assert_eq!(choice.choose(), [1, 3], "the loudest first");
        assert_eq!(choice.active(), Some(1));
    }

    #[test]
    fn a_pause_between_words_changes_nothing_and_a_long_one_closes_the_gate() {
        let mut choice = room(1, 2);
        speak(&mut choice, 50, &[(0, 25)]);
        assert_eq!(speak(&mut choice, 20, &[]), [0]);
        assert_eq!(speak(&mut choice, 20, &[]), []);
        assert_eq!(choice.active(), Some(0), "who spoke last");
    }

    #[test]
    fn two_who_are_about_as_loud_do_not_take_turns_at_every_syllable() {
        let mut choice = room(1, 2);
        let mut changes = 0;
        let mut last = Vec::new();
        for frame in 0..3000u32 {
            // Each swings by 5 dB to both sides, against the other.
            let swing = [0, 4, 5, 4, 0, -4, -5, -4][frame as usize / 5 % 8];
            choice.hear(0, (25 + swing) as u8);
            choice.hear(1, (25 - swing) as u8);
            let chosen = choice.choose();
            changes += u32::from(frame > 50 && last != chosen);
            last = chosen.to_vec();
        }
        assert_eq!(changes, 0);
    }

    #[test]
    fn one_who_is_clearly_louder_takes_the_place() {
        let mut choice = room(1, 2);
        speak(&mut choice, 50, &[(0, 35)]);
        assert_eq!(speak(&mut choice, 5, &[(0, 35), (1, 20)]), [1]);
        assert_eq!(choice.active(), Some(0), "not yet");
        speak(&mut choice, 30, &[(0, 35), (1, 20)]);
        assert_eq!(choice.active(), Some(1));
    }

    #[test]
    fn who_was_just_chosen_is_not_cut_off_at_once() {
        let mut choice = room(1, 2);
        assert_eq!(speak(&mut choice, 1, &[(0, 40)]), [0]);
        assert_eq!(speak(&mut choice, STAY - 1, &[(0, 40), (1, 10)]), [0]);
        assert_eq!(speak(&mut choice, 2, &[(0, 40), (1, 10)]), [1]);
    }

    #[test]
    fn a_cough_makes_nobody_the_speaker() {
        let mut choice = room(3, 2);
        speak(&mut choice, 100, &[(0, 25)]);
        assert_eq!(speak(&mut choice, 10, &[(0, 25), (1, 15)]), [0, 1]);
        speak(&mut choice, 100, &[(0, 25)]);
        assert_eq!(choice.active(), Some(0));
    }

    #[test]
    fn steady_noise_is_shut_out_after_a_while_and_speech_over_it_is_heard() {
        let mut choice = room(3, 1);
        assert_eq!(speak(&mut choice, 10, &[(0, 42)]), [0]);
        assert_eq!(speak(&mut choice, 400, &[(0, 42)]), []);
        assert_eq!(speak(&mut choice, 1, &[(0, 25)]), [0]);
    }

    #[test]
    fn steady_music_is_heard_for_ever() {
        let mut choice = room(3, 1);
        assert_eq!(speak(&mut choice, 50 * 600, &[(0, 28)]), [0]);
    }

    #[test]
    fn who_leaves_is_heard_no_more_and_the_seat_begins_anew() {
        let mut choice = room(3, 2);
        speak(&mut choice, 50, &[(0, 20), (1, 30)]);
        choice.leave(0);
        choice.leave(0);
        choice.leave(77);
        assert_eq!(choice.active(), None);
        assert_eq!(speak(&mut choice, 1, &[(0, 20), (1, 30)]), [1]);
        assert_eq!(choice.active(), Some(1));
        assert_eq!((choice.join(), choice.join()), (0, 2));
        assert!(!choice.speaks(0));
    }

    proptest! {
        #[test]
        fn whatever_happens_the_chosen_are_few_present_and_speaking(
            most in 0usize..5,
            script in prop::collection::vec((0u32..8, 0u8..=255, 0u8..20), 0..400),
        ) {
            let mut choice = room(most, 4);
            let mut present = vec![0, 1, 2, 3];
            for (seat, level, act) in script {
                match act {
                    0 => present.push(choice.join()),
                    1 => {
                        choice.leave(seat);
                        present.retain(|&other| other != seat);
                    }
                    2..=6 => {
                        let chosen = choice.choose().to_vec();
                        prop_assert!(chosen.len() <= most);
                        for (n, &seat) in chosen.iter().enumerate() {
                            prop_assert!(present.contains(&seat) && choice.speaks(seat));
                            prop_assert!(!chosen[..n].contains(&seat));
                        }
                        let speaking = present.iter().filter(|&&seat| choice.speaks(seat)).count();
                        prop_assert_eq!(chosen.len(), speaking.min(most));
                        prop_assert!(choice.active().is_none_or(|active| present.contains(&active)));
                    }
                    _ => choice.hear(seat, level),
                }
            }
        }
    }
}

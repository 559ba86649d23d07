//! What a leg sends of its own, 20 ms at a time.

use std::sync::Arc;

use super::{Doing, Heard, Leg};
use crate::figures::Counters;
use crate::mixed::Share;
use crate::outlet::Outlet;
use crate::playlist::Playing;
use crate::playout::Played;
use crate::reporting::Reporting;
use crate::speaker::{Packets, Speaker, frame_length};
use crate::streaming::Live;
use crate::video::SOUND_RATE;

/// Room to work in, shared by all legs of a thread, and the packets that were made.
#[derive(Default)]
pub struct Desk {
    samples: Vec<i16>,
    over: Vec<i16>,
    pub packets: Packets,
    /// What was heard in the party's sound.
    pub heard: Vec<Heard>,
    pub reporting: Arc<Reporting>,
}

impl Desk {
    pub fn new(reporting: Arc<Reporting>) -> Self {
        Self {
            reporting,
            ..Self::default()
        }
    }
}

/// How much of what a frame is behind when it was said counts at once: it is followed within a second.
const FOLLOWED: f64 = 0.05;
/// Frames after which the playout's figures are looked at.
const FIGURES: u32 = 50;

/// What came of a tick beside packets.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    /// What was played came to its end.
    pub play_ended: Option<u64>,
    /// There is something to say, and no format to say it in: the leg is silent now.
    pub mute: bool,
    /// RTCP of ours is due.
    pub report: Option<Vec<u8>>,
}

impl Leg {
    /// 20 ms have gone by: speak to those who hear the party, and make the packets that are due to it.
    pub fn tick(
        &mut self,
        now: f64,
        counters: &Counters,
        outlet: &Outlet,
        desk: &mut Desk,
    ) -> Outcome {
        desk.packets.clear();
        desk.heard.clear();
        if self.live.as_ref().is_some_and(Live::is_over) {
            self.live = None;
            self.settle(outlet);
        }
        self.speak_to_hearers(now, counters, desk);
        let mut outcome = self.speak_to_party(now, outlet, desk);
        if self.party.is_some() && self.measure.is_report_due(now) {
            outcome.report = self.report(now, &desk.reporting);
        }
        outcome
    }

    /// RFC 3550 section 6.4: of the stream that we make, and of what we hear. Where the peer's packets pass as they are,
    /// its reports do, too.
    fn report(&mut self, now: f64, reporting: &Reporting) -> Option<Vec<u8>> {
        // What is said in a room now, its packets carry later. Pictures do not wait as long: a phone that plays both by
        // the clock has them in step.
        let behind = match &self.doing {
            Doing::Mixed(_) => self.behind,
            _ => 0.0,
        };
        let sending = self
            .speaker
            .as_ref()
            .and_then(|speaker| speaker.sending(now + behind));
        let ends_here = match &self.doing {
            Doing::Bridged(bridge) => bridge.hearing.is_some(),
            _ => true,
        };
        if sending.is_none() && !ends_here {
            return None;
        }
        Some(
            self.measure
                .make_report(sending, &mut self.reception, now, reporting),
        )
    }

    fn speak_to_party(&mut self, now: f64, outlet: &Outlet, desk: &mut Desk) -> Outcome {
        // Before Connect nothing is sent, and a prompt waits for its hearer.
        let Some(party) = &self.party else {
            return Outcome::default();
        };
        let may_send = party.connection.send;
        let events = self.events();
        let Some(speaker) = &mut self.speaker else {
            return self.mute(outlet);
        };
        let mut outcome = Outcome::default();
        if !may_send {
            speaker.forget();
            self.keying.stop();
            outcome.play_ended = self.pass_unheard(desk);
            self.settle(outlet);
        } else if !self.keying.is_done() {
            let Desk {
                samples, packets, ..
            } = desk;
            self.keying.tick(speaker, events, now, samples, packets);
            // What is said meanwhile is not heard; what is played waits.
            pass_over(&mut self.doing, samples);
            if self.keying.is_done() {
                self.settle(outlet);
            }
        } else if let Some(live) = &mut self.live {
            let above = (&mut self.over, live);
            outcome.play_ended = say_live(&mut self.doing, above, speaker, self.slot, now, desk);
        } else if let Some(over) = &mut self.over {
            let speech = hear(&mut self.doing, speaker, self.slot, desk, over.rate());
            let rate = speech.unwrap_or_else(|| speaker.rate_for(over.rate()));
            if play_over(|out| over.frame(rate, out), speech.is_some(), desk) {
                speaker.say(&desk.samples, rate, now, &mut desk.packets);
            } else {
                outcome.play_ended = Some(over.operation());
                say_or_pause(speaker, speech, now, desk);
            }
        } else {
            match &mut self.doing {
                Doing::Playing(playing) => {
                    let Desk {
                        samples, packets, ..
                    } = desk;
                    if !playing.say(speaker, now, samples, packets) {
                        speaker.pause(now, packets);
                        outcome.play_ended = Some(playing.operation());
                    }
                }
                Doing::Mixed(seat) => {
                    if let Some(mixed) = seat.frame() {
                        if let Some(said) = mixed.said() {
                            self.behind += ((now - said).clamp(0.0, 1.0) - self.behind) * FOLLOWED;
                        }
                        let manner = Some(speaker.manner());
                        match mixed.share(self.slot, manner, &mut desk.samples) {
                            Share::Payloads(payloads) => payloads.iter().for_each(|payload| {
                                speaker.say_encoded(payload, now, &mut desk.packets);
                            }),
                            Share::Samples => {
                                speaker.say(&desk.samples, mixed.rate, now, &mut desk.packets);
                            }
                        }
                    }
                }
                doing => {
                    let speech = hear(doing, speaker, self.slot, desk, 8000);
                    say_or_pause(speaker, speech, now, desk);
                }
            }
        }
        if outcome.play_ended.is_some() {
            self.stop_play(outlet);
        }
        outcome
    }

    /// A frame of the party's voice for those who want it.
    fn speak_to_hearers(&mut self, now: f64, counters: &Counters, desk: &mut Desk) {
        if self.playout.is_none() {
            match &self.sound {
                Some(sound) => {
                    desk.samples.clear();
                    if sound.frame(&mut desk.samples) {
                        let voices = &self.around.voices;
                        voices.speak(self.slot, SOUND_RATE, false, now, &desk.samples);
                    }
                }
                None => self.hear_silence(desk),
            }
            return;
        }
        if !self.is_wanted() {
            self.playout = None;
            return;
        }
        let Some(playout) = &mut self.playout else {
            return;
        };
        let voices = &self.around.voices;
        playout.hear_closely(self.ears.is_some() || voices.heard_closely(self.slot));
        desk.samples.clear();
        let played = playout.frame(now, &mut desk.samples);
        self.frames = self.frames.wrapping_add(1);
        if self.frames % FIGURES == 0 {
            self.measure.played(playout.figures(), counters);
        }
        if let Some(ears) = &mut self.ears {
            ears.hear(
                &desk.samples,
                playout.rate(),
                self.keys_come,
                &mut desk.heard,
            );
        }
        let rate = playout.rate();
        match played {
            Played::Nothing => {}
            Played::Skipped => voices.skip(self.slot, rate, self.passed),
            _ => {
                let said = now - playout.kept();
                voices.speak(self.slot, rate, self.passed, said, &desk.samples);
            }
        }
    }

    /// The party has sent nothing yet.
    fn hear_silence(&mut self, desk: &mut Desk) {
        if let Some(ears) = self.ears.as_mut().filter(|ears| ears.counts_silence()) {
            let rate = ears.rate();
            desk.samples.clear();
            desk.samples.resize(frame_length(rate), 0);
            ears.hear(&desk.samples, rate, self.keys_come, &mut desk.heard);
        }
    }

    /// What is played to a party on hold goes on unheard, and so does what it would hear: gives what came to its end.
    fn pass_unheard(&mut self, desk: &mut Desk) -> Option<u64> {
        pass_over(&mut self.doing, &mut desk.samples);
        if let Some(live) = &mut self.live {
            desk.samples.clear();
            live.frame(8000, &mut desk.samples);
        }
        let playing = self.playing()?;
        let goes_on = playing.pass_unheard(&mut desk.samples);
        (!goes_on).then_some(playing.operation())
    }

    fn mute(&mut self, outlet: &Outlet) -> Outcome {
        let says = self.over.is_some() || matches!(self.doing, Doing::Playing(_));
        if says {
            self.over = None;
            if matches!(self.doing, Doing::Playing(_)) {
                self.doing = Doing::Nothing;
            }
            self.settle(outlet);
        }
        Outcome {
            mute: says,
            ..Outcome::default()
        }
    }
}

/// 20 ms of what the leg hears are over unheard.
fn pass_over(doing: &mut Doing, samples: &mut Vec<i16>) {
    samples.clear();
    match doing {
        Doing::Bridged(bridge) => {
            if let Some(hearing) = &mut bridge.hearing {
                hearing.frame(samples);
            }
        }
        Doing::Mixed(seat) => drop(seat.frame()),
        _ => {}
    }
}

/// 20 ms of what the leg hears, as samples on the desk: their rate; None: it hears nothing now. `rate` is that of what
/// is played over it.
fn hear(
    doing: &mut Doing,
    speaker: &Speaker,
    slot: u32,
    desk: &mut Desk,
    rate: u32,
) -> Option<u32> {
    desk.samples.clear();
    match doing {
        Doing::Bridged(bridge) => {
            let heard = bridge.hearing.as_mut()?.frame(&mut desk.samples)?;
            // What went to the party as it was is not said again.
            (!heard.passed).then_some(heard.rate)
        }
        Doing::Mixed(seat) => {
            let mixed = seat.frame()?;
            mixed.share(slot, None, &mut desk.samples);
            Some(mixed.rate)
        }
        Doing::Playing(playing) => {
            let rate = speaker.rate_for(rate);
            playing.frame(rate, &mut desk.samples).then_some(rate)
        }
        _ => None,
    }
}

/// Say 20 ms of what the far end of a stream says, over or instead of what the leg hears, and of what is played over both:
/// gives what came to its end.
fn say_live(
    doing: &mut Doing,
    (over, live): (&mut Option<Playing>, &mut Live),
    speaker: &mut Speaker,
    slot: u32,
    now: f64,
    desk: &mut Desk,
) -> Option<u64> {
    let best = over.as_ref().map_or(0, Playing::rate).max(live.rate());
    let mut speech = hear(doing, speaker, slot, desk, best);
    let mut ended = match doing {
        Doing::Playing(playing) if speech.is_none() && over.is_none() => Some(playing.operation()),
        _ => None,
    };
    if live.alone() {
        speech = None;
    }
    let rate = speech.unwrap_or_else(|| speaker.rate_for(best));
    if speech.is_some() {
        // A list that is held has none.
        desk.samples.resize(frame_length(rate), 0);
    }
    let mut says = speech.is_some();
    if let Some(over) = over {
        if play_over(|out| over.frame(rate, out), says, desk) {
            desk.samples.resize(frame_length(rate), 0);
            says = true;
        } else {
            ended = Some(over.operation());
        }
    }
    says |= play_over(|out| live.frame(rate, out), says, desk);
    say_or_pause(speaker, says.then_some(rate), now, desk);
    ended
}

/// Add 20 ms of what is played over the samples on the desk: whether there was anything.
fn play_over(frame: impl FnOnce(&mut Vec<i16>) -> bool, speech: bool, desk: &mut Desk) -> bool {
    desk.over.clear();
    if !frame(&mut desk.over) {
        return false;
    }
    if speech {
        for (sample, &more) in desk.samples.iter_mut().zip(&desk.over) {
            *sample = sample.saturating_add(more);
        }
    } else {
        std::mem::swap(&mut desk.samples, &mut desk.over);
    }
    true
}

fn say_or_pause(speaker: &mut Speaker, speech: Option<u32>, now: f64, desk: &mut Desk) {
    match speech {
        Some(rate) => speaker.say(&desk.samples, rate, now, &mut desk.packets),
        None => speaker.pause(now, &mut desk.packets),
    }
}

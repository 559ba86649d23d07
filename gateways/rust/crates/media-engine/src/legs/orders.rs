//! What the owner orders: for one leg, or one mix.

use std::sync::Arc;

use crate::guard::Guard;
use crate::io::Outbox;
use crate::leg::Leg;
use crate::mix::Mix;
use crate::order::{Errand, MixOrder, Order, Playlist};
use crate::playlist::Playing;
use crate::streaming::Live;

use super::{Legs, Room, Seated};

impl Legs {
    pub fn carry_out(&mut self, errand: Errand, outbox: &mut impl Outbox) {
        match errand {
            Errand::Leg(slot, Order::Video(order)) => {
                self.guarded(slot, |legs| legs.obey_video(slot, order, outbox));
            }
            Errand::Leg(slot, order) => self.guarded(slot, |legs| legs.obey(slot, order)),
            Errand::Mix(mix, order) => self.guarded_mix(mix, |legs| legs.obey_mix(mix, order)),
        }
    }

    pub(super) fn obey(&mut self, slot: u32, order: Order) {
        let shared = &self.shared;
        let outlet = &shared.outlets[slot as usize];
        if let Order::Open { epoch } = order {
            shared.counters[slot as usize].open(epoch);
            outlet.open(epoch);
            shared.around.voices.open(slot, epoch);
            self.legs[slot as usize] = Some(Seated {
                guard: None,
                leg: Box::new(Leg::new(slot, epoch, self.now, shared.around.clone())),
                ticks: false,
            });
            return;
        }
        let Some(Seated { leg, guard, .. }) = &mut self.legs[slot as usize] else {
            return;
        };
        match order {
            Order::Open { .. } | Order::Video(_) => {}
            Order::Connect(connection) => {
                let keys = connection.keys.as_deref();
                outlet.secure(keys.map(|keys| &keys.ours));
                match (guard.as_mut(), keys) {
                    (Some(guard), Some(keys)) => guard.agreed(keys, self.now),
                    (_, keys) => *guard = keys.map(|keys| Box::new(Guard::new(keys))),
                }
                leg.connect(connection, outlet);
            }
            Order::Bridge(terms) => leg.bridge(terms, outlet),
            Order::Join { mix, epoch, rate } => leg.join(mix, epoch, rate, outlet),
            Order::Play(playlist) => {
                let over = playlist.over;
                leg.play(playing(playlist), over, outlet);
            }
            Order::StopPlay => leg.stop_play(outlet),
            Order::PausePlay(paused) => {
                if let Some(playing) = leg.playing() {
                    playing.pause(paused);
                }
            }
            Order::SeekPlay(ms) => {
                if let Some(playing) = leg.playing() {
                    playing.seek(ms);
                }
            }
            Order::Detect(listening) => leg.listen_for(listening),
            Order::SendKeys(keys) => leg.send_keys(keys, outlet),
            Order::Key { epoch, keys } => {
                if leg.epoch == epoch {
                    leg.send_keys(keys, outlet);
                }
            }
            Order::HearComposer(member) => leg.speak_for(shared.composer.hear(member)),
            Order::Live(incoming) => leg.play_live(Live::new(incoming), outlet),
            Order::Silence => leg.silence(outlet),
            Order::Close => {
                let figures = shared.counters[slot as usize].read(leg.epoch);
                shared
                    .judged
                    .add(figures.r, figures.lost, figures.measures.late);
                outlet.close();
                shared.around.tracks.end(slot, leg.epoch);
                shared.around.voices.close(slot);
                self.legs[slot as usize] = None;
                self.wheel.remove(slot);
                return;
            }
        }
        self.keep_ticking(slot);
    }

    pub(super) fn obey_mix(&mut self, mix: u32, order: MixOrder) {
        let around = &self.shared.around;
        if let MixOrder::Open {
            epoch,
            rate,
            loudest,
            keys,
        } = order
        {
            around.mixes.open(mix, epoch);
            let voices = Arc::clone(&around.voices);
            self.mixes[mix as usize] = Some(Box::new(Room {
                mix: Mix::new(epoch, rate, loudest, keys, voices),
                spare: None,
            }));
            self.wheel.add(self.mix_on_wheel(mix), self.now);
            return;
        }
        let Some(room) = &mut self.mixes[mix as usize] else {
            return;
        };
        let room = &mut room.mix;
        match order {
            MixOrder::Open { .. } => {}
            MixOrder::Join { leg, epoch, manner } => room.join(leg, epoch, manner),
            MixOrder::Leave { leg } => room.leave(leg),
            MixOrder::Stand { leg, standing } => room.stand(leg, standing),
            MixOrder::Hear {
                listener,
                speaker,
                gain,
            } => room.hear(listener, speaker, gain),
            MixOrder::Play(playlist) => room.play(Some(playing(playlist))),
            MixOrder::StopPlay => room.play(None),
            MixOrder::PausePlay(paused) => {
                if let Some(playing) = room.playing() {
                    playing.pause(paused);
                }
            }
            MixOrder::SeekPlay(ms) => {
                if let Some(playing) = room.playing() {
                    playing.seek(ms);
                }
            }
            MixOrder::Key { presser, keys } => {
                for (leg, epoch) in room.key_takers(presser) {
                    let keys = keys.clone();
                    self.pass_on(Errand::Leg(leg, Order::Key { epoch, keys }), leg);
                }
            }
            MixOrder::Close => self.end_mix(mix),
        }
    }

    pub(super) fn end_mix(&mut self, mix: u32) {
        self.shared.around.mixes.close(mix);
        if let Some(room) = self.mixes[mix as usize].take() {
            self.shared.mix_tracks.end(mix, room.mix.epoch);
        }
        self.wheel.remove(self.mix_on_wheel(mix));
    }
}

fn playing(playlist: Playlist) -> Playing {
    Playing::new(playlist.items, playlist.operation, playlist.looped)
}

//! Legs of pictures: who is bridged, and who is shown what.

use std::sync::Arc;

use super::{Errand, Event, Place, Slot, Switchboard, failed};
use crate::command::Command;
use crate::order::Order;
use crate::video::{VideoBridge, VideoConnection, VideoOrder, VideoPassage, VideoTerms};

/// What is known of a leg of pictures.
#[derive(Clone, Default)]
pub struct Pictures {
    terms: Option<Arc<VideoTerms>>,
    /// How many are shown it.
    viewers: u32,
}

fn leg(leg: u32, order: VideoOrder) -> Errand {
    Errand::Leg(leg, Order::Video(order))
}

impl Switchboard {
    pub(super) fn carries_pictures(&self, leg: u32) -> bool {
        let slot = self.slots.get(leg as usize);
        slot.is_some_and(|slot| slot.pictures.is_some())
    }

    /// The orders of a command that concerns pictures alone.
    pub(super) fn carry_out_pictures(&mut self, command: &Command) -> Result<Vec<Errand>, Event> {
        match *command {
            Command::OpenVideo { leg: slot, epoch } => {
                self.open_pictures(slot, epoch, None)?;
                Ok(vec![leg(slot, VideoOrder::Open { epoch })])
            }
            Command::OpenSource {
                leg: slot,
                epoch,
                source: number,
                wire,
            } => {
                self.open_pictures(slot, epoch, Some(Arc::new(VideoTerms::of(wire))))?;
                let order = VideoOrder::OpenSource {
                    epoch,
                    number,
                    wire,
                };
                Ok(vec![leg(slot, order)])
            }
            Command::ConnectVideo {
                leg: slot,
                ref connection,
            } => self.connect_pictures(slot, connection),
            Command::Show { viewer, source } => self.show(viewer, source),
            Command::Refresh { leg: slot } => {
                self.pictures_epoch(slot)?;
                Ok(match self.slots[slot as usize].place {
                    Place::Bridged(seen) | Place::Shown(seen) => {
                        vec![leg(seen, VideoOrder::Wanted)]
                    }
                    Place::Alone | Place::Mixed(_) => Vec::new(),
                })
            }
            Command::LimitVideo { leg: slot, bits } => self.order(slot, VideoOrder::Limit(bits)),
            Command::FeedComposer { leg: slot, member } => {
                self.order(slot, VideoOrder::Feed(member))
            }
            // The engine does `Composer`.
            _ => Ok(Vec::new()),
        }
    }

    fn order(&mut self, slot: u32, order: VideoOrder) -> Result<Vec<Errand>, Event> {
        self.pictures_epoch(slot)?;
        Ok(vec![leg(slot, order)])
    }

    fn open_pictures(
        &mut self,
        slot: u32,
        epoch: u64,
        terms: Option<Arc<VideoTerms>>,
    ) -> Result<(), Event> {
        let place = self.slot(slot)?;
        if place.epoch.is_some() {
            return Err(failed(slot, epoch, "the leg is open already"));
        }
        *place = Slot {
            epoch: Some(epoch),
            last_epoch: epoch,
            pictures: Some(Box::new(Pictures { terms, viewers: 0 })),
            ..Slot::default()
        };
        self.views.lock(slot).open(epoch);
        Ok(())
    }

    fn connect_pictures(
        &mut self,
        slot: u32,
        connection: &VideoConnection,
    ) -> Result<Vec<Errand>, Event> {
        self.pictures_epoch(slot)?;
        let mut view = self.views.lock(slot);
        view.agree(&connection.terms, connection.most);
        drop(view);
        if let Some(pictures) = &mut self.slots[slot as usize].pictures {
            pictures.terms = Some(Arc::clone(&connection.terms));
        }
        let mut errands = vec![leg(slot, VideoOrder::Connect(connection.clone()))];
        if let Place::Bridged(peer) = self.slots[slot as usize].place {
            errands.extend(self.picture_bridge(slot, peer));
        }
        Ok(errands)
    }

    pub(super) fn bridge_pictures(&mut self, a: u32, b: u32) -> Result<Vec<Errand>, Event> {
        let epoch = self.pictures_epoch(a)?;
        self.pictures_epoch(b)?;
        if a == b {
            return Err(failed(a, epoch, "a leg cannot be bridged with itself"));
        }
        let mut errands = Vec::new();
        if self.slots[a as usize].place != Place::Bridged(b) {
            errands.extend(self.part_pictures(a));
            errands.extend(self.part_pictures(b));
            self.slots[a as usize].place = Place::Bridged(b);
            self.slots[b as usize].place = Place::Bridged(a);
        }
        errands.extend(self.picture_bridge(a, b));
        Ok(errands)
    }

    /// What two bridged legs are to do by what is agreed with their parties now.
    fn picture_bridge(&self, a: u32, b: u32) -> [Errand; 2] {
        let terms = |slot: u32| -> Option<&Arc<VideoTerms>> {
            self.slots[slot as usize].pictures.as_ref()?.terms.as_ref()
        };
        let bridge = |from: u32, to: u32| {
            let both = terms(from).zip(terms(to));
            VideoOrder::Bridge(VideoBridge {
                peer: to,
                epoch: self.slots[to as usize].last_epoch,
                passage: both.map_or(VideoPassage::NONE, |(mine, theirs)| mine.passage(theirs)),
                takes: terms(to).map(|terms| terms.takes).unwrap_or_default(),
            })
        };
        [leg(a, bridge(a, b)), leg(b, bridge(b, a))]
    }

    /// Show a viewer a source.
    pub(super) fn show(&mut self, viewer: u32, source: Option<u32>) -> Result<Vec<Errand>, Event> {
        let epoch = self.pictures_epoch(viewer)?;
        let Some(source) = source else {
            return self.silence_pictures(viewer);
        };
        let source_epoch = self.pictures_epoch(source)?;
        if self.slots[viewer as usize].place == Place::Shown(source) {
            return Ok(Vec::new());
        }
        let terms = |slot: u32| {
            let pictures = self.slots[slot as usize].pictures.as_ref();
            pictures.and_then(|pictures| pictures.terms.as_ref())
        };
        if let (Some(sent), Some(taken)) = (terms(source), terms(viewer)) {
            if !sent.can_be_shown_to(taken) {
                let reason = "the viewer takes no pictures such as the source sends";
                return Err(failed(viewer, epoch, reason));
            }
        }
        let mut errands = Vec::new();
        match self.slots[viewer as usize].place {
            // It goes on to see that until this begins.
            Place::Shown(before) => self.count_viewer(before, false),
            _ => errands.extend(self.part_pictures(viewer)),
        }
        self.slots[viewer as usize].place = Place::Shown(source);
        self.count_viewer(source, true);
        self.views.lock(viewer).want(Some((source, source_epoch)));
        errands.push(leg(source, VideoOrder::Serve { viewer, epoch }));
        Ok(errands)
    }

    fn count_viewer(&mut self, source: u32, more: bool) {
        if let Some(pictures) = &mut self.slots[source as usize].pictures {
            pictures.viewers = if more {
                pictures.viewers + 1
            } else {
                pictures.viewers.saturating_sub(1)
            };
        }
    }

    pub(super) fn silence_pictures(&mut self, slot: u32) -> Result<Vec<Errand>, Event> {
        self.pictures_epoch(slot)?;
        let mut errands = self.part_pictures(slot);
        errands.push(leg(slot, VideoOrder::Silence));
        Ok(errands)
    }

    pub(super) fn close_pictures(&mut self, slot: u32) -> Result<Vec<Errand>, Event> {
        if self.slots[slot as usize].epoch.is_none() {
            return Ok(Vec::new());
        }
        let mut errands = self.part_pictures(slot);
        let closed = &mut self.slots[slot as usize];
        closed.epoch = None;
        let pictures = closed.pictures.take();
        if pictures.is_some_and(|pictures| pictures.viewers > 0) {
            // They keep its last picture, until they are shown another.
            for (viewer, other) in (0u32..).zip(&mut self.slots) {
                if other.place == Place::Shown(slot) {
                    other.place = Place::Alone;
                    self.views.lock(viewer).want(None);
                }
            }
        }
        self.views.lock(slot).close();
        errands.push(leg(slot, VideoOrder::Close));
        Ok(errands)
    }

    /// Take a leg out of what it does: what the other is to do.
    fn part_pictures(&mut self, slot: u32) -> Vec<Errand> {
        match std::mem::take(&mut self.slots[slot as usize].place) {
            Place::Bridged(peer) => {
                self.slots[peer as usize].place = Place::Alone;
                vec![
                    leg(peer, VideoOrder::Silence),
                    leg(slot, VideoOrder::Silence),
                ]
            }
            Place::Shown(source) => {
                self.count_viewer(source, false);
                self.views.lock(slot).want(None);
                Vec::new()
            }
            Place::Alone | Place::Mixed(_) => Vec::new(),
        }
    }

    fn pictures_epoch(&mut self, slot: u32) -> Result<u64, Event> {
        let place = self.slot(slot)?;
        let last = place.last_epoch;
        match place.epoch {
            None => Err(failed(slot, last, "the leg is not open")),
            Some(_) if place.pictures.is_none() => Err(failed(slot, last, "the leg carries sound")),
            Some(epoch) => Ok(epoch),
        }
    }
}

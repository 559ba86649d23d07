//! What the threads are to do: each order concerns one leg or one mix only.

use std::sync::Arc;

use dsp::mix::Gain;

use crate::command::Connection;
use crate::leg::{Listening, Presses, Terms};
use crate::mix::Standing;
use crate::playlist::Item;
use crate::speaker::Manner;
use crate::streaming::Incoming;
use crate::video::VideoOrder;

/// What the thread of one leg is to do.
#[derive(Clone)]
pub enum Order {
    Open {
        epoch: u64,
    },
    Connect(Connection),
    Bridge(Terms),
    Join {
        mix: u32,
        epoch: u64,
        rate: u32,
    },
    Play(Playlist),
    StopPlay,
    PausePlay(bool),
    SeekPlay(u32),
    Detect(Listening),
    SendKeys(Presses),
    /// A key that whom it hears has pressed, for a user of the slot.
    Key {
        epoch: u64,
        keys: Presses,
    },
    /// Play what comes from the far end of a stream.
    Live(Arc<Incoming>),
    /// Say what the composer sends of a member's sound.
    HearComposer(u64),
    /// Of a leg of pictures.
    Video(VideoOrder),
    Silence,
    Close,
}

/// What the thread of one mix is to do.
#[derive(Clone)]
pub enum MixOrder {
    Open {
        epoch: u64,
        rate: u32,
        loudest: usize,
        keys: bool,
    },
    Join {
        leg: u32,
        epoch: u64,
        manner: Option<Manner>,
    },
    Leave {
        leg: u32,
    },
    Stand {
        leg: u32,
        standing: Standing,
    },
    Hear {
        listener: u32,
        speaker: u32,
        gain: Option<Gain>,
    },
    Play(Playlist),
    StopPlay,
    PausePlay(bool),
    SeekPlay(u32),
    /// A member has pressed a key.
    Key {
        presser: u32,
        keys: Presses,
    },
    Close,
}

/// What is to be played.
#[derive(Clone)]
pub struct Playlist {
    pub items: Vec<Item>,
    pub operation: u64,
    pub looped: bool,
    pub over: bool,
}

/// An order with whom it is for.
#[derive(Clone)]
pub enum Errand {
    Leg(u32, Order),
    Mix(u32, MixOrder),
}

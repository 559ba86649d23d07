//! What the engine is told, and what it tells. Plain records, that could cross a process boundary.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use recording::{Container, Layout, Pause};

use crate::formats::Formats;
use crate::guard::Keys;
use crate::leg::{Detected, Listening};
use crate::playlist::ToneSpec;
use crate::streaming::Wanted;
use crate::video::{VideoConnection, Wire};

/// An order about a leg or a mix, each named by its slot. Carried out in the order given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Take a leg's slot into use. `epoch` comes back in events and tells apart the users of one slot.
    Open {
        leg: u32,
        epoch: u64,
    },
    /// What was agreed with the party. A second one re-arms the latch.
    Connect {
        leg: u32,
        connection: Connection,
    },
    /// Let two parties hear each other: what both understand passes as it is, RTCP too; all else is converted.
    Bridge {
        a: u32,
        b: u32,
    },
    /// Send a party's sound back to it.
    Echo {
        leg: u32,
    },
    /// The same for pictures: such a leg can be bridged with another of its kind, echoed, silenced and closed as one of
    /// sound is, and nothing else of what those can.
    OpenVideo {
        leg: u32,
        epoch: u64,
    },
    ConnectVideo {
        leg: u32,
        connection: VideoConnection,
    },
    /// Show a party what another sends, from its next key frame on; until then, what it has been shown. None: nothing.
    Show {
        viewer: u32,
        source: Option<u32>,
    },
    /// A party has said by signalling that it needs a key frame of what it sees: whoever sends that is asked.
    Refresh {
        leg: u32,
    },
    /// The most that a party is to send, in bits a second; None: what it likes.
    LimitVideo {
        leg: u32,
        bits: Option<u64>,
    },
    /// Let go of the composer that there is, and begin with the one that listens there, if there is one.
    Composer {
        #[serde(with = "crate::wire::optional_path")]
        path: Option<PathBuf>,
    },
    /// Give a party's pictures to the composer under a number of its; None: no more.
    FeedComposer {
        leg: u32,
        member: Option<u64>,
    },
    /// Let a leg that has no party say what the composer sends of a member's sound, until its end.
    HearComposer {
        leg: u32,
        member: u64,
    },
    /// Take a leg's slot into use for pictures that the composer makes under a number: they can be shown as a party's.
    OpenSource {
        leg: u32,
        epoch: u64,
        source: u64,
        wire: Wire,
    },
    /// Play a list; `operation` comes back in `PlayEnded`. `looped`: it begins anew for ever. `over`: over what is heard
    /// already, and not in its place; what is played to a mix always is.
    Play {
        to: Target,
        items: Vec<Item>,
        operation: u64,
        looped: bool,
        over: bool,
    },
    /// Forget a prompt, whose number is given to no other. What plays it goes on.
    DropPrompt {
        prompt: u32,
    },
    /// End what is played, and nothing else. There is no `PlayEnded`.
    StopPlay {
        to: Target,
    },
    /// Hold what is played, or let it go on.
    PausePlay {
        to: Target,
        paused: bool,
    },
    /// Go to a time from the beginning of what is played.
    SeekPlay {
        to: Target,
        ms: u32,
    },
    /// Send keys to the party, one after another; what it would hear else waits. Milliseconds that each is held, and that
    /// lie between two.
    SendDigits {
        leg: u32,
        digits: String,
        press_ms: u32,
        pause_ms: u32,
        by: By,
    },
    /// Take a mix's slot into use, at a rate of samples. At most `loudest` are heard at once; 0: all. `keys`: those
    /// that a member presses are sent to all who hear it.
    OpenMix {
        mix: u32,
        epoch: u64,
        rate: u32,
        loudest: usize,
        keys: bool,
    },
    /// Let a leg hear all others of a mix, and be heard by them. `Silence` takes it out again.
    Join {
        mix: u32,
        leg: u32,
    },
    /// How loud a member is in its mix, in dB; whether it is not heard, and does not hear.
    Level {
        mix: u32,
        leg: u32,
        gain: f64,
        muted: bool,
        deaf: bool,
    },
    /// Let a member hear another otherwise than all do: with a gain in dB, although that is muted; or not at all (None).
    Hear {
        mix: u32,
        listener: u32,
        speaker: u32,
        gain: Option<f64>,
    },
    /// Give a mix's slot back; its members are silent then. Closing one that is not open does nothing.
    CloseMix {
        mix: u32,
    },
    /// Listen to a party for these things, and for nothing else any more.
    Detect {
        leg: u32,
        listening: Listening,
    },
    /// Record a leg (what its party says is the left side, what it hears the right one) or a mix, whose sound is its only
    /// side, from now on until `StopRecord` or its end: at 8 kHz where nothing finer is spoken, else at 16, and a mix at
    /// its own rate. `recording` comes back in events.
    Record {
        from: Target,
        recording: u64,
        #[serde(with = "crate::wire::path")]
        path: PathBuf,
        container: Container,
        layout: Layout,
    },
    /// Leave out what comes from now on. That of a recording that is no more does nothing, as the next two.
    PauseRecord {
        recording: u64,
        mask: Pause,
    },
    ResumeRecord {
        recording: u64,
    },
    StopRecord {
        recording: u64,
    },
    /// Send a leg's sound to a server, and play what comes from there.
    Stream(Wanted),
    /// That of a stream that is no more does nothing.
    StopStream {
        stream: u64,
    },
    /// End bridge, echo, mix and whatever is played.
    Silence {
        leg: u32,
    },
    /// Give a leg's slot back. Closing one that is not open does nothing.
    Close {
        leg: u32,
    },
}

/// To whom something is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    Leg(u32),
    Mix(u32),
}

/// What of a leg a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// What its party says.
    Said,
    /// What its party hears of others: of its partner, or of a mix.
    Heard,
    /// Both, in one channel, or in two.
    Mixed,
    Stereo,
}

impl Direction {
    pub fn name(self) -> &'static str {
        match self {
            Self::Said => "said",
            Self::Heard => "heard",
            Self::Mixed => "mixed",
            Self::Stereo => "stereo",
        }
    }
}

/// How what the far end of a stream says is played to the party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Playback {
    None,
    /// Over what it hears.
    Over,
    /// In place of what it hears.
    Instead,
}

impl Playback {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Over => "over",
            Self::Instead => "instead",
        }
    }
}

/// How keys are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// As events where the party takes them, as tones where not.
    Agreed,
    /// As events (RFC 4733), or not at all.
    Event,
    /// As tones in the sound.
    InBand,
}

/// One thing to be played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Item {
    /// A prompt by its number, from a time on.
    Prompt {
        prompt: u32,
        from_ms: u32,
    },
    /// `ms` None: for ever.
    Tone {
        tone: ToneSpec,
        ms: Option<u32>,
    },
    Silence {
        ms: u32,
    },
}

/// Where a party receives and what it speaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    pub rtp: SocketAddr,
    pub rtcp: SocketAddr,
    /// RTCP shares the RTP port (RFC 5761).
    pub rtcp_mux: bool,
    pub formats: Arc<Formats>,
    /// Milliseconds of sound the party wants in a packet of ours.
    pub ptime: u32,
    /// Whether sound may go to the party, and is taken from it.
    pub send: bool,
    pub receive: bool,
    /// SRTP, both ways; None: in the clear.
    pub keys: Option<Arc<Keys>>,
}

/// What happened to a leg or a mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// What was played came to its end.
    PlayEnded {
        leg: u32,
        epoch: u64,
        operation: u64,
    },
    /// Something that was listened for was heard of the party.
    Detected {
        leg: u32,
        epoch: u64,
        what: Detected,
    },
    /// The party pressed a key (RFC 4733), or was heard to, where that is listened for.
    Digit {
        leg: u32,
        epoch: u64,
        digit: char,
        duration_ms: u32,
    },
    /// A command could not be carried out, or the leg's work panicked: the leg is silent now.
    Failed {
        leg: u32,
        epoch: u64,
        reason: Cow<'static, str>,
    },
    /// What was played to a mix came to its end.
    MixPlayEnded {
        mix: u32,
        epoch: u64,
        operation: u64,
    },
    /// Another member of a mix speaks now.
    Speaking {
        mix: u32,
        epoch: u64,
        leg: u32,
    },
    /// A command about a mix could not be carried out, or its work panicked: it is silent now.
    MixFailed {
        mix: u32,
        epoch: u64,
        reason: Cow<'static, str>,
    },
    /// Sound of a recording is being lost; told once until some could be written again. It goes on.
    RecordingTroubled {
        recording: u64,
        reason: String,
    },
    /// A recording's file is complete, or could not be made (0 bytes). `reason`: empty where it was stopped.
    RecordingEnded {
        recording: u64,
        milliseconds: u64,
        bytes: u64,
        /// Sound that could not be written in time or at all.
        lost_ms: u64,
        reason: String,
    },
    /// The first packet of a party's pictures has come, or one after a stall.
    VideoStarted {
        leg: u32,
        epoch: u64,
    },
    /// Nothing more comes from a party that has sent pictures.
    VideoStalled {
        leg: u32,
        epoch: u64,
    },
    /// Somebody needs a key frame of a party's, which takes no such wish by RTCP: signalling is to ask it (RFC 5168).
    PictureWanted {
        leg: u32,
        epoch: u64,
    },
    /// A viewer sees a source now.
    Shown {
        viewer: u32,
        epoch: u64,
        source: u32,
    },
    /// The composer is there; it has gone, or never came.
    ComposerReady,
    ComposerLost {
        reason: String,
    },
    /// The far end of a stream is there.
    StreamOpened {
        stream: u64,
    },
    /// A stream is over, or never came to be. `lost_ms`: sound that its far end was too slow for.
    StreamEnded {
        stream: u64,
        lost_ms: u64,
        reason: String,
    },
}

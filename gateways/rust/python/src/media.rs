//! Python's view of the media engine.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use ::srtp::{MasterKey, Suite};
use media_engine::recording::{Container, Figures as RecordingFigures, Layout, Pause};
use media_engine::{
    By, Coding, Command, Configuration, Connection, Direction, Engine, Event, Formats, IoKind,
    Item, Keys, LegFigures, Listening, Playback, RATINGS, Stream, Takes, Target, ToneSpec, Totals,
    VideoCoding, VideoConnection, VideoKind, VideoTerms,
};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// Payload type, name, clock rate, channels, and `a=fmtp`.
type Said = (u8, String, u32, u32, String);
/// Suite, our master key with its salt, the party's, and the name of that in its packets.
type KeysTuple = (String, Vec<u8>, Vec<u8>, Vec<u8>);

#[pyclass(frozen, module = "gateways._native")]
pub struct MediaFormats(Arc<Formats>);

#[pymethods]
impl MediaFormats {
    #[new]
    fn new(ours: Vec<Said>, theirs: Vec<Said>) -> PyResult<Self> {
        let codings = |said: Vec<Said>| -> PyResult<Vec<Coding>> {
            said.into_iter()
                .map(|(payload_type, name, clock_rate, channels, parameters)| {
                    if payload_type > 127 {
                        let reason = format!("{payload_type} is no payload type");
                        return Err(PyValueError::new_err(reason));
                    }
                    Ok(Coding::new(
                        payload_type,
                        &name,
                        clock_rate,
                        channels,
                        &parameters,
                    ))
                })
                .collect()
        };
        Ok(Self(Arc::new(Formats::agree(
            codings(ours)?,
            codings(theirs)?,
        ))))
    }

    #[getter]
    fn speaks(&self) -> Option<(&'static str, u8)> {
        self.0
            .speech()
            .map(|(format, payload_type)| (format.name(), payload_type))
    }

    fn hears(&self, payload_type: u8) -> Option<String> {
        self.0.meaning(payload_type).map(ToString::to_string)
    }
}

#[pyclass(frozen, module = "gateways._native")]
pub enum MediaItem {
    #[pyo3(constructor = (*, prompt, from_ms=0))]
    Prompt { prompt: u32, from_ms: u32 },
    #[pyo3(constructor = (*, parts, ms=None, cadence=Vec::new()))]
    Tone {
        parts: Vec<(f64, f64)>,
        ms: Option<u32>,
        cadence: Vec<u32>,
    },
    #[pyo3(constructor = (*, ms))]
    Silence { ms: u32 },
}

impl MediaItem {
    fn item(&self) -> Item {
        match self {
            &Self::Prompt { prompt, from_ms } => Item::Prompt { prompt, from_ms },
            Self::Tone { parts, ms, cadence } => Item::Tone {
                tone: ToneSpec {
                    parts: parts.clone(),
                    cadence: cadence.clone(),
                },
                ms: *ms,
            },
            &Self::Silence { ms } => Item::Silence { ms },
        }
    }
}

#[pyclass(frozen, module = "gateways._native")]
pub enum MediaCommand {
    #[pyo3(constructor = (*, leg, epoch))]
    Open { leg: u32, epoch: u64 },
    #[pyo3(constructor = (*, leg, host, port, rtcp_host, rtcp_port, rtcp_mux, formats, ptime, send, receive, keys = None))]
    Connect {
        leg: u32,
        host: String,
        port: u16,
        rtcp_host: String,
        rtcp_port: u16,
        rtcp_mux: bool,
        formats: Py<MediaFormats>,
        ptime: u32,
        send: bool,
        receive: bool,
        keys: Option<KeysTuple>,
    },
    #[pyo3(constructor = (*, a, b))]
    Bridge { a: u32, b: u32 },
    #[pyo3(constructor = (*, leg))]
    Echo { leg: u32 },
    #[pyo3(constructor = (*, items, operation, leg=None, mix=None, looped=false, over=false))]
    Play {
        items: Vec<Py<MediaItem>>,
        operation: u64,
        leg: Option<u32>,
        mix: Option<u32>,
        looped: bool,
        over: bool,
    },
    #[pyo3(constructor = (*, prompt))]
    DropPrompt { prompt: u32 },
    #[pyo3(constructor = (*, leg=None, mix=None))]
    StopPlay { leg: Option<u32>, mix: Option<u32> },
    #[pyo3(constructor = (*, paused, leg=None, mix=None))]
    PausePlay {
        paused: bool,
        leg: Option<u32>,
        mix: Option<u32>,
    },
    #[pyo3(constructor = (*, ms, leg=None, mix=None))]
    SeekPlay {
        ms: u32,
        leg: Option<u32>,
        mix: Option<u32>,
    },
    #[pyo3(constructor = (*, leg, digits, press_ms=100, pause_ms=100, by="agreed".to_owned()))]
    SendDigits {
        leg: u32,
        digits: String,
        press_ms: u32,
        pause_ms: u32,
        by: String,
    },
    #[pyo3(constructor = (*, mix, epoch, rate, loudest=0, keys=false))]
    OpenMix {
        mix: u32,
        epoch: u64,
        rate: u32,
        loudest: usize,
        keys: bool,
    },
    #[pyo3(constructor = (*, mix, leg))]
    Join { mix: u32, leg: u32 },
    #[pyo3(constructor = (*, mix, leg, gain=0.0, muted=false, deaf=false))]
    Level {
        mix: u32,
        leg: u32,
        gain: f64,
        muted: bool,
        deaf: bool,
    },
    #[pyo3(constructor = (*, mix, listener, speaker, gain))]
    Hear {
        mix: u32,
        listener: u32,
        speaker: u32,
        gain: Option<f64>,
    },
    #[pyo3(constructor = (*, mix))]
    CloseMix { mix: u32 },
    #[pyo3(constructor = (*, leg, keys=false, fax=false, answerer=false, beep=false, progress=None, pause_ms=None))]
    Detect {
        leg: u32,
        keys: bool,
        fax: bool,
        answerer: bool,
        beep: bool,
        progress: Option<String>,
        pause_ms: Option<u32>,
    },
    #[pyo3(constructor = (*, recording, path, container, layout, leg=None, mix=None))]
    Record {
        recording: u64,
        path: PathBuf,
        container: String,
        layout: String,
        leg: Option<u32>,
        mix: Option<u32>,
    },
    #[pyo3(constructor = (*, recording, mask))]
    PauseRecord { recording: u64, mask: String },
    #[pyo3(constructor = (*, recording))]
    ResumeRecord { recording: u64 },
    #[pyo3(constructor = (*, recording))]
    StopRecord { recording: u64 },
    #[pyo3(constructor = (*, leg, epoch))]
    OpenVideo { leg: u32, epoch: u64 },
    #[pyo3(constructor = (*, leg, host, port, rtcp_host, rtcp_port, rtcp_mux, ours, theirs, feedback, send, receive, kbps = None, sets = Vec::new(), keys = None))]
    ConnectVideo {
        leg: u32,
        host: String,
        port: u16,
        rtcp_host: String,
        rtcp_port: u16,
        rtcp_mux: bool,
        ours: Vec<Said>,
        theirs: Vec<Said>,
        feedback: Vec<String>,
        send: bool,
        receive: bool,
        kbps: Option<u32>,
        sets: Vec<Vec<u8>>,
        keys: Option<KeysTuple>,
    },
    #[pyo3(constructor = (*, viewer, source))]
    Show { viewer: u32, source: Option<u32> },
    #[pyo3(constructor = (*, leg))]
    Refresh { leg: u32 },
    #[pyo3(constructor = (*, leg, kbps))]
    LimitVideo { leg: u32, kbps: Option<u32> },
    #[pyo3(constructor = (*, path))]
    Composer { path: Option<PathBuf> },
    #[pyo3(constructor = (*, leg, member))]
    FeedComposer { leg: u32, member: Option<u64> },
    #[pyo3(constructor = (*, leg, member))]
    HearComposer { leg: u32, member: u64 },
    #[pyo3(constructor = (*, leg, epoch, source, name, parameters=String::new()))]
    OpenSource {
        leg: u32,
        epoch: u64,
        source: u64,
        name: String,
        parameters: String,
    },
    #[pyo3(constructor = (*, stream, leg, url, rate, direction, play, about))]
    Stream {
        stream: u64,
        leg: u32,
        url: String,
        rate: u32,
        direction: String,
        play: String,
        about: Vec<(String, String)>,
    },
    #[pyo3(constructor = (*, stream))]
    StopStream { stream: u64 },
    #[pyo3(constructor = (*, leg))]
    Silence { leg: u32 },
    #[pyo3(constructor = (*, leg))]
    Close { leg: u32 },
}

impl MediaCommand {
    /// What cannot be meant, such as a host that is no address, is a mistake of the caller's.
    pub fn command(&self) -> PyResult<Command> {
        Ok(match self {
            &Self::Open { leg, epoch } => Command::Open { leg, epoch },
            Self::Connect {
                leg,
                host,
                port,
                rtcp_host,
                rtcp_port,
                rtcp_mux,
                formats,
                ptime,
                send,
                receive,
                keys,
            } => {
                let keys = keys.as_ref().map(keys_of).transpose()?;
                let connection = Connection {
                    rtp: SocketAddr::new(address(host)?, *port),
                    rtcp: SocketAddr::new(address(rtcp_host)?, *rtcp_port),
                    rtcp_mux: *rtcp_mux,
                    formats: Arc::clone(&formats.get().0),
                    ptime: *ptime,
                    send: *send,
                    receive: *receive,
                    keys: keys.map(Arc::new),
                };
                Command::Connect {
                    leg: *leg,
                    connection,
                }
            }
            &Self::Bridge { a, b } => Command::Bridge { a, b },
            &Self::Echo { leg } => Command::Echo { leg },
            Self::Play {
                items,
                operation,
                leg,
                mix,
                looped,
                over,
            } => Command::Play {
                to: target(*leg, *mix)?,
                items: items.iter().map(|item| item.get().item()).collect(),
                operation: *operation,
                looped: *looped,
                over: *over,
            },
            &Self::DropPrompt { prompt } => Command::DropPrompt { prompt },
            &Self::StopPlay { leg, mix } => Command::StopPlay {
                to: target(leg, mix)?,
            },
            &Self::PausePlay { paused, leg, mix } => Command::PausePlay {
                to: target(leg, mix)?,
                paused,
            },
            &Self::SeekPlay { ms, leg, mix } => Command::SeekPlay {
                to: target(leg, mix)?,
                ms,
            },
            Self::SendDigits {
                leg,
                digits,
                press_ms,
                pause_ms,
                by,
            } => Command::SendDigits {
                leg: *leg,
                digits: digits.clone(),
                press_ms: *press_ms,
                pause_ms: *pause_ms,
                by: match by.as_str() {
                    "agreed" => By::Agreed,
                    "event" => By::Event,
                    "inband" => By::InBand,
                    other => {
                        let reason = format!("keys are not sent by {other:?}");
                        return Err(PyValueError::new_err(reason));
                    }
                },
            },
            &Self::OpenMix {
                mix,
                epoch,
                rate,
                loudest,
                keys,
            } => Command::OpenMix {
                mix,
                epoch,
                rate,
                loudest,
                keys,
            },
            &Self::Join { mix, leg } => Command::Join { mix, leg },
            &Self::Level {
                mix,
                leg,
                gain,
                muted,
                deaf,
            } => Command::Level {
                mix,
                leg,
                gain,
                muted,
                deaf,
            },
            &Self::Hear {
                mix,
                listener,
                speaker,
                gain,
            } => Command::Hear {
                mix,
                listener,
                speaker,
                gain,
            },
            &Self::CloseMix { mix } => Command::CloseMix { mix },
            Self::Detect {
                leg,
                keys,
                fax,
                answerer,
                beep,
                progress,
                pause_ms,
            } => Command::Detect {
                leg: *leg,
                listening: Listening {
                    keys: *keys,
                    fax: *fax,
                    answerer: *answerer,
                    beep: *beep,
                    progress: progress.clone(),
                    pause_ms: *pause_ms,
                },
            },
            Self::Record {
                recording,
                path,
                container,
                layout,
                leg,
                mix,
            } => Command::Record {
                from: target(*leg, *mix)?,
                recording: *recording,
                path: path.clone(),
                container: match container.as_str() {
                    "wav" => Container::Wav,
                    "opus" => Container::OggOpus,
                    _ => return Err(unknown("container", container)),
                },
                layout: match layout.as_str() {
                    "said" => Layout::One,
                    "mixed" => Layout::Mixed,
                    "stereo" => Layout::Stereo,
                    _ => return Err(unknown("layout", layout)),
                },
            },
            Self::PauseRecord { recording, mask } => Command::PauseRecord {
                recording: *recording,
                mask: match mask.as_str() {
                    "cut" => Pause::Cut,
                    "silence" => Pause::Silence,
                    "tone" => Pause::Tone,
                    _ => return Err(unknown("mask", mask)),
                },
            },
            &Self::ResumeRecord { recording } => Command::ResumeRecord { recording },
            &Self::StopRecord { recording } => Command::StopRecord { recording },
            Self::Stream {
                stream,
                leg,
                url,
                rate,
                direction,
                play,
                about,
            } => Command::Stream(Stream {
                stream: *stream,
                leg: *leg,
                url: url.clone(),
                rate: *rate,
                direction: match direction.as_str() {
                    "said" => Direction::Said,
                    "heard" => Direction::Heard,
                    "mixed" => Direction::Mixed,
                    "stereo" => Direction::Stereo,
                    _ => return Err(unknown("direction", direction)),
                },
                playback: match play.as_str() {
                    "none" => Playback::None,
                    "over" => Playback::Over,
                    "instead" => Playback::Instead,
                    _ => return Err(unknown("way to play", play)),
                },
                about: about.clone(),
            }),
            &Self::OpenVideo { leg, epoch } => Command::OpenVideo { leg, epoch },
            Self::ConnectVideo {
                leg,
                host,
                port,
                rtcp_host,
                rtcp_port,
                rtcp_mux,
                ours,
                theirs,
                feedback,
                send,
                receive,
                kbps,
                sets,
                keys,
            } => Command::ConnectVideo {
                leg: *leg,
                connection: VideoConnection {
                    rtp: SocketAddr::new(address(host)?, *port),
                    rtcp: SocketAddr::new(address(rtcp_host)?, *rtcp_port),
                    rtcp_mux: *rtcp_mux,
                    terms: Arc::new(VideoTerms::agree(
                        video_codings(ours)?,
                        video_codings(theirs)?,
                        Takes::new(feedback.iter().map(String::as_str)),
                    )),
                    most: kbps.map(bits),
                    sets: sets.clone(),
                    send: *send,
                    receive: *receive,
                    keys: keys.as_ref().map(keys_of).transpose()?.map(Arc::new),
                },
            },
            &Self::Show { viewer, source } => Command::Show { viewer, source },
            &Self::Refresh { leg } => Command::Refresh { leg },
            &Self::LimitVideo { leg, kbps } => Command::LimitVideo {
                leg,
                bits: kbps.map(bits),
            },
            Self::Composer { path } => Command::Composer { path: path.clone() },
            &Self::FeedComposer { leg, member } => Command::FeedComposer { leg, member },
            &Self::HearComposer { leg, member } => Command::HearComposer { leg, member },
            Self::OpenSource {
                leg,
                epoch,
                source,
                name,
                parameters,
            } => match VideoCoding::new(0, name, 90_000, parameters).kind {
                VideoKind::Picture(wire) => Command::OpenSource {
                    leg: *leg,
                    epoch: *epoch,
                    source: *source,
                    wire,
                },
                _ => return Err(unknown("codec of pictures that we make", name)),
            },
            &Self::StopStream { stream } => Command::StopStream { stream },
            &Self::Silence { leg } => Command::Silence { leg },
            &Self::Close { leg } => Command::Close { leg },
        })
    }
}

fn bits(kilobits: u32) -> u64 {
    u64::from(kilobits) * 1000
}

fn video_codings(said: &[Said]) -> PyResult<Vec<VideoCoding>> {
    said.iter()
        .map(|(payload_type, name, clock_rate, _, parameters)| {
            if *payload_type > 127 {
                let reason = format!("{payload_type} is no payload type");
                return Err(PyValueError::new_err(reason));
            }
            Ok(VideoCoding::new(
                *payload_type,
                name,
                *clock_rate,
                parameters,
            ))
        })
        .collect()
}

fn unknown(what: &str, word: &str) -> PyErr {
    PyValueError::new_err(format!("{word:?} is no {what}"))
}

fn target(leg: Option<u32>, mix: Option<u32>) -> PyResult<Target> {
    match (leg, mix) {
        (Some(leg), None) => Ok(Target::Leg(leg)),
        (None, Some(mix)) => Ok(Target::Mix(mix)),
        _ => Err(PyValueError::new_err("either a leg or a mix")),
    }
}

fn keys_of((suite, ours, theirs, mki): &KeysTuple) -> PyResult<Keys> {
    let suite = Suite::by_name(suite)
        .ok_or_else(|| PyValueError::new_err(format!("no SRTP suite: {suite:?}")))?;
    let master = |bytes: &[u8]| {
        MasterKey::new(suite, bytes)
            .ok_or_else(|| PyValueError::new_err("a key is not as long as its suite wants it"))
    };
    Ok(Keys {
        ours: master(ours)?,
        theirs: master(theirs)?,
        mki: mki.clone(),
    })
}

fn address(host: &str) -> PyResult<IpAddr> {
    host.parse()
        .map_err(|_| PyValueError::new_err(format!("{host:?} is no IP address")))
}

#[pyclass(frozen, module = "gateways._native")]
pub enum MediaEvent {
    #[pyo3(constructor = (*, leg, epoch, operation))]
    PlayEnded {
        leg: u32,
        epoch: u64,
        operation: u64,
    },
    #[pyo3(constructor = (*, leg, epoch, digit, duration_ms))]
    Digit {
        leg: u32,
        epoch: u64,
        digit: char,
        duration_ms: u32,
    },
    #[pyo3(constructor = (*, leg, epoch, what))]
    Detected { leg: u32, epoch: u64, what: String },
    #[pyo3(constructor = (*, leg, epoch, reason))]
    Failed {
        leg: u32,
        epoch: u64,
        reason: String,
    },
    #[pyo3(constructor = (*, mix, epoch, operation))]
    MixPlayEnded {
        mix: u32,
        epoch: u64,
        operation: u64,
    },
    #[pyo3(constructor = (*, mix, epoch, leg))]
    Speaking { mix: u32, epoch: u64, leg: u32 },
    #[pyo3(constructor = (*, mix, epoch, reason))]
    MixFailed {
        mix: u32,
        epoch: u64,
        reason: String,
    },
    #[pyo3(constructor = (*, recording, reason))]
    RecordingTroubled { recording: u64, reason: String },
    #[pyo3(constructor = (*, recording, milliseconds, size, lost_ms, reason))]
    RecordingEnded {
        recording: u64,
        milliseconds: u64,
        size: u64,
        lost_ms: u64,
        reason: String,
    },
    #[pyo3(constructor = (*, leg, epoch))]
    VideoStarted { leg: u32, epoch: u64 },
    #[pyo3(constructor = (*, leg, epoch))]
    VideoStalled { leg: u32, epoch: u64 },
    #[pyo3(constructor = (*, leg, epoch))]
    PictureWanted { leg: u32, epoch: u64 },
    #[pyo3(constructor = (*, viewer, epoch, source))]
    Shown {
        viewer: u32,
        epoch: u64,
        source: u32,
    },
    #[pyo3(constructor = ())]
    ComposerReady {},
    #[pyo3(constructor = (*, reason))]
    ComposerLost { reason: String },
    #[pyo3(constructor = (*, stream))]
    StreamOpened { stream: u64 },
    #[pyo3(constructor = (*, stream, lost_ms, reason))]
    StreamEnded {
        stream: u64,
        lost_ms: u64,
        reason: String,
    },
}

impl From<Event> for MediaEvent {
    fn from(event: Event) -> Self {
        match event {
            Event::PlayEnded {
                leg,
                epoch,
                operation,
            } => Self::PlayEnded {
                leg,
                epoch,
                operation,
            },
            Event::Digit {
                leg,
                epoch,
                digit,
                duration_ms,
            } => Self::Digit {
                leg,
                epoch,
                digit,
                duration_ms,
            },
            Event::Detected { leg, epoch, what } => Self::Detected {
                leg,
                epoch,
                what: what.name().to_owned(),
            },
            Event::Failed { leg, epoch, reason } => Self::Failed {
                leg,
                epoch,
                reason: reason.into_owned(),
            },
            Event::MixPlayEnded {
                mix,
                epoch,
                operation,
            } => Self::MixPlayEnded {
                mix,
                epoch,
                operation,
            },
            Event::Speaking { mix, epoch, leg } => Self::Speaking { mix, epoch, leg },
            Event::RecordingTroubled { recording, reason } => {
                Self::RecordingTroubled { recording, reason }
            }
            Event::RecordingEnded {
                recording,
                milliseconds,
                bytes,
                lost_ms,
                reason,
            } => Self::RecordingEnded {
                recording,
                milliseconds,
                size: bytes,
                lost_ms,
                reason,
            },
            Event::VideoStarted { leg, epoch } => Self::VideoStarted { leg, epoch },
            Event::VideoStalled { leg, epoch } => Self::VideoStalled { leg, epoch },
            Event::PictureWanted { leg, epoch } => Self::PictureWanted { leg, epoch },
            Event::Shown {
                viewer,
                epoch,
                source,
            } => Self::Shown {
                viewer,
                epoch,
                source,
            },
            Event::ComposerReady => Self::ComposerReady {},
            Event::ComposerLost { reason } => Self::ComposerLost { reason },
            Event::StreamOpened { stream } => Self::StreamOpened { stream },
            Event::StreamEnded {
                stream,
                lost_ms,
                reason,
            } => Self::StreamEnded {
                stream,
                lost_ms,
                reason,
            },
            Event::MixFailed { mix, epoch, reason } => Self::MixFailed {
                mix,
                epoch,
                reason: reason.into_owned(),
            },
        }
    }
}

/// What `MediaEngine.leg_stats` gives: a tuple, since Python makes a struct of it field by field.
pub fn leg_stats<'py>(py: Python<'py>, figures: &LegFigures) -> PyResult<Bound<'py, PyTuple>> {
    let mut left = figures.payload_types;
    let mut payload_types = Vec::new();
    while left != 0 {
        payload_types.push(left.trailing_zeros());
        left &= left - 1;
    }
    let last_address = figures.last_address.map(|address| address.to_string());
    let measures = figures.measures;
    let pattern = measures.pattern;
    let percent = |share: f64| rounded(100.0 * share);
    PyTuple::new(
        py,
        [
            figures.received.into_bound_py_any(py)?,
            figures.sent.into_bound_py_any(py)?,
            figures.lost.into_bound_py_any(py)?,
            figures.jitter_ms.into_bound_py_any(py)?,
            figures.first_packet_ms.into_bound_py_any(py)?,
            last_address.unwrap_or_default().into_bound_py_any(py)?,
            figures.discarded.into_bound_py_any(py)?,
            figures.telephone_events.into_bound_py_any(py)?,
            PyTuple::new(py, payload_types)?.into_any(),
            figures.forged.into_bound_py_any(py)?,
            figures.replayed.into_bound_py_any(py)?,
            figures.mismatched.into_bound_py_any(py)?,
            pattern.bursts.into_bound_py_any(py)?,
            percent(pattern.burst_density).into_bound_py_any(py)?,
            percent(pattern.gap_density).into_bound_py_any(py)?,
            rounded(pattern.burst_packets * measures.packet_ms).into_bound_py_any(py)?,
            measures.late.into_bound_py_any(py)?,
            measures.concealed_ms.into_bound_py_any(py)?,
            measures.buffer_ms.map(rounded).into_bound_py_any(py)?,
            measures.round_trip_ms.map(rounded).into_bound_py_any(py)?,
            measures.party_lost.map(percent).into_bound_py_any(py)?,
            measures.sound.map(percent).into_bound_py_any(py)?,
            figures.r.map(rounded).into_bound_py_any(py)?,
            figures.mos.map(rounded).into_bound_py_any(py)?,
        ],
    )
}

/// What `MediaEngine.video_stats` gives.
pub fn video_stats<'py>(py: Python<'py>, figures: &LegFigures) -> PyResult<Bound<'py, PyTuple>> {
    let video = figures.video;
    PyTuple::new(
        py,
        [
            figures.received.into_bound_py_any(py)?,
            figures.sent.into_bound_py_any(py)?,
            figures.lost.into_bound_py_any(py)?,
            video.frames.into_bound_py_any(py)?,
            video.key_frames.into_bound_py_any(py)?,
            rounded(figures.jitter_ms).into_bound_py_any(py)?,
            figures.first_packet_ms.into_bound_py_any(py)?,
            video.asked_by_party.into_bound_py_any(py)?,
            video.asked_of_party.into_bound_py_any(py)?,
            video.resent.into_bound_py_any(py)?,
            video.width.into_bound_py_any(py)?,
            video.height.into_bound_py_any(py)?,
        ],
    )
}

/// To what is worth writing down.
fn rounded(value: f64) -> f64 {
    (100.0 * value).round() / 100.0
}

/// What `MediaEngine.stats` gives.
pub fn stats<'py>(
    py: Python<'py>,
    totals: &Totals,
    recordings: &RecordingFigures,
) -> PyResult<Bound<'py, PyDict>> {
    let stats = PyDict::new(py);
    stats.set_item("legs_open", totals.legs_open)?;
    stats.set_item("packets_received", totals.packets_received)?;
    stats.set_item("packets_sent", totals.packets_sent)?;
    stats.set_item("packets_discarded", totals.packets_discarded)?;
    stats.set_item("panics", totals.panics)?;
    stats.set_item("late_ticks", totals.late_ticks)?;
    stats.set_item("packets_lost", totals.packets_lost)?;
    stats.set_item("packets_late", totals.packets_late)?;
    stats.set_item("recordings_live", recordings.live)?;
    stats.set_item("recording_bytes", recordings.bytes)?;
    stats.set_item("recording_lost_ms", recordings.lost_ms)?;
    stats.set_item("recording_troubles", recordings.troubles)?;
    stats.set_item("prompts_encoded", totals.prompts_encoded)?;
    stats.set_item("prompts_loaded", totals.prompts_loaded)?;
    stats.set_item("prompts_damaged", totals.prompts_damaged)?;
    stats.set_item("prompts_failed", totals.prompts_failed)?;
    Ok(stats)
}

/// What `MediaEngine.ratings` gives.
pub fn ratings<'py>(py: Python<'py>, totals: &Totals) -> PyResult<Bound<'py, PyDict>> {
    let ratings = PyDict::new(py);
    for ((_, users), legs) in RATINGS.iter().zip(totals.ratings) {
        ratings.set_item(users, legs)?;
    }
    Ok(ratings)
}

/// What an engine is made of.
pub fn configuration(
    host: &str,
    first_port: u16,
    legs: usize,
    threads: usize,
    io: &str,
    prompts: Option<PathBuf>,
) -> PyResult<Configuration> {
    let io = match io {
        "auto" => None,
        "epoll" => Some(IoKind::Epoll),
        "io_uring" => Some(IoKind::IoUring),
        other => {
            let reason = format!("{other:?} is no kind of I/O");
            return Err(PyValueError::new_err(reason));
        }
    };
    Ok(Configuration {
        host: address(host)?,
        first_port,
        legs,
        threads,
        io,
        prompts,
    })
}

#[pyclass(frozen, module = "gateways._native")]
pub struct MediaEngine(Engine);

#[pymethods]
impl MediaEngine {
    #[new]
    #[pyo3(signature = (*, host, first_port, legs, threads = 1, io = "auto", prompts = None))]
    fn new(
        py: Python<'_>,
        host: &str,
        first_port: u16,
        legs: usize,
        threads: usize,
        io: &str,
        prompts: Option<PathBuf>,
    ) -> PyResult<Self> {
        let configuration = configuration(host, first_port, legs, threads, io, prompts)?;
        Ok(Self(py.detach(|| Engine::new(&configuration))?))
    }

    #[getter]
    fn io(&self) -> &'static str {
        match self.0.io() {
            IoKind::Epoll => "epoll",
            IoKind::IoUring => "io_uring",
        }
    }

    fn ports(&self) -> Vec<u16> {
        self.0.ports().to_vec()
    }

    fn add_prompt(&self, py: Python<'_>, samples: &[u8], rate: u32) -> PyResult<u32> {
        if samples.len() % 2 != 0 {
            return Err(PyValueError::new_err("half a sample: they have 16 bits"));
        }
        let samples: Vec<i16> = samples
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        py.detach(|| self.0.add_prompt(&samples, rate))
            .map_err(PyValueError::new_err)
    }

    fn submit(&self, commands: Vec<Bound<'_, MediaCommand>>) -> PyResult<()> {
        let commands: Vec<Command> = commands
            .iter()
            .map(|command| command.get().command())
            .collect::<PyResult<_>>()?;
        self.0.submit(&commands);
        Ok(())
    }

    fn fileno(&self) -> i32 {
        self.0.event_descriptor()
    }

    #[pyo3(signature = (limit = 256))]
    fn drain(&self, limit: usize) -> Vec<MediaEvent> {
        self.0
            .drain(limit)
            .into_iter()
            .map(MediaEvent::from)
            .collect()
    }

    fn leg_stats<'py>(&self, py: Python<'py>, leg: u32) -> PyResult<Bound<'py, PyTuple>> {
        let figures = self
            .0
            .leg_figures(leg)
            .ok_or_else(|| PyValueError::new_err(format!("there is no leg {leg}")))?;
        leg_stats(py, &figures)
    }

    fn video_stats<'py>(&self, py: Python<'py>, leg: u32) -> PyResult<Bound<'py, PyTuple>> {
        let figures = self
            .0
            .leg_figures(leg)
            .ok_or_else(|| PyValueError::new_err(format!("there is no leg {leg}")))?;
        video_stats(py, &figures)
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        stats(py, &self.0.totals(), &self.0.recordings())
    }

    fn ratings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        ratings(py, &self.0.totals())
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<MediaFormats>()?;
    module.add_class::<MediaItem>()?;
    module.add_class::<MediaCommand>()?;
    module.add_class::<MediaEvent>()?;
    module.add_class::<MediaEngine>()
}

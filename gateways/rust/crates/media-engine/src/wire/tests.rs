use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use recording::{Container, Layout, Pause};
use sha2::{Digest, Sha256};
use srtp::{MasterKey, Suite};

mod pictures;

use super::*;
use crate::command::{By, Connection, Direction, Item, Playback, Target};
use crate::guard::Keys;
use crate::leg::{Detected, Listening};
use crate::playlist::ToneSpec;
use crate::streaming::Wanted;

// Records of every kind ------------------------------------------------------------------------------------------

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        any::<u32>().prop_map(Target::Leg),
        any::<u32>().prop_map(Target::Mix)
    ]
}

fn number() -> impl Strategy<Value = f64> {
    // What is no number is not equal to itself.
    -1e9..1e9
}

fn item() -> impl Strategy<Value = Item> {
    let tone = (vec((number(), number()), 0..4), vec(any::<u32>(), 0..4));
    prop_oneof![
        (any::<u32>(), any::<u32>()).prop_map(|(prompt, from_ms)| Item::Prompt { prompt, from_ms }),
        (tone, option::of(any::<u32>())).prop_map(|((parts, cadence), ms)| Item::Tone {
            tone: ToneSpec { parts, cadence },
            ms
        }),
        any::<u32>().prop_map(|ms| Item::Silence { ms }),
    ]
}

fn codings() -> impl Strategy<Value = Vec<Coding>> {
    let names = prop_oneof![
        Just(("PCMU", 8000, 1)),
        Just(("G722", 8000, 1)),
        Just(("OPUS", 48_000, 2)),
        Just(("L16", 24_000, 1)),
        Just(("TELEPHONE-EVENT", 48_000, 1)),
        Just(("CN", 8000, 1)),
        Just(("G729", 8000, 1)),
    ];
    let parameters = prop_oneof![Just(""), Just("useinbandfec=1;maxaveragebitrate=24000")];
    let coding =
        (0..128u8, names, parameters).prop_map(|(number, (name, rate, channels), said)| {
            Coding::new(number, name, rate, channels, said)
        });
    vec(coding, 0..4)
}

fn keys() -> impl Strategy<Value = Keys> {
    let key = |suite: Suite, bytes: [u8; 46]| {
        let length = suite.master_bytes();
        MasterKey::new(suite, &bytes[..length]).unwrap()
    };
    let suite = prop::sample::select(Suite::ALL.as_slice());
    let bytes = || vec(any::<u8>(), 46).prop_map(|bytes| <[u8; 46]>::try_from(bytes).unwrap());
    (suite, bytes(), bytes(), vec(any::<u8>(), 0..5)).prop_map(move |(suite, ours, theirs, mki)| {
        Keys {
            ours: key(suite, ours),
            theirs: key(suite, theirs),
            mki,
        }
    })
}

/// As Python gives it: an address alone, with no interface.
fn address() -> impl Strategy<Value = SocketAddr> {
    any::<(IpAddr, u16)>().prop_map(|(host, port)| SocketAddr::new(host, port))
}

fn connection() -> impl Strategy<Value = Connection> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (
        address(),
        address(),
        codings(),
        codings(),
        any::<u32>(),
        flags,
        option::of(keys()),
    )
        .prop_map(|(rtp, rtcp, ours, theirs, ptime, flags, keys)| Connection {
            rtp,
            rtcp,
            rtcp_mux: flags.0,
            formats: Arc::new(Formats::agree(ours, theirs)),
            ptime,
            send: flags.1,
            receive: flags.2,
            keys: keys.map(Arc::new),
        })
}

/// A file's name may be any bytes but 0.
fn path() -> impl Strategy<Value = PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    vec(1..=255u8, 1..40).prop_map(|bytes| std::ffi::OsString::from_vec(bytes).into())
}

fn command() -> impl Strategy<Value = Command> {
    let container = prop_oneof![Just(Container::Wav), Just(Container::OggOpus)];
    let layout = prop_oneof![Just(Layout::One), Just(Layout::Mixed), Just(Layout::Stereo)];
    let mask = prop_oneof![Just(Pause::Cut), Just(Pause::Silence), Just(Pause::Tone)];
    let by = prop_oneof![Just(By::Agreed), Just(By::Event), Just(By::InBand)];
    let direction = prop_oneof![
        Just(Direction::Said),
        Just(Direction::Heard),
        Just(Direction::Mixed),
        Just(Direction::Stereo)
    ];
    let playback = prop_oneof![
        Just(Playback::None),
        Just(Playback::Over),
        Just(Playback::Instead)
    ];
    let listening = (
        any::<[bool; 4]>(),
        option::of("[A-Z]{2}"),
        option::of(any::<u32>()),
    );
    let (a, b) = (any::<u32>(), any::<u32>());
    let of_leg = prop_oneof![
        (any::<u32>(), any::<u64>()).prop_map(|(leg, epoch)| Command::Open { leg, epoch }),
        (any::<u32>(), connection())
            .prop_map(|(leg, connection)| Command::Connect { leg, connection }),
        (a, b).prop_map(|(a, b)| Command::Bridge { a, b }),
        any::<u32>().prop_map(|leg| Command::Echo { leg }),
        (any::<u32>(), "[0-9*#]{0,9}", any::<u32>(), any::<u32>(), by).prop_map(
            |(leg, digits, press_ms, pause_ms, by)| Command::SendDigits {
                leg,
                digits,
                press_ms,
                pause_ms,
                by
            }
        ),
        (any::<u32>(), listening).prop_map(|(leg, (flags, progress, pause_ms))| Command::Detect {
            leg,
            listening: Listening {
                keys: flags[0],
                fax: flags[1],
                answerer: flags[2],
                beep: flags[3],
                progress,
                pause_ms
            }
        }),
        any::<u32>().prop_map(|leg| Command::Silence { leg }),
        any::<u32>().prop_map(|leg| Command::Close { leg }),
    ];
    let flags = || (any::<bool>(), any::<bool>());
    let of_sound = prop_oneof![
        (target(), vec(item(), 0..4), any::<u64>(), flags()).prop_map(
            |(to, items, operation, flags)| Command::Play {
                to,
                items,
                operation,
                looped: flags.0,
                over: flags.1
            }
        ),
        any::<u32>().prop_map(|prompt| Command::DropPrompt { prompt }),
        target().prop_map(|to| Command::StopPlay { to }),
        (target(), any::<bool>()).prop_map(|(to, paused)| Command::PausePlay { to, paused }),
        (target(), any::<u32>()).prop_map(|(to, ms)| Command::SeekPlay { to, ms }),
        (target(), any::<u64>(), path(), container, layout).prop_map(
            |(from, recording, path, container, layout)| Command::Record {
                from,
                recording,
                path,
                container,
                layout
            }
        ),
        (any::<u64>(), mask).prop_map(|(recording, mask)| Command::PauseRecord { recording, mask }),
        any::<u64>().prop_map(|recording| Command::ResumeRecord { recording }),
        any::<u64>().prop_map(|recording| Command::StopRecord { recording }),
        (
            any::<(u64, u32, u32)>(),
            ".{0,20}",
            direction,
            playback,
            vec((".{0,5}", ".{0,5}"), 0..3)
        )
            .prop_map(|((stream, leg, rate), url, direction, playback, about)| {
                Command::Stream(Wanted {
                    stream,
                    leg,
                    url,
                    rate,
                    direction,
                    playback,
                    about,
                })
            }),
        any::<u64>().prop_map(|stream| Command::StopStream { stream }),
    ];
    let of_mix = prop_oneof![
        (any::<(u32, u64, u32)>(), 0..usize::MAX, any::<bool>()).prop_map(
            |((mix, epoch, rate), loudest, keys)| Command::OpenMix {
                mix,
                epoch,
                rate,
                loudest,
                keys
            }
        ),
        (any::<u32>(), any::<u32>()).prop_map(|(mix, leg)| Command::Join { mix, leg }),
        (any::<(u32, u32)>(), number(), flags()).prop_map(|((mix, leg), gain, flags)| {
            Command::Level {
                mix,
                leg,
                gain,
                muted: flags.0,
                deaf: flags.1,
            }
        }),
        (any::<(u32, u32, u32)>(), option::of(number())).prop_map(
            |((mix, listener, speaker), gain)| Command::Hear {
                mix,
                listener,
                speaker,
                gain
            }
        ),
        any::<u32>().prop_map(|mix| Command::CloseMix { mix }),
    ];
    prop_oneof![of_leg, of_sound, of_mix, pictures::command()]
}

fn event() -> impl Strategy<Value = Event> {
    let who = || (any::<u32>(), any::<u64>());
    let reason = || ".{0,30}".prop_map(Into::into);
    let what = prop_oneof![
        Just(Detected::FaxCalling),
        Just(Detected::Person),
        Just(Detected::SpecialInformation)
    ];
    prop_oneof![
        (who(), any::<u64>()).prop_map(|((leg, epoch), operation)| Event::PlayEnded {
            leg,
            epoch,
            operation
        }),
        (who(), what).prop_map(|((leg, epoch), what)| Event::Detected { leg, epoch, what }),
        (who(), any::<char>(), any::<u32>()).prop_map(|((leg, epoch), digit, duration_ms)| {
            Event::Digit {
                leg,
                epoch,
                digit,
                duration_ms,
            }
        }),
        (who(), reason()).prop_map(|((leg, epoch), reason)| Event::Failed { leg, epoch, reason }),
        (who(), any::<u64>()).prop_map(|((mix, epoch), operation)| Event::MixPlayEnded {
            mix,
            epoch,
            operation
        }),
        (who(), any::<u32>()).prop_map(|((mix, epoch), leg)| Event::Speaking { mix, epoch, leg }),
        (who(), reason()).prop_map(|((mix, epoch), reason)| Event::MixFailed {
            mix,
            epoch,
            reason
        }),
        (any::<u64>(), ".{0,30}")
            .prop_map(|(recording, reason)| Event::RecordingTroubled { recording, reason }),
        (any::<(u64, u64, u64, u64)>(), ".{0,30}").prop_map(
            |((recording, milliseconds, bytes, lost_ms), reason)| Event::RecordingEnded {
                recording,
                milliseconds,
                bytes,
                lost_ms,
                reason
            }
        ),
        pictures::event(),
        any::<u64>().prop_map(|stream| Event::StreamOpened { stream }),
        (any::<(u64, u64)>(), ".{0,30}").prop_map(|((stream, lost_ms), reason)| {
            Event::StreamEnded {
                stream,
                lost_ms,
                reason,
            }
        }),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        vec(command(), 0..5).prop_map(Said::Commands),
        (any::<u64>(), vec(any::<u8>(), 0..300))
            .prop_map(|(ask, part)| Said::PromptPart { ask, part }),
        any::<(u64, u32)>().prop_map(|(ask, rate)| Said::Prompt { ask, rate }),
        any::<u64>().prop_map(|ask| Said::Totals { ask }),
        Just(Said::Close),
    ]
}

fn heard() -> impl Strategy<Value = Heard> {
    let open = || vec((any::<u32>(), any::<u64>()), 0..3);
    let welcome = (
        any::<(u32, bool)>(),
        vec(any::<u16>(), 0..5),
        open(),
        open(),
        vec((any::<u64>(), path().prop_map(Path)), 0..3),
        vec(any::<u64>(), 0..3),
    )
        .prop_map(
            |((owner, ends_alone), ports, legs, mixes, recordings, streams)| Welcome {
                owner,
                ends_alone,
                host: "::1".to_owned(),
                io: "epoll".to_owned(),
                ports,
                open: Inventory { legs, mixes },
                recordings,
                streams,
            },
        );
    let number = prop_oneof![
        any::<u32>().prop_map(Ok),
        ".{0,20}".prop_map(Err::<u32, String>)
    ];
    let totals = any::<[u64; 4]>().prop_map(|[ask, received, sent, live]| {
        let totals = Totals {
            packets_received: received,
            packets_sent: sent,
            ratings: [1, 2, 3, 4, sent],
            ..Totals::default()
        };
        let recordings = recording::Figures {
            live,
            ..recording::Figures::default()
        };
        Heard::Totals {
            ask,
            totals: Box::new((totals, recordings)),
        }
    });
    prop_oneof![
        welcome.prop_map(|welcome| Heard::Welcome(Box::new(welcome))),
        ".{0,30}".prop_map(Heard::Refused),
        vec(event(), 0..5).prop_map(Heard::Events),
        (any::<u64>(), number).prop_map(|(ask, number)| Heard::Prompt { ask, number }),
        totals,
        Just(Heard::Closed),
    ]
}

// Their form -----------------------------------------------------------------------------------------------------

/// All that there is in bytes which come in pieces of this size.
fn read<T: DeserializeOwned>(bytes: &[u8], piece: usize) -> (Vec<T>, Option<Malformed>) {
    let (mut frames, mut records) = (Frames::default(), Vec::new());
    for piece in bytes.chunks(piece.max(1)) {
        frames.add(piece);
        loop {
            match frames.next() {
                Ok(Some(record)) => records.push(record),
                Ok(None) => break,
                Err(malformed) => return (records, Some(malformed)),
            }
        }
    }
    (records, None)
}

fn written(records: &[impl Serialize]) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        put(record, &mut out).unwrap();
    }
    out
}

proptest! {
    #[test]
    fn what_the_owner_says_is_heard_however_it_is_cut(all in vec(said(), 0..5), piece in 1..2000usize) {
        prop_assert_eq!(read(&written(&all), piece), (all, None));
    }

    #[test]
    fn what_the_engine_says_is_heard_however_it_is_cut(all in vec(heard(), 0..5), piece in 1..2000usize) {
        prop_assert_eq!(read(&written(&all), piece), (all, None));
    }

    #[test]
    fn what_can_be_agreed_passes_the_check(command in command()) {
        prop_assert_eq!(check(&command), Ok(()));
    }

    #[test]
    fn a_frame_that_ends_early_is_no_record_yet(record in said(), left in any::<prop::sample::Index>()) {
        let bytes = written(&[&record]);
        let (records, malformed) = read::<Said>(&bytes[..left.index(bytes.len())], 4096);
        prop_assert!(records.is_empty());
        prop_assert_eq!(malformed, None);
    }

    #[test]
    fn noise_is_refused_or_is_a_record_and_nothing_else(
        mut bytes in vec(any::<u8>(), 0..400),
        record in said(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        // Whatever it gives: it comes back.
        read::<Said>(&bytes, 64);
        read::<Heard>(&bytes, 64);
        // A length that is right gets it as far as the record.
        let length = (bytes.len() as u32).to_le_bytes();
        bytes.splice(0..0, length);
        for command in read::<Said>(&bytes, 64).0.iter().filter_map(commands).flatten() {
            check(command).ok();
        }
        let mut bent = written(&[&record]);
        let at = at.index(bent.len());
        bent[at] ^= flip;
        for command in read::<Said>(&bent, 64).0.iter().filter_map(commands).flatten() {
            check(command).ok();
        }
    }
}

fn commands(said: &Said) -> Option<&Vec<Command>> {
    match said {
        Said::Commands(commands) => Some(commands),
        _ => None,
    }
}

#[test]
fn a_frame_has_a_bound() {
    let mut frames = Frames::default();
    frames.add(&(LONGEST as u32 + 1).to_le_bytes());
    assert_eq!(frames.next::<Said>(), Err(Malformed("a frame is too long")));
    let mut out = b"before".to_vec();
    let longer = Said::PromptPart {
        ask: 1,
        part: vec![0; LONGEST + 1],
    };
    assert!(put(&longer, &mut out).is_err());
    assert_eq!(out, b"before", "what was there stays");
    assert!(
        put(
            &Said::PromptPart {
                ask: 1,
                part: vec![0; PART]
            },
            &mut out
        )
        .is_ok()
    );
}

#[test]
fn a_record_with_something_behind_it_is_none() {
    let mut bytes = written(&[Said::Totals { ask: 0 }]);
    bytes.push(0);
    bytes[0] += 1;
    let (records, malformed) = read::<Said>(&bytes, 64);
    assert!(records.is_empty());
    assert_eq!(malformed, Some(Malformed("a frame is no record")));
}

#[test]
fn who_greets_otherwise_is_no_engine() {
    let mut frames = Frames::default();
    frames.add(b"GET / HT");
    assert_eq!(frames.greeting(), Ok(None), "it is not all there");
    frames.add(b"TP/1.1\r\n");
    assert!(frames.greeting().is_err());
    let mut frames = Frames::default();
    frames.add(GREETING);
    frames.add(&7u32.to_le_bytes());
    assert_eq!(frames.greeting(), Ok(Some(7)));
    assert!(frames.greeted());
}

#[test]
fn formats_that_cannot_be_are_refused() {
    let coding = |kind| Coding {
        payload_type: 96,
        kind,
    };
    let opus = |bitrate| {
        codec::Format::Opus(codec::Opus {
            bitrate,
            ..codec::Opus::speech(48_000)
        })
    };
    let connect = |coding| Command::Connect {
        leg: 0,
        connection: Connection {
            rtp: "127.0.0.1:1".parse().unwrap(),
            rtcp: "127.0.0.1:2".parse().unwrap(),
            rtcp_mux: false,
            formats: Arc::new(Formats::agree(vec![], vec![coding])),
            ptime: 20,
            send: true,
            receive: true,
            keys: None,
        },
    };
    assert_eq!(check(&connect(coding(Kind::Speech(opus(0))))), Ok(()));
    for impossible in [
        coding(Kind::Speech(opus(1))),
        coding(Kind::Speech(codec::Format::L16 { rate: 0 })),
        coding(Kind::Events { clock_rate: 0 }),
        Coding {
            payload_type: 128,
            kind: Kind::Speech(codec::Format::Pcmu),
        },
    ] {
        assert!(
            check(&connect(impossible.clone())).is_err(),
            "{impossible:?}"
        );
    }
}

/// One of each, as bytes. When this fails, both ends of a link would take the other's records for something else: raise
/// `VERSION`, and write the new sum here.
#[test]
fn a_record_that_changes_its_form_needs_a_new_version() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut sum = Sha256::new();
    let mut of = |bytes: &[u8]| sum.update(bytes);
    for _ in 0..300 {
        of(&written(&[said().new_tree(&mut runner).unwrap().current()]));
        of(&written(&[heard()
            .new_tree(&mut runner)
            .unwrap()
            .current()]));
    }
    of(&(size_of::<crate::figures::Counters>() as u64).to_le_bytes());
    let sum: String = sum
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!((VERSION, &sum[..16]), (3, "1a3df7c52524e89b"));
}

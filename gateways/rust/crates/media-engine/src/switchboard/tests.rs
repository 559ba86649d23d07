use super::*;
use crate::command::By;
use crate::command::Item as Wanted;
use crate::formats::Coding;
use crate::playlist::ToneSpec;

fn words(errands: Result<Vec<Errand>, Event>) -> Vec<String> {
    match errands {
        Err(Event::Failed { leg, epoch, reason }) => vec![format!("{leg}.{epoch}: {reason}")],
        Err(Event::MixFailed { mix, epoch, reason }) => {
            vec![format!("mix {mix}.{epoch}: {reason}")]
        }
        Err(event) => vec![format!("{event:?}")],
        Ok(errands) => errands.into_iter().map(word).collect(),
    }
}

fn word(errand: Errand) -> String {
    match errand {
        Leg(leg, order) => match order {
            Order::Open { epoch } => format!("{leg} open {epoch}"),
            Order::Connect(_) => format!("{leg} connect"),
            Order::Bridge(terms) => {
                let mut word = format!("{leg} bridge {}.{}", terms.peer, terms.epoch);
                if terms.passage != Passage::NONE {
                    word += &format!(" {:?}", terms.passage);
                }
                if terms.converts {
                    word += " converts";
                }
                word
            }
            Order::Join { mix, epoch, rate } => format!("{leg} join {mix}.{epoch} {rate}"),
            Order::Play(Playlist { operation, .. }) => format!("{leg} play {operation}"),
            Order::StopPlay => format!("{leg} stop"),
            Order::PausePlay(paused) => format!("{leg} pause {paused}"),
            Order::SeekPlay(ms) => format!("{leg} seek {ms}"),
            Order::Detect(listening) => format!("{leg} detect {listening:?}"),
            Order::SendKeys(keys) => format!("{leg} send {}", keys.digits),
            Order::Key { .. } => format!("{leg} key"),
            Order::Video(_) => format!("{leg} pictures"),
            Order::Silence => format!("{leg} silence"),
            Order::Live(_) => format!("{leg} live"),
            Order::HearComposer(member) => format!("{leg} says {member}"),
            Order::Close => format!("{leg} close"),
        },
        Mix(mix, order) => match order {
            MixOrder::Open { epoch, rate, .. } => format!("mix {mix} open {epoch} {rate}"),
            MixOrder::Join { leg, epoch, manner } => {
                let payload_type = manner.map(|manner| manner.payload_type);
                format!("mix {mix} join {leg}.{epoch} {payload_type:?}")
            }
            MixOrder::Leave { leg } => format!("mix {mix} leave {leg}"),
            MixOrder::Stand { leg, .. } => format!("mix {mix} stand {leg}"),
            MixOrder::Hear {
                listener, speaker, ..
            } => format!("mix {mix} hear {listener} {speaker}"),
            MixOrder::Play(Playlist { operation, .. }) => format!("mix {mix} play {operation}"),
            MixOrder::StopPlay => format!("mix {mix} stop"),
            MixOrder::PausePlay(paused) => format!("mix {mix} pause {paused}"),
            MixOrder::SeekPlay(ms) => format!("mix {mix} seek {ms}"),
            MixOrder::Key { presser, .. } => format!("mix {mix} key {presser}"),
            MixOrder::Close => format!("mix {mix} close"),
        },
    }
}

fn open(legs: u32) -> Switchboard {
    let mut board = Switchboard::new(legs as usize, Arc::new(Views::new(legs as usize)));
    for leg in 0..legs {
        board
            .carry_out(&Command::Open {
                leg,
                epoch: u64::from(leg) + 10,
            })
            .ok();
    }
    board
}

#[test]
fn a_bridge_is_two_orders_each_about_a_user_not_about_a_slot() {
    let mut board = open(2);
    assert_eq!(
        words(board.carry_out(&Command::Bridge { a: 0, b: 1 })),
        ["0 bridge 1.11", "1 bridge 0.10"]
    );
}

#[test]
fn whatever_ends_a_bridge_on_one_side_ends_it_on_the_other() {
    for command in [
        Command::Silence { leg: 0 },
        Command::Echo { leg: 0 },
        Command::Close { leg: 0 },
    ] {
        let mut board = open(3);
        board.carry_out(&Command::Bridge { a: 0, b: 1 }).ok();
        assert_eq!(words(board.carry_out(&command))[0], "1 silence");
    }
    let mut board = open(3);
    board.carry_out(&Command::Bridge { a: 0, b: 1 }).ok();
    let orders = words(board.carry_out(&Command::Bridge { a: 0, b: 2 }));
    assert_eq!(orders, ["1 silence", "0 bridge 2.12", "2 bridge 0.10"]);
}

fn connect(leg: u32, payload_type: u8) -> Command {
    let codings = vec![Coding::new(payload_type, "PCMA", 8000, 1, "")];
    let nowhere = "0.0.0.0:0".parse().unwrap();
    Command::Connect {
        leg,
        connection: Connection {
            rtp: nowhere,
            rtcp: nowhere,
            rtcp_mux: false,
            formats: Arc::new(Formats::agree(codings.clone(), codings)),
            ptime: 20,
            send: true,
            receive: true,
            keys: None,
        },
    }
}

#[test]
fn what_passes_is_decided_anew_whenever_one_side_agrees_on_something_else() {
    let mut board = open(2);
    assert_eq!(words(board.carry_out(&connect(0, 8))), ["0 connect"]);
    board.carry_out(&Command::Bridge { a: 0, b: 1 }).ok();
    assert_eq!(
        words(board.carry_out(&connect(1, 118))),
        [
            "1 connect",
            "1 bridge 0.10 {118: 8}",
            "0 bridge 1.11 {8: 118}"
        ]
    );
    let mut board = open(1);
    board.carry_out(&connect(0, 8)).ok();
    let echo = words(board.carry_out(&Command::Echo { leg: 0 }));
    assert_eq!(echo, ["0 bridge 0.10 {8: 8}"]);
    assert_eq!(
        words(board.carry_out(&connect(0, 96))),
        ["0 connect", "0 bridge 0.10 {96: 96}"]
    );
}

#[test]
fn what_one_party_does_not_understand_is_converted() {
    let mut board = open(2);
    board.carry_out(&connect(0, 8)).ok();
    let mut wide = connect(1, 9);
    if let Command::Connect { connection, .. } = &mut wide {
        let codings = vec![Coding::new(9, "G722", 8000, 1, "")];
        connection.formats = Arc::new(Formats::agree(codings.clone(), codings));
    }
    board.carry_out(&wide).ok();
    let bridge = words(board.carry_out(&Command::Bridge { a: 0, b: 1 }));
    assert_eq!(bridge, ["0 bridge 1.11 converts", "1 bridge 0.10 converts"]);
}

fn open_mix(mix: u32) -> Command {
    Command::OpenMix {
        mix,
        epoch: 90 + u64::from(mix),
        rate: 8000,
        loudest: 0,
        keys: false,
    }
}

#[test]
fn a_leg_is_in_one_mix_or_bridge_at_a_time_and_leaves_it_for_whatever_else_it_does() {
    let mut board = open(3);
    assert_eq!(words(board.carry_out(&open_mix(0))), ["mix 0 open 90 8000"]);
    board.carry_out(&open_mix(1)).ok();
    board.carry_out(&connect(0, 8)).ok();
    board.carry_out(&Command::Bridge { a: 0, b: 1 }).ok();
    let join = Command::Join { mix: 0, leg: 0 };
    assert_eq!(
        words(board.carry_out(&join)),
        ["1 silence", "0 join 0.90 8000", "mix 0 join 0.10 Some(8)"]
    );
    assert_eq!(
        words(board.carry_out(&connect(0, 96))),
        ["0 connect", "mix 0 join 0.10 Some(96)"]
    );
    let join = Command::Join { mix: 1, leg: 0 };
    assert_eq!(
        words(board.carry_out(&join)),
        [
            "mix 0 leave 0",
            "0 join 1.91 8000",
            "mix 1 join 0.10 Some(96)"
        ]
    );
    let close = Command::Close { leg: 0 };
    assert_eq!(words(board.carry_out(&close)), ["mix 1 leave 0", "0 close"]);
}

#[test]
fn the_members_of_a_mix_that_is_closed_are_silent() {
    let mut board = open(3);
    board.carry_out(&open_mix(0)).ok();
    for leg in [2, 0] {
        board.carry_out(&Command::Join { mix: 0, leg }).ok();
    }
    let close = Command::CloseMix { mix: 0 };
    assert_eq!(
        words(board.carry_out(&close)),
        ["0 silence", "2 silence", "mix 0 close"]
    );
    assert_eq!(words(board.carry_out(&close)), Vec::<String>::new());
    assert_eq!(
        words(board.carry_out(&Command::Join { mix: 0, leg: 1 })),
        ["mix 0.90: the mix is not open"]
    );
}

#[test]
fn what_is_played_over_a_bridge_leaves_it() {
    let mut board = open(2);
    board.carry_out(&Command::Bridge { a: 0, b: 1 }).ok();
    let play = |over| Command::Play {
        to: Target::Leg(0),
        items: vec![Wanted::Silence { ms: 20 }],
        operation: 7,
        looped: false,
        over,
    };
    assert_eq!(words(board.carry_out(&play(true))), ["0 play 7"]);
    assert_eq!(
        words(board.carry_out(&play(false))),
        ["1 silence", "0 play 7"]
    );
}

#[test]
fn what_cannot_be_carried_out_says_why() {
    let mut board = open(3);
    let mut refused = |command: Command, reason: &str| {
        assert_eq!(words(board.carry_out(&command)), [reason], "{command:?}");
    };
    let play = |to, item| Command::Play {
        to,
        items: vec![item],
        operation: 1,
        looped: false,
        over: false,
    };
    let tone = |parts: &[(f64, f64)]| Wanted::Tone {
        tone: ToneSpec {
            parts: parts.to_vec(),
            cadence: Vec::new(),
        },
        ms: None,
    };
    let leg = Target::Leg(0);
    refused(Command::Echo { leg: 9 }, "9.0: there is no such leg");
    refused(
        Command::Open { leg: 0, epoch: 5 },
        "0.5: the leg is open already",
    );
    let prompt = Wanted::Prompt {
        prompt: 3,
        from_ms: 0,
    };
    refused(play(leg, prompt), "0.10: there is no such prompt");
    for parts in [
        &[(f64::NAN, 0.0)][..],
        &[(440.0, f64::INFINITY)],
        &[(4000.0, 0.0)],
    ] {
        refused(
            play(leg, tone(parts)),
            "0.10: a tone lies between 0 and 4000 Hz",
        );
    }
    refused(
        play(leg, tone(&[])),
        "0.10: a tone has one to four parts, and a rhythm of 64 steps at the most",
    );
    refused(
        play(Target::Mix(1), Wanted::Silence { ms: 1 }),
        "mix 1.0: the mix is not open",
    );
    let odd = Command::OpenMix {
        mix: 0,
        epoch: 4,
        rate: 11_025,
        loudest: 0,
        keys: false,
    };
    refused(
        odd,
        "mix 0.4: a mix has 8000, 16000 or 48000 samples a second",
    );
    let digits = |digits: &str, press_ms| Command::SendDigits {
        leg: 0,
        digits: digits.to_owned(),
        press_ms,
        pause_ms: 100,
        by: By::Agreed,
    };
    refused(
        digits("12x", 100),
        "0.10: keys are 0 to 9, *, #, A to D, and 128 at the most",
    );
    refused(
        digits("12", 10),
        "0.10: a key, and the pause behind it, lasts 20 to 6000 ms",
    );
    let level = Command::Level {
        mix: 0,
        leg: 0,
        gain: 0.0,
        muted: true,
        deaf: false,
    };
    refused(level, "0.10: the leg is not in the mix");
    board.carry_out(&Command::Close { leg: 1 }).ok();
    let mut refused = |command: Command, reason: &[&str]| {
        assert_eq!(words(board.carry_out(&command)), reason, "{command:?}");
    };
    refused(Command::Silence { leg: 1 }, &["1.11: the leg is not open"]);
    refused(Command::Close { leg: 1 }, &[]);
}

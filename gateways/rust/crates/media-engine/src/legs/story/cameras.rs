//! Cameras in rooms: what the composer sends of their sound is heard as any member is.

use super::*;

const CAMERA: u32 = 4;
const MEMBER: u64 = 77;
const HZ: f64 = 900.0;

/// A room of four, whose three first are quiet, with a camera.
fn room_with_a_camera(loudest: usize) -> House {
    let mut house = room(16_000, loudest);
    for leg in 0..3 {
        house.parties.get_mut(&leg).unwrap().says = None;
    }
    house.order(Command::Open {
        leg: CAMERA,
        epoch: 5,
    });
    house.order(Command::HearComposer {
        leg: CAMERA,
        member: MEMBER,
    });
    house.order(Command::Join {
        mix: 0,
        leg: CAMERA,
    });
    house
}

/// So much of a camera's sound, as it comes: in pieces of 64 ms.
fn listen(house: &mut House, pieces: u64) {
    for _ in 0..pieces {
        let begin = house.now * 16;
        let samples =
            (begin..begin + 1024).map(|at| (PEAK * (TAU * HZ * at as f64 / 16_000.0).sin()) as i16);
        let bytes: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
        house.legs.shared.composer.say(MEMBER, &bytes);
        house.run(64);
    }
}

#[test]
fn a_camera_is_heard_by_all_muted_and_heard_again_and_a_pause_of_its_is_silence() {
    let mut house = room_with_a_camera(2);
    listen(&mut house, 30);
    for listener in 0..3 {
        is_heard_about(house.hears(listener, HZ));
    }
    is_heard(house.hears(0, TONES[3]));
    house.order(level(CAMERA, 0.0, true, false));
    listen(&mut house, 20);
    is_not_heard(house.hears(0, HZ));
    house.order(level(CAMERA, -6.0, false, false));
    listen(&mut house, 20);
    let half = house.hears(1, HZ);
    assert!((0.4..0.6).contains(&half), "{half}");
    // The composer has died.
    house.run(1500);
    is_not_heard(house.hears(1, HZ));
    is_heard(house.hears(1, TONES[3]));
    house.order(level(CAMERA, 0.0, false, false));
    listen(&mut house, 20);
    is_heard_about(house.hears(0, HZ));
    house.order(Command::Close { leg: CAMERA });
    listen(&mut house, 20);
    is_not_heard(house.hears(0, HZ));
    assert_eq!(house.panics(), 0);
    assert!(
        house
            .events()
            .iter()
            .all(|event| matches!(event, Event::Speaking { .. }))
    );
}

#[test]
fn a_leg_with_a_party_says_nothing_of_the_composer_s() {
    let mut house = room(8000, 0);
    let refused = house.board.carry_out(&Command::HearComposer {
        leg: 0,
        member: MEMBER,
    });
    assert!(matches!(refused, Err(Event::Failed { leg: 0, .. })));
}

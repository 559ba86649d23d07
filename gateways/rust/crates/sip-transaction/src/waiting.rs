//! New work that waits for the transaction user, and when it has waited too long.
//!
//! What has begun goes ahead of it always, so under overload it is new work that waits, and how long it waits tells the
//! load better than any measure of the machine. A queue that is empty now and then is a burst or a pause of the machine:
//! all of it will be done, and nobody is turned away. A queue that has stood for longer than that never will be: then
//! what has waited past a short target is turned away, so that what is let in is answered at once, and exactly as much
//! is let in as can be done. (The idea of a standing queue is that of CoDel, RFC 8289; its control law is for senders
//! that slow down when they lose something, and callers do not.)

use std::collections::VecDeque;

/// Seconds that a queue may stand before anybody is turned away.
pub(crate) const PATIENCE: f64 = 1.0;
/// Seconds that new work waits at most in a queue that has stood for longer: a fifth of T1, so that nobody sends
/// anything twice because of it.
const TARGET: f64 = 0.1;

/// The queues, the first to be served first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lane {
    /// What a peer has begun already: it answers a challenge, or refreshes a registration.
    Begun = 0,
    New = 1,
    /// What nobody waits for: OPTIONS, SUBSCRIBE and the like.
    Optional = 2,
}

#[derive(Debug, Default)]
struct Queue {
    /// Since when each has waited.
    entries: VecDeque<(f64, u64)>,
    /// When it was last empty.
    standing_since: f64,
}

/// See the module. What waits is known by a number.
#[derive(Debug)]
pub(crate) struct WaitingRoom {
    queues: [Queue; 3],
    pub patience: f64,
    most: usize,
}

impl WaitingRoom {
    /// `most` wait in one lane.
    pub fn new(most: usize) -> Self {
        Self {
            queues: Default::default(),
            patience: PATIENCE,
            most,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.queues.iter().all(|queue| queue.entries.is_empty())
    }

    pub fn has_room(&self, lane: Lane) -> bool {
        self.queues[lane as usize].entries.len() < self.most
    }

    pub fn push(&mut self, lane: Lane, number: u64, now: f64) {
        let queue = &mut self.queues[lane as usize];
        if queue.entries.is_empty() {
            queue.standing_since = now;
        }
        queue.entries.push_back((now, number));
    }

    /// One that has waited too long, taken out.
    pub fn pop_late(&mut self, now: f64) -> Option<u64> {
        let patience = self.patience;
        self.queues.iter_mut().find_map(|queue| {
            let &(since, number) = queue.entries.front()?;
            let late = now - queue.standing_since > patience && now - since > TARGET;
            late.then(|| {
                queue.entries.pop_front();
                number
            })
        })
    }

    /// The one whose turn it is, taken out.
    pub fn pop(&mut self) -> Option<u64> {
        self.queues
            .iter_mut()
            .find_map(|queue| queue.entries.pop_front())
            .map(|(_, number)| number)
    }
}

/// Requests that were turned away lately, by the hash of their transaction: each copy of one meets the same fate, or a
/// client that has its 503 already could still start a call. Each has one place, and gives way to the next that comes
/// there.
#[derive(Debug, Default)]
pub(crate) struct TurnedAway {
    /// Hash, and until when a copy may come. Empty until the first.
    places: Vec<(u64, f64)>,
}

const PLACES: usize = 16_384;

impl TurnedAway {
    pub fn insert(&mut self, hash: u64, until: f64) {
        if self.places.is_empty() {
            self.places = vec![(0, 0.0); PLACES];
        }
        self.places[place(hash)] = (hash, until);
    }

    pub fn holds(&self, hash: u64, now: f64) -> bool {
        self.places
            .get(place(hash))
            .is_some_and(|&(kept, until)| kept == hash && now < until)
    }
}

#[allow(clippy::cast_possible_truncation)] // any bits of a hash do
fn place(hash: u64) -> usize {
    hash as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrivals at random moments, the same in every run.
    struct Dice(u64);

    impl Dice {
        #[allow(clippy::cast_precision_loss)]
        fn roll(&mut self) -> f64 {
            self.0 = crate::matching::mix(self.0, 1);
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// A server that does so much new work a second, one after the other, behind a room.
    struct Server {
        room: WaitingRoom,
        dice: Dice,
        now: f64,
        free_at: f64,
        next: u64,
        came: Vec<f64>,
        done: usize,
        away: usize,
        waits: Vec<f64>,
    }

    const CAPACITY: f64 = 1000.0;
    /// Seconds between two looks at the room.
    const TURN: f64 = 0.005;

    impl Server {
        fn new(seed: u64) -> Self {
            Self {
                room: WaitingRoom::new(8192),
                dice: Dice(seed),
                now: 0.0,
                free_at: 0.0,
                next: 0,
                came: Vec::new(),
                done: 0,
                away: 0,
                waits: Vec::new(),
            }
        }

        /// Ask for `times` its capacity for some seconds; gives the part done and the part turned away.
        #[allow(clippy::cast_precision_loss)]
        fn run(&mut self, times: f64, seconds: f64) -> (f64, f64) {
            let (done, away) = (self.done, self.away);
            let end = self.now + seconds;
            while self.now < end {
                self.now += TURN;
                let mut expected = times * CAPACITY * TURN;
                while expected > 0.0 {
                    if self.dice.roll() < expected.min(1.0) {
                        self.room.push(Lane::New, self.next, self.now);
                        self.came.push(self.now);
                        self.next += 1;
                    }
                    expected -= 1.0;
                }
                self.serve();
            }
            let asked = seconds * CAPACITY;
            (
                (self.done - done) as f64 / asked,
                (self.away - away) as f64 / asked,
            )
        }

        fn pause(&mut self, times: f64, seconds: f64) {
            let asked = (times * CAPACITY * seconds) as u64;
            self.now += seconds;
            // All of it was in the socket, and is read at once.
            for _ in 0..asked {
                self.room.push(Lane::New, self.next, self.now);
                self.came.push(self.now);
                self.next += 1;
            }
        }

        fn serve(&mut self) {
            while self.room.pop_late(self.now).is_some() {
                self.away += 1;
            }
            while self.free_at < self.now {
                let Some(number) = self.room.pop() else {
                    self.free_at = self.now;
                    break;
                };
                self.waits
                    .push(self.now - self.came[usize::try_from(number).expect("small")]);
                self.free_at = self.free_at.max(self.now - TURN) + 1.0 / CAPACITY;
                self.done += 1;
            }
        }
    }

    #[test]
    fn below_its_capacity_a_server_turns_nobody_away() {
        for seed in 0..20 {
            let mut server = Server::new(seed);
            let (done, away) = server.run(0.9, 20.0);
            assert!(away == 0.0 && done > 0.88, "seed {seed}: {done}, {away}");
        }
    }

    #[test]
    fn however_much_is_asked_of_it_a_server_does_all_it_can_and_does_it_promptly() {
        for seed in 0..20 {
            for times in [1.2, 3.0, 10.0] {
                let mut server = Server::new(seed);
                server.run(times, 2.0);
                server.waits.clear();
                let (done, away) = server.run(times, 10.0);
                assert!(done > 0.98, "seed {seed}, {times} times: {done}");
                assert!((away - (times - 1.0)).abs() < 0.1, "seed {seed}: {away}");
                let longest = server.waits.iter().fold(0.0f64, |a, &b| a.max(b));
                assert!(longest <= TARGET + 2.0 * TURN, "seed {seed}: {longest}");
            }
        }
    }

    #[test]
    fn when_the_rush_is_over_everybody_is_let_in_at_once() {
        for seed in 0..20 {
            let mut server = Server::new(seed);
            server.run(5.0, 5.0);
            server.run(0.5, 0.5);
            let (done, away) = server.run(0.5, 5.0);
            assert!(away == 0.0 && done > 0.48, "seed {seed}: {done}, {away}");
        }
    }

    #[test]
    fn a_pause_of_the_machine_turns_nobody_away() {
        for seed in 0..20 {
            let mut server = Server::new(seed);
            for _ in 0..5 {
                server.pause(0.5, 0.8);
                let (_, away) = server.run(0.5, 3.0);
                assert!(away == 0.0, "seed {seed}: {away}");
            }
        }
    }

    #[test]
    fn what_has_begun_is_served_first_and_what_nobody_waits_for_last() {
        let mut room = WaitingRoom::new(2);
        room.push(Lane::Optional, 1, 0.0);
        room.push(Lane::New, 2, 0.1);
        room.push(Lane::New, 3, 0.1);
        room.push(Lane::Begun, 4, 0.2);
        assert!(!room.has_room(Lane::New) && room.has_room(Lane::Begun));
        let order: Vec<_> = std::iter::from_fn(|| room.pop()).collect();
        assert_eq!(order, [4, 2, 3, 1]);
        assert!(room.is_empty());
    }

    #[test]
    fn a_copy_of_what_was_turned_away_is_known_for_its_time() {
        let mut away = TurnedAway::default();
        assert!(!away.holds(0, 0.0) && !away.holds(7, 0.0));
        away.insert(7, 32.0);
        assert!(away.holds(7, 31.0) && !away.holds(7, 32.0));
        assert!(!away.holds(7 + PLACES as u64, 1.0));
    }
}

//! When each leg's next 20 ms are due: legs are spread over phases, so that a thousand of them do not all send at
//! one instant.

/// Phases of 2 ms in a tick of 20 ms.
pub const PHASES: u64 = 10;
const PHASE: f64 = 0.002;
/// A phase done so many seconds after its time is late ...
const LATE: f64 = 0.005;
/// ... and after a stop of this many (100 ms) the missed ticks are left out: a burst of old sound helps nobody.
const TOO_LATE: u64 = 50;

/// Slots by phase. Time is seconds from any start.
#[derive(Default)]
pub struct Wheel {
    phases: [Vec<u32>; PHASES as usize],
    /// Phases done, counted from the start of time.
    done: u64,
    slots: usize,
}

/// A phase that is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Due {
    phase: usize,
    /// Whether its time was missed.
    pub late: bool,
}

impl Wheel {
    /// Let a slot tick, in the phase with the fewest others.
    pub fn add(&mut self, slot: u32, now: f64) {
        if self.slots == 0 {
            self.done = at(now);
        }
        // Of equals the one that comes next, so that a lone leg begins at once.
        let next = self.done as usize + 1;
        let phase = (next..next + PHASES as usize)
            .map(|phase| phase % PHASES as usize)
            .min_by_key(|&phase| self.phases[phase].len())
            .unwrap_or(0);
        self.phases[phase].push(slot);
        self.slots += 1;
    }

    pub fn remove(&mut self, slot: u32) {
        for phase in &mut self.phases {
            if let Some(at) = phase.iter().position(|&other| other == slot) {
                phase.swap_remove(at);
                self.slots -= 1;
                return;
            }
        }
    }

    /// The next phase that is due, with slots or without; None when all are done. Ask until then.
    pub fn due(&mut self, now: f64) -> Option<Due> {
        let current = at(now);
        if self.slots == 0 || self.done >= current {
            return None;
        }
        if current - self.done > TOO_LATE {
            self.done = current - PHASES;
        }
        self.done += 1;
        Some(Due {
            phase: (self.done % PHASES) as usize,
            late: now - self.done as f64 * PHASE > LATE,
        })
    }

    pub fn slots(&self, due: Due) -> &[u32] {
        &self.phases[due.phase]
    }

    /// When `due` must be asked again; None: no slot ticks.
    pub fn deadline(&self) -> Option<f64> {
        if self.slots == 0 {
            return None;
        }
        (self.done + 1..=self.done + PHASES)
            .find(|phase| !self.phases[(phase % PHASES) as usize].is_empty())
            .map(|phase| phase as f64 * PHASE)
    }
}

fn at(now: f64) -> u64 {
    // A hair later, so that a deadline given as seconds is due when it has come.
    ((now + 1e-6) / PHASE) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slots that tick until `end` when time moves by `step`, each with its time in ms.
    fn run(wheel: &mut Wheel, start: f64, end: f64, step: f64) -> Vec<(u32, u64)> {
        let mut ticks = Vec::new();
        let mut now = start;
        while now < end {
            while let Some(due) = wheel.due(now) {
                ticks.extend(
                    wheel
                        .slots(due)
                        .iter()
                        .map(|&slot| (slot, (now * 1000.0).round() as u64)),
                );
            }
            now += step;
        }
        ticks
    }

    #[test]
    fn a_slot_ticks_fifty_times_a_second() {
        let mut wheel = Wheel::default();
        wheel.add(7, 100.0);
        let ticks = run(&mut wheel, 100.0, 101.0, 0.001);
        assert_eq!(ticks.len(), 50);
        assert!(ticks.windows(2).all(|pair| pair[1].1 - pair[0].1 == 20));
        wheel.remove(7);
        assert_eq!(wheel.deadline(), None);
        assert_eq!(run(&mut wheel, 101.0, 102.0, 0.001), []);
    }

    #[test]
    fn slots_are_spread_over_the_tick() {
        let mut wheel = Wheel::default();
        (0..100).for_each(|slot| wheel.add(slot, 0.0));
        assert!(wheel.phases.iter().all(|phase| phase.len() == 10));
    }

    #[test]
    fn waking_at_the_deadline_finds_the_phase_due() {
        let mut wheel = Wheel::default();
        let mut now = 12_345.678;
        wheel.add(1, now);
        wheel.add(2, now);
        for _ in 0..1000 {
            now = wheel.deadline().unwrap();
            let mut ticked = 0;
            while let Some(due) = wheel.due(now) {
                assert!(!due.late || wheel.slots(due).is_empty());
                ticked += wheel.slots(due).len();
            }
            assert_eq!(ticked, 1);
        }
    }

    #[test]
    fn more_than_five_milliseconds_are_late() {
        for (delay, late) in [(0.0049, false), (0.0051, true)] {
            let mut wheel = Wheel::default();
            wheel.add(1, 0.0);
            assert_eq!(wheel.due(PHASE + delay).map(|due| due.late), Some(late));
        }
    }

    #[test]
    fn a_short_stop_is_caught_up_and_told_late_and_a_long_one_is_not_caught_up() {
        let mut wheel = Wheel::default();
        wheel.add(1, 0.0);
        let mut late = 0;
        let mut ticks = 0;
        while let Some(due) = wheel.due(0.06) {
            ticks += wheel.slots(due).len();
            late += if due.late { wheel.slots(due).len() } else { 0 };
        }
        assert_eq!((ticks, late), (3, 3));
        let ticks = run(&mut wheel, 10.0, 10.001, 0.002);
        assert_eq!(ticks.len(), 1);
    }
}

//! Timers: what they are called, how long they last (RFC 3261 table 4, RFC 6026 section 8.4), and one table of all.

use std::collections::VecDeque;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Timer {
    A,
    B,
    D,
    E,
    F,
    G,
    H,
    I,
    J,
    K,
    L,
    M,
    /// 200 ms without a response of ours to an INVITE (RFC 3261 section 17.2.1).
    Trying,
    /// After a CANCEL of ours (section 9.1).
    Cancelled,
    /// Without any response to an INVITE of ours, for as long as its sender will wait for one.
    Silent,
    /// A request other than INVITE that the transaction user never answers.
    Unanswered,
}

/// The three timers that a transaction can run at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Slot {
    Retransmit = 0,
    Life = 1,
    Extra = 2,
}

impl Timer {
    pub fn slot(self) -> Slot {
        match self {
            Self::A | Self::E | Self::G => Slot::Retransmit,
            Self::B
            | Self::D
            | Self::F
            | Self::H
            | Self::I
            | Self::J
            | Self::K
            | Self::L
            | Self::M => Slot::Life,
            Self::Trying | Self::Cancelled | Self::Silent | Self::Unanswered => Slot::Extra,
        }
    }
}

/// The base values, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub t1: f64,
    pub t2: f64,
    pub t4: f64,
}

impl Timing {
    /// How long a timer lasts from its start; None: it is not used on such a transport.
    pub fn duration(&self, timer: Timer, reliable: bool) -> Option<f64> {
        let long = 64.0 * self.t1;
        match timer {
            // "If an unreliable transport is being used, the client transaction MUST start timer A with a value of T1.
            // If a reliable transport is being used, [it] SHOULD NOT start timer A"; E and G alike.
            Timer::A | Timer::E | Timer::G => (!reliable).then_some(self.t1),
            Timer::B
            | Timer::F
            | Timer::H
            | Timer::L
            | Timer::M
            | Timer::Cancelled
            | Timer::Unanswered => Some(long),
            // "at least 32 seconds for unreliable transports, and a value of zero seconds for reliable transports".
            Timer::D | Timer::J => Some(if reliable { 0.0 } else { long }),
            Timer::I | Timer::K => Some(if reliable { 0.0 } else { self.t4 }),
            Timer::Trying => Some(0.2),
            // As long as was asked for.
            Timer::Silent => None,
        }
    }

    /// The interval after `interval` of a retransmission timer.
    pub fn lengthened(&self, timer: Timer, interval: f64) -> f64 {
        match timer {
            // Section 17.1.1.2: timer A doubles without a limit of T2.
            Timer::A => interval * 2.0,
            _ => (interval * 2.0).min(self.t2),
        }
    }
}

/// One start of one timer. It counts only as long as its transaction still says so (`Armed`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub deadline: f64,
    pub transaction: u64,
    pub timer: Timer,
}

/// Which timers of one transaction run, by slot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Armed([Option<(Timer, f64)>; 3]);

impl Armed {
    pub fn holds(&self, entry: &Entry) -> bool {
        self.0[entry.timer.slot() as usize] == Some((entry.timer, entry.deadline))
    }
}

/// The timers of one duration. Time moves forwards, so they end in the order in which they began.
#[derive(Debug)]
struct Queue {
    duration: f64,
    entries: VecDeque<Entry>,
}

/// All timers of all transactions. SIP has about a dozen durations (T1 and its doubles, T4, 64*T1), so a queue for each
/// is all the order there need be. A stopped timer stays where it is until its turn comes, or until the stopped ones
/// are most of all.
#[derive(Debug, Default)]
pub(crate) struct TimerTable {
    queues: Vec<Queue>,
    entries: usize,
    running: usize,
}

impl TimerTable {
    pub fn start(
        &mut self,
        armed: &mut Armed,
        transaction: u64,
        timer: Timer,
        now: f64,
        duration: f64,
    ) {
        let queue = match self
            .queues
            .iter_mut()
            .position(|queue| queue.duration.to_bits() == duration.to_bits())
        {
            Some(found) => &mut self.queues[found],
            None => {
                self.queues.push(Queue {
                    duration,
                    entries: VecDeque::new(),
                });
                let last = self.queues.len() - 1;
                &mut self.queues[last]
            }
        };
        // A clock that went backwards must not bring a queue out of order.
        let deadline = queue
            .entries
            .back()
            .map_or(now + duration, |last| last.deadline.max(now + duration));
        queue.entries.push_back(Entry {
            deadline,
            transaction,
            timer,
        });
        self.entries += 1;
        if armed.0[timer.slot() as usize]
            .replace((timer, deadline))
            .is_none()
        {
            self.running += 1;
        }
    }

    /// Stop one timer if it is the one that runs in its slot.
    pub fn stop(&mut self, armed: &mut Armed, timer: Timer) {
        let slot = &mut armed.0[timer.slot() as usize];
        if slot.is_some_and(|(running, _)| running == timer) {
            *slot = None;
            self.running -= 1;
        }
    }

    pub fn stop_all(&mut self, armed: &mut Armed) {
        self.running -= armed.0.iter().flatten().count();
        *armed = Armed::default();
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.running
    }

    fn first(&self) -> Option<(usize, Entry)> {
        let mut first: Option<(usize, Entry)> = None;
        for (index, queue) in self.queues.iter().enumerate() {
            if let Some(head) = queue.entries.front() {
                if first.is_none_or(|(_, earliest)| head.deadline < earliest.deadline) {
                    first = Some((index, *head));
                }
            }
        }
        first
    }

    /// The earliest entry that is due, taken out; it may have been stopped.
    pub fn pop_due(&mut self, now: f64) -> Option<Entry> {
        let (index, entry) = self.first().filter(|(_, entry)| entry.deadline <= now)?;
        self.queues[index].entries.pop_front();
        self.entries -= 1;
        Some(entry)
    }

    /// When the earliest running timer ends.
    pub fn deadline(&mut self, holds: impl Fn(&Entry) -> bool) -> Option<f64> {
        while let Some((index, entry)) = self.first() {
            if holds(&entry) {
                return Some(entry.deadline);
            }
            self.queues[index].entries.pop_front();
            self.entries -= 1;
        }
        None
    }

    /// Forget stopped entries once they are most of all: each is then paid for by the start of another.
    pub fn tidy(&mut self, holds: impl Fn(&Entry) -> bool) {
        if self.entries > 2 * self.running + 64 {
            for queue in &mut self.queues {
                queue.entries.retain(&holds);
            }
            self.entries = self.queues.iter().map(|queue| queue.entries.len()).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_end_in_order_and_stopped_ones_are_forgotten() {
        let mut table = TimerTable::default();
        let mut armed = vec![Armed::default(); 100];
        for (number, transaction) in armed.iter_mut().zip(0u32..) {
            let now = f64::from(transaction) * 0.01;
            table.start(number, u64::from(transaction), Timer::B, now, 32.0);
            table.start(number, u64::from(transaction), Timer::A, now, 0.5);
        }
        for transaction in armed.iter_mut().skip(10) {
            table.stop_all(transaction);
        }
        assert_eq!(table.running(), 20);
        let holds = |armed: &[Armed], entry: &Entry| armed[entry.transaction as usize].holds(entry);
        table.tidy(|entry| holds(&armed, entry));
        assert_eq!(table.entries, 20);
        assert_eq!(table.deadline(|entry| holds(&armed, entry)), Some(0.5));
        let mut ended = Vec::new();
        while let Some(entry) = table.pop_due(100.0) {
            assert!(holds(&armed, &entry));
            table.stop(&mut armed[entry.transaction as usize], entry.timer);
            ended.push(entry.deadline);
        }
        assert_eq!((ended.len(), table.running()), (20, 0));
        assert!(ended.is_sorted());
    }

    #[test]
    fn a_clock_that_goes_backwards_keeps_the_order() {
        let mut table = TimerTable::default();
        let mut armed = [Armed::default(); 2];
        table.start(&mut armed[0], 0, Timer::B, 10.0, 32.0);
        table.start(&mut armed[1], 1, Timer::B, 5.0, 32.0);
        assert!(table.pop_due(41.0).is_none());
        assert_eq!(table.pop_due(42.0).map(|entry| entry.transaction), Some(0));
        assert_eq!(table.pop_due(42.0).map(|entry| entry.transaction), Some(1));
    }
}

//! Timers: what they are called, how long they last (RFC 3261 table 4, RFC 6026 section 8.4), and one table of all.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

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
            Self::Trying | Self::Cancelled | Self::Unanswered => Slot::Extra,
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

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The earliest is the greatest, for `BinaryHeap`; equal deadlines go by transaction, so that runs repeat.
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .deadline
            .total_cmp(&self.deadline)
            .then_with(|| other.transaction.cmp(&self.transaction))
    }
}

/// Which timers of one transaction run, by slot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Armed([Option<(Timer, f64)>; 3]);

impl Armed {
    pub fn holds(&self, entry: &Entry) -> bool {
        self.0[entry.timer.slot() as usize] == Some((entry.timer, entry.deadline))
    }
}

/// All timers of all transactions: a heap whose stopped entries are left where they are until they come up or are
/// more than the running ones.
#[derive(Debug, Default)]
pub(crate) struct TimerTable {
    heap: BinaryHeap<Entry>,
    running: usize,
}

impl TimerTable {
    pub fn start(&mut self, armed: &mut Armed, transaction: u64, timer: Timer, deadline: f64) {
        let slot = &mut armed.0[timer.slot() as usize];
        if slot.replace((timer, deadline)).is_none() {
            self.running += 1;
        }
        self.heap.push(Entry {
            deadline,
            transaction,
            timer,
        });
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

    /// The earliest entry, running or not.
    pub fn peek(&self) -> Option<&Entry> {
        self.heap.peek()
    }

    pub fn pop(&mut self) -> Option<Entry> {
        self.heap.pop()
    }

    /// Forget stopped entries once they are most of the heap: each is then paid for by the start of another.
    pub fn tidy(&mut self, holds: impl Fn(&Entry) -> bool) {
        if self.heap.len() > 2 * self.running + 64 {
            self.heap.retain(holds);
        }
    }
}

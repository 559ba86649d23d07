//! Bounded queues between the owner's thread and the workers, each with its bell.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bell::Bell;

/// Items from any thread to one, at most `limit` of them.
pub struct Queue<T> {
    items: Mutex<VecDeque<T>>,
    limit: usize,
    pub bell: Bell,
}

impl<T> Queue<T> {
    pub fn new(limit: usize) -> io::Result<Self> {
        Ok(Self {
            items: Mutex::new(VecDeque::new()),
            limit,
            bell: Bell::new()?,
        })
    }

    /// Whether there was room below `share` (0 to 1) of the limit. The bell rings when the queue was empty.
    pub fn push(&self, item: T, share: f64) -> bool {
        let mut items = self.lock();
        if items.len() as f64 >= self.limit as f64 * share {
            return false;
        }
        items.push_back(item);
        if items.len() == 1 {
            self.bell.ring();
        }
        true
    }

    /// Push many: `refused` gets those that found no room below their share of the limit. The bell rings once, when the
    /// queue was empty, and with the lock given back: a hearer of higher rank runs at that very moment, and would only
    /// meet the lock. Such a hearer hears edges and takes with `take_all`.
    pub fn push_all(&self, new: impl IntoIterator<Item = (T, f64)>, mut refused: impl FnMut(T)) {
        let mut items = self.lock();
        let was_empty = items.is_empty();
        for (item, share) in new {
            if items.len() as f64 >= self.limit as f64 * share {
                refused(item);
            } else {
                items.push_back(item);
            }
        }
        let rings = was_empty && !items.is_empty();
        drop(items);
        if rings {
            self.bell.ring();
        }
    }

    /// Take everything. The bell is left as it is: for a hearer of edges, whom the next ring wakes all the same.
    pub fn take_all(&self) -> VecDeque<T> {
        std::mem::take(&mut *self.lock())
    }

    /// Take up to `limit` items. The bell is silent when none are left.
    pub fn take(&self, limit: usize) -> VecDeque<T> {
        let mut items = self.lock();
        if items.is_empty() {
            return VecDeque::new();
        }
        if items.len() <= limit {
            self.bell.silence();
            return std::mem::take(&mut items);
        }
        items.drain(..limit).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        // Nothing that holds the lock can leave the items half changed.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_and_each_class_has_its_share() {
        let queue = Queue::new(4).unwrap();
        assert!(queue.push(1, 0.5) && queue.push(2, 0.5));
        assert!(!queue.push(3, 0.5));
        assert!(queue.push(4, 1.0) && queue.push(5, 1.0));
        assert!(!queue.push(6, 1.0));
        assert_eq!(queue.take(3), [1, 2, 4]);
        assert_eq!(queue.take(3), [5]);
        assert_eq!(queue.take(3), [0; 0]);
    }

    #[test]
    fn many_are_pushed_at_once_and_those_without_room_come_back() {
        let queue = Queue::new(2).unwrap();
        let mut refused = Vec::new();
        let items = [(1, 1.0), (2, 1.0), (3, 1.0), (4, f64::INFINITY)];
        queue.push_all(items, |item| refused.push(item));
        assert_eq!(refused, [3]);
        assert_eq!(queue.take_all(), [1, 2, 4]);
        assert_eq!(queue.take_all(), [0; 0]);
    }
}

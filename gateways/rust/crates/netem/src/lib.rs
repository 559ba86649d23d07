//! A seeded bad network: loss, duplication, reordering, delay. No I/O.

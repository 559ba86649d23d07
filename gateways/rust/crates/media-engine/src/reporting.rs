//! As whom, and by which clock, everything that is sent is reported.

use std::hash::{BuildHasher, RandomState};
use std::time::{Instant, SystemTime};

/// One for all legs and threads: a phone plays sound and pictures in step when their sender reports have one CNAME and
/// one clock (RFC 3550 sections 6.4.1 and 6.5.1: "to provide a binding across multiple media tools used by one
/// participant in a set of related RTP sessions, the CNAME SHOULD be fixed for that participant").
#[derive(Default)]
pub struct Reporting {
    /// RFC 7022: short-lived, at random.
    pub name: String,
    /// NTP time, in seconds, when the engine's clock was at 0.
    began: f64,
}

impl Reporting {
    /// `start`: when the engine's clock was at 0.
    pub fn new(start: Instant) -> Self {
        /// Seconds from 1900, where NTP time begins (RFC 3550 section 4), to 1970.
        const UNIX: f64 = 2_208_988_800.0;
        let random = RandomState::new();
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            name: format!("{:016x}{:016x}", random.hash_one(1), random.hash_one(2)),
            began: UNIX + since.unwrap_or_default().as_secs_f64() - start.elapsed().as_secs_f64(),
        }
    }

    /// A moment of the engine's clock as NTP time, 32.32 bits fixed point.
    pub fn ntp(&self, now: f64) -> u64 {
        ((self.began + now) * 4_294_967_296.0) as u64
    }
}

//! What the loads have in common: their sockets, their rhythm, and the CPU time of who is measured.

use std::error::Error;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Bytes that wait on one of the sockets while the load is busy sending.
const BUFFER: usize = 16 << 20;
/// Streams are spread over the 20 ms between two of their packets.
pub const PHASES: u64 = 10;
const PHASE: Duration = Duration::from_millis(2);

/// Sockets that parties share.
pub fn sockets(host: IpAddr, count: usize) -> std::io::Result<Vec<UdpSocket>> {
    (0..count)
        .map(|_| udp_batch::bind(SocketAddr::new(host, 0), BUFFER))
        .collect()
}

/// The phases of some time, each when it is due; those that were missed follow at once.
pub struct Rhythm {
    began: Instant,
    time: Duration,
    next: u64,
}

impl Rhythm {
    pub fn new(time: Duration) -> Self {
        Self {
            began: Instant::now(),
            time,
            next: 0,
        }
    }

    pub fn goes_on(&self) -> bool {
        self.began.elapsed() < self.time
    }

    /// The next phase, from 0 to [`PHASES`], if it is due.
    pub fn due(&mut self) -> Option<usize> {
        let now = (self.began.elapsed().as_nanos() / PHASE.as_nanos()) as u64;
        if self.next > now {
            return None;
        }
        self.next += 1;
        Some(((self.next - 1) % PHASES) as usize)
    }
}

/// User and system time of a process (proc(5): fields 14 and 15 of `stat`, counted in hundredths of a second).
pub fn cpu_time(pid: &str) -> Result<Duration, Box<dyn Error>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold blanks.
    let (_, rest) = stat.rsplit_once(')').ok_or("no stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let [user, system] =
        [fields.get(11), fields.get(12)].map(|field| field.and_then(|f| f.parse::<u64>().ok()));
    Ok(Duration::from_millis(
        10 * (user.ok_or("no utime")? + system.ok_or("no stime")?),
    ))
}

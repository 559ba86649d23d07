//! Whom a leg listens to: symmetric RTP (RFC 4961) that a stranger cannot steal.

use std::net::SocketAddr;

/// A leg is new from its Connect on; it stops being new once a source has been heard this often ...
const SETTLES_AFTER_PACKETS: u32 = 25;
/// ... and for this many seconds.
const SETTLES_AFTER: f64 = 1.0;

/// The one source whose packets are a party's.
///
/// The address its description named always is. A phone behind a NAT sends from another one, so while the leg is new
/// the first source is taken; one at the named IP address comes before any other. When the leg is no longer new,
/// nobody but the named address can take it over.
#[derive(Debug)]
pub struct Latch {
    named: SocketAddr,
    heard: Option<Heard>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    source: SocketAddr,
    since: f64,
    packets: u32,
    settled: bool,
}

impl Latch {
    pub fn new(named: SocketAddr) -> Self {
        Self { named, heard: None }
    }

    /// A new description has come: be open to a new source. Where it names the same address as before, sound goes on
    /// to the old source until the next packet tells, so that a re-INVITE makes no gap.
    pub fn rearm(&mut self, named: SocketAddr) {
        if named != self.named {
            self.heard = None;
        } else if let Some(heard) = self.heard.as_mut().filter(|heard| heard.source != named) {
            heard.settled = false;
            heard.packets = 0;
            heard.since = f64::INFINITY;
        }
        self.named = named;
    }

    /// A well-formed RTP packet has come: whether it is the party's.
    #[inline]
    pub fn accept(&mut self, source: SocketAddr, now: f64) -> bool {
        match &mut self.heard {
            Some(heard) if heard.source == source => {
                if !heard.settled {
                    heard.packets += 1;
                    heard.since = heard.since.min(now);
                    heard.settled = source == self.named
                        || heard.packets >= SETTLES_AFTER_PACKETS
                            && now - heard.since >= SETTLES_AFTER;
                }
                true
            }
            Some(heard) => {
                let (new, old) = (rank(source, self.named), rank(heard.source, self.named));
                let better = new > old || new == old && heard.packets == 0;
                // What the signalling named may come late; everyone else only while the leg is new.
                if !better || heard.settled && source != self.named {
                    return false;
                }
                self.hear(source, now);
                true
            }
            None => {
                self.hear(source, now);
                true
            }
        }
    }

    /// Where to send to: the source once one is heard, the named address before.
    pub fn destination(&self) -> SocketAddr {
        self.heard.map_or(self.named, |heard| heard.source)
    }

    pub fn source(&self) -> Option<SocketAddr> {
        self.heard.map(|heard| heard.source)
    }

    fn hear(&mut self, source: SocketAddr, now: f64) {
        self.heard = Some(Heard {
            source,
            since: now,
            packets: 1,
            settled: source == self.named,
        });
    }
}

/// How likely a source is the party: the very address named, another port there, anyone.
fn rank(source: SocketAddr, named: SocketAddr) -> u8 {
    if source == named {
        2
    } else {
        u8::from(source.ip() == named.ip())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn talk(latch: &mut Latch, source: &str, start: f64, packets: u32) -> u32 {
        (0..packets)
            .filter(|n| latch.accept(at(source), start + 0.02 * f64::from(*n)))
            .count() as u32
    }

    #[test]
    fn a_party_behind_a_nat_is_found_by_its_first_packet() {
        let mut latch = Latch::new(at("192.168.1.7:4000"));
        assert_eq!(latch.destination(), at("192.168.1.7:4000"));
        assert_eq!(talk(&mut latch, "203.0.113.5:31000", 9.0, 3), 3);
        assert_eq!(latch.destination(), at("203.0.113.5:31000"));
    }

    #[test]
    fn a_leg_whose_named_address_was_heard_cannot_be_taken() {
        let mut latch = Latch::new(at("198.51.100.1:4000"));
        assert_eq!(talk(&mut latch, "198.51.100.1:4000", 0.0, 1), 1);
        assert_eq!(talk(&mut latch, "203.0.113.66:4000", 0.01, 500), 0);
        assert_eq!(talk(&mut latch, "198.51.100.1:4002", 0.01, 500), 0);
        assert_eq!(latch.destination(), at("198.51.100.1:4000"));
    }

    #[test]
    fn a_leg_that_is_no_longer_new_cannot_be_taken() {
        let mut latch = Latch::new(at("192.168.1.7:4000"));
        talk(&mut latch, "203.0.113.5:31000", 0.0, 60);
        assert_eq!(talk(&mut latch, "203.0.113.66:4000", 2.0, 500), 0);
        assert_eq!(talk(&mut latch, "192.168.1.7:5000", 2.0, 500), 0);
    }

    #[test]
    fn a_second_stranger_cannot_displace_the_first_even_while_new() {
        let mut latch = Latch::new(at("192.168.1.7:4000"));
        talk(&mut latch, "203.0.113.5:31000", 0.0, 1);
        assert_eq!(talk(&mut latch, "203.0.113.66:4000", 0.0, 5), 0);
    }

    #[test]
    fn the_party_displaces_a_stranger_who_was_quicker() {
        let mut latch = Latch::new(at("198.51.100.1:4000"));
        talk(&mut latch, "203.0.113.66:4000", 0.0, 3);
        assert_eq!(
            talk(&mut latch, "198.51.100.1:61000", 0.1, 1),
            1,
            "the same host"
        );
        assert_eq!(talk(&mut latch, "203.0.113.66:4000", 0.12, 5), 0);
        assert_eq!(
            talk(&mut latch, "198.51.100.1:4000", 0.2, 1),
            1,
            "the very address"
        );
        assert_eq!(talk(&mut latch, "198.51.100.1:61000", 0.3, 5), 0);
    }

    #[test]
    fn the_named_address_is_heard_however_late() {
        let mut latch = Latch::new(at("198.51.100.1:4000"));
        talk(&mut latch, "203.0.113.66:4000", 0.0, 500);
        assert_eq!(talk(&mut latch, "198.51.100.1:4000", 60.0, 1), 1);
        assert_eq!(talk(&mut latch, "203.0.113.66:4000", 60.0, 5), 0);
    }

    #[test]
    fn a_new_connect_lets_the_party_move() {
        let mut latch = Latch::new(at("198.51.100.1:4000"));
        talk(&mut latch, "198.51.100.1:4000", 0.0, 100);
        latch.rearm(at("198.51.100.9:7000"));
        assert_eq!(latch.destination(), at("198.51.100.9:7000"));
        assert_eq!(talk(&mut latch, "203.0.113.5:1234", 5.0, 2), 2);
    }

    #[test]
    fn a_new_connect_to_the_same_address_keeps_the_source_until_the_next_packet_tells() {
        let mut latch = Latch::new(at("192.168.1.7:4000"));
        talk(&mut latch, "203.0.113.5:31000", 0.0, 100);
        latch.rearm(at("192.168.1.7:4000"));
        assert_eq!(latch.destination(), at("203.0.113.5:31000"));
        assert_eq!(
            talk(&mut latch, "203.0.113.5:32000", 5.0, 2),
            2,
            "the NAT gave it another port"
        );
        assert_eq!(talk(&mut latch, "203.0.113.66:9", 5.1, 2), 0);
    }

    #[test]
    fn a_new_connect_does_not_expose_a_party_heard_at_its_named_address() {
        let mut latch = Latch::new(at("198.51.100.1:4000"));
        talk(&mut latch, "198.51.100.1:4000", 0.0, 100);
        latch.rearm(at("198.51.100.1:4000"));
        assert_eq!(talk(&mut latch, "203.0.113.66:4000", 5.0, 50), 0);
    }
}

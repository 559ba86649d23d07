//! Who sends: how much each source address may, which are banned, and which have proved good.

use std::collections::HashMap;
use std::net::IpAddr;

/// Sources whose buckets are remembered at a time, twice.
const REMEMBERED: usize = 65_536;
/// Sources that are known to be good at a time.
const MOST_KNOWN: usize = 200_000;
/// Seconds between two words about one source's flood.
const QUIET: f64 = 10.0;

/// How much may come: `burst` at once, and `per_second` in the long run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub per_second: f32,
    pub burst: f32,
}

/// What one source may send. A source that a phone has registered from may send `known_factor` times as much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Messages of any kind; more are dropped unread.
    pub messages: Rate,
    /// Requests outside dialogs by kind; more are answered 503.
    pub invite: Rate,
    pub register: Rate,
    pub other: Rate,
    pub known_factor: f32,
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Message = 0,
    Invite = 1,
    Register = 2,
    Other = 3,
}

/// A network in CIDR terms; IPv4 as its IPv6 mapping.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Network {
    bits: u128,
    length: u8,
}

impl Network {
    /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, length) = match text.split_once('/') {
            Some((host, length)) => (host, Some(length.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let ip: IpAddr = host.parse().ok()?;
        let (width, offset) = if ip.is_ipv4() { (32, 96) } else { (128, 0) };
        let length = length.unwrap_or(width);
        if length > width {
            return None;
        }
        let length = length + offset;
        Some(Self {
            bits: number(ip) & mask(length),
            length,
        })
    }
}

fn mask(length: u8) -> u128 {
    match length {
        0 => 0,
        length => u128::MAX << (128 - u32::from(length)),
    }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// What counts as one source: an IPv4 address, or the /64 that one IPv6 host chooses its addresses from.
fn source(number: u128) -> u128 {
    let mapped = number >> 32 == 0xffff;
    if mapped { number } else { number & mask(64) }
}

/// A set of networks, asked once for each prefix length in it.
#[derive(Debug, Default)]
struct Networks {
    until: HashMap<Network, f64>,
    lengths: Vec<(u8, usize)>,
}

impl Networks {
    fn insert(&mut self, network: Network, until: f64) {
        if self.until.insert(network, until).is_none() {
            match self
                .lengths
                .iter_mut()
                .find(|(length, _)| *length == network.length)
            {
                Some((_, count)) => *count += 1,
                None => self.lengths.push((network.length, 1)),
            }
        }
    }

    fn remove(&mut self, network: Network) {
        if self.until.remove(&network).is_some() {
            if let Some((_, count)) = self
                .lengths
                .iter_mut()
                .find(|(length, _)| *length == network.length)
            {
                *count -= 1;
            }
            self.lengths.retain(|(_, count)| *count > 0);
        }
    }

    fn holds(&self, number: u128, now: f64) -> bool {
        self.lengths.iter().any(|&(length, _)| {
            let network = Network {
                bits: number & mask(length),
                length,
            };
            self.until.get(&network).is_some_and(|until| now < *until)
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Buckets {
    /// By kind; what is in them runs out in time.
    used: [f32; 4],
    at: f64,
    told_at: f64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    limits: Option<Limits>,
    /// Neither limited nor banned.
    exempt: Networks,
    /// Not limited.
    unlimited: Networks,
    banned: Networks,
    /// Until when a source is known to be good.
    known: HashMap<u128, f64>,
    /// Two generations: when the young one is full it becomes the old one, and who is not heard of again is forgotten.
    young: HashMap<u128, Buckets>,
    old: HashMap<u128, Buckets>,
}

impl Sources {
    pub fn limit(&mut self, limits: Option<Limits>) {
        self.limits = limits;
    }

    pub fn exempt(&mut self, networks: impl Iterator<Item = Network>) {
        self.exempt = Networks::default();
        networks.for_each(|network| self.exempt.insert(network, f64::INFINITY));
    }

    pub fn do_not_limit(&mut self, networks: impl Iterator<Item = Network>) {
        self.unlimited = Networks::default();
        networks.for_each(|network| self.unlimited.insert(network, f64::INFINITY));
    }

    pub fn ban(&mut self, network: Network, until: f64) {
        self.banned.insert(network, until);
    }

    pub fn lift(&mut self, network: Network) {
        self.banned.remove(network);
    }

    pub fn know(&mut self, ip: IpAddr, until: f64, now: f64) {
        if self.known.len() >= MOST_KNOWN {
            self.known.retain(|_, until| now < *until);
        }
        if self.known.len() < MOST_KNOWN {
            self.known.insert(source(number(ip)), until);
        }
    }

    pub fn is_known(&self, ip: IpAddr, now: f64) -> bool {
        self.known
            .get(&source(number(ip)))
            .is_some_and(|until| now < *until)
    }

    pub fn is_banned(&self, ip: IpAddr, now: f64) -> bool {
        if self.banned.lengths.is_empty() {
            return false;
        }
        let number = number(ip);
        self.banned.holds(number, now) && !self.exempt.holds(number, now)
    }

    pub fn is_exempt(&self, ip: IpAddr, now: f64) -> bool {
        self.exempt.holds(number(ip), now)
    }

    /// Whether a source may send one more of a kind.
    pub fn may(&mut self, ip: IpAddr, kind: Kind, now: f64) -> bool {
        let Some(limits) = self.limits else {
            return true;
        };
        let number = number(ip);
        if self.unlimited.holds(number, now) || self.exempt.holds(number, now) {
            return true;
        }
        let key = source(number);
        let factor = match self.known.get(&key) {
            Some(until) if now < *until => limits.known_factor,
            _ => 1.0,
        };
        let rates = [
            limits.messages,
            limits.invite,
            limits.register,
            limits.other,
        ];
        let buckets = self.buckets(key, now);
        #[allow(clippy::cast_possible_truncation)]
        let elapsed = (now - buckets.at).max(0.0) as f32;
        buckets.at = now;
        for (used, rate) in buckets.used.iter_mut().zip(rates) {
            *used = (*used - elapsed * rate.per_second * factor).max(0.0);
        }
        let used = &mut buckets.used[kind as usize];
        let may = *used + 1.0 <= rates[kind as usize].burst * factor;
        if may {
            *used += 1.0;
        }
        may
    }

    /// Whether it is time to tell of a source's behaviour (again).
    pub fn worth_telling(&mut self, ip: IpAddr, now: f64) -> bool {
        let buckets = self.buckets(source(number(ip)), now);
        let told = now - buckets.told_at >= QUIET;
        if told {
            buckets.told_at = now;
        }
        told
    }

    fn buckets(&mut self, key: u128, now: f64) -> &mut Buckets {
        if self.young.len() >= REMEMBERED && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        let old = &mut self.old;
        self.young.entry(key).or_insert_with(|| {
            old.remove(&key).unwrap_or(Buckets {
                used: [0.0; 4],
                at: now,
                told_at: f64::NEG_INFINITY,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn network(text: &str) -> Network {
        Network::parse(text).expect("a network")
    }

    const LIMITS: Limits = Limits {
        messages: Rate {
            per_second: 10.0,
            burst: 20.0,
        },
        invite: Rate {
            per_second: 1.0,
            burst: 2.0,
        },
        register: Rate {
            per_second: 1.0,
            burst: 2.0,
        },
        other: Rate {
            per_second: 1.0,
            burst: 2.0,
        },
        known_factor: 10.0,
    };

    fn allowed(sources: &mut Sources, from: &str, now: f64) -> usize {
        (0..100)
            .filter(|_| sources.may(ip(from), Kind::Message, now))
            .count()
    }

    #[test]
    fn a_source_has_its_burst_and_then_its_rate() {
        let mut sources = Sources::default();
        sources.limit(Some(LIMITS));
        assert_eq!(allowed(&mut sources, "192.0.2.1", 0.0), 20);
        assert_eq!(allowed(&mut sources, "192.0.2.2", 0.0), 20);
        assert_eq!(allowed(&mut sources, "192.0.2.1", 1.0), 10);
        sources.know(ip("192.0.2.1"), 100.0, 1.0);
        assert_eq!(allowed(&mut sources, "192.0.2.1", 1.0), 100, "at once");
        sources.do_not_limit([network("192.0.2.0/30")].into_iter());
        assert_eq!(allowed(&mut sources, "192.0.2.2", 3.0), 100);
    }

    #[test]
    fn an_ipv6_host_is_one_source_whatever_address_it_takes() {
        let mut sources = Sources::default();
        sources.limit(Some(LIMITS));
        assert_eq!(allowed(&mut sources, "2001:db8::1", 0.0), 20);
        assert_eq!(allowed(&mut sources, "2001:db8::2", 0.0), 0);
        assert_eq!(allowed(&mut sources, "2001:db8:0:1::2", 0.0), 20);
    }

    #[test]
    fn bans_end_and_exempt_networks_are_never_banned() {
        let mut sources = Sources::default();
        sources.ban(network("192.0.2.7"), 10.0);
        sources.ban(network("198.51.100.0/24"), f64::INFINITY);
        assert!(sources.is_banned(ip("192.0.2.7"), 9.0));
        assert!(!sources.is_banned(ip("192.0.2.7"), 10.0));
        assert!(!sources.is_banned(ip("192.0.2.8"), 9.0));
        assert!(sources.is_banned(ip("::ffff:198.51.100.9"), 9.0));
        sources.exempt([network("198.51.100.9")].into_iter());
        assert!(!sources.is_banned(ip("198.51.100.9"), 9.0));
        sources.lift(network("198.51.100.0/24"));
        assert!(!sources.is_banned(ip("198.51.100.8"), 9.0));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "x", "1.2.3", "1.2.3.4/33", "::/129", "1.2.3.4/-1"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_flood_of_made_up_sources_is_forgotten_again() {
        let mut sources = Sources::default();
        sources.limit(Some(LIMITS));
        for host in 0..3 * u32::try_from(REMEMBERED).expect("small") {
            sources.may(IpAddr::from(host.to_be_bytes()), Kind::Message, 0.0);
        }
        assert!(sources.young.len() + sources.old.len() <= 2 * REMEMBERED);
    }
}

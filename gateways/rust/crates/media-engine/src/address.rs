//! Socket addresses that other threads may read while they change.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// An address as three words; port 0 is no address.
type Words = [u64; 3];

const NONE: Words = [0; 3];
const IS_V4: u64 = 1 << 16;

fn pack(address: Option<SocketAddr>) -> Words {
    let Some(address) = address else { return NONE };
    let (bits, family, scope) = match address {
        SocketAddr::V4(v4) => (v4.ip().to_ipv6_mapped().to_bits(), IS_V4, 0),
        SocketAddr::V6(v6) => (v6.ip().to_bits(), 0, v6.scope_id()),
    };
    [
        (bits >> 64) as u64,
        bits as u64,
        u64::from(scope) << 32 | family | u64::from(address.port()),
    ]
}

fn unpack([high, low, rest]: Words) -> Option<SocketAddr> {
    let port = rest as u16;
    if port == 0 {
        return None;
    }
    let ip = Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low));
    if rest & IS_V4 == 0 {
        return Some(SocketAddrV6::new(ip, port, 0, (rest >> 32) as u32).into());
    }
    ip.to_ipv4_mapped()
        .map(|v4| SocketAddr::new(IpAddr::V4(v4), port))
}

/// An address written by one thread and read by any, without a lock: a sequence lock. A reader that meets a writer
/// reads again.
#[derive(Default)]
pub struct AddressCell {
    /// Odd while the words are being written.
    version: AtomicU32,
    words: [AtomicU64; 3],
}

impl AddressCell {
    /// Only the owner of the cell may call this.
    pub fn set(&self, address: Option<SocketAddr>) {
        let version = self.version.load(Ordering::Relaxed);
        self.version
            .store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, value) in self.words.iter().zip(pack(address)) {
            word.store(value, Ordering::Relaxed);
        }
        self.version
            .store(version.wrapping_add(2), Ordering::Release);
    }

    pub fn get(&self) -> Option<SocketAddr> {
        loop {
            let before = self.version.load(Ordering::Acquire);
            let words = [0, 1, 2].map(|n| self.words[n].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before & 1 == 0 && self.version.load(Ordering::Relaxed) == before {
                return unpack(words);
            }
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn an_address_survives_the_cell() {
        let cell = AddressCell::default();
        assert_eq!(cell.get(), None);
        for text in [
            "127.0.0.1:4000",
            "[::1]:65535",
            "[2001:db8::1]:1",
            "255.255.255.255:9",
        ] {
            cell.set(Some(text.parse().unwrap()));
            assert_eq!(cell.get().map(|a| a.to_string()).as_deref(), Some(text));
        }
        cell.set(None);
        assert_eq!(cell.get(), None);
    }

    #[test]
    fn a_reader_never_sees_half_an_address() {
        let cell = Arc::new(AddressCell::default());
        let addresses: [SocketAddr; 2] = [
            "1.1.1.1:1111".parse().unwrap(),
            "[2222:2222::2222:2222]:2222".parse().unwrap(),
        ];
        cell.set(Some(addresses[0]));
        let writer = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || (0..200_000).for_each(|n| cell.set(Some(addresses[n % 2]))))
        };
        while !writer.is_finished() {
            assert!(addresses.contains(&cell.get().unwrap()));
        }
        writer.join().unwrap();
    }
}

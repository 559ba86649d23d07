//! Where a leg's sound goes out, for whichever thread has some for it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rtp::mux::{Kind, classify};
use srtp::{MasterKey, Outbound};

use crate::address::AddressCell;

/// One for each slot. The slot's own thread writes it; the thread of a bridged leg reads it for each packet.
///
/// What each packet needs comes first, in one cache line: with a thousand legs none of it is in the cache.
#[derive(Default)]
#[repr(C, align(64))]
pub struct Outlet {
    /// Whom the addresses are of; 0: the slot is not in use.
    epoch: AtomicU64,
    rtp: AddressCell,
    /// The leg makes its party's packets itself now: nobody else's pass.
    occupied: AtomicBool,
    /// Whether what goes out is protected first.
    secured: AtomicBool,
    rtcp: AddressCell,
    /// Whether RTCP goes by the RTP socket.
    rtcp_mux: AtomicU64,
    /// The newest sender report that was passed on to the party: the middle of its NTP time above, and below when, in
    /// 65536ths of a second; 0: none was.
    report: AtomicU64,
    seal: Mutex<Option<Seal>>,
}

/// What protects a party's packets. Hardly ever do two threads want it at once.
struct Seal {
    epoch: u64,
    outbound: Outbound,
    /// Room for a packet.
    packet: Vec<u8>,
}

impl Outlet {
    pub fn open(&self, epoch: u64) {
        self.set(None, None, false);
        self.occupy(false);
        self.report.store(0, Ordering::Relaxed);
        self.epoch.store(epoch, Ordering::Release);
    }

    pub fn close(&self) {
        // First of all: what another thread still holds for the old user must not reach the next one.
        self.epoch.store(0, Ordering::Release);
        self.set(None, None, false);
        self.secure(None);
    }

    /// Protect what goes to this user of the slot, or let it go in the clear. Before `set`, so that nothing slips through.
    pub fn secure(&self, key: Option<&MasterKey>) {
        let epoch = self.epoch.load(Ordering::Relaxed);
        let mut seal = self.seal.lock().unwrap_or_else(PoisonError::into_inner);
        match key {
            None => *seal = None,
            // The same key goes on where it was: no index of it may be used twice.
            Some(key)
                if seal
                    .as_ref()
                    .is_some_and(|it| it.epoch == epoch && it.outbound.master() == key) => {}
            Some(key) => {
                *seal = Some(Seal {
                    epoch,
                    outbound: Outbound::new(key),
                    packet: Vec::with_capacity(512),
                });
            }
        }
        self.secured.store(seal.is_some(), Ordering::Release);
    }

    /// Whether what goes out is protected first.
    pub fn is_secured(&self) -> bool {
        self.secured.load(Ordering::Acquire)
    }

    /// Hand a packet on as this user of the slot is to have it. False: its key could not protect it.
    #[inline]
    pub fn emit(&self, epoch: u64, data: &[u8], send: impl FnOnce(&[u8])) -> bool {
        if !self.secured.load(Ordering::Acquire) {
            send(data);
            return true;
        }
        self.emit_sealed(epoch, data, send)
    }

    #[inline(never)]
    fn emit_sealed(&self, epoch: u64, data: &[u8], send: impl FnOnce(&[u8])) -> bool {
        let mut seal = self.seal.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seal) = seal.as_mut().filter(|seal| seal.epoch == epoch) else {
            return false;
        };
        seal.packet.clear();
        seal.packet.extend_from_slice(data);
        let sealed = match classify(data) {
            Kind::Rtcp => seal.outbound.protect_rtcp(&mut seal.packet),
            _ => seal.outbound.protect_rtp(&mut seal.packet),
        };
        if sealed.is_ok() {
            send(&seal.packet);
        }
        sealed.is_ok()
    }

    pub fn set(&self, rtp: Option<SocketAddr>, rtcp: Option<SocketAddr>, rtcp_mux: bool) {
        self.rtp.set(rtp);
        self.rtcp.set(rtcp);
        self.rtcp_mux.store(u64::from(rtcp_mux), Ordering::Relaxed);
    }

    pub fn occupy(&self, occupied: bool) {
        self.occupied.store(occupied, Ordering::Relaxed);
    }

    /// A compound packet was passed on to the party.
    pub fn passed_report(&self, data: &[u8], now: f64) {
        // RFC 3550 section 6.4.1: a sender report comes first, with its NTP time behind the SSRC.
        if let [_, 200, _, _, _, _, _, _, _, _, a, b, c, d, ..] = *data {
            let middle = u64::from(u32::from_be_bytes([a, b, c, d]));
            let at = u64::from((now * 65_536.0) as u64 as u32);
            self.report.store(middle << 32 | at, Ordering::Relaxed);
        }
    }

    /// The newest of those: the middle of its NTP time, and when it went.
    pub fn report(&self, now: f64) -> Option<(u32, f64)> {
        let report = self.report.load(Ordering::Relaxed);
        if report == 0 {
            return None;
        }
        let ago = ((now * 65_536.0) as u64 as u32).wrapping_sub(report as u32);
        Some(((report >> 32) as u32, now - f64::from(ago) / 65_536.0))
    }

    /// Where another leg's packets for this user of the slot go; None: nowhere now.
    #[inline]
    pub fn passing(&self, epoch: u64) -> Option<SocketAddr> {
        self.rtp(epoch)
            .filter(|_| !self.occupied.load(Ordering::Relaxed))
    }

    /// Where RTP for this user of the slot goes; None: nowhere now.
    #[inline]
    pub fn rtp(&self, epoch: u64) -> Option<SocketAddr> {
        let address = self.rtp.get();
        // Read after the address: an address of the next user is never given to who asks for the last.
        address.filter(|_| self.epoch.load(Ordering::Acquire) == epoch)
    }

    /// Where RTCP goes, and whether by the RTP socket.
    pub fn rtcp(&self, epoch: u64) -> Option<(SocketAddr, bool)> {
        let address = self.rtcp.get();
        let mux = self.rtcp_mux.load(Ordering::Relaxed) != 0;
        address
            .filter(|_| self.epoch.load(Ordering::Acquire) == epoch)
            .map(|address| (address, mux))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use srtp::{Inbound, Suite};

    #[test]
    fn what_goes_out_is_protected_for_its_user_alone() {
        let key = |seed| MasterKey::new(Suite::AesCm128HmacSha1_80, &[seed; 30]).unwrap();
        let outlet = Outlet::default();
        outlet.open(1);
        let mut plain = [0x55; 172];
        plain[..2].copy_from_slice(&[0x80, 0]);
        let emitted = |epoch| {
            let mut emitted = None;
            let sent = outlet.emit(epoch, &plain, |data| emitted = Some(data.to_vec()));
            assert_eq!(sent, emitted.is_some());
            emitted
        };
        assert_eq!(emitted(1).as_deref(), Some(&plain[..]));
        outlet.secure(Some(&key(1)));
        let mut protected = emitted(1).unwrap();
        assert_eq!(protected.len(), 182);
        let mut inbound = Inbound::new(&key(1), b"");
        assert_eq!(inbound.open_rtp(&mut protected), Ok(172));
        assert_eq!(protected[..172], plain);
        assert_eq!(emitted(1), None, "the same index twice");
        outlet.secure(Some(&key(1)));
        assert_eq!(emitted(1), None, "the same key again");
        outlet.secure(Some(&key(2)));
        assert_eq!(emitted(2), None, "another user");
        assert!(emitted(1).is_some());
        outlet.close();
        outlet.open(2);
        assert_eq!(emitted(2).as_deref(), Some(&plain[..]));
    }

    #[test]
    fn nothing_goes_to_the_next_user_of_a_slot() {
        let outlet = Outlet::default();
        let party: SocketAddr = "192.0.2.1:4000".parse().unwrap();
        outlet.open(1);
        assert_eq!(outlet.rtp(1), None, "not connected yet");
        outlet.set(Some(party), Some(party), true);
        assert_eq!(outlet.rtp(1), Some(party));
        assert_eq!(outlet.rtcp(1), Some((party, true)));
        outlet.close();
        assert_eq!(outlet.rtp(1), None);
        outlet.open(2);
        outlet.set(Some(party), Some(party), false);
        assert_eq!((outlet.rtp(1), outlet.rtp(2)), (None, Some(party)));
        outlet.occupy(true);
        assert_eq!((outlet.passing(2), outlet.rtp(2)), (None, Some(party)));
        outlet.close();
        outlet.open(3);
        outlet.set(Some(party), Some(party), false);
        assert_eq!(outlet.passing(3), Some(party));
    }
}

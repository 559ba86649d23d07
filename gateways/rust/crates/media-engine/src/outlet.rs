//! Where a leg's sound goes out, for whichever thread has some for it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::address::AddressCell;

/// One for each slot. The slot's own thread writes it; the thread of a bridged leg reads it for each packet.
#[derive(Default)]
pub struct Outlet {
    /// Whom the addresses are of; 0: the slot is not in use.
    epoch: AtomicU64,
    rtp: AddressCell,
    rtcp: AddressCell,
    /// Whether RTCP goes by the RTP socket.
    rtcp_mux: AtomicU64,
    /// The leg makes its party's packets itself now: nobody else's pass.
    occupied: AtomicBool,
}

impl Outlet {
    pub fn open(&self, epoch: u64) {
        self.set(None, None, false);
        self.occupy(false);
        self.epoch.store(epoch, Ordering::Release);
    }

    pub fn close(&self) {
        // First of all: what another thread still holds for the old user must not reach the next one.
        self.epoch.store(0, Ordering::Release);
        self.set(None, None, false);
    }

    pub fn set(&self, rtp: Option<SocketAddr>, rtcp: Option<SocketAddr>, rtcp_mux: bool) {
        self.rtp.set(rtp);
        self.rtcp.set(rtcp);
        self.rtcp_mux.store(u64::from(rtcp_mux), Ordering::Relaxed);
    }

    pub fn occupy(&self, occupied: bool) {
        self.occupied.store(occupied, Ordering::Relaxed);
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

//! An eventfd: one thread rings, another wakes.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Readable from a ring until it is silenced.
pub struct Bell(OwnedFd);

impl Bell {
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers; the result is checked before it is owned.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a fresh descriptor that nothing else owns.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    pub fn ring(&self) {
        let one: u64 = 1;
        // SAFETY: eight bytes that live through the call. It can only fail by a full counter: then the bell rings.
        unsafe { libc::write(self.descriptor(), (&raw const one).cast(), 8) };
    }

    pub fn silence(&self) {
        let mut count: u64 = 0;
        // SAFETY: eight bytes that live through the call. It can only fail when the bell is silent already.
        unsafe { libc::read(self.descriptor(), (&raw mut count).cast(), 8) };
    }

    pub fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

//! The counters of all legs, where another process can read them: asking for a leg's figures never waits for the engine,
//! and they are still there when it has died.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;

use crate::figures::Counters;

/// One for each slot. All of them are atomics, so that one process may write while another reads.
pub struct Board {
    start: NonNull<Counters>,
    slots: usize,
    memory: OwnedFd,
}

// SAFETY: what is shared are atomics.
unsafe impl Send for Board {}
// SAFETY: as above.
unsafe impl Sync for Board {}

impl Board {
    pub fn new(slots: usize) -> io::Result<Self> {
        // SAFETY: a name that ends with 0; the result is checked before it is owned.
        let memory = unsafe {
            libc::memfd_create(
                c"media-figures".as_ptr(),
                libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING,
            )
        };
        if memory < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a fresh descriptor that nothing else owns.
        let file = File::from(unsafe { OwnedFd::from_raw_fd(memory) });
        file.set_len(bytes(slots) as u64)?;
        // Whoever maps it must never find it cut short: reading there would kill the reader.
        let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
        // SAFETY: no memory is touched.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let board = Self::map(file.into(), slots, libc::PROT_READ | libc::PROT_WRITE)?;
        for slot in 0..slots {
            // SAFETY: within the map, and nobody else has it yet.
            unsafe { board.start.add(slot).write(Counters::default()) };
        }
        Ok(board)
    }

    /// Another process's, to read. Fails when it is not of as many slots, or could be cut short.
    pub fn of(memory: OwnedFd, slots: usize) -> io::Result<Self> {
        // SAFETY: no memory is touched.
        let seals = unsafe { libc::fcntl(memory.as_raw_fd(), libc::F_GET_SEALS) };
        let file = File::from(memory);
        let fits = file.metadata()?.len() == bytes(slots) as u64;
        if !fits || seals < 0 || seals & libc::F_SEAL_SHRINK == 0 {
            let reason = "the figures of the media engine are of another form";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Self::map(file.into(), slots, libc::PROT_READ)
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        use std::os::fd::AsFd;
        self.memory.as_fd()
    }

    fn map(memory: OwnedFd, slots: usize, protection: libc::c_int) -> io::Result<Self> {
        // SAFETY: a new map, which overlaps nothing, of a file that is as long.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes(slots),
                protection,
                libc::MAP_SHARED,
                memory.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // A map begins at a page, which is aligned better than any cache line.
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::Other)?;
        Ok(Self {
            start,
            slots,
            memory,
        })
    }
}

/// A map of nothing there is not.
fn bytes(slots: usize) -> usize {
    slots.max(1) * size_of::<Counters>()
}

impl Deref for Board {
    type Target = [Counters];

    fn deref(&self) -> &[Counters] {
        // SAFETY: the map is there until the drop, and has been written by `new`: all bytes are atomics, for which any
        // value is one.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.slots) }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // SAFETY: the map is this owner's, and nobody reads it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), bytes(self.slots)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_counts_another_reads_when_the_first_has_gone() {
        let ours = Board::new(3).unwrap();
        ours[2].open(7);
        ours[2].count_received();
        let memory = ours.descriptor().try_clone_to_owned().unwrap();
        let theirs = Board::of(memory, 3).unwrap();
        drop(ours);
        assert_eq!(theirs.len(), 3);
        assert_eq!(theirs[2].read(7).received, 1);
        assert_eq!(theirs[2].read(6).received, 0);
        assert_eq!(theirs[0].read(0).measures.packet_ms, 20.0);
    }

    #[test]
    fn what_is_no_board_is_refused() {
        let board = Board::new(3).unwrap();
        let memory = || board.descriptor().try_clone_to_owned().unwrap();
        assert!(Board::of(memory(), 4).is_err());
        let file = File::open("/proc/self/exe").unwrap();
        assert!(Board::of(file.into(), 3).is_err());
    }
}

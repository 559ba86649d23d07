//! Sending in batches.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use crate::BATCH;
use crate::address::RawAddress;

/// What came of a batch.
#[derive(Debug)]
pub struct Outcome {
    /// How many datagrams from the front are done with: sent, or refused by the kernel.
    pub done: usize,
    /// Those of them that the kernel refused (too long, unreachable ...), by their place.
    pub refused: Vec<(usize, io::Error)>,
}

/// Send datagrams in order. Stops early when the socket is full: the rest may be given again once it is writable.
/// Never blocks.
pub fn send_batch(socket: BorrowedFd<'_>, datagrams: &[(SocketAddr, &[u8])]) -> Outcome {
    let mut outcome = Outcome {
        done: 0,
        refused: Vec::new(),
    };
    while outcome.done < datagrams.len() {
        let end = datagrams.len().min(outcome.done + BATCH);
        match send_some(socket, &datagrams[outcome.done..end]) {
            Ok(sent) => outcome.done += sent,
            Err(error) => match error.raw_os_error() {
                // ENOBUFS: the device's queue is full, which for the caller is the same as a full socket.
                Some(libc::EAGAIN | libc::ENOBUFS) => break,
                Some(libc::EINTR) => {}
                // sendmmsg tells an error only when it concerns the first datagram: the others were not tried.
                _ => {
                    outcome.refused.push((outcome.done, error));
                    outcome.done += 1;
                }
            },
        }
    }
    outcome
}

fn send_some(socket: BorrowedFd<'_>, datagrams: &[(SocketAddr, &[u8])]) -> io::Result<usize> {
    let mut addresses = [RawAddress::EMPTY; BATCH];
    let mut pieces: [libc::iovec; BATCH] = [libc::iovec {
        iov_base: ptr::null_mut(),
        iov_len: 0,
    }; BATCH];
    // SAFETY: mmsghdr is plain integers and pointers, for which zero is a value.
    let mut headers: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
    for (index, (destination, data)) in datagrams.iter().take(BATCH).enumerate() {
        addresses[index] = RawAddress::from(*destination);
        pieces[index].iov_base = data.as_ptr().cast_mut().cast();
        pieces[index].iov_len = data.len();
        let header = &mut headers[index].msg_hdr;
        header.msg_name = addresses[index].as_mut_ptr().cast();
        header.msg_namelen = addresses[index].length();
        header.msg_iov = &raw mut pieces[index];
        header.msg_iovlen = 1;
    }
    // SAFETY: the headers point at addresses and data that live through the call; the kernel only reads them.
    let result = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            datagrams.len().min(BATCH) as libc::c_uint,
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result as usize)
}

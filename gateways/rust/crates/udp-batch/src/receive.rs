//! Receiving in batches.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use crate::BATCH;
use crate::address::RawAddress;

/// One datagram of a batch.
pub struct Datagram<'a> {
    pub source: SocketAddr,
    pub data: &'a [u8],
    /// The datagram was longer than the buffer: its end is lost.
    pub truncated: bool,
}

/// Buffers for [`BATCH`] datagrams, allocated once and used again and again.
pub struct ReceiveBatch {
    buffers: Vec<u8>,
    size: usize,
    sources: [RawAddress; BATCH],
    lengths: [usize; BATCH],
    truncated: [bool; BATCH],
    count: usize,
}

impl ReceiveBatch {
    /// `size` is the longest datagram taken whole, in bytes. Memory is touched only as datagrams need it.
    pub fn new(size: usize) -> Self {
        Self {
            buffers: vec![0; size * BATCH],
            size,
            sources: [RawAddress::EMPTY; BATCH],
            lengths: [0; BATCH],
            truncated: [false; BATCH],
            count: 0,
        }
    }

    /// Take what waits on a socket, at most `limit` (and [`BATCH`]) datagrams, in place of the batch before; gives
    /// how many. Fewer than the limit: the socket is empty. Never blocks.
    pub fn receive(&mut self, socket: BorrowedFd<'_>, limit: usize) -> io::Result<usize> {
        self.count = 0;
        let limit = limit.min(BATCH);
        let mut pieces: [libc::iovec; BATCH] = [libc::iovec {
            iov_base: ptr::null_mut(),
            iov_len: 0,
        }; BATCH];
        // SAFETY: mmsghdr is plain integers and pointers, for which zero is a value.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
        for (index, buffer) in self
            .buffers
            .chunks_exact_mut(self.size)
            .take(limit)
            .enumerate()
        {
            pieces[index].iov_base = buffer.as_mut_ptr().cast();
            pieces[index].iov_len = buffer.len();
            let header = &mut headers[index].msg_hdr;
            header.msg_name = self.sources[index].as_mut_ptr().cast();
            header.msg_namelen = RawAddress::SIZE;
            header.msg_iov = &raw mut pieces[index];
            header.msg_iovlen = 1;
        }
        let count = loop {
            // SAFETY: the first `limit` headers point at live buffers of the lengths they tell, which nothing else
            // touches during the call.
            let result = unsafe {
                libc::recvmmsg(
                    socket.as_raw_fd(),
                    headers.as_mut_ptr(),
                    limit as libc::c_uint,
                    libc::MSG_DONTWAIT,
                    ptr::null_mut(),
                )
            };
            if result >= 0 {
                break result as usize;
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EAGAIN) => break 0,
                // The pending error of an earlier send (an ICMP answer) is told once and then cleared: read on.
                Some(libc::EINTR | libc::ECONNREFUSED | libc::EHOSTUNREACH | libc::ENETUNREACH) => {
                }
                _ => return Err(error),
            }
        };
        for (index, header) in headers.iter().take(count).enumerate() {
            self.lengths[index] = (header.msg_len as usize).min(self.size);
            self.truncated[index] = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
        }
        self.count = count;
        Ok(count)
    }

    /// The datagrams of the last batch, in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = Datagram<'_>> {
        (0..self.count).filter_map(|index| {
            let start = index * self.size;
            Some(Datagram {
                source: self.sources[index].get()?,
                data: self.buffers.get(start..start + self.lengths[index])?,
                truncated: self.truncated[index],
            })
        })
    }
}

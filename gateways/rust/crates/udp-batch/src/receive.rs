//! Receiving in batches.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::time::Duration;

use crate::BATCH;
use crate::address::RawAddress;

/// Eight-byte words for the control messages of one datagram.
const CONTROL: usize = 8;

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
    /// Since the epoch.
    arrived: Option<Duration>,
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
            arrived: None,
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
        // Room for one time stamp, of the datagram that has waited longest; u64 for its alignment.
        let mut control = [0u64; CONTROL];
        headers[0].msg_hdr.msg_control = control.as_mut_ptr().cast();
        headers[0].msg_hdr.msg_controllen = mem::size_of_val(&control) as _;
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
        self.arrived = (count > 0).then(|| stamp(&headers[0].msg_hdr)).flatten();
        self.count = count;
        Ok(count)
    }

    /// When the first datagram of the last batch reached this machine, since the epoch; None unless the socket was
    /// told to `stamp_arrivals`.
    pub fn arrived(&self) -> Option<Duration> {
        self.arrived
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

/// The time stamp among a datagram's control messages.
fn stamp(header: &libc::msghdr) -> Option<Duration> {
    // SAFETY: the kernel has filled in `msg_control` and its length; the macro looks no further than that length.
    let message = unsafe { libc::CMSG_FIRSTHDR(header) };
    if message.is_null() {
        return None;
    }
    // SAFETY: not null, so it points at a whole header within the control buffer.
    let (level, kind) = unsafe { ((*message).cmsg_level, (*message).cmsg_type) };
    if (level, kind) != (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
        return None;
    }
    // SAFETY: a message of this kind holds one timespec, which may lie unaligned.
    let at: libc::timespec = unsafe { ptr::read_unaligned(libc::CMSG_DATA(message).cast()) };
    Some(Duration::new(
        u64::try_from(at.tv_sec).ok()?,
        u32::try_from(at.tv_nsec).ok()?,
    ))
}

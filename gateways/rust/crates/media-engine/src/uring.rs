//! I/O by io_uring: one multishot receive waits on each socket for ever, buffers are provided in a ring, and all that
//! is to be sent goes down in one call.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Duration;

use io_uring::types::{BufRingEntry, Fd, Fixed, RecvMsgOut, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use udp_batch::RawAddress;

use crate::io::{Hearer, Io, Outbox};
use crate::ports::Sockets;

const BELL: u64 = u64::MAX;
/// Of sends, which tell only when they fail.
const SENT: u64 = u64::MAX - 1;
/// Sends held back at most, and so entries of the submission queue.
const SENDS: usize = 512;
const COMPLETIONS: u32 = 8192;
/// Completions worth waiting for within the gathering time.
const WORTHWHILE: usize = 512;
/// Rounds of completions in one wake: orders and ticks are not to wait for ever.
const TURNS: usize = 64;
/// Provided buffers: 20 ms of 2,000 legs. What finds none waits in its socket.
const BUFFERS: u16 = 2048;
const GROUP: u16 = 0;
/// An Ethernet frame's worth, with the head that the kernel writes before it.
const BUFFER: usize = 1664;
const LONGEST: usize = 1600;

pub struct Uring {
    /// Declared, and so dropped, before the memory it uses.
    ring: IoUring,
    buffers: Buffers,
    outgoing: Outgoing,
    /// Says how much of a buffer is for the source's address; the kernel reads it at each arming.
    form: Box<libc::msghdr>,
    bell: RawFd,
    /// Sockets whose receive has ended and must be armed anew.
    unarmed: Vec<u32>,
    bell_armed: bool,
    gathers: bool,
    /// So that descriptors registered with the ring stay open.
    _sockets: Arc<Sockets>,
}

/// The provided buffers and the ring that gives them to the kernel.
struct Buffers {
    memory: Vec<u8>,
    entries: NonNull<BufRingEntry>,
    tail: u16,
}

/// Packets held back until the next submission, at fixed places.
struct Outgoing {
    places: Vec<Place>,
    held: usize,
}

#[derive(Clone)]
struct Place {
    address: RawAddress,
    data: [u8; LONGEST],
}

impl Uring {
    /// Arm the sockets that `mine` names, and the bell. To be called in the thread that will use it. Fails where the
    /// kernel (older than 6.1, or under seccomp) does not allow it.
    pub fn new(
        sockets: Arc<Sockets>,
        mine: impl Iterator<Item = u32>,
        bell: RawFd,
    ) -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            // Completions are worked off when we ask, not by interrupting us ...
            .setup_defer_taskrun()
            // ... and we are told that there are some.
            .setup_taskrun_flag()
            .setup_submit_all()
            .setup_cqsize(COMPLETIONS)
            .build(SENDS as u32)?;
        let descriptors: Vec<RawFd> = (0..sockets.len() as u32)
            .map(|socket| sockets.descriptor(socket))
            .collect();
        ring.submitter().register_files(&descriptors)?;
        let buffers = Buffers::new();
        // SAFETY: the entries live until the ring is dropped, and are as many as told.
        unsafe {
            let address = buffers.entries.as_ptr() as u64;
            ring.submitter()
                .register_buf_ring_with_flags(address, BUFFERS, GROUP, 0)?;
        }
        // SAFETY: msghdr is plain integers and pointers, for which zero is a value.
        let mut form: Box<libc::msghdr> = Box::new(unsafe { mem::zeroed() });
        form.msg_namelen = RawAddress::SIZE;
        let gathers = ring.params().is_feature_min_timeout();
        let mut uring = Self {
            ring,
            buffers,
            outgoing: Outgoing::new(),
            form,
            bell,
            unarmed: mine.collect(),
            bell_armed: false,
            gathers,
            _sockets: sockets,
        };
        uring.arm()?;
        Ok(uring)
    }

    /// Arm what is not armed.
    fn arm(&mut self) -> io::Result<()> {
        if !self.bell_armed {
            let entry = opcode::PollAdd::new(Fd(self.bell), libc::POLLIN as u32)
                .multi(true)
                .build();
            self.push(&entry.user_data(BELL))?;
            self.bell_armed = true;
        }
        while let Some(socket) = self.unarmed.pop() {
            let entry =
                opcode::RecvMsgMulti::new(Fixed(socket), &raw const *self.form, GROUP).build();
            self.push(&entry.user_data(u64::from(socket)))?;
        }
        Ok(())
    }

    fn push(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        loop {
            // SAFETY: what entries point at (form, places, buffers) lives as long as the ring; places are written
            // again only after a submission, by which the kernel has done with them (see `submit`).
            if unsafe { self.ring.submission().push(entry) }.is_ok() {
                return Ok(());
            }
            self.submit()?;
        }
    }

    /// Hand all entries to the kernel. When it returns, every send is over: with MSG_DONTWAIT a send is tried at once,
    /// within the call, and done or failed.
    fn submit(&mut self) -> io::Result<()> {
        while !self.ring.submission().is_empty() {
            match self.ring.submit() {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        self.outgoing.held = 0;
        Ok(())
    }

    /// Look through all completions that are there. Gives how many datagrams were among them.
    fn complete(&mut self, hearer: &mut impl Hearer) -> usize {
        let mut heard = 0;
        // One at a time, so that what is heard can be answered by the same ring.
        loop {
            let Some(completion) = self.ring.completion().next() else {
                break;
            };
            let more = cqueue::more(completion.flags());
            match completion.user_data() {
                BELL => self.bell_armed = more,
                SENT => {}
                socket => {
                    let socket = socket as u32;
                    if !more {
                        self.unarmed.push(socket);
                    }
                    if let Some(buffer) = cqueue::buffer_select(completion.flags()) {
                        heard += self.hear(socket, buffer, completion.result(), hearer);
                    }
                }
            }
        }
        self.buffers.publish();
        heard
    }

    /// One datagram in a buffer, which is given back.
    fn hear(&mut self, socket: u32, buffer: u16, length: i32, hearer: &mut impl Hearer) -> usize {
        let start = usize::from(buffer) * BUFFER;
        let end = start + usize::try_from(length).unwrap_or(0).min(BUFFER);
        // Parts of `self` by themselves, since the datagram is heard while sends are queued.
        let Self {
            ring,
            buffers,
            outgoing,
            form,
            ..
        } = self;
        let mut heard = 0;
        if let Ok(message) = RecvMsgOut::parse(&buffers.memory[start..end], form) {
            if let Some(source) = address(message.name_data()) {
                hearer.datagram(
                    socket,
                    source,
                    message.payload_data(),
                    &mut Queueing { ring, outgoing },
                );
                heard = 1;
            }
        }
        self.buffers.give(buffer);
        heard
    }
}

impl Io for Uring {
    fn wait(
        &mut self,
        timeout: Option<Duration>,
        rest: Duration,
        hearer: &mut impl Hearer,
    ) -> io::Result<usize> {
        self.arm()?;
        let rest = timeout.map_or(rest, |timeout| rest.min(timeout));
        if !rest.is_zero() && !self.gathers {
            self.submit()?;
            thread::sleep(rest);
        }
        let time = timeout.map(Timespec::from);
        let mut arguments = SubmitArgs::new();
        let mut want = 1;
        if !rest.is_zero() && self.gathers {
            arguments = arguments.min_wait_usec(rest.as_micros() as u32);
            want = WORTHWHILE;
        }
        let result = match &time {
            Some(time) => self
                .ring
                .submitter()
                .submit_with_args(want, &arguments.timespec(time)),
            None => self.ring.submitter().submit_with_args(want, &arguments),
        };
        match result {
            Ok(_) => {}
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(libc::ETIME | libc::EINTR | libc::EBUSY)
                ) => {}
            Err(error) => return Err(error),
        }
        hearer.woken();
        let mut heard = 0;
        for _ in 0..TURNS {
            heard += self.complete(hearer);
            self.arm()?;
            // The kernel works off only some of what is due at a time: ask until there is no more, or packets that have
            // long come would wait for the next wake. What is to be sent goes with it.
            let queue = self.ring.submission();
            if queue.is_empty() && !queue.taskrun() && !queue.cq_overflow() {
                break;
            }
            drop(queue);
            self.ring.submit()?;
            self.submit()?;
        }
        Ok(heard)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.submit()
    }
}

impl Outbox for Uring {
    fn send(&mut self, socket: u32, destination: SocketAddr, data: &[u8]) {
        let Self { ring, outgoing, .. } = self;
        Queueing { ring, outgoing }.send(socket, destination, data);
    }
}

struct Queueing<'a> {
    ring: &'a mut IoUring,
    outgoing: &'a mut Outgoing,
}

impl Outbox for Queueing<'_> {
    fn send(&mut self, socket: u32, destination: SocketAddr, data: &[u8]) {
        if self.outgoing.held == SENDS || self.ring.submission().is_full() {
            // Only what the kernel has no memory for fails here; it is lost, like any datagram.
            while !self.ring.submission().is_empty() && self.ring.submit().is_ok() {}
            self.outgoing.held = 0;
        }
        let place = &mut self.outgoing.places[self.outgoing.held];
        let Some(room) = place.data.get_mut(..data.len()) else {
            return;
        };
        room.copy_from_slice(data);
        place.address = RawAddress::from(destination);
        let entry = opcode::Send::new(Fixed(socket), room.as_ptr(), room.len() as u32)
            .flags(libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
            .dest_addr(place.address.as_ptr())
            .dest_addr_len(place.address.length())
            .build()
            .flags(squeue::Flags::SKIP_SUCCESS)
            .user_data(SENT);
        // SAFETY: the place lives as long as the ring and is not written again before the next submission, which is
        // over only when the send is (see `Uring::submit`).
        if unsafe { self.ring.submission().push(&entry) }.is_ok() {
            self.outgoing.held += 1;
        }
    }
}

impl Buffers {
    fn new() -> Self {
        let layout = Self::layout();
        // SAFETY: the layout has a size.
        let entries = NonNull::new(unsafe { alloc_zeroed(layout) }.cast::<BufRingEntry>())
            .unwrap_or_else(|| handle_alloc_error(layout));
        let mut buffers = Self {
            memory: vec![0; usize::from(BUFFERS) * BUFFER],
            entries,
            tail: 0,
        };
        (0..BUFFERS).for_each(|buffer| buffers.give(buffer));
        buffers.publish();
        buffers
    }

    /// Page-aligned, as the kernel wants it.
    fn layout() -> Layout {
        let size = usize::from(BUFFERS) * size_of::<BufRingEntry>();
        Layout::from_size_align(size, 4096).unwrap_or(Layout::new::<BufRingEntry>())
    }

    /// Let the kernel have a buffer; seen by it at the next `publish`.
    fn give(&mut self, buffer: u16) {
        let address = self.memory[usize::from(buffer) * BUFFER..].as_mut_ptr() as u64;
        // SAFETY: the index is below BUFFERS, and the kernel does not look beyond the tail it was told.
        let entry = unsafe { &mut *self.entries.as_ptr().add(usize::from(self.tail % BUFFERS)) };
        entry.set_addr(address);
        entry.set_len(BUFFER as u32);
        entry.set_bid(buffer);
        self.tail = self.tail.wrapping_add(1);
    }

    fn publish(&mut self) {
        // SAFETY: the tail is a field of the first entry, aligned as an integer of its size; the kernel reads it as an
        // atomic too.
        let tail = unsafe { &*BufRingEntry::tail(self.entries.as_ptr()).cast::<AtomicU16>() };
        tail.store(self.tail, Ordering::Release);
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with the same layout; the ring, which used it, was dropped before.
        unsafe { dealloc(self.entries.as_ptr().cast(), Self::layout()) };
    }
}

// SAFETY: the entries belong to this value alone.
unsafe impl Send for Buffers {}

impl Outgoing {
    fn new() -> Self {
        let empty = Place {
            address: RawAddress::EMPTY,
            data: [0; LONGEST],
        };
        Self {
            places: vec![empty; SENDS],
            held: 0,
        }
    }
}

/// The address that the kernel wrote.
fn address(name: &[u8]) -> Option<SocketAddr> {
    let mut raw = RawAddress::EMPTY;
    let length = name.len().min(RawAddress::SIZE as usize);
    // SAFETY: both are as long as told, and any bytes are an address or none.
    unsafe {
        raw.as_mut_ptr()
            .cast::<u8>()
            .copy_from_nonoverlapping(name.as_ptr(), length)
    };
    raw.get()
}

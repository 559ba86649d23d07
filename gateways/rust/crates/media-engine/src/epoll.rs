//! I/O by epoll: a wake tells which sockets are readable, recvmmsg empties each, sendto sends at once.
#![allow(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use udp_batch::{RawAddress, ReceiveBatch};

use crate::io::{Hearer, Io, Outbox};
use crate::ports::Sockets;

const BELL: u64 = u64::MAX;
/// Edge-triggered: a wake does not look again at the sockets of the wake before, and the bell need not be silenced.
const READABLE: i32 = libc::EPOLLIN | libc::EPOLLET;
/// Readable sockets told by one call.
const EVENTS: usize = 512;
/// Datagrams taken from one socket by one call: a leg has one, or two after a stall.
const DATAGRAMS: usize = 4;
/// Calls for one socket in one wake, so that a flood on one leg does not starve the others.
const TURNS: usize = 16;
/// Ethernet's; nobody sends more in an RTP packet of sound.
const LONGEST: usize = 1600;

pub struct Epoll {
    epoll: OwnedFd,
    sockets: Arc<Sockets>,
    events: Vec<libc::epoll_event>,
    batch: ReceiveBatch,
}

impl Epoll {
    /// Listen to the sockets that `mine` names, and to the bell.
    pub fn new(
        sockets: Arc<Sockets>,
        mine: impl Iterator<Item = u32>,
        bell: RawFd,
    ) -> io::Result<Self> {
        // SAFETY: no pointers; the result is checked before it is owned.
        let descriptor = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a fresh descriptor that nothing else owns.
        let epoll = unsafe { OwnedFd::from_raw_fd(descriptor) };
        control(&epoll, libc::EPOLL_CTL_ADD, bell, BELL, READABLE)?;
        for socket in mine {
            control(
                &epoll,
                libc::EPOLL_CTL_ADD,
                sockets.descriptor(socket),
                u64::from(socket),
                READABLE,
            )?;
        }
        let events = vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        Ok(Self {
            epoll,
            sockets,
            events,
            batch: ReceiveBatch::new(LONGEST),
        })
    }
}

fn control(
    epoll: &OwnedFd,
    what: i32,
    descriptor: RawFd,
    token: u64,
    events: i32,
) -> io::Result<()> {
    let mut event = libc::epoll_event {
        events: events as u32,
        u64: token,
    };
    // SAFETY: the record lives through the call.
    if unsafe { libc::epoll_ctl(epoll.as_raw_fd(), what, descriptor, &raw mut event) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

impl Io for Epoll {
    fn wait(
        &mut self,
        timeout: Option<Duration>,
        rest: Duration,
        hearer: &mut impl Hearer,
    ) -> io::Result<usize> {
        let rest = timeout.map_or(rest, |timeout| rest.min(timeout));
        if !rest.is_zero() {
            thread::sleep(rest);
        }
        let left = timeout.map(|timeout| timeout - rest);
        let time = left.map(|left| libc::timespec {
            tv_sec: left.as_secs() as libc::time_t,
            tv_nsec: libc::c_long::from(left.subsec_nanos()),
        });
        let count = {
            // SAFETY: the events live through the call, as many as told; so does the time, where there is one.
            let result = unsafe {
                libc::epoll_pwait2(
                    self.epoll.as_raw_fd(),
                    self.events.as_mut_ptr(),
                    EVENTS as libc::c_int,
                    time.as_ref().map_or(ptr::null(), ptr::from_ref),
                    ptr::null(),
                )
            };
            match usize::try_from(result) {
                Ok(count) => count,
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => 0,
                    error => return Err(error),
                },
            }
        };
        hearer.woken();
        let mut heard = 0;
        for index in 0..count {
            let token = self.events[index].u64;
            if token == BELL {
                continue;
            }
            heard += self.empty(token as u32, hearer);
        }
        Ok(heard)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Epoll {
    fn empty(&mut self, socket: u32, hearer: &mut impl Hearer) -> usize {
        let sockets = Arc::clone(&self.sockets);
        let mut heard = 0;
        for _ in 0..TURNS {
            let Ok(count) = self.batch.receive(sockets.get(socket).as_fd(), DATAGRAMS) else {
                return heard;
            };
            for datagram in self.batch.iter() {
                hearer.datagram(
                    socket,
                    datagram.source,
                    datagram.data,
                    &mut Direct(&sockets),
                );
            }
            heard += count;
            if count < DATAGRAMS {
                return heard;
            }
        }
        // The rest has no edge of its own; being asked for it anew, the kernel tells again. It cannot fail: the socket
        // is in the set.
        control(
            &self.epoll,
            libc::EPOLL_CTL_MOD,
            sockets.descriptor(socket),
            u64::from(socket),
            READABLE,
        )
        .ok();
        heard
    }
}

impl Outbox for Epoll {
    fn send(&mut self, socket: u32, destination: SocketAddr, data: &[u8]) {
        Direct(&self.sockets).send(socket, destination, data);
    }
}

struct Direct<'a>(&'a Sockets);

impl Outbox for Direct<'_> {
    fn send(&mut self, socket: u32, destination: SocketAddr, data: &[u8]) {
        let address = RawAddress::from(destination);
        // SAFETY: data and address live through the call, and are as long as told.
        unsafe {
            libc::sendto(
                self.0.descriptor(socket),
                data.as_ptr().cast(),
                data.len(),
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
                address.as_ptr(),
                address.length(),
            )
        };
    }
}

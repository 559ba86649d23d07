//! Unix sockets: who is at the other end, and descriptors that go along.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// Whether whoever is at the other end is of our own user. The superuser is not asked who it is.
pub fn is_ours(stream: &UnixStream) -> io::Result<bool> {
    // SAFETY: three integers, for which zero is a value.
    let mut who: libc::ucred = unsafe { zeroed() };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `who` and `length` live through the call, and say how long they are.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut who).cast(),
            &raw mut length,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: no memory is touched.
    let ours = unsafe { libc::geteuid() };
    Ok(who.uid == ours || who.uid == 0)
}

/// Room for one descriptor beside the bytes, aligned as its header wants it.
type Beside = [u64; 4];

/// Send bytes, and a descriptor with the first of them. Gives how many went.
pub fn send(stream: &UnixStream, bytes: &[u8], along: Option<BorrowedFd<'_>>) -> io::Result<usize> {
    let mut part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let mut beside: Beside = [0; 4];
    // SAFETY: pointers and integers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    if let Some(along) = along {
        let length = size_of::<RawFd>() as u32;
        // SAFETY: arithmetic alone.
        let space = unsafe { libc::CMSG_SPACE(length) } as usize;
        message.msg_control = beside.as_mut_ptr().cast();
        message.msg_controllen = space;
        // SAFETY: `beside` has room for one header with a descriptor behind it, and is aligned for both.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(length) as usize;
            libc::CMSG_DATA(header)
                .cast::<RawFd>()
                .write_unaligned(along.as_raw_fd());
        }
    }
    // SAFETY: all that `message` points at lives through the call.
    let sent = unsafe { libc::sendmsg(stream.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Take bytes, and a descriptor where one came along. 0 bytes: the other end is closed.
pub fn receive(
    stream: &UnixStream,
    bytes: &mut [u8],
    along: &mut Option<OwnedFd>,
) -> io::Result<usize> {
    let mut part = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    let mut beside: Beside = [0; 4];
    // SAFETY: as above.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = beside.as_mut_ptr().cast();
    // SAFETY: arithmetic alone. No more than one descriptor has room: others are closed by the kernel.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(size_of::<RawFd>() as u32) } as usize;
    // SAFETY: all that `message` points at lives through the call.
    let received =
        unsafe { libc::recvmsg(stream.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: the kernel has written as many headers as `msg_controllen` says; a descriptor in them is ours alone.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if !header.is_null()
            && (*header).cmsg_level == libc::SOL_SOCKET
            && (*header).cmsg_type == libc::SCM_RIGHTS
        {
            let came = libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned();
            *along = Some(OwnedFd::from_raw_fd(came));
        }
    }
    Ok(received)
}

/// What is waited for of a descriptor, and what of it is so.
pub struct Waiting {
    pub descriptor: RawFd,
    pub to_write: bool,
    pub readable: bool,
    pub writable: bool,
}

impl Waiting {
    pub fn new(descriptor: RawFd, to_write: bool) -> Self {
        Self {
            descriptor,
            to_write,
            readable: false,
            writable: false,
        }
    }
}

/// Wait until one can be read, or written where that is asked for; None: for ever.
pub fn wait(all: &mut [Waiting], within: Option<Duration>) -> io::Result<()> {
    let mut polled: Vec<libc::pollfd> = all
        .iter()
        .map(|one| libc::pollfd {
            fd: one.descriptor,
            events: libc::POLLIN | if one.to_write { libc::POLLOUT } else { 0 },
            revents: 0,
        })
        .collect();
    let ms = within.map_or(-1, |within| {
        // Upwards: who waits for a time is not to wake just before it.
        i32::try_from(within.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
    });
    // SAFETY: `polled` lives through the call and is as long as is said.
    let result = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, ms) };
    if result < 0 {
        let error = io::Error::last_os_error();
        if error.kind() == io::ErrorKind::Interrupted {
            return Ok(());
        }
        return Err(error);
    }
    for (one, polled) in all.iter_mut().zip(polled) {
        // An end that is closed or broken is found out by reading.
        one.readable = polled.revents & (libc::POLLIN | libc::POLLHUP | libc::POLLERR) != 0;
        one.writable = polled.revents & libc::POLLOUT != 0;
    }
    Ok(())
}

/// Two descriptors as one, which is readable when one of them is: a socket, and a bell.
pub struct Watch {
    epoll: OwnedFd,
    /// What is asked of the socket now.
    asked: AtomicU32,
}

impl Watch {
    pub fn new(socket: RawFd, bell: RawFd) -> io::Result<Self> {
        // SAFETY: no pointers; the result is checked before it is owned.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if epoll < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a fresh descriptor that nothing else owns.
        let epoll = unsafe { OwnedFd::from_raw_fd(epoll) };
        let asked = AtomicU32::new(libc::EPOLLIN as u32);
        let watch = Self { epoll, asked };
        watch.control(libc::EPOLL_CTL_ADD, socket, libc::EPOLLIN as u32)?;
        watch.control(libc::EPOLL_CTL_ADD, bell, libc::EPOLLIN as u32)?;
        Ok(watch)
    }

    pub fn descriptor(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }

    /// Whether the socket is worth a look at all, and whether it is to be written to.
    pub fn ask(&self, socket: RawFd, alive: bool, writing: bool) {
        let read = if alive { libc::EPOLLIN as u32 } else { 0 };
        let write = if writing { libc::EPOLLOUT as u32 } else { 0 };
        let wanted = read | write;
        if self.asked.swap(wanted, Relaxed) != wanted {
            // A socket that hung up would be told of for ever, whatever is asked.
            let operation = if alive {
                libc::EPOLL_CTL_MOD
            } else {
                libc::EPOLL_CTL_DEL
            };
            // It is in there, and so this cannot fail.
            self.control(operation, socket, wanted).ok();
        }
    }

    fn control(&self, operation: libc::c_int, descriptor: RawFd, wanted: u32) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: wanted,
            u64: 0,
        };
        // SAFETY: `event` lives through the call.
        let result = unsafe {
            libc::epoll_ctl(
                self.epoll.as_raw_fd(),
                operation,
                descriptor,
                &raw mut event,
            )
        };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

/// Lock a file for as long as it is open; false: another process has.
pub fn lock(file: &File) -> io::Result<bool> {
    // SAFETY: no memory is touched.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        error => Err(error),
    }
}

/// SIGTERM and SIGINT, as a descriptor that is readable when one has come. Threads begun from now on do not get them.
pub fn signals() -> io::Result<OwnedFd> {
    // SAFETY: `set` is filled before it is used; the result is checked before it is owned.
    unsafe {
        let mut set: libc::sigset_t = zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::sigaddset(&raw mut set, libc::SIGINT);
        let result = libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        if result != 0 {
            return Err(io::Error::from_raw_os_error(result));
        }
        let descriptor = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(descriptor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsFd;

    #[test]
    fn a_descriptor_goes_along_with_the_bytes() {
        let (here, there) = UnixStream::pair().unwrap();
        let file = File::open("/proc/self/comm").unwrap();
        assert_eq!(send(&here, b"one", Some(file.as_fd())).unwrap(), 3);
        assert_eq!(send(&here, b"two", None).unwrap(), 3);
        let (mut bytes, mut along) = ([0; 16], None);
        assert_eq!(receive(&there, &mut bytes, &mut along).unwrap(), 3);
        let mut read = String::new();
        File::from(along.take().unwrap())
            .read_to_string(&mut read)
            .unwrap();
        assert!(!read.is_empty());
        assert_eq!(receive(&there, &mut bytes, &mut along).unwrap(), 3);
        assert!(along.is_none());
        drop(here);
        assert_eq!(receive(&there, &mut bytes, &mut along).unwrap(), 0);
        assert!(is_ours(&there).unwrap());
    }
}

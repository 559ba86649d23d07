//! Making the socket.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::address::RawAddress;

/// A bound, non-blocking UDP socket with a receive buffer of `receive_buffer` bytes, or as near as the kernel
/// allows. An IPv6 socket takes IPv6 only, so that both families can be bound to one port.
///
/// Fails as `bind` does.
pub fn bind(address: SocketAddr, receive_buffer: usize) -> io::Result<UdpSocket> {
    let family = if address.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    };
    // SAFETY: no pointers; the result is checked before it is owned.
    let descriptor = unsafe {
        libc::socket(
            family,
            libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
            0,
        )
    };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a fresh descriptor that nothing else owns.
    let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
    if address.is_ipv6() {
        set_option(socket.as_raw_fd(), libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
    }
    buffer(
        socket.as_raw_fd(),
        (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF),
        receive_buffer,
    )?;
    let raw = RawAddress::from(address);
    // SAFETY: `raw` lives through the call and is as long as it tells.
    if unsafe { libc::bind(socket.as_raw_fd(), raw.as_ptr(), raw.length()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(UdpSocket::from(socket))
}

/// Give a socket other buffers, both of so many bytes, or as near as the kernel allows.
pub fn set_buffers(socket: &UdpSocket, bytes: usize) {
    for names in [
        (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF),
        (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF),
    ] {
        // A size is never refused, only cut.
        buffer(socket.as_raw_fd(), names, bytes).ok();
    }
}

/// The forced form passes net.core's limit where we are privileged; else the plain one takes what it gets.
fn buffer(socket: RawFd, names: (libc::c_int, libc::c_int), bytes: usize) -> io::Result<()> {
    let size = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    set_option(socket, libc::SOL_SOCKET, names.0, size)
        .or_else(|_| set_option(socket, libc::SOL_SOCKET, names.1, size))
}

fn set_option(
    socket: RawFd,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the value is an integer of the length told, and lives through the call.
    let result = unsafe {
        libc::setsockopt(
            socket,
            level,
            name,
            (&raw const value).cast(),
            mem::size_of_val(&value) as libc::socklen_t,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

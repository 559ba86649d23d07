//! The sockets of all legs, bound beforehand: asking the kernel for one during a call costs more than the call.
#![allow(unsafe_code)]

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;

/// Room for a second of sound when the machine stalls.
const RECEIVE_BUFFER: usize = 64 * 1024;
/// The same for pictures: key frames come in one burst from many parties.
const PICTURES_BUFFER: usize = 1 << 20;
/// Descriptors that the rest of the process may want beside ours.
const OTHER_DESCRIPTORS: u64 = 4096;
/// DSCP "expedited forwarding" (RFC 4594 section 4.1: telephony) in its place in the byte.
static EXPEDITED: libc::c_int = 46 << 2;
/// "Assured forwarding 41" (RFC 4594 section 4.3: multimedia conferencing).
static ASSURED: libc::c_int = 34 << 2;

/// Sockets by number: twice the slot for RTP, one more for its RTCP.
pub struct Sockets {
    sockets: Vec<UdpSocket>,
    ports: Vec<u16>,
}

impl Sockets {
    /// Bind `legs` pairs upwards from `first_port` (0: where the kernel chooses), leaving out pairs in use.
    pub fn bind(host: IpAddr, first_port: u16, legs: usize) -> io::Result<Self> {
        allow_descriptors(2 * legs as u64 + OTHER_DESCRIPTORS);
        let first = match first_port {
            0 => UdpSocket::bind((host, 0))?.local_addr()?.port(),
            port => port,
        };
        let mut bound = Self {
            sockets: Vec::with_capacity(2 * legs),
            ports: Vec::with_capacity(legs),
        };
        // RFC 3550 section 11: RTP on an even port, RTCP on the next one.
        let first = u32::from(first).next_multiple_of(2);
        let upwards = first..=65_534;
        // Where the kernel chose, any range is as good as another.
        let wrapped = 1024..if first_port == 0 { first } else { 1024 };
        for port in upwards.chain(wrapped).step_by(2) {
            if bound.ports.len() == legs {
                break;
            }
            bound.bind_pair(host, port as u16)?;
        }
        if bound.ports.len() < legs {
            let message = format!(
                "only {} of {legs} port pairs are free from {first} upwards",
                bound.ports.len()
            );
            return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
        }
        Ok(bound)
    }

    fn bind_pair(&mut self, host: IpAddr, port: u16) -> io::Result<()> {
        let bind = |port| match udp_batch::bind(SocketAddr::new(host, port), RECEIVE_BUFFER) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            other => other.map(Some),
        };
        let Some(rtp) = bind(port)? else {
            return Ok(());
        };
        let Some(rtcp) = bind(port + 1)? else {
            return Ok(());
        };
        for socket in [&rtp, &rtcp] {
            expedite(socket.as_raw_fd(), host);
        }
        self.sockets.extend([rtp, rtcp]);
        self.ports.push(port);
        Ok(())
    }

    /// The RTP port of each slot.
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    pub fn descriptor(&self, socket: u32) -> RawFd {
        self.sockets[socket as usize].as_raw_fd()
    }

    pub fn get(&self, socket: u32) -> &UdpSocket {
        &self.sockets[socket as usize]
    }

    /// Make a slot's sockets fit for pictures, or for sound again. They are as good without, only less preferred.
    pub fn suit(&self, slot: u32, pictures: bool) {
        let (class_of, room) = if pictures {
            (&ASSURED, PICTURES_BUFFER)
        } else {
            (&EXPEDITED, RECEIVE_BUFFER)
        };
        for socket in [2 * slot, 2 * slot + 1] {
            let socket = self.get(socket);
            if let Ok(address) = socket.local_addr() {
                class(socket.as_raw_fd(), address.ip(), class_of);
            }
            udp_batch::set_buffers(socket, room);
        }
    }

    pub fn len(&self) -> usize {
        self.sockets.len()
    }
}

/// Ask routers to prefer voice. A socket without is as good, only less preferred.
fn expedite(socket: RawFd, host: IpAddr) {
    class(socket, host, &EXPEDITED);
}

fn class(socket: RawFd, host: IpAddr, class: &'static libc::c_int) {
    let (level, name) = match host {
        IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_TOS),
        IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_TCLASS),
    };
    // SAFETY: an integer of the length told, that lives through the call.
    unsafe { libc::setsockopt(socket, level, name, ptr::from_ref(class).cast(), 4) };
}

/// Raise the soft limit of open files towards `wanted`. Binding says when it was not enough.
fn allow_descriptors(wanted: u64) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a record that lives through both calls.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 && limit.rlim_cur < wanted {
            limit.rlim_cur = wanted.min(limit.rlim_max);
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_in_use_are_left_out() {
        let host: IpAddr = "127.0.0.1".parse().unwrap();
        let taken = Sockets::bind(host, 0, 3).unwrap();
        let first = taken.ports()[0];
        let others = Sockets::bind(host, first, 3).unwrap();
        assert!(
            others
                .ports()
                .iter()
                .all(|port| port % 2 == 0 && *port > first)
        );
        assert!(
            others
                .ports()
                .iter()
                .all(|port| !taken.ports().contains(port))
        );
        assert_eq!(
            others.get(1).local_addr().unwrap().port(),
            others.ports()[0] + 1
        );
    }

    #[test]
    fn too_few_ports_is_an_error_that_says_so() {
        let host: IpAddr = "127.0.0.1".parse().unwrap();
        let error = Sockets::bind(host, 65_520, 100).err().unwrap();
        assert!(
            error.to_string().contains("of 100 port pairs are free"),
            "{error}"
        );
    }
}

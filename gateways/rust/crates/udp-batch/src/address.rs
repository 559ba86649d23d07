//! Socket addresses as the kernel writes them.
#![allow(unsafe_code)]

use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// A `sockaddr_storage`, cut down to what IPv4 and IPv6 need.
#[derive(Clone, Copy)]
#[repr(C)]
pub union RawAddress {
    family: libc::sa_family_t,
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl Default for RawAddress {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl RawAddress {
    /// An address of no family, for the kernel to write over.
    pub const EMPTY: Self = Self {
        v6: libc::sockaddr_in6 {
            sin6_family: libc::AF_UNSPEC as libc::sa_family_t,
            sin6_port: 0,
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
            sin6_scope_id: 0,
        },
    };

    /// The size the kernel may write.
    pub const SIZE: libc::socklen_t = mem::size_of::<Self>() as libc::socklen_t;

    /// How many bytes of it the kernel is to read.
    pub fn length(&self) -> libc::socklen_t {
        // SAFETY: every variant begins with the family, and EMPTY has set all bytes.
        match i32::from(unsafe { self.family }) {
            libc::AF_INET => mem::size_of::<libc::sockaddr_in>() as libc::socklen_t,
            _ => mem::size_of::<libc::sockaddr_in6>() as libc::socklen_t,
        }
    }

    pub fn as_ptr(&self) -> *const libc::sockaddr {
        std::ptr::from_ref(self).cast()
    }

    pub fn as_mut_ptr(&mut self) -> *mut libc::sockaddr {
        std::ptr::from_mut(self).cast()
    }

    /// None when the kernel gave no IP address.
    pub fn get(&self) -> Option<SocketAddr> {
        // SAFETY: the family says which variant was written; all variants are plain integers over bytes that
        // EMPTY has set.
        unsafe {
            match i32::from(self.family) {
                libc::AF_INET => {
                    let ip = Ipv4Addr::from(u32::from_be(self.v4.sin_addr.s_addr));
                    Some(SocketAddrV4::new(ip, u16::from_be(self.v4.sin_port)).into())
                }
                libc::AF_INET6 => {
                    let ip = Ipv6Addr::from(self.v6.sin6_addr.s6_addr);
                    let port = u16::from_be(self.v6.sin6_port);
                    Some(SocketAddrV6::new(ip, port, 0, self.v6.sin6_scope_id).into())
                }
                _ => None,
            }
        }
    }
}

impl From<SocketAddr> for RawAddress {
    fn from(address: SocketAddr) -> Self {
        let mut raw = Self::EMPTY;
        match address {
            SocketAddr::V4(v4) => {
                raw.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr {
                        s_addr: u32::from(*v4.ip()).to_be(),
                    },
                    sin_zero: [0; 8],
                };
            }
            SocketAddr::V6(v6) => {
                raw.v6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: v6.flowinfo(),
                    sin6_addr: libc::in6_addr {
                        s6_addr: v6.ip().octets(),
                    },
                    sin6_scope_id: v6.scope_id(),
                };
            }
        }
        raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_kernels_form() {
        for text in [
            "127.0.0.1:5060",
            "[::1]:5061",
            "[2001:db8::17]:65535",
            "192.0.2.200:1",
        ] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(RawAddress::from(address).get(), Some(address));
        }
    }

    #[test]
    fn an_empty_address_is_none() {
        assert_eq!(RawAddress::EMPTY.get(), None);
    }
}

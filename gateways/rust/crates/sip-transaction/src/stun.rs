//! STUN binding requests on the SIP port (RFC 8489), by which a phone keeps its NAT's binding open and learns when its
//! address has changed (RFC 5626 section 3.5.2). Nothing else of STUN is done here.

use std::net::{IpAddr, SocketAddr};

const HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = 0x2112_A442_u32.to_be_bytes();
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// Comprehension-required attributes that change nothing about the answer: USERNAME, MESSAGE-INTEGRITY, REALM, NONCE
/// (a keep-alive on a SIP flow is not authenticated, RFC 5626 section 3.5.2).
const PASSED_OVER: [u16; 4] = [0x0006, 0x0008, 0x0014, 0x0015];
/// More of these in one request are not listed.
const MOST_UNKNOWN: usize = 16;

/// Whether a datagram is STUN rather than SIP: RFC 8489 section 6.3 asks for two zero bits, the magic cookie, and a length
/// that fits. No SIP message begins with such a byte.
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.len() >= HEADER
        && datagram[0] < 0x40
        && datagram[4..8] == MAGIC_COOKIE
        && usize::from(number(datagram, 2)) == datagram.len() - HEADER
        && datagram.len() % 4 == 0
}

/// The answer to a binding request from `source`; None for whatever else.
pub fn answer(datagram: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
    if !is_stun(datagram) || number(datagram, 0) != BINDING_REQUEST {
        return None;
    }
    let unknown = unknown_attributes(&datagram[HEADER..])?;
    let mut attributes = Vec::with_capacity(32);
    let kind = if unknown.is_empty() {
        mapped_address(&mut attributes, datagram, source);
        BINDING_SUCCESS
    } else {
        // Section 6.3.1: "the server MUST reject the request with a 420 (Unknown Attribute) error".
        put(
            &mut attributes,
            ERROR_CODE,
            b"\x00\x00\x04\x14Unknown Attribute",
        );
        let listed: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
        put(&mut attributes, UNKNOWN_ATTRIBUTES, &listed);
        BINDING_ERROR
    };
    let mut response = Vec::with_capacity(HEADER + attributes.len());
    response.extend_from_slice(&kind.to_be_bytes());
    response.extend_from_slice(&u16::try_from(attributes.len()).ok()?.to_be_bytes());
    response.extend_from_slice(&datagram[4..HEADER]);
    response.extend_from_slice(&attributes);
    Some(response)
}

/// The comprehension-required attributes that are not understood; None where an attribute does not fit.
fn unknown_attributes(mut rest: &[u8]) -> Option<Vec<u16>> {
    let mut unknown = Vec::new();
    while !rest.is_empty() {
        if rest.len() < 4 {
            return None;
        }
        let kind = number(rest, 0);
        let padded = usize::from(number(rest, 2)).next_multiple_of(4);
        rest = rest.get(4 + padded..)?;
        if kind < 0x8000 && !PASSED_OVER.contains(&kind) && unknown.len() < MOST_UNKNOWN {
            unknown.push(kind);
        }
    }
    Some(unknown)
}

/// Section 14.2: the address and port are XORed with the cookie and the transaction id, so that no NAT on the way mistakes
/// them for its own to rewrite.
fn mapped_address(attributes: &mut Vec<u8>, request: &[u8], source: SocketAddr) {
    let mask = &request[4..HEADER];
    let port = source.port().to_be_bytes();
    let mut value = vec![0, 1, port[0] ^ mask[0], port[1] ^ mask[1]];
    match source.ip().to_canonical() {
        IpAddr::V4(address) => xor(&mut value, &address.octets(), mask),
        IpAddr::V6(address) => {
            value[1] = 2;
            xor(&mut value, &address.octets(), mask);
        }
    }
    put(attributes, XOR_MAPPED_ADDRESS, &value);
}

fn xor(value: &mut Vec<u8>, octets: &[u8], mask: &[u8]) {
    value.extend(octets.iter().zip(mask).map(|(octet, mask)| octet ^ mask));
}

fn put(attributes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    attributes.extend_from_slice(&kind.to_be_bytes());
    // A value is a few dozen bytes at the most.
    attributes.extend_from_slice(&(value.len() as u16).to_be_bytes());
    attributes.extend_from_slice(value);
    attributes.resize(attributes.len().next_multiple_of(4), 0);
}

fn number(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 1];
        bytes.extend_from_slice(&(attributes.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&MAGIC_COOKIE);
        // The transaction id of RFC 5769 section 2.2.
        bytes.extend_from_slice(&[
            0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
        ]);
        bytes.extend_from_slice(attributes);
        bytes
    }

    #[test]
    fn the_mapped_address_is_that_of_the_test_vectors() {
        // RFC 5769 section 2.2: 192.0.2.1 port 32853 under that transaction id.
        let source = SocketAddr::from(([192, 0, 2, 1], 32853));
        let response = answer(&request(&[]), source).expect("an answer");
        assert_eq!(&response[..4], [0x01, 0x01, 0, 12]);
        assert_eq!(response[4..20], request(&[])[4..20]);
        assert_eq!(
            &response[20..],
            [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]
        );
    }

    #[test]
    fn an_ipv6_address_is_that_of_the_test_vectors() {
        // RFC 5769 section 2.3.
        let source = "[2001:db8:1234:5678:11:2233:4455:6677]:32853"
            .parse()
            .expect("an address");
        let response = answer(&request(&[]), source).expect("an answer");
        assert_eq!(
            &response[20..],
            [
                0, 0x20, 0, 20, 0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79,
                0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9
            ]
        );
    }

    #[test]
    fn software_and_username_change_nothing_and_what_is_unknown_is_named() {
        let source = SocketAddr::from(([192, 0, 2, 1], 5060));
        let software = [0x80, 0x22, 0, 3, b'a', b'b', b'c', 0];
        let username = [0x00, 0x06, 0, 1, b'u', 0, 0, 0];
        for known in [software, username] {
            assert_eq!(answer(&request(&known), source).expect("an answer")[1], 1);
        }
        let response = answer(&request(&[0x00, 0x03, 0, 4, 0, 0, 0, 6]), source).expect("one");
        assert_eq!(&response[..2], [0x01, 0x11]);
        assert_eq!(&response[20..28], [0, 9, 0, 21, 0, 0, 4, 20]);
        assert_eq!(&response[48..], [0, 10, 0, 2, 0, 3, 0, 0]);
    }

    #[test]
    fn what_is_no_request_gets_no_answer() {
        let source = SocketAddr::from(([192, 0, 2, 1], 5060));
        let mut indication = request(&[]);
        indication[1] = 0x11;
        let mut wrong_length = request(&[]);
        wrong_length[3] = 4;
        let overlong = request(&[0x80, 0x22, 0xff, 0xff]);
        for bytes in [
            &indication[..],
            &wrong_length,
            &overlong,
            b"",
            b"OPTIONS sip:a",
        ] {
            assert_eq!(answer(bytes, source), None);
        }
        assert!(is_stun(&indication));
    }
}

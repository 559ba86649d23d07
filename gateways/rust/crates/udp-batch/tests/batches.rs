//! Batches over loopback.
#![allow(clippy::unwrap_used)]

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use udp_batch::{BATCH, ReceiveBatch, bind, send_batch};

fn pair(host: &str) -> (UdpSocket, UdpSocket, SocketAddr) {
    let any: SocketAddr = format!("{host}:0").parse().unwrap();
    let (a, b) = (bind(any, 1 << 20).unwrap(), bind(any, 1 << 20).unwrap());
    let to = b.local_addr().unwrap();
    (a, b, to)
}

fn crosses_in_order(host: &str) {
    let (a, b, to) = pair(host);
    let payloads: Vec<Vec<u8>> = (0..150u8).map(|n| vec![n; usize::from(n) + 1]).collect();
    let datagrams: Vec<(SocketAddr, &[u8])> = payloads.iter().map(|p| (to, p.as_slice())).collect();
    let outcome = send_batch(a.as_fd(), &datagrams);
    assert_eq!((outcome.done, outcome.refused.len()), (150, 0));

    let mut batch = ReceiveBatch::new(2048);
    let mut heard = Vec::new();
    loop {
        let count = batch.receive(b.as_fd(), BATCH).unwrap();
        for datagram in batch.iter() {
            assert_eq!(datagram.source, a.local_addr().unwrap());
            assert!(!datagram.truncated);
            heard.push(datagram.data.to_vec());
        }
        if count < BATCH {
            break;
        }
    }
    assert_eq!(heard, payloads);
}

#[test]
fn a_hundred_and_fifty_datagrams_cross_in_order_over_ipv4() {
    crosses_in_order("127.0.0.1");
}

#[test]
fn a_hundred_and_fifty_datagrams_cross_in_order_over_ipv6() {
    crosses_in_order("[::1]");
}

#[test]
fn an_empty_socket_gives_nothing_and_does_not_block() {
    let (_a, b, _) = pair("127.0.0.1");
    let mut batch = ReceiveBatch::new(2048);
    assert_eq!(batch.receive(b.as_fd(), BATCH).unwrap(), 0);
    assert_eq!(batch.iter().count(), 0);
}

#[test]
fn a_datagram_too_long_to_send_is_refused_and_the_others_go() {
    let (a, b, to) = pair("127.0.0.1");
    let long = vec![0u8; 70_000];
    let outcome = send_batch(a.as_fd(), &[(to, b"one"), (to, &long), (to, b"two")]);
    assert_eq!(outcome.done, 3);
    assert_eq!(outcome.refused.len(), 1);
    assert_eq!(outcome.refused[0].0, 1);
    assert_eq!(outcome.refused[0].1.raw_os_error(), Some(libc::EMSGSIZE));

    let mut batch = ReceiveBatch::new(2048);
    assert_eq!(batch.receive(b.as_fd(), BATCH).unwrap(), 2);
    let heard: Vec<&[u8]> = batch.iter().map(|d| d.data).collect();
    assert_eq!(heard, [b"one".as_slice(), b"two".as_slice()]);
}

#[test]
fn a_datagram_longer_than_the_buffer_is_told_apart() {
    let (a, b, to) = pair("127.0.0.1");
    send_batch(a.as_fd(), &[(to, &[7u8; 100])]);
    let mut batch = ReceiveBatch::new(64);
    batch.receive(b.as_fd(), BATCH).unwrap();
    let datagram = batch.iter().next().unwrap();
    assert!(datagram.truncated);
    assert_eq!(datagram.data.len(), 64);
}

#[test]
fn the_error_of_a_port_where_nobody_listens_does_not_end_receiving() {
    let (a, b, to) = pair("127.0.0.1");
    let nobody = {
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap();
        closed.local_addr().unwrap()
    };
    // A connected socket is told of ICMP errors, on whatever call comes next.
    b.connect(nobody).unwrap();
    b.send(b"anyone?").unwrap();
    let mut batch = ReceiveBatch::new(64);
    assert_eq!(batch.receive(b.as_fd(), BATCH).unwrap(), 0);
    let outcome = send_batch(a.as_fd(), &[(to, b"x")]);
    assert_eq!(outcome.done, 1);
}

#[test]
fn an_address_of_the_other_family_is_refused_not_fatal() {
    let (a, _b, _) = pair("127.0.0.1");
    let v6: SocketAddr = "[::1]:9".parse().unwrap();
    let outcome = send_batch(a.as_fd(), &[(v6, b"x")]);
    assert_eq!((outcome.done, outcome.refused.len()), (1, 1));
}

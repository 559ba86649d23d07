//! Showing pictures to many costs no allocation a packet.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use media_engine::{
    Command, Configuration, Engine, Event, Takes, VideoCoding, VideoConnection, VideoTerms,
};
use rtp::{Header, Packet};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: the system's allocator does the work; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const VIEWERS: u32 = 4;

fn connection(address: SocketAddr) -> VideoConnection {
    let codings = vec![VideoCoding::new(96, "VP8", 90_000, "")];
    VideoConnection {
        rtp: address,
        rtcp: address,
        rtcp_mux: true,
        terms: Arc::new(VideoTerms::agree(
            codings.clone(),
            codings,
            Takes::default(),
        )),
        most: None,
        sets: Vec::new(),
        send: true,
        receive: true,
        keys: None,
    }
}

#[test]
fn what_is_shown_to_many_allocates_nothing_a_packet() {
    let engine = Engine::new(&Configuration {
        host: [127, 0, 0, 1].into(),
        first_port: 0,
        legs: 1 + VIEWERS as usize,
        threads: 1,
        io: None,
        prompts: None,
    })
    .expect("an engine");
    let sockets: Vec<UdpSocket> = (0..=VIEWERS)
        .map(|_| UdpSocket::bind("127.0.0.1:0").expect("a socket"))
        .collect();
    for (leg, socket) in (0..).zip(&sockets) {
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a time-out");
        let address = socket.local_addr().expect("an address");
        engine.submit(&[
            Command::OpenVideo { leg, epoch: 1 },
            Command::ConnectVideo {
                leg,
                connection: connection(address),
            },
        ]);
    }
    let shows: Vec<Command> = (1..=VIEWERS)
        .map(|viewer| Command::Show {
            viewer,
            source: Some(0),
        })
        .collect();
    engine.submit(&shows);
    let to = SocketAddr::from(([127, 0, 0, 1], engine.ports()[0]));
    let mut packet = Vec::with_capacity(1500);
    let mut heard = [0; 2048];
    // A frame of one packet; the key frame first, until all see it.
    let mut show = |sequence: u16| {
        packet.clear();
        Header {
            marker: true,
            payload_type: 96,
            sequence,
            timestamp: u32::from(sequence) * 3000,
            ssrc: 7,
        }
        .print(&mut packet);
        let head = if sequence == 0 { 0x10 } else { 0x11 };
        packet.extend_from_slice(&[0x10, head, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0x68, 1]);
        // Small: what a source may send at once is bounded.
        packet.resize(200, 1);
        sockets[0].send_to(&packet, to).expect("sent");
        for viewer in &sockets[1..] {
            loop {
                let length = viewer.recv(&mut heard).expect("shown");
                if Packet::parse(&heard[..length]).is_some_and(|it| it.payload.len() > 100) {
                    break;
                }
            }
        }
    };
    // The source is asked for a key frame when the orders are carried out: a packet before that would be nobody's.
    let wanted = Event::PictureWanted { leg: 0, epoch: 1 };
    while !engine.drain(9).contains(&wanted) {
        std::thread::sleep(Duration::from_millis(1));
    }
    (0..600).for_each(&mut show);
    let warm = ALLOCATIONS.load(Relaxed);
    (600..3600).for_each(&mut show);
    let more = ALLOCATIONS.load(Relaxed) - warm;
    // Reports and requests by RTCP are made now and then.
    assert!(more < 300, "{more} for 3000 packets to {VIEWERS}");
    assert_eq!(
        engine.leg_figures(1).map(|figures| figures.sent),
        Some(3600)
    );
}

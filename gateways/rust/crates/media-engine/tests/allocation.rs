//! A leg that is heard costs no allocation a frame, whatever its network does.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use codec::Format;
use media_engine::playout::Playout;
use netem::{Faults, Netem};
use rtp::Header;
use rtp::jitter::Settings;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does the work; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
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

#[test]
fn a_warm_playout_allocates_nothing() {
    let faults = Faults {
        loss: 0.1,
        duplicate: 0.05,
        reorder: 0.02,
        delay: 0.03,
        jitter: 0.1,
    };
    let mut netem = Netem::new(3, faults);
    let mut arrivals: Vec<(f64, u16)> = (0..15_000u16)
        .flat_map(|n| netem.send(0.02 * f64::from(n)).map(move |at| (at, n)))
        .collect();
    arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut playout = Playout::new(Format::Pcma, Settings::default()).expect("G.711");
    let mut out = Vec::with_capacity(160);
    let mut warm = 0;
    let mut next = 0;
    for tick in 0..15_000u32 {
        let now = 0.02 * f64::from(tick);
        while let Some(&(at, n)) = arrivals.get(next).filter(|(at, _)| *at <= now) {
            let header = Header {
                marker: false,
                payload_type: 8,
                sequence: n,
                timestamp: u32::from(n) * 160,
                ssrc: 1,
            };
            let loud = if n % 100 < 70 { n as u8 } else { 0xd5 };
            playout.put(&header, Format::Pcma, &[loud; 160], at);
            next += 1;
        }
        out.clear();
        playout.frame(now, &mut out);
        if tick == 1000 {
            warm = ALLOCATIONS.with(Cell::get);
        }
    }
    assert!(playout.figures().packets.played > 12_000);
    assert_eq!(ALLOCATIONS.with(Cell::get) - warm, 0);
}

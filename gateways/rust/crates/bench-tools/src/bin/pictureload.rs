//! One camera that many watch, packet by packet.
//!
//! `pictureload HOST SECONDS PID KBPS < PORTS`: the first line of PORTS is where the camera sends, and each other line where
//! one of its viewers is served. Every viewer sends one packet there, which tells where it is. The camera sends 25 pictures
//! a second of H.264, as many bits as told, and a key frame whenever one is asked for by PLI or FIR. After two seconds,
//! what happens in SECONDS is printed as one line of JSON, with the CPU time that process PID took meanwhile.

use std::error::Error;
use std::io::BufRead;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use bench_tools::{cpu_time, sockets};
use rtp::{Header, Packet};
use udp_batch::{BATCH, ReceiveBatch};

/// Viewers share this many sockets.
const SOCKETS: usize = 8;
const WARM_UP: Duration = Duration::from_secs(2);
const STRAGGLERS: Duration = Duration::from_millis(500);
const PICTURE: Duration = Duration::from_millis(40);
const PAYLOAD: usize = 1150;
const STEP: u64 = 10;
const STEPS: usize = 20_000;

struct Load {
    camera: UdpSocket,
    to: SocketAddr,
    viewers: Vec<UdpSocket>,
    batch: ReceiveBatch,
    start: Instant,
    sequence: u16,
    picture: u32,
    key_wanted: bool,
    bytes: usize,
}

#[derive(Default)]
struct Figures {
    sent: u64,
    received: u64,
    delays: Vec<u64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, host, seconds, pid, kbps] = &arguments[..] else {
        return Err("usage: pictureload HOST SECONDS PID KBPS < PORTS".into());
    };
    let host: IpAddr = host.parse()?;
    let measured = Duration::from_secs(seconds.parse()?);
    let ports: Vec<u16> = std::io::stdin()
        .lock()
        .lines()
        .map(|line| Ok(line?.trim().parse()?))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let (camera, viewers) = ports.split_first().ok_or("where does the camera send?")?;
    let mut load = Load {
        camera: sockets(host, 1)?.pop().ok_or("no socket")?,
        to: SocketAddr::new(host, *camera),
        viewers: sockets(host, SOCKETS)?,
        batch: ReceiveBatch::new(2048),
        start: Instant::now(),
        sequence: 0,
        picture: 0,
        key_wanted: true,
        bytes: kbps.parse::<usize>()? * 125 / 25,
    };
    for (viewer, port) in viewers.iter().enumerate() {
        let mut packet = Vec::new();
        Header {
            marker: false,
            payload_type: 96,
            sequence: 0,
            timestamp: 0,
            ssrc: 100 + viewer as u32,
        }
        .print(&mut packet);
        load.viewers[viewer % SOCKETS].send_to(&packet, SocketAddr::new(host, *port))?;
    }
    load.run(WARM_UP, &mut Figures::new());
    load.gather(STRAGGLERS, u64::MAX, &mut Figures::new());
    let (before, began) = (cpu_time(pid)?, Instant::now());
    let mut figures = Figures::new();
    load.run(measured, &mut figures);
    let (cpu, took) = (cpu_time(pid)? - before, began.elapsed());
    let expected = figures.sent * viewers.len() as u64;
    load.gather(STRAGGLERS, expected, &mut figures);
    println!("{}", figures.json(viewers.len(), took, cpu));
    Ok(())
}

impl Load {
    fn run(&mut self, time: Duration, figures: &mut Figures) {
        let began = Instant::now();
        let mut next = Duration::ZERO;
        while began.elapsed() < time {
            if began.elapsed() >= next {
                next += PICTURE;
                self.film(figures);
            }
            self.watch(figures);
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn gather(&mut self, time: Duration, until: u64, figures: &mut Figures) {
        let began = Instant::now();
        while began.elapsed() < time && figures.received < until {
            self.watch(figures);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Send the next picture, in fragments (RFC 6184 section 5.8) with parameter sets before a key frame.
    fn film(&mut self, figures: &mut Figures) {
        self.picture += 1;
        let key = std::mem::take(&mut self.key_wanted);
        if key {
            self.send(
                &[0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70],
                false,
                figures,
            );
            self.send(&[0x68, 0xce, 0x3c, 0x80], false, figures);
        }
        let kind = if key { 5 } else { 1 };
        let parts = self.bytes.div_ceil(PAYLOAD);
        for part in 0..parts {
            let (begins, ends) = (part == 0, part + 1 == parts);
            let mut payload = vec![
                0x7c,
                kind | u8::from(begins) << 7 | u8::from(ends) << 6,
                0x88,
            ];
            payload.resize(self.bytes / parts, 7);
            self.send(&payload, ends, figures);
        }
    }

    fn send(&mut self, payload: &[u8], marker: bool, figures: &mut Figures) {
        let mut packet = Vec::with_capacity(1500);
        Header {
            marker,
            payload_type: 96,
            sequence: self.sequence,
            timestamp: self.picture * 3600,
            ssrc: 1,
        }
        .print(&mut packet);
        packet.extend_from_slice(payload);
        if payload.len() > 100 {
            let now = self.start.elapsed().as_nanos() as u64;
            packet[16..24].copy_from_slice(&now.to_be_bytes());
        }
        self.sequence = self.sequence.wrapping_add(1);
        if self.camera.send_to(&packet, self.to).is_ok() {
            figures.sent += 1;
        }
    }

    fn watch(&mut self, figures: &mut Figures) {
        let mut heard = [0; 2048];
        while let Ok(length) = self.camera.recv(&mut heard) {
            // PLI and FIR are payload-specific feedback (RFC 4585 section 6.1).
            self.key_wanted |= heard[..length]
                .windows(2)
                .any(|pair| pair[0] & 0xe0 == 0x80 && pair[1] == 206);
        }
        for socket in &self.viewers {
            while let Ok(count) = self.batch.receive(socket.as_fd(), BATCH) {
                let now = self.start.elapsed().as_nanos() as u64;
                for datagram in self.batch.iter() {
                    let packet = Packet::parse(datagram.data);
                    if let Some(packet) = packet.filter(|it| it.header.payload_type == 96) {
                        figures.seen(packet.payload, now);
                    }
                }
                if count < BATCH {
                    break;
                }
            }
        }
    }
}

impl Figures {
    fn new() -> Self {
        Self {
            delays: vec![0; STEPS],
            ..Self::default()
        }
    }

    fn seen(&mut self, payload: &[u8], now: u64) {
        self.received += 1;
        if let Some(stamp) = payload.get(4..12).filter(|_| payload.len() > 100) {
            let sent = stamp
                .iter()
                .fold(0, |time, byte| time << 8 | u64::from(*byte));
            let micros = now.saturating_sub(sent) / 1000;
            self.delays[((micros / STEP) as usize).min(STEPS - 1)] += 1;
        }
    }

    fn percentile(&self, share: f64) -> u64 {
        let all: u64 = self.delays.iter().sum();
        let mut seen = 0;
        let step = self.delays.iter().position(|count| {
            seen += count;
            seen as f64 >= all as f64 * share
        });
        step.unwrap_or(STEPS) as u64 * STEP
    }

    fn json(&self, viewers: usize, took: Duration, cpu: Duration) -> String {
        let expected = self.sent * viewers as u64;
        format!(
            "{{\"viewers\": {viewers}, \"seconds\": {:.2}, \"sent\": {}, \"shown\": {}, \"lost\": {}, \
             \"delay_us_p50\": {}, \"delay_us_p99\": {}, \"cpu_us_per_packet\": {:.2}, \"cpu_share\": {:.3}}}",
            took.as_secs_f64(),
            self.sent,
            self.received,
            expected.saturating_sub(self.received),
            self.percentile(0.5),
            self.percentile(0.99),
            cpu.as_secs_f64() * 1e6 / self.received.max(1) as f64,
            cpu.as_secs_f64() / took.as_secs_f64(),
        )
    }
}

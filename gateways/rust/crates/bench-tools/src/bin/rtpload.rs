//! A load of G.711 calls through a relay, watched packet by packet.
//!
//! `rtpload HOST SECONDS PID [SUITE] < PAIRS`: each line of PAIRS holds the two relay ports of one call. Both parties of every
//! call send 50 packets a second to their port; a packet must come back, by whichever way, once and in order. After
//! a second of warming up, what happens in SECONDS is printed as one line of JSON, with the CPU time that process
//! PID took meanwhile. With an SRTP suite every party sends under a master key of twos and hears under one of ones.

use std::error::Error;
use std::io::BufRead;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use bench_tools::{PHASES, Rhythm, cpu_time, sockets};
use rtp::{Header, Packet};
use srtp::{Inbound, MasterKey, Outbound, Suite};
use udp_batch::{BATCH, ReceiveBatch, send_batch};

/// Parties share this many sockets on each side of the calls.
const SOCKETS: usize = 16;
const WARM_UP: Duration = Duration::from_secs(1);
/// How long after the end a packet is waited for.
const STRAGGLERS: Duration = Duration::from_millis(500);
/// Microseconds in one step of the histogram of delays, and steps.
const STEP: u64 = 10;
const STEPS: usize = 20_000;

/// One direction of a call.
struct Stream {
    to: SocketAddr,
    socket: usize,
    sequence: u16,
    /// The sequence number expected to come back next.
    expected: u16,
    /// What protects its packets, and opens them where they arrive.
    keys: Option<(Outbound, Inbound)>,
}

#[derive(Default)]
struct Figures {
    sent: u64,
    received: u64,
    /// Came back behind a later one of its stream.
    reordered: u64,
    /// By `STEP`; the last holds all that took longer.
    delays: Vec<u64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let (host, seconds, pid, suite) = match &arguments[..] {
        [_, host, seconds, pid] => (host, seconds, pid, None),
        [_, host, seconds, pid, suite] => {
            let suite = Suite::by_name(suite).ok_or("no such suite")?;
            (host, seconds, pid, Some(suite))
        }
        _ => return Err("usage: rtpload HOST SECONDS PID [SUITE] < PAIRS".into()),
    };
    let host: IpAddr = host.parse()?;
    let measured = Duration::from_secs(seconds.parse()?);
    let sockets = sockets(host, 2 * SOCKETS)?;
    let mut streams = Vec::new();
    for (call, line) in std::io::stdin().lock().lines().enumerate() {
        for (side, port) in line?.split_whitespace().enumerate() {
            let to = SocketAddr::new(host, port.parse()?);
            let socket = (call % SOCKETS) * 2 + side % 2;
            streams.push(Stream {
                to,
                socket,
                sequence: 0,
                expected: 0,
                keys: suite.and_then(keys),
            });
        }
    }

    let mut load = Load {
        sockets,
        streams,
        batch: ReceiveBatch::new(2048),
        start: Instant::now(),
        plain: Vec::with_capacity(2048),
    };
    load.run(WARM_UP, &mut Figures::new());
    let (before, began) = (cpu_time(pid)?, Instant::now());
    let mut figures = Figures::new();
    load.run(measured, &mut figures);
    let (cpu, took) = (cpu_time(pid)? - before, began.elapsed());
    load.gather(STRAGGLERS, &mut figures);
    println!("{}", figures.json(load.streams.len() / 2, took, cpu));
    Ok(())
}

fn keys(suite: Suite) -> Option<(Outbound, Inbound)> {
    let master = |byte| MasterKey::new(suite, &vec![byte; suite.master_bytes()]);
    Some((Outbound::new(&master(2)?), Inbound::new(&master(1)?, b"")))
}

struct Load {
    sockets: Vec<UdpSocket>,
    streams: Vec<Stream>,
    batch: ReceiveBatch,
    start: Instant,
    plain: Vec<u8>,
}

/// Whether a packet is one of the streams', and under its key where it has one; then it is plain.
fn open(streams: &mut [Stream], packet: &mut Vec<u8>) -> bool {
    let Some(ssrc) = Packet::parse(packet).map(|packet| packet.header.ssrc) else {
        return false;
    };
    let Some(stream) = streams.get_mut(ssrc as usize) else {
        return false;
    };
    let Some((_, inbound)) = &mut stream.keys else {
        return true;
    };
    match inbound.open_rtp(packet) {
        Ok(length) => {
            packet.truncate(length);
            true
        }
        Err(_) => false,
    }
}

impl Load {
    fn run(&mut self, time: Duration, figures: &mut Figures) {
        let mut rhythm = Rhythm::new(time);
        while rhythm.goes_on() {
            while let Some(phase) = rhythm.due() {
                self.send(phase, figures);
            }
            self.receive(figures);
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn gather(&mut self, time: Duration, figures: &mut Figures) {
        let begin = Instant::now();
        while begin.elapsed() < time && figures.received < figures.sent {
            self.receive(figures);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Send the next packet of every stream of a phase.
    fn send(&mut self, phase: usize, figures: &mut Figures) {
        let mut packets: Vec<Vec<(SocketAddr, usize, Vec<u8>)>> =
            vec![Vec::new(); self.sockets.len()];
        for (index, stream) in self
            .streams
            .iter_mut()
            .enumerate()
            .skip(phase)
            .step_by(PHASES as usize)
        {
            let mut packet = Vec::with_capacity(192);
            Header {
                marker: false,
                payload_type: 8,
                sequence: stream.sequence,
                timestamp: u32::from(stream.sequence) * 160,
                ssrc: index as u32,
            }
            .print(&mut packet);
            stream.sequence = stream.sequence.wrapping_add(1);
            packet.resize(172, 0xd5);
            packets[stream.socket].push((stream.to, index, packet));
        }
        for (socket, mut packets) in self.sockets.iter().zip(packets) {
            for batch in packets.chunks_mut(BATCH) {
                let now = self.start.elapsed().as_nanos() as u64;
                for (_, index, packet) in batch.iter_mut() {
                    packet[12..20].copy_from_slice(&now.to_be_bytes());
                    if let Some((outbound, _)) = &mut self.streams[*index].keys {
                        outbound.protect_rtp(packet).expect("in order");
                    }
                }
                let datagrams: Vec<(SocketAddr, &[u8])> = batch
                    .iter()
                    .map(|(to, _, packet)| (*to, &**packet))
                    .collect();
                let outcome = send_batch(socket.as_fd(), &datagrams);
                figures.sent += (outcome.done - outcome.refused.len()) as u64;
            }
        }
    }

    fn receive(&mut self, figures: &mut Figures) {
        for socket in &self.sockets {
            while let Ok(count) = self.batch.receive(socket.as_fd(), BATCH) {
                let now = self.start.elapsed().as_nanos() as u64;
                for datagram in self.batch.iter() {
                    self.plain.clear();
                    self.plain.extend_from_slice(datagram.data);
                    if open(&mut self.streams, &mut self.plain)
                        && let Some(packet) = Packet::parse(&self.plain)
                    {
                        figures.heard(&packet, &mut self.streams, now);
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

    fn heard(&mut self, packet: &Packet<'_>, streams: &mut [Stream], now: u64) {
        let (Some(stream), Some(stamp)) = (
            streams.get_mut(packet.header.ssrc as usize),
            packet.payload.first_chunk::<8>(),
        ) else {
            return;
        };
        if (packet.header.sequence.wrapping_sub(stream.expected) as i16) < 0 {
            self.reordered += 1;
        } else {
            stream.expected = packet.header.sequence.wrapping_add(1);
        }
        self.received += 1;
        let micros = now.saturating_sub(u64::from_be_bytes(*stamp)) / 1000;
        self.delays[((micros / STEP) as usize).min(STEPS - 1)] += 1;
    }

    fn percentile(&self, share: f64) -> u64 {
        let wanted = (self.received as f64 * share).ceil() as u64;
        let mut seen = 0;
        let step = self.delays.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        step.unwrap_or(STEPS) as u64 * STEP
    }

    fn json(&self, calls: usize, took: Duration, cpu: Duration) -> String {
        let per_packet = cpu.as_secs_f64() * 1e6 / self.sent.max(1) as f64;
        format!(
            "{{\"calls\": {calls}, \"seconds\": {:.2}, \"sent\": {}, \"lost\": {}, \"reordered\": {}, \
             \"delay_us_p50\": {}, \"delay_us_p99\": {}, \"delay_us_max\": {}, \"cpu_us_per_packet\": {per_packet:.2}, \
             \"cpu_share\": {:.3}}}",
            took.as_secs_f64(),
            self.sent,
            self.sent.saturating_sub(self.received),
            self.reordered,
            self.percentile(0.5),
            self.percentile(0.99),
            self.percentile(1.0),
            cpu.as_secs_f64() / took.as_secs_f64(),
        )
    }
}

//! A load of parties that say something and hear something: prompts, rooms, calls between codecs.
//!
//! `soundload HOST SECONDS PID < LEGS`: each line of LEGS holds a port, what its party says (`speech` or `quiet`), and
//! its format (`pcma` or `opus`), in which it says and hears: `40000 speech pcma`. Every party sends 50 packets a second,
//! made beforehand, and listens to what comes back. After two seconds of warming up it prints an empty line, and after
//! SECONDS what happened in them as one line of JSON, with the CPU time that process PID took meanwhile.
//!
//! Who has a port of its own to itself hears what comes from there; parties of one port hear their own source.

use std::error::Error;
use std::io::BufRead;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use bench_tools::{PHASES, Rhythm, cpu_time, sockets};
use codec::{Decoder, Encoder, Format, Opus};
use rtp::{Header, Packet};
use udp_batch::{BATCH, ReceiveBatch, send_batch};

/// Parties share this many sockets.
const SOCKETS: usize = 32;
const WARM_UP: Duration = Duration::from_secs(2);
/// Seconds of sound after which a party says the same again.
const ROUND: usize = 3;
/// What a packet must have to be heard as sound, in dBm0; the quiet ones' noise is far below.
const SOUND: f64 = -50.0;
/// Of the packets that a party is to hear, in hundredths, so many must have come, and with sound.
const HEARD: u64 = 95;

struct Party {
    to: SocketAddr,
    /// Which of the lines it says, and where it is in it.
    line: usize,
    at: usize,
    sequence: u16,
    timestamp: u32,
    ear: Decoder,
    heard: u64,
    sounding: u64,
}

/// Payloads made beforehand.
struct Line {
    payload_type: u8,
    /// What a timestamp goes up by in a packet.
    units: u32,
    payloads: Vec<Vec<u8>>,
}

struct Load {
    sockets: Vec<UdpSocket>,
    parties: Vec<Party>,
    lines: Vec<Line>,
    /// Whose port it is, where it is one party's.
    by_port: Vec<Option<usize>>,
    batch: ReceiveBatch,
    samples: Vec<i16>,
    packets: Vec<Vec<u8>>,
    sent: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, host, seconds, pid] = &arguments[..] else {
        return Err("usage: soundload HOST SECONDS PID < LEGS".into());
    };
    let host: IpAddr = host.parse()?;
    let measured = Duration::from_secs(seconds.parse()?);
    let mut load = Load::new(host)?;
    for line in std::io::stdin().lock().lines() {
        load.add(host, &line?)?;
    }
    load.run(WARM_UP);
    load.forget();
    println!();
    let (before, began) = (cpu_time(pid)?, Instant::now());
    load.run(measured);
    let (cpu, took) = (cpu_time(pid)? - before, began.elapsed());
    println!("{}", load.json(took, cpu));
    Ok(())
}

impl Load {
    fn new(host: IpAddr) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            sockets: sockets(host, SOCKETS)?,
            parties: Vec::new(),
            lines: [
                (speech as fn(usize) -> i16, Format::Pcma),
                (speech, opus()),
                (noise, Format::Pcma),
                (noise, opus()),
            ]
            .into_iter()
            .map(|(sound, format)| Line::new(sound, format))
            .collect::<Result<_, _>>()?,
            by_port: vec![None; 1 << 16],
            batch: ReceiveBatch::new(2048),
            samples: Vec::new(),
            packets: vec![Vec::new(); BATCH],
            sent: 0,
        })
    }

    /// One line of what is read.
    fn add(&mut self, host: IpAddr, line: &str) -> Result<(), Box<dyn Error>> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [port, says, format] = words[..] else {
            return Err(format!("no party: {line}").into());
        };
        let port: u16 = port.parse()?;
        let of_format = match format {
            "pcma" => 0,
            "opus" => 1,
            _ => return Err(format!("no format: {format}").into()),
        };
        let line = match says {
            "speech" => of_format,
            "quiet" => of_format + 2,
            _ => return Err(format!("no sound: {says}").into()),
        };
        let number = self.parties.len();
        let shared = self.parties.iter().any(|party| party.to.port() == port);
        self.by_port[usize::from(port)] = (!shared).then_some(number);
        self.parties.push(Party {
            to: SocketAddr::new(host, port),
            line,
            // Not all the same at once.
            at: number * 7,
            sequence: 0,
            timestamp: 0,
            ear: Decoder::new(if of_format == 1 { opus() } else { Format::Pcma })?,
            heard: 0,
            sounding: 0,
        });
        Ok(())
    }

    fn run(&mut self, time: Duration) {
        let mut rhythm = Rhythm::new(time);
        while rhythm.goes_on() {
            while let Some(phase) = rhythm.due() {
                self.send(phase);
            }
            self.receive();
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Send the next packet of every party of a phase.
    fn send(&mut self, phase: usize) {
        // A party is always at the same place here, and so it sends from one socket.
        let of_phase: Vec<usize> = (phase..self.parties.len())
            .step_by(PHASES as usize)
            .collect();
        let share = of_phase.len().div_ceil(self.sockets.len()).max(1);
        for (some, socket) in of_phase.chunks(share).zip(&self.sockets) {
            for batch in some.chunks(BATCH) {
                for (packet, &number) in self.packets.iter_mut().zip(batch) {
                    let party = &mut self.parties[number];
                    party.next(&self.lines[party.line], number as u32, packet);
                }
                let datagrams: Vec<(SocketAddr, &[u8])> = batch
                    .iter()
                    .zip(&self.packets)
                    .map(|(&number, packet)| (self.parties[number].to, &packet[..]))
                    .collect();
                let outcome = send_batch(socket.as_fd(), &datagrams);
                self.sent += (outcome.done - outcome.refused.len()) as u64;
            }
        }
    }

    fn receive(&mut self) {
        for socket in &self.sockets {
            while let Ok(count) = self.batch.receive(socket.as_fd(), BATCH) {
                for datagram in self.batch.iter() {
                    let Some(packet) = Packet::parse(datagram.data) else {
                        continue;
                    };
                    let by_port = self.by_port[usize::from(datagram.source.port())];
                    let number = by_port.unwrap_or(packet.header.ssrc as usize);
                    if let Some(party) = self.parties.get_mut(number) {
                        party.hear(packet.payload, &mut self.samples);
                    }
                }
                if count < BATCH {
                    break;
                }
            }
        }
    }

    /// What has been until now does not count.
    fn forget(&mut self) {
        self.sent = 0;
        for party in &mut self.parties {
            (party.heard, party.sounding) = (0, 0);
        }
    }

    fn json(&self, took: Duration, cpu: Duration) -> String {
        let (legs, seconds) = (self.parties.len(), took.as_secs_f64());
        let due = (seconds * 50.0) as u64 * HEARD / 100;
        let heard: u64 = self.parties.iter().map(|party| party.heard).sum();
        let deaf = self.parties.iter().filter(|party| party.heard < due);
        let silent = self.parties.iter().filter(|party| party.sounding < due);
        format!(
            "{{\"legs\": {legs}, \"seconds\": {seconds:.2}, \"sent\": {}, \"heard\": {heard}, \"legs_short_of_packets\": {}, \
             \"legs_short_of_sound\": {}, \"cpu_ms_per_leg_second\": {:.4}, \"cpu_share\": {:.3}}}",
            self.sent,
            deaf.count(),
            silent.count(),
            cpu.as_secs_f64() * 1e3 / (legs.max(1) as f64 * seconds),
            cpu.as_secs_f64() / seconds,
        )
    }
}

impl Party {
    /// Write its next packet.
    fn next(&mut self, line: &Line, ssrc: u32, packet: &mut Vec<u8>) {
        packet.clear();
        Header {
            marker: false,
            payload_type: line.payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc,
        }
        .print(packet);
        packet.extend_from_slice(&line.payloads[self.at % line.payloads.len()]);
        self.at += 1;
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(line.units);
    }

    fn hear(&mut self, payload: &[u8], samples: &mut Vec<i16>) {
        samples.clear();
        self.heard += 1;
        let sounds = self.ear.decode(payload, samples).is_ok() && dsp::dbm0(samples) > SOUND;
        self.sounding += u64::from(sounds);
    }
}

impl Line {
    fn new(sound: fn(usize) -> i16, format: Format) -> Result<Self, codec::Error> {
        let mut encoder = Encoder::new(format)?;
        let length = format.rate() as usize / 50;
        let step = 48_000 / format.rate() as usize;
        let payloads = (0..ROUND * 50).map(|packet| {
            let start = packet * length;
            let samples: Vec<i16> = (start..start + length).map(|n| sound(n * step)).collect();
            let mut payload = Vec::new();
            encoder.encode(&samples, &mut payload);
            payload
        });
        Ok(Self {
            payload_type: if format == Format::Pcma { 8 } else { 111 },
            units: format.clock_rate() / 50,
            payloads: payloads.collect(),
        })
    }
}

/// As the engine speaks it.
fn opus() -> Format {
    Format::Opus(Opus::speech(16_000))
}

/// A sample, of 48,000 a second, of somebody who hums in syllables, four a second and never quite silent, at -30 dBm0: as
/// loud as many at once may be, and yet louder than what is taken for noise.
fn speech(n: usize) -> i16 {
    let t = n as f64 / 48_000.0;
    let syllable = 0.65 + 0.35 * (std::f64::consts::TAU * 4.0 * t).sin();
    let voice: f64 = (1..20)
        .map(|k| (std::f64::consts::TAU * 120.0 * f64::from(k) * t).sin() / f64::from(k))
        .sum();
    (voice * syllable * 500.0) as i16
}

/// And of a quiet place: noise of a few steps.
fn noise(n: usize) -> i16 {
    let mixed = (n as u32).wrapping_mul(0x9e37_79b9).rotate_left(13) ^ 0x5bd1_e995;
    (mixed.wrapping_mul(0x85eb_ca6b) >> 28) as i16 - 8
}

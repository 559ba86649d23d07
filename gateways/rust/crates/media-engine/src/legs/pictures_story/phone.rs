//! A phone with a camera and a screen, for stories.

use rtp::{Header, Packet, rtcp};
use video::feedback::{self, Feedback};
use video::frames::{Frames, Place};
use video::h264::{Mode, Packetiser};
use video::missing::Missing;
use video::{Codec, rtx, vp8};

/// Of pictures, under each number; what is sent again has the next one.
pub const PAYLOAD_TYPES: [u8; 2] = [96, 98];
/// Milliseconds between two pictures.
pub const STEP: u64 = 32;

/// What a phone can do.
#[derive(Clone, Copy, Debug)]
pub struct Skills {
    pub codec: Codec,
    /// It understands fragments.
    pub fragments: bool,
    pub nack: bool,
    pub pli: bool,
    pub fir: bool,
    pub rtx: bool,
    pub tmmbr: bool,
    /// It sends parameter sets before each key frame, or says them by signalling alone.
    pub sets: bool,
}

impl Skills {
    pub const ALL: Self = Self {
        codec: Codec::H264,
        fragments: true,
        nack: true,
        pli: true,
        fir: true,
        rtx: true,
        tmmbr: true,
        sets: true,
    };
    /// As many phones are.
    pub const PLAIN: Self = Self {
        nack: false,
        pli: false,
        fir: false,
        rtx: false,
        tmmbr: false,
        ..Self::ALL
    };
}

pub const SPS: [u8; 10] = [0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70];
pub const PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];

pub struct Phone {
    pub id: u8,
    pub skills: Skills,
    // Its camera:
    pub on: bool,
    sequence: u16,
    pub ssrc: u32,
    number: u32,
    key_wanted: bool,
    h264: Packetiser,
    vp8: vp8::Packetiser,
    /// What it sent, to send it again.
    sent: Vec<(u16, Vec<u8>)>,
    again: u16,
    /// Requests that came, with their times: of a key frame, of packets, of a limit.
    pub asked: Vec<(u64, Feedback)>,
    // Its screen:
    frames: Frames,
    missing: Missing,
    pub headers: Vec<Header>,
    pub resent: u32,
    /// What it sees: whose picture, which, whether a key frame, and when.
    pub seen: Vec<(u8, u32, bool, u64)>,
    needs_key: bool,
    asked_at: u64,
    remote: Option<u32>,
}

impl Phone {
    pub fn new(id: u8, skills: Skills) -> Self {
        Self {
            id,
            skills,
            on: false,
            sequence: u16::from(id) * 2900,
            ssrc: 1000 + u32::from(id),
            number: 0,
            key_wanted: true,
            h264: Packetiser::default(),
            vp8: vp8::Packetiser::default(),
            sent: Vec::new(),
            again: 7,
            asked: Vec::new(),
            frames: Frames::new(skills.codec, 0.25),
            missing: Missing::default(),
            headers: Vec::new(),
            resent: 0,
            seen: Vec::new(),
            needs_key: true,
            asked_at: 0,
            remote: None,
        }
    }

    pub fn payload_type(&self) -> u8 {
        PAYLOAD_TYPES[usize::from(self.id % 2)]
    }

    /// The next picture, in packets.
    pub fn picture(&mut self, now: u64) -> Vec<Vec<u8>> {
        let key = std::mem::take(&mut self.key_wanted);
        self.number += 1;
        let picture = self.draw(key);
        let header = Header {
            marker: false,
            payload_type: self.payload_type(),
            sequence: 0,
            timestamp: (now * 90) as u32,
            ssrc: self.ssrc,
        };
        let mut packets = Vec::new();
        let sequence = &mut self.sequence;
        let mut put = |payload: &[u8], marker| {
            let mut packet = Vec::new();
            Header {
                marker,
                sequence: *sequence,
                ..header
            }
            .print(&mut packet);
            packet.extend_from_slice(payload);
            packets.push((*sequence, packet));
            *sequence = sequence.wrapping_add(1);
        };
        match self.skills.codec {
            Codec::H264 if self.skills.fragments => {
                let mode = Mode::NonInterleaved;
                self.h264.picture(&picture, mode, 1100, &mut put);
            }
            Codec::H264 => {
                self.h264
                    .picture(&picture, Mode::SingleUnit, 1100, &mut put);
            }
            Codec::Vp8 => self.vp8.picture(&picture, 1100, &mut put),
        }
        self.sent.extend(packets.iter().cloned());
        let kept = self.sent.len().saturating_sub(300);
        self.sent.drain(..kept);
        packets.into_iter().map(|(_, packet)| packet).collect()
    }

    fn draw(&self, key: bool) -> Vec<u8> {
        let mut mark = vec![self.id + 1];
        mark.extend((0..4).map(|place| (self.number >> (7 * place) & 0x7f) as u8 | 0x80));
        let mut picture = Vec::new();
        match self.skills.codec {
            Codec::H264 => {
                let mut add = |unit: &[u8]| {
                    picture.extend_from_slice(&[0, 0, 0, 1]);
                    picture.extend_from_slice(unit);
                };
                if key && self.skills.sets {
                    add(&SPS);
                    add(&PPS);
                }
                let head: &[u8] = if key { &[0x65, 0x88] } else { &[0x41, 0x9a] };
                let mut slice = [head, &mark].concat();
                let most = if self.skills.fragments { 6000 } else { 1000 };
                slice.resize(if key { most } else { most / 3 }, 0x55);
                add(&slice);
            }
            Codec::Vp8 => {
                picture.extend_from_slice(&[0x10 | u8::from(!key), 2, 0]);
                if key {
                    picture.extend_from_slice(&[0x9d, 1, 0x2a, 0x80, 2, 0x68, 1]);
                }
                picture.extend_from_slice(&mark);
                picture.resize(if key { 6000 } else { 2000 }, 0x55);
            }
        }
        picture
    }

    /// Read a picture that was seen.
    fn recognise(codec: Codec, key: bool, data: &[u8]) -> (u8, u32) {
        let body = match codec {
            Codec::H264 => {
                let slice = video::h264::units(data).last().unwrap();
                &slice[2..]
            }
            Codec::Vp8 => &data[if key { 10 } else { 3 }..],
        };
        let number = (0..4).fold(0, |number, place| {
            number | u32::from(body[1 + place] & 0x7f) << (7 * place)
        });
        (body[0] - 1, number)
    }

    /// A datagram has come: what it answers at once.
    pub fn hear(&mut self, data: &[u8], now: u64) -> Vec<Vec<u8>> {
        if rtp::mux::classify(data) == rtp::mux::Kind::Rtcp {
            return self.hear_rtcp(data, now);
        }
        let packet = Packet::parse(data).unwrap();
        let mut header = packet.header;
        let mut payload = packet.payload;
        if header.payload_type == self.payload_type() + 1 {
            assert!(self.skills.rtx);
            self.resent += 1;
            let (sequence, inner) = rtx::unwrap(payload).unwrap();
            header.sequence = sequence;
            payload = inner;
        } else {
            assert_eq!(header.payload_type, self.payload_type());
            if self
                .headers
                .iter()
                .rev()
                .take(300)
                .any(|other| other.sequence == header.sequence)
            {
                self.resent += 1;
            } else {
                self.headers.push(header);
            }
            self.remote = Some(header.ssrc);
        }
        self.missing.came(header.sequence, now as f64 / 1000.0);
        let place = Place {
            sequence: header.sequence,
            timestamp: header.timestamp,
            marker: header.marker,
        };
        self.watch(now, |frames, give| {
            frames.put(place, payload, now as f64 / 1000.0, give)
        });
        Vec::new()
    }

    fn watch(
        &mut self,
        now: u64,
        work: impl FnOnce(&mut Frames, &mut dyn FnMut(video::frames::Frame<'_>)),
    ) {
        let Self {
            frames,
            seen,
            needs_key,
            skills,
            ..
        } = self;
        work(frames, &mut |frame| {
            if frame.key {
                *needs_key = false;
            } else if frame.after_loss {
                *needs_key = true;
            }
            if !*needs_key {
                let (who, number) = Self::recognise(skills.codec, frame.key, frame.data);
                seen.push((who, number, frame.key, now));
            }
        });
    }

    fn hear_rtcp(&mut self, data: &[u8], now: u64) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        let mut asked = Vec::new();
        feedback::read(data, |feedback| asked.push(feedback));
        for feedback in asked {
            self.asked.push((now, feedback));
            match feedback {
                Feedback::Pli { .. } if self.skills.pli => self.key_wanted = true,
                Feedback::Fir { .. } if self.skills.fir => self.key_wanted = true,
                Feedback::Nack { first, others, .. } if self.skills.nack => {
                    for behind in 0..=16u16 {
                        if behind == 0 || others & 1 << (behind - 1) != 0 {
                            answers.extend(self.resend(first.wrapping_add(behind)));
                        }
                    }
                }
                _ => {}
            }
        }
        answers
    }

    fn resend(&mut self, sequence: u16) -> Option<Vec<u8>> {
        let (_, packet) = self.sent.iter().find(|(number, _)| *number == sequence)?;
        if !self.skills.rtx {
            return Some(packet.clone());
        }
        let old = Packet::parse(packet).unwrap();
        let mut again = Vec::new();
        Header {
            payload_type: self.payload_type() + 1,
            sequence: self.again,
            ssrc: self.ssrc + 100,
            ..old.header
        }
        .print(&mut again);
        self.again = self.again.wrapping_add(1);
        rtx::wrap(sequence, old.payload, &mut again);
        Some(again)
    }

    /// By signalling.
    pub fn refresh(&mut self) {
        self.key_wanted = true;
    }

    /// Another camera, or a phone that began anew.
    pub fn restart_camera(&mut self) {
        self.ssrc += 1;
        self.sequence = self.sequence.wrapping_add(30_000);
        self.key_wanted = true;
        self.sent.clear();
    }

    /// What it says by the clock.
    pub fn tick(&mut self, now: u64) -> Option<Vec<u8>> {
        self.watch(now, |frames, give| frames.poll(now as f64 / 1000.0, give));
        let media = self.remote?;
        let mut all = Vec::new();
        if self.skills.nack {
            self.missing.due(media, None, now as f64 / 1000.0, &mut all);
        }
        if self.needs_key && now >= self.asked_at + 100 && self.skills.pli {
            self.asked_at = now;
            all.push(Feedback::Pli { media });
        }
        if all.is_empty() {
            return None;
        }
        let mut compound = rtcp::print(&[rtcp::Rtcp::ReceiverReport {
            ssrc: self.ssrc,
            blocks: Vec::new(),
        }]);
        feedback::print(self.ssrc, &all, &mut compound);
        Some(compound)
    }

    /// What it says of the most that it takes.
    pub fn limit(&self, bits: u64) -> Vec<u8> {
        let mut compound = rtcp::print(&[rtcp::Rtcp::ReceiverReport {
            ssrc: self.ssrc,
            blocks: Vec::new(),
        }]);
        let media = self.remote.unwrap_or_default();
        let (own, by) = (self.ssrc, self.ssrc);
        feedback::print(own, &[Feedback::Tmmbr { by, media, bits }], &mut compound);
        compound
    }
}

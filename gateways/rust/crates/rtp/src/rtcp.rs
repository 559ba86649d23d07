//! RTCP: sender and receiver reports, source descriptions, goodbyes (RFC 3550 section 6), extended reports (RFC 3611).

use crate::xr::{self, VoipMetrics};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const EXTENDED_REPORT: u8 = 207;
const CNAME: u8 = 1;

/// One packet of a compound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rtcp {
    SenderReport {
        ssrc: u32,
        /// NTP time, 32.32 bits fixed point.
        ntp: u64,
        /// The same instant in the stream's timestamp units.
        timestamp: u32,
        packets: u32,
        octets: u32,
        blocks: Vec<ReportBlock>,
    },
    ReceiverReport {
        ssrc: u32,
        blocks: Vec<ReportBlock>,
    },
    /// Each source with its canonical name, where it gives one.
    SourceDescription(Vec<(u32, Option<String>)>),
    Goodbye(Vec<u32>),
    /// Of its blocks, the VoIP metrics.
    ExtendedReport {
        ssrc: u32,
        voip: Vec<VoipMetrics>,
    },
    /// Of another type, which is told.
    Other(u8),
}

/// How one source is heard by the reporter (section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    pub ssrc: u32,
    /// In 256ths, since the last report.
    pub fraction_lost: u8,
    /// 24 bits, signed.
    pub lost: i32,
    /// Highest sequence number, with its cycles above.
    pub highest: u32,
    /// In timestamp units.
    pub jitter: u32,
    /// The middle 32 bits of the last sender report's NTP time.
    pub last_report: u32,
    /// Since that report, in 65536ths of a second.
    pub delay: u32,
}

/// Read a compound packet; None when it is not one (section A.2), or ends within a packet.
///
/// RFC 5506 packets, which do not begin with a report, are taken too.
pub fn parse(mut data: &[u8]) -> Option<Vec<Rtcp>> {
    let mut packets = Vec::new();
    while !data.is_empty() {
        let (head, _) = data.split_first_chunk::<4>()?;
        if head[0] >> 6 != 2 || !(192..=223).contains(&head[1]) {
            return None;
        }
        let length = (usize::from(u16::from_be_bytes([head[2], head[3]])) + 1) * 4;
        let (packet, rest) = data.split_at_checked(length)?;
        let mut body = &packet[4..];
        if head[0] & 0x20 != 0 {
            // Section 6.4.1: only the last packet of a compound may be padded.
            let padding = usize::from(*body.last()?);
            if padding == 0 || !rest.is_empty() {
                return None;
            }
            body = body.get(..body.len().checked_sub(padding)?)?;
        }
        packets.push(one(head[1], usize::from(head[0] & 0x1f), body)?);
        data = rest;
    }
    if packets.is_empty() {
        None
    } else {
        Some(packets)
    }
}

fn one(packet_type: u8, count: usize, body: &[u8]) -> Option<Rtcp> {
    let mut reader = Reader(body);
    Some(match packet_type {
        SENDER_REPORT => Rtcp::SenderReport {
            ssrc: reader.word()?,
            ntp: u64::from(reader.word()?) << 32 | u64::from(reader.word()?),
            timestamp: reader.word()?,
            packets: reader.word()?,
            octets: reader.word()?,
            blocks: reader.blocks(count)?,
        },
        RECEIVER_REPORT => Rtcp::ReceiverReport {
            ssrc: reader.word()?,
            blocks: reader.blocks(count)?,
        },
        SOURCE_DESCRIPTION => {
            Rtcp::SourceDescription((0..count).map(|_| reader.chunk()).collect::<Option<_>>()?)
        }
        GOODBYE => Rtcp::Goodbye((0..count).map(|_| reader.word()).collect::<Option<_>>()?),
        EXTENDED_REPORT => Rtcp::ExtendedReport {
            ssrc: reader.word()?,
            voip: xr::parse(reader.0)?,
        },
        other => Rtcp::Other(other),
    })
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn word(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*word))
    }

    fn blocks(&mut self, count: usize) -> Option<Vec<ReportBlock>> {
        (0..count)
            .map(|_| {
                let ssrc = self.word()?;
                let losses = self.word()?;
                Some(ReportBlock {
                    ssrc,
                    fraction_lost: (losses >> 24) as u8,
                    // The shift left and back carries the sign of 24 bits over.
                    lost: ((losses << 8) as i32) >> 8,
                    highest: self.word()?,
                    jitter: self.word()?,
                    last_report: self.word()?,
                    delay: self.word()?,
                })
            })
            .collect()
    }

    /// Section 6.5: items end with a zero byte and are padded with zeros to a whole word.
    fn chunk(&mut self) -> Option<(u32, Option<String>)> {
        let ssrc = self.word()?;
        let items = self.0;
        let mut at = 0;
        let mut cname = None;
        loop {
            match *items.get(at)? {
                0 => break,
                item => {
                    let length = usize::from(*items.get(at + 1)?);
                    let text = items.get(at + 2..at + 2 + length)?;
                    if item == CNAME {
                        cname = Some(String::from_utf8_lossy(text).into_owned());
                    }
                    at += 2 + length;
                }
            }
        }
        self.0 = items.get((at / 4 + 1) * 4..)?;
        Some((ssrc, cname))
    }
}

/// Print a compound. Names longer than 255 bytes and counts above 31 are cut.
pub fn print(packets: &[Rtcp]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    for packet in packets {
        let start = out.len();
        out.extend_from_slice(&[0x80, 0, 0, 0]);
        let (packet_type, count) = body(packet, &mut out);
        while (out.len() - start) % 4 != 0 {
            out.push(0);
        }
        let [high, low] = (((out.len() - start) / 4 - 1) as u16).to_be_bytes();
        out[start] |= count as u8;
        out[start + 1] = packet_type;
        out[start + 2] = high;
        out[start + 3] = low;
    }
    out
}

fn body(packet: &Rtcp, out: &mut Vec<u8>) -> (u8, usize) {
    let mut word = |value: u32| out.extend_from_slice(&value.to_be_bytes());
    match packet {
        Rtcp::SenderReport {
            ssrc,
            ntp,
            timestamp,
            packets,
            octets,
            blocks,
        } => {
            word(*ssrc);
            word((ntp >> 32) as u32);
            word(*ntp as u32);
            word(*timestamp);
            word(*packets);
            word(*octets);
            (SENDER_REPORT, print_blocks(blocks, out))
        }
        Rtcp::ReceiverReport { ssrc, blocks } => {
            word(*ssrc);
            (RECEIVER_REPORT, print_blocks(blocks, out))
        }
        Rtcp::SourceDescription(chunks) => {
            let chunks = &chunks[..chunks.len().min(31)];
            for (ssrc, cname) in chunks {
                out.extend_from_slice(&ssrc.to_be_bytes());
                let start = out.len();
                if let Some(name) = cname {
                    let name = &name.as_bytes()[..name.len().min(255)];
                    out.extend_from_slice(&[CNAME, name.len() as u8]);
                    out.extend_from_slice(name);
                }
                out.push(0);
                while (out.len() - start) % 4 != 0 {
                    out.push(0);
                }
            }
            (SOURCE_DESCRIPTION, chunks.len())
        }
        Rtcp::Goodbye(sources) => {
            let sources = &sources[..sources.len().min(31)];
            sources.iter().for_each(|&ssrc| word(ssrc));
            (GOODBYE, sources.len())
        }
        Rtcp::ExtendedReport { ssrc, voip } => {
            word(*ssrc);
            voip.iter().for_each(|metrics| xr::print(metrics, out));
            (EXTENDED_REPORT, 0)
        }
        Rtcp::Other(packet_type) => (*packet_type, 0),
    }
}

fn print_blocks(blocks: &[ReportBlock], out: &mut Vec<u8>) -> usize {
    let blocks = &blocks[..blocks.len().min(31)];
    for block in blocks {
        let losses = u32::from(block.fraction_lost) << 24
            | (block.lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff);
        for value in [
            block.ssrc,
            losses,
            block.highest,
            block.jitter,
            block.last_report,
            block.delay,
        ] {
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
    blocks.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compound() -> Vec<Rtcp> {
        let block = ReportBlock {
            ssrc: 7,
            fraction_lost: 12,
            lost: -3,
            highest: 0x1_0005,
            jitter: 40,
            last_report: 9,
            delay: 8,
        };
        vec![
            Rtcp::SenderReport {
                ssrc: 1,
                ntp: 0x0102_0304_0506_0708,
                timestamp: 160,
                packets: 50,
                octets: 8000,
                blocks: vec![block, block],
            },
            Rtcp::ReceiverReport {
                ssrc: 2,
                blocks: vec![],
            },
            Rtcp::SourceDescription(vec![
                (1, Some("a@b".into())),
                (2, None),
                (3, Some("four".into())),
            ]),
            Rtcp::Goodbye(vec![1, 2]),
        ]
    }

    #[test]
    fn what_is_printed_reads_back() {
        assert_eq!(parse(&print(&compound())), Some(compound()));
    }

    #[test]
    fn packets_of_other_types_are_passed_over() {
        assert_eq!(
            parse(&[0x80, 205, 0, 1, 1, 2, 3, 4]),
            Some(vec![Rtcp::Other(205)])
        );
    }

    #[test]
    fn a_compound_cut_anywhere_is_read_only_up_to_whole_packets() {
        let whole = print(&compound());
        for length in 0..whole.len() {
            if let Some(packets) = parse(&whole[..length]) {
                assert_eq!(packets, compound()[..packets.len()]);
                assert!(packets.len() < compound().len());
            }
        }
    }

    #[test]
    fn padding_is_taken_off_the_last_packet_only() {
        let padded = [0xa1, 203, 0, 2, 0, 0, 0, 5, 0, 0, 0, 4];
        assert_eq!(parse(&padded), Some(vec![Rtcp::Goodbye(vec![5])]));
        let mut twice = padded.to_vec();
        twice.extend_from_slice(&padded);
        assert_eq!(parse(&twice), None);
    }
}

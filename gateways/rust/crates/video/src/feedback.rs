//! RTCP feedback: RFC 4585 (NACK, PLI), RFC 5104 (FIR, TMMBR, TMMBN) and REMB (draft-alvestrand-rmcat-remb).

const TRANSPORT: u8 = 205;
const PAYLOAD: u8 = 206;
const NACK: u8 = 1;
const TMMBR: u8 = 3;
const TMMBN: u8 = 4;
const PLI: u8 = 1;
const FIR: u8 = 4;
const APPLICATION: u8 = 15;

/// Who asks for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// RFC 4585 section 6.2.1: a packet is missing, and those behind it by the bits of `others`, the lowest first.
    Nack { media: u32, first: u16, others: u16 },
    /// RFC 4585 section 6.3.1: part of a picture is missing.
    Pli { media: u32 },
    /// RFC 5104 section 4.3.1: a key frame is needed. The same `number` is the same request.
    Fir { media: u32, number: u8 },
    /// RFC 5104 section 4.2.1: send no more than so many bits a second. `by`: who asks, as it calls itself.
    Tmmbr { by: u32, media: u32, bits: u64 },
    /// Section 4.2.2: the limit of a source, and who asked for it.
    Tmmbn { owner: u32, bits: u64 },
    /// Estimated for all that the sender of it receives, in bits a second.
    Remb { bits: u64 },
}

/// Give all feedback of a compound packet. What is broken ends it; reports and what is unknown are passed over.
pub fn read(mut data: &[u8], mut give: impl FnMut(Feedback)) {
    while let Some((head, _)) = data.split_first_chunk::<4>() {
        let length = (usize::from(u16::from_be_bytes([head[2], head[3]])) + 1) * 4;
        let Some((packet, rest)) = data.split_at_checked(length) else {
            return;
        };
        data = rest;
        if head[0] >> 6 != 2 {
            return;
        }
        let Some((by, body)) = packet[4..].split_first_chunk::<4>() else {
            continue;
        };
        let Some((media, body)) = body.split_first_chunk::<4>() else {
            continue;
        };
        let names = (u32::from_be_bytes(*by), u32::from_be_bytes(*media));
        one((head[1], head[0] & 0x1f), names, body, &mut give);
    }
}

fn one(kind: (u8, u8), (by, media): (u32, u32), body: &[u8], give: &mut impl FnMut(Feedback)) {
    let word = |bytes: &[u8]| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    match kind {
        (TRANSPORT, NACK) => {
            for entry in body.chunks_exact(4) {
                give(Feedback::Nack {
                    media,
                    first: u16::from_be_bytes([entry[0], entry[1]]),
                    others: u16::from_be_bytes([entry[2], entry[3]]),
                });
            }
        }
        (TRANSPORT, TMMBR) => {
            for entry in body.chunks_exact(8) {
                give(Feedback::Tmmbr {
                    by,
                    media: word(entry),
                    bits: limit(word(&entry[4..])),
                });
            }
        }
        (TRANSPORT, TMMBN) => {
            for entry in body.chunks_exact(8) {
                give(Feedback::Tmmbn {
                    owner: word(entry),
                    bits: limit(word(&entry[4..])),
                });
            }
        }
        (PAYLOAD, PLI) => give(Feedback::Pli { media }),
        (PAYLOAD, FIR) => {
            for entry in body.chunks_exact(8) {
                give(Feedback::Fir {
                    media: word(entry),
                    number: entry[4],
                });
            }
        }
        (PAYLOAD, APPLICATION) => {
            if let [b'R', b'E', b'M', b'B', _, a, b, c, ..] = *body {
                let mantissa = u64::from(a & 0x03) << 16 | u64::from(b) << 8 | u64::from(c);
                let bits = mantissa.checked_shl(u32::from(a >> 2)).unwrap_or(u64::MAX);
                give(Feedback::Remb { bits });
            }
        }
        _ => {}
    }
}

/// RFC 5104 section 4.2.1.1: exponent of 6 bits, mantissa of 17, overhead of 9.
fn limit(word: u32) -> u64 {
    let (exponent, mantissa) = (word >> 26, u64::from(word >> 9 & 0x1_ffff));
    if exponent >= 47 {
        // 2^47 times anything is more than anybody sends.
        return if mantissa == 0 { 0 } else { u64::MAX };
    }
    mantissa << exponent
}

/// RFC 5104 section 4.2.1.2: what a packet costs beside its payload: IPv4, UDP and RTP.
const OVERHEAD: u32 = 40;

fn limit_word(bits: u64) -> u32 {
    let exponent = (64 - bits.leading_zeros()).saturating_sub(17).min(46);
    // Never more than was asked.
    (exponent << 26) | ((bits >> exponent).min(0x1_ffff) as u32) << 9 | OVERHEAD
}

/// Append a packet to a compound. `own` is who asks, whoever a TMMBR says that it is by.
pub fn print(own: u32, feedback: &[Feedback], out: &mut Vec<u8>) {
    for feedback in feedback {
        let start = out.len();
        let mut put = |kind: u8, form: u8, media: u32| {
            out.extend_from_slice(&[0x80 | form, kind, 0, 0]);
            out.extend_from_slice(&own.to_be_bytes());
            out.extend_from_slice(&media.to_be_bytes());
        };
        match *feedback {
            Feedback::Nack {
                media,
                first,
                others,
            } => {
                put(TRANSPORT, NACK, media);
                out.extend_from_slice(&first.to_be_bytes());
                out.extend_from_slice(&others.to_be_bytes());
            }
            Feedback::Pli { media } => put(PAYLOAD, PLI, media),
            Feedback::Fir { media, number } => {
                // RFC 5104 section 4.3.1.2: the media source of the head is not used.
                put(PAYLOAD, FIR, 0);
                out.extend_from_slice(&media.to_be_bytes());
                out.extend_from_slice(&[number, 0, 0, 0]);
            }
            Feedback::Tmmbr { media, bits, .. } => {
                put(TRANSPORT, TMMBR, 0);
                out.extend_from_slice(&media.to_be_bytes());
                out.extend_from_slice(&limit_word(bits).to_be_bytes());
            }
            Feedback::Tmmbn { owner, bits } => {
                put(TRANSPORT, TMMBN, 0);
                out.extend_from_slice(&owner.to_be_bytes());
                out.extend_from_slice(&limit_word(bits).to_be_bytes());
            }
            Feedback::Remb { bits } => {
                put(PAYLOAD, APPLICATION, 0);
                let exponent = (64 - bits.leading_zeros()).saturating_sub(18).min(63);
                let mantissa = (bits >> exponent) as u32;
                out.extend_from_slice(b"REMB");
                // For no source by name: for all of them.
                out.extend_from_slice(&(exponent << 18 | mantissa & 0x3_ffff).to_be_bytes());
            }
        }
        let words = ((out.len() - start) / 4 - 1) as u16;
        out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtp::rtcp;

    fn back(data: &[u8]) -> Vec<Feedback> {
        let mut all = Vec::new();
        read(data, |feedback| all.push(feedback));
        all
    }

    #[test]
    fn feedback_behind_a_report_reads_back() {
        let all = [
            Feedback::Nack {
                media: 7,
                first: 65_535,
                others: 0b101,
            },
            Feedback::Pli { media: 7 },
            Feedback::Fir {
                media: 7,
                number: 3,
            },
            Feedback::Tmmbr {
                by: 5,
                media: 7,
                bits: 512_000,
            },
            Feedback::Tmmbn {
                owner: 9,
                bits: 512_000,
            },
            Feedback::Remb { bits: 1_500_000 },
        ];
        let mut compound = rtcp::print(&[
            rtcp::Rtcp::ReceiverReport {
                ssrc: 5,
                blocks: Vec::new(),
            },
            rtcp::Rtcp::SourceDescription(vec![(5, Some("a".to_owned()))]),
        ]);
        print(5, &all, &mut compound);
        assert_eq!(back(&compound), all);
        // It is RTCP to who knows nothing of feedback, too.
        assert_eq!(rtcp::parse(&compound).map(|packets| packets.len()), Some(8));
    }

    #[test]
    fn a_limit_is_never_above_what_was_asked() {
        for bits in [
            0,
            1,
            63_999,
            131_071,
            131_073,
            5_000_001,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let mut out = Vec::new();
            let (by, media) = (1, 2);
            print(1, &[Feedback::Tmmbr { by, media, bits }], &mut out);
            let [Feedback::Tmmbr { bits: said, .. }] = back(&out)[..] else {
                unreachable!()
            };
            assert!(said <= bits, "{said} {bits}");
            assert!(
                bits > 1 << 62 || said as f64 >= bits as f64 * 0.9999,
                "{said} {bits}"
            );
        }
    }

    #[test]
    fn what_is_cut_gives_what_is_whole() {
        let mut out = Vec::new();
        print(
            1,
            &[Feedback::Pli { media: 2 }, Feedback::Pli { media: 3 }],
            &mut out,
        );
        for length in 0..out.len() {
            assert_eq!(back(&out[..length]).len(), usize::from(length >= 12));
        }
    }
}

//! Ogg Opus (RFC 7845): a file in, samples out. For prompts, which are read whole.

use std::fmt;

use codec::{Decoder, Format, Opus};

use crate::ogg::crc_of_page;

/// Samples a second of what is read: all that speech has, and what voices are made with.
pub const RATE: u32 = 24_000;
/// Granule positions count at 48 kHz (RFC 7845 section 4).
const CLOCK: u32 = 48_000;
/// A prompt lasts an hour at the longest.
const LONGEST: usize = 3600 * RATE as usize;
/// The longest packet of one channel (RFC 6716 section 3.2.1: 48 frames of 1275 octets).
const LONGEST_PACKET: usize = 48 * 1275 + 2;

/// Why a file is no Ogg Opus that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable(pub &'static str);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Unreadable {}

/// The sound of the first stream of a file, at [`RATE`], one channel: of two coupled channels their middle.
pub fn read(file: &[u8]) -> Result<Vec<i16>, Unreadable> {
    let mut pages = Pages {
        rest: file,
        serial: None,
    };
    let (mut packets, mut packet) = (0usize, Vec::new());
    let (mut decoder, mut skip) = (None, 0);
    let mut samples = Vec::new();
    // Where the sound ends by the last page's granule position (section 4.4), in samples from the first.
    let mut end = None;
    while let Some(page) = pages.next()? {
        if !page.continues {
            packet.clear();
        }
        for (segment, last) in page.segments() {
            packet.extend_from_slice(segment);
            if packet.len() > LONGEST_PACKET {
                return Err(Unreadable("a packet is longer than Opus allows"));
            }
            if !last {
                continue;
            }
            match packets {
                0 => skip = head(&packet)?,
                1 if !packet.starts_with(b"OpusTags") => {
                    return Err(Unreadable("the second packet is no OpusTags"));
                }
                1 => decoder = Some(new_decoder()?),
                _ => {
                    if let Some(decoder) = &mut decoder {
                        decoder
                            .decode(&packet, &mut samples)
                            .map_err(|_| Unreadable("a packet is no Opus"))?;
                    }
                }
            }
            packets += 1;
            packet.clear();
            if samples.len() > LONGEST {
                return Err(Unreadable("a prompt lasts an hour at the longest"));
            }
        }
        if page.last {
            end = page.position.map(at_our_rate);
        }
    }
    if packets < 2 {
        return Err(Unreadable("the file ends before its sound"));
    }
    if let Some(end) = end {
        samples.truncate(end);
    }
    samples.drain(..at_our_rate(u64::from(skip)).min(samples.len()));
    Ok(samples)
}

fn at_our_rate(position: u64) -> usize {
    usize::try_from(position / u64::from(CLOCK / RATE)).unwrap_or(usize::MAX)
}

fn new_decoder() -> Result<Decoder, Unreadable> {
    Decoder::new(Format::Opus(Opus::speech(RATE))).map_err(|_| Unreadable("Opus cannot be decoded"))
}

/// The identification header (section 5.1): how many samples of 48 kHz to leave out.
fn head(packet: &[u8]) -> Result<u16, Unreadable> {
    if packet.len() < 19 || !packet.starts_with(b"OpusHead") {
        return Err(Unreadable("it holds no Opus"));
    }
    // "Implementations SHOULD treat streams where the upper four bits of the version number match that of a recognized
    // specification as backwards compatible": those of version 1 are 0.
    if packet[8] >> 4 != 0 {
        return Err(Unreadable("its version of Opus in Ogg is not known"));
    }
    if !(1..=2).contains(&packet[9]) || packet[18] != 0 {
        return Err(Unreadable("it has more channels than a prompt needs"));
    }
    Ok(u16::from_le_bytes([packet[10], packet[11]]))
}

struct Pages<'a> {
    rest: &'a [u8],
    /// Of the stream that is read: pages of others are passed over.
    serial: Option<[u8; 4]>,
}

struct Page<'a> {
    continues: bool,
    last: bool,
    /// None: no packet ends in the page.
    position: Option<u64>,
    lacing: &'a [u8],
    body: &'a [u8],
}

impl<'a> Pages<'a> {
    fn next(&mut self) -> Result<Option<Page<'a>>, Unreadable> {
        while !self.rest.is_empty() {
            let page = self.rest;
            if page.len() < 27 || !page.starts_with(b"OggS\0") {
                return Err(Unreadable("it is no Ogg file, or a damaged one"));
            }
            let lacing = page
                .get(27..27 + usize::from(page[26]))
                .ok_or(Unreadable("the file ends in the middle of a page"))?;
            let body = 27 + lacing.len();
            let length = body + lacing.iter().map(|&size| usize::from(size)).sum::<usize>();
            let whole = page
                .get(..length)
                .ok_or(Unreadable("the file ends in the middle of a page"))?;
            if crc_of_page(whole).to_le_bytes() != page[22..26] {
                return Err(Unreadable("the checksum of a page is wrong"));
            }
            self.rest = &page[length..];
            let serial = [page[14], page[15], page[16], page[17]];
            if *self.serial.get_or_insert(serial) != serial {
                continue;
            }
            let mut position = [0; 8];
            position.copy_from_slice(&page[6..14]);
            let position = u64::from_le_bytes(position);
            return Ok(Some(Page {
                continues: page[5] & 1 != 0,
                last: page[5] & 4 != 0,
                position: (position != u64::MAX).then_some(position),
                lacing,
                body: &whole[body..],
            }));
        }
        Ok(None)
    }
}

impl<'a> Page<'a> {
    /// The page's segments, each with whether its packet ends with it.
    fn segments(&self) -> impl Iterator<Item = (&'a [u8], bool)> {
        let (mut body, lacing) = (self.body, self.lacing);
        lacing.iter().map(move |&size| {
            let (segment, rest) = body.split_at(usize::from(size));
            body = rest;
            (segment, size < 255)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opus_file::OpusFile;
    use dsp::{Tone, amplitude, amplitude_at};

    fn file(seconds: f64) -> Vec<u8> {
        let mut tone = Tone::new(440.0, -10.0, RATE);
        let samples: Vec<i16> = (0..(seconds * f64::from(RATE)) as usize)
            .map(|_| tone.next_sample())
            .collect();
        let mut file = OpusFile::new(1, RATE).unwrap();
        let mut bytes = file.head();
        file.append(&samples);
        file.close();
        while let Some((page, packets)) = file.page(true) {
            bytes.extend(page);
            file.done(packets);
        }
        bytes
    }

    #[test]
    fn what_was_written_is_read_for_its_whole_length() {
        for seconds in [0.1, 0.333, 3.0] {
            let samples = read(&file(seconds)).unwrap();
            let expected = (seconds * f64::from(RATE)) as usize;
            assert!(
                samples.len().abs_diff(expected) <= 1,
                "{seconds}: {}",
                samples.len()
            );
        }
        let samples = read(&file(3.0)).unwrap();
        let share = amplitude_at(&samples[2400..], 440.0, RATE) / amplitude(-10.0);
        assert!((share - 1.0).abs() < 0.05, "{share}");
    }

    #[test]
    fn what_is_no_such_file_says_why() {
        let whole = file(0.5);
        assert_eq!(read(b""), Err(Unreadable("the file ends before its sound")));
        assert_eq!(
            read(b"RIFF0000WAVEfmt and more than enough"),
            Err(Unreadable("it is no Ogg file, or a damaged one"))
        );
        assert_eq!(
            read(&whole[..whole.len() - 5]),
            Err(Unreadable("the file ends in the middle of a page"))
        );
        let mut damaged = whole.clone();
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        assert_eq!(
            read(&damaged),
            Err(Unreadable("the checksum of a page is wrong"))
        );
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = file(0.2);
        let mut seed = 1u32;
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = seed as usize % bytes.len();
                bytes[at] = (seed >> 24) as u8;
            }
            bytes.truncate(seed as usize % (whole.len() + 1));
            read(&bytes).ok();
        }
    }
}

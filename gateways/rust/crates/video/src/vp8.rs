//! VP8 in RTP (RFC 7741).

use crate::Look;

/// What stands before each part of a frame (RFC 7741 section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// No other frame needs this one.
    pub discardable: bool,
    /// A partition begins here, and which.
    pub start: bool,
    pub partition: u8,
    /// 7 bits, or 15.
    pub picture: Option<Picture>,
    pub tl0: Option<u8>,
    /// Temporal layer, and whether one may go up here.
    pub layer: Option<(u8, bool)>,
    pub key: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    Short(u8),
    Long(u16),
}

impl Descriptor {
    /// The descriptor of a payload, and what is behind it.
    pub fn parse(payload: &[u8]) -> Option<(Self, &[u8])> {
        let (&first, mut rest) = payload.split_first()?;
        let mut descriptor = Self {
            discardable: first & 0x20 != 0,
            start: first & 0x10 != 0,
            partition: first & 0x07,
            ..Self::default()
        };
        if first & 0x80 == 0 {
            return Some((descriptor, rest));
        }
        let mut take = || -> Option<u8> {
            let (&byte, behind) = rest.split_first()?;
            rest = behind;
            Some(byte)
        };
        let present = take()?;
        if present & 0x80 != 0 {
            let high = take()?;
            descriptor.picture = Some(if high & 0x80 == 0 {
                Picture::Short(high)
            } else {
                Picture::Long(u16::from_be_bytes([high & 0x7f, take()?]))
            });
        }
        if present & 0x40 != 0 {
            descriptor.tl0 = Some(take()?);
        }
        if present & 0x30 != 0 {
            let byte = take()?;
            descriptor.layer = (present & 0x20 != 0).then_some((byte >> 6, byte & 0x20 != 0));
            descriptor.key = (present & 0x10 != 0).then_some(byte & 0x1f);
        }
        Some((descriptor, rest))
    }

    /// Append it.
    pub fn print(&self, out: &mut Vec<u8>) {
        let mut present = 0;
        if self.picture.is_some() {
            present |= 0x80;
        }
        if self.tl0.is_some() {
            present |= 0x40;
        }
        if self.layer.is_some() {
            present |= 0x20;
        }
        if self.key.is_some() {
            present |= 0x10;
        }
        let extended = if present == 0 { 0 } else { 0x80 };
        out.push(
            extended
                | u8::from(self.discardable) << 5
                | u8::from(self.start) << 4
                | self.partition & 0x07,
        );
        if present == 0 {
            return;
        }
        out.push(present);
        match self.picture {
            Some(Picture::Short(number)) => out.push(number & 0x7f),
            Some(Picture::Long(number)) => {
                out.extend_from_slice(&(number | 0x8000).to_be_bytes());
            }
            None => {}
        }
        out.extend(self.tl0);
        if self.layer.is_some() || self.key.is_some() {
            let (layer, up) = self.layer.unwrap_or_default();
            out.push(layer << 6 | u8::from(up) << 5 | self.key.unwrap_or_default() & 0x1f);
        }
    }

    /// Whether a frame begins with this payload.
    pub fn begins(&self) -> bool {
        self.start && self.partition == 0
    }
}

/// What a payload begins.
pub fn look(payload: &[u8]) -> Look {
    let Some((descriptor, frame)) = Descriptor::parse(payload) else {
        return Look::default();
    };
    let begins = descriptor.begins() && !frame.is_empty();
    Look {
        begins,
        key: begins && is_key(frame),
        ..Look::default()
    }
}

/// RFC 6386 section 9.1: the lowest bit of a frame is 0 in a key frame.
pub fn is_key(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 0)
}

/// Width and height of a key frame (RFC 6386 section 9.1).
pub fn size(frame: &[u8]) -> Option<(u32, u32)> {
    match *frame {
        [first, _, _, 0x9d, 0x01, 0x2a, a, b, c, d, ..] if first & 1 == 0 => {
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            let (width, height) = (side(a, b), side(c, d));
            (width > 0 && height > 0).then_some((width, height))
        }
        _ => None,
    }
}

/// Makes payloads of frames, which have picture numbers of 15 bits.
#[derive(Debug, Default)]
pub struct Packetiser {
    payload: Vec<u8>,
    picture: u16,
}

impl Packetiser {
    /// Give the payloads of a frame, of at most `longest` bytes each, and with each whether it is the last.
    pub fn picture(&mut self, frame: &[u8], longest: usize, mut give: impl FnMut(&[u8], bool)) {
        const HEAD: usize = 4;
        if frame.is_empty() {
            return;
        }
        let parts = frame.len().div_ceil(longest.saturating_sub(HEAD).max(1));
        let length = frame.len().div_ceil(parts);
        for (number, part) in frame.chunks(length).enumerate() {
            let descriptor = Descriptor {
                start: number == 0,
                picture: Some(Picture::Long(self.picture)),
                ..Descriptor::default()
            };
            self.payload.clear();
            descriptor.print(&mut self.payload);
            self.payload.extend_from_slice(part);
            give(&self.payload, (number + 1) * length >= frame.len());
        }
        self.picture = (self.picture + 1) & 0x7fff;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_descriptor_reads_back() {
        for picture in [None, Some(Picture::Short(127)), Some(Picture::Long(32_767))] {
            for tl0 in [None, Some(9)] {
                for layer in [None, Some((2, true))] {
                    for key in [None, Some(31)] {
                        let descriptor = Descriptor {
                            discardable: tl0.is_some(),
                            start: true,
                            partition: 5,
                            picture,
                            tl0,
                            layer,
                            key,
                        };
                        let mut bytes = Vec::new();
                        descriptor.print(&mut bytes);
                        for length in 0..bytes.len() {
                            assert_eq!(Descriptor::parse(&bytes[..length]), None);
                        }
                        bytes.push(7);
                        assert_eq!(Descriptor::parse(&bytes), Some((descriptor, &[7u8][..])));
                    }
                }
            }
        }
    }

    #[test]
    fn a_frame_reads_back_from_its_packets() {
        let mut frame = vec![0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0x68, 1];
        frame.resize(5000, 7);
        let (mut back, mut lasts, mut begun) = (Vec::new(), 0, 0);
        let mut packetiser = Packetiser::default();
        packetiser.picture(&frame, 1200, |payload, last| {
            assert!(payload.len() <= 1200);
            let look = look(payload);
            begun += u32::from(look.begins && look.key);
            back.extend_from_slice(Descriptor::parse(payload).unwrap().1);
            lasts += u32::from(last);
        });
        assert_eq!((back == frame, lasts, begun), (true, 1, 1));
        assert_eq!(size(&frame), Some((640, 360)));
    }

    #[test]
    fn a_frame_that_needs_others_is_no_key_frame() {
        assert!(!look(&[0x10, 0x11, 2, 0]).key);
        assert!(look(&[0x10, 0x11, 2, 0]).begins);
        assert!(!look(&[0x11, 0x10]).begins, "another partition");
        assert!(!look(&[0x00, 0x10]).begins);
        assert_eq!(size(&[0x11, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0x68, 1]), None);
    }
}

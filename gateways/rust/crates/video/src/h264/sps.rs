//! The sequence parameter set (ITU-T H.264 section 7.3.2.1.1), as far as a switch asks.

/// What of a sequence parameter set is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sps {
    pub profile: u8,
    /// constraint_set0_flag the highest bit.
    pub constraints: u8,
    /// Ten times the level; 9: level 1b.
    pub level: u8,
    /// In pixels, as shown.
    pub width: u32,
    pub height: u32,
}

/// Beyond level 6.2 nobody goes: a side of 16,880 pixels.
const LONGEST_SIDE: u32 = 16_880;

impl Sps {
    /// Of a whole NAL unit; None when it is none, or broken.
    pub fn parse(unit: &[u8]) -> Option<Self> {
        if super::kind(unit) != Some(super::SPS) {
            return None;
        }
        let mut bits = Bits::new(unit.get(1..)?);
        let profile = bits.take(8)? as u8;
        let constraints = bits.take(8)? as u8;
        let level = bits.take(8)? as u8;
        bits.golomb()?; // seq_parameter_set_id
        let mut chroma = 1;
        if matches!(
            profile,
            100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135
        ) {
            chroma = bits.golomb()?;
            if chroma == 3 {
                bits.take(1)?;
            }
            bits.golomb()?; // bit_depth_luma_minus8
            bits.golomb()?; // bit_depth_chroma_minus8
            bits.take(1)?;
            if bits.take(1)? == 1 {
                for list in 0..if chroma == 3 { 12 } else { 8 } {
                    if bits.take(1)? == 1 {
                        bits.scaling_list(if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        bits.golomb()?; // log2_max_frame_num_minus4
        match bits.golomb()? {
            0 => {
                bits.golomb()?;
            }
            1 => {
                bits.take(1)?;
                bits.signed()?;
                bits.signed()?;
                // pic_order_cnt_type 1 has at most 255 of them.
                let cycle = bits.golomb().filter(|cycle| *cycle <= 255)?;
                for _ in 0..cycle {
                    bits.signed()?;
                }
            }
            _ => {}
        }
        bits.golomb()?; // max_num_ref_frames
        bits.take(1)?;
        let across = bits.golomb()?.checked_add(1)?;
        let down = bits.golomb()?.checked_add(1)?;
        let frames_only = bits.take(1)?;
        if frames_only == 0 {
            bits.take(1)?;
        }
        bits.take(1)?; // direct_8x8_inference_flag
        let (mut horizontal, mut vertical) = (0u32, 0u32);
        let fields = 2 - frames_only;
        if bits.take(1)? == 1 {
            let (left, right) = (bits.golomb()?, bits.golomb()?);
            let (top, bottom) = (bits.golomb()?, bits.golomb()?);
            // Table 6-1: units of cropping.
            let (wide, high) = match chroma {
                0 | 3 => (1, 1),
                2 => (2, 1),
                _ => (2, 2),
            };
            horizontal = left.checked_add(right)?.checked_mul(wide)?;
            vertical = top.checked_add(bottom)?.checked_mul(high * fields)?;
        }
        let width = across.checked_mul(16)?.checked_sub(horizontal)?;
        let height = down.checked_mul(16 * fields)?.checked_sub(vertical)?;
        let sound = (1..=LONGEST_SIDE).contains(&width) && (1..=LONGEST_SIDE).contains(&height);
        sound.then_some(Self {
            profile,
            constraints,
            level,
            width,
            height,
        })
    }
}

/// Bits of a raw byte sequence payload, without the bytes that prevent start codes (section 7.4.1.1).
struct Bits<'a> {
    bytes: &'a [u8],
    zeros: u8,
    current: u8,
    left: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            zeros: 0,
            current: 0,
            left: 0,
        }
    }

    fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            let (mut byte, mut rest) = self.bytes.split_first()?;
            if self.zeros >= 2 && *byte == 3 {
                (byte, rest) = rest.split_first()?;
                self.zeros = 0;
            }
            self.zeros = if *byte == 0 { self.zeros + 1 } else { 0 }.min(2);
            self.current = *byte;
            self.bytes = rest;
            self.left = 8;
        }
        self.left -= 1;
        Some(u32::from(self.current >> self.left & 1))
    }

    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | self.bit()?;
        }
        Some(value)
    }

    /// ue(v) of section 9.1.
    fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.take(zeros)?;
        Some(((1u64 << zeros) - 1) as u32 + rest)
    }

    /// se(v) of section 9.1.1.
    fn signed(&mut self) -> Option<i64> {
        let code = i64::from(self.golomb()?);
        Some(if code % 2 == 1 {
            (code + 1) / 2
        } else {
            -code / 2
        })
    }

    /// Section 7.3.2.1.1.1.
    fn scaling_list(&mut self, size: usize) -> Option<()> {
        let (mut last, mut next) = (8i64, 8i64);
        for _ in 0..size {
            if next != 0 {
                next = (last + self.signed()?).rem_euclid(256);
            }
            if next != 0 {
                last = next;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_profiles_and_levels_of_real_encoders_are_read() {
        // x264, 640x360 constrained baseline, level 3.0.
        let small = [
            0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03,
            0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e, 0x48,
        ];
        let sps = Sps::parse(&small).unwrap();
        assert_eq!((sps.profile, sps.level), (66, 30));
        assert_eq!((sps.width, sps.height), (640, 360));
        assert_eq!(sps.constraints, 0xc0);
        // High profile, 1920x1080 (cropped from 1088), level 4.0.
        let large = [
            0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x5a, 0x80,
            0x80, 0x80, 0xa0, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x07, 0x81, 0xe3, 0x06,
            0x32, 0xc0,
        ];
        let sps = Sps::parse(&large).unwrap();
        assert_eq!((sps.profile, sps.level), (100, 40));
        assert_eq!((sps.width, sps.height), (1920, 1080));
    }

    #[test]
    fn what_is_cut_or_no_parameter_set_is_none() {
        let whole = [0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70];
        for length in 0..8 {
            assert_eq!(Sps::parse(&whole[..length]), None);
        }
        assert_eq!(Sps::parse(&[0x68, 0xce]), None);
        assert_eq!(Sps::parse(&[0x67; 40]), None);
    }
}

//! Whether a packet says that nobody speaks in it, without decoding it.

use crate::Format;

/// Whether the sender found no speech in a packet. Formats that do not tell, and Opus of the kind for music, never say so.
pub fn says_silence(format: Format, payload: &[u8]) -> bool {
    matches!(format, Format::Opus(_)) && opus_says_silence(payload)
}

/// RFC 6716 section 4.2.3: the header bits of a SILK layer come first, and "because they are coded as binary values with
/// uniform probability, they can be extracted directly from the most significant bits of the first byte of compressed
/// data. Thus, a receiver can determine if an Opus frame contains any active SILK frames without the overhead of using
/// the range decoder."
fn opus_says_silence(payload: &[u8]) -> bool {
    let Some((&toc, rest)) = payload.split_first() else {
        return false;
    };
    // Section 3.1, table 2: the milliseconds of a frame. From 16 on there is no SILK layer.
    let frame_ms = match toc >> 3 {
        configuration @ 0..=11 => [10, 20, 40, 60][usize::from(configuration & 3)],
        configuration @ 12..=15 => [10, 20][usize::from(configuration & 1)],
        _ => return false,
    };
    // Of several frames it would take the lengths of all to find their first bytes: those are decoded.
    if toc & 3 != 0 {
        return false;
    }
    // Section 3.4 [R5] allows a frame of no bytes: nothing was sent on purpose (DTX).
    let Some(&first) = rest.first() else {
        return true;
    };
    // Section 4.2.2: a SILK frame is 20 ms at the most. For each channel its flags, and whether there is redundancy.
    let silk_frames = frame_ms / 20 + u32::from(frame_ms == 10);
    let flags = |behind: u32| (u32::from(first) << behind) & 0xff & !(0xff >> silk_frames);
    let stereo = toc & 4 != 0;
    flags(0) == 0 && (!stereo || flags(silk_frames + 1) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoder, Opus};

    fn opus(rate: u32) -> Format {
        Format::Opus(Opus::speech(rate))
    }

    /// Pulses of a voice's pitch through a formant, and very soft noise between.
    fn utterance(rate: u32, seconds: (u32, u32)) -> Vec<i16> {
        let (mut before, mut last) = (0.0f64, 0.0f64);
        (0..seconds.1 * rate)
            .map(|n| {
                let speaks = n >= seconds.0 * rate && n % (rate / 120) == 0;
                let noise = f64::from((n * 7919) % 31) / 10.0;
                let pulse = if speaks { 9000.0 } else { noise };
                let now = pulse + 1.7 * last - 0.8 * before;
                (before, last) = (last, now);
                now.clamp(-32_000.0, 32_000.0) as i16
            })
            .collect()
    }

    #[test]
    fn packets_of_our_encoder_say_from_the_first_on_that_somebody_speaks() {
        for rate in [8000, 16_000] {
            for ms in [10, 20, 40, 60] {
                let mut encoder = Encoder::new(opus(rate)).unwrap();
                let length = (rate / 1000 * ms) as usize;
                let samples = utterance(rate, (1, 2));
                let mut silent = Vec::new();
                for packet in samples.chunks_exact(length) {
                    let mut payload = Vec::new();
                    encoder.encode(packet, &mut payload);
                    silent.push(says_silence(opus(rate), &payload));
                }
                // The packet in which it begins may hold little of it.
                let begin = 1000 / ms as usize + 1;
                assert!(
                    silent[begin + 1..].iter().all(|&one| !one),
                    "{rate} {ms}: {silent:?}"
                );
                let before = silent[..begin - 1].iter().filter(|&&one| one).count();
                assert!(before * 10 > 8 * (begin - 1), "{rate} {ms}: {silent:?}");
            }
        }
    }

    #[test]
    fn what_tells_nothing_is_not_taken_for_silence() {
        assert!(!says_silence(Format::Pcma, &[0xd5; 160]));
        assert!(!says_silence(opus(16_000), &[]));
        assert!(
            !says_silence(opus(48_000), &[31 << 3, 0, 0]),
            "no SILK layer"
        );
        assert!(
            !says_silence(opus(16_000), &[9 << 3 | 1, 0, 0]),
            "two frames"
        );
        assert!(says_silence(opus(16_000), &[9 << 3]), "nothing was sent");
    }

    #[test]
    fn the_flags_of_all_frames_and_channels_count() {
        // 60 ms: three flags and the redundancy, and the same for the other channel.
        let silent = |toc: u8, first: u8| says_silence(opus(16_000), &[toc, first]);
        assert!(silent(11 << 3, 0b0001_1111));
        for flag in [0b1000_0000, 0b0100_0000, 0b0010_0000] {
            assert!(!silent(11 << 3, flag));
        }
        assert!(silent(11 << 3 | 4, 0b0001_0001));
        assert!(!silent(11 << 3 | 4, 0b0000_0010));
        // 20 ms.
        assert!(silent(9 << 3, 0b0111_1111));
        assert!(!silent(9 << 3, 0b1000_0000));
        assert!(!silent(9 << 3 | 4, 0b0010_0000));
    }
}

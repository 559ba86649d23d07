//! How long a packet lasts, without decoding it.

use crate::{Format, LONGEST_MS};

/// The samples in a payload, at the format's [`Format::rate`]; None: it is none of its format.
pub fn duration(format: Format, payload: &[u8]) -> Option<usize> {
    let samples = match format {
        Format::Pcmu | Format::Pcma => payload.len(),
        // An octet is two samples of 16 kHz.
        Format::G722 => payload.len() * 2,
        Format::L16 { .. } => (payload.len() % 2 == 0).then_some(payload.len() / 2)?,
        Format::Opus(opus) => return opus_samples(payload, opus.rate as usize),
    };
    let longest = (format.rate() / 1000 * LONGEST_MS) as usize;
    (1..=longest).contains(&samples).then_some(samples)
}

/// RFC 6716 section 3.1: the first octet of a packet says how long its frames are, and how many there are.
fn opus_samples(payload: &[u8], rate: usize) -> Option<usize> {
    let toc = *payload.first()?;
    // Table 2, in samples; 2.5 ms are the shortest.
    let frame = match toc >> 3 {
        configuration @ 0..=11 => [10, 20, 40, 60][usize::from(configuration & 3)] * rate / 1000,
        configuration @ 12..=15 => [10, 20][usize::from(configuration & 1)] * rate / 1000,
        configuration => (rate / 400) << (configuration & 3),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(payload.get(1)? & 0x3f),
    };
    let samples = frame * frames;
    // Section 3.2.5: "the audio duration contained within a packet MUST NOT exceed 120 ms."
    (samples > 0 && samples <= rate / 1000 * LONGEST_MS as usize).then_some(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Opus;

    #[test]
    fn formats_of_steady_rate_are_measured_by_their_length() {
        assert_eq!(duration(Format::Pcmu, &[0; 160]), Some(160));
        assert_eq!(duration(Format::G722, &[0; 160]), Some(320));
        assert_eq!(duration(Format::L16 { rate: 16_000 }, &[0; 640]), Some(320));
        assert_eq!(duration(Format::L16 { rate: 16_000 }, &[0; 641]), None);
        assert_eq!(duration(Format::Pcma, &[]), None);
        assert_eq!(duration(Format::Pcma, &[0; 961]), None);
    }

    #[test]
    fn an_opus_packet_says_how_long_it_is() {
        let format = Format::Opus(Opus::speech(16_000));
        let samples = |toc: u8, count: u8| duration(format, &[toc, count]);
        // SILK, hybrid and CELT; one frame, two, and as many as are counted.
        assert_eq!(samples(0, 0), Some(160));
        assert_eq!(samples(11 << 3, 0), Some(960));
        assert_eq!(samples(13 << 3 | 1, 0), Some(640));
        assert_eq!(samples(16 << 3, 0), Some(40));
        assert_eq!(samples(31 << 3 | 3, 6), Some(1920));
        assert_eq!(samples(31 << 3 | 3, 7), None);
        assert_eq!(samples(31 << 3 | 3, 0), None);
        assert_eq!(duration(format, &[]), None);
    }
}

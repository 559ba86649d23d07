//! Extended reports: the block of VoIP metrics (RFC 3611 section 4.7).

/// Its type, and its length in words behind the first.
const VOIP_METRICS: u8 = 7;
const WORDS: u16 = 8;

/// What cannot be told: levels and scores (sections 4.7.4 and 4.7.5).
pub const UNAVAILABLE: u8 = 127;

/// How one source sounds at the reporter's. Rates and densities are in 256ths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoipMetrics {
    pub ssrc: u32,
    pub loss_rate: u8,
    pub discard_rate: u8,
    pub burst_density: u8,
    pub gap_density: u8,
    /// Milliseconds, as all that follow.
    pub burst_duration: u16,
    pub gap_duration: u16,
    pub round_trip_delay: u16,
    pub end_system_delay: u16,
    /// dBm0, two's complement.
    pub signal_level: u8,
    pub noise_level: u8,
    /// Residual echo return loss, dB.
    pub echo_return_loss: u8,
    pub gmin: u8,
    pub r_factor: u8,
    pub external_r_factor: u8,
    /// Scores times ten: of listening, and of conversation, where delay counts.
    pub mos_listening: u8,
    pub mos_conversation: u8,
    /// Concealment and jitter buffer (section 4.7.6).
    pub receiver_configuration: u8,
    pub jitter_buffer_nominal: u16,
    pub jitter_buffer_maximum: u16,
    pub jitter_buffer_absolute: u16,
}

/// The VoIP metrics among the blocks of a report; None when a block is cut. Other blocks are passed over.
pub fn parse(mut blocks: &[u8]) -> Option<Vec<VoipMetrics>> {
    let mut found = Vec::new();
    while !blocks.is_empty() {
        let (head, rest) = blocks.split_first_chunk::<4>()?;
        let words = u16::from_be_bytes([head[2], head[3]]);
        let (block, rest) = rest.split_at_checked(usize::from(words) * 4)?;
        blocks = rest;
        if head[0] == VOIP_METRICS {
            found.push(metrics(block)?);
        }
    }
    Some(found)
}

fn metrics(block: &[u8]) -> Option<VoipMetrics> {
    let block: &[u8; 4 * WORDS as usize] = block.try_into().ok()?;
    let half = |at: usize| u16::from_be_bytes([block[at], block[at + 1]]);
    Some(VoipMetrics {
        ssrc: u32::from_be_bytes([block[0], block[1], block[2], block[3]]),
        loss_rate: block[4],
        discard_rate: block[5],
        burst_density: block[6],
        gap_density: block[7],
        burst_duration: half(8),
        gap_duration: half(10),
        round_trip_delay: half(12),
        end_system_delay: half(14),
        signal_level: block[16],
        noise_level: block[17],
        echo_return_loss: block[18],
        gmin: block[19],
        r_factor: block[20],
        external_r_factor: block[21],
        mos_listening: block[22],
        mos_conversation: block[23],
        receiver_configuration: block[24],
        jitter_buffer_nominal: half(26),
        jitter_buffer_maximum: half(28),
        jitter_buffer_absolute: half(30),
    })
}

/// Append a block.
pub fn print(metrics: &VoipMetrics, out: &mut Vec<u8>) {
    out.extend_from_slice(&[VOIP_METRICS, 0, 0, WORDS as u8]);
    out.extend_from_slice(&metrics.ssrc.to_be_bytes());
    out.extend_from_slice(&[
        metrics.loss_rate,
        metrics.discard_rate,
        metrics.burst_density,
        metrics.gap_density,
    ]);
    let mut half = |value: u16| out.extend_from_slice(&value.to_be_bytes());
    half(metrics.burst_duration);
    half(metrics.gap_duration);
    half(metrics.round_trip_delay);
    half(metrics.end_system_delay);
    out.extend_from_slice(&[
        metrics.signal_level,
        metrics.noise_level,
        metrics.echo_return_loss,
        metrics.gmin,
        metrics.r_factor,
        metrics.external_r_factor,
        metrics.mos_listening,
        metrics.mos_conversation,
        metrics.receiver_configuration,
        0,
    ]);
    let mut half = |value: u16| out.extend_from_slice(&value.to_be_bytes());
    half(metrics.jitter_buffer_nominal);
    half(metrics.jitter_buffer_maximum);
    half(metrics.jitter_buffer_absolute);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each field another value, so that none can be mistaken.
    const METRICS: VoipMetrics = VoipMetrics {
        ssrc: 0x0102_0304,
        loss_rate: 5,
        discard_rate: 6,
        burst_density: 7,
        gap_density: 8,
        burst_duration: 0x090a,
        gap_duration: 0x0b0c,
        round_trip_delay: 0x0d0e,
        end_system_delay: 0x0f10,
        signal_level: 17,
        noise_level: 18,
        echo_return_loss: 19,
        gmin: 20,
        r_factor: 21,
        external_r_factor: 22,
        mos_listening: 23,
        mos_conversation: 24,
        receiver_configuration: 25,
        jitter_buffer_nominal: 0x1b1c,
        jitter_buffer_maximum: 0x1d1e,
        jitter_buffer_absolute: 0x1f20,
    };

    #[test]
    fn a_block_has_the_fields_where_the_rfc_draws_them() {
        let mut out = Vec::new();
        print(&METRICS, &mut out);
        assert_eq!(out[..4], [7, 0, 0, 8]);
        let drawn: Vec<u8> = (1..=32).map(|n| if n == 26 { 0 } else { n }).collect();
        assert_eq!(out[4..], drawn);
        assert_eq!(parse(&out), Some(vec![METRICS]));
    }

    #[test]
    fn other_blocks_are_passed_over_and_cut_ones_refused() {
        let mut out = vec![4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8];
        print(&METRICS, &mut out);
        assert_eq!(parse(&out), Some(vec![METRICS]));
        for length in 13..out.len() {
            assert_eq!(parse(&out[..length]), None);
        }
        assert_eq!(
            parse(&[7, 0, 0, 1, 1, 2, 3, 4]),
            None,
            "too short to be one"
        );
    }
}

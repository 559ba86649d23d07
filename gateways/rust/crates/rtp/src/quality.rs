//! What a connection sounds like, by the E-model (ITU-T G.107, edition of 06/2015, narrow band).
//!
//! All parameters that are not measured have the default values of table 2, for which R is 93.2.

/// How a codec stands losses (ITU-T G.113 appendix I, tables I.1 and I.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impairment {
    /// Ie: what it costs without any.
    pub equipment: f64,
    /// Bpl: the larger, the better it stands them.
    pub robustness: f64,
}

impl Impairment {
    /// With packet loss concealment of its appendix I. The tables of the narrow band know nothing better; G.722 and Opus,
    /// for which they say nothing, are rated like it, which is the least they do.
    pub const G711: Self = Self {
        equipment: 0.0,
        robustness: 25.1,
    };
    /// Annexes A and B.
    pub const G729: Self = Self {
        equipment: 11.0,
        robustness: 19.0,
    };
    /// At 6.3 kbit/s, with its silence suppression.
    pub const G723: Self = Self {
        equipment: 15.0,
        robustness: 16.1,
    };
    /// Enhanced full rate.
    pub const GSM: Self = Self {
        equipment: 5.0,
        robustness: 10.0,
    };

    /// By the name of its registration.
    pub fn of(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "G729" => Self::G729,
            "G723" => Self::G723,
            "GSM" | "GSM-EFR" => Self::GSM,
            _ => Self::G711,
        }
    }
}

/// R of an undisturbed connection, with all defaults.
pub const BEST: f64 = 93.2;
/// Table 2: TELR and WEPL, how much an echo is weakened on its way, and RLR and No, which give Roe of the echo.
const TALKER_ECHO_LOUDNESS: f64 = 65.0;
const ECHO_PATH_LOSS: f64 = 110.0;
const NOISE: f64 = -61.18;
const RECEIVE_LOUDNESS: f64 = 2.0;
/// Ro with all defaults.
const SIGNAL_TO_NOISE: f64 = 94.77;

/// R, 0 to 93.2.
///
/// `lost` is the share of packets that did not come in time, 0 to 1; `burst_ratio` is 1 where they are lost at random;
/// `delay` is from mouth to ear, in milliseconds.
pub fn rating(codec: Impairment, lost: f64, burst_ratio: f64, delay: f64) -> f64 {
    let percent = 100.0 * lost.clamp(0.0, 1.0);
    // Section 3.5, formula 3-29.
    let equipment = codec.equipment
        + (95.0 - codec.equipment) * percent / (percent / burst_ratio.max(1.0) + codec.robustness);
    (BEST - delay_impairment(delay.max(0.0)) - equipment).clamp(0.0, BEST)
}

/// Id of section 3.4: talker echo, listener echo and delay itself.
fn delay_impairment(delay: f64) -> f64 {
    talker_echo(delay) + listener_echo(2.0 * delay) + absolute(delay)
}

/// Idte, formulas 3-18 to 3-22.
fn talker_echo(delay: f64) -> f64 {
    let masked = TALKER_ECHO_LOUDNESS
        - 40.0 * ((1.0 + delay / 10.0) / (1.0 + delay / 150.0)).log10()
        + 6.0 * (-0.3 * delay * delay).exp();
    let echo = 80.0 + 2.5 * (masked - 14.0);
    let own = -1.5 * (NOISE - RECEIVE_LOUDNESS);
    let half = (own - echo) / 2.0;
    (half + (half * half + 100.0).sqrt() - 1.0) * (1.0 - (-delay).exp())
}

/// Idle, formulas 3-25 and 3-26, of the delay there and back.
fn listener_echo(round_trip: f64) -> f64 {
    let echo = 10.5 * (ECHO_PATH_LOSS + 7.0) * (round_trip + 1.0).powf(-0.25);
    let half = (SIGNAL_TO_NOISE - echo) / 2.0;
    half + (half * half + 169.0).sqrt()
}

/// Idd, formulas 3-27 and 3-28.
fn absolute(delay: f64) -> f64 {
    if delay <= 100.0 {
        return 0.0;
    }
    let x = (delay / 100.0).log2();
    let root = |value: f64| (1.0 + value.powi(6)).powf(1.0 / 6.0);
    25.0 * (root(x) - 3.0 * root(x / 3.0) + 2.0)
}

/// The mean opinion score of a rating, 1 to 4.41 (annex B, formula B-4).
pub fn mos(rating: f64) -> f64 {
    if rating <= 0.0 {
        return 1.0;
    }
    if rating >= 100.0 {
        return 4.5;
    }
    let score = 1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6;
    // Below a rating of 6.5 the polynomial dips under the scale.
    score.clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undisturbed_connection_has_the_rating_of_the_recommendation() {
        let rating = rating(Impairment::G711, 0.0, 1.0, 0.0);
        assert!((rating - 93.2).abs() < 0.5, "{rating}");
        assert!((mos(93.2) - 4.41).abs() < 0.01);
        assert!((mos(50.0) - 2.58).abs() < 0.01);
        assert_eq!(mos(0.0), 1.0);
        assert_eq!(mos(3.0), 1.0);
    }

    #[test]
    fn delay_costs_what_is_known_of_it() {
        // The straight lines that are often taken instead: 0.024 d, and 0.11 more beyond 177.3 ms.
        for delay in [25.0, 50.0, 100.0, 150.0, 200.0, 250.0, 300.0, 400.0] {
            let lines = 0.024 * delay + 0.11 * (delay - 177.3f64).max(0.0);
            let exact = delay_impairment(delay);
            assert!((exact - lines).abs() < 3.1, "{delay}: {exact} for {lines}");
        }
        assert_eq!(absolute(100.0), 0.0);
    }

    #[test]
    fn losses_cost_more_in_bursts_and_with_weaker_codecs() {
        let rate = |codec, lost, bursts| rating(codec, lost, bursts, 50.0);
        let whole = rate(Impairment::G711, 0.0, 1.0);
        // Formula 3-29 by hand: 95 * 2 / (2 + 25.1).
        assert!((whole - rate(Impairment::G711, 0.02, 1.0) - 7.011).abs() < 0.01);
        assert!(rate(Impairment::G711, 0.02, 2.0) < rate(Impairment::G711, 0.02, 1.0));
        assert!((whole - rate(Impairment::of("g729"), 0.0, 1.0) - 11.0).abs() < 1e-9);
    }

    #[test]
    fn the_phone_rates_by_the_same_formula() {
        // Percent lost, delay, R and MOS, as in tests/unit/test_quality.py.
        for (percent, delay, r, score) in [
            (0.0, 0.0, 93.051, 4.406),
            (0.0, 50.0, 91.601, 4.376),
            (0.0, 150.0, 89.384, 4.324),
            (0.0, 300.0, 72.511, 3.712),
            (1.0, 50.0, 87.961, 4.286),
            (2.0, 100.0, 83.497, 4.149),
            (5.0, 200.0, 69.869, 3.591),
            (20.0, 400.0, 19.963, 1.251),
        ] {
            let rated = rating(Impairment::G711, percent / 100.0, 1.0, delay);
            assert!((rated - r).abs() < 0.001, "{percent}, {delay}: {rated}");
            assert!((mos(rated) - score).abs() < 0.001);
        }
    }

    #[test]
    fn nothing_leaves_the_scale() {
        for lost in [0.0, 0.5, 1.0, 7.0] {
            for delay in [-5.0, 0.0, 1e3, 1e6] {
                let rating = rating(Impairment::G723, lost, 9.0, delay);
                assert!((0.0..=BEST).contains(&rating));
                assert!((1.0..=4.5).contains(&mos(rating)));
            }
        }
    }
}

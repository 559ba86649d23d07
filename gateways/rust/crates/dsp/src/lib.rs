//! Signal processing: G.711, tones, levels. No I/O.
//!
//! Sound is 16-bit linear samples, full scale being the overload point of G.711 (+3.14 dBm0 for a sine).

pub mod g711;
mod goertzel;
mod level;
mod resample;
mod tone;

pub use goertzel::amplitude_at;
pub use level::{amplitude, dbm0};
pub use resample::resample;
pub use tone::Tone;

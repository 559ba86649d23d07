//! Signal processing: G.711, tones and who hears them, levels, mixing. No I/O.
//!
//! Sound is 16-bit linear samples, full scale being the overload point of G.711 (+3.14 dBm0 for a sine).

pub mod answerer;
mod dispatch;
pub mod dtmf;
pub mod fax;
pub mod g711;
mod goertzel;
mod level;
pub mod mix;
pub mod pauses;
pub mod progress;
pub mod pure;
mod resample;
mod resampler;
pub mod speakers;
mod tone;
pub mod vad;

pub use goertzel::amplitude_at;
pub use level::{SILENCE, amplitude, dbm0, energy, level};
pub use resample::resample;
pub use resampler::Resampler;
pub use tone::Tone;

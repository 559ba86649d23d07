//! Pictures: legs that carry them (`leg`), what was agreed (`terms`), a source and who sees it (`source`), what one viewer
//! sees (`view`), and the way to the composer and from it (`feed`, `composer`, `sound`).

mod asking;
mod composer;
mod feed;
mod figures;
mod leg;
mod maker;
mod order;
mod sound;
mod source;
mod terms;
mod view;

pub use composer::Composer;
pub use figures::{VideoCounters, VideoFigures};
pub use leg::{Site, VideoLeg};
pub use order::{VideoBridge, VideoOrder};
pub use sound::{RATE as SOUND_RATE, Sound};
pub use terms::{Takes, VideoCoding, VideoConnection, VideoKind, VideoPassage, VideoTerms, Wire};
pub use view::Views;

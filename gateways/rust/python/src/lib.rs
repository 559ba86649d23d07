//! `gateways._native`: everything Python may ask of Rust.
//!
//! Bytes and values in, values out. Python calls Rust; Rust never calls Python. The contract is
//! `gateways/_native.pyi`, held against this module by `mypy.stubtest`.

mod media;
mod media_link;
mod netem;
mod ogg;
mod sdp;
mod sip;
mod udp;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    sip::register(module)?;
    sdp::register(module)?;
    udp::register(module)?;
    netem::register(module)?;
    ogg::register(module)?;
    media::register(module)?;
    media_link::register(module)
}

//! Python's way to read Ogg Opus files.

use std::panic::catch_unwind;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

#[pyfunction]
fn read_ogg_opus<'py>(py: Python<'py>, file: &[u8]) -> PyResult<(Bound<'py, PyBytes>, u32)> {
    // A prompt may come from anywhere: what the reader did not foresee is a bad file, and no end of the switch.
    let samples = catch_unwind(|| recording::read_ogg_opus(file))
        .unwrap_or(Err(recording::Unreadable("it cannot be read")))
        .map_err(|unreadable| PyValueError::new_err(unreadable.to_string()))?;
    let bytes: Vec<u8> = samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    Ok((PyBytes::new(py, &bytes), recording::READING_RATE))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(read_ogg_opus, module)?)
}

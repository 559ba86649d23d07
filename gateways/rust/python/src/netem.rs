//! Python's view of the seeded bad network.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

#[pyclass(module = "gateways._native")]
pub struct Netem {
    network: netem::Netem,
}

#[pymethods]
impl Netem {
    #[new]
    #[pyo3(signature = (seed, *, loss = 0.0, duplicate = 0.0, reorder = 0.0, delay = 0.0, jitter = 0.0))]
    fn new(
        seed: u64,
        loss: f64,
        duplicate: f64,
        reorder: f64,
        delay: f64,
        jitter: f64,
    ) -> PyResult<Self> {
        if [loss, duplicate, reorder]
            .iter()
            .any(|rate| !(0.0..=1.0).contains(rate))
        {
            return Err(PyValueError::new_err(
                "loss, duplicate and reorder are probabilities, 0 to 1",
            ));
        }
        if [delay, jitter]
            .iter()
            .any(|time| !time.is_finite() || *time < 0.0)
        {
            return Err(PyValueError::new_err(
                "delay and jitter are seconds, not below zero",
            ));
        }
        let faults = netem::Faults {
            loss,
            duplicate,
            reorder,
            delay,
            jitter,
        };
        Ok(Self {
            network: netem::Netem::new(seed, faults),
        })
    }

    fn send(&mut self, now: f64) -> Vec<f64> {
        self.network.send(now).collect()
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Netem>()
}

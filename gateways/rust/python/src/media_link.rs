//! Python's view of a media engine in a process of its own, from both ends.

use std::path::PathBuf;
use std::time::Duration;

use media_engine::{Client, Service, Unreachable, Welcome};
use pyo3::exceptions::{PyConnectionAbortedError, PyConnectionError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::media::{
    MediaCommand, MediaEvent, configuration, leg_stats, ratings, stats, video_stats,
};

#[pyclass(frozen, module = "gateways._native")]
pub struct MediaEngineLink(Client);

#[pymethods]
impl MediaEngineLink {
    #[new]
    fn new(py: Python<'_>, socket: PathBuf) -> PyResult<Self> {
        let client = py.detach(|| Client::connect(&socket));
        client.map(Self).map_err(|unreachable| match unreachable {
            Unreachable::Nobody(error) => error.into(),
            Unreachable::Refused(reason) => PyConnectionAbortedError::new_err(reason),
            Unreachable::Unfit(reason) => PyConnectionError::new_err(reason),
        })
    }

    #[getter]
    fn io(&self) -> &str {
        &self.welcome().io
    }

    #[getter]
    fn host(&self) -> &str {
        &self.welcome().host
    }

    #[getter]
    fn owner(&self) -> u32 {
        self.welcome().owner
    }

    #[getter]
    fn ends_alone(&self) -> bool {
        self.welcome().ends_alone
    }

    #[getter]
    fn lost(&self) -> Option<String> {
        self.0.lost()
    }

    fn ports(&self) -> Vec<u16> {
        self.welcome().ports.clone()
    }

    fn open_legs(&self) -> Vec<(u32, u64)> {
        self.welcome().open.legs.clone()
    }

    fn open_mixes(&self) -> Vec<(u32, u64)> {
        self.welcome().open.mixes.clone()
    }

    fn recordings(&self) -> Vec<(u64, PathBuf)> {
        let recordings = self.welcome().recordings.iter();
        recordings
            .map(|(recording, file)| (*recording, file.0.clone()))
            .collect()
    }

    fn streams(&self) -> Vec<u64> {
        self.welcome().streams.clone()
    }

    fn add_prompt(&self, py: Python<'_>, samples: &[u8], rate: u32) -> PyResult<u32> {
        if samples.len() % 2 != 0 {
            return Err(PyValueError::new_err("half a sample: they have 16 bits"));
        }
        py.detach(|| self.0.add_prompt(samples, rate))
            .map_err(PyValueError::new_err)
    }

    fn submit(&self, commands: Vec<Bound<'_, MediaCommand>>) -> PyResult<()> {
        let commands = commands
            .iter()
            .map(|command| command.get().command())
            .collect::<PyResult<_>>()?;
        self.0.submit(commands);
        Ok(())
    }

    fn fileno(&self) -> i32 {
        self.0.descriptor()
    }

    #[pyo3(signature = (limit = 256))]
    fn drain(&self, limit: usize) -> Vec<MediaEvent> {
        let events = self.0.drain(limit).into_iter();
        events.map(MediaEvent::from).collect()
    }

    fn leg_stats<'py>(&self, py: Python<'py>, leg: u32) -> PyResult<Bound<'py, PyTuple>> {
        let figures = self
            .0
            .leg_figures(leg)
            .ok_or_else(|| PyValueError::new_err(format!("there is no leg {leg}")))?;
        leg_stats(py, &figures)
    }

    fn video_stats<'py>(&self, py: Python<'py>, leg: u32) -> PyResult<Bound<'py, PyTuple>> {
        let figures = self
            .0
            .leg_figures(leg)
            .ok_or_else(|| PyValueError::new_err(format!("there is no leg {leg}")))?;
        video_stats(py, &figures)
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (totals, recordings) = py.detach(|| self.0.totals()).unwrap_or_default();
        stats(py, &totals, &recordings)
    }

    fn ratings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (totals, _) = py.detach(|| self.0.totals()).unwrap_or_default();
        ratings(py, &totals)
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    fn abandon(&self) {
        self.0.abandon();
    }
}

impl MediaEngineLink {
    fn welcome(&self) -> &Welcome {
        self.0.welcome()
    }
}

#[pyfunction]
#[pyo3(signature = (*, socket, host, first_port, legs, threads = 1, io = "auto", prompts = None, orphan_seconds = 60.0, ends_alone = false))]
#[expect(clippy::too_many_arguments, reason = "they are named")]
fn serve_media_engine(
    py: Python<'_>,
    socket: PathBuf,
    host: &str,
    first_port: u16,
    legs: usize,
    threads: usize,
    io: &str,
    prompts: Option<PathBuf>,
    orphan_seconds: f64,
    ends_alone: bool,
) -> PyResult<()> {
    let service = Service {
        socket,
        engine: configuration(host, first_port, legs, threads, io, prompts)?,
        orphan: Duration::try_from_secs_f64(orphan_seconds)
            .map_err(|error| PyValueError::new_err(error.to_string()))?,
        ends_alone,
    };
    Ok(py.detach(|| media_engine::serve(&service))?)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<MediaEngineLink>()?;
    module.add_function(wrap_pyfunction!(serve_media_engine, module)?)
}

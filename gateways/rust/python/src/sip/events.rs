//! What `SipEngine.drain` gives: frozen classes, fit for `match`.

use std::net::SocketAddr;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use sip_transaction::{Event, Failure};

use super::messages::{SipRequest, SipResponse};

/// `(host, port)`, the host as the peers write it: an IPv4 address that came through an IPv6 socket reads as IPv4.
fn host_port(address: SocketAddr) -> (String, u16) {
    (address.ip().to_canonical().to_string(), address.port())
}

#[pyclass(frozen, module = "gateways._native")]
pub struct RequestReceived {
    #[pyo3(get)]
    transaction: u64,
    #[pyo3(get)]
    request: Py<SipRequest>,
    #[pyo3(get)]
    transport: u64,
    source: SocketAddr,
}

#[pymethods]
impl RequestReceived {
    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, ["transaction", "request"])
    }

    #[getter]
    fn source(&self) -> (String, u16) {
        host_port(self.source)
    }
}

#[pyclass(frozen, module = "gateways._native")]
pub struct ResponseReceived {
    #[pyo3(get)]
    transaction: u64,
    #[pyo3(get)]
    response: Py<SipResponse>,
    #[pyo3(get)]
    transport: u64,
    source: SocketAddr,
}

#[pymethods]
impl ResponseReceived {
    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, ["transaction", "response"])
    }

    #[getter]
    fn source(&self) -> (String, u16) {
        host_port(self.source)
    }
}

#[pyclass(frozen, module = "gateways._native")]
pub struct Cancelled {
    #[pyo3(get)]
    transaction: u64,
    #[pyo3(get)]
    request: Py<SipRequest>,
}

#[pymethods]
impl Cancelled {
    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, ["transaction", "request"])
    }
}

#[pyclass(frozen, module = "gateways._native")]
pub struct TransactionFailed {
    #[pyo3(get)]
    transaction: u64,
    failure: Failure,
}

#[pymethods]
impl TransactionFailed {
    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, ["transaction", "reason"])
    }

    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        match self.failure {
            Failure::Timeout => pyo3::intern!(py, "timeout").clone(),
            Failure::Transport => pyo3::intern!(py, "transport").clone(),
        }
    }
}

#[pyclass(frozen, module = "gateways._native")]
pub struct Rejected {
    #[pyo3(get)]
    reason: String,
    #[pyo3(get)]
    status: Option<u16>,
    #[pyo3(get)]
    transport: u64,
    source: SocketAddr,
    #[pyo3(get)]
    close: bool,
}

#[pymethods]
impl Rejected {
    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, ["reason", "status"])
    }

    #[getter]
    fn source(&self) -> (String, u16) {
        host_port(self.source)
    }
}

#[pyclass(frozen, module = "gateways._native")]
pub struct Suspected {
    #[pyo3(get)]
    reason: &'static str,
    #[pyo3(get)]
    detail: String,
    #[pyo3(get)]
    transport: u64,
    source: SocketAddr,
}

#[pymethods]
impl Suspected {
    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, ["reason", "detail"])
    }

    #[getter]
    fn source(&self) -> (String, u16) {
        host_port(self.source)
    }
}

/// A Python object of an engine's event.
pub(super) fn event(py: Python<'_>, event: Event) -> PyResult<Bound<'_, PyAny>> {
    Ok(match event {
        Event::Request {
            transaction,
            message,
            transport,
            source,
        } => {
            let request = Py::new(py, SipRequest(message))?;
            Bound::new(
                py,
                RequestReceived {
                    transaction,
                    request,
                    transport,
                    source,
                },
            )?
            .into_any()
        }
        Event::Response {
            transaction,
            message,
            transport,
            source,
        } => {
            let response = Py::new(py, SipResponse(message))?;
            Bound::new(
                py,
                ResponseReceived {
                    transaction,
                    response,
                    transport,
                    source,
                },
            )?
            .into_any()
        }
        Event::Cancelled {
            transaction,
            message,
        } => {
            let request = Py::new(py, SipRequest(message))?;
            Bound::new(
                py,
                Cancelled {
                    transaction,
                    request,
                },
            )?
            .into_any()
        }
        Event::Failed {
            transaction,
            failure,
        } => Bound::new(
            py,
            TransactionFailed {
                transaction,
                failure,
            },
        )?
        .into_any(),
        Event::Rejected {
            reason,
            status,
            transport,
            source,
            close,
        } => {
            let reason = reason.into_owned();
            Bound::new(
                py,
                Rejected {
                    reason,
                    status,
                    transport,
                    source,
                    close,
                },
            )?
            .into_any()
        }
        Event::Suspected {
            reason,
            detail,
            transport,
            source,
        } => Bound::new(
            py,
            Suspected {
                reason,
                detail,
                transport,
                source,
            },
        )?
        .into_any(),
    })
}

#[pyclass(frozen, module = "gateways._native")]
pub struct Transmit {
    #[pyo3(get)]
    pub(super) transport: u64,
    pub(super) to: SocketAddr,
    pub(super) bytes: Arc<[u8]>,
}

#[pymethods]
impl Transmit {
    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, ["transport", "destination", "data"])
    }

    #[getter]
    fn destination(&self) -> (String, u16) {
        host_port(self.to)
    }

    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }
}

#[pyclass(frozen, module = "gateways._native")]
pub struct Drained {
    #[pyo3(get)]
    pub(super) events: Py<PyList>,
    #[pyo3(get)]
    pub(super) transmits: Py<PyList>,
    #[pyo3(get)]
    pub(super) deadline: Option<f64>,
    #[pyo3(get)]
    pub(super) more: bool,
}

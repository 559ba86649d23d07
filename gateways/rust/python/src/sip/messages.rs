//! SipRequest and SipResponse: a shared message whose parts become Python objects where they are asked for.

// `from_tag` and `from_uri` are what the From header calls for, and what Python reads.
#![allow(clippy::wrong_self_convention)]

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use sip_message::Message;

/// Header text that is no UTF-8 reads with U+FFFD in place of the odd bytes.
fn text<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) => PyString::new(py, text),
        Err(_) => PyString::new(py, &String::from_utf8_lossy(bytes)),
    }
}

fn read(data: &[u8], request: bool) -> PyResult<Arc<Message>> {
    match Message::parse(data) {
        Ok(message) if message.is_request() == request => Ok(Arc::new(message)),
        Ok(_) => Err(PyValueError::new_err(if request {
            "a response, not a request"
        } else {
            "a request, not a response"
        })),
        Err(malformed) => Err(PyValueError::new_err(malformed.reason.into_owned())),
    }
}

macro_rules! message_class {
    ($name:ident, $is_request:literal, { $($own:tt)* }) => {
        #[pyclass(frozen, module = "gateways._native")]
        pub struct $name(pub(super) Arc<Message>);

        #[pymethods]
        impl $name {
            #[staticmethod]
            fn parse(data: &[u8]) -> PyResult<Self> {
                read(data, $is_request).map(Self)
            }

            $($own)*

            #[getter]
            fn method<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
                let method = self.0.method();
                // What is compared most is made once.
                match method {
                    b"INVITE" => pyo3::intern!(py, "INVITE").clone(),
                    b"BYE" => pyo3::intern!(py, "BYE").clone(),
                    b"ACK" => pyo3::intern!(py, "ACK").clone(),
                    b"REGISTER" => pyo3::intern!(py, "REGISTER").clone(),
                    b"OPTIONS" => pyo3::intern!(py, "OPTIONS").clone(),
                    _ => text(py, method),
                }
            }

            #[getter]
            fn call_id<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
                text(py, self.0.call_id())
            }

            #[getter]
            fn cseq(&self) -> u32 {
                self.0.cseq()
            }

            #[getter]
            fn from_tag<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
                text(py, self.0.from_tag())
            }

            #[getter]
            fn to_tag<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
                text(py, self.0.to_tag())
            }

            #[getter]
            fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
                PyBytes::new(py, self.0.body())
            }

            #[getter]
            fn content_type(&self) -> String {
                self.0.content_type()
            }

            fn header<'py>(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyString>> {
                self.0.header(name).map(|value| text(py, &value))
            }

            fn headers<'py>(&self, py: Python<'py>, name: &str) -> Vec<Bound<'py, PyString>> {
                self.0.headers(name).iter().map(|value| text(py, value)).collect()
            }

            #[getter]
            fn raw<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
                PyBytes::new(py, self.0.bytes())
            }
        }
    };
}

message_class!(SipRequest, true, {
    #[getter]
    fn uri<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        text(py, self.0.uri())
    }

    #[getter]
    fn from_uri<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        text(py, self.0.from_uri())
    }

    #[getter]
    fn to_uri<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        text(py, self.0.to_uri())
    }

    #[getter]
    fn branch<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        text(py, self.0.branch())
    }

    #[getter]
    fn max_forwards(&self) -> u8 {
        self.0.max_forwards()
    }
});

message_class!(SipResponse, false, {
    #[getter]
    fn status(&self) -> u16 {
        self.0.status()
    }

    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        text(py, self.0.reason())
    }
});

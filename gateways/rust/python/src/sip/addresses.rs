//! SipUri, NameAddr and credentials: values read from text.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use sip_message::name_addr::{self, AddrParts, NameAddr as Address};
use sip_message::uri::{Uri, UriParts};

#[pyclass(frozen, module = "gateways._native")]
pub struct SipUri {
    text: String,
    parts: UriParts,
}

impl SipUri {
    fn uri(&self) -> Uri<'_> {
        Uri::of(&self.text, self.parts)
    }
}

#[pymethods]
impl SipUri {
    #[staticmethod]
    fn parse(text: &str) -> Option<Self> {
        Some(Self {
            parts: UriParts::parse(text)?,
            text: text.to_owned(),
        })
    }

    #[getter]
    fn scheme(&self) -> &'static str {
        self.uri().scheme().text()
    }

    #[getter]
    fn user(&self) -> Option<String> {
        self.uri().user().map(Into::into)
    }

    #[getter]
    fn password(&self) -> Option<String> {
        self.uri().password().map(Into::into)
    }

    #[getter]
    fn host(&self) -> &str {
        self.uri().host()
    }

    #[getter]
    fn port(&self) -> Option<u16> {
        self.uri().port()
    }

    fn param(&self, name: &str) -> Option<String> {
        self.uri().param(name).map(Into::into)
    }

    #[getter]
    fn params(&self) -> Vec<(String, Option<String>)> {
        self.uri()
            .params()
            .map(|(name, value)| (name.into(), value.map(Into::into)))
            .collect()
    }

    fn equivalent(&self, other: &Self) -> bool {
        self.uri().equivalent(&other.uri())
    }

    fn __str__(&self) -> &str {
        &self.text
    }
}

#[pyclass(frozen, module = "gateways._native")]
pub struct NameAddr {
    text: String,
    parts: AddrParts,
}

impl NameAddr {
    fn address(&self) -> Address<'_> {
        Address::of(&self.text, self.parts)
    }
}

#[pymethods]
impl NameAddr {
    #[staticmethod]
    fn parse(text: &str) -> Option<Self> {
        Some(Self {
            parts: name_addr::parse_parts(text)?,
            text: text.to_owned(),
        })
    }

    #[getter]
    fn display_name(&self) -> String {
        self.address().display_name().into()
    }

    #[getter]
    fn uri(&self) -> &str {
        self.address().uri()
    }

    fn param(&self, name: &str) -> Option<String> {
        self.address()
            .params()
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.map_or_else(String::new, Into::into))
    }

    #[getter]
    fn params(&self) -> Vec<(String, Option<String>)> {
        self.address()
            .params()
            .map(|(name, value)| (name.to_owned(), value.map(Into::into)))
            .collect()
    }
}

#[pyfunction]
pub fn parse_credentials<'py>(
    py: Python<'py>,
    value: &str,
) -> PyResult<Option<(String, Bound<'py, PyDict>)>> {
    let Some((scheme, params)) = sip_message::auth::parse(value) else {
        return Ok(None);
    };
    let dict = PyDict::new(py);
    for (name, value) in params {
        dict.set_item(name, &*value)?;
    }
    Ok(Some((scheme, dict)))
}

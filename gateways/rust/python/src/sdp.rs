//! Python's view of session descriptions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use ::sdp as rust;
use ::srtp::{MasterKey, Suite};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

/// Payload type, NAME, clock rate, channels, fmtp.
type CodecTuple = (u8, String, u32, u8, String);
/// Tag, suite, master key with its salt, MKI.
type CryptoTuple = (u32, String, Vec<u8>, Vec<u8>);

static PANICS: AtomicU64 = AtomicU64::new(0);

#[pyclass(frozen, module = "gateways._native")]
pub struct AudioStream(rust::AudioStream);

#[pymethods]
impl AudioStream {
    #[new]
    #[pyo3(signature = (host, port, codecs, *, direction = "sendrecv", ptime = None, rtcp = None, rtcp_mux = false,
        secure = false, crypto = None))]
    #[allow(clippy::too_many_arguments)] // they are keywords to whoever calls it
    fn new(
        host: String,
        port: u16,
        codecs: Vec<CodecTuple>,
        direction: &str,
        ptime: Option<u32>,
        rtcp: Option<(String, u16)>,
        rtcp_mux: bool,
        secure: bool,
        crypto: Option<Vec<CryptoTuple>>,
    ) -> PyResult<AudioStream> {
        let direction = direction_of(direction)?;
        let crypto = cryptos_of(crypto)?;
        let stream = rust::AudioStream {
            host,
            port,
            codecs: codecs_of(codecs),
            direction,
            ptime,
            maxptime: None,
            rtcp,
            rtcp_mux,
            secure,
            crypto,
        };
        stream.check().map_err(value_error)?;
        Ok(AudioStream(stream))
    }

    #[getter]
    fn host(&self) -> &str {
        &self.0.host
    }

    #[getter]
    fn port(&self) -> u16 {
        self.0.port
    }

    #[getter]
    fn codecs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        said_codecs(py, &self.0.codecs)
    }

    #[getter]
    fn direction(&self) -> &'static str {
        self.0.direction.as_str()
    }

    #[getter]
    fn ptime(&self) -> Option<u32> {
        self.0.ptime
    }

    #[getter]
    fn rtcp(&self) -> Option<(&str, u16)> {
        self.0
            .rtcp
            .as_ref()
            .map(|(host, port)| (host.as_str(), *port))
    }

    #[getter]
    fn rtcp_mux(&self) -> bool {
        self.0.rtcp_mux
    }

    #[getter]
    fn secure(&self) -> bool {
        self.0.secure
    }

    #[getter]
    fn crypto<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        said_crypto(py, &self.0.crypto)
    }
}

#[pyclass(frozen, module = "gateways._native")]
pub struct VideoStream(rust::VideoStream);

#[pymethods]
impl VideoStream {
    #[new]
    #[pyo3(signature = (host, port, codecs, *, direction = "sendrecv", content = String::new(), bandwidth_kbps = None,
        rtcp = None, rtcp_mux = false, secure = false, avpf = false, crypto = None, feedback = Vec::new(),
        label = String::new()))]
    #[allow(clippy::too_many_arguments)] // they are keywords to whoever calls it
    fn new(
        host: String,
        port: u16,
        codecs: Vec<CodecTuple>,
        direction: &str,
        content: String,
        bandwidth_kbps: Option<u32>,
        rtcp: Option<(String, u16)>,
        rtcp_mux: bool,
        secure: bool,
        avpf: bool,
        crypto: Option<Vec<CryptoTuple>>,
        feedback: Vec<String>,
        label: String,
    ) -> PyResult<VideoStream> {
        let stream = rust::VideoStream {
            host,
            port,
            codecs: codecs_of(codecs),
            direction: direction_of(direction)?,
            content,
            bandwidth_kbps,
            rtcp,
            rtcp_mux,
            secure,
            avpf,
            crypto: cryptos_of(crypto)?,
            feedback: feedback
                .iter()
                .map(|it| feedback_of(it))
                .collect::<PyResult<_>>()?,
            label,
        };
        stream.check().map_err(value_error)?;
        Ok(VideoStream(stream))
    }

    #[getter]
    fn host(&self) -> &str {
        &self.0.host
    }

    #[getter]
    fn port(&self) -> u16 {
        self.0.port
    }

    #[getter]
    fn codecs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        said_codecs(py, &self.0.codecs)
    }

    #[getter]
    fn direction(&self) -> &'static str {
        self.0.direction.as_str()
    }

    #[getter]
    fn content(&self) -> &str {
        &self.0.content
    }

    #[getter]
    fn bandwidth_kbps(&self) -> Option<u32> {
        self.0.bandwidth_kbps
    }

    #[getter]
    fn rtcp(&self) -> Option<(&str, u16)> {
        self.0
            .rtcp
            .as_ref()
            .map(|(host, port)| (host.as_str(), *port))
    }

    #[getter]
    fn rtcp_mux(&self) -> bool {
        self.0.rtcp_mux
    }

    #[getter]
    fn secure(&self) -> bool {
        self.0.secure
    }

    #[getter]
    fn avpf(&self) -> bool {
        self.0.avpf
    }

    #[getter]
    fn crypto<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        said_crypto(py, &self.0.crypto)
    }

    #[getter]
    fn feedback<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.0.feedback)
    }

    #[getter]
    fn label(&self) -> &str {
        &self.0.label
    }
}

/// Host, port, protocol and attributes of a line of floor control.
type FloorTuple = (String, u16, String, Vec<String>);

fn floor_of((host, port, protocol, attributes): FloorTuple) -> PyResult<rust::FloorLine> {
    let protocol = rust::FLOOR_PROTOCOLS
        .into_iter()
        .find(|known| *known == protocol)
        .ok_or_else(|| PyValueError::new_err(format!("no floor control: {protocol:?}")))?;
    let line = rust::FloorLine {
        host,
        port,
        protocol,
        attributes,
    };
    line.check().map_err(value_error)?;
    Ok(line)
}

fn direction_of(word: &str) -> PyResult<rust::Direction> {
    rust::Direction::parse(word)
        .ok_or_else(|| PyValueError::new_err(format!("no direction: {word:?}")))
}

fn feedback_of(word: &str) -> PyResult<&'static str> {
    rust::FEEDBACK
        .into_iter()
        .find(|known| *known == word)
        .ok_or_else(|| PyValueError::new_err(format!("no feedback that we say: {word:?}")))
}

fn codecs_of(codecs: Vec<CodecTuple>) -> Vec<rust::Codec> {
    let codec = |(payload_type, name, clock_rate, channels, parameters): CodecTuple| {
        rust::Codec::new(payload_type, &name, clock_rate, channels, parameters)
    };
    codecs.into_iter().map(codec).collect()
}

fn said_codecs<'py>(py: Python<'py>, codecs: &[rust::Codec]) -> PyResult<Bound<'py, PyTuple>> {
    let codec = |it: &rust::Codec| {
        (
            it.payload_type,
            it.name.to_string(),
            it.clock_rate,
            it.channels,
            it.parameters.to_string(),
        )
    };
    PyTuple::new(py, codecs.iter().map(codec))
}

fn cryptos_of(crypto: Option<Vec<CryptoTuple>>) -> PyResult<Vec<rust::Crypto>> {
    crypto
        .unwrap_or_default()
        .into_iter()
        .map(crypto_of)
        .collect()
}

fn said_crypto<'py>(py: Python<'py>, crypto: &[rust::Crypto]) -> PyResult<Bound<'py, PyTuple>> {
    let crypto_line = |it: &rust::Crypto| {
        (
            it.tag,
            it.key.suite().name(),
            PyBytes::new(py, it.key.as_bytes()),
            PyBytes::new(py, &it.mki),
        )
    };
    PyTuple::new(py, crypto.iter().map(crypto_line))
}

fn crypto_of((tag, suite, key, mki): CryptoTuple) -> PyResult<rust::Crypto> {
    let suite = Suite::by_name(&suite)
        .ok_or_else(|| PyValueError::new_err(format!("no SRTP suite: {suite:?}")))?;
    let key = MasterKey::new(suite, &key)
        .ok_or_else(|| PyValueError::new_err("a key is not as long as its suite wants it"))?;
    Ok(rust::Crypto { tag, key, mki })
}

#[pyclass(frozen, module = "gateways._native")]
pub struct SessionDescription(rust::SessionDescription);

#[pymethods]
impl SessionDescription {
    #[staticmethod]
    fn parse(data: &[u8]) -> PyResult<SessionDescription> {
        caught(|| rust::SessionDescription::parse(data)).map(SessionDescription)
    }

    #[getter]
    fn origin_id(&self) -> &str {
        self.0.origin_id()
    }

    #[getter]
    fn origin_version(&self) -> &str {
        self.0.origin_version()
    }

    #[getter]
    fn audio(&self) -> Option<AudioStream> {
        self.0.audio().cloned().map(AudioStream)
    }

    #[getter]
    fn secure_audio(&self) -> Option<AudioStream> {
        self.0.secure_audio().cloned().map(AudioStream)
    }

    #[getter]
    fn media(&self) -> Vec<(&str, u16, &str)> {
        self.0
            .media()
            .iter()
            .map(|it| (self.0.kind(it), it.port, self.0.protocol(it)))
            .collect()
    }

    #[getter]
    fn lines(&self) -> usize {
        self.0.media().len()
    }

    #[getter]
    fn video(&self) -> PyResult<Vec<(usize, VideoStream)>> {
        let lines = caught(|| Ok(self.0.video()))?;
        Ok(lines
            .into_iter()
            .map(|(place, line)| (place, VideoStream(line)))
            .collect())
    }

    #[getter]
    fn floor(&self) -> PyResult<Option<(usize, FloorTuple)>> {
        let line = caught(|| Ok(self.0.floor()))?;
        Ok(line.map(|(place, it)| {
            let said = (it.host, it.port, it.protocol.to_owned(), it.attributes);
            (place, said)
        }))
    }

    #[pyo3(signature = (ours, *, session_id, version, video = Vec::new(), floor = None))]
    fn answer<'py>(
        &self,
        py: Python<'py>,
        ours: &AudioStream,
        session_id: u64,
        version: u64,
        video: Vec<(usize, PyRef<'_, VideoStream>)>,
        floor: Option<(usize, FloorTuple)>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let video: Vec<(usize, rust::VideoStream)> = video
            .into_iter()
            .map(|(place, line)| (place, line.0.clone()))
            .collect();
        let floor = floor
            .map(|(place, line)| PyResult::Ok((place, floor_of(line)?)))
            .transpose()?;
        let beside = rust::Beside {
            video: &video,
            floor: floor.as_ref(),
        };
        let body = caught(|| rust::answer_beside(&self.0, &ours.0, session_id, version, beside))?;
        Ok(PyBytes::new(py, &body))
    }

    fn print<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &caught(|| Ok(self.0.print()))?))
    }
}

/// One m-line of an offer with more than one: the audio, a video line, floor control, or the kind and the protocol of one
/// that is over.
#[derive(FromPyObject)]
enum OfferedLine<'py> {
    Video(PyRef<'py, VideoStream>),
    Floor(FloorTuple),
    Refused((String, String)),
}

#[pyfunction]
#[pyo3(signature = (ours, *, session_id, version, lines = None))]
fn offer<'py>(
    py: Python<'py>,
    ours: &AudioStream,
    session_id: u64,
    version: u64,
    lines: Option<Vec<Option<OfferedLine<'py>>>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let Some(lines) = lines else {
        let body = caught(|| rust::offer(&ours.0, session_id, version))?;
        return Ok(PyBytes::new(py, &body));
    };
    let mut floors = Vec::new();
    for line in &lines {
        if let Some(OfferedLine::Floor(line)) = line {
            floors.push(floor_of(line.clone())?);
        }
    }
    let mut floors = floors.iter();
    let mut said: Vec<rust::Line<'_>> = Vec::with_capacity(lines.len());
    for line in &lines {
        said.push(match line {
            None => rust::Line::Audio,
            Some(OfferedLine::Video(video)) => rust::Line::Video(&video.0),
            Some(OfferedLine::Floor(_)) => {
                rust::Line::Floor(floors.next().expect("one was made of each"))
            }
            Some(OfferedLine::Refused((kind, protocol))) => rust::Line::Refused { kind, protocol },
        });
    }
    let body = caught(|| rust::offer_beside(&ours.0, session_id, version, &said))?;
    Ok(PyBytes::new(py, &body))
}

#[pyfunction]
fn sdp_panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// A panic in here is a bug of ours that a peer's bytes brought to light: it ends this one negotiation and is counted.
fn caught<T>(work: impl FnOnce() -> Result<T, rust::Error>) -> PyResult<T> {
    // What the work borrows is immutable, so nothing half-changed can be seen afterwards.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            Err(rust::Error {
                line: 0,
                reason: "internal error".to_owned(),
            })
        })
        .map_err(value_error)
}

fn value_error(error: rust::Error) -> PyErr {
    PyValueError::new_err(error.to_string())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<AudioStream>()?;
    module.add_class::<VideoStream>()?;
    module.add_class::<SessionDescription>()?;
    module.add_function(wrap_pyfunction!(offer, module)?)?;
    module.add_function(wrap_pyfunction!(sdp_panics, module)?)
}

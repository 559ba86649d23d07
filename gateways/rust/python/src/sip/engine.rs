//! SipEngine.

use std::net::{IpAddr, SocketAddr};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDict, PyList};
use sip_transaction::{Config, Engine, Kind, Limits, Network, Rate, Refusal, Terms};

use super::events::{Drained, Transmit, event};

#[pyclass(module = "gateways._native")]
pub struct SipEngine {
    pub(crate) engine: Engine,
}

type Header = (PyBackedStr, PyBackedStr);

fn borrowed(headers: &[Header]) -> Vec<(&str, &str)> {
    headers
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect()
}

fn mistake(refusal: Refusal) -> PyErr {
    PyValueError::new_err(refusal.0.into_owned())
}

fn address((host, port): (PyBackedStr, u16)) -> PyResult<SocketAddr> {
    let ip: IpAddr = host
        .parse()
        .map_err(|_| PyValueError::new_err(format!("{:?} is no IP address", &*host)))?;
    Ok(SocketAddr::new(ip, port))
}

fn network(text: &PyBackedStr) -> PyResult<Network> {
    Network::parse(text)
        .ok_or_else(|| PyValueError::new_err(format!("{:?} is no network", &**text)))
}

fn networks(texts: &[PyBackedStr]) -> PyResult<std::vec::IntoIter<Network>> {
    let parsed: Vec<_> = texts.iter().map(network).collect::<PyResult<_>>()?;
    Ok(parsed.into_iter())
}

fn rate((per_second, burst): (f32, f32)) -> PyResult<Rate> {
    if per_second > 0.0 && burst >= 1.0 {
        Ok(Rate { per_second, burst })
    } else {
        Err(PyValueError::new_err(
            "a rate is above zero, and its burst at least one",
        ))
    }
}

fn moment(now: f64) -> PyResult<f64> {
    if now.is_finite() {
        Ok(now)
    } else {
        Err(PyValueError::new_err("now is not finite"))
    }
}

#[pymethods]
impl SipEngine {
    #[new]
    #[pyo3(signature = (*, seed, t1 = 0.5, t2 = 4.0, t4 = 5.0))]
    fn new(seed: u64, t1: f64, t2: f64, t4: f64) -> PyResult<Self> {
        if [t1, t2, t4]
            .iter()
            .any(|base| !base.is_finite() || *base <= 0.0)
        {
            return Err(PyValueError::new_err(
                "t1, t2 and t4 must be seconds above zero",
            ));
        }
        Ok(Self {
            engine: Engine::new(Config {
                t1,
                t2,
                t4,
                ..Config::new(seed)
            }),
        })
    }

    fn open_transport(&mut self, transport: u64, kind: &str, sent_by: &str) -> PyResult<()> {
        let kind = match kind {
            "udp" => Kind::Udp,
            "tcp" => Kind::Tcp,
            "tls" => Kind::Tls,
            "ws" => Kind::Ws,
            "wss" => Kind::Wss,
            other => {
                return Err(PyValueError::new_err(format!(
                    "{other:?} is no kind of transport"
                )));
            }
        };
        self.engine.open_transport(transport, kind, sent_by);
        Ok(())
    }

    fn close_transport(&mut self, transport: u64, now: f64) -> PyResult<()> {
        self.engine.close_transport(transport, moment(now)?);
        Ok(())
    }

    fn receive(
        &mut self,
        data: &[u8],
        transport: u64,
        source: (PyBackedStr, u16),
        now: f64,
    ) -> PyResult<()> {
        self.engine
            .receive(data, transport, address(source)?, moment(now)?)
            .map_err(mistake)
    }

    #[pyo3(signature = (transport, destination, method, uri, headers, body, now, most = 0, patience = 0.0))]
    #[allow(clippy::too_many_arguments)]
    fn request(
        &mut self,
        transport: u64,
        destination: (PyBackedStr, u16),
        method: &str,
        uri: &str,
        headers: Vec<Header>,
        body: &[u8],
        now: f64,
        most: usize,
        patience: f64,
    ) -> PyResult<u64> {
        let headers = borrowed(&headers);
        self.engine
            .request_on(
                Terms { most, patience },
                transport,
                address(destination)?,
                method,
                uri,
                &headers,
                body,
                moment(now)?,
            )
            .map_err(mistake)
    }

    fn cancel(&mut self, transaction: u64, headers: Vec<Header>, now: f64) -> PyResult<()> {
        self.engine
            .cancel(transaction, &borrowed(&headers), moment(now)?)
            .map_err(mistake)
    }

    #[pyo3(signature = (transaction, status, headers, body, now, *, reason = None, to_tag = None))]
    #[allow(clippy::too_many_arguments)]
    fn respond(
        &mut self,
        transaction: u64,
        status: u16,
        headers: Vec<Header>,
        body: &[u8],
        now: f64,
        reason: Option<&str>,
        to_tag: Option<&str>,
    ) -> PyResult<()> {
        self.engine
            .respond(
                transaction,
                status,
                reason,
                to_tag,
                &borrowed(&headers),
                body,
                moment(now)?,
            )
            .map_err(mistake)
    }

    fn timeout(&mut self, now: f64) -> PyResult<()> {
        self.engine.timeout(moment(now)?);
        Ok(())
    }

    #[pyo3(signature = (now = f64::NEG_INFINITY, most = usize::MAX))]
    fn drain(&mut self, py: Python<'_>, now: f64, most: usize) -> PyResult<Drained> {
        let events: Vec<_> = self
            .engine
            .take_some_events(now, most)
            .into_iter()
            .map(|one| event(py, one))
            .collect::<PyResult<_>>()?;
        let transmits = self
            .engine
            .take_all_transmits()
            .into_iter()
            .map(|transmit| {
                let (transport, to, bytes) =
                    (transmit.transport, transmit.destination, transmit.data);
                Bound::new(
                    py,
                    Transmit {
                        transport,
                        to,
                        bytes,
                    },
                )
            });
        Ok(Drained {
            events: PyList::new(py, events)?.unbind(),
            transmits: PyList::new(py, transmits.collect::<PyResult<Vec<_>>>()?)?.unbind(),
            deadline: self.engine.deadline(),
            more: self.engine.has_events(),
        })
    }

    fn shed(&mut self, level: u8) {
        self.engine.shed(level);
    }

    fn set_patience(&mut self, seconds: f64) {
        self.engine.set_patience(seconds);
    }

    fn tell_load(&mut self, level: u8, sequence: f64) {
        self.engine.tell_load(level, sequence);
    }

    fn set_emergency(&mut self, numbers: Vec<String>) {
        self.engine.set_emergency(numbers.into_iter());
    }

    fn set_agents(&mut self, agents: Vec<String>) -> PyResult<()> {
        if agents.iter().any(String::is_empty) {
            return Err(PyValueError::new_err(
                "an empty name is part of every agent's",
            ));
        }
        self.engine.set_agents(agents.into_iter());
        Ok(())
    }

    #[pyo3(signature = (*, messages, invite, register, other, known_factor))]
    fn set_limits(
        &mut self,
        messages: (f32, f32),
        invite: (f32, f32),
        register: (f32, f32),
        other: (f32, f32),
        known_factor: f32,
    ) -> PyResult<()> {
        self.engine.set_limits(Some(Limits {
            messages: rate(messages)?,
            invite: rate(invite)?,
            register: rate(register)?,
            other: rate(other)?,
            known_factor,
        }));
        Ok(())
    }

    fn exempt(&mut self, allowed: Vec<PyBackedStr>) -> PyResult<()> {
        self.engine.exempt(networks(&allowed)?);
        Ok(())
    }

    fn do_not_limit(&mut self, trusted: Vec<PyBackedStr>) -> PyResult<()> {
        self.engine.do_not_limit(networks(&trusted)?);
        Ok(())
    }

    fn ban(&mut self, banned: PyBackedStr, until: f64) -> PyResult<()> {
        self.engine.ban(network(&banned)?, until);
        Ok(())
    }

    fn lift(&mut self, banned: PyBackedStr) -> PyResult<()> {
        self.engine.lift(network(&banned)?);
        Ok(())
    }

    fn know(&mut self, host: PyBackedStr, until: f64, now: f64) -> PyResult<()> {
        self.engine
            .know(address((host, 0))?.ip(), moment(until)?, moment(now)?);
        Ok(())
    }

    fn knows(&self, host: PyBackedStr, now: f64) -> PyResult<bool> {
        Ok(self.engine.knows(address((host, 0))?.ip(), moment(now)?))
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.engine.stats();
        let counters = PyDict::new(py);
        counters.set_item("received", stats.received)?;
        counters.set_item("sent", stats.sent)?;
        counters.set_item("rejected", stats.rejected)?;
        counters.set_item("retransmissions_absorbed", stats.retransmissions_absorbed)?;
        counters.set_item("retransmissions_sent", stats.retransmissions_sent)?;
        counters.set_item("stray_responses", stats.stray_responses)?;
        counters.set_item("dropped", stats.dropped)?;
        counters.set_item("shed", stats.shed)?;
        counters.set_item("admitted", stats.admitted)?;
        counters.set_item("limited", stats.limited)?;
        counters.set_item("banned", stats.banned)?;
        counters.set_item("panics", stats.panics)?;
        counters.set_item("client_transactions", stats.client_transactions)?;
        counters.set_item("server_transactions", stats.server_transactions)?;
        counters.set_item("timers", stats.timers)?;
        Ok(counters)
    }
}

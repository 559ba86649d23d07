//! Python's view of batched sockets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use sip_transaction::Transmit;
use udp_batch::{BATCH, ReceiveBatch, bind, send_batch};

use crate::sip::SipEngine;

/// No datagram is longer.
const LONGEST: usize = 65_536;
/// Room for what comes while Python is at work elsewhere: some 8,000 messages, of calls that are up among them.
const RECEIVE_BUFFER: usize = 16 << 20;
/// Batches that are read at a time at most: who sends faster than we read must not keep us reading.
const MOST_BATCHES: usize = 128;

#[pyclass(module = "gateways._native")]
pub struct UdpSocket {
    /// None once closed.
    socket: Option<std::net::UdpSocket>,
    batch: ReceiveBatch,
    /// The time of the last `receive`, for what fails in `flush`.
    now: f64,
}

impl UdpSocket {
    fn open(&self) -> PyResult<&std::net::UdpSocket> {
        self.socket
            .as_ref()
            .ok_or_else(|| PyValueError::new_err("the socket is closed"))
    }
}

#[pymethods]
impl UdpSocket {
    #[new]
    fn new(host: &str, port: u16) -> PyResult<Self> {
        let ip: IpAddr = host.parse().map_err(|_| {
            let message = format!("{host:?} is no IP address");
            PyErr::from(io::Error::new(io::ErrorKind::InvalidInput, message))
        })?;
        let socket = bind(SocketAddr::new(ip, port), RECEIVE_BUFFER).map_err(|error| {
            // With its number, so that Python makes the subclass of it and callers may look at `errno`.
            let text = error.to_string();
            PyOSError::new_err((error.raw_os_error().unwrap_or_default(), text))
        })?;
        Ok(Self {
            socket: Some(socket),
            batch: ReceiveBatch::new(LONGEST),
            now: 0.0,
        })
    }

    #[getter]
    fn address(&self) -> PyResult<(String, u16)> {
        let address = self.open()?.local_addr()?;
        Ok((address.ip().to_string(), address.port()))
    }

    fn fileno(&self) -> PyResult<i32> {
        Ok(self.open()?.as_raw_fd())
    }

    fn receive(
        &mut self,
        mut engine: PyRefMut<'_, SipEngine>,
        transport: u64,
        now: f64,
    ) -> PyResult<usize> {
        self.now = now;
        let Some(socket) = &self.socket else {
            return Ok(0);
        };
        let engine = &mut engine.engine;
        engine.batch(transport);
        let mut read = 0;
        for _ in 0..MOST_BATCHES {
            let count = self.batch.receive(socket.as_fd(), BATCH)?;
            for datagram in self.batch.iter() {
                engine
                    .receive(datagram.data, transport, datagram.source, now)
                    .map_err(|refusal| PyValueError::new_err(refusal.0.into_owned()))?;
            }
            read += count;
            if count < BATCH {
                break;
            }
        }
        Ok(read)
    }

    fn flush(&mut self, mut engine: PyRefMut<'_, SipEngine>, transport: u64) -> usize {
        let Some(socket) = &self.socket else { return 0 };
        let engine = &mut engine.engine;
        engine.batch(transport);
        loop {
            let transmits = engine.take_transmits(transport, BATCH);
            if transmits.is_empty() {
                return 0;
            }
            let datagrams: Vec<(SocketAddr, &[u8])> = transmits
                .iter()
                .map(|transmit| (transmit.destination, &*transmit.data))
                .collect();
            let outcome = send_batch(socket.as_fd(), &datagrams);
            let waiting: Vec<Transmit> = transmits[outcome.done..].to_vec();
            engine.requeue(transport, waiting.into_iter());
            for (place, _) in &outcome.refused {
                engine.transmit_failed(&transmits[*place], self.now);
            }
            if outcome.done < transmits.len() {
                return engine.waiting(transport);
            }
        }
    }

    fn close(&mut self) {
        self.socket = None;
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<UdpSocket>()
}

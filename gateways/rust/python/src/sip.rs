//! Python's view of SipEngine, messages and their events.

mod addresses;
mod engine;
mod events;
mod messages;

pub(crate) use engine::SipEngine;

use pyo3::prelude::*;

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<addresses::SipUri>()?;
    module.add_class::<addresses::NameAddr>()?;
    module.add_function(wrap_pyfunction!(addresses::parse_credentials, module)?)?;
    module.add_class::<messages::SipRequest>()?;
    module.add_class::<messages::SipResponse>()?;
    module.add_class::<events::RequestReceived>()?;
    module.add_class::<events::ResponseReceived>()?;
    module.add_class::<events::Cancelled>()?;
    module.add_class::<events::TransactionFailed>()?;
    module.add_class::<events::Rejected>()?;
    module.add_class::<events::Suspected>()?;
    module.add_class::<events::Transmit>()?;
    module.add_class::<events::Drained>()?;
    module.add_class::<SipEngine>()?;
    module.add("SipEvent", any_event(module.py())?)
}

/// The union of all events, for annotations that are read when the program runs.
fn any_event(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.get_type::<events::RequestReceived>()
        .bitor(py.get_type::<events::ResponseReceived>())?
        .bitor(py.get_type::<events::Cancelled>())?
        .bitor(py.get_type::<events::TransactionFailed>())?
        .bitor(py.get_type::<events::Rejected>())?
        .bitor(py.get_type::<events::Suspected>())
}

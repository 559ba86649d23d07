//! The INVITE server transaction (RFC 3261 section 17.2.1, as changed by RFC 6026 section 7.1).

use crate::event::Failure;
use crate::machine::{Action, Step};
use crate::timing::Timer;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Proceeding,
    Completed,
    Confirmed,
    Accepted,
    Terminated,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    /// The INVITE again.
    Request,
    Ack,
    RespondProvisional,
    RespondSuccess,
    RespondFailure,
    TryingTimer,
    TimerG,
    TimerH,
    TimerI,
    TimerL,
}

/// When the INVITE arrives. Section 17.2.1: "The server transaction MUST generate a 100 (Trying) response unless it
/// knows that the TU will generate a provisional or final response within 200 ms".
pub(crate) const START: &[Action] = &[Action::PassUp, Action::Start(Timer::Trying)];

pub(crate) fn step(state: State, input: Input) -> Step<State> {
    use Action::{Absorb, Fail, Lengthen, PassUp, Repeat, Send, Start, Stop, Trying};
    use State::{Accepted, Completed, Confirmed, Proceeding, Terminated};
    match (state, input) {
        // "If a request retransmission is received while in the "Proceeding" state, the most recent provisional
        // response that was received from the TU MUST be passed to the transport layer for retransmission."
        (Proceeding, Input::Request) => (Proceeding, &[Absorb, Stop(Timer::Trying), Repeat]),
        (Proceeding, Input::TryingTimer) => (Proceeding, &[Trying]),
        (Proceeding, Input::RespondProvisional) => (Proceeding, &[Stop(Timer::Trying), Send]),
        // RFC 6026 section 7.1: "If, while in the "Proceeding" state, the TU passes a 2xx response to the server
        // transaction, [it] MUST pass this response to the transport layer for transmission. [...] The server
        // transaction MUST then transition to the "Accepted" state", with timer L for 64*T1.
        (Proceeding, Input::RespondSuccess) => {
            (Accepted, &[Stop(Timer::Trying), Send, Start(Timer::L)])
        }
        // "If the TU passes a response with status code from 300 to 699 [...] the state machine MUST enter the
        // "Completed" state", with timer G over UDP, and timer H for 64*T1 over all transports.
        (Proceeding, Input::RespondFailure) => (
            Completed,
            &[Stop(Timer::Trying), Send, Start(Timer::G), Start(Timer::H)],
        ),
        // An ACK before any final response acknowledges nothing.
        (Proceeding, Input::Ack) => (Proceeding, &[Absorb]),
        (Completed, Input::TimerG) => (Completed, &[Repeat, Lengthen(Timer::G)]),
        (Completed, Input::Request) => (Completed, &[Absorb, Repeat]),
        // "If an ACK is received while the server transaction is in the "Completed" state, [it] MUST transition to the
        // "Confirmed" state", with timer I for T4 over UDP.
        (Completed, Input::Ack) => (
            Confirmed,
            &[Stop(Timer::G), Stop(Timer::H), Start(Timer::I)],
        ),
        // "If timer H fires while in the "Completed" state, it implies that the ACK was never received."
        (Completed, Input::TimerH) => (Terminated, &[Fail(Failure::Timeout)]),
        // "The purpose of the "Confirmed" state is to absorb any additional ACK messages that arrive".
        (Confirmed, Input::Request | Input::Ack) => (Confirmed, &[Absorb]),
        (Confirmed, Input::TimerI) => (Terminated, &[]),
        // RFC 6026: "any INVITE retransmission [...] matching this transaction [...] MUST be absorbed", "any
        // retransmissions of the 2xx response passed from the TU to the transaction [...] MUST be passed to the
        // transport layer", "any ACKs received [...] MUST be passed directly to the TU".
        (Accepted, Input::Request) => (Accepted, &[Absorb]),
        (Accepted, Input::RespondSuccess) => (Accepted, &[Send]),
        (Accepted, Input::Ack) => (Accepted, &[PassUp]),
        (Accepted, Input::TimerL) => (Terminated, &[]),
        // "Any other final responses passed by the TU to the server transaction MUST be discarded".
        (
            Completed | Confirmed,
            Input::RespondProvisional | Input::RespondSuccess | Input::RespondFailure,
        )
        | (Accepted, Input::RespondProvisional | Input::RespondFailure) => (state, &[]),
        // Timers that were stopped on the way here, or not started yet, do not fire.
        (Proceeding, Input::TimerG | Input::TimerH | Input::TimerI | Input::TimerL)
        | (Completed, Input::TryingTimer | Input::TimerI | Input::TimerL)
        | (Confirmed, Input::TryingTimer | Input::TimerG | Input::TimerH | Input::TimerL)
        | (Accepted, Input::TryingTimer | Input::TimerG | Input::TimerH | Input::TimerI) => {
            (state, &[])
        }
        (Terminated, _) => (Terminated, &[]),
    }
}

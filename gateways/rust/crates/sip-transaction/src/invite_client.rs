//! The INVITE client transaction (RFC 3261 section 17.1.1, as changed by RFC 6026 section 7.2).

use crate::event::Failure;
use crate::machine::{Action, Step};
use crate::timing::Timer;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Calling,
    Proceeding,
    Completed,
    Accepted,
    Terminated,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    Provisional,
    Success,
    Failure,
    TransportFailed,
    TimerA,
    TimerB,
    TimerD,
    TimerM,
    /// 64*T1 after our CANCEL.
    CancelledTimer,
    /// No response has come within the time that was given for the first.
    SilentTimer,
}

/// When the INVITE is sent: "start timer B with a value of 64*T1 seconds", and over UDP timer A.
pub(crate) const START: &[Action] = &[Action::Start(Timer::A), Action::Start(Timer::B)];

pub(crate) fn step(state: State, input: Input) -> Step<State> {
    use Action::{Abandon, Absorb, Acknowledge, Fail, Lengthen, PassUp, Resend, Start, Stop};
    use State::{Accepted, Calling, Completed, Proceeding, Terminated};
    match (state, input) {
        // "When timer A fires, the client transaction MUST retransmit the request [...] and MUST reset the timer with
        // a value of 2*T1."
        (Calling, Input::TimerA) => (Calling, &[Resend, Lengthen(Timer::A)]),
        // "If the client transaction is still in the "Calling" state when timer B fires, [it] SHOULD inform the TU
        // that a timeout has occurred."
        (Calling, Input::TimerB) => (Terminated, &[Fail(Failure::Timeout)]),
        // RFC 3263 section 4.3 lets a client try the next server after a time-out; 64*T1 is too long for a caller to
        // wait. The server may have heard us all the same, so what it says is still dealt with.
        (Calling, Input::SilentTimer) => (Calling, &[Fail(Failure::Timeout), Abandon]),
        (Calling | Proceeding, Input::TransportFailed) => (Terminated, &[Fail(Failure::Transport)]),
        // "If the client transaction receives a provisional response while in the "Calling" state, it transitions to
        // the "Proceeding" state. [There it] SHOULD NOT retransmit the request any longer. Furthermore, the
        // provisional response MUST be passed to the TU."
        (Calling, Input::Provisional) => (
            Proceeding,
            &[Stop(Timer::A), Stop(Timer::B), Stop(Timer::Silent), PassUp],
        ),
        (Proceeding, Input::Provisional) => (Proceeding, &[PassUp]),
        // RFC 6026 section 7.2: "When a 2xx response is received while in either the "Calling" or "Proceeding"
        // states, the client transaction MUST transition to the "Accepted" state [...] and MUST pass the 2xx to the
        // TU"; timer M is 64*T1.
        (Calling | Proceeding, Input::Success) => (
            Accepted,
            &[
                Stop(Timer::A),
                Stop(Timer::B),
                Stop(Timer::Cancelled),
                Stop(Timer::Silent),
                PassUp,
                Start(Timer::M),
            ],
        ),
        // "reception of a response with status code from 300-699 MUST cause the client transaction to transition to
        // "Completed". [It] MUST pass the received response up to the TU, and [...] MUST generate an ACK request."
        (Calling | Proceeding, Input::Failure) => (
            Completed,
            &[
                Stop(Timer::A),
                Stop(Timer::B),
                Stop(Timer::Cancelled),
                Stop(Timer::Silent),
                PassUp,
                Acknowledge,
                Start(Timer::D),
            ],
        ),
        // Section 9.1: if there is no final response within 64*T1 after the CANCEL, "the client SHOULD then consider
        // the original transaction cancelled".
        (Proceeding, Input::CancelledTimer) => (Terminated, &[Fail(Failure::Timeout)]),
        // "Any retransmissions of the final response that are received while in the "Completed" state MUST cause the
        // ACK to be re-passed to the transport layer for retransmission, but the newly received response MUST NOT be
        // passed up to the TU."
        (Completed, Input::Failure) => (Completed, &[Absorb, Acknowledge]),
        (Completed, Input::Provisional | Input::Success) => (Completed, &[Absorb]),
        // The transaction user has its final response; a failed ACK is repeated when the response is.
        (Completed, Input::TransportFailed) => (Completed, &[]),
        (Completed, Input::TimerD) => (Terminated, &[]),
        // RFC 6026: "Any 2xx responses that match this client transaction and that are received while in the
        // "Accepted" state MUST be passed up to the TU", and no other response.
        (Accepted, Input::Success) => (Accepted, &[PassUp]),
        (Accepted, Input::Provisional | Input::Failure) => (Accepted, &[Absorb]),
        (Accepted, Input::TransportFailed) => (Accepted, &[]),
        (Accepted, Input::TimerM) => (Terminated, &[]),
        // Timers that were stopped on the way here do not fire.
        (Calling, Input::TimerD | Input::TimerM | Input::CancelledTimer)
        | (Proceeding, Input::TimerA | Input::TimerB | Input::TimerD | Input::TimerM)
        | (Completed, Input::TimerA | Input::TimerB | Input::TimerM | Input::CancelledTimer)
        | (Accepted, Input::TimerA | Input::TimerB | Input::TimerD | Input::CancelledTimer)
        | (Proceeding | Completed | Accepted, Input::SilentTimer) => (state, &[]),
        (Terminated, _) => (Terminated, &[]),
    }
}

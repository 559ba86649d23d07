//! The server transaction of every method but INVITE and ACK (RFC 3261 section 17.2.2).

use crate::machine::{Action, Step};
use crate::timing::Timer;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    /// The request again.
    Request,
    RespondProvisional,
    RespondFinal,
    TimerJ,
    UnansweredTimer,
}

/// When the request arrives. The timer is not the RFC's: by then the client has given up (its timer F), and no
/// answer of ours would be heard (RFC 4320 section 4.2), so that an unanswered request does not stay for ever.
pub(crate) const START: &[Action] = &[Action::PassUp, Action::Start(Timer::Unanswered)];

pub(crate) fn step(state: State, input: Input) -> Step<State> {
    use Action::{Absorb, Repeat, Send, Start, Stop};
    use State::{Completed, Proceeding, Terminated, Trying};
    match (state, input) {
        // "Once in the "Trying" state, any further request retransmissions are discarded."
        (Trying, Input::Request) => (Trying, &[Absorb]),
        (Trying | Proceeding, Input::RespondProvisional) => (Proceeding, &[Send]),
        // "If a retransmission of the request is received while in the "Proceeding" state, the most recently sent
        // provisional response MUST be passed to the transport layer for retransmission."
        (Proceeding, Input::Request) => (Proceeding, &[Absorb, Repeat]),
        // "the final response [...] MUST be passed to the transport layer, and the server transaction MUST enter the
        // "Completed" state", with timer J for 64*T1 over UDP, zero otherwise.
        (Trying | Proceeding, Input::RespondFinal) => {
            (Completed, &[Stop(Timer::Unanswered), Send, Start(Timer::J)])
        }
        (Completed, Input::Request) => (Completed, &[Absorb, Repeat]),
        // "Any other final responses passed by the TU to the server transaction MUST be discarded".
        (Completed, Input::RespondProvisional | Input::RespondFinal) => (Completed, &[]),
        (Completed, Input::TimerJ) => (Terminated, &[]),
        (Trying | Proceeding, Input::UnansweredTimer) => (Terminated, &[]),
        // Timers that were stopped on the way here, or not started yet, do not fire.
        (Trying | Proceeding, Input::TimerJ) | (Completed, Input::UnansweredTimer) => (state, &[]),
        (Terminated, _) => (Terminated, &[]),
    }
}

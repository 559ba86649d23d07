//! The client transaction of every method but INVITE (RFC 3261 section 17.1.2).

use crate::event::Failure;
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
    Provisional,
    Final,
    TransportFailed,
    TimerE,
    TimerF,
    TimerK,
}

/// When the request is sent: "set timer F to fire in 64*T1 seconds", and over UDP timer E.
pub(crate) const START: &[Action] = &[Action::Start(Timer::E), Action::Start(Timer::F)];

pub(crate) fn step(state: State, input: Input) -> Step<State> {
    use Action::{Absorb, Fail, Lengthen, PassUp, Resend, Start, Stop};
    use State::{Completed, Proceeding, Terminated, Trying};
    match (state, input) {
        // "If timer E fires while in this state, the timer is reset, but this time with a value of MIN(2*T1, T2). [...]
        // When it fires again, MIN(4*T1, T2)"; in "Proceeding" the interval is T2, which is where it goes anyway.
        (Trying | Proceeding, Input::TimerE) => (state, &[Resend, Lengthen(Timer::E)]),
        (Trying | Proceeding, Input::TimerF) => (Terminated, &[Fail(Failure::Timeout)]),
        (Trying | Proceeding, Input::TransportFailed) => (Terminated, &[Fail(Failure::Transport)]),
        // "If a provisional response is received while in the "Trying" state, the response MUST be passed to the TU,
        // and then the client transaction SHOULD move to the "Proceeding" state."
        (Trying | Proceeding, Input::Provisional) => (Proceeding, &[PassUp]),
        // "If a final response (status codes 200-699) is received [...] the response MUST be passed to the TU, and the
        // client transaction MUST transition to the "Completed" state", with timer K for T4 over UDP.
        (Trying | Proceeding, Input::Final) => (
            Completed,
            &[Stop(Timer::E), Stop(Timer::F), PassUp, Start(Timer::K)],
        ),
        (Completed, Input::Provisional | Input::Final) => (Completed, &[Absorb]),
        (Completed, Input::TransportFailed) => (Completed, &[]),
        (Completed, Input::TimerK) => (Terminated, &[]),
        // Timers that were stopped on the way here, or not started yet, do not fire.
        (Trying | Proceeding, Input::TimerK) | (Completed, Input::TimerE | Input::TimerF) => {
            (state, &[])
        }
        (Terminated, _) => (Terminated, &[]),
    }
}

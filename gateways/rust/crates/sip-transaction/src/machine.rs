//! The words that the four machines have in common.

use crate::event::Failure;
use crate::timing::Timer;

/// What a machine wants done, in order. The messages themselves are the engine's affair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// Send the request again.
    Resend,
    /// Acknowledge the response at hand (RFC 3261 section 17.1.1.3).
    Acknowledge,
    /// Send the response at hand, which is the last one from now on.
    Send,
    /// Send the last response again; none yet: a 100.
    Repeat,
    /// Give the message at hand to the transaction user.
    PassUp,
    /// Tell the transaction user that it is over.
    Fail(Failure),
    /// Go on by itself: cancel it as soon as that is allowed, and tell of nothing but a 2xx.
    Abandon,
    /// Send a 100 of our own.
    Trying,
    Start(Timer),
    Stop(Timer),
    /// Start a retransmission timer again with its next, longer interval.
    Lengthen(Timer),
    /// Count a retransmission that ended here.
    Absorb,
}

/// A state to go to, and what is done on the way.
pub(crate) type Step<State> = (State, &'static [Action]);

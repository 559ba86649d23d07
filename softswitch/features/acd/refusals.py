"""Why an agent's phone was not answered, in the engine's words."""

from typing import Literal

from softswitch.kernel.cause import Cause

Why = Literal["busy", "refused", "unreachable", "no_answer"]
_WHY: dict[Cause, Why] = {
    Cause.USER_BUSY: "busy",
    Cause.NO_ANSWER: "no_answer",
    Cause.NO_USER_RESPONDING: "no_answer",
    Cause.SUBSCRIBER_ABSENT: "unreachable",
    Cause.DESTINATION_OUT_OF_ORDER: "unreachable",
}


def why_refused(cause: Cause) -> Why:
    """By the cause that the phones' refusal has."""
    return _WHY.get(cause, "refused")

"""Why a call ended: ITU-T Q.850 causes. Protocols map their own codes to these at their gateway."""

from enum import IntEnum


class Cause(IntEnum):
    """Q.850 cause values in use. `Cause.USER_BUSY.text` is the recommendation's wording in English."""

    UNALLOCATED_NUMBER = 1
    NO_ROUTE_TO_NETWORK = 2
    NO_ROUTE_TO_DESTINATION = 3
    NORMAL_CLEARING = 16
    USER_BUSY = 17
    NO_USER_RESPONDING = 18
    NO_ANSWER = 19
    SUBSCRIBER_ABSENT = 20
    CALL_REJECTED = 21
    NUMBER_CHANGED = 22
    REDIRECTED = 23
    """Redirection to new destination."""
    EXCHANGE_ROUTING_ERROR = 25
    ANSWERED_ELSEWHERE = 26
    """Q.850 value 26 is non-selected user clearing: another device of the same person took the call."""
    DESTINATION_OUT_OF_ORDER = 27
    INVALID_NUMBER_FORMAT = 28
    FACILITY_REJECTED = 29
    NORMAL_UNSPECIFIED = 31
    NO_CIRCUIT_AVAILABLE = 34
    NETWORK_OUT_OF_ORDER = 38
    TEMPORARY_FAILURE = 41
    SWITCH_CONGESTION = 42
    RESOURCE_UNAVAILABLE = 47
    INCOMING_CALLS_BARRED = 55
    BEARER_CAPABILITY_NOT_AUTHORIZED = 57
    BEARER_CAPABILITY_NOT_AVAILABLE = 58
    SERVICE_NOT_AVAILABLE = 63
    BEARER_CAPABILITY_NOT_IMPLEMENTED = 65
    RESTRICTED_BEARER_ONLY = 70
    SERVICE_NOT_IMPLEMENTED = 79
    NOT_IN_CLOSED_GROUP = 87
    INCOMPATIBLE_DESTINATION = 88
    INVALID_MESSAGE = 95
    RECOVERY_ON_TIMER_EXPIRY = 102
    PROTOCOL_ERROR = 111
    INTERWORKING = 127

    @property
    def text(self) -> str:
        """The cause in words, as logs and CDRs show it."""
        return self.name.lower().replace("_", " ")

    @classmethod
    def named(cls, text: str) -> "Cause":
        """Read a cause by its name (`user-busy`, `USER_BUSY`, `user busy`) or its Q.850 value (`17`).

        Raises ValueError naming the text.
        """
        if text.isascii() and text.isdigit():
            return cls(int(text))
        try:
            return cls[text.strip().upper().replace("-", "_").replace(" ", "_")]
        except KeyError:
            raise ValueError(f"{text!r} is no cause of ITU-T Q.850") from None

"""Q.850 causes and SIP statuses (RFC 3398), the Reason header (RFC 3326), and the phrases of statuses."""

from functools import lru_cache

from softswitch.kernel.cause import Cause

_STATUS = {
    # RFC 3398 section 7.2.4.1, where not said otherwise.
    Cause.UNALLOCATED_NUMBER: 404,
    Cause.NO_ROUTE_TO_NETWORK: 404,
    Cause.NO_ROUTE_TO_DESTINATION: 404,
    # 16 and 31 have no refusal of their own there: the call was cleared before it was answered.
    Cause.NORMAL_CLEARING: 480,
    Cause.USER_BUSY: 486,
    Cause.NO_USER_RESPONDING: 408,
    Cause.NO_ANSWER: 480,
    Cause.SUBSCRIBER_ABSENT: 480,
    Cause.CALL_REJECTED: 403,
    Cause.NUMBER_CHANGED: 410,
    Cause.REDIRECTED: 410,
    Cause.EXCHANGE_ROUTING_ERROR: 480,
    # The RFC says 404, which would be wrong of someone who took the call on another phone.
    Cause.ANSWERED_ELSEWHERE: 480,
    Cause.DESTINATION_OUT_OF_ORDER: 502,
    Cause.INVALID_NUMBER_FORMAT: 484,
    Cause.FACILITY_REJECTED: 501,
    Cause.NORMAL_UNSPECIFIED: 480,
    Cause.NO_CIRCUIT_AVAILABLE: 503,
    Cause.NETWORK_OUT_OF_ORDER: 503,
    Cause.TEMPORARY_FAILURE: 503,
    Cause.SWITCH_CONGESTION: 503,
    Cause.RESOURCE_UNAVAILABLE: 503,
    Cause.INCOMING_CALLS_BARRED: 403,
    Cause.BEARER_CAPABILITY_NOT_AUTHORIZED: 403,
    Cause.BEARER_CAPABILITY_NOT_AVAILABLE: 503,
    Cause.SERVICE_NOT_AVAILABLE: 503,
    Cause.BEARER_CAPABILITY_NOT_IMPLEMENTED: 488,
    Cause.RESTRICTED_BEARER_ONLY: 488,
    Cause.SERVICE_NOT_IMPLEMENTED: 501,
    Cause.NOT_IN_CLOSED_GROUP: 403,
    # The RFC says 503; here it is always "no codec in common", which SIP has its own status for.
    Cause.INCOMPATIBLE_DESTINATION: 488,
    Cause.INVALID_MESSAGE: 500,
    Cause.RECOVERY_ON_TIMER_EXPIRY: 504,
    Cause.PROTOCOL_ERROR: 500,
    Cause.INTERWORKING: 500,
}

_CAUSE = {
    # RFC 3398 section 8.2.6.1.
    301: Cause.NUMBER_CHANGED,
    400: Cause.TEMPORARY_FAILURE,
    401: Cause.CALL_REJECTED,
    402: Cause.CALL_REJECTED,
    403: Cause.CALL_REJECTED,
    404: Cause.UNALLOCATED_NUMBER,
    405: Cause.SERVICE_NOT_AVAILABLE,
    406: Cause.SERVICE_NOT_IMPLEMENTED,
    407: Cause.CALL_REJECTED,
    408: Cause.RECOVERY_ON_TIMER_EXPIRY,
    410: Cause.NUMBER_CHANGED,
    413: Cause.INTERWORKING,
    414: Cause.INTERWORKING,
    415: Cause.SERVICE_NOT_IMPLEMENTED,
    416: Cause.INTERWORKING,
    420: Cause.INTERWORKING,
    421: Cause.INTERWORKING,
    423: Cause.INTERWORKING,
    480: Cause.NO_USER_RESPONDING,
    481: Cause.TEMPORARY_FAILURE,
    482: Cause.EXCHANGE_ROUTING_ERROR,
    483: Cause.EXCHANGE_ROUTING_ERROR,
    484: Cause.INVALID_NUMBER_FORMAT,
    485: Cause.UNALLOCATED_NUMBER,
    486: Cause.USER_BUSY,
    487: Cause.NORMAL_CLEARING,
    488: Cause.INCOMPATIBLE_DESTINATION,
    500: Cause.TEMPORARY_FAILURE,
    501: Cause.SERVICE_NOT_IMPLEMENTED,
    502: Cause.NETWORK_OUT_OF_ORDER,
    503: Cause.TEMPORARY_FAILURE,
    504: Cause.RECOVERY_ON_TIMER_EXPIRY,
    505: Cause.INTERWORKING,
    513: Cause.INTERWORKING,
    600: Cause.USER_BUSY,
    603: Cause.CALL_REJECTED,
    604: Cause.UNALLOCATED_NUMBER,
    606: Cause.INCOMPATIBLE_DESTINATION,
}

BEYOND = {
    # RFC 8224 section 13: statuses whose phrases the engine does not know.
    428: "Use Identity Header",
    436: "Bad Identity Info",
    437: "Unsupported Credential",
    438: "Invalid Identity Header",
}

PHRASES = {
    **BEYOND,
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    493: "Undecipherable",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}


def status_of(cause: Cause) -> int:
    """The status that refuses a call for a cause."""
    return _STATUS.get(cause, 480)


def offer_refusal(cause: Cause, status: int | None) -> int:
    """The status that refuses an offer on a leg that is up; `status` where the other leg's is passed on."""
    if status is not None:
        return status
    # A refusal of the offer alone: what would say "this server is broken" says "not these media".
    return 491 if status_of(cause) == 491 else 488


def cause_of(status: int) -> Cause:
    """What a final response other than 2xx means."""
    cause = _CAUSE.get(status)
    if cause is None:
        # RFC 3261 section 8.1.3.2: an unknown status is as x00 of its class; 3xx, which are not followed here, and
        # the protocol's own complaints are interworking (RFC 3398: 127).
        cause = Cause.TEMPORARY_FAILURE if 500 <= status < 600 else Cause.INTERWORKING
    return cause


@lru_cache(maxsize=64)
def reason_of(cause: Cause, elsewhere: bool) -> str:
    """The Reason value of a CANCEL or BYE, or of a refusal (RFC 6432)."""
    if elsewhere:
        return 'SIP;cause=200;text="Call completed elsewhere"'
    return f'Q.850;cause={cause.value};text="{cause.text}"'


@lru_cache(maxsize=256)
def cause_said(reason: str | None) -> Cause | None:
    """The cause that a Reason value names; None when it names none."""
    if not reason:
        return None
    protocol, *parameters = reason.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        value = value.strip()
        if name.strip().lower() != "cause" or not value.isascii() or not value.isdigit():
            continue
        match protocol.strip().lower():
            case "q.850":
                return _q850(int(value))
            case "sip" if value == "200":
                return Cause.ANSWERED_ELSEWHERE
            case "sip":
                return _CAUSE.get(int(value))
    return None


def _q850(value: int) -> Cause | None:
    """A cause by its number. One that is not in use here is read as the class it belongs to (Q.850 section 2.2.7)."""
    if value in _VALUES:
        return Cause(value)
    return Cause(next(last for last in _CLASSES if value <= last)) if 0 < value < 128 else None


_CLASSES = (31, 47, 63, 79, 95, 111, 127)
"""The value of each class that says no more than the class."""
_VALUES = frozenset(cause.value for cause in Cause)

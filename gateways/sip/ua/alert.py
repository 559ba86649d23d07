"""How a phone is asked to ring, or to answer by itself: Alert-Info (RFC 3261 section 20.4, RFC 7462) and the
`answer-after` of Call-Info that desk phones have agreed on."""

from gateways._native import SipRequest
from softswitch.calls.signals import Alert


def read(request: SipRequest) -> Alert | None:
    """What a caller asks for. Of Alert-Info only a URN is taken: a URL would let a stranger make a phone fetch it."""
    ring, after = "", None
    value = request.header("Alert-Info")
    if value is not None:
        inside = value.partition("<")[2].partition(">")[0]
        ring = inside if inside.lower().startswith("urn:alert:") else ""
    value = request.header("Call-Info")
    if value is not None:
        for parameter in value.split(";")[1:]:
            name, _, seconds = parameter.partition("=")
            if name.strip().lower() == "answer-after" and seconds.strip().isdigit():
                after = min(int(seconds.strip()[:4]), 600)
    return Alert(after, ring) if ring or after is not None else None


def headers(alert: Alert, host: str) -> list[tuple[str, str]]:
    """What an INVITE says."""
    said = []
    if alert.answer_after is not None:
        said.append(("Call-Info", f"<sip:{host}>;answer-after={alert.answer_after}"))
        said.append(("Alert-Info", f"<http://{host}>;info=alert-autoanswer;delay={alert.answer_after}"))
    if alert.ring:
        said.append(("Alert-Info", f"<{alert.ring}>"))
    return said

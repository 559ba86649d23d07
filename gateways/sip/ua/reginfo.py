"""The registration event package (RFC 3680)."""

from collections.abc import Sequence
from hashlib import sha256

from gateways.sip.ua import markup
from softswitch.kernel.binding import Binding

EVENT = "reg"
MIME = "application/reginfo+xml"


def write(
    bindings: Sequence[Binding], before: Sequence[Binding], aor: str, account: str, wall_ms: int
) -> tuple[bytes, bytes]:
    """An account's bindings in full: the document before and behind its version.

    `before` are the bindings of the document before this one: those that are gone are listed a last time.
    """
    live = {binding.contact for binding in bindings}
    gone = [binding for binding in before if binding.contact not in live]
    contacts = "".join(_contact(binding, wall_ms, bound=True) for binding in bindings)
    contacts += "".join(_contact(binding, wall_ms, bound=False) for binding in gone)
    # Section 4.1: from `active` the last contact's end leads to `terminated`, which rests in `init`.
    state = "active" if bindings else "terminated" if gone else "init"
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="',
        (
            f'" state="full"><registration aor={markup.attribute(aor)} id={markup.attribute(f"r{account}")}'
            f' state="{state}">{contacts}</registration></reginfo>\n'
        ).encode(),
    )


def _contact(binding: Binding, wall_ms: int, *, bound: bool) -> str:
    name = sha256(binding.contact.encode()).hexdigest()[:16]
    left = max(0, -((wall_ms - binding.expires_at) // 1000))
    if bound:
        state = f'state="active" event="registered" expires="{left}"'
    else:
        state = f'state="terminated" event="{"unregistered" if left else "expired"}"'
    return f'<contact id="c{name}" {state} q="{binding.q:g}"><uri>{markup.text(binding.contact)}</uri></contact>'

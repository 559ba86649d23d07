"""Where a dialled party sends us instead of answering (a 3xx): its contacts, read as numbers to be dialled.

A contact's host is never followed. Its user part is dialled in the dialled party's name, so that a phone can send a
call nowhere that its owner could not have dialled.
"""

import re
from collections.abc import Iterable
from enum import Enum
from urllib.parse import unquote

_NUMBER = re.compile(r"[A-Za-z0-9*#+][A-Za-z0-9*#+._-]{0,63}")
_VISUAL = str.maketrans("", "", "-.()")
"""RFC 3966 section 5.1.1: they only make a number easier to read."""


class Redirects(Enum):
    """What becomes of a call that a party redirects."""

    FOLLOW = "follow"
    """Its contact is dialled, as the party's forward."""
    PASS = "pass"
    """The caller is told the contacts."""
    REFUSE = "refuse"
    """The call was not taken."""


def first_number(contacts: Iterable[str]) -> str:
    """The number of the first contact that has one; empty when none has."""
    return next((number for contact in contacts if (number := number_of(contact))), "")


def number_of(uri: str) -> str:
    """The number that a `sip:` or `tel:` URI names; empty when it names none that could be dialled."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "tel":
        number = rest.partition(";")[0].translate(_VISUAL)
    elif scheme.lower() in ("sip", "sips"):
        user, at, _ = rest.partition("@")
        number = unquote(user.partition(":")[0].partition(";")[0]) if at else ""
    else:
        return ""
    return number if _NUMBER.fullmatch(number) else ""

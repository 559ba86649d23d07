"""A box, its greetings, and who may open it."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from softswitch.kernel.errors import Invalid
from softswitch.kernel.watching import Mailbox

Greeting = Literal["busy", "absent", "temporary", "name"]
"""`temporary` is heard in place of `busy` and `absent` as long as it is there; `name` in what the switch says where
there is none of them."""
GREETINGS: tuple[Greeting, ...] = ("busy", "absent", "temporary", "name")
Language = Literal["", "en", "zh"]

PIN = re.compile(r"[0-9]{4,12}")
MOST_LISTED = 200
"""Boxes in a list."""
GREETING_SECONDS = 180
"""How long one may be."""


class Box(Struct, frozen=True, gc=False, kw_only=True):
    """Somebody's mailbox."""

    number: str
    """What it is called by: the number of its account, or one of its own."""
    account: str = ""
    """Whose phones show what waits, and may ask for it without a number; empty: nobody's."""
    name: str = ""
    pin: str = ""
    """Its argon2id hash; empty: nobody gets in by PIN."""
    skip_pin: bool = False
    """Whether phones of its account need no PIN."""
    language: Language = ""
    """What is said in; empty: the caller's."""
    timezone: str = "UTC"
    """By which the times of messages are said (IANA)."""
    greetings: Mapping[Greeting, str] = {}
    """Sound files below the data folder."""
    takes_unanswered: bool = False
    """Whether calls for its account that no phone takes come here, unless the account forwards them itself."""
    operator: str = ""
    """Where a caller gets by 0: `account/1000`; empty: nowhere."""
    most_messages: int = 100
    most_seconds: int = 180
    """Of one message."""
    most_total_seconds: int = 3600
    """Of all messages together."""
    silence_seconds: int = 8
    """A pause of this length ends a message; 0: none does."""
    keep_days: int = 0
    """After how many days a message is deleted; 0: never."""
    email: str = ""
    """Who is told of each message; empty: nobody."""
    email_sound: bool = True
    """Whether the sound is attached."""
    email_transcript: bool = False
    """Whether what was said is written beside it, where the switch understands speech."""
    email_then_delete: bool = False
    """Whether a message that was sent is deleted."""

    def greeting(self, busy: bool) -> str | None:
        """The sound file that greets a caller; None: the switch says something itself."""
        return self.greetings.get("temporary") or self.greetings.get("busy" if busy else "absent")


class List(Struct, frozen=True, gc=False, kw_only=True):
    """A number whose messages go to several boxes."""

    number: str
    name: str = ""
    boxes: tuple[str, ...] = ()


class Tally(Struct, frozen=True, gc=False):
    """What is in a box."""

    new: int = 0
    old: int = 0
    """And in all folders of one's own."""
    urgent_new: int = 0
    urgent_old: int = 0
    arriving: int = 0
    """Being recorded."""
    seconds: float = 0.0
    """Of all that is there."""

    @property
    def mailbox(self) -> Mailbox:
        """As lamps show it."""
        return Mailbox(self.new, self.old, self.urgent_new, self.urgent_old)

    def room(self, box: Box) -> float:
        """How many seconds of one more message fit; 0: none."""
        if self.new + self.old + self.arriving >= box.most_messages:
            return 0.0
        return max(0.0, min(box.most_seconds, box.most_total_seconds - self.seconds))


def is_busy(reason: str) -> bool:
    """Whether a reason that a call was sent on for (RFC 5806) is that its party talks, or wants to be left alone."""
    return reason in ("user-busy", "do-not-disturb")


def check_pin(box: str, pin: str) -> None:
    """Raises Invalid for a PIN that cannot be, or that whoever tries would try first."""
    if PIN.fullmatch(pin) is None:
        raise Invalid("pin", "four to twelve digits are needed")
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        raise Invalid("pin", f"{'one digit repeated' if steps == {0} else 'digits in a row'} would be guessed at once")
    if pin in box or box in pin:
        raise Invalid("pin", "the number of the box would be guessed at once")


def checked(box: Box) -> Box:
    """The same box. Raises Invalid naming the field that cannot be."""
    if box.email and re.fullmatch(r"[^\s@,;<>\x00-\x1f\x7f]{1,64}@[A-Za-z0-9.-]{1,190}", box.email) is None:
        raise Invalid("email", f"{box.email!r} is no e-mail address")
    if box.email_then_delete and not (box.email and box.email_sound):
        raise Invalid("email_then_delete", "a message is deleted only when its sound was sent to somebody")
    try:
        ZoneInfo(box.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("timezone", f"{box.timezone!r} is no time zone") from None
    if box.skip_pin and not box.account:
        raise Invalid("skip_pin", "a box that is no account's has no phones that could do without a PIN")
    return box

"""Codes that a party presses while it talks: which there are, and what its keys come to. Pure: told of keys, it says
what they mean."""

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct

from softswitch.calls.signals import Origin

MOST_DIGITS = 32


class Action(Enum):
    """What a code does."""

    BLIND = "blind-transfer"
    """Whom the party talks with goes to a number."""
    ATTENDED = "attended-transfer"
    """The party asks somebody at a number first; the code again brings it back."""
    CONFERENCE = "three-way"
    """While it asks somebody: all three talk."""
    RECORD = "recording"
    """The talk is recorded from now on, or no more."""
    ROOM = "room"
    """The parties go on in a conference room, where more can come."""


WANTS_NUMBER = frozenset((Action.BLIND, Action.ATTENDED))


class Code(Struct, frozen=True, gc=False):
    """One code."""

    keys: str
    """`##`, `*2`."""
    action: Action
    number: str = ""
    """Where to, for an action that wants a number; empty: the party presses it behind the code."""


class Keypad(Struct, frozen=True, gc=False):
    """What one party may press while it talks."""

    codes: Sequence[Code]
    """None begins with another."""
    rights: Origin
    """In whose name numbers are dialled."""
    key_seconds: float = 4.0
    """The longest time from one key of a code or number to the next."""


class Chosen(Struct, frozen=True, gc=False):
    """A code is complete, and its number, too, where it wants one."""

    code: Code
    number: str = ""


class NumberWanted(Struct, frozen=True, gc=False):
    """A code is complete, and its number is awaited."""

    code: Code


class GivenUp(Struct, frozen=True, gc=False):
    """The number never came."""

    code: Code


Meaning = Chosen | NumberWanted | GivenUp


class Keys:
    """What one party has pressed of a code, and then of its number."""

    __slots__ = ("_code", "_pressed", "keypad")

    def __init__(self, keypad: Keypad) -> None:
        self.keypad = keypad
        self._pressed = ""
        self._code: Code | None = None

    @property
    def number_awaited(self) -> bool:
        """Whether a code was pressed and its number is not whole yet."""
        return self._code is not None

    @property
    def waiting(self) -> bool:
        """Whether the time until the next key matters."""
        return self._code is not None or bool(self._pressed)

    def press(self, key: str, *, bare: bool = False) -> Meaning | None:
        """A key; None: it means nothing yet, or nothing at all. `bare`: no code wants a number now."""
        if self._code is not None:
            return self._next_of_number(self._code, key)
        pressed = self._pressed + key
        # Whoever mistakes a key begins anew with the next one: `1##` holds the code `##`, and so does `*##`.
        while pressed and not any(code.keys.startswith(pressed) for code in self.keypad.codes):
            pressed = pressed[1:]
        code = next((code for code in self.keypad.codes if code.keys == pressed), None)
        if code is None:
            self._pressed = pressed
            return None
        self._pressed = ""
        if bare or code.action not in WANTS_NUMBER:
            return Chosen(code)
        if code.number:
            return Chosen(code, code.number)
        self._code = code
        return NumberWanted(code)

    def time_out(self) -> Meaning | None:
        """The next key did not come in time: a number is whole by that, a code that was begun is forgotten."""
        pressed, code = self._pressed, self._code
        self._pressed, self._code = "", None
        if code is None:
            return None
        return Chosen(code, pressed) if pressed else GivenUp(code)

    def _next_of_number(self, code: Code, key: str) -> Meaning | None:
        if key == "#":  # the key that ends a number everywhere
            return self.time_out()
        self._pressed += key
        return self.time_out() if len(self._pressed) >= MOST_DIGITS else None

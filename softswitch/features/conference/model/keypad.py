"""The keys of a room: two each, `*6` or `#3`."""

from typing import Literal

Action = Literal["mute", "mute_guests", "lock", "layout", "content", "hand", "next_hand", "end", "help"]

KEYS: dict[str, Action] = {
    "*6": "mute",
    "*5": "mute_guests",
    "*7": "lock",
    "*8": "layout",
    "*4": "content",
    "*3": "hand",
    "*9": "next_hand",
    "#3": "end",
    "##": "help",
}
KEY_MS = 4000
"""The longest time from the first key to the second."""


class Keys:
    """What one member has pressed of a code."""

    __slots__ = ("_at", "_first")

    def __init__(self) -> None:
        self._first = ""
        self._at = 0

    def press(self, key: str, now: int) -> Action | None:
        """A key; None: it means nothing yet, or nothing at all."""
        first = self._first if now - self._at <= KEY_MS else ""
        action = KEYS.get(first + key) if first else None
        # Whoever mistakes a key begins anew with the next one: `**6` holds the code `*6`.
        self._first = "" if action is not None or key not in "*#" else key
        self._at = now
        return action

"""Codes that are pressed while one talks: which there are, and which cannot be. Pure."""

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from softswitch.calls.in_call import WANTS_NUMBER, Action, Code
from softswitch.kernel.errors import Invalid

KEYS = re.compile(r"[*#][0-9*#]{1,7}")
NUMBER = re.compile(r"([0-9*][0-9*]{0,31})?")
MOST_CODES = 50


class InCallCode(Struct, frozen=True, gc=False, kw_only=True):
    """A code as it is set."""

    name: str
    keys: str
    """`##`, `*2`: `*` or `#` first, so that no plain digit means anything to us."""
    action: Action
    number: str = ""
    """Where to, for a transfer; empty: it is pressed behind the code."""
    enabled: bool = True
    outside: bool = False
    """Whether parties behind trunks may press it, too, with the rights that calls from their trunk have."""
    note: str = ""


DEFAULTS: Mapping[str, InCallCode] = {
    code.name: code
    for code in (
        InCallCode(
            name="blind-transfer",
            keys="##",
            action=Action.BLIND,
            note="send whom you talk with to a number: ##1003, then # or a pause",
        ),
        InCallCode(
            name="attended-transfer",
            keys="*2",
            action=Action.ATTENDED,
            note="ask at a number first; hang up to transfer, *2 to go back",
        ),
        InCallCode(
            name="three-way",
            keys="*3",
            action=Action.CONFERENCE,
            note="while you ask somebody: all three talk together",
        ),
        InCallCode(name="park", keys="*4", action=Action.BLIND, number="*68", note="park whom you talk with"),
        InCallCode(name="room", keys="*5", action=Action.ROOM, note="go on in a conference room, where more can come"),
        InCallCode(name="recording", keys="*1", action=Action.RECORD, note="record from now on, or no more"),
    )
}
"""What there is unless somebody sets it otherwise."""


def together(stored: Mapping[str, InCallCode]) -> Mapping[str, InCallCode]:
    """All codes by name: those that were set, and what there is anyway."""
    return {**DEFAULTS, **stored}


def checked(codes: Mapping[str, InCallCode]) -> Mapping[str, InCallCode]:
    """The same codes. Raises Invalid naming the field of the one that cannot be."""
    if len(codes) > MOST_CODES:
        raise Invalid("name", f"at most {MOST_CODES} codes")
    enabled = [code for code in codes.values() if code.enabled]
    for code in codes.values():
        if KEYS.fullmatch(code.keys) is None:
            raise Invalid("code", f"{code.keys!r} is no code: * or # and one to seven of 0-9 * #")
        if NUMBER.fullmatch(code.number) is None:
            raise Invalid("number", f"{code.number!r} cannot be pressed: digits and *, 32 at most")
        if code.number and code.action not in WANTS_NUMBER:
            raise Invalid("number", f"{code.action.value} wants no number")
    for one in enabled:
        for other in enabled:
            if one is not other and other.keys.startswith(one.keys):
                raise Invalid("code", f"{one.keys} ({one.name}) would never let {other.keys} ({other.name}) be heard")
    return codes


def of_party(codes: Mapping[str, InCallCode], *, outside: bool) -> Sequence[Code]:
    """What a party may press."""
    return tuple(
        Code(code.keys, code.action, code.number)
        for code in codes.values()
        if code.enabled and (code.outside or not outside)
    )

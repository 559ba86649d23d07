"""A person as it is written down: what the API takes and gives, and what is stored."""

import re
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid, NotFound

STRATEGIES = ("simultaneous", "sequential", "cyclic")
SKIPS = ("busy", "do-not-disturb", "away")
HIDDEN = "anonymous"
"""In a list of callers: those who hide their number."""
_NO_FINAL = frozenset(
    ("dialplan", "arrival", "setting", "person-setting", "calendar", "callback", "withheld", "speeddial")
)
"""What depends on who has dialled it."""
MOST_DEVICES = 20
MOST_CALLERS = 1000
_CALLER = re.compile(r"[A-Za-z0-9+#][A-Za-z0-9+#._-]*\*?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NUMBER = re.compile(r"[A-Za-z0-9*#+][A-Za-z0-9*#+._-]{0,63}")


class Device(Struct, frozen=True, gc=False, kw_only=True):
    """Where a person can be rung: the phones of an account, or an outside number by a trunk."""

    name: str
    """Unique with its person."""
    account: str = ""
    trunk: str = ""
    number: str = ""
    """As the trunk's number is dialled."""
    enabled: bool = True
    order: int = 1
    """Those of a lower order ring first, those of the same together; it counts unless all ring at once."""
    ring_seconds: int = 20
    delay_seconds: int = 0
    """How long the others of its turn ring before it; at most, while one of them still rings."""
    confirm: bool = False
    """Whoever answers must press 1 before it has the call."""
    language: str = ""
    """In which it is asked; empty: in the caller's."""
    while_open: str = ""
    """It rings only while this calendar is open."""
    while_closed: str = ""
    callers: tuple[str, ...] = ()
    """It rings only for these callers: a number, the beginning of one (`+49*`), or `anonymous`; empty: for all."""
    not_callers: tuple[str, ...] = ()
    """It does not ring for these."""
    skip_when: tuple[str, ...] = ("do-not-disturb",)
    """It does not ring while its account is so: `busy`, `do-not-disturb`, `away`."""


class Person(Struct, frozen=True, gc=False, kw_only=True):
    """Somebody with one number."""

    number: str
    name: str = ""
    owner: str = ""
    """The account whose codes set this, and with whose rights calls go out and on; empty: nobody's."""
    strategy: str = "simultaneous"
    devices: tuple[Device, ...] = ()
    rounds: int = 3
    """How often a cyclic person's devices ring at most."""
    seconds: int = 120
    """How long they ring at most, all in all."""
    final: str = ""
    """Where a call goes that nobody took: `voicemail/1001`, `queue/sales`, `person/7002`; empty: nowhere."""
    final_number: str = ""
    """The same as a number, which the owner dials."""


def checked(person: Person) -> Person:
    """The same person. Raises Invalid naming the field that cannot be."""
    if person.strategy not in STRATEGIES:
        raise Invalid("strategy", f"{person.strategy!r} is none of {', '.join(STRATEGIES)}")
    if len(person.devices) > MOST_DEVICES:
        raise Invalid("devices", f"at most {MOST_DEVICES}")
    names = set[str]()
    for device in person.devices:
        if device.name in names:
            raise Invalid(f"devices.{device.name}", "there are two of this name")
        names.add(device.name)
        _check_device(device)
    for field, least, most in (("rounds", 1, 20), ("seconds", 5, 600)):
        _within(field, getattr(person, field), least, most)
    if person.final and person.final_number:
        raise Invalid("final_number", "stands alone: leave out final")
    if person.final_number and not person.owner:
        raise Invalid("final_number", "is dialled by the owner: name one")
    if person.final_number and _NUMBER.fullmatch(person.final_number) is None:
        raise Invalid("final_number", f"{person.final_number!r} is no number")
    if person.final:
        try:
            final = Destination.parse(person.final)
        except ValueError as error:
            raise Invalid("final", str(error)) from None
        if final.kind in _NO_FINAL:
            raise Invalid("final", f"nothing goes on to {final.kind}: a number is `final_number`")
        if final == Destination("person", person.number):
            raise Invalid("final", "leads back to this person")
    return person


def _check_device(device: Device) -> None:
    where = f"devices.{device.name}"
    if _NAME.fullmatch(device.name) is None:
        raise Invalid(where, "a name is 1 to 64 letters, digits, dots, dashes and underscores")
    if bool(device.account) == bool(device.trunk):
        raise Invalid(where, "has either an account, or a trunk and a number")
    if bool(device.trunk) != bool(device.number):
        raise Invalid(f"{where}.number", "an outside number needs a trunk, and a trunk a number")
    if device.number and _NUMBER.fullmatch(device.number) is None:
        raise Invalid(f"{where}.number", f"{device.number!r} is no number")
    for field, least, most in (("order", 1, 100), ("ring_seconds", 3, 300), ("delay_seconds", 0, 300)):
        _within(f"{where}.{field}", getattr(device, field), least, most)
    if device.language not in ("", "en", "zh"):
        raise Invalid(f"{where}.language", f"{device.language!r} is none of en, zh")
    for field in ("callers", "not_callers"):
        some = getattr(device, field)
        if len(some) > MOST_CALLERS:
            raise Invalid(f"{where}.{field}", f"at most {MOST_CALLERS}")
        for caller in some:
            if _CALLER.fullmatch(caller) is None:
                raise Invalid(f"{where}.{field}", f"{caller!r} is no number, such as 1001 or +49*")
    for skip in device.skip_when:
        if skip not in SKIPS:
            raise Invalid(f"{where}.skip_when", f"{skip!r} is none of {', '.join(SKIPS)}")


def _within(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise Invalid(field, f"is not from {least} to {most}")


def is_among(caller: str, callers: tuple[str, ...]) -> bool:
    """Whether a caller (empty: hidden) is in a list."""
    if not caller:
        return HIDDEN in callers
    return any(caller.startswith(each[:-1]) if each.endswith("*") else caller == each for each in callers)


def with_device(person: Person, device: Device) -> Person:
    """Add a device, or put it in the place of the one of its name."""
    if any(other.name == device.name for other in person.devices):
        return replace(
            person, devices=tuple(device if other.name == device.name else other for other in person.devices)
        )
    return replace(person, devices=(*person.devices, device))


def without_device(person: Person, name: str) -> Person:
    """Take a device out. Raises NotFound."""
    if all(other.name != name for other in person.devices):
        raise NotFound(f"device of {person.number}", name)
    return replace(person, devices=tuple(other for other in person.devices if other.name != name))


def dialled(person: Person, setting: str, value: str) -> Person:
    """The person after its owner has set something by phone.

    `strategy` takes one by name, `device-on` and `device-off` the place of a device among all, counted from 1, and
    `final` a number, or nothing. Raises Invalid naming what cannot be.
    """
    match setting:
        case "strategy":
            return replace(person, strategy=value)
        case "device-on" | "device-off":
            place = int(value) if value.isascii() and value.isdigit() and len(value) <= 2 else 0
            if not 1 <= place <= len(person.devices):
                raise Invalid(setting, f"there are devices 1 to {len(person.devices)}")
            return _switched(person, place, on=setting == "device-on")
        case "final":
            return replace(person, final="", final_number=value)
        case _:
            raise Invalid(setting, "this is nothing that a person can set")


def _switched(person: Person, place: int, *, on: bool) -> Person:
    devices = [replace(each, enabled=on) if number == place else each for number, each in enumerate(person.devices, 1)]
    return replace(person, devices=tuple(devices))


def check_finals(person: Person, others: Callable[[str], Person | None]) -> None:
    """Raises Invalid where calls that nobody takes would go round from person to person."""
    seen, following = {person.number}, person
    while following.final:
        kind, name = Destination.parse(following.final)
        known = others(name) if kind == "person" else None
        if kind == "person" and name in seen:
            raise Invalid("final", f"leads back to person {name}")
        if known is None:
            return
        seen.add(name)
        following = known

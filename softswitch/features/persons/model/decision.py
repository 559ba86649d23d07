"""Who of a person's devices rings for a call, in which turn and for how long; and who does not, and why.

One function says it, to live calls and to whoever asks beforehand. All that it goes by are its arguments.
"""

from collections.abc import Callable
from itertools import groupby

from msgspec import Struct

from softswitch.events import RoutingStep
from softswitch.features.persons.model.document import Device, Person, is_among
from softswitch.kernel.cause import Cause
from softswitch.kernel.errors import NotFound
from softswitch.kernel.opening import Opening


class AccountState(Struct, frozen=True, gc=False, kw_only=True):
    """How things stand with an account."""

    enabled: bool = True
    registered: bool = True
    """Whether there is a phone to ring, or to wake."""
    busy: bool = False
    second_call: bool = True
    """Whether its phones ring for a second call."""
    do_not_disturb: bool = False
    away: str = ""
    """What its presence says of its absence: `away`, `meal`; empty: nothing."""
    refuses_hidden: bool = False
    """Whether it takes no calls from hidden numbers."""


class Situation(Struct, frozen=True):
    """What a decision goes by, beside the person itself."""

    at: int
    """Wall milliseconds."""
    caller: str
    """The caller's number; empty: hidden."""
    own: str
    """The account that calls; empty: none."""
    account: Callable[[str], AccountState | None]
    """How things stand with an account; None: there is none."""
    trunk: Callable[[str, str], str | None]
    """Why a trunk would not take a number now, in words; None: it would."""
    opening: Callable[[str, int], Opening]
    """Whether a calendar is open at a moment. Raises NotFound."""


Turn = tuple[Device, ...]
"""Devices that ring together, each after its delay and for its time."""


class Decision(Struct, frozen=True, gc=False):
    """What becomes of a call for a person."""

    turns: tuple[Turn, ...]
    """One round of them, in order; none: nobody can be rung."""
    steps: tuple[RoutingStep, ...]
    """The strategy, then each device in the order in which they were looked at."""


def decide(person: Person, now: Situation) -> Decision:
    """Who rings."""
    steps: list[RoutingStep] = []
    ringing: list[Device] = []
    for device in _in_order(person):
        why = _why_not(device, now)
        if why is None:
            ringing.append(device)
        else:
            steps.append(RoutingStep(_path(person, device), "skipped", why))
    if person.strategy == "simultaneous":
        turns: tuple[Turn, ...] = (tuple(ringing),) if ringing else ()
    else:
        turns = tuple(tuple(turn) for _, turn in groupby(ringing, key=lambda device: device.order))
    for number, turn in enumerate(turns, 1):
        steps += [RoutingStep(_path(person, device), "matched", _how(device, number, len(turns))) for device in turn]
    return Decision(turns, (_strategy(person, len(ringing)), *steps))


def _in_order(person: Person) -> list[Device]:
    if person.strategy == "simultaneous":
        return list(person.devices)
    return sorted(person.devices, key=lambda device: device.order)


def _path(person: Person, device: Device) -> str:
    return f"person/{person.number}.{device.name}"


def _strategy(person: Person, ringing: int) -> RoutingStep:
    path = f"person/{person.number}"
    if not ringing:
        return RoutingStep(path, "failed", f"none of its {len(person.devices)} devices can be rung now")
    said = f"{person.strategy}: {ringing} of its {len(person.devices)} devices for {person.seconds} s at most"
    if person.strategy == "cyclic":
        said += f" and {person.rounds} rounds"
    return RoutingStep(path, "matched", said)


def _how(device: Device, turn: int, turns: int) -> str:
    where = f"account {device.account}" if device.account else f"{device.number} by trunk {device.trunk}"
    said = f"{where} rings for {device.ring_seconds} s"
    if turns > 1:
        said = f"turn {turn}: {said}"
    if device.delay_seconds:
        said += f", {device.delay_seconds} s after the others"
    return said + (", and must press 1" if device.confirm else "")


def _why_not(device: Device, now: Situation) -> str | None:
    """Why a device does not ring, in words; None: it rings."""
    if not device.enabled:
        return "it is switched off"
    if device.account and device.account == now.own:
        return f"{device.account} is who calls"
    caller = now.caller or "a hidden number"
    if device.callers and not is_among(now.caller, device.callers):
        return f"it does not ring for {caller}"
    if is_among(now.caller, device.not_callers):
        return f"it never rings for {caller}"
    return _why_not_now(device, now) or (
        _why_not_account(device, now) if device.account else now.trunk(device.trunk, device.number)
    )


def _why_not_now(device: Device, now: Situation) -> str | None:
    for name, wanted in ((device.while_open, True), (device.while_closed, False)):
        if not name:
            continue
        try:
            opening = now.opening(name, now.at)
        except NotFound as missing:
            return str(missing)
        if opening.open is not wanted:
            return f"calendar {name} is {'open' if opening.open else 'closed'} ({opening.reason})"
    return None


def _why_not_account(device: Device, now: Situation) -> str | None:
    state, account = now.account(device.account), device.account
    if state is None:
        return f"there is no account {account}"
    if not state.enabled:
        return f"account {account} is disabled"
    if state.refuses_hidden and not now.caller:
        return f"{account} takes no calls from hidden numbers"
    if state.do_not_disturb and "do-not-disturb" in device.skip_when:
        return f"{account} does not want to be disturbed"
    if state.away and "away" in device.skip_when:
        return f"{account} is away ({state.away})"
    if state.busy and "busy" in device.skip_when:
        return f"{account} is on a call"
    if state.busy and not state.second_call:
        return f"{account} is on a call and takes no second one"
    if not state.registered:
        return f"no phone of {account} is registered"
    return None


def final_step(person: Person, cause: Cause | None) -> RoutingStep:
    """Where a call goes that nobody took, as a step. `cause`: what the best of the devices said; None: none rang."""
    why = "nobody can be rung" if cause is None else f"nobody took the call ({cause.text})"
    path, onward = f"person/{person.number}.final", _onward(person)
    if not onward:
        return RoutingStep(path, "failed", f"{why}, and the call goes nowhere else")
    return RoutingStep(path, "matched", f"{why}: {onward}")


def later_step(person: Person) -> tuple[RoutingStep, ...]:
    """The same beforehand, of a call that rings; none: it would go nowhere else."""
    onward = _onward(person)
    path = f"person/{person.number}.final"
    return (RoutingStep(path, "matched", f"when nobody takes the call: {onward}"),) if onward else ()


def _onward(person: Person) -> str:
    if person.final_number:
        return f"on to {person.final_number}, dialled by {person.owner}"
    return f"on to {person.final}" if person.final else ""

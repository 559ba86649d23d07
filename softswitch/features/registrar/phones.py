"""An account's phones: where they are, how they ring, and how those that sleep are woken."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import Target
from softswitch.calls.target import target_of
from softswitch.engine.caller import Caller, Candidate, DialOutcome
from softswitch.features.registrar.model import asleep, chosen
from softswitch.kernel.address import Party
from softswitch.kernel.binding import Binding, PushTarget
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.kernel.media import Srtp
from softswitch.ports.location import Location, PushNotifier


class WatchedLocation(Location, Protocol):
    """Where accounts are, and a word when that changes."""

    async def changed(self, aor: str) -> None:
        """Return when the bindings of an account are replaced next."""
        ...


def candidates_of(
    number: str, location: Location, rules: LegRules | None = None, srtp: Srtp = Srtp.OFF
) -> list[Candidate]:
    """The phones of an account that can be rung now, by its `rules`, and whether their sound is encrypted."""
    return _candidates(number, chosen(location.bindings(number)), rules, srtp)


def _candidates(number: str, bindings: Sequence[Binding], rules: LegRules | None, srtp: Srtp) -> list[Candidate]:
    destination = Destination("account", number)
    if rules is None and srtp is Srtp.OFF:
        return [Candidate(target_of(binding), destination, number) for binding in bindings]
    return [Candidate(target_of(binding), destination, number, rules=rules, srtp=srtp) for binding in bindings]


def _plain(number: str) -> Srtp:
    return Srtp.OFF


class Phones:
    """The phones of accounts, as whoever has a call for an account sees them."""

    def __init__(
        self,
        location: WatchedLocation,
        notifier: PushNotifier | None = None,
        wake_seconds: float = 10.0,
        srtp: Callable[[str], Srtp] = _plain,
    ) -> None:
        """`wake_seconds`: how long a phone may take to come back once the push service was asked to wake it. `srtp`
        says whether the sound of an account's phones is encrypted."""
        self._srtp = srtp
        self._location = location
        self._notifier = notifier
        self._wake_seconds = wake_seconds

    def registered(self, number: str) -> bool:
        """Whether there is a phone to ring, or to wake."""
        bindings = self._location.bindings(number)
        return bool(chosen(bindings)) or (self._notifier is not None and bool(asleep(bindings)))

    def awake(self, number: str, rules: LegRules | None = None) -> Sequence[Candidate]:
        """Those that can be rung now, by the account's rules of signalling."""
        return self._candidates(number, chosen(self._location.bindings(number)), rules)

    def sleeps(self, number: str) -> bool:
        """Whether one of them must be woken before it can be rung."""
        return self._notifier is not None and bool(asleep(self._location.bindings(number)))

    async def woken(self, number: str, caller: Party, rules: LegRules | None = None) -> Sequence[Candidate]:
        """Have those that sleep woken for a call from `caller`, and give those that come back in time."""
        awake = chosen(self._location.bindings(number))
        targets = self.wake(number, caller, "call")
        return self._candidates(number, await self._woken(number, targets, awake), rules) if targets else ()

    def targets(self, number: str) -> Sequence[Target]:
        """How each of them is reached."""
        return [target_of(binding) for binding in chosen(self._location.bindings(number))]

    def wake(self, number: str, caller: Party, why: str) -> Collection[PushTarget]:
        """Have those that sleep woken, because of `caller`; `why` is `call`, `message` or `mailbox`. Gives whom."""
        if self._notifier is None:
            return ()
        targets = [binding.push for binding in asleep(self._location.bindings(number)) if binding.push is not None]
        for target in targets:
            self._notifier.wake(target, number, caller, why)
        return targets

    async def rouse(self, number: str, caller: Party) -> None:
        """Have those that sleep woken for a message from `caller`, and wait until one is back, or the time is up. At
        once where none sleeps."""
        awake = any(each.push is None for each in chosen(self._location.bindings(number)))
        if not self.wake(number, caller, "message") or awake:
            return
        with contextlib.suppress(TimeoutError):  # then it is tried as it is
            async with asyncio.timeout(self._wake_seconds):
                while True:
                    await self._location.changed(number)
                    if chosen(self._location.bindings(number)):
                        return

    async def ring(
        self, caller: Caller, number: str, ring_seconds: float, rules: LegRules | None = None
    ) -> DialOutcome:
        """Ring all phones of an account at once by its rules, or the one that the caller asked for by its GRUU; those
        that must be woken join in as they come back, also when those that were awake have refused. Raises
        Rejected(SUBSCRIBER_ABSENT) when there is none."""
        device = caller.to.device
        bindings = self._location.bindings(number)
        awake, sleeping = chosen(bindings, device), asleep(bindings, device)
        if sleeping and self._notifier is not None:
            return await self._wake_and_ring(self._notifier, caller, number, ring_seconds, awake, sleeping, rules)
        if not awake:
            raise Rejected(Cause.SUBSCRIBER_ABSENT, f"no phone of {number} is registered")
        return await caller.dial(self._candidates(number, awake, rules), ring_seconds)

    def _candidates(self, number: str, bindings: Sequence[Binding], rules: LegRules | None) -> list[Candidate]:
        return _candidates(number, bindings, rules, self._srtp(number))

    async def _wake_and_ring(
        self,
        notifier: PushNotifier,
        caller: Caller,
        number: str,
        ring_seconds: float,
        awake: Sequence[Binding],
        sleeping: Sequence[Binding],
        rules: LegRules | None,
    ) -> DialOutcome:
        """RFC 8599 section 5.3: ask the push service, and let the call wait for the REGISTER that follows."""
        targets = [binding.push for binding in sleeping if binding.push is not None]
        for target in targets:
            notifier.wake(target, number, caller.from_, "call")
        if not awake:
            woken = await self._woken(number, targets, awake)
            if not woken:
                raise Rejected(Cause.SUBSCRIBER_ABSENT, f"no phone of {number} has woken up")
            return await caller.dial(self._candidates(number, woken, rules), ring_seconds)
        loop = asyncio.get_running_loop()
        until = loop.time() + ring_seconds
        waking = loop.create_task(self._woken(number, targets, awake))

        def join(woken: "asyncio.Task[Sequence[Binding]]") -> None:
            if not woken.cancelled():
                caller.also(self._candidates(number, woken.result(), rules))

        waking.add_done_callback(join)
        try:
            outcome = await caller.dial(self._candidates(number, awake, rules), ring_seconds)
            if outcome.answered or waking.done() or outcome.contacts or (outcome.status or 0) >= 600:
                return outcome
            # One phone that refuses does not speak for the one that was asked to wake up.
            waking.remove_done_callback(join)
            await asyncio.wait((waking,), timeout=until - loop.time())
            woken = waking.result() if waking.done() else ()
            if not woken:
                return outcome
            return await caller.dial(self._candidates(number, woken, rules), until - loop.time())
        finally:
            waking.cancel()

    async def _woken(self, number: str, targets: Collection[PushTarget], rung: Sequence[Binding]) -> Sequence[Binding]:
        """The bindings of those phones once one of them has come back by a way that is not rung already; none: none has
        in time."""
        ways = {(binding.source, binding.connection) for binding in rung}
        try:
            async with asyncio.timeout(self._wake_seconds):
                while True:
                    back = [
                        binding
                        for binding in chosen(self._location.bindings(number))
                        if binding.push in targets and (binding.source, binding.connection) not in ways
                    ]
                    if back:
                        return back
                    await self._location.changed(number)
        except TimeoutError:
            return ()

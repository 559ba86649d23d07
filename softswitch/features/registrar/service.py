"""Where accounts are now: the `Location` port, in memory.

A change marks its account; `writer.py` stores what is marked. A refresh costs a few dictionary steps.
"""

import asyncio
import heapq
from collections.abc import Callable, Mapping, Sequence

from softswitch.events import AccountRegistered, AccountUnregistered, Fact
from softswitch.features.registrar.model import unbound
from softswitch.kernel.binding import Binding
from softswitch.kernel.clock import Clock


class Registrations:
    """The bindings of all accounts."""

    def __init__(self, clock: Clock, publish: Callable[[Fact], None]) -> None:
        self._clock = clock
        self._publish = publish
        self._bindings: dict[str, tuple[Binding, ...]] = {}
        self._count = 0
        self._watchers: dict[str, list[asyncio.Future[None]]] = {}
        """Who waits for a change of an account's bindings."""
        self._by_flow: dict[int, set[str]] = {}
        """Accounts by the sockets and connections that their bindings came by."""
        self._marked: set[str] = set()
        self._on_marked: Callable[[], None] = lambda: None
        # Accounts by when the first of their bindings may run out. A refresh leaves its account's entry where it is,
        # and the entry moves on when it comes up: so there are about as many as accounts, however often they refresh.
        self._expiries: list[tuple[int, str]] = []
        self._watched: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0
        """When the timer was set to ring, wall milliseconds."""
        self._stored_until: dict[str, int] = {}
        """Until when an account's bindings hold as they are stored."""

    # The Location port ----------------------------------------------------------------------------------

    def bindings(self, aor: str) -> Sequence[Binding]:
        """The bindings of an account that have not expired, in order of preference (q, then newest)."""
        bindings = self._bindings.get(aor, ())
        if bindings:
            now = self._clock.wall_ms()
            for binding in bindings:
                if binding.expires_at <= now:
                    return tuple(live for live in bindings if live.expires_at > now)
        return bindings

    def replace(self, aor: str, bindings: Sequence[Binding]) -> None:
        """Make these the account's bindings. Facts tell of contacts that are new, moved or gone."""
        before = self._bindings.get(aor, ())
        self._put(aor, bindings)
        if self._watchers and aor in self._watchers:
            for waiting in self._watchers.pop(aor):
                if not waiting.done():
                    waiting.set_result(None)
        if len(before) == len(bindings) == 1:
            old, new = before[0], bindings[0]
            if old.contact == new.contact and old.source == new.source:
                # A refresh, which is nearly all that ever comes. One that adds less than a quarter to what is stored
                # is not stored: phones that register twice a minute to keep a NAT open would write all day long.
                gained = new.expires_at - self._stored_until.get(aor, 0)
                if gained * 4 > new.expires_at - self._clock.wall_ms():
                    self._mark(aor)
                return
        self._mark(aor)
        self._tell(before, bindings)

    def flow_failed(self, connection: int) -> None:
        """A socket or connection is gone. Each binding that came by it is tried another way, if there is one."""
        for aor in sorted(self._by_flow.pop(connection, ())):
            bindings = self._bindings.get(aor, ())
            if any(binding.connection == connection for binding in bindings):
                self._put(aor, [unbound(b) if b.connection == connection else b for b in bindings])
                self._mark(aor)

    async def changed(self, aor: str) -> None:
        """Return when the bindings of an account are replaced next."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watchers.setdefault(aor, []).append(waiting)
        try:
            await waiting
        finally:
            others = [other for other in self._watchers.get(aor, ()) if other is not waiting]
            if others:
                self._watchers[aor] = others
            else:
                self._watchers.pop(aor, None)

    # What else is done with them ------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many bindings there are."""
        return self._count

    def sources(self) -> list[tuple[str, int]]:
        """Where the phones are that are registered: address, and until when (wall milliseconds)."""
        return [(binding.source.host, binding.expires_at) for known in self._bindings.values() for binding in known]

    def page(self, after: tuple[str, str] | None, limit: int) -> list[Binding]:
        """Live bindings in order of account and contact, from behind `after`."""
        first = after[0] if after else ""
        aors = heapq.nsmallest(limit + 1, (aor for aor in self._bindings if aor >= first))
        found = [
            binding
            for aor in aors
            for binding in sorted(self.bindings(aor), key=lambda binding: binding.contact)
            if after is None or (aor, binding.contact) > after
        ]
        return found[:limit]

    def forget(self, aor: str) -> None:
        """Remove all bindings of an account."""
        if aor in self._bindings:
            self.replace(aor, ())

    def start(self, loaded: Mapping[str, tuple[Binding, ...]], on_marked: Callable[[], None]) -> None:
        """Take up what was stored, and from now on call `on_marked` when something is to be stored."""
        for aor, bindings in loaded.items():
            self._put(aor, bindings)
            self._stored_until[aor] = max(binding.expires_at for binding in bindings)
        self._on_marked = on_marked
        self._arm()

    def take_marked(self, most: int) -> dict[str, tuple[Binding, ...]]:
        """What changed since it was last taken, by account: at most `most` of them."""
        taken: dict[str, tuple[Binding, ...]] = {}
        while self._marked and len(taken) < most:
            aor = self._marked.pop()
            taken[aor] = bindings = self._bindings.get(aor, ())
            if bindings:
                self._stored_until[aor] = max(binding.expires_at for binding in bindings)
            else:
                self._stored_until.pop(aor, None)
        return taken

    def mark_again(self, aors: Sequence[str]) -> None:
        """What was taken could not be stored: it is to be taken again."""
        self._marked.update(aors)

    def stop(self) -> None:
        """Watch expiries no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def expire(self) -> None:
        """Remove the bindings that have run out. A timer calls this when the first does."""
        now = self._clock.wall_ms()
        while self._expiries and self._expiries[0][0] <= now:
            at, aor = heapq.heappop(self._expiries)
            if self._watched.get(aor) != at:
                continue
            del self._watched[aor]
            before = self._bindings.get(aor, ())
            live = tuple(binding for binding in before if binding.expires_at > now)
            if len(live) == len(before):
                self._watch(aor, live)
                continue
            self._put(aor, live)
            self._mark(aor)
            for binding in before:
                if binding.expires_at <= now:
                    self._publish(
                        AccountUnregistered(at=now, aor=aor, contact=binding.contact, reason="expired"),
                    )
        self._arm()

    # Inside ---------------------------------------------------------------------------------------------

    def _put(self, aor: str, bindings: Sequence[Binding]) -> None:
        self._count += len(bindings) - len(self._bindings.get(aor, ()))
        if not bindings:
            self._bindings.pop(aor, None)
            return
        if len(bindings) == 1:
            self._bindings[aor] = tuple(bindings)
        else:
            self._bindings[aor] = tuple(sorted(bindings, key=lambda binding: (-binding.q, -binding.expires_at)))
        self._watch(aor, bindings)
        for binding in bindings:
            if binding.connection is not None:
                self._by_flow.setdefault(binding.connection, set()).add(aor)

    def _watch(self, aor: str, bindings: Sequence[Binding]) -> None:
        if not bindings:
            return
        earliest = min(binding.expires_at for binding in bindings) if len(bindings) > 1 else bindings[0].expires_at
        watched = self._watched.get(aor)
        if watched is None or earliest < watched:
            self._watched[aor] = earliest
            heapq.heappush(self._expiries, (earliest, aor))
            if earliest < self._rings_at and self._timer is not None:
                self._arm()

    def _arm(self) -> None:
        self.stop()
        # Between expiries the timer still rings once in a while: wall clocks are set, and monotonic ones are not.
        now = self._clock.wall_ms()
        self._rings_at = now + 60_000
        if self._expiries:
            self._rings_at = min(self._rings_at, max(now, self._expiries[0][0]))
        self._timer = asyncio.get_running_loop().call_later((self._rings_at - now + 1) / 1000, self.expire)

    def _mark(self, aor: str) -> None:
        if not self._marked:
            self._on_marked()
        self._marked.add(aor)

    def _tell(self, before: Sequence[Binding], after: Sequence[Binding]) -> None:
        now = self._clock.wall_ms()
        old = {binding.contact: binding for binding in before}
        for binding in after:
            known = old.pop(binding.contact, None)
            if known is None or known.source != binding.source:
                self._publish(
                    AccountRegistered(
                        at=now,
                        aor=binding.aor,
                        contact=binding.contact,
                        source=str(binding.source),
                        user_agent=binding.user_agent,
                        expires_at=binding.expires_at,
                    )
                )
        for gone in old.values():
            self._publish(AccountUnregistered(at=now, aor=gone.aor, contact=gone.contact, reason="removed"))

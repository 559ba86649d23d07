"""Who gets into a room: by PIN, as a member that is set, or as anybody where it is open."""

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from softswitch.engine.caller import Caller, Keys
from softswitch.events import Fact, MemberRole, RoomRefused
from softswitch.features.conference import store
from softswitch.features.conference.model.rules import Rules, role_by_pin, role_of_account
from softswitch.features.conference.needs import WriteBehind
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import NotFound
from softswitch.kernel.guesses import LONGEST_MS, MOST_REMEMBERED, Guesses
from softswitch.platform.database import Database

TRIES = 3
"""In one call."""
WRONG_AT_ROOM = 20
"""How many wrong PINs a room takes, from whomever, before none is compared there for a time."""
MOST_KEY = 200
"""Characters of a caller by which it is known again."""
PIN_KEYS = Keys(most=12, first_within=10.0, next_within=5.0)


class Admitted(Struct, frozen=True, gc=False):
    """Somebody may come in."""

    role: MemberRole
    account: str
    """Whose phone it is; empty: no account's."""


class Door:
    """Of all rooms. Wrong PINs count by room and by caller; a member that is set, at its own phone, needs none, and so
    gets in while somebody guesses."""

    def __init__(self, clock: Clock, publish: Callable[[Fact], None], written: WriteBehind) -> None:
        """Wrong PINs are `written` behind, so that a guesser wins nothing by a restart."""
        self._clock = clock
        self._publish = publish
        self._written = written
        self._at_rooms = Guesses(allowed=WRONG_AT_ROOM, changed=self._counted)
        self._by_callers = Guesses(changed=self._counted)

    async def read(self, database: Database) -> None:
        """What was counted before: once, before the first call. What is too old to count is deleted."""
        async with database.session() as session:
            await store.forget_guesses(session, self._clock.wall_ms() - LONGEST_MS)
            self.take(await store.guesses(session, 2 * MOST_REMEMBERED))

    def take(self, known: Sequence[tuple[str, int, int]]) -> None:
        """So many were wrong before, by whom or at which room, and the last then; the oldest first."""
        for guesses, kind in ((self._at_rooms, "room/"), (self._by_callers, "caller/")):
            guesses.restore(each for each in known if each[0].startswith(kind))

    def _counted(self, key: str, wrong: int, last_at: int) -> None:
        if wrong:
            self._written.add(store.GUESSES, (key, wrong, last_at))
        else:
            self._written.add(store.GUESSES_OVER, (key,))

    def locked(self, room: str) -> bool:
        """Whether nobody gets into a room by PIN now."""
        return self._at_rooms.locked((f"room/{room}",), self._clock.wall_ms())

    def unlock(self, room: str) -> None:
        """Wrong PINs for a room are forgotten, and stay counted by who keyed them in."""
        self._at_rooms.right((f"room/{room}",))

    def unlock_caller(self, number: str) -> None:
        """Wrong PINs of an account or number are forgotten, at all rooms. Raises NotFound where none are counted."""
        keys = tuple(key for key in self._by_callers.counted() if number in key.split("/", 3)[2:])
        if not keys:
            raise NotFound("caller whose wrong PINs are counted", number)
        self._by_callers.right(keys)

    async def admit(self, caller: Caller, rules: Rules) -> Admitted | None:
        """Ask a caller for what it needs; None: it does not get in, and has heard why."""
        own = caller.origin.kind == "account" and caller.routed_as == caller.origin
        account = caller.origin.name if own else ""
        listed = role_of_account(rules, account)
        if listed is not None:
            return Admitted(listed, account)
        if not rules.pin:
            return await self._maybe_host(caller, rules, account)
        for _ in range(TRIES):
            keyed = await caller.gather("conference/enter-pin", keys=PIN_KEYS)
            if not keyed.digits:
                continue
            role = self._look(caller, rules, keyed.digits)
            if role == "locked":
                await caller.play("conference/locked-out")
                return None
            if role != "wrong":
                return Admitted(role, account)
            await caller.play("conference/wrong-pin")
        await caller.play("conference/goodbye")
        return None

    async def _maybe_host(self, caller: Caller, rules: Rules, account: str) -> Admitted | None:
        """Guests need no PIN here; who has the host's may key it in."""
        if not rules.host_pin:
            return Admitted("guest", account)
        keys = Keys(most=12, least=0, first_within=3.0, next_within=5.0)
        keyed = await caller.gather("conference/host-pin-or-hash", keys=keys)
        if not keyed.digits:
            return Admitted("guest", account)
        role = self._look(caller, rules, keyed.digits)
        if role == "host":
            return Admitted("host", account)
        await caller.play("conference/locked-out" if role == "locked" else "conference/wrong-pin")
        return None if role == "locked" else Admitted("guest", account)

    def _look(self, caller: Caller, rules: Rules, pin: str) -> MemberRole | Literal["wrong", "locked"]:
        now = self._clock.wall_ms()
        room = (f"room/{rules.number}",)
        who = (f"caller/{caller.origin.kind}/{caller.origin.name}/{caller.from_.number}"[:MOST_KEY],)
        if self._at_rooms.locked(room, now) or self._by_callers.locked(who, now):
            self.refused(caller, rules, "locked_out")
            return "locked"
        role = role_by_pin(rules, pin)
        if role is not None:
            # What was guessed wrong stays counted: a room of one's own must not wipe out what one guessed elsewhere.
            return role
        locked = self._at_rooms.wrong(room, now)
        locked = self._by_callers.wrong(who, now) or locked
        self.refused(caller, rules, "locked_out" if locked else "wrong_pin")
        return "locked" if locked else "wrong"

    def refused(
        self, caller: Caller, rules: Rules, reason: Literal["wrong_pin", "locked_out", "locked", "full", "not_now"]
    ) -> None:
        """Record that somebody did not get in."""
        self._publish(
            RoomRefused(
                at=self._clock.wall_ms(),
                room=rules.number,
                of_call=caller.call,
                by=f"{caller.origin.kind}/{caller.origin.name}",
                from_number=caller.from_.number,
                reason=reason,
            )
        )

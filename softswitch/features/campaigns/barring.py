"""Numbers that nobody calls, whatever list they are in."""

from collections.abc import Sequence

from softswitch.features.campaigns import store
from softswitch.features.campaigns.model.rules import canonical, check_number
from softswitch.features.campaigns.needs import Log
from softswitch.features.campaigns.store import Barred
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import NotFound
from softswitch.platform.changes import count_change
from softswitch.platform.database import Session


class Barring:
    """All of them. Memory changes when a change is stored."""

    def __init__(self, clock: Clock, written: Log, changed: str) -> None:
        """`changed`: what these are called among the `Changes`."""
        self._clock = clock
        self._log = written
        self._changed = changed
        self._barred: set[str] = set()

    def __contains__(self, number: str) -> bool:
        return canonical(number) in self._barred

    async def load(self, session: Session) -> None:
        """Read all of them."""
        self._barred = await store.all_barred(session)

    def told(self, number: str, agent: str, campaign: str) -> None:
        """Somebody has told an agent never to call it again."""
        self._barred.add(canonical(number))
        barred = Barred(number, f"told {agent} of {campaign}", agent, self._clock.wall_ms())
        self._log.add(store.BARRED, store.barred_row(barred))

    async def add(self, session: Session, numbers: Sequence[str], reason: str, by: str) -> None:
        """Nobody calls these from now on. Raises Invalid."""
        for number in numbers:
            check_number(number, "numbers")
        now = self._clock.wall_ms()
        await store.bar(session, [Barred(number, reason, by, now) for number in numbers])
        await count_change(session, self._changed)
        session.after_commit(lambda: self._barred.update(map(canonical, numbers)))

    async def page(self, session: Session, after: str, most: int) -> Sequence[Barred]:
        """Some of the numbers, in the order of `compared`, from behind one on."""
        return await store.barred(session, after, most)

    @staticmethod
    def compared(number: str) -> str:
        """A number as it is compared with others."""
        return canonical(number)

    async def remove(self, session: Session, number: str) -> None:
        """It may be called again. Raises NotFound."""
        if not await store.unbar(session, number):
            raise NotFound("barred number", number)
        await count_change(session, self._changed)
        session.after_commit(lambda: self._barred.discard(canonical(number)))

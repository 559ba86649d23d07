"""Who supervises whom, who may, and what was ordered."""

from collections.abc import Callable, Mapping, Sequence

from softswitch.features.supervision import store
from softswitch.features.supervision.model import Act, Order, Rights
from softswitch.features.supervision.needs import Accounts, Supervision, Switchboard
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound, NotPermitted
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

CHANGED = "supervision"
"""What rights are called among the `Changes`."""
MOST_ORDERS = 1000


class Supervisors:
    """All supervisions, by the supervisor's call."""

    def __init__(self, switchboard: Switchboard, accounts: Accounts) -> None:
        self._switchboard = switchboard
        self._accounts = accounts
        self._rights: Mapping[str, Rights] = {}
        self._orders: dict[CallId, Order] = {}
        """Of calls whose supervisors have not answered yet."""
        self._running: dict[CallId, tuple[Order, Supervision]] = {}

    # Rights -------------------------------------------------------------------------------------------------

    async def load(self, database: Database) -> None:
        """Read who may: before the first call, and again when another process has changed it."""
        async with database.reading() as session:
            self._rights = await store.all_rights(session)

    def all_rights(self) -> Sequence[Rights]:
        """By account."""
        return [self._rights[account] for account in sorted(self._rights)]

    def rights(self, account: str) -> Rights:
        """What an account may. Raises NotFound where it may nothing."""
        found = self._rights.get(account)
        if found is None:
            raise NotFound("supervisor", account)
        return found

    async def set_rights(self, session: Session, rights: Rights) -> None:
        await store.write(session, rights)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take({**self._rights, rights.account: rights}))

    async def remove_rights(self, session: Session, account: str) -> None:
        """An account may supervise nobody any more; what it is at goes on. Raises NotFound."""
        self.rights(account)
        await store.remove(session, account)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take({name: each for name, each in self._rights.items() if name != account}))

    async def forget(self, session: Session, account: str) -> None:
        """An account is gone."""
        if account in self._rights:
            await self.remove_rights(session, account)

    def _take(self, rights: Mapping[str, Rights]) -> None:
        self._rights = rights

    # Orders -------------------------------------------------------------------------------------------------

    def order(
        self, call: CallId, leg: LegId | None, by: str, act: Act, ordered_by: str, *, auto_answer: bool = False
    ) -> CallId:
        """Ring an account's phones, and let who answers supervise a party of a call: gives its own call.

        Raises NotFound, and Conflict where the party cannot be supervised, or too many phones ring for it.
        """
        watched = self._switchboard.may_be_supervised(call, leg)
        self._orders = {own: order for own, order in self._orders.items() if self._switchboard.lives(own)}
        if len(self._orders) >= MOST_ORDERS:
            raise Conflict("too-many", "too many supervisors' phones ring already")
        own = self._switchboard.ring(by, by, Destination("supervise", act), auto_answer=auto_answer)
        self._orders[own] = Order(by=by, leg=watched, act=act, ordered_by=ordered_by)
        return own

    def ordered(self, own: CallId) -> Order | None:
        """What was ordered of a supervisor's call that was made for it."""
        return self._orders.pop(own, None)

    def dialled(self, by: str, act: Act, number: str) -> Order:
        """What an account wants that dials a code. Raises NotPermitted, and NotFound where nobody is to be heard."""
        rights = self._rights.get(by)
        if rights is None:
            raise NotPermitted(f"{by} may not supervise anybody")
        refusal = rights.refusal(act, number, self._accounts.groups_of(number))
        if refusal:
            raise NotPermitted(refusal)
        leg = self._switchboard.talk_of(number)
        if leg is None:
            raise NotFound("talk of", number)
        return Order(by=by, leg=leg, act=act, acts=rights.acts)

    # Under way ----------------------------------------------------------------------------------------------

    def begin(self, own: CallId, order: Order, over: Callable[[str], None]) -> None:
        """Let the caller of a call supervise as was ordered; `over` is told once when that ends. Raises NotFound and
        Conflict."""

        def ended(reason: str) -> None:
            self._running.pop(own, None)
            over(reason)

        mode = "listen" if order.act == "take-over" else order.act
        supervision = self._switchboard.supervise(own, order.leg, mode, ordered_by=order.ordered_by, over=ended)
        self._running[own] = order, supervision
        if order.act == "take-over":
            try:
                supervision.take_over()
            except Conflict:
                supervision.end("left")
                raise

    def press(self, own: CallId, act: Act) -> None:
        """The supervisor presses a key. Raises NotPermitted, Conflict, and NotFound when it is over."""
        order, _ = self._found(own)
        if act not in order.acts:
            raise NotPermitted(f"{order.by} may not {act}")
        self.change(own, act)

    def change(self, own: CallId, act: Act, ordered_by: str = "") -> None:
        """Change the mode of a supervision, or let the supervisor take the party's place. Raises NotFound and
        Conflict."""
        _, supervision = self._found(own)
        if act == "take-over":
            supervision.take_over()
        else:
            supervision.change(act, ordered_by)

    def leave(self, own: CallId) -> None:
        """The supervisor hears the call no more."""
        if own in self._running:
            self._running[own][1].end("left")

    def stop(self, own: CallId) -> None:
        """End one by order. Raises NotFound."""
        self._found(own)[1].end("left")

    def all(self) -> Sequence[tuple[CallId, Order, Supervision]]:
        """Those under way, by the supervisors' calls."""
        return [(own, *self._running[own]) for own in sorted(self._running)]

    def _found(self, own: CallId) -> tuple[Order, Supervision]:
        found = self._running.get(own)
        if found is None:
            raise NotFound("supervision", own)
        return found

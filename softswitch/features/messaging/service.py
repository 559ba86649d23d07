"""Takes messages, stores them, and delivers them in order: the `Messages` port.

A message is on disk before its sender is told that it is taken. Each account's messages go one after the other, so
that they arrive in the order in which they were taken; accounts do not wait for each other.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from softswitch.calls.signals import Origin, Target
from softswitch.events import AccountRegistered, Fact, MessageDelivered, MessageExpired, MessageRefused, MessageSent
from softswitch.features.messaging import store
from softswitch.features.messaging.model import (
    CPIM,
    DELIVERED,
    EXPIRED,
    REFUSED,
    WAITING,
    StoredMessage,
    note_of,
    read_cpim,
    worth_keeping,
    write_note,
)
from softswitch.features.messaging.needs import Accounts, Devices, Store
from softswitch.kernel.address import Party
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, NotFound, SwitchError
from softswitch.kernel.messages import Delivery, Taken, TextMessage
from softswitch.platform.database import Session
from softswitch.ports.messages import Courier

log = structlog.get_logger(__name__)

LIFETIME_SECONDS = 7 * 24 * 3600
"""How long a message waits for a device; its sender may ask for less."""
KEPT_SECONDS = 30 * 24 * 3600
"""How long a message that was delivered (or not) is remembered."""
MOST_WAITING = 100
"""Messages that wait for one account."""
MOST_AT_WORK = 500
"""Messages that are being taken or delivered at one time."""
ANSWER_SECONDS = 3.0
"""How long a sender waits for a delivery before it is told that the message is kept."""
RETRY_SECONDS = 60.0
"""Between tries at a device that is registered and says nothing."""
SWEEP_SECONDS = 60.0
_BATCH = 20


class Messaging:
    """All messages of the switch."""

    def __init__(
        self,
        accounts: Accounts,
        devices: Devices,
        store: Store,
        clock: Clock,
        publish: Callable[[Fact], None],
        host: str,
    ) -> None:
        """`host` is the switch's name in the URIs of notes."""
        self._accounts = accounts
        self._devices = devices
        self._store = store
        self._clock = clock
        self._publish = publish
        self._host = host
        self._courier: Courier | None = None
        self._waiting: dict[str, int] = {}
        """How many messages wait, by account."""
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        """Accounts whose worker is to look once more before it stops."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcomes: dict[int, asyncio.Future[str]] = {}
        """Who waits to hear what becomes of a message."""
        self._roused: dict[str, int] = {}
        """The newest message that an account's sleeping devices were woken for, while some wait."""
        self._retries: dict[str, asyncio.TimerHandle] = {}

    def connect(self, courier: Courier) -> None:
        """Deliver by `courier` from now on."""
        self._courier = courier

    async def start(self) -> None:
        """Look at what waits from before, and watch its expiry from now on."""
        self._waiting = dict(await self._store.counts())
        self._spawn(self._sweep())
        for account in self._waiting:
            self._work(account)

    async def stop(self) -> None:
        """Deliver no more; what waits is stored."""
        for handle in self._retries.values():
            handle.cancel()
        self._retries.clear()
        tasks = [*self._tasks, *self._workers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # What parties and administrators say ----------------------------------------------------------------

    def received(
        self, origin: Origin, message: TextMessage, lifetime: int | None, decided: Callable[[Taken], None]
    ) -> None:
        """An account sends a message (`Messages.received`)."""
        if len(self._tasks) >= MOST_AT_WORK:
            decided(Taken.UNABLE)
            return
        self._spawn(self._decide(message, lifetime, decided))

    async def send(self, message: TextMessage, lifetime: int | None = None) -> StoredMessage:
        """Take a message: it is stored when this returns, and on its way.

        Raises NotFound for an unknown account, Conflict when too many wait for it.
        """
        account = self._accounts.account(message.to)
        if account is None or not account.enabled:
            raise NotFound("account", message.to)
        waiting = self._waiting.get(message.to, 0)
        if waiting >= MOST_WAITING:
            raise Conflict("too-many-messages", f"{waiting} messages wait for {message.to} already")
        # Counted before it is stored: many that come at once must not pass the limit together.
        self._count(message.to, 1)
        now = self._clock.wall_ms()
        seconds = LIFETIME_SECONDS if lifetime is None else min(lifetime, LIFETIME_SECONDS)
        try:
            stored = await self._store.add(message, now, now + 1000 * seconds)
        except BaseException:
            self._count(message.to, -1)
            raise
        self._outcomes[stored.id] = asyncio.get_running_loop().create_future()
        self._publish(
            MessageSent(
                at=now,
                message=stored.id,
                from_number=message.from_.number,
                to_account=message.to,
                content_type=message.content_type,
            )
        )
        self._work(message.to)
        return stored

    async def forget(self, session: Session, account: str) -> None:
        """The account is deleted: a later one of the same number must not get its messages."""
        await store.remove(session, account)

        def uncount() -> None:
            self._waiting.pop(account, None)

        session.after_commit(uncount)

    def hear_registration(self, fact: Fact) -> None:
        """A device came: deliver what waits for it."""
        assert isinstance(fact, AccountRegistered)
        if fact.aor in self._waiting:
            self._work(fact.aor)

    # Taking ---------------------------------------------------------------------------------------------

    async def _decide(self, message: TextMessage, lifetime: int | None, decided: Callable[[Taken], None]) -> None:
        try:
            decided(await self._take(message, lifetime))
        except SwitchError as error:
            log.error("a message could not be stored", error=str(error))
            decided(Taken.UNABLE)
        except Exception:
            log.exception("a message could not be taken")
            decided(Taken.UNABLE)

    async def _take(self, message: TextMessage, lifetime: int | None) -> Taken:
        if not worth_keeping(message) or lifetime == 0:
            account = self._accounts.account(message.to)
            if account is None or not account.enabled:
                return Taken.NO_SUCH_ACCOUNT
            said = await self._give(message)
            return Taken.DELIVERED if said is Delivery.DELIVERED else Taken.OFFLINE
        try:
            stored = await self.send(message, lifetime)
        except NotFound:
            return Taken.NO_SUCH_ACCOUNT
        except Conflict:
            return Taken.FULL
        outcome = self._outcomes[stored.id]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                state = await outcome
        except TimeoutError:
            state = WAITING
        if state == WAITING:
            await self._note(stored, WAITING, on_behalf=False)
        # A refusal by the device comes too late to be told as one: the note of it, if asked for, has been sent.
        return Taken.DELIVERED if state == DELIVERED else Taken.KEPT

    # Delivering -----------------------------------------------------------------------------------------

    def _work(self, account: str) -> None:
        handle = self._retries.pop(account, None)
        if handle is not None:
            handle.cancel()
        if account in self._workers:
            self._again.add(account)
            return
        task = asyncio.get_running_loop().create_task(self._deliver_all(account), name=f"messages for {account}")
        self._workers[account] = task

    async def _deliver_all(self, account: str) -> None:
        try:
            while True:
                self._again.discard(account)
                more = await self._deliver_some(account)
                if not more and account not in self._again:
                    return
        except SwitchError as error:
            log.error("messages could not be read; they are tried again", account=account, error=str(error))
            self._retry(account)
        finally:
            del self._workers[account]

    async def _deliver_some(self, account: str) -> bool:
        """Deliver what waits, oldest first; gives whether there may be more that can be delivered now."""
        batch = await self._store.waiting(account, _BATCH)
        if batch and batch[-1].id > self._roused.get(account, 0):
            # Once for a message: a phone that is switched off is not to be called for week after week.
            self._roused[account] = batch[-1].id
            await self._devices.rouse(account, batch[-1].message.from_)
        for stored in batch:
            if stored.expires_at <= self._clock.wall_ms():
                await self._finish(stored, EXPIRED)
                continue
            if not self._devices.targets(account):
                self._told(stored.id, WAITING)
                return False
            said = await self._give(stored.message)
            on_behalf = False
            if said is Delivery.NOT_UNDERSTOOD:
                bare = _bare(stored.message)
                if bare is not None:
                    said, on_behalf = await self._give(bare), True
            if said is Delivery.DELIVERED:
                await self._finish(stored, DELIVERED, on_behalf=on_behalf)
            elif said is Delivery.UNREACHABLE:
                self._told(stored.id, WAITING)
                self._retry(account)
                return False
            else:
                await self._finish(stored, REFUSED)
        return len(batch) == _BATCH

    async def _give(self, message: TextMessage) -> Delivery:
        """Give a message to all devices of its account at once; the best answer counts."""
        assert self._courier is not None, "connect() comes before messages"
        targets: Sequence[Target] = self._devices.targets(message.to)
        if not targets:
            return Delivery.UNREACHABLE
        loop = asyncio.get_running_loop()
        best: asyncio.Future[Delivery] = loop.create_future()
        answers: list[Delivery] = []

        def heard(said: Delivery) -> None:
            answers.append(said)
            if best.done():
                return
            if said is Delivery.DELIVERED:
                best.set_result(said)
            elif len(answers) == len(targets):
                best.set_result(next(kind for kind in _BEST_FIRST if kind in answers))

        for target in targets:
            self._courier.deliver(target, message, heard)
        return await best

    def _retry(self, account: str) -> None:
        if account not in self._retries:
            loop = asyncio.get_running_loop()
            self._retries[account] = loop.call_later(RETRY_SECONDS, self._work, account)

    async def _finish(self, stored: StoredMessage, state: str, *, on_behalf: bool = False) -> None:
        now = self._clock.wall_ms()
        await self._store.finish(stored.id, state, now)
        self._count(stored.message.to, -1)
        fact = {DELIVERED: MessageDelivered, EXPIRED: MessageExpired, REFUSED: MessageRefused}[state]
        self._publish(fact(at=now, message=stored.id, to_account=stored.message.to))
        self._told(stored.id, state)
        await self._note(stored, state, on_behalf=on_behalf)

    async def _note(self, stored: StoredMessage, state: str, *, on_behalf: bool) -> None:
        """Send the note of delivery that is owed, as a message to the sender."""
        asked = read_cpim(stored.message)
        note = note_of(asked, state, on_behalf=on_behalf)
        if note is None or asked is None:
            return
        sender, recipient = stored.message.from_.number, stored.message.to
        body = write_note(
            note, asked, f"sip:{recipient}@{self._host}", f"sip:{sender}@{self._host}", self._clock.wall_ms()
        )
        try:
            await self.send(TextMessage(Party(recipient), sender, CPIM, body))
        except (NotFound, Conflict) as error:
            log.info("a note of delivery has no taker", to=sender, reason=str(error))

    # Inside ---------------------------------------------------------------------------------------------

    def _told(self, message: int, state: str) -> None:
        outcome = self._outcomes.pop(message, None)
        if outcome is not None and not outcome.done():
            outcome.set_result(state)

    def _count(self, account: str, more: int) -> None:
        count = self._waiting.get(account, 0) + more
        if count > 0:
            self._waiting[account] = count
        else:
            self._waiting.pop(account, None)
            self._roused.pop(account, None)

    async def _sweep(self) -> None:
        while True:
            try:
                now = self._clock.wall_ms()
                for stored in await self._store.expired(now, 100):
                    # One that is being delivered right now is its worker's.
                    if stored.message.to not in self._workers:
                        await self._finish(stored, EXPIRED)
                await self._store.purge(now - 1000 * KEPT_SECONDS)
            except SwitchError as error:
                log.warning("messages that wait in vain could not be looked for", error=str(error))
            await asyncio.sleep(SWEEP_SECONDS)

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_BEST_FIRST = (Delivery.DELIVERED, Delivery.UNREACHABLE, Delivery.NOT_UNDERSTOOD, Delivery.REFUSED)
"""Of several devices' answers: as long as one may still take it, the message waits."""


def _bare(message: TextMessage) -> TextMessage | None:
    """A CPIM message's content alone, for a device that does not know CPIM; None where there is none to show."""
    inner = read_cpim(message)
    if inner is None or inner.notification:
        return None
    return TextMessage(message.from_, message.to, inner.content_type, inner.content)

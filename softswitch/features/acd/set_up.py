"""Queues and agents as they are set: in memory for calls, changed by HTTP. Memory changes when a change is stored."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence

from msgspec import structs

from softswitch.features.acd import store
from softswitch.features.acd.model.inputs import AgentRemoved, AgentSet, Input, QueueRemoved, QueueSet
from softswitch.features.acd.model.settings import (
    AgentSettings,
    QueueSettings,
    check_agent_settings,
    check_queue_settings,
)
from softswitch.features.acd.model.wish import Wish
from softswitch.features.acd.needs import Accounts, Calendars, Places
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

CHANGED = "queues"
"""What these are called among the `Changes`."""


class SetUp(ABC):
    """The part of `Queues` that knows what is set, and changes it."""

    def __init__(self, accounts: Accounts, calendars: Calendars, places: Places) -> None:
        self._accounts = accounts
        self._calendars = calendars
        self._places = places
        self._queues: dict[str, QueueSettings] = {}
        self._agents: dict[str, AgentSettings] = {}

    @abstractmethod
    def set(self, told: Input) -> None:
        """Tell the engine what is set."""

    @abstractmethod
    def talks(self, agent: str) -> bool:
        """Whether an agent is in a call."""

    async def read(self, database: Database) -> None:
        """Read all of them: before the first call, and again when another process has changed some."""
        async with database.reading() as session:
            queues, agents = await store.all_queues(session), await store.all_agents(session)
        for name in self._queues.keys() - queues.keys():
            self._forget_queue(name)
        for queue in queues.values():
            if self._queues.get(queue.name) != queue:
                self._take_queue(queue)
        for agent_id in self._agents.keys() - agents.keys():
            self._forget_agent(agent_id)
        for agent in agents.values():
            if self._agents.get(agent.id) != agent:
                self._take_agent(agent)

    # What is set ------------------------------------------------------------------------------------------

    def settings(self, queue: str) -> QueueSettings | None:
        return self._queues.get(queue)

    def names(self) -> Collection[str]:
        """Of all queues."""
        return self._queues.keys()

    def queues(self, after: str | None, most: int) -> Sequence[QueueSettings]:
        """Some of them by name, from behind one on."""
        names = sorted(name for name in self._queues if after is None or name > after)
        return [self._queues[name] for name in names[:most]]

    def agent_settings(self, agent: str) -> AgentSettings | None:
        return self._agents.get(agent)

    def agents(self, after: str | None, most: int) -> Sequence[AgentSettings]:
        """Some of them by id, from behind one on."""
        ids = sorted(each for each in self._agents if after is None or each > after)
        return [self._agents[each] for each in ids[:most]]

    def agent_of(self, account: str) -> str | None:
        """Who signs on by an account's feature codes."""
        return next((agent.id for agent in self._agents.values() if account and agent.account == account), None)

    def users_of(self, calendar: str) -> Sequence[str]:
        """Whose hours are those of a calendar."""
        return [f"queue {queue.name}" for queue in self._queues.values() if queue.calendar == calendar]

    def why_not(self, destination: str) -> str | None:
        """Why nobody can wait at `queue/…`, in words; None: one can."""
        try:
            wish = Wish.parse(destination)
        except Invalid as wrong:
            return str(wrong)
        return None if wish.queue in self._queues else f"there is no queue {wish.queue!r}"

    # What is changed --------------------------------------------------------------------------------------

    async def create_queue(self, session: Session, queue: QueueSettings) -> QueueSettings:
        """Add a queue. Raises Conflict and Invalid."""
        if queue.name in await store.all_queues(session):
            raise Conflict("exists", f"there is a queue {queue.name} already")
        return await self._set_queue(session, queue)

    async def change_queue(
        self, session: Session, name: str, edit: Callable[[QueueSettings], QueueSettings]
    ) -> QueueSettings:
        """Set a queue otherwise. Raises NotFound and Invalid."""
        queue = (await store.all_queues(session)).get(name)
        if queue is None:
            raise NotFound("queue", name)
        return await self._set_queue(session, edit(queue))

    async def remove_queue(self, session: Session, name: str) -> None:
        """Delete a queue: those who wait in it are sent on. Raises NotFound, and Conflict while callers of others are
        sent on to it."""
        queues = await store.all_queues(session)
        if name not in queues:
            raise NotFound("queue", name)
        users = [queue.name for queue in queues.values() if queue.name != name and f"queue/{name}" in _leads_to(queue)]
        if users:
            raise Conflict("in-use", f"callers of {', '.join(users[:5])} are sent on to {name}")
        await store.remove_queue(session, name)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._forget_queue(name))

    async def _set_queue(self, session: Session, queue: QueueSettings) -> QueueSettings:
        check_queue_settings(queue)
        if queue.calendar and not self._calendars.exists(queue.calendar):
            raise Invalid("calendar", f"there is no calendar {queue.calendar!r}")
        for place in _leads_to(queue) - {f"queue/{queue.name}"}:
            why = self._places.why_missing(Destination.parse(place))
            if why is not None:
                raise Invalid("destination", why)
        await store.write_queue(session, queue)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take_queue(queue))
        return queue

    async def create_agent(self, session: Session, agent: AgentSettings) -> AgentSettings:
        """Add an agent, who is signed off. Raises Conflict and Invalid."""
        if agent.id in await store.all_agents(session):
            raise Conflict("exists", f"there is an agent {agent.id} already")
        return await self._set_agent(session, agent)

    async def change_agent(
        self, session: Session, agent: str, edit: Callable[[AgentSettings], AgentSettings]
    ) -> AgentSettings:
        """Set an agent otherwise. Raises NotFound and Invalid."""
        known = (await store.all_agents(session)).get(agent)
        if known is None:
            raise NotFound("agent", agent)
        return await self._set_agent(session, edit(known))

    async def remove_agent(self, session: Session, agent: str) -> None:
        """Delete an agent, who is signed off by it. Raises NotFound, and Conflict while it talks."""
        if agent not in await store.all_agents(session):
            raise NotFound("agent", agent)
        if self.talks(agent):
            raise Conflict("talking", f"{agent} is in a conversation")
        await store.remove_agent(session, agent)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._forget_agent(agent))

    async def forget_account(self, session: Session, account: str) -> None:
        """The account is deleted: nobody's codes sign on by a later one of the same number."""
        for agent in (await store.all_agents(session)).values():
            if agent.account == account:
                await self._set_agent(session, structs.replace(agent, account=""))

    async def _set_agent(self, session: Session, agent: AgentSettings) -> AgentSettings:
        check_agent_settings(agent)
        queues = await store.all_queues(session)
        for membership in agent.profile.queues:
            if membership.queue not in queues:
                raise Invalid("queues", f"there is no queue {membership.queue!r}")
        if agent.account:
            if self._accounts.account(agent.account) is None:
                raise Invalid("account", f"there is no account {agent.account!r}")
            others = (await store.all_agents(session)).values()
            if other := [each.id for each in others if each.account == agent.account and each.id != agent.id]:
                raise Conflict("account-taken", f"account {agent.account} is the agent {other[0]}'s")
        await store.write_agent(session, agent)
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take_agent(agent))
        return agent

    def _take_queue(self, queue: QueueSettings) -> None:
        self._queues[queue.name] = queue
        self.set(QueueSet(queue.rules))

    def _forget_queue(self, name: str) -> None:
        if self._queues.pop(name, None) is not None:
            self.set(QueueRemoved(name))

    def _take_agent(self, agent: AgentSettings) -> None:
        self._agents[agent.id] = agent
        self.set(AgentSet(agent.profile))

    def _forget_agent(self, agent: str) -> None:
        if self._agents.pop(agent, None) is not None:
            self.set(AgentRemoved(agent))


def _leads_to(queue: QueueSettings) -> set[str]:
    """Where callers of a queue may be sent on to."""
    rules = queue.rules
    places = [*rules.exits.values(), *([rules.overflow_to] if rules.overflow_to is not None else [])]
    return {str(place) for place in places} | ({queue.answered_exit} if queue.answered_exit else set())

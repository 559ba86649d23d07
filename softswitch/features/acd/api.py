"""/api/v1/queues and /api/v1/agents."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from softswitch.features.acd.model.inputs import (
    AgentNotReady,
    AgentReady,
    AgentSignedOff,
    CallerPulled,
    ForceState,
    WrapUpCode,
    WrapUpDone,
)
from softswitch.features.acd.model.settings import AgentSettings, QueueSettings
from softswitch.features.acd.service import Queues
from softswitch.features.acd.shapes import (
    AgentChanges,
    AgentIn,
    AgentOut,
    QueueChanges,
    QueueIn,
    QueueOut,
    WaitingOut,
    read_agent,
    read_queue,
    show_agent,
    show_queue,
    write_agent,
    write_queue,
)
from softswitch.kernel.errors import NotFound
from softswitch.kernel.ids import CallId
from softswitch.platform.auth import Admin, Operator, Supervisor
from softswitch.platform.rest import Input, Key, Line, Page, Paging, Writing, moment

Reason = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100)]


class SignOnIn(Input):
    seat: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="whose phones are rung; null: its own account's; empty: none"
    )
    ready: bool = True


class NotReadyIn(Input):
    reason: Reason


class WrapUpIn(Input):
    code: Line = Field(default="", description="what came of the conversation")
    done: bool = Field(default=True, description="false: the code alone, also while the agent still talks")


class ForceIn(Input):
    state: Literal["available", "not_ready", "logged_out"]
    reason: Reason


class StepOut(BaseModel):
    rule: str
    result: str
    reason: str


class Explained(BaseModel):
    """Why a caller waits, its place and each agent of the queue; or why it was given to an agent."""

    waits: bool
    agent: str = Field(description="who was chosen for it last; empty while nobody was")
    steps: list[StepOut]


def build_router(queues: Queues) -> APIRouter:
    """The routes over all queues and agents."""
    router = APIRouter()
    _over_queues(router, queues)
    _over_agents(router, queues)
    return router


def _over_queues(router: APIRouter, queues: Queues) -> None:
    def shown(name: str) -> QueueOut:
        settings, live = queues.settings(name), queues.queue(name)
        if settings is None or live is None:
            raise NotFound("queue", name)
        return show_queue(settings, live)

    @router.get("/queues", tags=["queues"])
    async def list_queues(paging: Paging) -> Page[QueueOut]:
        """The queues, by name, and how it stands with them."""
        rows = queues.queues(paging.after(str), paging.limit + 1)
        return paging.page(rows, lambda row: row.name, lambda row: shown(row.name))

    @router.post("/queues", tags=["queues"], status_code=201)
    async def create_queue(body: QueueIn, session: Writing, who: Admin) -> QueueIn:
        """Add a queue. The dial plan, or a flow, has to lead to `queue/NAME`."""
        return QueueIn(**write_queue(await queues.create_queue(session, read_queue(body.model_dump()))))

    @router.get("/queues/{name}", tags=["queues"])
    async def get_queue(name: Key) -> QueueOut:
        """One queue."""
        return shown(name)

    @router.patch("/queues/{name}", tags=["queues"])
    async def change_queue(name: Key, body: QueueChanges, session: Writing, who: Admin) -> QueueIn:
        """Change what the body names. Those who wait go by it at once."""

        def edit(queue: QueueSettings) -> QueueSettings:
            return read_queue(QueueIn(**write_queue(queue) | body.named()).model_dump())

        return QueueIn(**write_queue(await queues.change_queue(session, name, edit)))

    @router.delete("/queues/{name}", tags=["queues"], status_code=204)
    async def delete_queue(name: Key, session: Writing, who: Admin) -> None:
        """Delete a queue to which no other sends callers on. Those who wait in it are sent on, conversations go on."""
        await queues.remove_queue(session, name)

    @router.get("/queues/{name}/callers", tags=["queues"])
    async def list_callers(name: Key, paging: Paging) -> Page[WaitingOut]:
        """Who waits, in the order in which they are served."""
        if queues.settings(name) is None:
            raise NotFound("queue", name)
        after = paging.after(int) or 0
        rows = [each for each in queues.callers(name) if each.place > after][: paging.limit + 1]
        return paging.page(
            rows,
            lambda row: row.place,
            lambda row: WaitingOut(
                call_id=row.call,
                number=row.number,
                place=row.place,
                since=moment(row.since),
                rings_at=list(row.rings_at),
                data=dict(row.data),
            ),
        )

    @router.get("/queues/{name}/callers/{call}/explain", tags=["queues"])
    async def explain(name: Key, call: Key) -> Explained:
        """Why a caller waits, and why each agent of the queue does not take it; or, when it waits no more, why it was
        given to the agent who was chosen last."""
        choice, steps = queues.choice(CallId(call)), queues.explain(CallId(call))
        waits = bool(steps)
        if not waits:
            if choice is None or choice.queue != name:
                raise NotFound("caller of the queue", call)
            steps = choice.steps
        return Explained(
            waits=waits,
            agent=choice.agent if choice is not None else "",
            steps=[StepOut(rule=step.rule, result=step.result, reason=step.reason) for step in steps],
        )

    @router.post("/queues/{name}/callers/{call}/pull", tags=["queues"], status_code=204)
    async def pull(name: Key, call: Key, who: Supervisor) -> None:
        """Take a caller out of the queue: it goes where the queue's exit `pulled` leads, or where callers overflow."""
        queues.tell(CallerPulled(CallId(call)))


def _over_agents(router: APIRouter, queues: Queues) -> None:
    def shown(agent: str) -> AgentOut:
        settings, live = queues.agent_settings(agent), queues.agent(agent)
        if settings is None or live is None:
            raise NotFound("agent", agent)
        return show_agent(settings, live)

    @router.get("/agents", tags=["agents"])
    async def list_agents(paging: Paging) -> Page[AgentOut]:
        """The agents, by id, and what they do."""
        rows = queues.agents(paging.after(str), paging.limit + 1)
        return paging.page(rows, lambda row: row.id, lambda row: shown(row.id))

    @router.post("/agents", tags=["agents"], status_code=201)
    async def create_agent(body: AgentIn, session: Writing, who: Admin) -> AgentIn:
        """Add an agent, who is signed off."""
        return AgentIn(**write_agent(await queues.create_agent(session, read_agent(body.model_dump()))))

    @router.get("/agents/{agent}", tags=["agents"])
    async def get_agent(agent: Key) -> AgentOut:
        """One agent."""
        return shown(agent)

    @router.patch("/agents/{agent}", tags=["agents"])
    async def change_agent(agent: Key, body: AgentChanges, session: Writing, who: Admin) -> AgentIn:
        """Change what the body names."""

        def edit(known: AgentSettings) -> AgentSettings:
            return read_agent(AgentIn(**write_agent(known) | body.named()).model_dump())

        return AgentIn(**write_agent(await queues.change_agent(session, agent, edit)))

    @router.delete("/agents/{agent}", tags=["agents"], status_code=204)
    async def delete_agent(agent: Key, session: Writing, who: Admin) -> None:
        """Delete an agent who is in no conversation; it is signed off by that."""
        await queues.remove_agent(session, agent)

    @router.post("/agents/{agent}/sign-on", tags=["agents"])
    async def sign_on(agent: Key, body: SignOnIn, session: Writing, who: Operator) -> AgentOut:
        """An agent begins, at a phone."""
        await queues.sign_on(session, agent, body.seat, body.ready)
        return shown(agent)

    @router.post("/agents/{agent}/sign-off", tags=["agents"])
    async def sign_off(agent: Key, session: Writing, who: Operator) -> AgentOut:
        """An agent ends. If it talks, when that is over."""
        await queues.intends(session, agent, AgentSignedOff(agent))
        return shown(agent)

    @router.post("/agents/{agent}/ready", tags=["agents"])
    async def ready(agent: Key, session: Writing, who: Operator) -> AgentOut:
        """An agent takes calls from now on; while it wraps up or did not respond, that is over."""
        await queues.intends(session, agent, AgentReady(agent))
        return shown(agent)

    @router.post("/agents/{agent}/not-ready", tags=["agents"])
    async def not_ready(agent: Key, body: NotReadyIn, session: Writing, who: Operator) -> AgentOut:
        """An agent takes no calls from now on; if it talks, when that is over."""
        await queues.intends(session, agent, AgentNotReady(agent, body.reason))
        return shown(agent)

    @router.post("/agents/{agent}/wrap-up", tags=["agents"])
    async def wrap_up(agent: Key, body: WrapUpIn, who: Operator) -> AgentOut:
        """Say what came of a conversation, and that the agent has done with it."""
        queues.tell(WrapUpDone(agent, body.code) if body.done else WrapUpCode(agent, body.code))
        return shown(agent)

    @router.post("/agents/{agent}/force", tags=["agents"])
    async def force(agent: Key, body: ForceIn, session: Writing, who: Supervisor) -> AgentOut:
        """A supervisor sets what an agent does; if it talks, when that is over."""
        await queues.intends(session, agent, ForceState(agent, body.state, body.reason, who.name))
        return shown(agent)

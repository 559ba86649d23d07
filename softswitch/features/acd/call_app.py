"""What happens to a call for a queue, and to one by which an agent says what it does."""

import asyncio

from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.acd.model.inputs import (
    AgentNotReady,
    AgentReady,
    AgentSignedOff,
    Input,
    WrapUpDone,
)
from softswitch.features.acd.model.wish import Wish
from softswitch.features.acd.service import Queues
from softswitch.features.acd.visit import Visit
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, Invalid, NotFound, Rejected
from softswitch.platform.database import Database, Session

CONFIRMATION_HZ, CONFIRMATION_SECONDS = 440.0, 0.5
"""What an agent hears before it is told what it does now: at once, whatever the prompt."""


def queue_app(queues: Queues) -> CallApp:
    """Takes the calls for `queue/NAME`, and `queue/NAME;priority=2;score=1;skill=english:3;agent=alice`: the caller
    waits with music until an agent takes it, or it is sent on."""

    async def wait(caller: Caller, name: str) -> Destination | None:
        try:
            wish = Wish.parse(name)
        except Invalid as wrong:
            raise Rejected(Cause.INVALID_NUMBER_FORMAT, str(wrong)) from wrong
        queue = queues.settings(wish.queue)
        if queue is None:
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"there is no queue {wish.queue}")
        await caller.answer()
        waiting = queues.arrive(caller, queue, wish)
        why = "failed"
        try:
            return await Visit(queues, queue, waiting).run()
        except asyncio.CancelledError:
            why = "hung_up" if caller.gone else ""
            raise
        finally:
            queues.leaves(waiting, why)

    return wait


def agent_app(queues: Queues, database: Database) -> CallApp:
    """Takes the calls for `agent/sign-on`, `agent/sign-off`, `agent/ready`, `agent/not-ready:REASON` and
    `agent/wrap-up:CODE`: what the agent at the caller's phone does from now on. The dial plan's codes lead here."""

    async def say(caller: Caller, name: str) -> Destination | None:
        if caller.origin.kind != "account":
            raise Rejected(Cause.FACILITY_REJECTED, "only accounts are agents'")
        if caller.routed_as != caller.origin:
            # Else a forward to such a code would sign on everybody who calls.
            raise Rejected(
                Cause.FACILITY_REJECTED, f"{caller.routed_as.name} forwards to a code of {caller.origin.name}"
            )
        account = caller.origin.name
        what, _, value = name.partition(":")
        agent = queues.agent_at(account) or queues.agent_of(account)
        if agent is None:
            raise Rejected(Cause.FACILITY_REJECTED, f"{account} is no agent's")
        try:
            async with database.session() as session:
                prompt = await _do(queues, session, agent, account, what, value)
        except Conflict as conflict:
            raise Rejected(Cause.FACILITY_REJECTED, str(conflict)) from conflict
        except (Invalid, NotFound) as wrong:
            raise Rejected(Cause.INVALID_NUMBER_FORMAT, str(wrong)) from wrong
        await caller.tone(CONFIRMATION_HZ, CONFIRMATION_SECONDS)
        await caller.play(prompt)
        return None

    return say


async def _do(queues: Queues, session: Session, agent: str, account: str, what: str, value: str) -> str:
    """Do what an agent has dialled a code for; gives the prompt that says so."""
    told: Input
    match what:
        case "sign-on":
            await queues.sign_on(session, agent, account, ready=True)
            return "queues/signed-on"
        case "sign-off":
            told, prompt = AgentSignedOff(agent), "queues/signed-off"
        case "ready":
            told, prompt = AgentReady(agent), "queues/ready"
        case "not-ready":
            told, prompt = AgentNotReady(agent, value or "code"), "queues/not-ready"
        case "wrap-up":
            queues.tell(WrapUpDone(agent, value))
            return "queues/done"
        case _:
            raise Invalid("agent", f"{what[:40]!r} is nothing that an agent can do")
    await queues.intends(session, agent, told)
    return prompt

"""What agents and callers do together, and what agents do afterwards."""

from softswitch.events import (
    AgentState,
    AgentWrapUpCoded,
    CallbackDialled,
    ConversationEnded,
)
from softswitch.features.acd.model.effects import Connect, DialCallback, Refused
from softswitch.features.acd.model.floor import Agent, Conversation, Floor, Queue, Waiter
from softswitch.features.acd.model.inputs import (
    AgentConsulted,
    AgentHeld,
    AgentResumed,
    WrapUpCode,
    WrapUpDone,
)
from softswitch.features.acd.model.rules import WrapUp
from softswitch.features.acd.model.states import settle
from softswitch.kernel.ids import CallId

_NO_WRAP_UP = WrapUp("none")


def begin(floor: Floor, agent: Agent, waiter: Waiter, attempt: int, call: CallId) -> None:
    """Agent and caller talk from now on."""
    agent.conversation = Conversation(call, waiter.queue, waiter.stay, attempt, floor.now)
    floor.on_line[attempt] = agent
    agent.activity = "connected"
    agent.calls += 1
    floor.talking[call] = agent
    floor.out.append(Connect(attempt, agent.id, call))
    settle(floor, agent)


def begin_dialling(floor: Floor, agent: Agent, waiter: Waiter, attempt: int) -> None:
    """The agent is on the line, and the number is called."""
    waiter.dials += 1
    waiter.queue.callbacks_at_once += 1
    floor.dialling[waiter.stay] = agent
    agent.conversation = Conversation(waiter.call, waiter.queue, waiter.stay, attempt, floor.now)
    floor.on_line[attempt] = agent
    agent.conversation.dialling = waiter
    agent.activity = "outbound"
    floor.out.append(
        CallbackDialled(at=floor.now, queue=waiter.queue.name, stay=waiter.stay, agent=agent.id, attempt=waiter.dials)
    )
    floor.out.append(DialCallback(waiter.stay, attempt, agent.id, waiter.number))
    settle(floor, agent)


def hold(floor: Floor, told: AgentHeld) -> None:
    _become(floor, told.attempt, "hold")


def consult(floor: Floor, told: AgentConsulted) -> None:
    _become(floor, told.attempt, "consult")


def resume(floor: Floor, told: AgentResumed) -> None:
    _become(floor, told.attempt, "connected")


def _become(floor: Floor, attempt: int, state: AgentState) -> None:
    agent = floor.on_line.get(attempt)
    talk = agent.conversation if agent is not None else None
    if agent is None or talk is None or talk.dialling is not None:
        return  # it is over
    if state == "connected":
        _take_back(talk, floor.now)
    elif talk.held_at is None:
        talk.held_at = floor.now
    agent.activity = state
    settle(floor, agent)


def _take_back(talk: Conversation, now: int) -> None:
    if talk.held_at is not None:
        talk.held_ms += now - talk.held_at
        talk.held_at = None


def end(floor: Floor, agent: Agent, reason: str) -> None:
    """Caller and agent have parted: the agent wraps up, or is free."""
    talk = agent.conversation
    assert talk is not None
    _take_back(talk, floor.now)
    del floor.talking[talk.call], floor.on_line[talk.attempt]
    talked = floor.now - talk.answered_at - talk.held_ms
    agent.talk_ms += talked
    floor.out.append(
        ConversationEnded(
            at=floor.now,
            queue=talk.queue.name,
            stay=talk.stay,
            of_call=talk.call,
            agent=agent.id,
            talk_ms=talked,
            hold_ms=talk.held_ms,
            reason=reason,
        )
    )
    agent.conversation = None
    wraps = agent.profile.wrap_up or talk.queue.rules.wrap_up
    if agent.intent == "logged_out":
        wraps = _NO_WRAP_UP
    agent.wrap_code, agent.handle_from = talk.code, talk.answered_at
    begin_wrap_up(floor, agent, wraps, talk.queue, talk.stay)
    settle(floor, agent)


def begin_wrap_up(floor: Floor, agent: Agent, wraps: WrapUp, queue: Queue | None, stay: int) -> None:
    """Whoever calls settles the agent then. No queue: after a loan, whose number the stay is."""
    agent.wraps, agent.wrap_queue, agent.wrap_stay = wraps, queue, stay
    agent.activity = "wrap_up"
    if wraps.mode == "none" or (wraps.mode != "until_done" and not wraps.ms):
        end_wrap_up(floor, agent)
    elif wraps.mode != "until_done":
        floor.timers.set(floor.now + wraps.ms, agent, "wrap_up")


def end_wrap_up(floor: Floor, agent: Agent) -> None:
    """Whoever calls settles the agent then."""
    assert agent.wraps is not None
    queue = agent.wrap_queue
    agent.due.pop("wrap_up", None)
    code = agent.wrap_code or agent.wraps.code
    if code:
        floor.out.append(
            AgentWrapUpCoded(
                at=floor.now,
                queue=queue.name if queue is not None else "",
                stay=agent.wrap_stay,
                agent=agent.id,
                code=code,
            )
        )
    if queue is not None:
        queue.expected.handled(floor.now - agent.handle_from)
    agent.wrap_queue = agent.wraps = None
    agent.wrap_stay = 0
    agent.activity = None
    agent.idle_since = floor.now


def wrap_up_over(floor: Floor, agent: Agent) -> None:
    """The time is up."""
    end_wrap_up(floor, agent)
    settle(floor, agent)


def wrap_up_done(floor: Floor, told: WrapUpDone) -> None:
    agent = floor.agents.get(told.agent)
    if agent is None or agent.activity != "wrap_up" or agent.wraps is None:
        floor.out.append(Refused("no-wrap-up", f"{told.agent} is not wrapping up"))
        return
    agent.wrap_code = told.code or agent.wrap_code
    if agent.wraps.mode != "fixed":
        end_wrap_up(floor, agent)
        settle(floor, agent)


def wrap_up_code(floor: Floor, told: WrapUpCode) -> None:
    agent = floor.agents.get(told.agent)
    if agent is not None and (agent.activity == "wrap_up" or agent.loan):
        agent.wrap_code = told.code
    elif agent is not None and agent.conversation is not None:
        agent.conversation.code = told.code
    else:
        floor.out.append(Refused("no-conversation", f"{told.agent} has no conversation to give a code for"))

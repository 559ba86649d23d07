"""Who goes with whom. After every step nobody waits whom a free agent could take (but for what a webhook is asked)."""

from softswitch.features.acd.model import rings, stays
from softswitch.features.acd.model.choosing import choose, fits, why
from softswitch.features.acd.model.floor import Agent, Floor, Key, Member, Queue, Waiter
from softswitch.features.acd.model.inputs import WebhookAnswered, WebhookFailed


def match(floor: Floor) -> None:
    """Give callers to the agents who have become free, the first in order first; then agents to new callers.

    In that order: a caller that comes in the moment when an agent becomes free does not pass those who wait.
    """
    while floor.freed:
        agent = next(iter(floor.freed.values()))
        while agent.id in floor.freed:  # until it is reserved, unless the strategy had another in mind
            waiter = _first_for(agent)
            if waiter is not None and _serve_before(floor, waiter):
                continue
            if waiter is None or not _assign(floor, waiter):
                floor.freed.pop(agent.id, None)
                if waiter is None:
                    _join(floor, agent)
    for waiter in floor.later.values():
        if waiter.question is not None:
            _give_up_asking(floor, waiter)
    for queue in floor.eased.values():
        for demand, line in queue.lines.items():
            if demand.callback:
                floor.unmatched.update((waiter.stay, waiter) for _, waiter in line[: len(queue.free)])
    floor.eased.clear()
    while floor.unmatched:
        waiter = min(floor.unmatched.values(), key=lambda each: each.key)
        del floor.unmatched[waiter.stay]
        if waiter.in_line and waiter.queue.free and _may_be_served(waiter):
            _assign(floor, waiter)
    for waiter in floor.later.values():
        if waiter.attempts and waiter.queue.rules.strategy == "progressive":
            _ring_one_more(floor, waiter)
    floor.later.clear()


def _serve_before(floor: Floor, waiter: Waiter) -> bool:
    """Serve somebody who goes before a caller, if any can be served; whether one was.

    Those want none of the agent whom the caller could have; but the strategy may have another agent in mind for the
    caller, who has become free in the same step, and whom they do want.
    """
    queue = waiter.queue
    heads = [line[0] for demand, line in queue.lines.items() if line[0][0] < waiter.key and not demand.callback]
    return any(_assign(floor, other) for _, other in sorted(heads, key=lambda entry: entry[0]))


def later(floor: Floor, waiter: Waiter) -> None:
    """A caller's time to ring one more, or to ask the webhook no longer, has come."""
    floor.later[waiter.stay] = waiter


def _first_for(agent: Agent) -> Waiter | None:
    """Whom an agent should take: from the queues it serves first, and there who is first in order."""
    best: tuple[Key, Waiter] | None = None
    rank = 0
    for member in agent.members:
        if best is not None and member.rank > rank:
            break
        head = _head(member)
        if head is not None and (best is None or head[0] < best[0]):
            best, rank = head, member.rank
    return best[1] if best is not None else None


def _head(member: Member) -> tuple[Key, Waiter] | None:
    """Whom an agent should take of one queue. Of each line only the first can be it."""
    queue = member.queue
    if not queue.lines or (queue.rules.strategy == "webhook" and queue.questions >= len(queue.free)):
        return None
    live: tuple[Key, Waiter] | None = None
    back: tuple[Key, Waiter] | None = None
    for demand, line in queue.lines.items():
        if not fits(member, demand):
            continue
        if demand.callback:
            if back is None or line[0][0] < back[0]:
                back = line[0]
        elif live is None or line[0][0] < live[0]:
            live = line[0]
    rules = queue.rules.callback
    if back is None or queue.callbacks_at_once >= rules.most_at_once:
        return live
    if live is None:
        return back
    return back if back[0] < live[0] and queue.live_since_callback >= rules.live_between else live


def _may_be_served(waiter: Waiter) -> bool:
    queue = waiter.queue
    return not waiter.demand.callback or queue.callbacks_at_once < queue.rules.callback.most_at_once


def _assign(floor: Floor, waiter: Waiter) -> bool:
    """Find agents for a caller: reserved, or asked after."""
    queue = waiter.queue
    candidates = [member for member in queue.free.values() if fits(member, waiter.demand)]
    if not candidates:
        return False
    if queue.rules.strategy == "webhook" and not waiter.demand.callback and not waiter.demand.preferred:
        if queue.questions >= len(queue.free):
            return False
        stays.ask(floor, waiter, tuple([member.agent.id for member in candidates]))
        return True
    _reserve(floor, waiter, candidates)
    return True


def _reserve(floor: Floor, waiter: Waiter, candidates: list[Member]) -> None:
    choice = choose(waiter, candidates, floor.now)
    steps = why(waiter, len(candidates), waiter.queue.ahead(waiter.key), choice, floor.now)
    rings.reserve(floor, waiter, choice.members, steps)


def _join(floor: Floor, agent: Agent) -> None:
    """Nobody needs this agent: let its phone ring, too, for somebody for whom all phones ring."""
    for member in agent.members:
        queue = member.queue
        if queue.rules.strategy != "ring_all" or agent.attempt is not None:
            continue
        fitting = [waiter for waiter in queue.joinable.values() if fits(member, waiter.demand)]
        if fitting:
            _reserve(floor, min(fitting, key=lambda each: each.key), [member])


def _ring_one_more(floor: Floor, waiter: Waiter) -> None:
    candidates = [member for member in waiter.queue.free.values() if fits(member, waiter.demand)]
    if candidates:
        _reserve(floor, waiter, candidates)
    else:
        floor.timers.set(floor.now + waiter.queue.rules.step_ms, waiter, "step")


# Webhooks -------------------------------------------------------------------------------------------------


def webhook_answered(floor: Floor, told: WebhookAnswered) -> None:
    waiter = floor.questions.get(told.question)
    if waiter is None:
        return  # too late, or the caller has gone
    queue = waiter.queue
    stays.drop_question(floor, waiter)
    wanted = next((name for name in told.agents if name in queue.free), None)
    if wanted is not None:
        member = queue.free[wanted]
        choice = choose(waiter, [member], floor.now)._replace(reason=f"the webhook named {', '.join(told.agents)}")
        steps = why(waiter, len(queue.free), queue.ahead(waiter.key), choice, floor.now)
        rings.reserve(floor, waiter, [member], steps)
        return
    # Nobody for now: the next in line is asked about, and this one again after a while.
    floor.timers.set(floor.now + queue.rules.step_ms, waiter, "again")
    _ask_about_others(floor, queue)


def webhook_failed(floor: Floor, told: WebhookFailed) -> None:
    waiter = floor.questions.get(told.question)
    if waiter is not None:
        _give_up_asking(floor, waiter)


def _give_up_asking(floor: Floor, waiter: Waiter) -> None:
    """The webhook does not help: the longest idle takes the caller, or, where the queue asks none any more, whoever has
    its turn."""
    stays.drop_question(floor, waiter)
    if waiter.queue.rules.strategy != "webhook":
        stays.line_up(floor, waiter)
        return
    candidates = [member for member in waiter.queue.free.values() if fits(member, waiter.demand)]
    if candidates:
        _reserve(floor, waiter, candidates)
    else:
        stays.line_up(floor, waiter)


def _ask_about_others(floor: Floor, queue: Queue) -> None:
    for member in queue.free.values():
        floor.freed[member.agent.id] = member.agent

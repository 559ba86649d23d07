"""A stay in a queue: its place in line, its timers, its end."""

from softswitch.events import CallerLeftQueue, Outcome
from softswitch.features.acd.model.choosing import demand_of
from softswitch.features.acd.model.effects import Announce, AskWebhook, SendOn
from softswitch.features.acd.model.floor import AWAY, Floor, Waiter
from softswitch.kernel.destination import Destination


def enter(floor: Floor, waiter: Waiter) -> None:
    """Take its place: agents may take it from now on."""
    waiter.queue.enter(waiter)
    rules = waiter.queue.rules
    if rules.announcements is not None and waiter.stay not in floor.callbacks:
        floor.timers.set(floor.now + rules.announcements.first_ms, waiter, "announce")
    go_by_rules(floor, waiter)
    line_up(floor, waiter)


def go_by_rules(floor: Floor, waiter: Waiter) -> None:
    """Set the times at which the queue's rules have something happen to it."""
    rules = waiter.queue.rules
    _await_relaxation(floor, waiter)
    waiter.due.pop("overdue", None)
    if rules.wait_most_ms is not None and waiter.stay not in floor.callbacks and not waiter.overdue:
        floor.timers.set(max(floor.now, waiter.queued_at + rules.wait_most_ms), waiter, "overdue")


def _await_relaxation(floor: Floor, waiter: Waiter) -> None:
    waited = floor.now - waiter.queued_at
    step = next((step for step in waiter.queue.rules.relaxation if step.after_ms > waited), None)
    if step is not None:
        floor.timers.set(waiter.queued_at + step.after_ms, waiter, "relax")


def line_up(floor: Floor, waiter: Waiter) -> None:
    """Put it back in its place in line, asking for what it asks for now."""
    waiter.queue.step_out(waiter)
    agent = floor.agents.get(waiter.preferred) if floor.now < waiter.preferred_until else None
    preferred = ""
    if agent is not None and agent.state not in AWAY and agent.id in waiter.queue.members:
        preferred = agent.id
        floor.timers.set(waiter.preferred_until, waiter, "preferred")
    waiter.demand = demand_of(waiter, floor.now, preferred, waiter.stay in floor.callbacks)
    waiter.queue.line_up(waiter)
    floor.unmatched[waiter.stay] = waiter


def relax(floor: Floor, waiter: Waiter) -> None:
    """A step of relaxation has come, or it waits for its preferred agent no longer."""
    _await_relaxation(floor, waiter)
    if waiter.in_line:
        line_up(floor, waiter)


def again(floor: Floor, waiter: Waiter) -> None:
    """It may be matched again."""
    if waiter.stay in floor.callbacks or waiter.stay in waiter.queue.waiting:
        line_up(floor, waiter)


def prefer_no_more(floor: Floor, agent: str) -> None:
    """An agent is away: nobody waits for it alone any longer."""
    for waiter in [*floor.waiting.values(), *floor.callbacks.values()]:
        if waiter.in_line and waiter.demand.preferred == agent:
            line_up(floor, waiter)


def leave(floor: Floor, waiter: Waiter, outcome: Outcome, reason: str = "", agent: str = "") -> Destination | None:
    """The stay is over; gives where the caller goes. No agent may be reserved for it any more."""
    assert not waiter.attempts
    queue = waiter.queue
    step_aside(floor, waiter)
    waiter.due.clear()
    del queue.waiting[waiter.stay]
    del floor.waiting[waiter.call]
    to = queue.rules.exit_for(reason) if outcome == "overflowed" else None
    queue.tally.left(outcome)
    if not queue.waiting and outcome != "answered":
        queue.expected.emptied()
    floor.out.append(
        CallerLeftQueue(
            at=floor.now,
            call=waiter.call,
            queue=queue.name,
            stay=waiter.stay,
            queued_at=waiter.queued_at,
            outcome=outcome,
            reason=reason,
            agent=agent,
            to=to,
        )
    )
    return to


def step_aside(floor: Floor, waiter: Waiter) -> None:
    """It has no place in line any more."""
    waiter.queue.step_out(waiter)
    waiter.queue.leave(waiter)
    floor.unmatched.pop(waiter.stay, None)
    drop_question(floor, waiter)


def overflow(floor: Floor, waiter: Waiter, reason: str) -> None:
    """Send a caller on."""
    waited = floor.now - waiter.queued_at + waiter.waited_ms
    to = leave(floor, waiter, "overflowed", reason)
    floor.out.append(SendOn(waiter.call, to, reason, waited))


def overdue(floor: Floor, waiter: Waiter) -> None:
    """It has waited as long as it may; while a phone rings for it, it waits for that."""
    if waiter.attempts:
        waiter.overdue = True
    else:
        overflow(floor, waiter, "time")


def announce(floor: Floor, waiter: Waiter) -> None:
    """Say how it stands."""
    queue = waiter.queue
    rules = queue.rules.announcements
    if rules is None:
        return
    ahead = queue.ahead(waiter.key)
    comfort = rules.comfort[waiter.comforts % len(rules.comfort)] if rules.comfort else ""
    waiter.comforts += 1
    floor.out.append(
        Announce(
            waiter.call,
            ahead + 1 if rules.position else None,
            queue.expected.wait(ahead, queue.serving) if rules.expected else None,
            comfort,
        )
    )
    floor.timers.set(floor.now + rules.every_ms, waiter, "announce")


def ask(floor: Floor, waiter: Waiter, agents: tuple[str, ...]) -> None:
    """Ask the webhook who should take a caller. Meanwhile nobody does."""
    queue = waiter.queue
    queue.step_out(waiter)
    floor.unmatched.pop(waiter.stay, None)
    waiter.question = floor.number()
    floor.questions[waiter.question] = waiter
    queue.questions += 1
    floor.out.append(AskWebhook(waiter.question, queue.name, waiter.call, floor.now - waiter.queued_at, agents))
    floor.timers.set(floor.now + queue.rules.step_ms, waiter, "question")


def drop_question(floor: Floor, waiter: Waiter) -> None:
    """The webhook's answer is not waited for any longer."""
    if waiter.question is not None:
        del floor.questions[waiter.question]
        waiter.question = None
        waiter.queue.questions -= 1
        waiter.due.pop("question", None)

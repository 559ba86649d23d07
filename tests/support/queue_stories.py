"""What stories about queues begin with, and what became of them."""

from collections import Counter
from typing import Any

from msgspec.structs import replace

from softswitch.events import AgentStateChanged, CallerLeftQueue, CallerQueued
from softswitch.features.acd.model.inputs import AgentSignedOn
from softswitch.kernel.sound import Prompt
from tests.support.phone_calls import PhoneCall
from tests.support.phones import Phone
from tests.support.stories import registered, taken
from tests.support.switch import SimulatedSwitch


def sign_on(house: SimulatedSwitch, agent: str, seat: str) -> None:
    """An agent begins at an account's phone."""
    house.features.queues.tell(AgentSignedOn(agent, seat))
    house.features.queues._seat(agent, seat)


async def desk(house: SimulatedSwitch, *agents: str) -> list[Phone]:
    """Demo agents at their own phones, signed on; their phones."""
    accounts = {"alice": "1011", "bob": "1012", "carol": "1013"}
    phones = await registered(house, *(accounts[agent] for agent in agents))
    for agent in agents:
        sign_on(house, agent, accounts[agent])
    return phones


def facts(house: SimulatedSwitch, kind: type[Any]) -> list[Any]:
    return [fact for fact in house.facts if isinstance(fact, kind)]


def outcomes(house: SimulatedSwitch) -> list[tuple[str, str, str]]:
    """How each stay ended: queue, outcome, and agent or reason."""
    return [(fact.queue, fact.outcome, fact.agent or fact.reason) for fact in facts(house, CallerLeftQueue)]


def states(house: SimulatedSwitch, agent: str) -> list[str]:
    return [fact.state for fact in facts(house, AgentStateChanged) if fact.agent == agent]


def rule(house: SimulatedSwitch, queue: str = "sales", **changes: Any) -> None:
    """Set rules of a demo queue otherwise; those of `QueueSettings` by their names, too."""
    queues = house.features.queues
    known = queues.settings(queue)
    assert known is not None
    own = {name: value for name, value in changes.items() if name in known.__struct_fields__}
    rules = replace(known.rules, **{name: value for name, value in changes.items() if name not in own})
    queues._take_queue(replace(known, rules=rules, **own))


async def served(
    house: SimulatedSwitch, caller: Phone, seat: Phone, number: str = "6001"
) -> tuple[PhoneCall, PhoneCall]:
    """A caller of a queue and an agent who talk."""
    out = caller.call(number)
    await out.until("up")
    back = await taken(seat)
    assert house.hear_each_other(out, back)
    return out, back


def heard(house: SimulatedSwitch, call: PhoneCall) -> list[str]:
    """What a caller was played to its end, by the names without language, music not."""
    leg = house.leg_of(call)
    return [
        sound.name.partition("/")[2] for hearer, sounds in house.media.played if hearer == leg for sound in sounds
        if isinstance(sound, Prompt)
    ]  # fmt: skip


def unlawful(house: SimulatedSwitch) -> list[str]:
    """Where the account of a queue does not add up, by the facts and by the engine."""
    found = []
    begun = {fact.stay: fact for fact in house.facts if isinstance(fact, CallerQueued)}
    ended = Counter(fact.stay for fact in house.facts if isinstance(fact, CallerLeftQueue))
    found += [f"stay {stay} ended {times} times" for stay, times in ended.items() if times != 1 or stay not in begun]
    for name in ("sales", "support"):
        queue = house.features.queues.queue(name)
        assert queue is not None
        offered = sum(fact.queue == name for fact in begun.values())
        left = sum(ended[stay] for stay, fact in begun.items() if fact.queue == name)
        if offered - left != len(queue.waiting):
            found.append(f"{name}: {offered} offered, {left} left, {len(queue.waiting)} wait")
        if house.lives == 1 and queue.tally.waiting() != len(queue.waiting):
            found.append(f"{name}: by its own account {queue.tally} {len(queue.waiting)} wait")
    return found

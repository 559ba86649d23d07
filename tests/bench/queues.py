"""The queue engine alone: how long a decision takes when much waits, and a day of calls in virtual time; then reports.

python -m tests.bench.run --only q
"""

import random
import time
from pathlib import Path

from softswitch.events import CallerLeftQueue
from softswitch.features.acd.model import inputs
from softswitch.features.acd.model.centre import Centre
from softswitch.features.acd.model.effects import Connect, Ring
from softswitch.features.acd.model.rules import AgentProfile, Membership, Need, QueueRules, Strategy, WrapUp
from softswitch.features.acd.whatif.chance import exponential, poisson
from softswitch.features.acd.whatif.day import Day, PlannedCall, Shift, live
from softswitch.kernel.ids import CallId
from tests.bench import queue_reports
from tests.bench.report import Report

AGENTS, QUEUES, WAITING, CALLS_A_DAY = 500, 100, 1_000, 20_000
STRATEGIES: tuple[Strategy, ...] = ("longest_idle", "fewest_calls", "round_robin", "weighted", "most_skilled")
SKILLS = ("english", "mandarin", "loans", "cards")


def measure(report: Report, folder: Path, quick: bool) -> None:
    """All figures."""
    _decisions(report, 2_000 if quick else 40_000)
    _day(report)
    if not quick:
        queue_reports.measure(report, folder)


def _decisions(report: Report, steps: int) -> None:
    """Every step in a centre that is full: callers come, give up, are answered and hang up; agents come and go."""
    chance = random.Random(1)
    centre, now, number = Centre(), 0, 0
    talking: list[int] = []
    waiting: dict[CallId, None] = {}
    rung: list[int] = []
    costs: list[int] = []

    def step(told: inputs.Input, counted: bool = True) -> None:
        began = time.perf_counter_ns()
        effects = centre.step(now, told)
        if counted:
            costs.append(time.perf_counter_ns() - began)
        for effect in effects:
            if type(effect) is Ring:
                rung.append(effect.attempt)
            elif type(effect) is Connect:
                talking.append(effect.attempt)
            elif type(effect) is CallerLeftQueue:
                waiting.pop(effect.call)

    def arrive(counted: bool = True) -> None:
        nonlocal number
        number += 1
        call = CallId(f"call-{number}")
        waiting[call] = None
        needs = tuple(Need(skill, 1) for skill in SKILLS if chance.random() < 0.15)
        queue = f"queue-{chance.randrange(QUEUES)}"
        step(inputs.CallerArrived(call=call, queue=queue, priority=chance.randrange(2), needs=needs), counted)

    for queue in range(QUEUES):
        rules = QueueRules(
            name=f"queue-{queue}", strategy=STRATEGIES[queue % len(STRATEGIES)], wrap_up=WrapUp("fixed", 1_000)
        )
        step(inputs.QueueSet(rules), counted=False)
    for agent in range(AGENTS):
        queues = tuple(
            Membership(queue=f"queue-{queue}", rank=chance.randrange(3)) for queue in chance.sample(range(QUEUES), 20)
        )
        skills = {skill: chance.randint(1, 5) for skill in SKILLS if chance.random() < 0.6}
        step(inputs.AgentSet(AgentProfile(id=f"agent-{agent}", skills=skills, queues=queues)), counted=False)
        step(inputs.AgentSignedOn(f"agent-{agent}"), counted=False)
    while len(waiting) < WAITING:
        arrive(counted=False)
        while rung:
            step(inputs.AgentAnswered(rung.pop()), counted=False)
    for _ in range(steps):
        now += 20
        what = chance.random()
        if rung:
            step(inputs.AgentAnswered(rung.pop()))
        elif len(waiting) < WAITING:
            arrive()
        elif what < 0.8 and talking:
            step(inputs.AgentHungUp(talking.pop(chance.randrange(len(talking)))))
        else:
            step(inputs.CallerLeft(chance.choice(list(waiting))))
    costs.sort()
    figures = {
        "steps": len(costs),
        "median_us": round(costs[len(costs) // 2] / 1000),
        "p99_us": round(costs[len(costs) * 99 // 100] / 1000),
        "most_us": round(costs[-1] / 1000),
        "waiting_at_the_end": len(waiting),
    }
    report.line("q", "queue engine", f"{AGENTS} agents, {QUEUES} queues, {WAITING} waiting", **figures)
    report.result("q", "queue engine", "a decision, p99", figures["p99_us"] / 1000, "ms", "the bar is 1 ms")


def _day(report: Report) -> None:
    """A day of calls for twenty agents who are busy for three quarters of it."""
    chance = random.Random(1)
    handling, patience = exponential(180_000), exponential(90_000)
    end = CALLS_A_DAY * 12_000
    agents = [AgentProfile(id=f"agent-{number}", queues=(Membership(queue="q"),)) for number in range(20)]
    day = Day(
        queues=[QueueRules(name="q", wrap_up=WrapUp("fixed", 5_000))],
        agents=agents,
        shifts=[Shift(agent.id, 0, end) for agent in agents],
        calls=[
            PlannedCall(at=at, queue="q", handle_ms=handling(chance), patience_ms=patience(chance), answer_ms=3_000)
            for at in poisson(0, end, 1 / 12_000, chance)
        ],
    )
    began = time.process_time()
    facts = live(day)
    seconds = round(time.process_time() - began, 2)
    report.line("q", "queue engine", "a simulated day", calls=len(day.calls), facts=len(facts), seconds=seconds)
    report.result("q", "what-if", f"{len(day.calls)} calls", seconds, "s CPU", "the bar is 10 s")

"""A process that speaks or listens: what the switch does when it works, fails, dies, hangs or has too much to do. The
processes are real, and small programs in place of the models."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateways.speech.jobs import Said, Say
from gateways.speech.process import Worker
from softswitch.kernel.errors import Invalid, Unavailable

PROGRAM = """
import os, sys, time
from gateways.speech.jobs import Failed, Said
from gateways.speech.worker import work

def do(job):
    print("what a library prints", flush=True)
    match job.text.split():
        case ["die"]: os._exit(7)
        case ["hang"]: time.sleep(60)
        case ["wait"]: time.sleep(0.5)
        case ["bug"]: raise ZeroDivisionError("oh")
        case ["missing"]: return Failed("unavailable", "pip install it")
        case ["invalid"]: return Failed("invalid", "it is no text")
        case ["garbage"]: answers.write(b"\\xff\\xff\\xff\\xffgarbage"); answers.flush()
        case ["silent"]: sys.stderr.write("the library has had enough"); sys.stderr.flush(); os._exit(1)
    return Said(str(os.getpid()).encode(), 8000)

answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
work(sys.stdin.buffer, answers, do)
"""


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Callable[..., Worker]]:
    program, made = tmp_path / "program.py", list[Worker]()
    program.write_text(PROGRAM)

    def make(**more: float) -> Worker:
        made.append(Worker("voices", command=(sys.executable, str(program)), **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        await each.stop()


async def say(worker: Worker, text: str = "hello") -> int:
    """The process that said it."""
    said = await worker.do(Say(text, "en"))
    assert isinstance(said, Said)
    return int(said.samples)


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def test_one_process_does_one_job_after_the_other(worker: Callable[..., Worker]) -> None:
    voices = worker()
    assert len({*await asyncio.gather(*(say(voices) for _ in range(5)))}) == 1


@pytest.mark.parametrize("text", ["die", "garbage", "silent"])
async def test_a_process_that_dies_or_talks_nonsense_is_told_and_another_takes_its_place(
    worker: Callable[..., Worker], text: str
) -> None:
    voices = worker()
    first = await say(voices)
    with pytest.raises(Unavailable, match="ended"):
        await voices.do(Say(text, "en"))
    second = await say(voices)
    assert second != first and not runs(first)


async def test_one_that_was_killed_while_it_had_nothing_to_do_is_not_missed(worker: Callable[..., Worker]) -> None:
    voices = worker()
    first = await say(voices)
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(10):
        while runs(first):  # noqa: ASYNC110 - a process of others tells nobody
            await asyncio.sleep(0.02)
    assert await say(voices) != first


async def test_what_takes_too_long_is_ended(worker: Callable[..., Worker]) -> None:
    voices = worker(job_seconds=1.5)
    first = await say(voices)
    with pytest.raises(Unavailable, match=r"longer than 1\.5 s"):
        await voices.do(Say("hang", "en"))
    assert not runs(first)
    assert await say(voices) != first


async def test_failures_are_told_apart_and_end_no_process(worker: Callable[..., Worker]) -> None:
    voices = worker()
    first = await say(voices)
    with pytest.raises(Unavailable, match="pip install it"):
        await voices.do(Say("missing", "en"))
    with pytest.raises(Invalid, match="text: it is no text"):
        await voices.do(Say("invalid", "en"))
    with pytest.raises(Unavailable, match="could not do it"):
        await voices.do(Say("bug", "en"))
    assert await say(voices) == first


async def test_too_much_is_refused_at_once_and_who_has_gone_is_not_served(worker: Callable[..., Worker]) -> None:
    voices = worker(most_waiting=2)
    first = await say(voices)
    busy = asyncio.create_task(voices.do(Say("wait", "en")))
    await asyncio.sleep(0.1)
    gone = asyncio.create_task(voices.do(Say("die", "en")))
    waits = asyncio.create_task(say(voices))
    await asyncio.sleep(0)
    assert voices.waiting == 3
    with pytest.raises(Unavailable, match="too much to do"):
        await say(voices)
    gone.cancel()
    busy.cancel()
    assert await waits == first, "neither ended the process"
    await asyncio.sleep(0)
    assert voices.waiting == 0


async def test_who_waits_when_the_switch_stops_is_told(worker: Callable[..., Worker]) -> None:
    voices = worker()
    first = await say(voices)
    asked = [asyncio.create_task(voices.do(Say(text, "en"))) for text in ("hang", "hello")]
    await asyncio.sleep(0.1)
    await voices.stop()
    assert [str(error) for error in await asyncio.gather(*asked, return_exceptions=True)] == [
        "the switch is stopping"
    ] * 2
    assert not runs(first)
    with pytest.raises(Unavailable):
        await say(voices)


async def test_a_process_that_has_nothing_to_do_gives_its_memory_back(worker: Callable[..., Worker]) -> None:
    voices = worker(idle_seconds=0.2)
    first = await say(voices)
    async with asyncio.timeout(10):
        while runs(first):  # noqa: ASYNC110 - a process of others tells nobody
            await asyncio.sleep(0.02)
    assert await say(voices) != first


async def test_a_program_that_is_not_there_is_told() -> None:
    voices = Worker("voices", command=("/nonexistent/python",))
    with pytest.raises(Unavailable, match="ended"):
        await say(voices)
    await voices.stop()

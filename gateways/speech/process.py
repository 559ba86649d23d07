"""Keeps a process that speaks or listens: started when there is something to do, ended when there is not, and started
anew when it dies or takes too long."""

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import Sequence

import structlog

from gateways.speech.jobs import LONGEST, Answer, Failed, Job, framed, read_answer
from softswitch.kernel.errors import Invalid, Unavailable

log = structlog.get_logger(__name__)

MOST_WAITING = 32
"""Jobs that wait for their turn; more are refused."""
JOB_SECONDS = 60.0
"""How long one may take, with what must be loaded first."""
IDLE_SECONDS = 600.0
"""After so long without a job the process ends and gives its memory back."""
STOPPING = Failed("unavailable", "the switch is stopping")
_TAIL = 2000
"""Characters of what it said last, for the log."""


class Worker:
    """One process at a time, one job after the other."""

    def __init__(
        self,
        what: str,
        *,
        job_seconds: float = JOB_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        most_waiting: int = MOST_WAITING,
        command: Sequence[str] = (sys.executable, "-m", "gateways.speech.worker"),
    ) -> None:
        """`what` is `voices` or `ears`."""
        self._command = (*command, what)
        self._what = what
        self._job_seconds = job_seconds
        self._idle_seconds = idle_seconds
        self._most_waiting = most_waiting
        self._queue: deque[tuple[Job, asyncio.Future[Answer]]] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._complaints: asyncio.Task[None] | None = None
        self._tail = ""
        self._idle: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def waiting(self) -> int:
        """Jobs that are not done yet."""
        return len(self._queue) + (self._runner is not None)

    async def do(self, job: Job) -> Answer:
        """Have a job done. Raises Unavailable where that is not possible now, and Invalid for one that cannot be done.

        A job that is under way is done to its end though nobody waits for it any more, so that the process stays.
        """
        if self._stopped:
            raise Unavailable("the switch is stopping")
        if len(self._queue) >= self._most_waiting:
            raise Unavailable(f"the {self._what} have too much to do")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.append((job, answer))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run(), name=f"{self._what} at work")
        told = await answer
        if isinstance(told, Failed):
            raise self._refusal(told)
        return told

    async def _run(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        try:
            while self._queue:
                job, answer = self._queue.popleft()
                if answer.cancelled():
                    continue
                told: Answer = STOPPING
                try:
                    told = await self._done(job)
                finally:
                    if not answer.done():
                        answer.set_result(told)
            self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._rest)
        finally:
            self._runner = None

    def _refusal(self, failed: Failed) -> Exception:
        if failed.kind == "invalid":
            return Invalid("text" if self._what == "voices" else "sound", failed.message)
        if failed.kind == "bug":
            log.error("a process of speech met a bug", what=self._what, error=failed.message)
            return Unavailable(f"the {self._what} could not do it")
        return Unavailable(failed.message)

    async def stop(self) -> None:
        """End the process; whoever waits is told. Stopping twice does nothing."""
        self._stopped = True
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait([self._runner])
        while self._queue:
            _, answer = self._queue.popleft()
            if not answer.done():
                answer.set_result(STOPPING)
        await self._end(self._kill())
        if self._ending is not None:
            await asyncio.wait([self._ending])

    async def _done(self, job: Job) -> Answer:
        try:
            async with asyncio.timeout(self._job_seconds):
                rested = self._process is not None
                try:
                    return await self._asked(job)
                except (OSError, EOFError):
                    if not rested:
                        raise
                    # One that died while it had nothing to do is nobody's trouble; it is not always seen before.
                    await self._end(self._kill())
                    return await self._asked(job)
        except TimeoutError:
            await self._end(self._kill())
            log.error("a process of speech took too long", what=self._what, seconds=self._job_seconds)
            return Failed("unavailable", f"the {self._what} took longer than {self._job_seconds:g} s")
        except (OSError, EOFError, ValueError) as error:
            await self._end(self._kill())
            log.error("a process of speech ended", what=self._what, error=str(error), said=self._tail)
            return Failed("unavailable", f"the process of the {self._what} ended")

    async def _asked(self, job: Job) -> Answer:
        process = self._process or await self._start()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(framed(job))
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(4), "little")
        if size > LONGEST:
            raise ValueError(f"an answer of {size} bytes")
        return read_answer(await process.stdout.readexactly(size))

    async def _start(self) -> asyncio.subprocess.Process:
        # One thread: calls have the other cores.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self._process = process
        self._tail = ""
        assert process.stderr is not None
        self._complaints = asyncio.create_task(self._read_complaints(process.stderr), name=f"{self._what} complain")
        return process

    async def _read_complaints(self, stream: asyncio.StreamReader) -> None:
        while some := await stream.read(4096):
            self._tail = (self._tail + some.decode(errors="replace"))[-_TAIL:]

    def _rest(self) -> None:
        self._ending = asyncio.create_task(self._end(self._kill()), name=f"{self._what} rest")

    def _kill(self) -> asyncio.subprocess.Process | None:
        """Between two jobs it has nothing to lose."""
        process, self._process = self._process, None
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        return process

    async def _end(self, process: asyncio.subprocess.Process | None) -> None:
        if process is not None:
            await process.wait()
        if self._complaints is not None:
            await asyncio.wait([self._complaints], timeout=1)

"""A process of its own that speaks or listens, one job after the other: `python -m gateways.speech.worker voices`, or
`ears`. Its models are big and slow, and written by others: whatever becomes of them ends no call.
"""

import os
import sys
from collections.abc import Callable
from typing import BinaryIO

from gateways.speech.jobs import Answer, Failed, Hear, Job, Said, Say, Understood, framed, read_job
from gateways.speech.voices import VOICES
from softswitch.kernel.errors import Invalid, Unavailable

GENTLE = 10
"""How much the process stands back behind those that carry calls (nice(2))."""


def speak(job: Job) -> Answer:
    assert isinstance(job, Say)
    return Said(*VOICES[job.language].say(job.text))


def listen(job: Job) -> Answer:
    from gateways.speech.recognition import recognise

    assert isinstance(job, Hear)
    heard = recognise(job.samples, job.rate, job.language, job.phrases)
    return Understood(heard.text, heard.confidence, heard.phrase)


def work(jobs: BinaryIO, answers: BinaryIO, do: Callable[[Job], Answer]) -> None:
    """Do jobs until there are no more."""
    while (job := read_job(jobs)) is not None:
        try:
            answer = do(job)
        except Unavailable as missing:
            answer = Failed("unavailable", str(missing))
        except Invalid as invalid:
            answer = Failed("invalid", invalid.message)
        except Exception as error:
            answer = Failed("bug", f"{type(error).__name__}: {error}")
        answers.write(framed(answer))
        answers.flush()


def main() -> None:
    os.nice(GENTLE)
    answers = os.fdopen(os.dup(1), "wb")
    # What libraries print must not get between the answers.
    os.dup2(2, 1)
    work(sys.stdin.buffer, answers, {"voices": speak, "ears": listen}[sys.argv[1]])


if __name__ == "__main__":
    main()

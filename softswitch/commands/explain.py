"""`softswitch explain`: where a call would go, by the function that routes calls."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from softswitch.commands.remote import Remote, add_remote_options


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--from", dest="caller", required=True, metavar="A", help="who calls: a number")
    parser.add_argument("--to", dest="number", required=True, metavar="B", help="the number dialled")
    parser.add_argument("--at", metavar="TIME", help="when, such as 2026-12-25T03:00+08:00; now otherwise")
    parser.add_argument("--context", help="the dial plan context to start in; the caller's own otherwise")
    parser.add_argument("--json", action="store_true", help="print the answer as it came")
    add_remote_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask and print. Exit status 0 also for a call that would go nowhere: that is an answer."""
    question = {"from": arguments.caller, "to": arguments.number}
    if arguments.at is not None:
        question["at"] = arguments.at
    if arguments.context is not None:
        question["context"] = arguments.context
    answer = Remote(arguments.url, arguments.token).post("/routes/explain", question)
    if arguments.json:
        print(json.dumps(answer, ensure_ascii=False))
    else:
        for line in described(arguments.caller, arguments.number, answer):
            print(line)
    return 0


def described(caller: str, number: str, answer: dict[str, Any]) -> Iterator[str]:
    """The answer in words."""
    destination = answer["destination"]
    if destination is None:
        yield f"{caller} calling {number} goes nowhere: {answer.get('cause') or 'no rule takes it'}"
    else:
        name = "/".join(part for part in (destination["kind"], destination["name"]) if part)
        rewritten = answer.get("number", number)
        yield f"{caller} calling {number} goes to {name}" + (f" as {rewritten}" if rewritten != number else "")
    width = max((len(step["rule"]) for step in answer["steps"]), default=0)
    for step in answer["steps"]:
        yield f"  {step['rule']:<{width}}  {step['result']:<8} {step['reason']}"

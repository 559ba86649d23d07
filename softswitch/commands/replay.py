"""`softswitch replay`: which calls of the past would go elsewhere by another plan."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from softswitch.commands.remote import Remote, add_remote_options
from softswitch.kernel.errors import Invalid


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--plan", type=Path, metavar="FILE", help="a whole plan in JSON, as GET /api/v1/routes/plan gives it"
    )
    which.add_argument("--version", type=int, metavar="N", help="a version that was published before")
    parser.add_argument(
        "--since", required=True, metavar="TIME", help="calls that began then or later, such as 2026-11-01"
    )
    parser.add_argument("--until", metavar="TIME", help="and before this; now otherwise")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="how many to list (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the answer as it came")
    add_remote_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask and print. Raises Invalid for a file that is no JSON."""
    question: dict[str, Any] = {"since": arguments.since, "limit": arguments.limit}
    if arguments.until is not None:
        question["until"] = arguments.until
    if arguments.plan is not None:
        question["plan"] = _plan(arguments.plan)
    else:
        question["version"] = arguments.version
    answer = Remote(arguments.url, arguments.token).post("/routes/replay", question)
    if arguments.json:
        print(json.dumps(answer, ensure_ascii=False))
    else:
        for line in described(answer):
            print(line)
    return 0


def described(answer: dict[str, Any]) -> Iterator[str]:
    """The answer in words."""
    calls, elsewhere = answer["calls"], answer["elsewhere"]
    compared = f"than by version {answer['plan_version']}, which is in force"
    yield f"{calls} calls; {elsewhere} of them would go elsewhere {compared}"
    for call in answer["items"]:
        yield f"{call['started_at']}  {call['from']} calling {call['to']}  ({call['call_id']})"
        yield f"    now   {_way(call['in_force'])}"
        yield f"    then  {_way(call['tried'])}: {call['steps'][-1]['rule']}, {call['steps'][-1]['reason']}"
    if elsewhere > len(answer["items"]):
        yield f"... and {elsewhere - len(answer['items'])} more (--limit)"


def _way(way: dict[str, Any]) -> str:
    destination = way["destination"]
    if destination is None:
        return f"nowhere ({way['cause']})"
    name = "/".join(part for part in (destination["kind"], destination["name"]) if part)
    ends = f", which ends it ({way['cause']})" if way["cause"] is not None else ""
    return f"{name} as {way['number']}, shown as from {way['caller']}{ends}"


def _plan(path: Path) -> dict[str, Any]:
    try:
        plan = json.loads(path.read_text())
    except OSError as error:
        raise Invalid(str(path), error.strerror or str(error)) from error
    except ValueError as error:
        raise Invalid(str(path), f"no JSON: {error}") from error
    if not isinstance(plan, dict):
        raise Invalid(str(path), 'no plan: it should be {"contexts": [...], "rules": [...]}')
    # What GET gives beside the plan itself is no part of it.
    return {name: value for name, value in plan.items() if name not in ("version", "warnings")}

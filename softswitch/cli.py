"""The command line: finds the command, lets it run, and tells failures in one line.

Exit status: 0 done, 1 failed, 2 wrongly asked.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from softswitch import __version__
from softswitch.kernel.errors import SwitchError


class Command(NamedTuple):
    """One word after `softswitch`."""

    name: str
    module: str
    summary: str
    examples: str


COMMANDS = (
    Command(
        "serve",
        "softswitch.commands.serve",
        "run the switch until it is told to stop",
        """\
  softswitch serve --demo                       a switch to try, on this machine only: accounts 1001 to 1020
  softswitch serve --config /etc/softswitch.toml
  softswitch serve --config switch.toml --database postgresql://softswitch:secret@db/softswitch""",
    ),
    Command(
        "media",
        "softswitch.commands.media",
        "be the media engine of a switch, in a process of its own",
        "  softswitch media --config /etc/softswitch.toml",
    ),
    Command(
        "compose",
        "softswitch.commands.compose",
        "compose the pictures of rooms, in a process of its own (needs the extra softswitch[video])",
        "  softswitch compose --socket /run/softswitch/composer.sock",
    ),
    Command(
        "check",
        "softswitch.commands.check",
        "read a configuration file and say what it means, or what is wrong with it",
        "  softswitch check /etc/softswitch.toml",
    ),
    Command(
        "explain",
        "softswitch.commands.explain",
        "ask a running switch where a call would go, and why",
        """\
  softswitch explain --from 1001 --to 80001
  softswitch explain --from 1001 --to 110 --at 2026-12-25T03:00+08:00""",
    ),
    Command(
        "replay",
        "softswitch.commands.replay",
        "ask a running switch which calls of the past would go elsewhere by another dial plan",
        """\
  softswitch replay --plan new.json --since 2026-11-01
  softswitch replay --version 7 --since 2026-11-20T08:00+08:00 --until 2026-11-20T18:00+08:00""",
    ),
    Command(
        "user",
        "softswitch.commands.user",
        "make, list, import and remove accounts, in the database",
        """\
  softswitch user add 1001 --name "Alice"       a password is made, and shown this once
  softswitch user import staff.csv              lines of number,password,name in UTF-8
  softswitch user list
  softswitch user passwd 1001
  softswitch user remove 1001""",
    ),
    Command(
        "token",
        "softswitch.commands.token",
        "make, list and revoke tokens of the HTTP API, in the database",
        """\
  softswitch token create wallboard --role viewer
  softswitch token list
  softswitch token revoke 3""",
    ),
    Command(
        "call",
        "softswitch.phone.command",
        "place a call with a scripted phone, and tell what was heard (needs the extra softswitch[phone])",
        """\
  softswitch call --as 1001 9196                call the demo's echo for five seconds
  softswitch call --as 1001 5000 --digits 1,,9 --for 20 --record heard.wav""",
    ),
    Command(
        "flow",
        "softswitch.commands.flow",
        "check what callers hear, and go through it without a telephone",
        """\
  softswitch flow check main
  softswitch flow check repair.yaml
  softswitch flow simulate main --press 1,,9 --at "2026-02-17 10:00"
  softswitch flow simulate repair.yaml --language zh --path""",
    ),
    Command(
        "trace",
        "softswitch.commands.trace",
        "show the signalling, decisions and sound of a call, live or ended",
        "  softswitch trace 19c3a0f2-000001",
    ),
    Command(
        "whatif",
        "softswitch.commands.whatif",
        "simulate a day of the contact centre on the engine that runs it",
        """\
  softswitch whatif tomorrow.toml               docs/howto/whatif.md says what stands in the file
  softswitch whatif tomorrow.toml --interval 15 --formula answered""",
    ),
    Command("version", "softswitch.commands.version", "print the version", "  softswitch version"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview(), file=sys.stderr if not words else sys.stdout)
        return 0 if words else 2
    if words[0] == "--version":
        words[0] = "version"
    command = next((each for each in COMMANDS if each.name == words[0]), None)
    if command is None:
        print(f"softswitch: there is no command {words[0]!r}; softswitch --help lists them", file=sys.stderr)
        return 2
    module = importlib.import_module(command.module)
    parser = argparse.ArgumentParser(
        prog=f"softswitch {command.name}",
        description=command.summary[0].upper() + command.summary[1:] + ".",
        epilog=f"examples:\n{command.examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.configure(parser)
    try:
        parsed = parser.parse_args(words[1:])
    except SystemExit as leaving:  # argparse has said what is wrong, or printed its help
        return leaving.code if isinstance(leaving.code, int) else 2
    try:
        status: int = module.run(parsed)
        sys.stdout.flush()
        return status
    except SwitchError as error:
        print(f"softswitch {command.name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `softswitch user list | head`: nobody is left to be told, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _overview() -> str:
    width = max(len(command.name) for command in COMMANDS)
    lines = [
        f"softswitch {__version__}: a self-hosted SIP switch.",
        "",
        "usage: softswitch COMMAND [ARGUMENTS]",
        "",
        *(f"  {command.name.ljust(width)}  {command.summary}" for command in COMMANDS),
        "",
        "softswitch COMMAND --help explains one. To begin: softswitch serve --demo, and in another terminal",
        "softswitch call --as 1001 9196",
    ]
    return "\n".join(lines)

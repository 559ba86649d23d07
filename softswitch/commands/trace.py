"""`softswitch trace`: what happened in a call."""

import argparse
import urllib.parse

from softswitch.commands.remote import Remote, add_remote_options


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("call", metavar="CALL_ID", help="as the API and the records of calls show it")
    add_remote_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the trace."""
    call = urllib.parse.quote(arguments.call, safe="")
    print(Remote(arguments.url, arguments.token).get_text(f"/calls/{call}/trace").rstrip())
    return 0

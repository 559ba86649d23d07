"""The command line."""

import sys

from softswitch import __version__


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    if words == ["version"]:
        print(f"softswitch {__version__}")
        return 0
    print("usage: softswitch version", file=sys.stderr)
    return 2

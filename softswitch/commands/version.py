"""`softswitch version`."""

import argparse

from softswitch import __version__


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments."""


def run(arguments: argparse.Namespace) -> int:
    print(f"softswitch {__version__}")
    return 0

"""`softswitch compose`: compose the pictures of rooms, in a process of its own."""

import argparse
import os
from pathlib import Path

from softswitch.kernel.errors import SwitchError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--socket", type=Path, required=True, metavar="FILE", help="the Unix socket to listen at")


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT, or until no switch has been in control for a minute. Exit status 0: it ended so."""
    # numpy would start threads for mathematics that is not done here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from gateways.video.composer.keeper import keep
    except ModuleNotFoundError as missing:
        raise SwitchError(f"the package {missing.name} is needed: pip install 'softswitch[video]'") from missing
    try:
        keep(arguments.socket)
    except OSError as error:
        raise SwitchError(str(error)) from error
    return 0

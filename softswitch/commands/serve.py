"""`softswitch serve`: run the switch."""

import argparse
import gc
import tempfile
from contextlib import ExitStack

from softswitch.commands.configuration import add_listen_options, add_store_options, settings_of
from softswitch.platform.logs import configure_logs


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_store_options(parser)
    add_listen_options(parser)
    parser.add_argument(
        "--media-socket", metavar="FILE", help="where a media engine in a process of its own is spoken to, and begun"
    )
    parser.add_argument(
        "--demo",
        action="store_true",
        help="a switch to try: accounts 1001 to 1020 with passwords demo-1001 and so on, the token demo-admin, "
        "this machine only, data in a temporary folder unless --data-dir names one",
    )
    parser.add_argument(
        "--bench", action="store_true", help="for load tests: no limits and bans by source address; all else as ever"
    )
    parser.add_argument(
        "--media",
        choices=("anchored", "bypass"),
        default="anchored",
        help="whether the sound of the demo's trunk 8XXXX passes through the switch or goes past it (%(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT. Exit status 0: it stopped as asked."""
    with ExitStack() as stack:
        if arguments.demo and arguments.data_dir is None:
            arguments.data_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="softswitch-demo-"))
        settings = settings_of(arguments, demo=arguments.demo, bench=arguments.bench, demo_media=arguments.media)
        configure_logs(settings.log_level)
        # What is imported and built now stays: the collector, which would go round in it a hundred times and take a
        # fifth of the start, comes back once the switch is ready (`process`).
        gc.disable()
        from softswitch.process import run as serve  # imports that `--help` need not wait for

        return serve(settings)

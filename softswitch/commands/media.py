"""`softswitch media`: be the media engine of a switch, in a process of its own."""

import argparse
from pathlib import Path

from gateways._native import serve_media_engine
from softswitch.kernel.errors import Invalid, SwitchError
from softswitch.settings import Option, read_settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments. Those without a configuration file are for the switch that begins an engine."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the switch's configuration file, in TOML")
    parser.add_argument(
        "--data-dir", metavar="DIR", help="where the switch keeps its files: prompts are kept there, too"
    )
    parser.add_argument("--socket", metavar="FILE", help="the Unix socket to listen at")
    parser.add_argument("--listen", metavar="HOST", help="the address to receive sound on")
    parser.add_argument("--first-port", metavar="PORT", help="the lowest RTP port; 0: any that are free")
    parser.add_argument("--legs", metavar="N", help="how many legs there may be")
    parser.add_argument("--threads", metavar="N", help="threads that carry sound")
    parser.add_argument("--io", help="epoll, io_uring, or auto")
    parser.add_argument("--orphan-seconds", metavar="N", help="how long sound is kept up when the switch has died")
    parser.add_argument("--ends-alone", action="store_true", help="end when the switch stops, or has died for so long")


_OPTIONS = {
    "--data-dir": "data_dir",
    "--socket": "media.socket",
    "--first-port": "media.first_port",
    "--legs": "media.legs",
    "--threads": "media.threads",
    "--io": "media.io",
    "--orphan-seconds": "media.orphan_seconds",
}


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT. Exit status 0: it stopped as asked."""
    options = []
    for name, path in _OPTIONS.items():
        text = getattr(arguments, name.removeprefix("--").replace("-", "_"))
        if text is not None:
            options.append(Option(name, path, text))
    settings = read_settings(arguments.config, options=options)
    media = settings.media
    if media.socket is None:
        raise Invalid("media.socket", "say at which Unix socket to listen: --socket FILE")
    try:
        serve_media_engine(
            socket=media.socket,
            host=arguments.listen or settings.media_listen,
            first_port=media.first_port,
            legs=media.legs,
            threads=media.threads,
            io=media.io,
            prompts=settings.prompt_cache,
            orphan_seconds=media.orphan_seconds,
            ends_alone=arguments.ends_alone,
        )
    except (OSError, ValueError) as error:
        raise SwitchError(str(error)) from error
    return 0

"""The options that say which configuration, and so which switch, is meant."""

import argparse
from pathlib import Path

from softswitch.settings import Option, Settings, read_settings

_OPTIONS = {
    "--data-dir": "data_dir",
    "--database": "database",
    "--sip": "sip.listen",
    "--http": "http.listen",
    "--media-socket": "media.socket",
}


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Which database."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration file, in TOML")
    parser.add_argument("--data-dir", metavar="DIR", help="where the switch keeps its files")
    parser.add_argument("--database", metavar="URL", help="sqlite+aiosqlite:////FILE or postgresql://USER@HOST/NAME")


def add_listen_options(parser: argparse.ArgumentParser) -> None:
    """Which addresses."""
    parser.add_argument("--sip", metavar="HOST:PORT", help="where to hear SIP, over UDP and TCP")
    parser.add_argument("--http", metavar="HOST:PORT", help="where to serve the API")


def settings_of(
    arguments: argparse.Namespace, *, demo: bool = False, bench: bool = False, demo_media: str = "anchored"
) -> Settings:
    """The settings that a command line asks for. Raises Invalid."""
    options = []
    for name, path in _OPTIONS.items():
        text = getattr(arguments, name.removeprefix("--").replace("-", "_"), None)
        if text is not None:
            options.append(Option(name, path, text))
    return read_settings(arguments.config, options=options, demo=demo, bench=bench, demo_media=demo_media)

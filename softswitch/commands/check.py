"""`softswitch check`: read a configuration as `serve` would."""

import argparse
from pathlib import Path

from softswitch.platform.database import parse_url
from softswitch.settings import Settings, read_settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the configuration file, in TOML")


def run(arguments: argparse.Namespace) -> int:
    """Say what the file means. Exit status 1: it is wrong, and the line says where."""
    settings = read_settings(arguments.file)
    database = parse_url(settings.database).render_as_string(hide_password=True)
    print(f"{arguments.file} is right:")
    for name, value in described(settings, database):
        print(f"  {name:<10} {value}")
    return 0


def described(settings: Settings, database: str) -> list[tuple[str, str]]:
    """The settings in words."""
    lines = []
    for transport, address in settings.sip.listen:
        outside = settings.advertised_for(address.host)
        known = f", known to phones as {outside}" if outside != address.host else ""
        lines.append(("SIP", f"{transport} on {address}{known}"))
    media, media_known = settings.media_listen, settings.media_advertised
    known = f", known to phones as {media_known}" if media_known != media else ""
    ports = f"from port {settings.media.first_port}" if settings.media.first_port else "on any ports"
    return [
        *lines,
        ("realm", settings.sip.realm),
        ("HTTP", f"on {settings.http.listen}"),
        ("sound", f"on {media}{known}, {settings.media.legs} legs {ports}"),
        ("data", f"in {settings.data_dir}"),
        ("database", database),
        ("log", f"from {settings.log_level} on"),
    ]

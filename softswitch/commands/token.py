"""`softswitch token`: tokens of the HTTP API, in the database."""

import argparse
from datetime import UTC, datetime

from softswitch.commands.configuration import add_store_options, settings_of
from softswitch.commands.store import SystemClock, with_database
from softswitch.kernel.errors import Invalid
from softswitch.platform.auth import Role
from softswitch.platform.database import Database
from softswitch.platform.tokens import create_token, list_tokens, revoke_token

DAY_MS = 86_400_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="create|list|revoke")
    create = verbs.add_parser("create", help="make a token; it is printed this once, only its digest is kept")
    create.add_argument("name", help="what it is for, such as wallboard")
    create.add_argument("--role", choices=[role.value for role in Role], default="viewer", help="%(default)s")
    create.add_argument("--days", type=int, help="how long it holds; for ever otherwise")
    listing = verbs.add_parser("list", help="list all tokens")
    revoke = verbs.add_parser("revoke", help="end a token for ever")
    revoke.add_argument("number", type=int, help="its number in the list")
    for verb in (create, listing, revoke):
        add_store_options(verb)
    parser.description = (
        "Make, list and revoke tokens of the HTTP API. This works on the database itself; a switch that runs on it "
        "knows a new token at once, and a revoked one no longer after five seconds."
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    verb = {"create": _create, "list": _list, "revoke": _revoke}[arguments.verb]
    print(with_database(settings_of(arguments), lambda database: verb(arguments, database)))
    return 0


async def _create(arguments: argparse.Namespace, database: Database) -> str:
    if not 1 <= len(arguments.name) <= 100 or not arguments.name.isprintable():
        raise Invalid("NAME", "1 to 100 characters on one line are needed")
    if arguments.days is not None and not 1 <= arguments.days <= 36_500:
        raise Invalid("--days", "1 to 36500")
    now = SystemClock().wall_ms()
    expires_at = now + arguments.days * DAY_MS if arguments.days is not None else None
    async with database.session() as session:
        _, token = await create_token(session, arguments.name, Role(arguments.role), now, expires_at)
    return token


async def _list(arguments: argparse.Namespace, database: Database) -> str:
    async with database.reading() as session:
        rows = await list_tokens(session, None, 100_000)
    lines = [f"{'':>6} {'role':<9} {'last used':<17} {'state':<20} name"]
    now = SystemClock().wall_ms()
    for row in rows:
        state = "valid" if row.expires_at is None else f"until {_day(row.expires_at)}"
        if row.expires_at is not None and row.expires_at <= now:
            state = f"expired {_day(row.expires_at)}"
        if row.revoked_at is not None:
            state = f"revoked {_day(row.revoked_at)}"
        used = "never" if row.last_used_at is None else _minute(row.last_used_at)
        lines.append(f"{row.id:>6} {row.role:<9} {used:<17} {state:<20} {row.name}")
    return "\n".join(lines)


async def _revoke(arguments: argparse.Namespace, database: Database) -> str:
    async with database.session() as session:
        row = await revoke_token(session, arguments.number, SystemClock().wall_ms())
    return f"token {row.id} ({row.name}) is revoked"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


def _minute(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")

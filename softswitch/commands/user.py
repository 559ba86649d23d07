"""`softswitch user`: accounts, in the database."""

import argparse
import sys
from pathlib import Path

from softswitch.commands.configuration import add_store_options, settings_of
from softswitch.commands.store import SystemClock, with_database
from softswitch.features.directory import store
from softswitch.features.directory.model import NAME, NUMBER, PASSWORD, NewAccount, parse_accounts
from softswitch.features.directory.service import Directory, new_password
from softswitch.kernel.errors import Invalid
from softswitch.platform.database import Database


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|import|passwd|remove")
    add = verbs.add_parser("add", help="make an account")
    add.add_argument("number", help="its number, which is its SIP user name too")
    add.add_argument("--name", default="", help="the name shown beside the number")
    add.add_argument("--password", help="left out: one is made, and shown this once")
    add.add_argument("--context", default="default", help="the dial plan context of its calls (%(default)s)")
    listing = verbs.add_parser("list", help="list all accounts")
    importing = verbs.add_parser("import", help="make an account of each line number,password,name of a CSV file")
    importing.add_argument("file", type=Path, metavar="FILE.csv", help="in UTF-8; - reads standard input")
    passwd = verbs.add_parser("passwd", help="give an account a new password")
    passwd.add_argument("number")
    passwd.add_argument("--password", help="left out: one is made, and shown this once")
    remove = verbs.add_parser("remove", help="delete an account")
    remove.add_argument("number")
    for verb in (add, listing, importing, passwd, remove):
        add_store_options(verb)
    parser.description = (
        "Make, list, import and remove accounts. This works on the database itself; a switch that runs on it takes "
        "the change up within two seconds."
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    settings = settings_of(arguments)
    directory = Directory(settings.sip.realm, SystemClock())
    verb = {"add": _add, "list": _list, "import": _import, "passwd": _passwd, "remove": _remove}[arguments.verb]
    print(with_database(settings, lambda database: verb(arguments, directory, database)))
    return 0


async def _add(arguments: argparse.Namespace, directory: Directory, database: Database) -> str:
    for option, text, pattern in (("NUMBER", arguments.number, NUMBER), ("--name", arguments.name, NAME)):
        if not pattern.fullmatch(text):
            raise Invalid(option, f"{text!r} cannot be one")
    password = _password(arguments)
    new = NewAccount(
        number=arguments.number,
        password=password or new_password(),
        name=arguments.name,
        context=arguments.context,
    )
    async with database.session() as session:
        await directory.create(session, [new])
    return f"account {new.number} is made" + ("" if password else f"; its password is {new.password}")


async def _list(arguments: argparse.Namespace, directory: Directory, database: Database) -> str:
    async with database.reading() as session:
        rows = sorted(await store.all_accounts(session), key=lambda row: row.number)
    lines = [f"{row.number:<16} {row.context:<16} {'' if row.enabled else 'disabled ':<9}{row.name}" for row in rows]
    return "\n".join([f"{'number':<16} {'context':<16} {'':<9}name", *lines]).replace(" \n", "\n")


async def _import(arguments: argparse.Namespace, directory: Directory, database: Database) -> str:
    accounts = parse_accounts(str(arguments.file), _read(arguments.file))
    async with database.session() as session:
        await directory.create(session, accounts)
    return f"{len(accounts)} accounts are made"


async def _passwd(arguments: argparse.Namespace, directory: Directory, database: Database) -> str:
    given = _password(arguments)
    password = given or new_password()
    async with database.session() as session:
        await directory.change(session, arguments.number, {"password": password})
    return f"account {arguments.number} has a new password" + ("" if given else f": {password}")


async def _remove(arguments: argparse.Namespace, directory: Directory, database: Database) -> str:
    async with database.session() as session:
        await directory.remove(session, arguments.number)
    return f"account {arguments.number} is deleted"


def _password(arguments: argparse.Namespace) -> str | None:
    if arguments.password is not None and not PASSWORD.fullmatch(arguments.password):
        raise Invalid("--password", "1 to 128 characters are needed")
    password: str | None = arguments.password
    return password


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid(str(file), f"cannot be read: {error.strerror}") from error

"""What an account is, and how one is read from a line of CSV."""

import csv
import hashlib
import io
import ipaddress
import re
from collections.abc import Iterator

from msgspec import Struct

from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import Origin
from softswitch.kernel.errors import Invalid
from softswitch.kernel.media import Srtp

NUMBER = re.compile(r"[A-Za-z0-9*#+][A-Za-z0-9*#+._-]{0,63}")
NAME = re.compile(r"[^\x00-\x1f\x7f]{0,100}")
PASSWORD = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
COLUMNS = ("number", "password", "name")


class Access(Struct, frozen=True, gc=False):
    """From where and how an account may come."""

    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    """Empty: from everywhere."""
    transports: frozenset[str]
    """Empty: as it likes."""

    def admits(self, host: str, transport: str) -> bool:
        if self.transports and transport not in self.transports:
            return False
        address = ipaddress.ip_address(host)
        return not self.networks or any(address in network for network in self.networks)


class Account(Struct, frozen=True, gc=False, kw_only=True):
    """Someone who may register and call."""

    number: str
    name: str
    enabled: bool
    ring_seconds: int
    """How long a call rings its phones before it counts as not answered."""
    caller_id: str
    """The number that trunks are shown instead of its own; empty: its own."""
    origin: Origin
    """Whom its calls are from: this account, in its dial plan context."""
    ha1_md5: str
    """H(A1) of RFC 7616 section 3.4.2, hexadecimal; empty when it was made for another realm."""
    ha1_sha256: str
    access: Access | None = None
    """None: from everywhere, as it likes."""
    in_call_codes: bool = True
    """Whether its keys mean something while it talks."""
    pickup_groups: frozenset[str] = frozenset()
    """Whose ringing phones it may answer without naming them: those of accounts that share one of these."""

    @property
    def srtp(self) -> Srtp:
        """Whether its phones' sound is encrypted."""
        return self.origin.srtp


class NewAccount(Struct, frozen=True, gc=False, kw_only=True):
    """What is needed to make an account."""

    number: str
    password: str
    name: str = ""
    enabled: bool = True
    context: str = "default"
    ring_seconds: int = 60
    caller_id: str = ""
    networks: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    codecs: tuple[str, ...] = ()
    in_call_codes: bool = True
    pickup_groups: tuple[str, ...] = ()
    signalling: LegRules = LegRules()
    srtp: str = "off"
    video: bool = True


def ha1(number: str, realm: str, password: str) -> tuple[str, str]:
    """H(A1) by MD5 and by SHA-256: all that is kept of a password (RFC 7616 section 3.4.2)."""
    a1 = f"{number}:{realm}:{password}".encode()
    return hashlib.md5(a1, usedforsecurity=False).hexdigest(), hashlib.sha256(a1).hexdigest()


def parse_accounts(file: str, data: bytes) -> list[NewAccount]:
    """Read `number,password,name` lines in UTF-8, with or without a heading.

    Raises Invalid naming file, line and field; then nothing was read.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{file}:{line}", "this is not UTF-8: save the file as UTF-8") from error
    accounts: dict[str, int] = {}
    read = []
    for line, row in _rows(file, text):
        if not row or (line == 1 and [word.strip().lower() for word in row] == list(COLUMNS)[: len(row)]):
            continue
        account = _account(f"{file}:{line}", row)
        if account.number in accounts:
            raise Invalid(f"{file}:{line}: number", f"{account.number} stands in line {accounts[account.number]} too")
        accounts[account.number] = line
        read.append(account)
    return read


def _rows(file: str, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1  # a quoted field may span lines: name the one the row starts on
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise Invalid(f"{file}:{line}", f"this is no CSV: {error}") from error
        if row is None:
            return
        yield line, row


def _account(where: str, row: list[str]) -> NewAccount:
    if len(row) > len(COLUMNS):
        raise Invalid(where, f"{len(row)} fields; expected {','.join(COLUMNS)}")
    number, password, name = (field.strip() for field in [*row, "", ""][:3])
    if not NUMBER.fullmatch(number):
        raise Invalid(f"{where}: number", f"{number!r} is no number: letters, digits and * # + . _ - , 64 at most")
    if not PASSWORD.fullmatch(password):
        raise Invalid(f"{where}: password", "1 to 128 characters are needed")
    if not NAME.fullmatch(name):
        raise Invalid(f"{where}: name", "at most 100 characters on one line")
    return NewAccount(number=number, password=password, name=name)

"""What can be done with accounts, and the table of all of them in memory that calls are answered from."""

import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from softswitch.calls.leg_rules import LegRules, rules_or_none
from softswitch.calls.signals import Origin
from softswitch.features.directory import store
from softswitch.features.directory.model import Access, Account, NewAccount, ha1
from softswitch.features.directory.tables import AccountRow
from softswitch.kernel.address import Party
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.kernel.media import Srtp
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

log = structlog.get_logger(__name__)

CHANGED = "directory"
"""What accounts are called among the `Changes`."""


def new_password() -> str:
    """A secret for a phone: 96 bits, short enough to be typed into one."""
    return secrets.token_urlsafe(12)


Forget = Callable[[Session, str], Awaitable[None]]
"""Deletes what is stored for an account."""


class Directory:
    """All accounts of one realm. What a call asks is answered from memory; memory changes when a change is stored."""

    def __init__(self, realm: str, clock: Clock, *, on_removed: Callable[[str], None] = lambda number: None) -> None:
        """`on_removed` is told the number of an account that was deleted or disabled."""
        self.realm = realm
        self._clock = clock
        self._on_removed = on_removed
        self._accounts: dict[str, Account] = {}
        self._goes_with: list[Forget] = []

    def goes_with(self, forget: Forget) -> None:
        """What another part stores for an account is deleted with it, in the same transaction."""
        self._goes_with.append(forget)

    async def load(self, database: Database) -> None:
        """Read all accounts: before the first call, and again when another process has changed them."""
        async with database.reading() as session:
            rows = await store.all_accounts(session)
        before, self._accounts = self._accounts, {row.number: self._account(row) for row in rows}
        for number, account in before.items():
            now = self._accounts.get(number)
            if account.enabled and (now is None or not now.enabled):
                self._on_removed(number)
        foreign = [row.number for row in rows if row.realm != self.realm]
        if foreign:
            log.warning(
                "accounts with a password made for another realm cannot register: set their passwords again",
                realm=self.realm,
                accounts=len(foreign),
                first=foreign[0],
            )

    # What calls ask -------------------------------------------------------------------------------------

    def accounts(self) -> Collection[Account]:
        """All there are."""
        return self._accounts.values()

    def account(self, number: str) -> Account | None:
        return self._accounts.get(number)

    def ha1(self, username: str, algorithm: str) -> str | None:
        """H(A1) of an enabled account for `MD5` or `SHA-256`; None: no such account may register."""
        account = self._accounts.get(username)
        if account is None or not account.enabled:
            return None
        return (account.ha1_sha256 if algorithm == "SHA-256" else account.ha1_md5) or None

    def admits(self, username: str, host: str, transport: str) -> bool:
        """Whether an account may come from an address by a transport (`udp`, `tls` …)."""
        account = self._accounts.get(username)
        return account is None or account.access is None or account.access.admits(host, transport)

    def origin(self, username: str) -> Origin:
        """Whom a request is from that `username` has proved. Raises NotFound."""
        account = self._accounts.get(username)
        if account is None:
            raise NotFound("account", username)
        return account.origin

    def srtp(self, number: str) -> Srtp:
        """Whether the sound of an account's phones is encrypted."""
        account = self._accounts.get(number)
        return Srtp.OFF if account is None else account.srtp

    def shown_outside(self, number: str) -> Party | None:
        """The number and name that trunks are shown for an account; None: there is no such account."""
        account = self._accounts.get(number)
        return None if account is None else Party(account.caller_id or account.number, account.name)

    def picked_up_by(self, number: str) -> frozenset[str]:
        """The accounts whose phones an account answers without naming them: those that share a pickup group."""
        groups = account.pickup_groups if (account := self._accounts.get(number)) is not None else frozenset()
        if not groups:
            return frozenset()
        others = self._accounts.values()
        return frozenset(
            other.number for other in others if other.number != number and not groups.isdisjoint(other.pickup_groups)
        )

    def __len__(self) -> int:
        return len(self._accounts)

    # What administrators do -----------------------------------------------------------------------------

    async def create(self, session: Session, new: Sequence[NewAccount]) -> None:
        """Make accounts, all or none. Raises Conflict naming the first number that is taken."""
        taken = await store.numbers_taken(session, [account.number for account in new])
        for account in new:
            if account.number in taken:
                raise Conflict("account-exists", f"there is an account {account.number} already")
        if not new:
            return
        rows = [self._values(account) for account in new]
        await store.add_accounts(session, rows)
        await count_change(session, CHANGED)
        created = [self._account(AccountRow(**values)) for values in rows]
        session.after_commit(lambda: self._accounts.update((account.number, account) for account in created))

    async def change(self, session: Session, number: str, changes: Mapping[str, Any]) -> AccountRow:
        """Change what `changes` names: any column but the number, and `password`. Raises NotFound."""
        row = await self.row(session, number)
        for field, value in changes.items():
            if field == "password":
                row.realm, (row.ha1_md5, row.ha1_sha256) = self.realm, ha1(number, self.realm, value)
            elif field in ("networks", "transports", "codecs", "pickup_groups"):
                setattr(row, field, " ".join(value))
            elif field == "signalling":
                row.signalling = _written(value)
            else:
                setattr(row, field, value)
        row.updated_at = self._clock.wall_ms()
        await session.flush()
        await count_change(session, CHANGED)
        account = self._account(row)

        def remember() -> None:
            self._accounts[number] = account
            if not account.enabled:
                self._on_removed(number)

        session.after_commit(remember)
        return row

    async def remove(self, session: Session, number: str) -> None:
        """Delete an account. Raises NotFound."""
        await self.row(session, number)
        await store.delete_account(session, number)
        for also in self._goes_with:
            await also(session, number)
        await count_change(session, CHANGED)

        def forget() -> None:
            self._accounts.pop(number, None)
            self._on_removed(number)

        session.after_commit(forget)

    async def row(self, session: Session, number: str) -> AccountRow:
        """One account as stored. Raises NotFound."""
        row = await store.find_account(session, number)
        if row is None:
            raise NotFound("account", number)
        return row

    def _values(self, new: NewAccount) -> dict[str, Any]:
        ha1_md5, ha1_sha256 = ha1(new.number, self.realm, new.password)
        now = self._clock.wall_ms()
        return {
            "number": new.number,
            "name": new.name,
            "realm": self.realm,
            "ha1_md5": ha1_md5,
            "ha1_sha256": ha1_sha256,
            "enabled": new.enabled,
            "context": new.context,
            "ring_seconds": new.ring_seconds,
            "caller_id": new.caller_id,
            "networks": " ".join(new.networks),
            "transports": " ".join(new.transports),
            "codecs": " ".join(new.codecs),
            "in_call_codes": new.in_call_codes,
            "pickup_groups": " ".join(new.pickup_groups),
            "signalling": _written(new.signalling),
            "srtp": new.srtp,
            "video": new.video,
            "created_at": now,
            "updated_at": now,
        }

    def _account(self, row: Any) -> Account:
        ours = row.realm == self.realm
        rules = rules_or_none(msgspec.json.decode(row.signalling, type=LegRules)) if row.signalling != "{}" else None
        return Account(
            number=row.number,
            name=row.name,
            enabled=row.enabled,
            ring_seconds=row.ring_seconds,
            caller_id=row.caller_id,
            origin=Origin(
                "account",
                row.number,
                row.context,
                tuple(row.codecs.split()),
                rules,
                row.name,
                Srtp(row.srtp),
                row.video,
            ),
            ha1_md5=row.ha1_md5 if ours else "",
            ha1_sha256=row.ha1_sha256 if ours else "",
            access=_access(row.networks, row.transports),
            in_call_codes=row.in_call_codes,
            pickup_groups=frozenset(row.pickup_groups.split()),
        )


def _written(rules: LegRules) -> str:
    defaults = msgspec.to_builtins(LegRules())
    said = msgspec.to_builtins(rules)
    return msgspec.json.encode({name: value for name, value in said.items() if value != defaults[name]}).decode()


def _access(networks: str, transports: str) -> Access | None:
    if not networks and not transports:
        return None
    return Access(tuple(ipaddress.ip_network(text) for text in networks.split()), frozenset(transports.split()))

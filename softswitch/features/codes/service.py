"""The codes in force: what a party may press, and how that is changed."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from softswitch.calls.in_call import Keypad
from softswitch.calls.signals import Origin
from softswitch.features.codes import store
from softswitch.features.codes.model import DEFAULTS, InCallCode, checked, of_party, together
from softswitch.features.codes.needs import Accounts
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Conflict, NotFound
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session

CHANGED = "codes"
"""What these are called among the `Changes`."""


class Codes:
    """All codes that are pressed while one talks. Memory changes when a change is stored."""

    def __init__(self, accounts: Accounts, outside: Callable[[str], Origin | None], key_seconds: float = 4.0) -> None:
        """`outside` tells whom the calls of a trunk are from; `key_seconds` is the longest time from one key of a code
        or number to the next."""
        self._accounts = accounts
        self._outside = outside
        self._key_seconds = key_seconds
        self._take(DEFAULTS)

    @property
    def all(self) -> Mapping[str, InCallCode]:
        """By name."""
        return self._codes

    async def load(self, database: Database) -> None:
        """Read what was set: before the first call, and again when another process has changed it."""
        async with database.reading() as session:
            self._take(together(await store.all_codes(session)))

    def keypad(self, party: Destination) -> Keypad | None:
        """What a party that belongs to a destination may press while it talks; None: nothing."""
        if party.kind == "account":
            account = self._accounts.account(party.name)
            if account is None or not account.in_call_codes:
                return None
            return self._pad(account.origin, outside=False)
        origin = self._outside(party.name) if party.kind == "trunk" and self._of_outside else None
        return None if origin is None else self._pad(origin, outside=True)

    def _pad(self, rights: Origin, *, outside: bool) -> Keypad | None:
        codes = self._of_outside if outside else self._of_accounts
        return Keypad(codes, rights, self._key_seconds) if codes else None

    async def create(self, session: Session, code: InCallCode) -> InCallCode:
        """Add a code. Raises Conflict and Invalid."""
        codes = together(await store.all_codes(session))
        if code.name in codes:
            raise Conflict("exists", f"there is a code {code.name} already")
        return await self._set(session, codes, code)

    async def change(self, session: Session, name: str, changes: Mapping[str, Any]) -> InCallCode:
        """Set what `changes` names, fields of `InCallCode`. Raises NotFound and Invalid."""
        codes = together(await store.all_codes(session))
        if name not in codes:
            raise NotFound("code", name)
        return await self._set(session, codes, replace(codes[name], **changes))

    async def remove(self, session: Session, name: str) -> None:
        """Forget what was set of a code: one of our own is as it was at first, another is gone. Raises NotFound."""
        stored = dict(await store.all_codes(session))
        if name not in stored:
            raise NotFound("code that was set", name)
        del stored[name]
        await store.remove(session, name)
        await self._changed(session, checked(together(stored)))

    async def _set(self, session: Session, codes: Mapping[str, InCallCode], code: InCallCode) -> InCallCode:
        codes = checked({**codes, code.name: code})
        await store.write(session, code)
        await self._changed(session, codes)
        return code

    async def _changed(self, session: Session, codes: Mapping[str, InCallCode]) -> None:
        await count_change(session, CHANGED)
        session.after_commit(lambda: self._take(codes))

    def _take(self, codes: Mapping[str, InCallCode]) -> None:
        self._codes = codes
        self._of_accounts = of_party(codes, outside=False)
        self._of_outside = of_party(codes, outside=True)

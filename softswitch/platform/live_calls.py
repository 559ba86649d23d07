"""Live calls as they are written down for the process after this one, each sealed: they hold the keys of their sound.

They are written behind, in the same transactions as the facts of their calls, so that the two are of one moment.
"""

from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from softswitch.kernel.ids import CallId
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog, Rows
from softswitch.platform.tables import Base
from softswitch.platform.vault import Vault, VaultError

log = structlog.get_logger(__name__)


class LiveCallRow(Base):
    """One answered call that has not ended."""

    __tablename__ = "live_calls"

    call: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    """Sealed JSON."""


_LIVE = Rows(LiveCallRow.__tablename__, {"call": "TEXT", "body": "TEXT"}, replacing=True)
_OVER = Rows(LiveCallRow.__tablename__, {"call": "TEXT"}, removing=True)

Change = tuple[CallId, bytes | None]
"""A call, and what to write down of it; None: it is over."""


class LiveCalls:
    """The table of them."""

    def __init__(self, database: Database, event_log: EventLog, vault: Vault) -> None:
        self._database = database
        self._log = event_log
        self._vault = vault

    def follow(self, changes: Callable[[], Sequence[Change]]) -> None:
        """Write down from now on what `changes` says before each batch of facts is stored."""
        self._log.derive(lambda: [self._row(call, written) for call, written in changes()])

    async def read(self) -> dict[CallId, bytes]:
        """What the last process has written down. What cannot be read, because the key is another, is forgotten."""
        async with self._database.reading() as session:
            rows = (await session.execute(select(LiveCallRow.call, LiveCallRow.body))).all()
        found: dict[CallId, bytes] = {}
        for name, sealed in rows:
            call = CallId(name)
            try:
                found[call] = self._vault.open(sealed, _purpose(call)).encode()
            except VaultError as error:
                log.error("a live call cannot be read", call=call, error=str(error))
                self.forget(call)
        return found

    def forget(self, call: CallId) -> None:
        """A call has ended."""
        self._log.add(_OVER, (call,))

    def _row(self, call: CallId, written: bytes | None) -> tuple[Rows, tuple[object, ...]]:
        if written is None:
            return _OVER, (call,)
        return _LIVE, (call, self._vault.seal(written.decode(), _purpose(call)))


def _purpose(call: CallId) -> str:
    return f"live-call/{call}"

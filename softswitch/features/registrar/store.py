"""Every query about bindings."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import select, text

from softswitch.features.registrar.model import unbound
from softswitch.features.registrar.tables import LocationRow
from softswitch.kernel.binding import Binding
from softswitch.platform.database import Session

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(tuple[Binding, ...])

# Both databases understand this form; it writes one row by its key whether it was there or not.
_PUT = text(
    "INSERT INTO registrar_location (aor, expires_at, bindings) VALUES (:aor, :expires_at, :bindings)"
    " ON CONFLICT (aor) DO UPDATE SET expires_at = excluded.expires_at, bindings = excluded.bindings"
)
_REMOVE = text("DELETE FROM registrar_location WHERE aor = :aor")
_PURGE = text("DELETE FROM registrar_location WHERE expires_at <= :now")


async def write(session: Session, locations: Mapping[str, Sequence[Binding]]) -> None:
    """Make these the bindings of these accounts; none: the account has no row."""
    put = [
        {
            "aor": aor,
            "expires_at": max(binding.expires_at for binding in bindings),
            "bindings": _ENCODER.encode(bindings).decode(),
        }
        for aor, bindings in locations.items()
        if bindings
    ]
    removed = [{"aor": aor} for aor, bindings in locations.items() if not bindings]
    if put:
        await session.execute(_PUT, put)
    if removed:
        await session.execute(_REMOVE, removed)


async def load(session: Session, now: int) -> dict[str, tuple[Binding, ...]]:
    """All bindings that run out after `now`; rows that hold no other are deleted."""
    await session.execute(_PURGE, {"now": now})
    loaded = {}
    for aor, encoded in await session.execute(select(LocationRow.aor, LocationRow.bindings)):
        # The connections of the process before are gone: a phone behind one is reached again once it registers.
        bindings = tuple(
            unbound(binding) if binding.connection is not None else binding
            for binding in _DECODER.decode(encoded)
            if binding.expires_at > now
        )
        if bindings:
            loaded[aor] = bindings
    return loaded

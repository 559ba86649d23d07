"""Every query about prompts."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs
from sqlalchemy import select

from softswitch.features.prompts.model import Prompt
from softswitch.features.prompts.tables import PromptRow
from softswitch.platform.database import Session

_FIELDS = tuple(field.name for field in structs.fields(Prompt))


async def all_prompts(session: Session) -> Sequence[Prompt]:
    rows = await session.scalars(select(PromptRow))
    return [_read(row) for row in rows]


async def find(session: Session, language: str, name: str) -> Prompt | None:
    """One; None when there is none."""
    row = await session.get(PromptRow, (language, name), with_for_update=True)
    return None if row is None else _read(row)


async def write(session: Session, prompt: Prompt) -> None:
    await session.merge(PromptRow(**structs.asdict(prompt)))
    await session.flush()


async def remove(session: Session, language: str, name: str) -> None:
    row = await session.get(PromptRow, (language, name))
    if row is not None:
        await session.delete(row)
        await session.flush()


def _read(row: PromptRow) -> Prompt:
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    return Prompt(**values)

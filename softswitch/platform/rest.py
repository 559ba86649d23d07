"""What every resource under /api/v1 has in common: models, pages, and the database session of a request."""

import base64
import binascii
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar, overload

import msgspec
from fastapi import Depends, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints
from starlette.requests import HTTPConnection

from softswitch.kernel.errors import Invalid
from softswitch.platform.database import Database, Session

Item = TypeVar("Item")
Row = TypeVar("Row")

Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=100)]
"""One line of text for people, in any script."""
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
"""A name that stands in paths and destinations."""
Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*#+][A-Za-z0-9*#+._-]*$", max_length=64)]
"""A number or user name as it is dialled."""
Key = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=200)]
"""The part of a path that says which: whatever may be looked up, whether it exists or not."""


def _read_moment(value: Any) -> Any:
    return moment(value) if isinstance(value, int) else value


Moment = Annotated[datetime, BeforeValidator(_read_moment)]
"""A time in an answer: wall milliseconds as stored, shown in UTC by ISO 8601."""


@overload
def moment(at: int) -> datetime: ...
@overload
def moment(at: None) -> None: ...
def moment(at: int | None) -> datetime | None:
    """Wall milliseconds as a time in UTC; none where there is none."""
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC)


@overload
def wall_ms(moment: datetime) -> int: ...
@overload
def wall_ms(moment: datetime | None) -> int | None: ...
def wall_ms(moment: datetime | None) -> int | None:
    """The other way: wall milliseconds of a time; one without a zone is taken as UTC."""
    return None if moment is None else round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


ABSENT: Any = None
"""The default of a field that `Changes` may leave out."""


class Input(BaseModel):
    """A request's body. A field that is not known is refused by name rather than ignored."""

    # A limit on every text also makes the parser look at it, and refuse what is no Unicode (a lone surrogate).
    model_config = ConfigDict(extra="forbid", str_max_length=1_000_000)


class Changes(Input):
    """A PATCH's body: `named()` gives what the request named and nothing else.

    Declare fields as `ring_seconds: int = ABSENT`: they may be left out, and may not be null.
    """

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> Any:
        schema = handler(core_schema)
        for details in handler.resolve_ref_schema(schema).get("properties", {}).values():
            if "default" in details and details["default"] is None:
                del details["default"]
        return schema

    def named(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


class Page(BaseModel, Generic[Item]):
    """Some of a list, and where it goes on."""

    items: list[Item]
    next: str | None
    """Give this as `cursor` for the next page; null: this was the last."""


class PageQuery:
    """The query parameters of a list: `limit` and `cursor`."""

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=1000, description="items on a page")] = 100,
        cursor: Annotated[str | None, Query(max_length=1000, description="`next` of the page before")] = None,
    ) -> None:
        self.limit = limit
        self._cursor = cursor

    def after(self, *kinds: type) -> Any:
        """The key of the last item of the page before, None on the first page: one value, or a tuple when several
        `kinds` (of `int`, `str`) are named. Raises Invalid for a cursor that we never gave."""
        if self._cursor is None:
            return None
        try:
            key = msgspec.json.decode(base64.urlsafe_b64decode(self._cursor), type=list[int | str])
        except (binascii.Error, ValueError, msgspec.DecodeError):
            key = []
        if [type(part) for part in key] != list(kinds) or any("\0" in str(part) for part in key):
            raise Invalid("cursor", "this is no cursor of this list: take it from `next`")
        return key[0] if len(kinds) == 1 else tuple(key)

    def page(self, rows: Sequence[Row], key: Callable[[Row], Any], show: Callable[[Row], Item]) -> Page[Item]:
        """A page of `rows`, of which the caller fetched up to `limit + 1`. `key` gives what `after` gives back."""
        shown = rows[: self.limit]
        following = None
        if len(rows) > self.limit:
            last = key(shown[-1])
            parts = list(last) if isinstance(last, tuple) else [last]
            following = base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode()
        return Page(items=[show(row) for row in shown], next=following)


Paging = Annotated[PageQuery, Depends()]


async def _writing(connection: HTTPConnection) -> AsyncIterator[Session]:
    database: Database = connection.app.state.database
    async with database.session() as session:
        yield session


async def _reading(connection: HTTPConnection) -> AsyncIterator[Session]:
    database: Database = connection.app.state.database
    async with database.reading() as session:
        yield session


# `scope="function"` commits before the response goes out: what was answered 201 is stored.
Writing = Annotated[Session, Depends(_writing, scope="function")]
"""A handler's session that commits when the handler returns and rolls back when it raises."""
Reading = Annotated[Session, Depends(_reading, scope="function")]
"""A handler's session for reading only."""

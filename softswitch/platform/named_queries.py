"""Asks databases what the settings declare, by name: each query is one SELECT in a transaction that can only read."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from softswitch.kernel.errors import Invalid, NotFound
from softswitch.platform.database import DatabaseUnavailable, parse_url

SECONDS = 5.0
"""What an answer may take."""


class NamedQuery(Protocol):
    """One query (`softswitch.settings.flows.NamedQuery`)."""

    @property
    def name(self) -> str: ...
    @property
    def database(self) -> str: ...
    @property
    def sql(self) -> str: ...


class NamedQueries:
    """One pool of connections for each database, opened at its first question."""

    def __init__(self, queries: Sequence[NamedQuery]) -> None:
        """Opens nothing yet. Raises Invalid for a database's URL that is none."""
        self._queries = {query.name: query for query in queries}
        for query in queries:
            try:
                parse_url(query.database)
            except Invalid as error:
                raise Invalid(f"flows.queries.{query.name}", error.message) from error
        self._engines: dict[str, AsyncEngine] = {}

    @property
    def names(self) -> Collection[str]:
        return self._queries.keys()

    async def look_up(self, query: str, parameters: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The first row, by its columns; None: there is none.

        Raises NotFound for an unknown query, Invalid for a parameter that it has not or that is missing, and
        DatabaseUnavailable where there is no answer in time.
        """
        known = self._queries.get(query)
        if known is None:
            raise NotFound("query", query)
        statement = text(known.sql)
        wanted = set(statement.compile().params)
        if wanted != set(parameters):
            raise Invalid(query, f"its parameters are {', '.join(sorted(wanted)) or 'none'}")
        given = {name: _plain(value) for name, value in parameters.items()}
        try:
            async with asyncio.timeout(SECONDS), self._engine(known.database).connect() as connection:
                row = (await connection.execute(statement, given)).mappings().first()
                return None if row is None else dict(row)
        except (SQLAlchemyError, OSError) as error:
            why = str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__]
            raise DatabaseUnavailable(f"query {query!r} failed: {why[0] or type(error).__name__}") from error

    async def close(self) -> None:
        """End all connections."""
        for engine in self._engines.values():
            await engine.dispose()
        self._engines.clear()

    def _engine(self, database: str) -> AsyncEngine:
        engine = self._engines.get(database)
        if engine is None:
            url = parse_url(database)
            if url.get_backend_name() == "sqlite":
                # SQLite's own way to open a file that is only to be read.
                url = url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
                engine = create_async_engine(url)
            else:
                engine = create_async_engine(url, pool_pre_ping=True).execution_options(postgresql_readonly=True)
            self._engines[database] = engine
        return engine


def _plain(value: Any) -> Any:
    """A value as every database takes it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value

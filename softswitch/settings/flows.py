"""Flows."""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from softswitch.settings.kinds import Kind, comma_separated, setting, whole

_SERVER = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SELECT = re.compile(r"\s*(select|with)\b[^;]*;?\s*", re.IGNORECASE)


class NamedQuery(NamedTuple):
    """A question to a database that flows may ask by its name."""

    name: str
    database: str
    """`sqlite:////FILE` or `postgresql://USER:PASSWORD@HOST/NAME`."""
    sql: str
    """One SELECT, with parameters as `:name`."""


def _hosts(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(each, str) and _SERVER.fullmatch(each) for each in values):
        raise ValueError(f"{value!r} should be a list such as ['crm.example.com', '192.0.2.7:8080']")
    return tuple(each.lower() for each in values)


def _queries(value: Any) -> tuple[NamedQuery, ...]:
    if not isinstance(value, dict):
        raise ValueError("this should be tables such as [flows.queries.balance]")
    found = []
    for name, query in value.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} should be a name of small letters, digits, - and _")
        if not isinstance(query, dict) or set(query) != {"database", "sql"}:
            raise ValueError(f"{name} should have `database` and `sql`, and nothing else")
        database, sql = query["database"], query["sql"]
        if not isinstance(database, str) or not isinstance(sql, str) or not _SELECT.fullmatch(sql):
            raise ValueError(f"{name} should have a database's URL, and one SELECT as `sql`")
        found.append(NamedQuery(name, database, sql.strip().rstrip(";")))
    return tuple(found)


HOSTS = Kind(_hosts, comma_separated)


@dataclass(frozen=True)
class FlowSettings:
    """`[flows]`"""

    http_hosts: tuple[str, ...] = setting((), HOSTS)
    """The web services that flows may ask, `HOST` or `HOST:PORT`. None: none."""
    queries: tuple[NamedQuery, ...] = setting((), Kind(_queries))
    """Questions to databases that flows may ask, each `[flows.queries.NAME]` with `database` and `sql`. File only."""
    keep_days: int = setting(90, whole(0, 36_500))
    """How long the ways of calls through flows are kept, and what callers said in them; 0: for ever."""

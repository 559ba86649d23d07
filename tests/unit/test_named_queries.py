"""Named queries: what the settings take, and what a database is asked."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from softswitch.kernel.errors import Invalid, NotFound
from softswitch.platform.database import DatabaseUnavailable
from softswitch.platform.named_queries import NamedQueries
from softswitch.settings import read_settings
from softswitch.settings.flows import NamedQuery


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "crm.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE account (number TEXT, balance NUMERIC)")
        connection.execute("INSERT INTO account VALUES ('1001', 12.5), ('1002', 0)")
    return file


async def test_the_first_row_is_given_by_its_columns(file: Path) -> None:
    sql = "SELECT number, balance AS owes FROM account WHERE number = :who AND balance > :least"
    queries = NamedQueries([NamedQuery("balance", f"sqlite:///{file}", sql)])
    assert await queries.look_up("balance", {"who": "1001", "least": Decimal(0)}) == {"number": "1001", "owes": 12.5}
    assert await queries.look_up("balance", {"who": "1002", "least": Decimal(0)}) is None
    assert await queries.look_up("balance", {"who": "' OR 1=1 --", "least": Decimal("-0.5")}) is None
    with pytest.raises(NotFound):
        await queries.look_up("nobody", {})
    with pytest.raises(Invalid, match="its parameters are least, who"):
        await queries.look_up("balance", {"who": "1001"})
    await queries.close()


async def test_nothing_can_be_changed(file: Path) -> None:
    query = NamedQuery("bad", f"sqlite:///{file}", "WITH x AS (SELECT 1) DELETE FROM account")
    queries = NamedQueries([query])
    with pytest.raises(DatabaseUnavailable, match="readonly"):
        await queries.look_up("bad", {})
    await queries.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM account").fetchone() == (2,)


async def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    queries = NamedQueries([NamedQuery("x", f"sqlite:///{tmp_path}/nothing.db", "SELECT 1")])
    with pytest.raises(DatabaseUnavailable, match="query 'x' failed"):
        await queries.look_up("x", {})
    await queries.close()
    with pytest.raises(Invalid, match=r"flows\.queries\.x"):
        NamedQueries([NamedQuery("x", "mysql://x/y", "SELECT 1")])


def test_queries_are_read_from_the_file(tmp_path: Path) -> None:
    text = '[flows.queries.balance]\ndatabase = "sqlite:////crm.db"\nsql = "SELECT 1;"\n'
    flows = read_settings(_written(tmp_path, text), {}).flows
    assert flows.queries == (NamedQuery("balance", "sqlite:////crm.db", "SELECT 1"),)


def _written(folder: Path, text: str) -> Path:
    file = folder / "switch.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ('sql = "SELECT 1"', "should have `database` and `sql`"),
        ('database = "sqlite:////x"\nsql = "DELETE FROM x"', "one SELECT"),
        ('database = "sqlite:////x"\nsql = "SELECT 1; DELETE FROM x"', "one SELECT"),
        ('database = "sqlite:////x"\nsql = "SELECT 1"\nuser = "x"', "and nothing else"),
    ],
)
def test_what_is_no_query_is_refused_with_its_line(tmp_path: Path, query: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as refused:
        read_settings(_written(tmp_path, f"[flows.queries.balance]\n{query}\n"), {})
    assert str(refused.value).startswith(f"{tmp_path}/switch.toml")

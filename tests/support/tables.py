"""Whether a database's tables are those that the code declares."""

import importlib.util
import pkgutil

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

import softswitch.features
import softswitch.platform
from softswitch.platform.database import Database
from softswitch.platform.tables import Base


def import_all_tables() -> None:
    """Let every table of the switch be declared."""
    for feature in pkgutil.iter_modules(softswitch.features.__path__, "softswitch.features."):
        if importlib.util.find_spec(f"{feature.name}.tables") is not None:
            importlib.import_module(f"{feature.name}.tables")
    for module in pkgutil.iter_modules(softswitch.platform.__path__, "softswitch.platform."):
        importlib.import_module(module.name)


async def difference_to_code(database: Database) -> list[object]:
    """What a new migration would have to change: nothing, unless one was forgotten."""
    import_all_tables()

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    async with database.engine.connect() as connection:
        return await connection.run_sync(differences)

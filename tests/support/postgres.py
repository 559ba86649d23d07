"""A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, reached by a Unix socket only.

PostgreSQL refuses to run as root, so there it runs as `nobody`; whoever else runs the tests runs it as themselves.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

_STOP_SECONDS = 30.0


def find_programs() -> Path | None:
    """Where `initdb` and `postgres` are: Debian keeps them off the path, by version. None: not installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    found = versions[-1] if versions else shutil.which("initdb")
    return Path(found).parent if found else None


@dataclass
class PostgresServer:
    """A running server."""

    folder: Path
    _databases: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**9)))

    def url(self, database: str = "postgres", user: str = "softswitch") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    async def new_database(self) -> str:
        """The URL of an empty database."""
        import asyncpg

        name = f"test_{next(self._databases)}"
        connection = await asyncpg.connect(host=str(self.folder), user="softswitch", database="postgres")
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        return self.url(name)


@contextlib.contextmanager
def postgres_server(programs: Path) -> Iterator[PostgresServer]:
    """A server for the length of a block."""
    folder = Path(tempfile.mkdtemp(prefix="softswitch-pg-"))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        shutil.chown(folder, "nobody", "nogroup")
    # Without fsync a power cut could damage the cluster; it is thrown away anyway.
    fast = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
    try:
        options = ("-U", "softswitch", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", *options],
            check=True,
            capture_output=True,
            cwd=folder,
            **who,
        )
        server = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", *fast],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=folder,
            text=True,
            **who,
        )
        try:
            assert server.stderr is not None
            _await_ready(server.stderr)
            yield PostgresServer(folder)
        finally:
            server.send_signal(signal.SIGINT)  # "fast shutdown": ends its sessions, not only new ones
            server.wait(_STOP_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await_ready(log: IO[str]) -> None:
    said = []
    for line in log:
        said.append(line)
        if "ready to accept connections" in line:
            # Nobody reads on, and a full pipe would stop it.
            threading.Thread(target=log.read, daemon=True).start()
            return
    raise AssertionError("PostgreSQL did not start:\n" + "".join(said))

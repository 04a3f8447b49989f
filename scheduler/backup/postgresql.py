"""A PostgreSQL database: dumped while others write, looked over, and filled from a dump, by PostgreSQL's own tools.

`pg_dump` reads one state in one transaction, and keeps no writer waiting. What is restored goes into a fresh schema;
the old one stands aside under another name until all of it has worked.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from scheduler.backup.failure import MEGABYTE, SAY_EVERY_SECONDS, BackupFailed, Say
from scheduler.db import open_engine

ASIDE = "before_restore"
"""The schema that a restore replaces, while it is at work."""
_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
"""Where distributions keep each version's tools, beside what PATH names."""
_WAIT_FOR_LOCK = "60s"
"""A dump waits so long for a migration that is at work, then gives up."""


class Tools(NamedTuple):
    pg_dump: str
    pg_restore: str


def dump(url: str, into: Path, say: Say) -> None:
    """Dump the database into the empty file `into`. Raises BackupFailed."""
    tools = find_tools(_server_version(url))
    options = ["--format=custom", "--schema=public", "--no-owner", "--no-privileges"]
    _run([tools.pg_dump, *options, f"--lock-wait-timeout={_WAIT_FOR_LOCK}", f"--file={into}"], url, into, say)


def read_revision(path: Path) -> str:
    """The schema's revision in this dump; empty: it has none. Raises BackupFailed where it is no dump."""
    said = _read([find_any_restore(), "--data-only", "--table=alembic_version", "--file=-", str(path)], path)
    found = re.search(r"^COPY [\w.]*alembic_version .*\n(\w+)$", said, re.MULTILINE)
    return found[1] if found else ""


def look_over(path: Path) -> None:
    """Read the table of contents. Raises BackupFailed where there is none."""
    if "TABLE DATA" not in _read([find_any_restore(), "--list", str(path)], path):
        raise BackupFailed(f"{path.name} is damaged: it lists no table")


def read_through(path: Path) -> None:
    """Read all of it, restoring nothing. Raises BackupFailed where a part is damaged."""
    look_over(path)
    _read([find_any_restore(), f"--file={os.devnull}", str(path)], path)


def is_empty(url: str) -> bool:
    """Whether no table has a row, but for the schema's revision."""
    with _engine(url) as engine, engine.connect() as connection:
        names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        return not any(
            connection.execute(text(f'SELECT 1 FROM public."{name}" LIMIT 1')).first()  # noqa: S608 - its own names
            for name in names
            if name != "alembic_version"
        )


def refuse_if_used(url: str) -> None:
    """Raises BackupFailed while others are connected, or where an earlier restore was cut off."""
    with _engine(url) as engine, engine.connect() as connection:
        if not any(_is_alone(connection) for _ in range(_LOOKS)):
            raise BackupFailed("the database is in use: stop web and jobs, and whatever else is connected, first")
        if connection.execute(text("SELECT to_regnamespace(:name)"), {"name": ASIDE}).scalar():
            raise BackupFailed(
                f"an earlier restore was cut off: the schema {ASIDE} holds what was there before. Look what schema"
                " public holds, then drop the one that is wrong (docs/operation.md, Restore)"
            )


def put_aside(url: str) -> None:
    """The old schema gives way to an empty one."""
    _execute(url, f"ALTER SCHEMA public RENAME TO {ASIDE}", "CREATE SCHEMA public")


def put_back(url: str) -> None:
    """The old schema stands where it was; what was begun is dropped."""
    _execute(url, "DROP SCHEMA IF EXISTS public CASCADE", f"ALTER SCHEMA {ASIDE} RENAME TO public")


def forget_aside(url: str) -> None:
    """The old schema is dropped for good."""
    _execute(url, f"DROP SCHEMA {ASIDE} CASCADE")


def fill(url: str, path: Path, say: Say) -> None:
    """Restore a dump into the empty schema. Raises BackupFailed; then nothing of it is there."""
    options = ["--schema=public", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _run([find_tools(_server_version(url)).pg_restore, *options, str(path)], url, None, say)


def find_tools(server: int) -> Tools:
    """The oldest pg_dump and pg_restore that know this server's version. Raises BackupFailed where there are none."""
    found = sorted(_versions())
    fitting = [folder for version, folder in found if version >= server]
    if fitting:
        return Tools(f"{fitting[0]}/pg_dump", f"{fitting[0]}/pg_restore")
    there = f"only version {found[-1][0]} is" if found else "none is"
    raise BackupFailed(
        f"pg_dump and pg_restore of PostgreSQL {server} are needed, and {there} installed:"
        f" install the package postgresql-client-{server}, or put its folder on PATH"
    )


def find_any_restore() -> str:
    """The newest pg_restore: it reads the dumps of all older ones. Raises BackupFailed where there is none."""
    found = sorted(_versions())
    if not found:
        raise BackupFailed("pg_restore is not installed: install PostgreSQL's client package, or put it on PATH")
    return f"{found[-1][1]}/pg_restore"


def _versions() -> Iterator[tuple[int, str]]:
    for folder in [*os.get_exec_path(), *(str(each) for pattern in _FOLDERS for each in Path("/").glob(pattern[1:]))]:
        dumping, restoring = shutil.which("pg_dump", path=folder), shutil.which("pg_restore", path=folder)
        if dumping and restoring:
            said = subprocess.run([dumping, "--version"], capture_output=True, text=True, timeout=20).stdout
            version = re.search(r"\) (\d+)", said)
            if version:
                yield int(version[1]), folder


_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


_LOOKS = 10


def _is_alone(connection: Connection) -> bool:
    """Whether nobody else is connected; else waits a moment: whoever has just left is counted for a while."""
    alone: bool = connection.execute(text(_OTHERS)).scalar_one() == 0
    if not alone:
        time.sleep(0.2)
    return alone


class _engine:  # noqa: N801 - a with-block, no thing
    """An engine for this block alone: no connection of ours is left open. Its errors become BackupFailed."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)

    def __enter__(self) -> Engine:
        return self._engine

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._engine.dispose()
        if isinstance(error, SQLAlchemyError):
            raise BackupFailed(f"the database refuses: {str(error).splitlines()[0]}") from None


def _server_version(url: str) -> int:
    with _engine(url) as engine, engine.connect() as connection:
        return int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000


def _execute(url: str, *statements: str) -> None:
    with _engine(url) as engine, engine.begin() as connection:
        for each in statements:
            connection.execute(text(each))


def _run(command: list[str], url: str, growing: Path | None, say: Say) -> None:
    """Run a tool on the database, saying now and then how far it is. Raises BackupFailed with its own words."""
    address, environ = _connection(make_url(url))
    running = subprocess.Popen(
        [*command, f"--dbname={address}"], env=environ, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    said_at = time.monotonic()
    try:
        while True:
            try:
                _, errors = running.communicate(timeout=SAY_EVERY_SECONDS)
                break
            except subprocess.TimeoutExpired:
                size = f"{growing.stat().st_size // MEGABYTE} MB, " if growing else ""
                say(f"  {size}{time.monotonic() - said_at:.0f} s so far")
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
    if running.returncode:
        raise BackupFailed(f"{Path(command[0]).name} failed: {_last_line(errors)}")


def _read(command: list[str], path: Path) -> str:
    """What pg_restore says of a file. Raises BackupFailed."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise BackupFailed(f"{path.name} cannot be read as a backup: {_last_line(done.stderr)}")
    return done.stdout


def _last_line(errors: str) -> str:
    """The last thing that a tool said; what follows DETAIL may hold values of rows."""
    lines = [
        each for each in errors.splitlines() if each.strip() and not each.startswith(("DETAIL", "CONTEXT", "HINT"))
    ]
    return lines[-1][:300] if lines else "it said nothing"


def _connection(url: URL) -> tuple[str, dict[str, str]]:
    """The address as PostgreSQL's tools take it, and their environment: other users see arguments, but not that."""
    environ = {**os.environ, "PGCONNECT_TIMEOUT": "15"}
    if url.password is not None:
        environ["PGPASSWORD"] = str(url.password)
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return bare.render_as_string(hide_password=False), environ

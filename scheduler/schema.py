"""The schema and its migrations: bring a database to the newest state, or ask what is missing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.engine import Connection

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest state, in one transaction. Does nothing where it is there already."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Two that start at once would both create the tables: the second waits here, then finds nothing to do.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(71926401)")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # a big table may take its time
        command.upgrade(_settings(connection), "head")


def is_current(engine: Engine) -> bool:
    """Whether no migration is pending."""
    return revision_of(engine) == newest()


def revision_of(engine: Engine) -> str:
    """The revision of this database; empty: nothing was migrated yet."""
    reading = engine.execution_options(read_only=True)  # on SQLite else it would wait for whoever writes
    with reading.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


@cache
def newest() -> str:
    """The revision that this version of the application needs."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""


def is_known(revision: str) -> bool:
    """Whether this version of the application can bring a database of that revision to the newest one."""
    return revision in {each.revision for each in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def write_migration(engine: Engine, message: str) -> None:
    """Write a migration with what the models have and the database lacks. For developers; read it before use."""
    with engine.begin() as connection:
        command.revision(_settings(connection), message=message, autogenerate=True)


def _settings(connection: Connection) -> AlembicConfig:
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["connection"] = connection
    return settings

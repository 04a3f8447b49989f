"""The schema and its migrations: bring a database to the newest state, or ask what is missing."""

from __future__ import annotations

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
        command.upgrade(_settings(connection), "head")


def is_current(engine: Engine) -> bool:
    """Whether no migration is pending."""
    heads = set(ScriptDirectory(str(MIGRATIONS)).get_heads())
    with engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == heads


def write_migration(engine: Engine, message: str) -> None:
    """Write a migration with what the models have and the database lacks. For developers; read it before use."""
    with engine.begin() as connection:
        command.revision(_settings(connection), message=message, autogenerate=True)


def _settings(connection: Connection) -> AlembicConfig:
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["connection"] = connection
    return settings

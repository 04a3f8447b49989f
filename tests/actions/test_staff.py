"""Who may log in."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.actions.log_in import check_password
from scheduler.actions.staff import make_account
from scheduler.models import Account
from tests.actions.small_town import adviser_of, place_of

PASSWORD = "correct horse battery"


@pytest.fixture
def desk(session: Session, now: datetime) -> Account:
    make_account(session, login="other", name="Other", password="something else", now=now)
    return make_account(
        session, login="Desk@Example.org", name="Front desk", password=PASSWORD, now=now, desk_of=place_of(session)
    )


def test_the_right_password_opens_and_the_name_may_be_typed_in_any_case(session: Session, desk: Account) -> None:
    for login in ("desk@example.org", " DESK@example.ORG "):
        assert check_password(session, login, PASSWORD, in_demo=False) is desk
    assert check_password(session, "desk@example.org", PASSWORD, in_demo=True) is desk


WRONG = [
    ("desk@example.org", "wrong"),
    ("desk@example.org", ""),
    ("desk@example.org", PASSWORD + " "),
    ("desk@example.org", "something else"),
    ("nobody@example.org", PASSWORD),
    ("nobody@example.org", "no account has this password"),
    ("", ""),
    ("%", PASSWORD),
]


def test_a_wrong_password_or_an_unknown_name_opens_nothing(session: Session, desk: Account) -> None:
    opened = [login for login, password in WRONG if check_password(session, login, password, in_demo=True) is not None]
    assert opened == []


def test_a_demo_account_works_in_the_demo_alone(session: Session, now: datetime) -> None:
    account = make_account(session, login="demo", name="Demo", password=PASSWORD, now=now, is_demo=True)
    assert check_password(session, "demo", PASSWORD, in_demo=True) is account
    assert check_password(session, "demo", PASSWORD, in_demo=False) is None


def test_a_disabled_account_opens_nothing(session: Session, desk: Account, now: datetime) -> None:
    desk.disabled_at = now
    session.flush()
    assert check_password(session, "desk@example.org", PASSWORD, in_demo=False) is None


def test_no_password_is_stored(session: Session, desk: Account) -> None:
    stored = session.scalars(select(Account.password_hash)).all()
    assert all(each.startswith("$argon2id$") and PASSWORD not in each for each in stored)


def test_a_name_is_given_once(session: Session, desk: Account, now: datetime) -> None:
    with pytest.raises(IntegrityError):
        make_account(session, login="DESK@example.org", name="Second", password=PASSWORD, now=now)


def test_an_account_has_its_roles(session: Session, now: datetime) -> None:
    both = make_account(
        session, login="both", name="Both", password=PASSWORD, now=now, desk_of=place_of(session),
        adviser=adviser_of(session, "awo-1"),
    )  # fmt: skip
    session.expire_all()
    assert {(each.role, each.place_id, each.adviser_id) for each in both.roles} == {
        ("desk", place_of(session).id, None),
        ("adviser", None, adviser_of(session, "awo-1").id),
    }


def test_log_ins_of_an_account_that_a_restore_lost_open_no_other_one(session: Session, now: datetime) -> None:
    """Its id is given again; what a browser still holds is id and epoch."""
    made = [make_account(session, login=f"{number}", name="A", password=None, now=now) for number in range(20)]
    assert len({each.epoch for each in made}) == 20

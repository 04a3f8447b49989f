"""The desk asks for an adviser without a word."""

from __future__ import annotations

from sqlalchemy.orm import Session

from scheduler.actions.openings import stored_opening
from scheduler.actions.quiet_call import call_quietly, end_quiet_call
from scheduler.actions.rulebook import RuleBook
from tests.actions.small_town import NEXT_WEDNESDAY, SESSION, at, opening_of


def test_the_first_instant_stands_until_somebody_comes(session: Session, rulebook: RuleBook) -> None:
    opening = opening_of(rulebook)
    row = call_quietly(session, opening, at("09:41"))
    version = row.version
    call_quietly(session, opening, at("09:43"))
    session.expire_all()
    assert (row.help_wanted_at, row.version) == (at("09:41"), version)
    assert end_quiet_call(session, opening)
    session.expire_all()
    assert (row.help_wanted_at, row.version) == (None, version + 1)
    assert not end_quiet_call(session, opening)
    session.expire_all()
    assert row.version == version + 1


def test_only_this_opening_hears_it(session: Session, rulebook: RuleBook) -> None:
    call_quietly(session, opening_of(rulebook), at("09:41"))
    following = stored_opening(session, opening_of(rulebook, SESSION, NEXT_WEDNESDAY))
    assert following is not None and following.help_wanted_at is None

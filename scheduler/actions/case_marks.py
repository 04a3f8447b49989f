"""An adviser's own mark on an appointment, by which they know whom they expect: a file number, say.

Encrypted, read by that adviser alone, and gone as soon as another adviser has the appointment.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from typing import Literal

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from scheduler.actions.openings import lock_visit, mark_changed
from scheduler.models import CaseMark

LONGEST = 20
"""Characters: too few to tell a story."""
_JOINERS = "\u200c\u200d"
"""Control characters by name, but letters of Persian and others need them."""


class MarkRefused(ValueError):
    """`reason`: "long", or "letters" where it holds what no keyboard writes."""

    def __init__(self, reason: Literal["long", "letters"]) -> None:
        super().__init__(reason)
        self.reason = reason


class NotOwn(Exception):
    """The appointment is not, or no longer, with this adviser."""


def clean_mark(text: str) -> str:
    """The mark as it is kept; empty: none. Raises MarkRefused."""
    mark = unicodedata.normalize("NFC", " ".join(text.split()))
    if any(unicodedata.category(each).startswith("C") and each not in _JOINERS for each in mark):
        raise MarkRefused("letters")
    if len(mark) > LONGEST:
        raise MarkRefused("long")
    return mark


def put_mark(session: Session, visit_id: int, adviser_id: int, mark: str) -> None:
    """Keep a mark that `clean_mark` has given; empty: take it away. Raises NotOwn."""
    visit = lock_visit(session, visit_id)
    if visit.planned_adviser_id != adviser_id:
        raise NotOwn
    row = session.get(CaseMark, visit_id)
    if row is not None:
        session.delete(row)
        session.flush()
    if mark:
        session.add(CaseMark(visit_id=visit_id, adviser_id=adviser_id, mark=mark))
    mark_changed(session, visit.opening)
    session.flush()


def read_marks(session: Session, adviser_id: int, visit_ids: Collection[int]) -> dict[int, str]:
    """This adviser's own marks on these visits, by visit."""
    own = CaseMark.adviser_id == adviser_id, CaseMark.visit_id.in_(visit_ids)
    return dict(session.execute(select(CaseMark.visit_id, CaseMark.mark).where(*own)).all())


def forget_marks_of_others(session: Session, advisers: Mapping[int, int]) -> None:
    """By visit, who has it from now on: a mark of anybody else goes."""
    others = [and_(CaseMark.visit_id == visit, CaseMark.adviser_id != adviser) for visit, adviser in advisers.items()]
    if others:
        session.execute(delete(CaseMark).where(or_(*others)))


def forget_mark(session: Session, visit_id: int) -> None:
    """Whoever had the visit has handed it over."""
    session.execute(delete(CaseMark).where(CaseMark.visit_id == visit_id))

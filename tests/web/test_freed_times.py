"""A time that a client gave back: the desk may book it at once, everybody else a little later."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from jobs.freed_times import offer_freed
from tests.actions.small_town import OFFICE, THURSDAY, at
from tests.conftest import NOW
from tests.jobs.samples import work_at
from tests.web.live_town import LiveTown
from tests.web.visitor import Visitor

START = f"{OFFICE}/{THURSDAY}/{at('14:00', THURSDAY).isoformat()}"
API = f"/api/v1/slots?service=MBE&concern=letter&place=awo-buero&from={THURSDAY}&until={THURSDAY}"


@pytest.fixture
def given_back(visitor: Visitor, town: LiveTown) -> int:
    """The office's time at 14:00 on Thursday, cancelled by its client on the web on Tuesday."""
    visit_id = town.book("14:00", key=OFFICE, on=THURSDAY)
    page = visitor.open(f"/visits/{town.token(visit_id)}/cancellation")
    visitor.press(page, f"/visits/{town.token(visit_id)}/cancellation")
    assert town.visit(visit_id).state == "cancelled"
    return visit_id


def publicly_free(visitor: Visitor) -> bool:
    return bool(re.search(rf'"starts_at": ?"{THURSDAY}T14:00', visitor.open(API).html))


def test_clients_are_offered_it_a_little_later(
    visitor: Visitor, town: LiveTown, given_back: int, clock: time_machine.Traveller, tmp_path: Path
) -> None:
    assert not publicly_free(visitor)
    later = NOW + timedelta(minutes=15)
    clock.move_to(later)
    offer_freed(work_at(town.database, tmp_path, later))
    assert publicly_free(visitor)


def test_staff_book_it_for_a_caller_at_once(app: Flask, town: LiveTown, given_back: int) -> None:
    desk = Visitor(app).log_in_as(town.account(desk="buergerbuero"))
    page = desk.open("/desk?book=1")
    form = next(each for each in page.forms if each.method == "get")
    found = desk.open("/desk", query_string=form.filled(age="from_27", concern="letter", times="1"))
    assert START in found.form("/desk/bookings").offers("slot")
    desk.press(found, "/desk/bookings", slot=START)
    booked = town.newest_visit()
    assert (booked.state, booked.starts_at) == ("booked", at("14:00", THURSDAY))
    assert booked.id != given_back

"""Enter an appointment at a time and place of my own."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler.actions.booking import SlotTaken
from scheduler.actions.own_time import Client, OwnTime, TimeRefused, book_own_time
from scheduler.actions.registration import Answers
from scheduler.actions.supply import ANY_OTHER_LANGUAGE
from scheduler.models import Consultation, Place
from scheduler.web.case_marks import keep_mark, read_mark
from scheduler.web.desk.panel import answers_of, clients_locale
from scheduler.web.edge import db, now, places, row_id, rulebook, today
from scheduler.web.locales import say_time
from scheduler.web.login import by_staff, own_adviser
from scheduler.web.my.blueprint import pages
from scheduler.web.my.calls import own_consultation

LENGTHS = (15, 30, 45, 60, 90, 120)
USUAL_LENGTH = 45
_DAY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})", re.ASCII)
_GERMAN_DAY = re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})", re.ASCII)
_TIME = re.compile(r"(\d{1,2})[:.](\d{2})(:00)?", re.ASCII)


@dataclass(frozen=True)
class Typed:
    """The form as it was typed, so that nothing is lost. `after`: the consultation that it follows up, if any."""

    on: str
    from_time: str
    minutes: int
    place: Place
    language: str | None
    service: str | None
    after: Consultation | None
    mark: str
    """My own mark; of a form alone, never of an address."""
    key: str


@pages.get("/appointments/new")
def ask_own_time() -> ResponseReturnValue:
    own_adviser()
    return _page(_read(request.args))


@pages.post("/appointments")
def do_book_own_time() -> ResponseReturnValue:
    adviser, typed = own_adviser(), _read(request.form)
    on, from_time = _day_from(typed.on), _time_from(typed.from_time)
    mark, mark_wrong = read_mark(request.form)
    if on is None or from_time is None or mark_wrong:
        return _page(typed, {**_what_is_missing(on, from_time), "mark": mark_wrong}), 422
    asked = OwnTime(on, from_time, typed.minutes, typed.place.id, typed.key)
    try:
        visit = book_own_time(db(), adviser, asked, _client(typed), by=by_staff(), now=now())
        keep_mark(visit, mark)
        db().commit()
    except TimeRefused as refused:
        return _refused(refused)
    except SlotTaken:  # another one was faster at this very moment
        return _refused(TimeRefused("busy"))
    return redirect(url_for("appointments.show_appointment", visit_id=visit.id), 303)


def own_places() -> list[Place]:
    """All places of the town, those where this adviser has duties first."""
    key = own_adviser().key
    staffed = {
        hours.place_id
        for hours in rulebook().hours.values()
        if key in hours.rule.staff or (hours.rule.rota and any(key in turn for turn in hours.rule.rota.turns))
    }
    return sorted(places(), key=lambda each: each.id not in staffed)


def _read(given: Mapping[str, str]) -> Typed:
    """What the address or the form says; a choice that is not in the lists counts as not made."""
    consultation_id = row_id(given.get("after", ""))
    after = own_consultation(consultation_id) if consultation_id is not None else None
    choices, minutes = own_places(), given.get("minutes")
    language = given.get("language", after.visit.language if after else None)
    service = given.get("service", after.visit.service.key if after and after.visit.service else None)
    return Typed(
        on=given.get("on", "")[:20],
        from_time=given.get("from", "")[:20],
        minutes=next((each for each in LENGTHS if str(each) == minutes), USUAL_LENGTH),
        place=next((each for each in choices if each.key == given.get("place")), choices[0]),
        language=language if language in _languages() else None,
        service=service if service in own_adviser().services else None,
        after=after,
        mark=read_mark(request.form)[0],
        key=given.get("key", "")[:64] or secrets.token_urlsafe(16),
    )


def _client(typed: Typed) -> Client:
    """Who comes: as the visit knew them that this one follows up."""
    visit = typed.after.visit if typed.after else None
    asked = answers_of(visit) if visit else Answers()
    return Client(
        locale=visit.locale if visit else clients_locale(typed.language),
        language=typed.language,
        service=typed.service,
        age_group=asked.age_group,
        people=asked.people,
    )


def _page(typed: Typed, wrong: Mapping[str, str] | None = None) -> str:
    return render_template(
        "my/own_time.html",
        typed=typed,
        wrong=wrong or {},
        places=own_places(),
        languages=_languages(),
        services=own_adviser().services,
        lengths=LENGTHS,
        today=today(),
    )


def _refused(refused: TimeRefused) -> ResponseReturnValue:
    db().rollback()
    return _page(_read(request.form), _say_refusal(refused)), 409


def _languages() -> list[str]:
    return [*sorted(own_adviser().languages), ANY_OTHER_LANGUAGE]


def _what_is_missing(on: date | None, from_time: time | None) -> dict[str, str]:
    wrong = {}
    if on is None:
        wrong["on"] = _("Please give a day, for example 25.11.2026.")
    if from_time is None:
        wrong["from"] = _("Please give a time, for example 14:30.")
    return wrong


def _say_refusal(refused: TimeRefused) -> dict[str, str]:
    """What is wrong, by the field that it stands at."""
    busy = _("You have another appointment then.")
    if refused.during is not None:
        starts_at, ends_at = (say_time(each) for each in refused.during)
        busy = _("You have another appointment then: %(start)s–%(end)s.", start=starts_at, end=ends_at)
    words = {
        "length": ("from", _("This length is not possible.")),
        "past": ("on", _("This time is over. Please choose a later one.")),
        "too_far": ("on", _("This is more than a year ahead.")),
        "midnight": ("from", _("The appointment must end on the same day.")),
        "closed": ("place", _("This place is closed on that day.")),
        "busy": ("from", busy),
        "away": ("from", _("You are away then.")),
    }
    return dict([words[refused.reason]])


def _day_from(text: str) -> date | None:
    """The day as date fields send it, or as people in Germany type it."""
    found = _DAY.fullmatch(text.strip()) or _GERMAN_DAY.fullmatch(text.strip())
    try:
        return date(**{name: int(part) for name, part in found.groupdict().items()}) if found else None
    except ValueError:
        return None


def _time_from(text: str) -> time | None:
    found = _TIME.fullmatch(text.strip())
    try:
        return time(int(found[1]), int(found[2])) if found else None
    except ValueError:
        return None

"""The questions of the panel, and what was answered: by the desk, and by an adviser who has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from flask import request
from flask_babel import get_locale

from scheduler.actions.registration import Answers, register
from scheduler.actions.rulebook import PlannedOpening
from scheduler.actions.supply import ANY_OTHER_LANGUAGE
from scheduler.domain.routing import AgeGroup, services_for
from scheduler.models import Concern, Visit
from scheduler.web.belongs import sees
from scheduler.web.edge import concerns, db, now, rulebook
from scheduler.web.locales import page_locales
from scheduler.web.login import by_staff


@dataclass(frozen=True)
class Panel:
    """What the panel offers."""

    concerns: list[Concern]
    languages: list[str]


def panel() -> Panel:
    spoken = [language for each in rulebook().advisers.values() for language in sorted(each.languages)]
    by_use = sorted(set(spoken), key=lambda each: (-spoken.count(each), each))
    return Panel(concerns(), [*by_use, ANY_OTHER_LANGUAGE])


def read_answers(given: Mapping[str, str]) -> Answers:
    """What the panel sent; anything that makes no sense is unknown."""
    language = given.get("language")
    concern = given.get("concern")
    people = given.get("people", "")
    return Answers(
        age_group=next((each for each in get_args(AgeGroup) if each == given.get("age")), "unknown"),
        concern=concern if concern in {each.key for each in concerns()} else None,
        language=language if language in panel().languages else None,
        urgent="urgent" in given,
        people=min(max(int(people[:4]), 1), 20) if people.isascii() and people.isdigit() else 1,
        fetch_in_person="fetch" in given,
    )


def register_asked(opening: PlannedOpening) -> Visit:
    """Give whoever stands there a number, as the form says. Raises TicketsRefused or UnknownOpening."""
    asked = Answers() if "quick" in request.form else read_answers(request.form)
    locale, override = str(get_locale()), "override" in request.form
    return register(db(), rulebook(), opening, asked, locale=locale, by=by_staff(), now=now(), override=override)


def answers_of(visit: Visit) -> Answers:
    """What was asked, as far as the account that is logged in sees it: after a hand-over service and language."""
    if not sees(visit, "answers"):
        return Answers(age_group=_age_for(visit), language=visit.language) if sees(visit, "wishes") else Answers()
    return Answers(
        age_group=visit.age_group,
        concern=visit.concern.key if visit.concern else None,
        language=visit.language,
        urgent=visit.urgent,
        people=visit.people,
        fetch_in_person=visit.fetch_in_person,
    )


def _age_for(visit: Visit) -> AgeGroup:
    """The age that leads to the visit's service and to no other."""
    wanted = [visit.service.key] if visit.service else []
    fitting = (each for each in get_args(AgeGroup) if list(services_for(each, rulebook().services)) == wanted)
    return next(fitting, "unknown")


def clients_locale(language: str | None) -> str:
    """The locale of the client's paper and messages: the language asked for, where our pages speak it."""
    spoken = (str(each) for each in page_locales() if each.language == language)
    return next(spoken, str(get_locale()))

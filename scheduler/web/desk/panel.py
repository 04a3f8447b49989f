"""The questions of the panel, and what was answered: by the desk, and by an adviser who has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from flask_babel import get_locale

from scheduler.actions.registration import Answers
from scheduler.actions.supply import ANY_OTHER_LANGUAGE
from scheduler.domain.routing import AgeGroup
from scheduler.models import Concern, Visit
from scheduler.web.edge import concerns, rulebook
from scheduler.web.locales import page_locales


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


def answers_of(visit: Visit) -> Answers:
    return Answers(
        age_group=visit.age_group,
        concern=visit.concern.key if visit.concern else None,
        language=visit.language,
        urgent=visit.urgent,
        people=visit.people,
        fetch_in_person=visit.fetch_in_person,
    )


def clients_locale(language: str | None) -> str:
    """The locale of the client's paper and messages: the language asked for, where our pages speak it."""
    spoken = (str(each) for each in page_locales() if each.language == language)
    return next(spoken, str(get_locale()))

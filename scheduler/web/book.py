"""Book without an account: age, concern, language, day and time. All answers live in the address."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, TypeVar, get_args

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from sqlalchemy import select

from scheduler.actions.booking import Booking, SlotTaken, book, is_free, nearest_slots
from scheduler.actions.once import KeyReused, ProofSpent
from scheduler.actions.openings import UnknownOpening
from scheduler.actions.slots import Question, make_question
from scheduler.actions.steps import CLIENT
from scheduler.actions.supply import ANY_OTHER_LANGUAGE
from scheduler.domain.routing import AgeGroup, services_for
from scheduler.models import Adviser, Concern, Place
from scheduler.web import metrics, pressure, proofs
from scheduler.web.edge import concerns, db, now, places, read_after_refusal, rulebook, town, write_after_reading
from scheduler.web.offer import FIRST_DAYS, offered_days, read_chosen, read_days
from scheduler.web.visit_links import visit_link

pages = Blueprint("book", __name__)

ANY_ADVISER = "any"
Row = TypeVar("Row", Concern, Place)


@dataclass(frozen=True)
class Answers:
    """What the client has answered so far. An answer that makes no sense counts as not given: it is asked again."""

    age: AgeGroup | None = None
    concern: Concern | None = None
    adviser: str | None = None
    language: str | None = None
    place: Place | None = None
    days: int = FIRST_DAYS

    @property
    def asks_adviser(self) -> bool:
        return self.concern is not None and self.concern.asks_adviser

    def args(self, **changes: object) -> dict[str, Any]:
        """The answers as the address carries them."""
        given = {
            "age": self.age,
            "concern": self.concern.key if self.concern else None,
            "adviser": self.adviser,
            "language": self.language,
            "place": self.place.key if self.place else None,
            "days": self.days if self.days != FIRST_DAYS else None,
        }
        return {name: value for name, value in {**given, **changes}.items() if value is not None}


@pages.get("/book")
def show_question() -> ResponseReturnValue:
    answers = read_answers(request.args)
    if answers.age is None:
        return render_template("book/age.html", answers=answers, step=1)
    if answers.concern is None:
        return render_template("book/concern.html", answers=answers, step=2, concerns=concerns())
    if answers.asks_adviser and answers.adviser is None:
        return render_template("book/adviser.html", answers=answers, step=3, advisers=_advisers(answers))
    if answers.language is None and answers.adviser in (None, ANY_ADVISER):
        return render_template("book/language.html", answers=answers, step=3, languages=_languages(answers))
    return _show_slots(answers)


@pages.get("/book/waiting")
def show_waiting() -> ResponseReturnValue:
    """For whoever cannot show a proof: the same booking, a little later. Its address keeps all that was answered."""
    chosen, paper = read_chosen(request.args.get("slot", "")), proofs.read_paper(request.args)
    if chosen is None or paper is None or paper[1] == "late":
        return show_question()
    wait, state = paper
    opening = rulebook().opening(*chosen[:2])
    return render_template(
        "book/waiting.html",
        carried=proofs.carried(request.args),
        start=proofs.start_of(request.args["slot"]),
        starts_at=chosen[2],
        place=next((each for each in places() if opening and each.id == opening.hours.place_id), None),
        is_ready=state == "ready",
        seconds=max(1, ceil((wait.ready_at - now()).total_seconds())),
        key=secrets.token_urlsafe(16),
    )


@pages.post("/book")
def do_book() -> ResponseReturnValue:
    """Whoever comes here has shown a proof, or waited: see `proofs.py`."""
    looks_first = pressure.is_tried_hard(proofs.start_of(request.form.get("slot", "")))
    if looks_first:
        read_after_refusal()
    answers = read_answers(request.form)
    chosen = read_chosen(request.form.get("slot", ""))
    if answers.age is None or answers.concern is None or chosen is None:
        return redirect(url_for("book.show_question", **answers.args()), 303)
    hours_key, original_on, starts_at = chosen
    booking = Booking(
        question=question_of(replace(answers, place=None)),  # the start says where; an alternative may be elsewhere
        hours_key=hours_key,
        original_on=original_on,
        starts_at=starts_at,
        locale=str(get_locale()),
        age_group=answers.age,
        # Another time of the same page is another booking, not a repetition.
        idempotency_key=f"{request.form['key'][:64]} {request.form['slot']}" if request.form.get("key") else None,
        proof=g.proof,
    )
    if looks_first and not is_free(db(), rulebook(), booking, now()):
        return _show_taken(answers, booking)
    if looks_first:
        write_after_reading()
    try:
        visit = book(db(), rulebook(), booking, by=CLIENT, now=now())
        db().commit()
        if visit.created_at == now():  # else a repetition
            metrics.count("booked")
    except (SlotTaken, UnknownOpening, KeyReused):
        read_after_refusal()
        return _show_taken(read_answers(request.form), booking)
    except ProofSpent:
        read_after_refusal()
        return proofs.to_waiting_page(request.form)
    return redirect(visit_link(visit, new=1), 303)


def read_answers(given: Mapping[str, str]) -> Answers:
    age = given.get("age")
    language = given.get("language")
    return Answers(
        age=next((each for each in get_args(AgeGroup) if each == age), None),
        concern=_in_use(concerns(), given.get("concern")),
        adviser=_adviser_key(given.get("adviser")),
        language=language if language and language in {*_spoken(), ANY_OTHER_LANGUAGE} else None,
        place=_in_use(places(), given.get("place")),
        days=read_days(given.get("days", "")),
    )


def question_of(answers: Answers) -> Question:
    return make_question(
        rulebook(),
        age_group=answers.age or "unknown",
        concern=answers.concern,
        language=answers.language,
        adviser_key=None if answers.adviser == ANY_ADVISER else answers.adviser,
        place_id=answers.place.id if answers.place else None,
    )


def _show_slots(answers: Answers) -> ResponseReturnValue:
    days, more = offered_days(question_of(answers), answers.days)
    return render_template(
        "book/slots.html",
        answers=answers,
        step=4,
        days=days,
        more=more,
        places=places(),
        key=secrets.token_urlsafe(16),
        adviser=_named_adviser(answers),
    )


def _show_taken(answers: Answers, booking: Booking) -> ResponseReturnValue:
    everywhere = question_of(replace(answers, place=None))
    offered = nearest_slots(db(), rulebook(), everywhere, booking.starts_at, now())
    known = {place.id: place for place in places()}
    nearest = [(each, known[each.opening.hours.place_id]) for each in offered]
    page = render_template(
        "book/taken.html", answers=answers, nearest=nearest, booking=booking, key=secrets.token_urlsafe(16)
    )
    return page, 409


def _in_use(rows: Iterable[Row], key: str | None) -> Row | None:
    return next((each for each in rows if each.key == key), None)


def _advisers(answers: Answers) -> list[Adviser]:
    """Advisers who give appointments and serve this age group."""
    wanted = set(services_for(answers.age or "unknown", rulebook().services))
    rows = db().scalars(select(Adviser).where(Adviser.retired_at.is_(None)).order_by(Adviser.position))
    return [each for each in rows if wanted & set(each.services)]


def _named_adviser(answers: Answers) -> Adviser | None:
    return db().scalar(select(Adviser).where(Adviser.key == answers.adviser)) if answers.adviser else None


def _adviser_key(key: str | None) -> str | None:
    return key if key == ANY_ADVISER or key in rulebook().advisers else None


def _spoken() -> set[str]:
    return set().union(*(each.languages for each in rulebook().advisers.values()))


def _languages(answers: Answers) -> list[str]:
    """Languages spoken for this age group: those of the town's pages first, then by name."""
    wanted = set(services_for(answers.age or "unknown", rulebook().services))
    spoken = set().union(*(each.languages for each in rulebook().advisers.values() if wanted & each.services))
    first = [each for each in town().locales if each in spoken]
    return first + sorted(spoken - set(first))

"""Coordinators see duties, gaps and sums; administrators see set-up and the trail. Both make shared calendars.

Nothing here shows a visit, a number or a language that somebody asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from flask import Blueprint, Flask, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Select, select, true
from sqlalchemy.orm import selectinload

from scheduler.actions.audit import read_trail
from scheduler.actions.feeds import make_feed, revoke_feed
from scheduler.actions.overview import DutyLine, Sums, read_carrier_sums, read_duties, read_place_sums
from scheduler.actions.supply import ANY_OTHER_LANGUAGE
from scheduler.models import Account, AccountRole, Adviser, Carrier, Feed, Hours, Place
from scheduler.web.action_words import say_action
from scheduler.web.calendars import line_of
from scheduler.web.edge import db, now, places, row_id, rulebook, settings, town
from scheduler.web.permissions import scope_here

pages = Blueprint("manage", __name__, url_prefix="/manage")

FEWEST_SHOWN = 5
"""A smaller number in a sum might be somebody whom one knows."""
LINES_A_PAGE = 50


class Overview(NamedTuple):
    """Of one place, or of one carrier."""

    name: str
    is_place: bool
    duties: list[DutyLine]
    sums: Sums


@pages.get("")
def show_manage() -> ResponseReturnValue:
    scope = scope_here("see", "sums")
    shown = [_place_overview(each) for each in places() if each.id in scope.place_ids]
    shown += [_carrier_overview(db().get_one(Carrier, each)) for each in sorted(scope.carrier_ids)]
    return render_template("manage/manage.html", overviews=shown, places={each.id: each for each in places()})


@pages.get("/feeds")
def show_feeds() -> ResponseReturnValue:
    return _feeds_page()


@pages.post("/feeds")
def do_make_feed() -> ResponseReturnValue:
    owner = _owner_from(request.form.get("of", ""))
    if owner is None:
        abort(404)
    _feed, token = make_feed(db(), owner, level="busy", base_url=settings().base_url, now=now())
    db().commit()
    return _feeds_page(fresh_link=settings().base_url + url_for("feeds.show_feed", token=token)), 201


@pages.post("/feeds/<id:feed_id>/revocation")
def do_revoke_feed(feed_id: int) -> ResponseReturnValue:
    feed = db().scalar(_shared_feeds().where(Feed.id == feed_id))
    if feed is None:
        abort(404)
    revoke_feed(db(), feed, now())
    db().commit()
    return redirect(url_for("manage.show_feeds"), 303)


@pages.get("/set-up")
def show_set_up() -> ResponseReturnValue:
    advisers = db().scalars(select(Adviser).where(Adviser.retired_at.is_(None)).order_by(Adviser.position)).all()
    with_account = set(db().scalars(select(AccountRole.adviser_id).where(AccountRole.adviser_id.is_not(None))))
    hours = select(Hours).where(Hours.retired_at.is_(None), Hours.own_adviser_id.is_(None)).order_by(Hours.position)
    return render_template(
        "manage/set_up.html",
        town=town(),
        places=places(),
        carriers=db().scalars(select(Carrier).where(Carrier.retired_at.is_(None)).order_by(Carrier.position)).all(),
        advisers=advisers,
        without_account=[each for each in advisers if each.id not in with_account],
        hours=db().scalars(hours.options(selectinload(Hours.rota))).all(),
    )


@pages.get("/trail")
def show_trail() -> ResponseReturnValue:
    account_id, on = row_id(request.args.get("account", "")), _day(request.args.get("on", ""))
    page = max(row_id(request.args.get("page", "")) or 1, 1)
    skip = min((page - 1) * LINES_A_PAGE, 2**31 - 1)
    found = read_trail(db(), account_id=account_id, on=on, zone=town().zone, skip=skip, limit=LINES_A_PAGE + 1)
    return render_template(
        "manage/trail.html",
        lines=found[:LINES_A_PAGE],
        has_more=len(found) > LINES_A_PAGE,
        page=page,
        accounts=db().scalars(select(Account).order_by(Account.name, Account.id)).all(),
        account_id=account_id,
        on=on,
    )


def set_up(app: Flask) -> None:
    app.add_template_filter(say_few)
    app.add_template_filter(say_action)
    app.add_template_filter(say_things)


def say_few(number: int) -> str:
    """A number in a sum as coordinators may read it."""
    return str(_("fewer than %(number)s", number=FEWEST_SHOWN)) if number < FEWEST_SHOWN else str(number)


def say_things(things: dict[str, int | str]) -> str:
    """Which rows an action was about: "visit 17"."""
    words = {
        "visit_id": _("visit"),
        "consultation_id": _("consultation"),
        "account_id": _("account"),
        "absence_id": _("absence"),
        "message_id": _("message"),
        "feed_id": _("calendar address"),
        "calendar_id": _("own calendar"),
        "hours_key": _("office hours"),
        "original_on": _("date"),
    }
    return ", ".join(f"{words.get(name, name)} {value}" for name, value in things.items())


def _place_overview(place: Place) -> Overview:
    rules = rulebook()
    duties = read_duties(db(), rules, now(), place_id=place.id)
    return Overview(place.name, True, duties, read_place_sums(db(), rules, place.id, now()))


def _carrier_overview(carrier: Carrier) -> Overview:
    rules = rulebook()
    duties = read_duties(db(), rules, now(), carrier_id=carrier.id)
    return Overview(carrier.name, False, duties, read_carrier_sums(db(), rules, carrier.id, now()))


def _feeds_page(fresh_link: str | None = None) -> str:
    return render_template(
        "manage/feeds.html",
        lines=[line_of(each) for each in db().scalars(_shared_feeds().order_by(Feed.id))],
        carriers=_carriers(),
        languages=_languages(),
        fresh_link=fresh_link,
    )


def _shared_feeds() -> Select[Feed]:
    """Those that this account looks after: of the own carrier, or all of the town, interpreters' among them."""
    scope = scope_here("change", "shared_feed")
    mine = Feed.kind.in_(("carrier", "interpreter")) if scope.town else Feed.carrier_id.in_(scope.carrier_ids)
    return select(Feed).where(Feed.revoked_at.is_(None), mine)


def _owner_from(choice: str) -> Carrier | str | None:
    """`carrier-3` or `language-ar` of the form; None: there is no such thing, or it is another's."""
    kind, _dash, which = choice.partition("-")
    if kind == "language" and which in _languages():
        return which
    carrier_id = row_id(which) if kind == "carrier" else None
    return next((each for each in _carriers() if each.id == carrier_id), None)


def _carriers() -> Sequence[Carrier]:
    """Whose calendars this account may make."""
    scope = scope_here("change", "shared_feed")
    mine = true() if scope.town else Carrier.id.in_(scope.carrier_ids)
    return db().scalars(select(Carrier).where(mine).order_by(Carrier.id)).all()


def _languages() -> list[str]:
    """Of interpreters' calendars. They show appointments of all carriers, so they are the town's to make."""
    return [*sorted(rulebook().languages), ANY_OTHER_LANGUAGE] if scope_here("change", "shared_feed").town else []


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

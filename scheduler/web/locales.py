"""Which language a page speaks, and how it says dates, times and names."""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import quote, urlencode

from babel import Locale
from flask import Flask, Response, request
from flask_babel import get_locale, gettext
from sqlalchemy.exc import SQLAlchemyError

from scheduler import texts
from scheduler.domain.codes import spoken
from scheduler.models.town import Texts, text_in
from scheduler.web.edge import settings, town

SOURCE_LOCALE = "en"
COOKIE = "locale"
_YEAR = 365 * 24 * 3600
CATALOGUES = sorted({SOURCE_LOCALE, *(path.parent.name for path in texts.TRANSLATIONS.glob("*/LC_MESSAGES"))})


def set_up(app: Flask) -> None:
    app.after_request(_remember)
    app.context_processor(_for_templates)
    app.add_template_filter(say_date)
    app.add_template_filter(say_time)
    app.add_template_filter(say_language)
    app.add_template_filter(spoken, "say_code")
    app.add_template_filter(here, "here")


def chosen_locale() -> str:
    """What the address asks for, else what was chosen before, else what the browser prefers."""
    for wanted in (request.args.get("locale"), request.cookies.get(COOKIE)):
        if wanted in CATALOGUES:
            return wanted
    return request.accept_languages.best_match([SOURCE_LOCALE, *CATALOGUES]) or SOURCE_LOCALE


def page_locales() -> list[Locale]:
    """The locales that this town shows, as far as there is a catalogue."""
    try:
        offered = town().locales
    except (LookupError, SQLAlchemyError):  # an error page must stand without a town and without a database
        offered = CATALOGUES
    return [Locale.parse(each) for each in offered if each in CATALOGUES]


def zone_name() -> str:
    """The town's time zone, for the clocks that scripts show."""
    try:
        return town().timezone
    except (LookupError, SQLAlchemyError):
        return "UTC"


def this_page_in(locale: Locale) -> str:
    """The address of this page in another language. A page that a form gave has no address: then the start."""
    args = {**request.args.to_dict(), "locale": str(locale)}
    # Quoted and with one slash in front: an address that was made to look like another site's leads nowhere.
    path = "/" + quote(request.path.lstrip("/")) if request.method == "GET" else "/"
    return f"{path}?{urlencode(args)}"


def here(names: Texts) -> str:
    """A text of the town's file in the page's locale."""
    return text_in(names, str(get_locale()))


def say_date(on: date | datetime) -> str:
    """Written out with its weekday: "Mittwoch, 25. November"."""
    return texts.spoken_date(on, str(get_locale()), town().zone)


def say_time(at: datetime) -> str:
    """24 hours in the town's zone: "9:15"."""
    return texts.spoken_time(at, str(get_locale()), town().zone)


def say_language(code: str | None, own: bool = False) -> str:
    """A language's name in the page's locale; own=True: as its speakers write it."""
    if not code:
        return ""
    if code == "other":
        return str(gettext("another language"))
    return texts.language_name(code, code if own else str(get_locale()))


def _for_templates() -> dict[str, object]:
    locale = get_locale() or Locale.parse(SOURCE_LOCALE)
    return {
        "locale": locale,
        "text_direction": locale.text_direction,
        "is_demo": settings().demo,
        "page_locales": page_locales,
        "zone_name": zone_name,
        "this_page_in": this_page_in,
    }


def _remember(response: Response) -> Response:
    wanted = request.args.get("locale")
    if wanted in CATALOGUES and wanted != request.cookies.get(COOKIE):
        response.set_cookie(COOKIE, wanted, max_age=_YEAR, samesite="Lax", secure=settings().secure, httponly=True)
    return response

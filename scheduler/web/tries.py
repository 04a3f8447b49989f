"""How wrong passwords and codes are slowed down for one account. How often one address may try stands in limits.py."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, make_response
from flask_babel import ngettext

from scheduler.actions.log_in import Step, count_try, delay_key, forget_tries
from scheduler.web import known_browser
from scheduler.web.edge import db, now, settings


def wait_for_try(step: Step, login: str) -> int:
    """Count a try, committed before it is checked. Gives 0, or for how many seconds it is too early to check it."""
    seconds = count_try(db(), _key(step, login), now())
    db().commit()
    return seconds


def note_right_try(step: Step, login: str) -> None:
    """What was tried is right: nothing of this step has to wait any more."""
    forget_tries(db(), _key(step, login))


def too_early(page: Callable[[str], str], seconds: int) -> Response:
    """The page again, with words that say how long to wait."""
    words = ngettext(
        "Too many wrong tries. Please wait one second. Then try again.",
        "Too many wrong tries. Please wait %(num)s seconds. Then try again.",
        seconds,
    )
    response = make_response(page(words), 429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _key(step: Step, login: str) -> str:
    return delay_key(settings().secret_key, step, login, known_browser.id_for(login))

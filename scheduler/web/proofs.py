"""Proof of work, or of waiting, before a client books: asked before anything is read, written, locked or rendered.

No third party, no pictures. A browser finds a number beside the page (static/js/proof.js); whoever has no JavaScript
waits twenty seconds on a page of ours; programs of the API calculate. What it costs follows `pressure.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

from flask import Flask, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from scheduler.domain.proofs import Challenge, Proof, Wait, make_challenge, make_wait, read_proof, read_wait
from scheduler.web import metrics, pressure
from scheduler.web.edge import now, read_after_refusal, rendered_once, settings, static_url
from scheduler.web.offer import read_chosen

LASTS = timedelta(minutes=30)
"""So long a challenge can be answered, and a booking by waiting made."""
RATION_WAITS = timedelta(minutes=1)
"""Whoever waited and finds the ration used up waits so long once more."""
CARRIED = ("age", "concern", "adviser", "language", "place", "days", "slot")
"""What the waiting page keeps: all that was answered, in its address."""

WaitState = Literal["early", "ready", "late"]


def set_up(app: Flask) -> None:
    """Ask before the form's token is checked: a refusal must cost next to nothing. Call it before CSRF is set up."""
    pressure.set_up(app)
    app.before_request(_guard_the_form)
    app.add_template_global(challenge_attributes)


def new_challenge(start: str = "") -> Challenge:
    """A challenge as hard as booking is pressed now."""
    numbers = pressure.numbers_now(start)
    return make_challenge(
        settings().secret_key,
        salt=secrets.token_urlsafe(12),
        number=secrets.randbelow(numbers),
        numbers=numbers,
        expires_at=now() + LASTS,
    )


def describe_challenge(start: str = "") -> dict[str, object]:
    """A new challenge as programs read it."""
    found = new_challenge(start)
    return {
        "token": found.token,
        "salt": found.salt,
        "hash": found.hash,
        "numbers": found.numbers,
        "expires_at": found.expires_at.replace(microsecond=0).isoformat(),
    }


def challenge_attributes(start: str = "") -> dict[str, object]:
    """What a form needs so that a browser can solve its challenge while somebody still chooses."""
    found = describe_challenge(start)
    given = {f"data-{name}": found[name] for name in ("salt", "hash", "numbers")}
    return {"data-challenge": found["token"], **given, "data-worker": static_url("js/proof-worker.js")}


def proven_salt(text: str, start: str) -> str | None:
    """What a proof is booked under; None: it is none, it is too easy for now, or it was tried too often."""
    proof = _good_proof(text, start)
    if proof is None or pressure.tries_again(proof.salt):
        return None
    pressure.note_start(start)
    return proof.salt


def is_good(text: str, start: str) -> bool:
    """Whether it is a proof, hard enough for now, and not tried too often by now."""
    return _good_proof(text, start) is not None


def has_waited(given: Mapping[str, str]) -> bool:
    """Whether it brings a paper whose time has come, and that was not tried too often by now."""
    found = read_paper(given)
    return found is not None and found[1] == "ready" and not pressure.is_worn(found[0].salt)


def _good_proof(text: str, start: str) -> Proof | None:
    proof = read_proof(settings().secret_key, text, now()) if text else None
    if proof is None or pressure.is_worn(proof.salt):
        return None
    # Half as hard will do: the page was made before others came.
    return proof if 2 * proof.numbers >= pressure.numbers_now(start) else None


def start_of(slot: str) -> str:
    """The start that a button names, always by the same name; empty: none."""
    chosen = read_chosen(slot)
    return start_name(f"{chosen[0]}/{chosen[1]}", chosen[2]) if chosen else ""


def start_name(opening: str, starts_at: datetime) -> str:
    """By what the tries at one start are counted, in whichever zone it was written."""
    return f"{opening}/{starts_at.timestamp():.0f}"


def carried(given: Mapping[str, str]) -> dict[str, str]:
    """The answers that a form or an address brought, those that are there."""
    return {name: given[name][:200] for name in CARRIED if given.get(name)}


def read_paper(given: Mapping[str, str]) -> tuple[Wait, WaitState] | None:
    """What the paper of the waiting page says; None: it is not ours, or about another booking."""
    found = read_wait(settings().secret_key, _about(given), given.get("wait", ""))
    if found is None:
        return None
    if now() < found.ready_at:
        return found, "early"
    return found, "ready" if now() <= found.expires_at else "late"


def to_waiting_page(given: Mapping[str, str], *, is_full: bool = False) -> ResponseReturnValue:
    """There the answers are kept. No page is rendered for that, and nothing is read."""
    metrics.count("waiting_rationed" if is_full else "proof_refused")
    return redirect(waiting_address(url_for("book.show_waiting"), given, is_full=is_full), 303)


def waiting_address(page: str, given: Mapping[str, str], *, is_full: bool = False) -> str:
    """The address of the waiting page with all answers and the paper: a new one, or their own whose time is to come."""
    found = read_paper(given)
    paper = given["wait"] if found is not None and found[1] == "early" else _new_paper(given, is_full)
    query = {**carried(given), "wait": paper, **({"full": "1"} if is_full else {})}
    return f"{page}?{urlencode(query)}"


def too_often() -> Response:
    """Refused in words, the same for all who read the same language: rendered once, since it may be asked for often."""
    response = make_response(rendered_once(f"too often {get_locale()}", _render_refusal), 429)
    response.headers["Retry-After"] = str(pressure.WINDOW_SECONDS)
    return response


def _guard_the_form() -> ResponseReturnValue | None:
    if request.endpoint != "book.do_book":
        return None
    pressure.note_attempt()
    if pressure.is_refused():
        return too_often()
    given = request.form
    g.proof = proven_salt(given.get("proof", ""), start_of(given.get("slot", "")))
    return None if g.proof else _by_waiting(given)


def _by_waiting(given: Mapping[str, str]) -> ResponseReturnValue | None:
    if not given.get("slot"):
        return redirect(f"{url_for('book.show_question')}?{urlencode(carried(given))}", 303)
    found = read_paper(given)
    if found is None or found[1] != "ready" or pressure.tries_again(found[0].salt):
        return to_waiting_page(given)
    if not pressure.takes_waiting():
        return to_waiting_page(given, is_full=True)
    pressure.note_start(start_of(given["slot"]))
    g.proof = found[0].salt
    return None


def _render_refusal() -> str:
    read_after_refusal()
    return render_template("refused.html")


def _new_paper(given: Mapping[str, str], is_full: bool) -> str:
    ready_at = now() + (RATION_WAITS if is_full else timedelta(seconds=settings().wait_seconds))
    return make_wait(
        settings().secret_key,
        _about(given),
        salt=secrets.token_urlsafe(12),
        ready_at=ready_at,
        expires_at=ready_at + LASTS,
    )


def _about(given: Mapping[str, str]) -> str:
    return urlencode(sorted(carried(given).items()))

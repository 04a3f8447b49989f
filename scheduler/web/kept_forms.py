"""What somebody typed outlives a lock and the end of a log-in, and nobody else ever gets it.

It leaves the server only sealed: encrypted, for one account, one address and a week. The lock and the log-in
carry a form that was sent too late; after the same account is back a page offers to send it. What was typed but not
sent is kept by the page's script in the same way and filled in again (static/js/lock.js). Nothing is sent by itself.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from cryptography.fernet import Fernet, InvalidToken
from flask import Flask, g, render_template, request, session
from flask_babel import gettext as _
from flask_login import user_logged_in

from scheduler.web.action_words import say_action
from scheduler.web.edge import now, row_id, settings

KEPT_FOR = timedelta(days=7)
"""Typed on the evening before a long weekend, it is there when the office opens again."""
MOST_BYTES = 16 * 1024
"""Of all fields together: what people type is far shorter."""
FIELD = "kept"
"""Under this name the lock and the log-in carry a form."""
Kind = Literal["form", "page"]
"""A form that was sent to an address; or the fields of a page that were typed and not sent."""
_SECRET = re.compile(r"password|secret|pin\b|^again$|digits|totp|recovery|token", re.IGNORECASE)
_FORMS_OF = "forms_of"
_TICKED = "y"
_OURS = ("csrf_token", "next", FIELD)


class Kept(NamedTuple):
    """What was typed at this address: `fields` in their order, a name may come more than once."""

    path: str
    fields: list[tuple[str, str]]


def set_up(app: Flask) -> None:
    app.add_template_global(carried_form)
    user_logged_in.connect(_void_forms_of_others, app)


def owner_id() -> int | None:
    """Whose log-in this browser's signed cookie holds, or held: also behind a lock, and when it is over."""
    return row_id(str(session.get("_user_id", "")).partition(":")[0])


def seal(kind: Kind, account_id: int, path: str, fields: list[tuple[str, str]]) -> str:
    """The fields as nobody can read them. Empty: nothing was typed, it is too long, or there is a secret among them."""
    if any(_SECRET.search(name) for name, _value in fields) or not any(value.strip() for _name, value in fields):
        return ""
    text = json.dumps([kind, account_id, path, fields]).encode()
    if len(text) > MOST_BYTES:
        return ""
    return _lock(settings().secret_key).encrypt_at_time(text, int(now().timestamp())).decode()


def unseal(kind: Kind, account_id: int, sealed: str) -> Kept | None:
    """What this account typed; None: it is another's, another kind, too old, or nothing that was sealed here."""
    try:
        text = _lock(settings().secret_key).decrypt_at_time(
            sealed.encode(), int(KEPT_FOR.total_seconds()), int(now().timestamp())
        )
    except (InvalidToken, UnicodeEncodeError):
        return None
    its_kind, its_account, path, fields = json.loads(text)
    if (its_kind, its_account) != (kind, account_id):
        return None
    return Kept(path, [(name, value) for name, value in fields])


def keep_sent_form() -> bool:
    """Keep what this request sends, so that the page that asks for a log-in carries it; False: nothing was typed."""
    return request.method == "POST" and keep_form(request.full_path.rstrip("?"), list(request.form.items(multi=True)))


def keep_form(path: str, fields: list[tuple[str, str]]) -> bool:
    """Keep a form for this address; False: nothing was typed, it is no form of staff, or nobody was logged in."""
    from scheduler.web.permissions import is_form_of_staff  # it asks the log-in, which asks here

    account_id = owner_id()
    if account_id is None or not is_form_of_staff(path):
        return False
    g.kept_form = seal("form", account_id, path, [each for each in fields if each[0] not in _OURS])
    return bool(g.kept_form)


def carried_form() -> str:
    """What the lock or the log-in page has to carry on, sealed; empty: nothing."""
    if "kept_form" not in g:
        sealed, account_id = request.form.get(FIELD, ""), owner_id()
        known = sealed and (account_id is None or unseal("form", account_id, sealed))
        g.kept_form = sealed if known and len(sealed) <= 2 * MOST_BYTES else ""
    return str(g.kept_form)


def kept_form_page(account_id: int, onward: str) -> str | None:
    """The page that offers to send what this account had typed before it was asked to log in; None: it typed nothing.

    onward: where it leads whoever does not want to send it.
    """
    kept = unseal("form", account_id, carried_form()) if carried_form() else None
    from scheduler.web.permissions import endpoint_of  # it asks the log-in, which asks here

    if kept is None:
        return None
    action = say_action(endpoint_of(kept.path, "POST") or "")
    return render_template("lock/kept.html", kept=kept, action=action, lines=_lines(kept), onward=onward)


def _void_forms_of_others(_app: Flask, user: Any) -> None:
    """Forms that a colleague left open in other windows of this browser: nobody else sends them by mistake."""
    account_id = user.account.id
    if session.get(_FORMS_OF, account_id) != account_id:
        session.pop("csrf_token", None)
    session[_FORMS_OF] = account_id


def _lines(kept: Kept) -> list[tuple[str, str]]:
    """What can be said of the fields in words, so that somebody knows their form again.

    Nobody sends unseen what gives rights: somebody else may have typed it, at a screen that was left.
    """
    words = _field_words()
    return [
        (words[name], "✓" if value == _TICKED else value)
        for name, value in kept.fields
        if name in words and value.strip()
    ]


def _field_words() -> dict[str, str]:
    return {
        "from": _("From"),
        "until": _("Until"),
        "from_day": _("From"),
        "until_day": _("Until"),
        "on": _("Day"),
        "reason": _("Reason"),
        "code": _("Code"),
        "email": _("E-mail"),
        "phone": _("Phone"),
        "mark": _("Mark"),
        "people": _("How many people?"),
        "name": _("What colleagues call it"),
        "login": _("Log-in name"),
        "administrator": _("Administrator"),
    }


@lru_cache(maxsize=4)
def _lock(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hmac.digest(secret.encode(), b"kept forms", "sha256")))

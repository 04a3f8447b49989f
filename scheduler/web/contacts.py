"""The pages of one address that was left with a visit: "is it yours?", and "this is not me".

They open with the link in a message, and nothing else does. Whoever follows it changes nothing; a press does.
"""

from __future__ import annotations

from hmac import compare_digest

from flask import Blueprint, abort, redirect, render_template
from flask.typing import ResponseReturnValue

from scheduler.actions.contacts import confirm_contact, erase_address
from scheduler.actions.messages import WRITTEN
from scheduler.delivery.links import address_key
from scheduler.domain.codes import contact_token, linked_visit_id
from scheduler.models import Visit
from scheduler.models.outbox import Channel
from scheduler.web.edge import db, now, settings, town
from scheduler.web.limits import wrong_tokens
from scheduler.web.visit_links import is_over, visit_link

pages = Blueprint("contacts", __name__, url_prefix="/contacts/<token>")


@pages.get("")
@pages.get("/removal")
@wrong_tokens
def show_contact(token: str) -> ResponseReturnValue:
    """Mail scanners open every link, that of the header List-Unsubscribe, too: nothing is erased by that."""
    visit, channel = address_by(token)
    return render_template(
        "contacts/contact.html", visit=visit, channel=channel, token=token, is_over=is_over(visit), town=town()
    )


@pages.post("/confirmation")
@wrong_tokens
def do_confirm(token: str) -> ResponseReturnValue:
    visit, channel = address_by(token)
    confirm_contact(db(), visit.id, channel, now())
    db().commit()
    return redirect(visit_link(visit), 303)


@pages.post("/removal")
@wrong_tokens
def do_remove(token: str) -> ResponseReturnValue:
    """Also pressed by mail programs, in one click (RFC 8058): without cookies, and without a form of ours.

    They follow no redirect, so the answer comes at once.
    """
    visit, channel = address_by(token)
    erase_address(db(), visit.id, channel, now())
    db().commit()
    return render_template("contacts/removed.html", channel=channel)


def address_by(token: str) -> tuple[Visit, Channel]:
    """The visit and channel of this link. Aborts with 404 where the address is no longer kept, or never was."""
    visit_id = linked_visit_id(token)
    visit = db().get(Visit, visit_id) if visit_id is not None else None
    channel = next((each for each in WRITTEN if visit is not None and _opens(token, visit, each)), None)
    if visit is None or channel is None:
        abort(404)
    return visit, channel


def _opens(token: str, visit: Visit, channel: Channel) -> bool:
    key = address_key(visit.contact, channel)
    if key is None:
        return False
    true = contact_token(settings().secret_key, visit.id, visit.link_epoch, channel, key)
    return compare_digest(token.encode(), true.encode())

"""What each route needs, asked before any of them runs; and whether an account may do this to that very thing.

Which right a route needs stands in `rules.py`, the rights themselves in `domain/permissions.py`.
"""

from __future__ import annotations

from flask import Flask, Response, abort, current_app, g, redirect, request, url_for
from flask_login import current_user
from werkzeug.exceptions import HTTPException

from scheduler.actions.presence import find_served
from scheduler.domain.permissions import Belongs, Holder, Right, Scope, may, may_any, reaches_of, scope_of
from scheduler.models import Account, AccountRole, Adviser
from scheduler.web.edge import db, rulebook, today
from scheduler.web.login import lacks_second_factor, own_account
from scheduler.web.rules import BEHIND_THE_LOCK, EVERYBODY, RULES, Rule

_WITHOUT_SECOND_FACTOR = ("account", "lock")
"""All that is open to an account whose role needs a second factor that is not set up: to set it up, and to lock."""


def set_up(app: Flask) -> None:
    """Ask before every request. Call it when all routes are there: raises LookupError for one without a rule."""
    unruled = {rule.endpoint for rule in app.url_map.iter_rules()} - RULES.keys()
    if unruled:
        raise LookupError(f"routes that scheduler/web/rules.py does not name: {', '.join(sorted(unruled))}")
    app.before_request(_ask_rule)
    app.after_request(_leave_nothing_behind)
    app.context_processor(lambda: {"may_any": may_any_here})


def permit(right: Right, thing: str, belongs: Belongs) -> None:
    """Go on only where the account may do this. Else 404: what is another's is not to be seen, not even that it is."""
    if not may_here(right, thing, belongs):
        abort(404)


def may_here(right: Right, thing: str, belongs: Belongs) -> bool:
    """Whether the account that is logged in may do this to that very thing."""
    return any(may(each, right, thing, belongs) for each in _holders(right, thing))


def may_any_here(right: Right, thing: str) -> bool:
    """Whether it may do this to any such thing: what decides which links a page shows."""
    return current_user.is_authenticated and any(may_any(each.role, right, thing) for each in roles())


def may_open(account: Account, address: str) -> bool:
    """Whether some role of this account may open such a page: who takes over a screen goes on only where they may."""
    rule = RULES.get(endpoint_of(address, "GET") or "")
    if isinstance(rule, Rule):
        return any(each.counts and may_any(each.role, rule.right, rule.thing) for each in account.roles)
    return rule is not None


def is_form_of_staff(address: str) -> bool:
    """Whether staff send forms there by some right of theirs: it is no log-in, no PIN, and no client's page."""
    return isinstance(RULES.get(endpoint_of(address, "POST") or ""), Rule)


def names_no_row(address: str) -> bool:
    """Whether a page is the same for all who may open it, and shows no single visit or account by its address."""
    adapter = current_app.create_url_adapter(request)
    try:
        return adapter is not None and not adapter.match(address.partition("?")[0], "GET")[1]
    except HTTPException:
        return False


def endpoint_of(address: str, method: str) -> str | None:
    """Which route answers there; None: none does."""
    adapter = current_app.create_url_adapter(request)
    try:
        return str(adapter.match(address.partition("?")[0], method)[0]) if adapter else None
    except HTTPException:
        return None


def scope_here(right: Right, thing: str) -> Scope:
    """Whose things of this kind it has the right to: what a list asks the database for."""
    return scope_of(_holders(right, thing), right, thing)


def roles() -> list[AccountRole]:
    """Its roles that count."""
    return [each for each in current_user.account.roles if each.counts] if current_user.is_authenticated else []


def _holders(right: Right, thing: str) -> list[Holder]:
    """The roles of the account that is logged in, as the table asks for them; once a request, for all lines."""
    kept: dict[tuple[str, str, str], list[Holder]] = g.setdefault("holders", {})
    key = (current_user.get_id() if current_user.is_authenticated else "", right, thing)
    if key not in kept:
        kept[key] = [_holder(each, "opening" in reaches_of(each.role, right, thing)) for each in roles()]
    return kept[key]


def _holder(role: AccountRole, at_openings: bool) -> Holder:
    return Holder(
        role.role,
        place_ids=frozenset() if role.place_id is None else frozenset({role.place_id}),
        adviser_id=role.adviser_id,
        carrier_id=role.adviser.carrier_id if role.adviser else role.carrier_id,
        account_id=role.account_id,
        openings=_served_today(role.adviser) if at_openings and role.adviser else frozenset(),
    )


def _served_today(adviser: Adviser) -> frozenset[str]:
    """Looked up once a request: pages ask it of every line that they show."""
    served: dict[int, frozenset[str]] = g.setdefault("served", {})
    if adviser.id not in served:
        served[adviser.id] = find_served(db(), rulebook(), adviser, today())
    return served[adviser.id]


def _leave_nothing_behind(response: Response) -> Response:
    """No browser keeps a page of staff, polls among them: after the log-out nobody reads it by going back."""
    if RULES.get(request.endpoint or "", EVERYBODY) != EVERYBODY:
        response.headers["Cache-Control"] = "no-store"
    return response


def _ask_rule() -> None:
    rule = RULES.get(request.endpoint or "", EVERYBODY)  # no endpoint: nothing is there, which is everybody's to learn
    if rule in (EVERYBODY, BEHIND_THE_LOCK):
        return
    if lacks_second_factor(own_account()) and request.blueprint not in _WITHOUT_SECOND_FACTOR:
        abort(redirect(url_for("account.show_second_factor"), 303))
    if isinstance(rule, Rule) and not may_any_here(rule.right, rule.thing):
        abort(403)

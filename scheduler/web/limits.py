"""How often one address may try. Each web process counts on its own."""

from __future__ import annotations

from flask import Response, request
from flask_limiter import Limiter

from scheduler.web import known_browser
from scheduler.web.edge import now, settings
from scheduler.web.pressure import house_of

limiter = Limiter(lambda: house_of(request.remote_addr or ""))
"""By address, or by the network of a house: whoever has one of IPv6 has more addresses than there are codes."""

guesses = limiter.limit(
    lambda: settings().code_limit,
    key_func=lambda: known_browser.own_id() or house_of(request.remote_addr or ""),
    methods=["POST"],
    deduct_when=lambda response: _failed(response),
)
"""Counts wrong codes and log-ins only: a shelter whose people share one address is not punished for using it. A browser
that staff have logged in with is counted by itself: a stranger in the office's network locks nobody out."""

wrong_tokens = limiter.shared_limit(
    lambda: settings().code_limit, scope="tokens", deduct_when=lambda response: response.status_code == 404
)
"""Counts links that nobody has, in the API and on the pages of a contact, whatever the method."""

LINKS_THAT_NOBODY_HAS = "120 per minute; 1200 per hour"
unknown_links = limiter.shared_limit(
    LINKS_THAT_NOBODY_HAS, scope="links", deduct_when=lambda response: response.status_code == 404
)
"""The same of a visit's page, a ticket and a calendar. Nobody can guess these (120 bits and more), but phones and
calendar servers of many people ask for what was revoked, from one address: so the limit is wide."""


def seconds_to_wait() -> int:
    """How long the limit that this request ran into still holds."""
    limit = limiter.current_limit
    return max(1, limit.reset_at - int(now().timestamp())) if limit else 60


def _failed(response: Response) -> bool:
    return response.status_code >= 400

"""How often one address may try. Each web process counts on its own."""

from __future__ import annotations

from flask import Response
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from scheduler.web.edge import settings

limiter = Limiter(get_remote_address)

guesses = limiter.limit(lambda: settings().code_limit, methods=["POST"], deduct_when=lambda response: _failed(response))
"""Counts wrong codes and log-ins only: a shelter whose people share one address is not punished for using it."""


def _failed(response: Response) -> bool:
    return response.status_code >= 400

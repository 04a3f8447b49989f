"""Sprechstunde: a scheduler for consultation hours. `create_app` puts the parts together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from config import Config


def create_app(config: Config) -> Flask:
    """The web application for these settings. Opens no connection until the first request."""
    from scheduler.web.app import make_app

    return make_app(config)

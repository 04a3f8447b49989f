"""Puts the web application together: settings, extensions, blueprints, error pages, headers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask, Response
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Config, build_id
from scheduler import cli
from scheduler.db import Database, use_contact_keys
from scheduler.web import (
    absences,
    api,
    appointments,
    board,
    book,
    busy_calendars,
    calendars,
    call_list,
    contacts,
    dates,
    demo,
    desk,
    edge,
    errors,
    feeds,
    followups,
    forecasts,
    heartbeat,
    intake,
    locales,
    lock,
    login,
    my,
    outcomes,
    permissions,
    places,
    start,
    stations,
    tickets,
    visits,
)
from scheduler.web.limits import limiter

ROOT = Path(__file__).parents[2]
LARGEST_BODY = 64 * 1024
"""Bytes: no form and no API request here needs more."""

csrf = CSRFProtect()


def make_app(config: Config) -> Flask:
    """The application for these settings."""
    app = Flask("scheduler", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.update(_flask_settings(config))
    app.url_map.converters["id"] = edge.RowId
    app.extensions["settings"] = config
    app.extensions["build"] = build_id()
    app.extensions["database"] = Database(config.database_url, **config.ways)
    use_contact_keys(config.contact_keys)
    if config.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=config.trusted_proxies, x_proto=config.trusted_proxies
        )
    Babel(app, locale_selector=locales.chosen_locale)
    csrf.init_app(app)
    limiter.init_app(app)
    login.set_up(app)
    edge.set_up(app)
    locales.set_up(app)
    forecasts.set_up(app)
    stations.set_up(app)
    heartbeat.set_up(app)
    call_list.set_up(app)
    errors.set_up(app)
    _register_blueprints(app, config)
    permissions.set_up(app)
    cli.register(app)
    app.after_request(_add_headers)
    return app


def _flask_settings(config: Config) -> dict[str, object]:
    return {
        "SECRET_KEY": config.secret_key,
        "MAX_CONTENT_LENGTH": LARGEST_BODY,
        "SESSION_COOKIE_SECURE": config.secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": config.secure,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "WTF_CSRF_TIME_LIMIT": None,  # a form may stay open for a whole morning at the desk
        "WTF_CSRF_SSL_STRICT": False,  # it wants a Referer, which our pages tell browsers not to send
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "scheduler" / "translations"),
        "BABEL_DEFAULT_LOCALE": locales.SOURCE_LOCALE,
        "RATELIMIT_STORAGE_URI": "memory://",
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(days=365),  # static addresses carry the build's name
    }


def _register_blueprints(app: Flask, config: Config) -> None:
    for module in _PAGES:
        app.register_blueprint(module.pages)
    csrf.exempt(contacts.do_remove)  # its secret is in the address, and mail programs press it, too
    csrf.exempt(api.pages)  # no cookie is read there, so no other site can borrow one
    app.register_blueprint(api.pages)
    if config.demo:
        app.register_blueprint(demo.pages)


_PAGES = (
    start, places, book, visits, contacts, tickets, board, feeds, login, lock,
    desk, appointments, dates, my, intake, absences, busy_calendars, outcomes, followups, call_list, calendars,
)  # fmt: skip


def _add_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    if "ETag" not in response.headers and not response.cache_control:
        response.headers["Cache-Control"] = "no-store"
    return response


_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

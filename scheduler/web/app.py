"""Puts the web application together: settings, extensions, blueprints, error pages, headers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask, Response, abort, request
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Config, build_id
from scheduler import cli
from scheduler.db import Database, use_contact_keys
from scheduler.domain.codes import keyed_hash
from scheduler.web import (
    absences,
    account,
    account_links,
    accounts,
    api,
    appointments,
    audit,
    belongs,
    board,
    book,
    busy_calendars,
    calendars,
    call_list,
    case_marks,
    contacts,
    dates,
    demo,
    desk,
    edge,
    erasing,
    errors,
    feeds,
    followups,
    forecasts,
    health,
    heartbeat,
    intake,
    kept_forms,
    locales,
    lock,
    lock_state,
    login,
    manage,
    metrics,
    my,
    outcomes,
    permissions,
    places,
    proofs,
    request_log,
    start,
    stations,
    tickets,
    visits,
)
from scheduler.web.limits import limiter
from scheduler.web.plain_fields import PlainRequest
from scheduler.web.threshold import Threshold

ROOT = Path(__file__).parents[2]
LARGEST_BODY = 64 * 1024
"""Bytes: no form and no API request here needs more."""
MOST_FIELDS = 1500
"""Of one form: a whole day that is entered late has some hundreds."""

csrf = CSRFProtect()


def make_app(config: Config) -> Flask:
    """The application for these settings."""
    app = Flask("scheduler", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.request_class = PlainRequest
    app.config.update(_flask_settings(config))
    app.url_map.converters["id"] = edge.RowId
    app.extensions["settings"] = config
    app.extensions["build"] = build_id()
    app.extensions["database"] = database = Database(config.database_url, **config.ways)
    database.release_key = keyed_hash(config.secret_key, "key", "release")
    use_contact_keys(config.contact_keys)
    app.wsgi_app = Threshold(app, _headers_for(config))  # type: ignore[method-assign]
    if config.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=config.trusted_proxies, x_proto=config.trusted_proxies
        )
    _set_up_requests(app)
    _register_blueprints(app, config)
    permissions.set_up(app)  # it looks at all routes
    audit.set_up(app)
    cli.register(app)
    app.after_request(_add_headers)
    return app


def _set_up_requests(app: Flask) -> None:
    """What every request goes through, in this order."""
    request_log.set_up(app)
    metrics.set_up(app)
    Babel(app, locale_selector=locales.chosen_locale)
    app.before_request(_refuse_too_many_fields)
    proofs.set_up(app)
    csrf.init_app(app)
    limiter.init_app(app)
    for module in _EACH_REQUEST:
        module.set_up(app)


def _flask_settings(config: Config) -> dict[str, object]:
    return {
        "SECRET_KEY": config.secret_key,
        "MAX_CONTENT_LENGTH": LARGEST_BODY,
        "MAX_FORM_MEMORY_SIZE": LARGEST_BODY,
        "MAX_FORM_PARTS": MOST_FIELDS,
        # Browsers take a cookie of that name by HTTPS alone, and from no neighbour under the same domain.
        "SESSION_COOKIE_NAME": "__Host-session" if config.secure else "session",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_SECURE": config.secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": config.secure,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": kept_forms.KEPT_FOR,  # whose a form is that comes after the log-in has ended
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


_EACH_REQUEST = (
    login, edge, locales, forecasts, stations, heartbeat, call_list, errors, lock_state, kept_forms, manage,
    belongs,
)  # fmt: skip
_PAGES = (
    start, places, book, visits, contacts, tickets, board, feeds, login, lock, account, account_links, accounts,
    desk, appointments, dates, my, intake, absences, busy_calendars, outcomes, followups, call_list, calendars, manage,
    erasing, case_marks,
    health, metrics,
)  # fmt: skip


def _refuse_too_many_fields() -> None:
    """A body of nothing but "&a" keeps a process busy longer than reading it does."""
    if request.mimetype == "application/x-www-form-urlencoded" and request.get_data().count(b"&") > MOST_FIELDS:
        abort(413)


def _headers_for(config: Config) -> dict[str, str]:
    return {**_HEADERS, **({"Strict-Transport-Security": "max-age=31536000"} if config.secure else {})}


def _add_headers(response: Response) -> Response:
    own = {name for name, _ in response.headers}
    response.headers.extend([each for each in _headers_for(edge.settings()).items() if each[0] not in own])
    if "ETag" not in response.headers and not response.cache_control:
        response.headers["Cache-Control"] = "no-store"
    return response


_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_NEVER_ASKED_FOR = (
    "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
    "microphone", "midi", "payment", "publickey-credentials-get", "serial", "usb",
)  # fmt: skip
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{each}=()" for each in _NEVER_ASKED_FOR),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

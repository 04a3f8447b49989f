"""What a Prometheus server reads: counts of requests and of a few events, and the state of the database at that moment.

Labels hold names of routes, keys of places and words of ours: no path, address, code or person. The processes of
gunicorn share their counters by files in PROMETHEUS_MULTIPROC_DIR (`deploy/gunicorn.conf.py` sets it): whichever of
them is asked answers for all. What the gauges say is read when it is asked for: see `web/gauges.py`.
"""

from __future__ import annotations

import hmac
import os
import time

from flask import Blueprint, Flask, Response, abort, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from scheduler.web.edge import settings
from scheduler.web.gauges import Gauges

pages = Blueprint("metrics", __name__)

EVENTS = frozenset(
    (
        *("booked", "booking_refused", "booking_limited", "rate_limited"),
        *("proof_refused", "waiting_rationed", "threshold_refused"),
    )
)
"""All that `count` may be told. Whoever counts something else adds it here, and says it in docs/operation.md."""
PROOF_NEEDED = 428
"""How programs hear of a proof that is missing: whoever sends that counts it, and it is no refusal of a booking."""
NOWHERE = "none"
"""The endpoint of a request that no route takes."""
_BOOKING = frozenset({"book.do_book", "api.make_booking"})
_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

_own = CollectorRegistry()
_requests = Counter("sprechstunde_requests", "Requests.", ["endpoint", "status"], registry=_own)
_durations = Histogram("sprechstunde_request_seconds", "Time to answer.", ["endpoint"], registry=_own, buckets=_SECONDS)
_events = Counter("sprechstunde_events", "What happened, by name.", ["name"], registry=_own)


def count(name: str) -> None:
    """One more of this event. Raises KeyError for a name that is not in EVENTS: no name may be made of data."""
    if name not in EVENTS:
        raise KeyError(name)
    _events.labels(name).inc()


def set_up(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


@pages.get("/metrics")
def show_metrics() -> Response:
    """404 where no token is set, and for whoever does not show it: that there is such a page is nobody's business."""
    if not _may_read():
        abort(404)
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry = _own
    text = generate_latest(registry) + generate_latest(_with(Gauges()))
    return Response(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _with(gauges: Gauges) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(gauges)
    return registry


def _may_read() -> bool:
    token = settings().metrics_token
    kind, _, shown = request.headers.get("Authorization", "").partition(" ")
    return bool(token) and kind == "Bearer" and hmac.compare_digest(shown.strip().encode(), token.encode())


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    endpoint = request.endpoint or NOWHERE
    _requests.labels(endpoint, f"{response.status_code // 100}xx").inc()
    if "began" in g:
        _durations.labels(endpoint).observe(time.perf_counter() - g.began)
    if response.status_code == 429:
        count("booking_limited" if endpoint in _BOOKING else "rate_limited")
    elif response.status_code >= 400 and response.status_code != PROOF_NEEDED and endpoint in _BOOKING:
        count("booking_refused")
    return response

"""In which order waiting visits are called, and whom an adviser calls next.

Urgent first; then appointments that are here and whose time has come; then walk-ins by arrival; appointments that
came early wait for their time unless nobody else is left. Adviser, language and service are wishes: those that nobody
who is here or still expected can meet are given up, in this order, until somebody may serve. Who asks for an adviser
who is here gets this one, in whatever language and service: a person has decided that, for instance in handing over.
A visit that was handed over does not lead back to those who did it, unless it asks for them or nobody else is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

LATE_GRACE = timedelta(minutes=10)
"""An appointment that arrives no later than this after its start keeps its place; later it queues by arrival.
So does whoever comes back no later than this after a call that was missed."""


class Waiting(NamedTuple):
    """One visit in the queue."""

    visit_id: int
    arrived_at: datetime
    starts_at: datetime | None = None
    urgent: bool = False
    services: frozenset[str] = frozenset()
    language: str | None = None
    wished_adviser_id: int | None = None
    handed_over_by: frozenset[int] = frozenset()
    """Advisers who have handed this visit over."""


class Server(NamedTuple):
    """One adviser who is here or still expected."""

    adviser_id: int
    services: frozenset[str]
    languages: frozenset[str]


def in_order(queue: Iterable[Waiting], now: datetime) -> list[Waiting]:
    """The queue as it will be called. Ties break by visit id: who was entered first."""
    return sorted(queue, key=lambda each: rank(each, now))


def next_for(server: Server, queue: Iterable[Waiting], servers: Sequence[Server], now: datetime) -> Waiting | None:
    """The first in order whom this adviser can serve; None: nobody."""
    return next((each for each in in_order(queue, now) if may_serve(server, each, servers)), None)


def may_serve(server: Server, waiting: Waiting, servers: Sequence[Server]) -> bool:
    """Whether this adviser serves the visit, or leaves it to a colleague who meets its wishes better."""
    return _meets(server, _without_vain_wishes(waiting, servers))


def has_server(waiting: Waiting, servers: Sequence[Server]) -> bool:
    """Whether anybody here or expected meets the wishes. If not, the desk should know."""
    return any(_meets(each, waiting) for each in servers)


def keeps_place(missed_at: datetime, now: datetime) -> bool:
    """Whether somebody who missed the call and comes back now still has the old place in the order."""
    return now <= missed_at + LATE_GRACE


def runs_into(minutes: int, starts_at: datetime, now: datetime) -> bool:
    """Whether somebody who is called now and needs so long is still there when an appointment begins."""
    return now + timedelta(minutes=minutes) > starts_at


def _without_vain_wishes(waiting: Waiting, servers: Sequence[Server]) -> Waiting:
    fewest = waiting
    for fewest in _with_fewer_wishes(waiting):
        if has_server(fewest, servers):
            break
    return fewest


def _with_fewer_wishes(waiting: Waiting) -> Iterator[Waiting]:
    """The visit with all its wishes, then with fewer and fewer, at last with none."""
    yield waiting
    yield (any_adviser := waiting._replace(wished_adviser_id=None))
    yield (any_language := any_adviser._replace(language=None))
    yield (any_service := any_language._replace(services=frozenset()))
    yield any_service._replace(handed_over_by=frozenset())


def _meets(server: Server, waiting: Waiting) -> bool:
    if waiting.wished_adviser_id is not None:
        return waiting.wished_adviser_id == server.adviser_id
    return (
        (not waiting.services or bool(waiting.services & server.services))
        and (waiting.language is None or waiting.language in server.languages)
        and server.adviser_id not in waiting.handed_over_by
    )


def rank(waiting: Waiting, now: datetime) -> tuple[int, datetime, int]:
    if waiting.urgent:
        return 0, waiting.arrived_at, waiting.visit_id
    if waiting.starts_at is None or waiting.arrived_at > waiting.starts_at + LATE_GRACE:
        return 2, waiting.arrived_at, waiting.visit_id
    if waiting.starts_at <= now:
        return 1, waiting.starts_at, waiting.visit_id
    return 3, waiting.starts_at, waiting.visit_id

"""What may count only once: a request that comes again, and what a client did to be let in. Kept as hashes alone."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.orm import Session

from scheduler.actions.openings import INSERTS
from scheduler.models import IdempotencyKey, Visit


class ProofSpent(Exception):
    """What the client did to be let in has let in another booking already."""


class KeyReused(Exception):
    """An idempotency key came a second time, with another request."""


def booked_before(session: Session, key: str | None, request: str) -> Visit | None:
    """The visit of an earlier request with this key. Raises KeyReused where that one asked for something else."""
    found = session.get(IdempotencyKey, _hash(key)) if key else None
    if found is None:
        return None
    if found.request_hash != _hash(request) or found.visit_id is None:
        raise KeyReused
    return session.get(Visit, found.visit_id)


def remember_key(session: Session, key: str | None, request: str, visit: Visit, now: datetime) -> None:
    """From now on this key means this request and this visit. Of two at one instant the database lets one pass."""
    if key:
        row = IdempotencyKey(key_hash=_hash(key), request_hash=_hash(request), visit_id=visit.id, created_at=now)
        session.add(row)
        session.flush()


def spend_proof(session: Session, proof: str, visit: Visit, now: datetime) -> None:
    """Keep that this proof was used. Raises ProofSpent; of two at one instant the database lets one pass."""
    if not proof:
        return
    row = {"key_hash": _hash(f"proof {proof}"), "request_hash": "", "visit_id": visit.id, "created_at": now}
    if session.execute(_insert(session.get_bind().dialect.name), row).first() is None:
        raise ProofSpent


_KEY = IdempotencyKey.metadata.tables["idempotency_key"]


@cache
def _insert(dialect: str) -> Any:
    values: dict[str, Any] = {each.name: bindparam(each.name) for each in _KEY.c}
    insert: Any = INSERTS[dialect](_KEY).values(values)
    return insert.on_conflict_do_nothing().returning(_KEY.c.key_hash)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

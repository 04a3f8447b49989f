"""When an opening is full: whoever came now would probably not be served before closing.

Two thresholds, so that one person who leaves does not open a door that the next one closes again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

FULL_BELOW = 0.5
"""A newcomer with a lesser chance to be served before closing gets no number."""
OPEN_AGAIN_ABOVE = 0.65
"""A full opening gives numbers again only above this chance."""
END_NEARS = timedelta(minutes=45)
"""So long before closing the desk is told who will probably not be served."""


def is_full(chance: float, was_full: bool) -> bool:
    """Whether numbers stop. `chance`: a newcomer's, to be served before closing; `was_full`: they had stopped."""
    return chance <= OPEN_AGAIN_ABOVE if was_full else chance < FULL_BELOW


def will_hardly_be_served(chance: float, ends_at: datetime, now: datetime) -> bool:
    """Whether somebody who waits should be told that closing will probably come first."""
    return now >= ends_at - END_NEARS and chance < FULL_BELOW

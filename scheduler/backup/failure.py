"""Why a backup was not made or not restored, in words for whoever runs the command; and how progress is told."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]
"""Takes one line of progress."""
SAY_EVERY_SECONDS = 5.0
MEGABYTE = 1_000_000


class BackupFailed(Exception):
    """Nothing was changed. The words say why and what to do."""

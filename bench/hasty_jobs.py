"""`python -m jobs` in a hurry, for the soak: `python -m bench.hasty_jobs LEASE EVERY`, both in seconds.

A message that a killed process had claimed is free again after LEASE instead of minutes, and messages are looked for
all the time: kills land where it hurts, and nobody waits for the clock. All else is the process as it is.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta

from scheduler.actions import sending


def main(lease: int, every: int) -> int:
    shorter = timedelta(seconds=lease)
    assert shorter < sending.LEASE, "the lease is somewhere else now"
    sending.LEASE = shorter
    from jobs import __main__ as process  # not before: what imports the lease by name must find this one
    from jobs.timetable import TIMETABLE

    vars(process)["TIMETABLE"] = tuple(
        each._replace(every_seconds=every) if each.name.startswith("send ") else each for each in TIMETABLE
    )
    return process.main(os.environ)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

"""A few seconds of the attack, so that it still runs when somebody needs it. How slow a desk may get, the soak says."""

from __future__ import annotations

from pathlib import Path

from bench.attack import REAL_BOOKINGS, Load, attack


def test_an_attack_books_nothing_and_costs_nobody_a_time(tmp_path: Path) -> None:
    result = attack(f"sqlite:///{tmp_path / 'town.db'}", Load(seconds=4, quiet=1, a_second=50), tmp_path)
    assert set(result.answers) <= {"303", "428"}
    assert sum(result.answers.values()) > 50
    assert (result.booked, result.lost) == (REAL_BOOKINGS, 0)
    assert [each for each in (*result.quiet, *result.attacked) if not each.is_fine] == []

"""The command `backtest`: what the forecasts would have been worth on a log that has happened."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from scheduler.actions.experience import lengths_of_file
from scheduler.actions.own_log import read_own_log
from scheduler.actions.rulebook import read_rulebook
from scheduler.cli_town import open_database
from scheduler.domain.replay import LogRow, OnDuty, Replayed, Score, replay, score
from scheduler.service_log import LogRefused, read_log

Log = tuple[list[LogRow], list[OnDuty], dict[str | None, float]]


@click.command("backtest")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print figures for programs.")
@with_appcontext
def backtest(file: Path | None, as_json: bool) -> None:
    """Replay a service log (FILE.csv, else the own one) and compare each forecast with what came true.

    At each arrival only what was known then counts. The columns of a FILE stand in docs/backtest.md.
    """
    rows, rota, configured = _read(file)
    found = score(_replay(rows, rota, configured))
    click.echo(json.dumps(_figures(found)) if as_json else _table(found))


def _read(file: Path | None) -> Log:
    if file is None:
        with open_database().reading() as session:
            try:
                rulebook = read_rulebook(session)
            except LookupError as refused:
                raise click.ClickException(str(refused)) from None
            return *read_own_log(session, rulebook), lengths_of_file(rulebook)
    try:
        return *read_log(file), {}
    except LogRefused as refused:
        raise click.ClickException(f"{file}: {refused}") from None
    except OSError as refused:
        raise click.ClickException(f"{file}: {refused.strerror}") from None


def _replay(rows: list[LogRow], rota: list[OnDuty], configured: dict[str | None, float]) -> list[Replayed]:
    replayed = replay(rows, rota, configured)
    with click.progressbar(replayed, length=len(rows), label="Replaying", file=sys.stderr) as steps:
        return [each for each in steps if each is not None]


def _figures(found: Score | None) -> dict[str, float | None]:
    return {
        "forecasts": found.forecasts if found else 0,
        "mae_minutes": round(found.mae, 2) if found else None,
        "coverage": round(found.coverage, 3) if found else None,
        "mean_width_minutes": round(found.mean_width, 2) if found else None,
        "closed_form_mae_minutes": round(found.closed_form_mae, 2) if found else None,
    }


def _table(found: Score | None) -> str:
    if found is None:
        return "No walk-in of this log was called: there is nothing to compare."
    better = 1 - found.mae / found.closed_form_mae if found.closed_form_mae else 0.0
    lines = (
        ("forecasts that came true", f"{found.forecasts}"),
        ("mean wait", f"{found.mean_wait:.1f} min"),
        ("mean absolute error", f"{found.mae:.1f} min"),
        ("… of the closed form, middle of its range", f"{found.closed_form_mae:.1f} min"),
        ("… of the closed form, its upper end", f"{found.closed_form_latest_mae:.1f} min"),
        ("better than the closed form by", f"{better:.0%}"),
        ("waits within the 20–80 % range", f"{found.coverage:.0%}"),
        ("… as shown, rounded outward to 5 min", f"{found.shown_coverage:.0%}"),
        ("mean width of the range", f"{found.mean_width:.1f} min"),
    )
    return "\n".join(f"{name:<45}{figure:>10}" for name, figure in lines)

"""A service log played again: what would have been forecast at each arrival, knowing only what was known then.

Nobody knows who would still come, how long it would take, or when somebody would leave. What past days say counts:
lengths, and when desks opened. A log does not name the services of a desk; what it has served tells them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from statistics import fmean
from typing import NamedTuple

from scheduler.domain.calibration import Calibration, CameTrue
from scheduler.domain.forecast import Forecast, forecast
from scheduler.domain.lengths import Experience, Kind, Measured, Waited
from scheduler.domain.queue_order import LATE_GRACE, Server, Waiting
from scheduler.domain.simulation import Desk, Person, Situation

DAYS_LIKE_THIS = 12
"""So many of the latest days say when desks open."""
MOST_KNOWN = 600
"""So many of the latest consultations, gaps and waits teach, as in `actions/experience.py`."""
AWAY_AFTER = timedelta(minutes=10)
GONE_AFTER = timedelta(minutes=30)
"""A desk that calls nobody for so long, while somebody waits: on a break, and gone for the day."""
CLOSES_AFTER = timedelta(hours=12)
"""A log says nothing of closing."""


class LogRow(NamedTuple):
    """One visit of a log; None: did not happen, or nobody wrote it down."""

    arrived_at: datetime | None
    called_at: datetime | None = None
    finished_at: datetime | None = None
    desk: str = ""
    service: str = ""
    concern: str = ""
    left_at: datetime | None = None
    language: str = ""
    starts_at: datetime | None = None
    """An appointment's time; without `arrived_at` its client did not come."""
    opening: str = ""
    """Where a log has several on one day: who waits at one is not called at the other."""

    @property
    def kind(self) -> Kind:
        return Kind(self.service or None, self.concern or None)

    @property
    def begins_at(self) -> datetime:
        known = self.arrived_at or self.starts_at or self.called_at
        assert known is not None  # a row that names none of them is refused where it is read
        return known

    @property
    def day(self) -> date:
        return self.begins_at.date()


class OnDuty(NamedTuple):
    """A desk that the rota names for a day, and since when it should be open."""

    desk: str
    from_at: datetime
    services: frozenset[str]
    languages: frozenset[str] = frozenset()
    opening: str = ""


class Replayed(NamedTuple):
    """One walk-in who was called in the end: what they would have been told, and how long it took, in minutes."""

    forecast: Forecast
    minutes: float


class Score(NamedTuple):
    """What the forecasts of a log were worth: mean absolute errors and the mean width in minutes, and the share of
    waits that were within the range, exactly and as it is shown (rounded outward)."""

    forecasts: int
    mae: float
    coverage: float
    mean_width: float
    closed_form_mae: float
    closed_form_latest_mae: float
    shown_coverage: float
    mean_wait: float


def score(replayed: Sequence[Replayed]) -> Score | None:
    """None: nobody was forecast anything that came true."""
    if not replayed:
        return None
    return Score(
        forecasts=len(replayed),
        mae=fmean(abs(told.centre - minutes) for told, minutes in replayed),
        coverage=fmean(told.low <= minutes <= told.high for told, minutes in replayed),
        mean_width=fmean(told.high - told.low for told, _ in replayed),
        closed_form_mae=fmean(abs(told.closed_form - minutes) for told, minutes in replayed),
        closed_form_latest_mae=fmean(abs(told.closed_form_latest - minutes) for told, minutes in replayed),
        shown_coverage=fmean(told.shown[0] <= minutes <= told.shown[1] for told, minutes in replayed),
        mean_wait=fmean(minutes for _, minutes in replayed),
    )


@dataclass
class _Known:
    """What is known by now, over all days."""

    configured: Mapping[str | None, float]
    consultations: list[Measured] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    waits: list[Waited] = field(default_factory=list)
    came: int = 0
    missed: int = 0
    came_true: list[CameTrue] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    first_calls: list[list[timedelta]] = field(default_factory=list)
    """When the desks of each past day called for the first time, as time of day."""

    def copy(self) -> _Known:
        copied = replace(self, services=set(self.services))
        for name in _LISTS:
            setattr(copied, name, list(getattr(self, name)))
        return copied

    def take_over(self, later: _Known, before: _Known) -> None:
        """What `later` has come to know since it was like `before`."""
        for name in _LISTS:
            getattr(self, name).extend(getattr(later, name)[len(getattr(before, name)) :])
        self.came += later.came - before.came
        self.missed += later.missed - before.missed
        self.services |= later.services

    def experience(self) -> Experience:
        return Experience(
            self.configured,
            self.consultations[-MOST_KNOWN:],
            self.gaps[-MOST_KNOWN:],
            self.waits[-MOST_KNOWN:],
            self.came,
            self.missed,
        )


def replay(
    rows: Iterable[LogRow], rota: Iterable[OnDuty] = (), configured: Mapping[str | None, float] | None = None
) -> Iterator[Replayed | None]:
    """For each row in order: what was forecast for a walk-in who was called; None for all others."""
    known = _Known(configured or {})
    on_duty: dict[tuple[date, str], list[OnDuty]] = defaultdict(list)
    for each in rota:
        on_duty[each.from_at.date(), each.opening].append(each)
    ordered = sorted(rows, key=lambda each: (each.day, each.opening, each.begins_at))
    for day, of_day in groupby(ordered, key=lambda each: each.day):
        before = known.copy()
        for opening, of_opening in groupby(of_day, key=lambda each: each.opening):
            # What goes on at another opening of the same day may be later than what is asked here: not known yet.
            here = before.copy()
            yield from _Morning(list(of_opening), on_duty.get((day, opening), []), here).play()
            known.take_over(here, before)


_LISTS = ("consultations", "gaps", "waits", "came_true", "first_calls")


class _Morning:
    """One opening of the log, gone through in order of time."""

    def __init__(self, rows: list[LogRow], on_duty: list[OnDuty], known: _Known) -> None:
        self.rows, self.known = rows, known
        self.on_duty = {each.desk: each for each in on_duty}
        self.events = sorted(
            (at, number, what)
            for number, row in enumerate(rows)
            for at, what in ((row.called_at, "called"), (row.finished_at, "finished"), (row.left_at, "left"))
            if at is not None
        )
        self.next_event = 0
        self.here: dict[int, LogRow] = {}
        """Who waits, by number."""
        self.busy: dict[str, LogRow] = {}
        self.idle_since: dict[str, datetime] = {}
        self.shown: dict[int, Forecast] = {}
        self.passed_over: dict[str, set[str]] = defaultdict(set)
        """Services whose clients waited longer than whom a desk called: that desk seems not to offer them today."""

    def play(self) -> Iterator[Replayed | None]:
        for number, row in enumerate(self.rows):
            yield self._arrive(number, row) if row.arrived_at else None
        self._happen_until(None)
        self._end()

    def _arrive(self, number: int, row: LogRow) -> Replayed | None:
        assert row.arrived_at is not None
        self._happen_until(row.arrived_at)
        self.here[number] = row
        found = None
        if row.starts_at is None and (row.called_at is None or row.called_at >= row.arrived_at):
            self.shown[number] = self._forecast(number, row.arrived_at)
            if row.called_at is not None:
                found = Replayed(self.shown[number], _minutes(row.called_at - row.arrived_at))
        return found

    def _forecast(self, number: int, now: datetime) -> Forecast:
        situation = Situation(now, self._desks(now), self._people(now), more_desks=self._more_desks(now))
        calibration = Calibration.of(self.known.came_true)
        return forecast(situation, self.known.experience(), calibration, now + CLOSES_AFTER)[number]

    def _people(self, now: datetime) -> list[Person]:
        here = [Person(_waiting(number, row), row.kind) for number, row in self.here.items()]
        to_come = [
            Person(_waiting(number, row, row.starts_at), row.kind, here=False)
            for number, row in enumerate(self.rows)
            if row.starts_at and row.starts_at > now - LATE_GRACE and not _has_come(row, now)
        ]
        return here + to_come

    def _desks(self, now: datetime) -> list[Desk]:
        busy = [
            Desk(self._server(number, name), row.kind, _minutes(now - (row.called_at or now)))
            for number, (name, row) in enumerate(self.busy.items())
        ]
        idle: list[Desk] = []
        for name, since in self.idle_since.items():
            server = self._server(len(busy) + len(idle), name)
            for_long = self._calls_nobody(server, since, now)
            if for_long <= GONE_AFTER:
                idle.append(Desk(server, on_break=for_long > AWAY_AFTER, idle_minutes=_minutes(now - since)))
        expected = [
            Desk(
                Server(len(busy) + len(idle) + number, duty.services, duty.languages),
                expected_in=_minutes(duty.from_at - now),
            )
            for number, duty in enumerate(self.on_duty.values())
            if duty.desk not in self.busy and duty.desk not in self.idle_since
        ]
        return busy + idle + expected

    def _calls_nobody(self, server: Server, since: datetime, now: datetime) -> timedelta:
        """For how long somebody has waited for this idle desk to call."""
        for_it = (each.begins_at for each in self.here.values() if not each.service or each.service in server.services)
        return now - max(since, min(for_it, default=now))

    def _server(self, number: int, name: str) -> Server:
        if name in self.on_duty:
            return Server(number, self.on_duty[name].services, self.on_duty[name].languages)
        return Server(number, frozenset(self.known.services - self.passed_over[name]), frozenset())

    def _more_desks(self, now: datetime) -> list[list[float]]:
        """When more desks opened on days like this, in minutes from now; nothing where a rota says it."""
        if self.on_duty:
            return []
        at_work, time_of_day = len(self.busy) + len(self.idle_since), _time_of_day(now)
        later = [
            [_minutes(first - time_of_day) for first in firsts[at_work:] if first >= time_of_day]
            for firsts in self.known.first_calls[-DAYS_LIKE_THIS:]
        ]
        return later if later or at_work else [[0.0]]

    def _happen_until(self, now: datetime | None) -> None:
        while self.next_event < len(self.events) and (now is None or self.events[self.next_event][0] < now):
            at, number, what = self.events[self.next_event]
            self.next_event += 1
            {"called": self._call, "finished": self._finish, "left": self._leave}[what](number, at)

    def _call(self, number: int, at: datetime) -> None:
        row = self.rows[number]
        self.here.pop(number, None)
        self._learn_services(row)
        if row.arrived_at:
            self.known.waits.append(Waited(_minutes(at - row.arrived_at), left=False))
        if number in self.shown:
            told = self.shown[number]
            assert row.arrived_at is not None
            minutes = _minutes(at - row.arrived_at)
            self.known.came_true.append(CameTrue(told.simulated, told.closed_form, minutes))
        self.known.came += row.starts_at is not None
        if (idle := self.idle_since.pop(row.desk, None)) is not None:
            self.known.gaps.append(_minutes(at - idle))
        self.busy[row.desk] = row

    def _learn_services(self, called: LogRow) -> None:
        passed_over = {
            each.service
            for each in self.here.values()
            if each.service and each.begins_at < called.begins_at and called.starts_at is None
        }
        self.passed_over[called.desk] = (self.passed_over[called.desk] | passed_over) - {called.service}
        self.known.services |= {called.service} - {""}

    def _finish(self, number: int, at: datetime) -> None:
        row = self.rows[number]
        if row.called_at is None:
            return
        if self.busy.get(row.desk) is row:
            del self.busy[row.desk]
            self.idle_since[row.desk] = at
        self.known.consultations.append(Measured(row.kind, _minutes(at - row.called_at)))

    def _leave(self, number: int, at: datetime) -> None:
        row = self.here.pop(number, None)
        if row is not None and row.arrived_at:
            self.known.waits.append(Waited(_minutes(at - row.arrived_at), left=True))

    def _end(self) -> None:
        self.known.missed += sum(bool(row.starts_at) and not row.arrived_at and not row.called_at for row in self.rows)
        first_calls: dict[str, datetime] = {}
        for row in self.rows:
            if row.called_at and (row.desk not in first_calls or row.called_at < first_calls[row.desk]):
                first_calls[row.desk] = row.called_at
        self.known.first_calls.append(sorted(_time_of_day(each) for each in first_calls.values()))


def _has_come(row: LogRow, now: datetime) -> bool:
    """By now; whoever was called was here, although some logs do not say since when."""
    return (row.arrived_at is not None and row.arrived_at <= now) or (row.called_at is not None and row.called_at < now)


def _waiting(number: int, row: LogRow, arrives_at: datetime | None = None) -> Waiting:
    arrived_at = arrives_at or row.arrived_at
    assert arrived_at is not None
    return Waiting(
        number, arrived_at, row.starts_at, services=frozenset({row.service} - {""}), language=row.language or None
    )


def _minutes(span: timedelta) -> float:
    return span.total_seconds() / 60


def _time_of_day(at: datetime) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)

"""What holds for any rule: order, wall times, names, and that nothing depends on the window that is asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from scheduler.domain.recurrence import ClosedDays, DateException, Rule, Turns, dated_opening, dated_openings
from tests.domain.office_hours import WEDNESDAYS, rule

ZONES = [
    ZoneInfo(each) for each in ("Europe/Berlin", "Europe/Lisbon", "America/St_Johns", "Australia/Lord_Howe", "UTC")
]
"""Clocks that change by an hour or by half an hour, in either half of the year, or never."""
TURNS = (("a",), ("b",), ("c", "d"))
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

dates = st.dates(date(2026, 1, 1), date(2028, 3, 31))
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
weekdays = st.lists(st.sampled_from(DAYS), min_size=1, max_size=3, unique=True).map(",".join)
rrules = st.one_of(
    st.none(),
    st.builds("FREQ=WEEKLY;BYDAY={}".format, weekdays),
    st.builds("FREQ=WEEKLY;INTERVAL={};BYDAY={}".format, st.integers(1, 6), weekdays),
    st.builds("FREQ=WEEKLY;BYDAY={};BYSETPOS={}".format, weekdays, st.sampled_from([1, -1])),
    st.builds("FREQ=MONTHLY;BYDAY={}{}".format, st.sampled_from([1, 2, 3, 4, 5, -1, -2]), st.sampled_from(DAYS)),
    st.builds("FREQ=MONTHLY;INTERVAL={};BYMONTHDAY={}".format, st.integers(1, 4), st.sampled_from([1, 29, 31, -1])),
    st.builds("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS={}".format, st.sampled_from([1, -1, 10])),
    st.builds("FREQ=YEARLY;BYMONTH={};BYMONTHDAY={}".format, st.sampled_from(["2", "2,10"]), st.sampled_from([28, 29])),
    st.builds("FREQ=YEARLY;BYWEEKNO={};BYDAY={}".format, st.sampled_from(["1", "53", "2,26,52"]), weekdays),
    st.builds("FREQ=DAILY;INTERVAL={}".format, st.integers(1, 9)),
    st.builds("FREQ=WEEKLY;BYDAY=WE;COUNT={}".format, st.integers(1, 60)),
    st.builds("FREQ=WEEKLY;BYDAY=WE;UNTIL={:%Y%m%d}".format, dates),
)
changes = st.builds(
    DateException,
    original_on=dates,
    kind=st.sampled_from(["cancelled", "moved", "added"]),
    from_time=st.one_of(st.none(), times),
    until_time=st.one_of(st.none(), times),
    staff=st.one_of(st.none(), st.just(("x",)), st.just(())),
)
moves = st.builds(DateException, original_on=dates, kind=st.just("moved"), held_on=dates)
closures = st.tuples(dates, st.integers(0, 30)).map(lambda each: ClosedDays(each[0], each[0] + timedelta(each[1]), {}))
rotas = st.builds(Turns, dates, st.just(TURNS), st.sampled_from(["used", "pass_on"]))
spans = st.tuples(times, times).filter(lambda each: each[0] < each[1])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    from_time, until_time = draw(spans)
    named = draw(st.lists(st.one_of(changes, moves), max_size=6, unique_by=lambda each: each.original_on))
    return rule(
        from_time=from_time,
        until_time=until_time,
        rrule=draw(rrules),
        dates=draw(st.frozensets(dates, max_size=3)),
        valid_from=draw(dates),
        valid_until=draw(st.one_of(st.none(), dates)),
        exceptions=tuple(named),
        rota=draw(st.one_of(st.none(), rotas)),
        closures=tuple(draw(st.lists(closures, max_size=2))),
        state=draw(st.sampled_from(["", "HE", "BB"])),
    )


def instant_of(on: date, at: time, zone: ZoneInfo) -> datetime:
    """The definition, the long way: the first instant at which clocks show it; in the gap, on by the gap."""
    wall = datetime.combine(on, at)
    around = [datetime.combine(on + timedelta(days=each), at, tzinfo=UTC).astimezone(zone) for each in (-1, 1)]
    offsets = [each.utcoffset() or timedelta() for each in around]
    candidates = [(wall - each).replace(tzinfo=UTC) for each in offsets]
    shown = [each for each in candidates if each.astimezone(zone).replace(tzinfo=None) == wall]
    return min(shown, default=candidates[0])


@given(rules(), st.sampled_from(ZONES), dates, st.integers(0, 80))
def test_openings_are_in_order_within_the_window_and_named_once(
    of: Rule, zone: ZoneInfo, from_on: date, days: int
) -> None:
    until_on = from_on + timedelta(days=days)
    listed = dated_openings(of, zone, from_on, until_on)
    assert [each.starts_at for each in listed] == sorted(each.starts_at for each in listed)
    assert len({each.original_on for each in listed}) == len(listed)
    assert all(from_on <= each.on <= until_on for each in listed)


@given(rules(), st.sampled_from(ZONES), dates, st.integers(0, 80))
def test_openings_lie_within_the_span_of_the_rule_but_for_added_dates(
    of: Rule, zone: ZoneInfo, from_on: date, days: int
) -> None:
    added = {each.original_on for each in of.exceptions if each.kind == "added"}
    for each in dated_openings(of, zone, from_on, from_on + timedelta(days=days)):
        assert each.original_on in added or of.valid_from <= each.original_on <= (of.valid_until or date.max)


@given(rules(), st.sampled_from(ZONES), dates, st.integers(0, 80))
def test_openings_begin_and_end_when_clocks_show_their_wall_times(
    of: Rule, zone: ZoneInfo, from_on: date, days: int
) -> None:
    changed = {each.original_on: each for each in of.exceptions}
    for each in dated_openings(of, zone, from_on, from_on + timedelta(days=days)):
        exception = changed.get(each.original_on)
        begins, ends = (exception and exception.from_time) or of.from_time, of.until_time
        ends = (exception and exception.until_time) or ends
        assert each.starts_at == instant_of(each.on, begins, zone)
        assert each.starts_at.utcoffset() == each.ends_at.utcoffset() == timedelta(0)
        if instant_of(each.on, ends, zone) > each.starts_at:
            assert each.ends_at == instant_of(each.on, ends, zone)
        elif begins < ends:  # swallowed by the gap: as long as its clocks would have it
            assert each.ends_at - each.starts_at == datetime.combine(each.on, ends) - datetime.combine(each.on, begins)
        else:
            assert each.ends_at == each.starts_at


@given(rules(), st.sampled_from(ZONES), dates, st.integers(0, 60))
def test_one_opening_by_its_name_is_the_one_in_the_list(of: Rule, zone: ZoneInfo, from_on: date, days: int) -> None:
    for each in dated_openings(of, zone, from_on, from_on + timedelta(days=days)):
        found = dated_opening(of, zone, each.original_on)
        assert found == each
        assert found is not None and found.closed_because == each.closed_because


@given(rules(), st.sampled_from(ZONES), dates, st.integers(0, 60))
@example(rule(rrule="FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1"), ZONES[0], date(2026, 11, 24), 2)
@example(rule(rrule=WEDNESDAYS, exceptions=(DateException(date(2026, 11, 18), "moved", date(2026, 11, 25)),)),
         ZONES[0], date(2026, 11, 17), 9)  # fmt: skip
def test_a_window_shows_what_each_of_its_days_shows(of: Rule, zone: ZoneInfo, from_on: date, days: int) -> None:
    """Times, staff and what is closed included: a turn does not depend on the window either."""
    whole = dated_openings(of, zone, from_on, from_on + timedelta(days=days))
    by_day = [each for n in range(days + 1) for each in dated_openings(of, zone, *[from_on + timedelta(days=n)] * 2)]
    assert [(each, each.closed_because) for each in whole] == [(each, each.closed_because) for each in by_day]


@given(rules(), rotas, dates, st.integers(0, 40))
def test_turns_follow_each_other_whatever_window_is_asked_for(of: Rule, rota: Turns, from_on: date, days: int) -> None:
    """Counted by hand from the rota's start: one further for each date of the rule, or for each that takes place."""
    of = Rule(**{**vars(of), "rota": rota})
    bare = Rule(**{**vars(of), "exceptions": (), "rota": None})
    until_on = from_on + timedelta(days=days)
    everything = {each.original_on: each for each in dated_openings(of, ZONES[0], date(2025, 1, 1), date(2029, 12, 31))}
    turn, expected = 0, {}
    for each in dated_openings(bare, ZONES[0], rota.starts_on, until_on):
        expected[each.original_on] = TURNS[turn % len(TURNS)]
        turn += rota.skipped == "used" or everything[each.original_on].takes_place
    own = {each.original_on for each in of.exceptions if each.staff is not None or each.held_on}
    for each in dated_openings(of, ZONES[0], from_on, until_on):
        if each.original_on not in own:
            assert each.staff == expected.get(each.original_on, of.staff)


@given(st.integers(1, 6), st.lists(st.integers(0, 6), min_size=1, max_size=4, unique=True), dates, dates)
def test_every_n_weeks_is_counted_from_the_week_of_the_first_day(
    weeks: int, days: list[int], valid_from: date, from_on: date
) -> None:
    rrule = f"FREQ=WEEKLY;INTERVAL={weeks};BYDAY={','.join(DAYS[each] for each in days)}"
    of = rule(rrule=rrule, valid_from=valid_from, state="")
    first_monday = valid_from - timedelta(days=valid_from.weekday())
    window = [from_on + timedelta(days=n) for n in range(100)]
    expected = [
        on for on in window if on >= valid_from and on.weekday() in days and (on - first_monday).days // 7 % weeks == 0
    ]
    assert [each.on for each in dated_openings(of, ZONES[0], window[0], window[-1])] == expected


@given(st.sampled_from([1, 2, 3, 4, 5]), st.integers(0, 6), dates)
def test_the_nth_weekday_is_the_one_in_the_nth_seven_days_of_the_month(nth: int, day: int, from_on: date) -> None:
    of = rule(rrule=f"FREQ=MONTHLY;BYDAY={nth}{DAYS[day]}", state="")
    window = [from_on + timedelta(days=n) for n in range(100)]
    expected = [on for on in window if on.weekday() == day and (on.day - 1) // 7 == nth - 1]
    assert [each.on for each in dated_openings(of, ZONES[0], window[0], window[-1])] == expected

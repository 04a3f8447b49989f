"""Random town files that are in order: every kind of rule, date, rota and closure, and texts of any characters."""

from __future__ import annotations

import tomllib
from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from scheduler.domain.recurrence import Rule, dated_openings
from tests.town_file.small_file import SMALL, Data

FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)
_ZONE = ZoneInfo("Europe/Berlin")
_BASE = tomllib.loads(SMALL.read_text())

days = st.dates(FIRST, LAST)
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=12).filter(
    lambda each: bool(each.strip())
)
by_locale = st.one_of(texts, st.dictionaries(st.sampled_from(["de", "en", "ar"]), texts, min_size=1))
weekdays = st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR"]), min_size=1, max_size=3, unique=True).map(",".join)
rules = st.one_of(
    weekdays.map(lambda each: {"days": each}),
    st.builds(lambda each, weeks: {"rrule": f"FREQ=WEEKLY;INTERVAL={weeks};BYDAY={each}"}, weekdays, st.integers(1, 5)),
    st.builds(
        lambda day, nth: {"rrule": f"FREQ=MONTHLY;BYDAY={nth}{day}"},
        st.sampled_from(["MO", "WE", "SA"]),
        st.sampled_from([1, 2, 5, -1]),
    ),
    st.lists(days, min_size=1, max_size=4, unique=True).map(lambda each: {"dates": sorted(each)}),
)
turns_of = st.sampled_from([[["{0}-1"]], [["{0}-1"], ["{0}-2"]], [["{0}-1", "{0}-2"], ["{0}-2"], ["{0}-1"]]])


@st.composite
def town_files(draw: st.DrawFn) -> Data:
    """The small town with other closures, and hours with advisers of their own, who can overlap with nobody."""
    data: Data = {**_BASE, "hours": [], "rota": [], "closure": draw(closures()), "adviser": []}
    data["town"] = {**_BASE["town"], "name": draw(texts), "state": draw(st.sampled_from(["HE", "SH", "BY"]))}
    for number in range(draw(st.integers(1, 3))):
        key = f"hours-{number}"
        data["adviser"] += [_adviser(f"{key}-{each}", draw(texts)) for each in (1, 2)]
        hours = draw(office_hours(key))
        if draw(st.booleans()) and hours["admits"] != "by_arrangement":
            data["rota"].append(draw(rotas(key)))
        else:
            hours["advisers"] = [f"{key}-1", f"{key}-2"]
        data["hours"].append(hours)
    return data


def _adviser(key: str, name: str) -> Data:
    return {"key": key, "carrier": "awo", "name": name, "services": ["MBE", "JMD"], "languages": ["de"]}


@st.composite
def closures(draw: st.DrawFn) -> list[Data]:
    found: dict[tuple[Any, ...], Data] = {}
    for _ in range(draw(st.integers(0, 3))):
        from_on = draw(days)
        row = {"from": from_on, "until": from_on + timedelta(draw(st.integers(0, 9))), "reason": draw(by_locale)}
        place = draw(st.sampled_from([None, "buergerbuero", "awo-buero"]))
        found[place, row["from"], row["until"]] = row if place is None else {"place": place, **row}
    return list(found.values())


@st.composite
def office_hours(draw: st.DrawFn, key: str) -> Data:
    begins, ends = sorted(draw(st.lists(st.integers(0, 95), min_size=2, max_size=2, unique=True)))
    hours: Data = {
        "key": key,
        "place": draw(st.sampled_from(["buergerbuero", "awo-buero"])),
        "services": draw(st.sampled_from([["MBE"], ["MBE", "JMD"]])),
        **draw(rules),
        "from": _clock(begins),
        "until": _clock(ends),
        "valid_from": draw(days),
        "admits": draw(st.sampled_from(["walk_in", "appointment", "mixed", "by_arrangement"])),
        "grid_minutes": draw(st.sampled_from([5, 15, 20])),
    }
    if draw(st.booleans()):
        hours["valid_until"] = hours["valid_from"] + timedelta(draw(st.integers(0, 500)))
    for name, values in _OPTIONS.items():
        if draw(st.booleans()):
            hours[name] = draw(values)
    return {**hours, **draw(named_dates(hours))}


_OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "room": texts,
    "concerns": st.sampled_from([["letter"], ["advice", "letter"]]),
    "ticket_limit": st.integers(1, 99),
    "tickets_minutes_before": st.integers(0, 60),
    "after_until": st.booleans(),
    "lead_hours": st.integers(0, 48),
    "horizon_days": st.integers(1, 90),
    "release_days": st.integers(0, 30),
    "desk_share": st.sampled_from([0.0, 0.2, 1.0]),
}


@st.composite
def named_dates(draw: st.DrawFn, hours: Data) -> Data:
    """Some of the rule's dates closed, some changed, and a date beside the rule."""
    own = _dates_of(hours)
    beside = [each for each in (FIRST + timedelta(n) for n in range(0, 700, 13)) if each not in own]
    chosen = draw(st.lists(st.sampled_from(own), max_size=3, unique=True)) if own else []
    closed = chosen[: draw(st.integers(0, 3))]
    changed = [draw(changes(hours, on)) for on in chosen if on not in closed]
    added = draw(st.lists(st.sampled_from(beside), max_size=2, unique=True))
    also = [{"date": on, "advisers": [f"{hours['key']}-1"]} for on in sorted(added)]
    return {
        "closed_on": sorted(closed),
        "also_on": also,
        "changed_on": sorted(changed, key=lambda each: str(each["date"])),
    }


@st.composite
def changes(draw: st.DrawFn, hours: Data, on: date) -> Data:
    change: Data = {"date": on, "advisers": [f"{hours['key']}-2"]}
    held_on = LAST + timedelta(1 + (on - FIRST).days)  # far from all other dates, another one for each
    if held_on not in _dates_of(hours, held_on, held_on) and draw(st.booleans()):
        change["held_on"] = held_on
    if draw(st.booleans()):
        change["until"] = hours["until"].replace(minute=hours["until"].minute + 5)
    return change


def _dates_of(hours: Data, from_on: date = FIRST, until_on: date = LAST) -> list[date]:
    rrule = f"FREQ=WEEKLY;BYDAY={hours['days']}" if "days" in hours else hours.get("rrule")
    rule = Rule(
        hours["from"],
        hours["until"],
        hours["valid_from"],
        hours.get("valid_until"),
        rrule,
        frozenset(hours.get("dates", [])),
    )
    return [each.on for each in dated_openings(rule, _ZONE, from_on, until_on)]


@st.composite
def rotas(draw: st.DrawFn, key: str) -> Data:
    turns = [[each.format(key) for each in turn] for turn in draw(turns_of)]
    skipped = draw(st.sampled_from(["used", "pass_on"]))
    return {"hours": key, "starts_on": draw(days), "turns": turns, "skipped": skipped}


def _clock(quarter: int) -> time:
    return time(quarter // 4, quarter % 4 * 15)

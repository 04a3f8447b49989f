"""What is refused, and where the mistake is said to be; what is only warned of."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from scheduler import town_file
from tests.town_file.small_file import (
    HOURS,
    WEDNESDAY,
    Change,
    Data,
    problems,
    row,
    session_hours,
    use_rota,
    where,
)

BROKEN: dict[str, tuple[Change, list[tuple[str, str, str]]]] = {
    "no town": (lambda d: d.pop("town"), [("town", "", "")]),
    "town is a list": (lambda d: d.update(town=[d["town"]]), [("town", "", "")]),
    "unknown table": (lambda d: d.update(plaza=[]), [("plaza", "", "")]),
    "table instead of rows": (lambda d: d.update(topic={"key": "a"}), [("topic", "", "")]),
    "unknown time zone": (lambda d: d["town"].update(timezone="Europe/Offenbach"), [("town", "", "timezone")]),
    "time zone is a folder": (lambda d: d["town"].update(timezone="Europe"), [("town", "", "timezone")]),
    "unknown state": (lambda d: d["town"].update(state="XX"), [("town", "", "state")]),
    "no locales": (lambda d: d["town"].update(locales=[]), [("town", "", "locales")]),
    "unknown locale": (lambda d: d["town"].update(locales=["de", "en", "ar", "qq"]), [("town", "", "locales")]),
    "contacts kept for years": (lambda d: d["town"].update(contact_days=999), [("town", "", "contact_days")]),
    "unknown field": (lambda d: d["carrier"][0].update(nmae="AWO"), [("carrier", "awo", "nmae")]),
    "empty name": (lambda d: d["carrier"][0].update(name=" "), [("carrier", "awo", "name")]),
    "number as text": (lambda d: d["concern"][0].update(minutes="15"), [("concern", "letter", "minutes")]),
    "truth as number": (lambda d: d["concern"][0].update(minutes=True), [("concern", "letter", "minutes")]),
    "concern too short": (lambda d: d["concern"][0].update(minutes=4), [("concern", "letter", "minutes")]),
    "concern too long": (lambda d: d["concern"][0].update(minutes=241), [("concern", "letter", "minutes")]),
    "five concerns": (
        lambda d: d["concern"].append({"key": "fifth", "name": "Noch etwas", "minutes": 15}),
        [("concern", "fifth", "key")],
    ),
    "name in a locale the town lacks": (
        lambda d: d["topic"][0]["name"].update(fr="Cours"),
        [("topic", "language-course", "name")],
    ),
    "name is a number": (lambda d: d["topic"][0].update(name=3), [("topic", "language-course", "name")]),
    "name by locale is empty": (lambda d: d["topic"][0]["name"].update(en=""), [("topic", "language-course", "name")]),
    "ages upside down": (lambda d: row(d, "service", "JMD").update(until_age=12), [("service", "JMD", "until_age")]),
    "no key": (lambda d: d["agency"][0].pop("key"), [("agency", "#1", "key")]),
    "key with capitals": (lambda d: d["agency"][0].update(key="Jobcenter"), [("agency", "Jobcenter", "key")]),
    "duplicate key": (lambda d: d["agency"].append(d["agency"][0]), [("agency", "jobcenter", "key")]),
    "phone of letters": (lambda d: d["agency"][0].update(phone="call us"), [("agency", "jobcenter", "phone")]),
    "phone too short": (lambda d: d["agency"][0].update(phone="12"), [("agency", "jobcenter", "phone")]),
    "no address": (lambda d: d["place"][0].pop("address"), [("place", "buergerbuero", "address")]),
    "station twice": (lambda d: d["place"][0].update(stations=["A", "A"]), [("place", "buergerbuero", "stations")]),
    "station is a number": (lambda d: d["place"][0].update(stations=["A", 2]), [("place", "buergerbuero", "stations")]),
    "unknown carrier": (lambda d: d["adviser"][0].update(carrier="caritas"), [("adviser", "awo-1", "carrier")]),
    "unknown service": (lambda d: d["adviser"][0].update(services=["MEB"]), [("adviser", "awo-1", "services")]),
    "no language": (lambda d: d["adviser"][0].update(languages=[]), [("adviser", "awo-1", "languages")]),
    "unknown language": (lambda d: d["adviser"][0].update(languages=["de", "xx"]), [("adviser", "awo-1", "languages")]),
    "mail without an at": (lambda d: d["adviser"][0].update(email="awo.example.org"), [("adviser", "awo-1", "email")]),
    "unknown place": (lambda d: session_hours(d).update(place="rathaus"), [("hours", HOURS, "place")]),
    "unknown adviser": (lambda d: session_hours(d)["advisers"].append("awo-9"), [("hours", HOURS, "advisers")]),
    "adviser twice": (lambda d: session_hours(d)["advisers"].append("awo-1"), [("hours", HOURS, "advisers")]),
    "unknown concern": (lambda d: session_hours(d).update(concerns=["visa"]), [("hours", HOURS, "concerns")]),
    "until before from": (lambda d: session_hours(d).update(until=time(8)), [("hours", HOURS, "until")]),
    "no from": (lambda d: session_hours(d).pop("from"), [("hours", HOURS, "from")]),
    "half a minute": (lambda d: session_hours(d).update(until=time(11, 0, 30)), [("hours", HOURS, "until")]),
    "valid until before it begins": (
        lambda d: session_hours(d).update(valid_until=date(2007, 6, 30)),
        [("hours", HOURS, "valid_until")],
    ),
    "instant where a date belongs": (
        lambda d: session_hours(d).update(valid_from=datetime(2007, 7, 1, tzinfo=UTC)),
        [("hours", HOURS, "valid_from")],
    ),
    "valid from year one": (
        lambda d: session_hours(d).update(valid_from=date(1, 1, 1)),
        [("hours", HOURS, "valid_from")],
    ),
    "grid of a minute": (lambda d: session_hours(d).update(grid_minutes=1), [("hours", HOURS, "grid_minutes")]),
    "unknown kind of hours": (lambda d: session_hours(d).update(admits="all"), [("hours", HOURS, "admits")]),
    "days and rrule": (lambda d: session_hours(d).update(rrule="FREQ=MONTHLY;BYDAY=1WE"), [("hours", HOURS, "rrule")]),
    "no days at all": (lambda d: session_hours(d).pop("days"), [("hours", HOURS, "days")]),
    "day in German": (lambda d: session_hours(d).update(days="MI"), [("hours", HOURS, "days")]),
    "appointments without staff": (lambda d: session_hours(d).pop("advisers"), [("hours", HOURS, "advisers")]),
    "staff and rota": (
        lambda d: d.update(rota=[{"hours": HOURS, "starts_on": WEDNESDAY, "turns": [["awo-1"]]}]),
        [("hours", HOURS, "advisers")],
    ),
    "rota of unknown hours": (
        lambda d: d.update(rota=[{"hours": "mittwochs", "starts_on": WEDNESDAY, "turns": [["awo-1"]]}]),
        [("rota", "mittwochs", "hours")],
    ),
    "rota with an unknown adviser": (lambda d: use_rota(d, [["awo-1"], ["awo-8"]]), [("rota", HOURS, "turns")]),
    "rota with an empty turn": (lambda d: use_rota(d, [["awo-1"], []]), [("rota", HOURS, "turns")]),
    "rota without turns": (lambda d: use_rota(d, []), [("rota", HOURS, "turns")]),
    "two rotas": (
        lambda d: (rota := use_rota(d, [["awo-1"]])).append(rota[0]),
        [("rota", HOURS, "hours")],
    ),
    "adviser without any of the services": (
        lambda d: row(d, "hours", "awo-do").update(advisers=["ib-1"]),
        [("hours", "awo-do", "advisers")],
    ),
    "adviser in a turn without any of the services": (
        lambda d: (use_rota(d, [["awo-1"], ["ib-1"]]), session_hours(d).update(services=["MBE"])),
        [("rota", HOURS, "turns")],
    ),
    "closed on another weekday": (
        lambda d: session_hours(d).update(closed_on=[date(2026, 11, 26)]),
        [("hours", HOURS, "closed_on")],
    ),
    "added on a date of the rule": (
        lambda d: session_hours(d).update(also_on=[{"date": WEDNESDAY}]),
        [("hours", HOURS, "also_on")],
    ),
    "added, but no table": (lambda d: session_hours(d).update(also_on=[WEDNESDAY]), [("hours", HOURS, "also_on")]),
    "added twice": (
        lambda d: session_hours(d).update(also_on=[{"date": date(2026, 11, 27)}] * 2),
        [("hours", HOURS, "also_on")],
    ),
    "added without a date": (lambda d: session_hours(d).update(also_on=[{}]), [("hours", HOURS, "also_on")]),
    "added, unknown field": (
        lambda d: session_hours(d).update(also_on=[{"date": date(2026, 11, 27), "util": time(12)}]),
        [("hours", HOURS, "also_on")],
    ),
    "added, ends before it begins": (
        lambda d: session_hours(d).update(also_on=[{"date": date(2026, 11, 27), "from": time(13)}]),
        [("hours", HOURS, "also_on")],
    ),
    "added beside a rota without staff": (
        lambda d: (use_rota(d, [["awo-1"]]), session_hours(d).update(also_on=[{"date": date(2026, 11, 27)}])),
        [("hours", HOURS, "also_on")],
    ),
    "added with an unknown adviser": (
        lambda d: session_hours(d).update(also_on=[{"date": date(2026, 11, 27), "advisers": ["awo-7"]}]),
        [("hours", HOURS, "also_on")],
    ),
    "closure ends before it begins": (
        lambda d: d["closure"][0].update(until=date(2026, 12, 1)),
        [("closure", "2026-12-24", "until")],
    ),
    "closure twice": (lambda d: d["closure"].append(d["closure"][0]), [("closure", "2026-12-24", "from")]),
    "closure without a reason": (lambda d: d["closure"][0].pop("reason"), [("closure", "2026-12-24", "reason")]),
    "closure of an unknown place": (
        lambda d: d["closure"][0].update(place="rathaus"),
        [("closure", "2026-12-24", "place")],
    ),
    "overlapping duties": (
        lambda d: row(d, "hours", "awo-do").update({"days": "WE,TH", "from": time(11)}),
        [("hours", "awo-do", "advisers")],
    ),
}


@pytest.mark.parametrize(("change", "expected"), BROKEN.values(), ids=BROKEN)
def test_a_mistake_is_reported_where_it_is(data: Data, change: Change, expected: list[tuple[str, str, str]]) -> None:
    change(data)
    assert where(problems(data)) == expected


@pytest.mark.parametrize(
    "rrule",
    [
        "every wednesday",
        "freq=weekly;byday=WE",
        "RRULE:FREQ=WEEKLY;BYDAY=WE",
        "FREQ=WEEKLY",
        "FREQ=HOURLY;BYDAY=WE",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=WE;BYHOUR=9",
        "FREQ=WEEKLY;BYDAY=WE;UNTIL=20261231T120000Z",
        "FREQ=WEEKLY;BYDAY=WE;COUNT=3;UNTIL=20261231",
        "FREQ=WEEKLY;BYDAY=WE;INTERVAL=x",
        "FREQ=WEEKLY;BYDAY=WE;INTERVAL=0",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYDAY=1WE",
        "FREQ=MONTHLY;BYDAY=6WE",
    ],
)
def test_a_recurrence_that_cannot_be_meant_is_refused(data: Data, rrule: str) -> None:
    del session_hours(data)["days"]
    session_hours(data)["rrule"] = rrule
    assert where(problems(data)) == [("hours", HOURS, "rrule")]


@pytest.mark.parametrize("rrule", ["FREQ=MONTHLY;BYDAY=1WE,3WE", "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", "FREQ=DAILY"])
def test_other_recurrences_are_taken_as_written(data: Data, rrule: str) -> None:
    row(data, "hours", "awo-do").update(advisers=["awo-1"], **{"from": time(13), "until": time(16)})
    del session_hours(data)["days"]
    session_hours(data)["rrule"] = rrule
    assert town_file.parse(data).entries.hours[0].rule == rrule


def test_hours_by_arrangement_need_neither_times_nor_days(data: Data) -> None:
    data["hours"].append(
        {
            "key": "telefon",
            "place": "awo-buero",
            "services": ["MBE"],
            "valid_from": date(2026, 1, 1),
            "admits": "by_arrangement",
        }
    )
    assert town_file.parse(data).warnings == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: session_hours(d).update(appointments_at_once=3), ("hours", HOURS, "appointments_at_once")),
        (lambda d: session_hours(d).pop("appointments_at_once"), ("hours", HOURS, "appointments_at_once")),
        (
            lambda d: row(d, "hours", "awo-do").update(appointments_at_once=1),
            ("hours", "awo-do", "appointments_at_once"),
        ),
        (lambda d: d["place"][0].update(stations=[]), ("place", "buergerbuero", "stations")),
        (lambda d: session_hours(d).update(dates=[date(2007, 6, 30)]), ("hours", HOURS, "dates")),
        (
            lambda d: session_hours(d).update(dates=[date(2030, 1, 2)], valid_until=date(2030, 1, 1)),
            ("hours", HOURS, "dates"),
        ),
        (
            lambda d: (row(d, "hours", "awo-do").update(admits="by_arrangement"), d["place"][1].pop("phone")),
            ("place", "awo-buero", "phone"),
        ),
        (lambda d: d["place"][1].update(name="Migrationsbüro"), ("place", "awo-buero", "name")),
        (lambda d: d["place"][0].update(name="AUSLÄNDERAMT"), ("place", "buergerbuero", "name")),
        (
            lambda d: d["place"][1].update(address="Haus der Integration, Musterweg 7"),
            ("place", "awo-buero", "address"),
        ),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(data: Data, change: Change, expected: tuple[str, str, str]) -> None:
    change(data)
    assert where(town_file.parse(data).warnings) == [expected]

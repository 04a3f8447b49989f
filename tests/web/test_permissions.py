"""Who gets in where: every route, as the application lists them, with everybody, for what is theirs and what is not.

What is expected stands in `WHO_GETS_IN`, written by hand for each route and each thing that its address can name. It
knows nothing of the table in `scheduler/domain/permissions.py`, so that a mistake there shows here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from scheduler.models import Carrier, Visit
from scheduler.web.rules import EVERYBODY, RULES
from tests.actions.small_town import SESSION, WEDNESDAY
from tests.web.conftest import MakeApp
from tests.web.live_town import LiveTown
from tests.web.rights_world import (
    PERSONS,
    World,
    address_of,
    make_world,
    nothing_is_kept,
    retire_nobody,
    send,
    writes_of,
)

PUBLIC_FAMILIES = {"static", "start", "book", "places", "board", "api", "visits", "tickets", "contacts", "health"}
"""Pages of clients and screens: by their own link, or for everybody. No page of staff is in these families."""
PUBLIC_ROUTES = {
    "login.show_login", "login.do_login", "login.do_logout", "login.show_code", "login.do_code",
    "account_links.show_link", "account_links.do_choose_password",
    "feeds.show_feed", "demo.show_mail", "metrics.show_metrics", "erasing.ask_erase_own", "erasing.do_erase_own",
}  # fmt: skip
"""The same, one by one, in families of which others are not for everybody."""

EVERY_ACCOUNT = "desk other_desk adviser colleague other_carrier retired carrier_coordinator other_carrier_coordinator"
EVERY_ACCOUNT += " hours_coordinator other_hours_coordinator administrator nobody"
DESKS, ADVISERS = "desk other_desk", "adviser colleague other_carrier"
CARRIERS, HOURS = "carrier_coordinator other_carrier_coordinator", "hours_coordinator other_hours_coordinator"

Thing = str
"""What the address, or the form, is about: a name of `World.things`; empty: nothing in particular."""
WHO_GETS_IN: tuple[tuple[str, dict[Thing, str]], ...] = (
    # Everybody who is logged in, each for themselves.
    ("account.show_account account.show_password account.do_change_password", {"": EVERY_ACCOUNT}),
    ("account.show_second_factor account.do_begin_set_up", {"": EVERY_ACCOUNT}),
    ("account.show_qr", {"": ""}),  # nobody is about to set a second factor up
    ("account.do_confirm_set_up account.do_make_recovery_codes", {"": EVERY_ACCOUNT}),
    ("account.do_end_second_factor account.do_end_log_ins", {"": EVERY_ACCOUNT}),
    ("lock.do_lock lock.poll_lock lock.show_pin lock.do_choose_pin lock.show_lock", {"": EVERY_ACCOUNT}),
    ("lock.do_unlock", {"": EVERY_ACCOUNT}),
    ("lock.do_take_over lock.do_keep_fields lock.do_keep_form lock.do_give_fields_back", {}),  # see test_lock.py
    # The desk, for its own place.
    ("desk.show_desk desk.poll_queue desk.ask_close desk.show_late_entry", {"": DESKS}),
    ("desk.show_day_sheet", {"": "desk"}),  # nothing is open at the other place today
    ("desk.show_signs desk.do_book desk.do_look_up desk.do_check_in_by_code", {"": DESKS}),
    ("desk.do_register desk.do_call_quietly desk.do_end_quiet_call desk.do_close", {"opening": "desk"}),
    ("desk.do_reopen desk.do_stop_tickets desk.do_open_tickets desk.do_resume_tickets", {"opening": "desk"}),
    ("desk.do_turn_away desk.do_take_back_turned_away", {"opening": "desk"}),
    ("desk.do_enter_line desk.do_continue_at", {"opening": "desk"}),
    (
        "desk.show_ticket desk.do_check_in desk.do_leave desk.do_park desk.do_unpark desk.do_miss desk.do_undo",
        {"waiting": "desk", "called": "desk", "handed_over": "desk", "own_time": "desk", "elsewhere": "other_desk"},
    ),
    # A called number and one that was handed over: their answers are no longer the desk's ("somebody was faster").
    ("desk.ask_answers desk.do_answer", {"waiting": "desk", "own_time": "desk", "elsewhere": "other_desk"}),
    ("desk.do_leave_contact", {"booked": "", "other_booked": "", "booked_elsewhere": ""}),  # not just booked by them
    # An adviser who takes people in: here a desk does, so only who comes for their own time.
    ("intake.do_check_in_by_code intake.do_look_up", {"": ADVISERS}),
    ("intake.do_register", {"own_opening": "adviser", "opening": ""}),
    ("intake.show_day_sheet", {"": "adviser colleague"}),  # both have an own time today; ib-1 takes nobody in
    (
        "intake.show_ticket intake.do_check_in intake.do_leave intake.do_park intake.do_unpark intake.do_miss"
        " intake.do_undo intake.ask_answers intake.do_answer",
        {"own_time": "adviser", "elsewhere": "colleague", "waiting": "", "called": ""},
    ),
    # Appointments.
    (
        "appointments.show_appointment appointments.show_slip appointments.ask_move appointments.ask_cancel"
        " appointments.do_move appointments.do_cancel erasing.ask_erase erasing.do_erase",
        {
            "booked": "desk adviser",
            "other_booked": "desk other_carrier",
            "booked_elsewhere": "other_desk other_carrier",
        },
    ),
    ("appointments.do_leave_contact", {"booked": "", "other_booked": "", "booked_elsewhere": ""}),
    (
        "case_marks.ask_mark case_marks.do_mark",
        {"booked": "adviser", "other_booked": "other_carrier", "booked_elsewhere": "other_carrier"},
    ),
    ("my.ask_own_time my.do_book_own_time", {"": ADVISERS}),
    # An adviser's own day, and whom they have called.
    ("my.show_my my.poll_now my.do_call_next my.do_take_break my.do_come_back my.do_go", {"": ADVISERS}),
    ("my.do_sit_down my.do_answer_quiet_call", {"seat": ADVISERS}),
    ("my.do_call", {"waiting": ADVISERS, "handed_over": ADVISERS, "own_time": "adviser", "elsewhere": "colleague"}),
    ("my.do_serve", {"own_time": "adviser", "elsewhere": "colleague", "waiting": "", "called": ""}),
    (
        "my.do_call_again my.do_start my.do_finish my.do_put_back my.do_miss my.do_hand_over my.do_undo"
        " my.ask_hand_over followups.ask_follow_up followups.do_follow_up"
        " outcomes.ask_outcome outcomes.do_record_outcome outcomes.do_record_and_follow_up",
        {
            "own_consultation": "adviser",
            "colleague_consultation": "colleague",
            "other_consultation": "other_carrier",
            "handed_over_consultation": "adviser",  # of the adviser who handed over; not of who may be next
        },
    ),
    # What is an adviser's own.
    ("absences.show_absences absences.do_be_away absences.do_try_out busy_calendars.show_calendars", {"": ADVISERS}),
    ("busy_calendars.do_add_calendar calendars.show_feeds calendars.do_make_feed", {"": ADVISERS}),
    ("absences.do_end", {"own_absence": "adviser", "other_absence": "other_carrier"}),
    (
        "absences.do_try_out_imported absences.do_settle_imported",
        {"own_imported": "adviser", "other_imported": "other_carrier"},
    ),
    ("busy_calendars.do_remove_calendar", {"own_calendar": "adviser", "other_calendar": "other_carrier"}),
    (
        "calendars.do_revoke_feed",
        {"own_feed": "adviser", "other_feed": "other_carrier", "own_shared_feed": "", "other_shared_feed": ""},
    ),
    # Whom somebody must tell.
    ("call_list.show_call_list", {"": f"{DESKS} {ADVISERS}"}),
    ("call_list.do_tell", {"own_call": "desk adviser", "other_call": "other_desk other_carrier"}),
    ("call_list.do_try_again call_list.do_settle", {"own_call": "", "other_call": ""}),  # no message was given up
    # Dates, duties, sums, shared calendars, accounts, set-up.
    ("dates.show_dates", {"": f"{DESKS} {HOURS}"}),
    (
        "dates.ask_change dates.do_try_out dates.do_change dates.do_restore",
        {"date": "desk hours_coordinator", "other_date": "other_desk other_hours_coordinator"},
    ),
    ("manage.show_manage", {"": f"{CARRIERS} {HOURS}"}),
    ("manage.show_feeds", {"": f"{CARRIERS} administrator"}),
    (
        "manage.do_make_feed",
        {"feed_of_carrier": "carrier_coordinator administrator", "feed_of_language": "administrator"},
    ),
    (
        "manage.do_revoke_feed",
        {
            "own_shared_feed": "carrier_coordinator administrator",
            "other_shared_feed": "other_carrier_coordinator administrator",
            "own_feed": "",
        },
    ),
    ("manage.show_set_up manage.show_trail", {"": "administrator"}),
    ("accounts.show_accounts accounts.ask_invitation accounts.do_invite", {"": f"administrator {CARRIERS}"}),
    (
        "accounts.show_account accounts.do_change accounts.do_make_link accounts.do_end_log_ins"
        " accounts.do_disable accounts.do_enable",
        {
            "adviser_account": "administrator carrier_coordinator",
            "other_carrier_account": "administrator other_carrier_coordinator",
            "desk_account": "administrator",
            "nobody_account": "administrator",
        },
    ),
    ("accounts.do_remove_second_factor", {"adviser_account": "administrator", "desk_account": "administrator"}),
)
EXPECTED = {endpoint: whom for endpoints, whom in WHO_GETS_IN for endpoint in endpoints.split()}


@pytest.fixture
def world(app: Flask, town: LiveTown, open_day: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("scheduler.web.errors.render_template", lambda *_, **__: "no")  # it is said thousands of times
    app.config["WTF_CSRF_ENABLED"] = False  # everybody is asked for a token, before any right counts: test_login.py
    found = make_world(town)
    here = {"opening": f"{SESSION}/{WEDNESDAY}"}
    awo = town.read(lambda session: session.scalars(select(Carrier.id).where(Carrier.key == "awo")).one())
    found.forms = {
        "opening": here,
        "own_opening": {
            "opening": town.read(lambda s: s.get_one(Visit, found.things["own_time"]["visit_id"]).opening.public_id)
        },
        "seat": {**here, "station": "Tisch 1"},
        "feed_of_carrier": {"of": f"carrier-{awo}"},
        "feed_of_language": {"of": "language-ar"},
    }
    yield found
    app.config["WTF_CSRF_ENABLED"] = True
    retire_nobody(town)


def is_public(endpoint: str) -> bool:
    return endpoint.partition(".")[0] in PUBLIC_FAMILIES or endpoint in PUBLIC_ROUTES


def unsaid(app: Flask) -> list[str]:
    """Routes of which nobody has said here who gets in."""
    endpoints = {each.endpoint for each in app.url_map.iter_rules()}
    return sorted(each for each in endpoints if not is_public(each) and each not in EXPECTED)


class Try(NamedTuple):
    """One press of one person on one thing, and whether it should be let through."""

    person: str
    endpoint: str
    thing: Thing
    method: str
    address: str
    form: dict[str, str]
    gets_in: bool

    def __str__(self) -> str:
        return f"{self.person}: {self.method} {self.endpoint} of {self.thing or 'nothing in particular'}"


def all_tries(app: Flask, world: World) -> list[Try]:
    """Every route of staff × everybody × each thing that its address can name."""
    return [
        Try(person, rule.endpoint, thing, method, address, world.forms.get(thing, {}), person in who.split())
        for rule in app.url_map.iter_rules()
        for thing, who in EXPECTED.get(rule.endpoint, {}).items()
        for address in [address_of(app, rule, world.things.get(thing, {}))]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        for person in ("stranger", *PERSONS)
    ]


def wrong_answers(app: Flask, world: World, tries: list[Try]) -> list[str]:
    """Each try that was not answered as it should be, with its answer.

    403 says that somebody of this role never gets in, whatever it is about: they need not try the next thing.
    """
    found, never = [], set[tuple[str, str, str]]()
    for each in tries:
        if (each.person, each.endpoint, each.method) in never and not each.gets_in:
            continue
        response = send(app, world.accounts.get(each.person), each.method, each.address, each.form)
        if response.status_code == 403:
            never.add((each.person, each.endpoint, each.method))
        if not _is_right(each, response):
            found.append(f"{each}: {response.status_code} {response.headers.get('Location', '')}")
    return found


def _is_right(tried: Try, response: TestResponse) -> bool:
    status, leads_to = response.status_code, response.headers.get("Location", "")
    asks_to_log_in = leads_to.startswith("/login") and "ended=" not in leads_to  # they have ended it themselves
    if tried.person in ("stranger", "disabled"):  # who sent a form gets the page to log in at once, with the form kept
        return (status == 303 and asks_to_log_in) or (status == 403 and tried.method != "GET")
    if not tried.gets_in:
        return status in (403, 404)
    return status < 500 and status not in (401, 403, 404, 405) and not asks_to_log_in


def test_it_is_said_of_every_route_who_gets_in(app: Flask) -> None:
    missing = unsaid(app)
    assert missing == [], (
        f"New routes: {', '.join(missing)}. Say in WHO_GETS_IN ({__name__}) who gets in, for each thing that its"
        " address can name. Or, where it is for clients or everybody, name it in PUBLIC_ROUTES."
    )


def test_only_pages_of_clients_and_screens_are_open_to_everybody(app: Flask) -> None:
    """A page of staff that its rule opens to everybody by mistake is found here."""
    endpoints = {each.endpoint for each in app.url_map.iter_rules()}
    assert {each for each in endpoints if RULES[each] == EVERYBODY} == {each for each in endpoints if is_public(each)}
    assert {each for each in endpoints if each.startswith("lock.") and is_public(each)} == set()


def test_everybody_gets_in_where_they_belong_and_nowhere_else(app: Flask, town: LiveTown, world: World) -> None:
    tries = all_tries(app, world)
    refused, allowed = ([each for each in tries if each.gets_in == gets_in] for gets_in in (False, True))
    assert len(refused) > 1000 and len(allowed) > 200
    if town.database.engine.dialect.name == "postgresql":  # who may does not depend on it: a sample, never the same
        refused, allowed = refused[::7], allowed[::5]
    before = town.dump()
    with writes_of(town) as written:
        wrong = wrong_answers(app, world, refused)
    assert "\n".join([*wrong, *written]) == ""
    assert town.dump() == before
    with nothing_is_kept():
        assert "\n".join(wrong_answers(app, world, allowed)) == ""


def test_a_route_without_a_rule_stops_the_start(make_own_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(RULES, "desk.show_signs")
    with pytest.raises(LookupError, match=r"desk\.show_signs"):
        make_own_app()


def test_a_route_that_nobody_has_thought_of_here_is_named(make_own_app: MakeApp) -> None:
    own = make_own_app()
    own.add_url_rule("/desk/secrets", "desk.show_secrets", lambda: "all of them")
    assert unsaid(own) == ["desk.show_secrets"]


def test_whoever_answers_too_late_hears_that_somebody_was_faster(app: Flask, town: LiveTown, world: World) -> None:
    before = town.dump()
    for thing in ("called", "handed_over"):
        address = f"/desk/visits/{world.things[thing]['visit_id']}/answers"
        for method in ("GET", "POST"):
            assert send(app, world.accounts["desk"], method, address, {}).status_code == 409, (thing, method)
            assert send(app, world.accounts["other_desk"], method, address, {}).status_code == 404, (thing, method)
    assert town.dump() == before

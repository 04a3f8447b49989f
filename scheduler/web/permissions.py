"""What each route needs, asked before any of them runs; and whether an account may do this to that very thing.

A route that no rule names stops the start of the application. The rights themselves stand in `domain/permissions.py`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from flask import Flask, abort, request
from flask_login import current_user

from scheduler.domain.permissions import Belongs, Holder, Right, may, may_any
from scheduler.models import AccountRole
from scheduler.web.login import own_account


class Rule(NamedTuple):
    """What a route needs: a right to some thing of this kind. To which one, the route asks `permit`."""

    right: Right
    thing: str


Open = Literal["everybody", "every account", "behind the lock"]
EVERYBODY: Open = "everybody"
EVERY_ACCOUNT: Open = "every account"
BEHIND_THE_LOCK: Open = "behind the lock"
"""For the account whose screen is locked, which counts as nobody: the route itself finds out whose it is."""

RULES: dict[str, Rule | Open] = {
    name: rule
    for rule, names in (
        (EVERYBODY, "static start.show_start book.show_question book.do_book"),
        (EVERYBODY, "visits.show_visit visits.do_leave_contact visits.ask_cancel visits.do_cancel visits.ask_move"),
        (EVERYBODY, "visits.do_move visits.ask_coming visits.do_say_coming visits.show_ics visits.show_qr"),
        (EVERYBODY, "visits.show_code visits.do_code contacts.show_contact contacts.do_confirm contacts.do_remove"),
        (EVERYBODY, "tickets.show_ticket tickets.poll_ticket tickets.do_ask_to_be_told tickets.do_stop_telling"),
        (EVERYBODY, "login.show_login login.do_login login.do_logout"),
        (EVERYBODY, "board.show_board board.poll_board feeds.show_feed demo.show_mail"),
        (EVERYBODY, "places.show_places places.show_place places.show_feed places.show_qr places.show_qr_for_all"),
        (EVERYBODY, "places.show_notice"),
        (EVERYBODY, "api.list_openings api.list_slots api.make_booking api.show_booking api.cancel_booking"),
        (EVERYBODY, "api.move_booking api.show_queue"),
        (BEHIND_THE_LOCK, "lock.show_lock lock.do_unlock"),
        (EVERY_ACCOUNT, "lock.do_lock lock.poll_lock lock.show_pin lock.do_choose_pin"),
        (Rule("see", "queue"), "desk.show_desk desk.poll_queue desk.ask_answers desk.show_ticket desk.show_day_sheet"),
        (Rule("see", "queue"), "desk.show_late_entry desk.show_signs desk.ask_close"),
        (Rule("see", "queue"), "intake.ask_answers intake.show_day_sheet intake.show_ticket"),
        (Rule("change", "queue"), "desk.do_register desk.do_answer desk.do_check_in desk.do_check_in_by_code"),
        (Rule("change", "queue"), "desk.do_leave desk.do_park desk.do_unpark desk.do_miss desk.do_undo"),
        (Rule("change", "queue"), "desk.do_call_quietly desk.do_end_quiet_call desk.do_close desk.do_reopen"),
        (Rule("change", "queue"), "desk.do_stop_tickets desk.do_open_tickets desk.do_resume_tickets"),
        (Rule("change", "queue"), "desk.do_turn_away desk.do_take_back_turned_away"),
        (Rule("change", "queue"), "desk.do_enter_line desk.do_continue_at"),
        (Rule("change", "queue"), "intake.do_register intake.do_answer intake.do_check_in intake.do_check_in_by_code"),
        (Rule("change", "queue"), "intake.do_leave intake.do_park intake.do_unpark intake.do_miss intake.do_undo"),
        (Rule("see", "appointment"), "appointments.show_appointment appointments.show_slip appointments.ask_move"),
        (Rule("see", "appointment"), "appointments.ask_cancel followups.ask_follow_up my.ask_own_time"),
        (Rule("change", "appointment"), "appointments.do_move appointments.do_cancel followups.do_follow_up"),
        (Rule("change", "appointment"), "desk.do_book desk.do_look_up intake.do_look_up my.do_book_own_time"),
        (Rule("change", "contact"), "appointments.do_leave_contact desk.do_leave_contact"),
        (Rule("see", "calls"), "my.show_my my.poll_now my.ask_hand_over"),
        (Rule("change", "calls"), "my.do_sit_down my.do_take_break my.do_come_back my.do_go my.do_answer_quiet_call"),
        (Rule("change", "calls"), "my.do_call my.do_call_next my.do_call_again my.do_start my.do_serve my.do_finish"),
        (Rule("change", "calls"), "my.do_put_back my.do_miss my.do_hand_over my.do_undo"),
        (Rule("see", "outcome"), "outcomes.ask_outcome"),
        (Rule("change", "outcome"), "outcomes.do_record_outcome outcomes.do_record_and_follow_up"),
        (Rule("see", "call_list"), "call_list.show_call_list"),
        (Rule("change", "call_list"), "call_list.do_tell call_list.do_try_again call_list.do_settle"),
        (Rule("see", "absence"), "absences.show_absences busy_calendars.show_calendars"),
        (Rule("change", "absence"), "absences.do_be_away absences.do_end absences.do_try_out"),
        (Rule("change", "absence"), "absences.do_try_out_imported absences.do_settle_imported"),
        (Rule("change", "absence"), "busy_calendars.do_add_calendar busy_calendars.do_remove_calendar"),
        (Rule("see", "own_feed"), "calendars.show_feeds"),
        (Rule("change", "own_feed"), "calendars.do_make_feed calendars.do_revoke_feed"),
        (Rule("see", "date"), "dates.show_dates dates.ask_change"),
        (Rule("change", "date"), "dates.do_try_out dates.do_change dates.do_restore"),
    )
    for name in names.split()
}


def set_up(app: Flask) -> None:
    """Ask before every request. Call it when all routes are there: raises LookupError for one without a rule."""
    unruled = {rule.endpoint for rule in app.url_map.iter_rules()} - RULES.keys()
    if unruled:
        raise LookupError(f"routes that no rule in {__name__} names: {', '.join(sorted(unruled))}")
    app.before_request(_ask_rule)
    app.context_processor(lambda: {"may_any": may_any_here})


def permit(right: Right, thing: str, belongs: Belongs) -> None:
    """Go on only where the account may do this. Else 404: what is another's is not to be seen, not even that it is."""
    if not may_here(right, thing, belongs):
        abort(404)


def may_here(right: Right, thing: str, belongs: Belongs) -> bool:
    """Whether the account that is logged in may do this to that very thing."""
    return any(may(each, right, thing, belongs) for each in holders())


def may_any_here(right: Right, thing: str) -> bool:
    """Whether it may do this to any such thing: what decides which links a page shows."""
    return current_user.is_authenticated and any(may_any(each.role, right, thing) for each in roles())


def holders() -> list[Holder]:
    """The roles of the account that is logged in, as the table asks for them."""
    return [_holder(each) for each in roles()]


def roles() -> list[AccountRole]:
    """Its roles; an adviser who left the town's file keeps the account, not the work."""
    held: list[AccountRole] = current_user.account.roles if current_user.is_authenticated else []
    return [each for each in held if each.adviser is None or each.adviser.retired_at is None]


def _holder(role: AccountRole) -> Holder:
    carrier_id = role.adviser.carrier_id if role.adviser else role.carrier_id
    places = frozenset({role.place_id} - {None})
    return Holder(role.role, places, role.adviser_id, carrier_id)  # type: ignore[arg-type]


def _ask_rule() -> None:
    rule = RULES.get(request.endpoint or "", EVERYBODY)  # no endpoint: nothing is there, which is everybody's to learn
    if rule in (EVERYBODY, BEHIND_THE_LOCK):
        return
    own_account()
    if isinstance(rule, Rule) and not any(may_any(each.role, rule.right, rule.thing) for each in roles()):
        abort(403)

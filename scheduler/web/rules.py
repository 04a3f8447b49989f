"""What each route needs, by its name. A route that is missing here stops the start of the application.

The rights themselves stand in `domain/permissions.py`; `permissions.py` asks them before any route runs.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from scheduler.domain.permissions import Right


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
        (EVERYBODY, "static start.show_start book.show_question book.do_book book.show_waiting"),
        (EVERYBODY, "visits.show_visit visits.do_leave_contact visits.ask_cancel visits.do_cancel visits.ask_move"),
        (EVERYBODY, "erasing.ask_erase_own erasing.do_erase_own"),
        (EVERYBODY, "visits.do_move visits.ask_coming visits.do_say_coming visits.show_ics visits.show_qr"),
        (EVERYBODY, "visits.show_code visits.do_code contacts.show_contact contacts.do_confirm contacts.do_remove"),
        (EVERYBODY, "tickets.show_ticket tickets.poll_ticket tickets.do_ask_to_be_told tickets.do_stop_telling"),
        (EVERYBODY, "login.show_login login.do_login login.do_logout login.show_code login.do_code"),
        (EVERYBODY, "account_links.show_link account_links.do_choose_password"),
        (EVERYBODY, "board.show_board board.poll_board feeds.show_feed demo.show_mail"),
        (EVERYBODY, "places.show_places places.show_place places.show_feed places.show_qr places.show_qr_for_all"),
        (EVERYBODY, "places.show_notice"),
        (EVERYBODY, "health.show_health health.show_readiness metrics.show_metrics"),  # the last asks for its token
        (EVERYBODY, "api.list_openings api.list_slots api.make_booking api.show_booking api.cancel_booking"),
        (EVERYBODY, "api.move_booking api.show_queue api.show_challenge"),
        (BEHIND_THE_LOCK, "lock.show_lock lock.do_unlock lock.do_take_over lock.do_keep_fields lock.do_keep_form"),
        (EVERY_ACCOUNT, "lock.do_lock lock.poll_lock lock.show_pin lock.do_choose_pin lock.do_give_fields_back"),
        (Rule("see", "sums"), "manage.show_manage"),
        (Rule("see", "shared_feed"), "manage.show_feeds"),
        (Rule("change", "shared_feed"), "manage.do_make_feed manage.do_revoke_feed"),
        (Rule("see", "set_up"), "manage.show_set_up"),
        (Rule("see", "audit"), "manage.show_trail"),
        (EVERY_ACCOUNT, "account.show_account account.show_password account.do_change_password"),
        (EVERY_ACCOUNT, "account.show_second_factor account.show_qr account.do_begin_set_up account.do_confirm_set_up"),
        (EVERY_ACCOUNT, "account.do_make_recovery_codes account.do_end_second_factor account.do_end_log_ins"),
        (Rule("see", "account"), "accounts.show_accounts accounts.show_account accounts.ask_invitation"),
        (Rule("change", "account"), "accounts.do_invite accounts.do_change accounts.do_make_link"),
        (Rule("change", "account"), "accounts.do_end_log_ins accounts.do_disable accounts.do_enable"),
        (Rule("change", "account"), "accounts.do_remove_second_factor"),
        (Rule("see", "queue"), "desk.show_desk desk.poll_queue desk.show_ticket desk.show_day_sheet desk.ask_close"),
        (Rule("see", "queue"), "desk.show_late_entry desk.show_signs intake.show_day_sheet intake.show_ticket"),
        (Rule("change", "answers"), "desk.ask_answers desk.do_answer intake.ask_answers intake.do_answer"),
        (Rule("change", "queue"), "desk.do_register desk.do_check_in desk.do_check_in_by_code"),
        (Rule("change", "queue"), "desk.do_leave desk.do_park desk.do_unpark desk.do_miss desk.do_undo"),
        (Rule("change", "queue"), "desk.do_call_quietly desk.do_end_quiet_call desk.do_close desk.do_reopen"),
        (Rule("change", "queue"), "desk.do_stop_tickets desk.do_open_tickets desk.do_resume_tickets"),
        (Rule("change", "queue"), "desk.do_turn_away desk.do_take_back_turned_away"),
        (Rule("change", "queue"), "desk.do_enter_line desk.do_continue_at"),
        (Rule("change", "queue"), "intake.do_register intake.do_check_in intake.do_check_in_by_code"),
        (Rule("change", "queue"), "intake.do_leave intake.do_park intake.do_unpark intake.do_miss intake.do_undo"),
        (Rule("change", "appointment"), "erasing.ask_erase erasing.do_erase"),
        (Rule("see", "case_mark"), "case_marks.ask_mark"),
        (Rule("change", "case_mark"), "case_marks.do_mark"),
        (Rule("see", "appointment"), "appointments.show_appointment appointments.show_slip appointments.ask_move"),
        (Rule("see", "appointment"), "appointments.ask_cancel my.ask_own_time"),
        (Rule("change", "appointment"), "appointments.do_move appointments.do_cancel"),
        (Rule("change", "appointment"), "desk.do_book desk.do_look_up intake.do_look_up my.do_book_own_time"),
        (Rule("change", "contact"), "appointments.do_leave_contact desk.do_leave_contact"),
        (Rule("see", "calls"), "my.show_my my.poll_now my.ask_hand_over followups.ask_follow_up"),
        (Rule("change", "calls"), "my.do_sit_down my.do_take_break my.do_come_back my.do_go my.do_answer_quiet_call"),
        (Rule("change", "calls"), "my.do_call my.do_call_next my.do_call_again my.do_start my.do_serve my.do_finish"),
        (Rule("change", "calls"), "my.do_put_back my.do_miss my.do_hand_over my.do_undo followups.do_follow_up"),
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

"""What staff did, in words: by the name of the route or the command. A test knows whether one is missing."""

from __future__ import annotations

from functools import cache

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString


def say_action(action: str) -> str:
    """In words; its bare name where nobody does that any more."""
    words = action_words()
    return str(words.get(action, action))


@cache
def action_words() -> dict[str, LazyString]:
    """All that can stand in the trail."""
    return {
        name: words for part in (_DESK, _APPOINTMENTS, _CALLS, _PLANS, _ACCOUNTS, _COMMANDS) for name, words in part
    }


_ = lazy_gettext
_DESK = (
    ("desk.do_register", _("Number handed out")),
    ("intake.do_register", _("Number handed out")),
    ("desk.do_answer", _("Answers of a visit changed")),
    ("intake.do_answer", _("Answers of a visit changed")),
    ("desk.do_check_in", _("Appointment checked in")),
    ("desk.do_check_in_by_code", _("Appointment checked in")),
    ("intake.do_check_in", _("Appointment checked in")),
    ("intake.do_check_in_by_code", _("Appointment checked in")),
    ("desk.do_leave", _("Visit has left")),
    ("intake.do_leave", _("Visit has left")),
    ("desk.do_park", _("Visit waits elsewhere")),
    ("intake.do_park", _("Visit waits elsewhere")),
    ("desk.do_unpark", _("Visit is back in the queue")),
    ("intake.do_unpark", _("Visit is back in the queue")),
    ("desk.do_miss", _("Visit did not come")),
    ("intake.do_miss", _("Visit did not come")),
    ("my.do_miss", _("Visit did not come")),
    ("desk.do_undo", _("Last step taken back")),
    ("intake.do_undo", _("Last step taken back")),
    ("my.do_undo", _("Last step taken back")),
    ("desk.do_call_quietly", _("Help called quietly")),
    ("desk.do_end_quiet_call", _("Quiet call ended")),
    ("my.do_answer_quiet_call", _("Quiet call answered")),
    ("desk.do_close", _("Day closed")),
    ("desk.do_reopen", _("Day opened again")),
    ("desk.do_stop_tickets", _("Numbers stopped")),
    ("desk.do_open_tickets", _("Numbers given in any case")),
    ("desk.do_resume_tickets", _("Numbers as usual again")),
    ("desk.do_turn_away", _("Somebody turned away")),
    ("desk.do_take_back_turned_away", _("Turning away taken back")),
    ("desk.do_enter_line", _("Line of a paper day entered")),
    ("desk.do_continue_at", _("Numbers go on from paper")),
)
_APPOINTMENTS = (
    ("desk.do_book", _("Appointment booked")),
    ("book.do_book", _("Appointment booked")),
    ("visits.do_move", _("Appointment moved")),
    ("visits.do_cancel", _("Appointment cancelled")),
    ("visits.do_leave_contact", _("Contact left")),
    ("visits.do_say_coming", _("Client says: I come")),
    ("contacts.do_confirm", _("Contact confirmed")),
    ("contacts.do_remove", _("Contact removed")),
    ("tickets.do_ask_to_be_told", _("Message asked for")),
    ("tickets.do_stop_telling", _("Message no longer wanted")),
    ("followups.do_follow_up", _("Follow-up booked")),
    ("my.do_book_own_time", _("Own appointment entered")),
    ("appointments.do_move", _("Appointment moved")),
    ("appointments.do_cancel", _("Appointment cancelled")),
    ("appointments.do_leave_contact", _("Contact left")),
    ("erasing.do_erase", _("Visit erased")),
    ("erasing.do_erase_own", _("Visit erased")),
    ("case_marks.do_mark", _("Own mark changed")),
    ("desk.do_leave_contact", _("Contact left")),
    ("desk.do_look_up", _("Appointment looked up by code")),
    ("intake.do_look_up", _("Appointment looked up by code")),
    ("call_list.do_tell", _("Client told by phone")),
    ("call_list.do_try_again", _("Client not reached")),
    ("call_list.do_settle", _("Call list: line closed")),
)
_CALLS = (
    ("my.do_sit_down", _("Adviser is here")),
    ("my.do_take_break", _("Adviser takes a break")),
    ("my.do_come_back", _("Adviser is back")),
    ("my.do_go", _("Adviser has gone")),
    ("my.do_call", _("Visit called")),
    ("my.do_call_next", _("Visit called")),
    ("my.do_call_again", _("Visit called again")),
    ("my.do_start", _("Consultation begun")),
    ("my.do_serve", _("Consultation begun")),
    ("my.do_finish", _("Consultation ended")),
    ("my.do_put_back", _("Visit put back")),
    ("my.do_hand_over", _("Visit handed over")),
    ("outcomes.do_record_outcome", _("Outcome recorded")),
    ("outcomes.do_record_and_follow_up", _("Outcome recorded")),
)
_PLANS = (
    ("absences.do_be_away", _("Absence entered")),
    ("absences.do_end", _("Absence ended")),
    ("absences.do_try_out", _("Absence tried out")),
    ("absences.do_try_out_imported", _("Absence tried out")),
    ("absences.do_settle_imported", _("Appointments settled for an absence")),
    ("busy_calendars.do_add_calendar", _("Own calendar added")),
    ("busy_calendars.do_remove_calendar", _("Own calendar removed")),
    ("calendars.do_make_feed", _("Calendar address made")),
    ("calendars.do_revoke_feed", _("Calendar address switched off")),
    ("manage.do_make_feed", _("Calendar address made")),
    ("manage.do_revoke_feed", _("Calendar address switched off")),
    ("dates.do_try_out", _("Change of a date tried out")),
    ("dates.do_change", _("Date changed")),
    ("dates.do_restore", _("Date as usual again")),
)
_ACCOUNTS = (
    ("log_in", _("Logged in")),
    ("log_out", _("Logged out")),
    ("lock.wrong_pins", _("PIN wrong too often: log-in ended")),
    ("lock.opened_by_password", _("Screen unlocked by password")),
    ("lock.do_choose_pin", _("PIN chosen")),
    ("account.do_change_password", _("Password changed")),
    ("account_links.do_choose_password", _("Password chosen by a link")),
    ("account.do_begin_set_up", _("Second factor: set-up begun")),
    ("account.do_confirm_set_up", _("Second factor in use")),
    ("account.do_make_recovery_codes", _("New recovery codes made")),
    ("account.do_end_second_factor", _("Second factor ended")),
    ("account.do_end_log_ins", _("All own log-ins ended")),
    ("accounts.do_invite", _("Account made")),
    ("accounts.do_change", _("Account changed")),
    ("accounts.do_make_link", _("Link for a password made")),
    ("accounts.do_end_log_ins", _("Log-ins of an account ended")),
    ("accounts.do_disable", _("Account switched off")),
    ("accounts.do_enable", _("Account switched on")),
    ("accounts.do_remove_second_factor", _("Second factor of an account removed")),
)
_COMMANDS = (
    ("cli.load", _("Command: town's file loaded")),
    ("cli.account make", _("Account made")),
    ("cli.account link", _("Link for a password made")),
    ("cli.account forget-second-factor", _("Second factor of an account removed")),
    ("cli.feed make", _("Calendar address made")),
    ("cli.feed revoke", _("Calendar address switched off")),
    ("cli.privacy erase", _("Command: visit erased")),
    ("cli.privacy rotate-keys", _("Command: keys changed")),
    ("cli.privacy renew-hashes", _("Command: keys changed")),
    ("cli.backup", _("Command: backup made")),
    ("cli.restore", _("Command: backup restored")),
    ("cli.migrate", _("Command: tables brought up to date")),
    ("cli.upgrade", _("Command: tables brought up to date")),
)

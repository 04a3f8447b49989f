"""The plan of what is stored: every table and every column, in plain words, whose it is, and how long it is kept.

A table's line: name | how long it is kept, and counted since when | what it is.
A column's line: name | whose personal data it is | what it is | what else: `before`, where it may tell of days before
the one that is counted from; or a term of its own, where it is emptied before its row goes.
A test holds it against the models: whoever adds a column says here what becomes of it.

Terms: file (as long as the town's file, or a row that is kept, names it), use (as long as it is in use), counts (for
good: numbers without persons), last row (as long as another row names it), visit (`visit_months` of the town's file),
contact (`contact_days`), trail (12 months), month (30 days), day (24 hours).
"""

PLAN = """
town | file | the town of this installation
  id | none | always 1
  name | none | its name
  timezone | none | its time zone
  state | none | its federal state, for public holidays
  locales | none | languages of its pages
  calls_before_missed | none | so many calls before a visit counts as missed
  contact_days | none | how long contacts are kept
  visit_months | none | how long visits are kept
  bookings_per_contact | none | so many appointments one contact may have
  rules_revision | none | counts loads of the file
  rules_stamp | none | random, set anew with each change of a rule
carrier | file | an organisation that employs advisers
  name | none | its name
  id | none | number of the row
  key | none | its key in the file
  position | none | its place in the file
  retired_at | none | when it left the file
service | file | a kind of advice
  name | none | its name in each language
  from_age | none | from which age
  until_age | none | until which age
  id | none | number of the row
  key | none | its key in the file
  position | none | its place in the file
  retired_at | none | when it left the file
concern | file | what decides how long a visit takes
  name | none | its name in each language
  minutes | none | how long it takes
  asks_adviser | none | whether the adviser is asked for next
  id | none | number of the row
  key | none | its key in the file
  position | none | its place in the file
  retired_at | none | when it left the file
topic | file | what a consultation can be about
  name | none | its name in each language
  id | none | number of the row
  key | none | its key in the file
  position | none | its place in the file
  retired_at | none | when it left the file
agency | file | an office that people are referred from or to
  name | none | its name
  address | none | its address
  phone | none | its phone number
  hours | none | when it is open
  id | none | number of the row
  key | none | its key in the file
  position | none | its place in the file
  retired_at | none | when it left the file
place | file | where openings happen
  name | none | its name
  address | none | its address
  phone | none | its phone number
  stations | none | its tables and rooms
  first_ticket | none | the first number of a day
  id | none | number of the row
  key | none | its key in the file
  position | none | its place in the file
  retired_at | none | when it left the file
closure | file | days on which a place is closed
  id | none | number of the row
  place_id | none | which place
  from_on | none | first day
  until_on | none | last day
  reason | none | why, in public words
adviser | file | somebody of a carrier who gives advice
  carrier_id | none | which carrier
  name | staff | name | visit since retired_at
  email | staff | e-mail address for the invitation | visit since retired_at
  services | staff | which services they give
  languages | staff | which languages they speak
  id | none | number of the row
  key | staff | key in the file: a pseudonym, so no name belongs there
  position | none | place in the file
  retired_at | staff | when they left the file
hours | file | office hours, or one date for an adviser's own appointment, which goes with that appointment
  place_id | none | where
  services | none | which services
  rrule | none | on which days
  dates | none | on which dates
  from_time | none | from when
  until_time | none | until when
  valid_from | none | first day
  valid_until | none | last day
  admits | none | with or without appointment
  appointments_at_once | none | so many advisers in appointments at once
  grid_minutes | none | steps between starts
  tickets_minutes_before | none | since when numbers are given
  ticket_limit | none | so many numbers
  concerns | none | for which concerns
  room | none | which room
  after_until | none | whether numbers are called past the end
  lead_hours | none | how long before it is booked at the latest
  horizon_days | none | how long before it is booked at the earliest
  desk_share | none | share of the starts kept for the desk
  release_days | none | when that share is open to all
  advisers | staff | who is on duty, by key
  own_adviser_id | staff | whose own appointment it is
  id | none | number of the row
  key | none | its key in the file
  position | none | its place in the file
  retired_at | none | when it left the file, or was over
rota | file | who is on duty in turn
  hours_id | none | at which office hours
  starts_on | none | since when
  turns | staff | who, by key
  skipped | none | what becomes of a turn that fell out
exception | file | a date that differs; entered on the day it goes like a visit, unless a turn passed on hangs on it
  id | none | number of the row
  hours_id | none | of which office hours
  original_on | none | which date
  kind | none | cancelled, moved or added
  held_on | none | when instead
  from_time | none | from when
  until_time | none | until when
  advisers | staff | who is on duty, by key
  reason | none | why, in public words
  from_file | none | whether the file says so
absence | month since ends_at | when an adviser is away, without a reason
  id | none | number of the row
  adviser_id | staff | who
  starts_at | staff | from when | before
  ends_at | staff | until when
  source | staff | entered, or read from the own calendar
  busy_calendar_id | staff | from which calendar
busy_calendar | month since adviser.retired_at | an adviser's own calendar elsewhere, until they remove it or have left
  id | none | number of the row
  adviser_id | staff | whose
  url | staff | its secret address, encrypted
  url_key | staff | keyed hash of the address: nobody enters the same one twice
  host | staff | the host of the address
  created_at | staff | when it was entered | before
  due_at | none | when it is read next | before
  claimed_until | none | by when a reader must be done | before
  tried_at | none | when it was last tried | before
  read_at | none | when it was last read | before
  etag | none | its version, as its server says
  last_modified | none | the same, as a date
  failures | none | failed attempts in a row
  problem | none | why the last one failed, by a key
feed | month since revoked_at | an address with a calendar to subscribe to, until it is revoked
  id | none | number of the row
  kind | none | of an adviser, carrier, place or language
  adviser_id | staff | whose
  place_id | none | of which place
  carrier_id | none | of which carrier
  language | none | of which language's interpreters
  level | none | how much it shows
  token_hash | none | hash of the secret address
  created_at | staff | when it was made | before
  revoked_at | staff | when it was revoked
  wanted | none | counts changes
  published | none | counts what is published of them
  published_at | none | when it was last published | before
  modified_at | none | when it last changed | before
  fetched_at | staff | when a calendar app last came | before
  body | client | the calendar: appointments of the last 14 days and those to come, cancelled ones for 30 days
  gzipped | client | the same, compressed
  etag | none | its version
  told | client | numbers and hashes of those appointments, to tell changes; for 30 days more
account | use | a log-in of staff
  id | none | number of the row
  login | staff | the name that is typed | trail since disabled_at
  name | staff | what colleagues call it, by function | trail since disabled_at
  password_hash | staff | hash of the password | trail since disabled_at
  pin_hash | staff | hash of the PIN | trail since disabled_at
  pin_failures | none | wrong PINs in a row
  is_demo | none | whether it is for trying out
  totp_secret | staff | secret of the second factor, encrypted | trail since disabled_at
  totp_since | staff | since when it has one
  totp_last_step | none | the last six digits that were taken, as a time
  epoch | none | raised to end every log-in
  disabled_at | staff | since when it is closed
  created_at | staff | when it was made
account_role | use | what an account may do; goes with what is personal of the account
  id | none | number of the row
  account_id | staff | which account
  role | staff | which role
  place_id | staff | at which place
  adviser_id | staff | as which adviser
  carrier_id | staff | for which carrier
account_link | day since expires_at | a link by which a password is chosen
  id | none | number of the row
  account_id | staff | for which account
  purpose | none | invitation or reset
  token_hash | none | hash of the link
  made_by_id | staff | who made it
  created_at | staff | when | before
  expires_at | staff | until when it works
  used_at | staff | when it was used | before
recovery_code | month since used_at | stands in once for the second factor; until it is used or replaced
  id | none | number of the row
  account_id | staff | of which account
  code_hash | staff | hash of the code
  used_at | staff | when it was used
login_delay | day since failed_at | wrong log-ins, that the next one has to wait
  key | staff | keyed hash of what was typed
  failures | staff | how many
  failed_at | staff | when the last was
audit_line | trail since at | what a member of staff changed: numbers of rows, no contents
  id | none | number of the row
  at | staff | when
  account_id | staff | who
  action | staff | what
  things | client | on which rows, by number
heartbeat | use | when the jobs were last at work: one row
  id | none | always 1
  at | none | when
opening | last row | counters of one dated opening; goes after its day, like visits, once nothing names it
  id | none | number of the row
  hours_id | none | of which office hours
  original_on | none | which date
  version | none | counts changes
  tickets | none | whether numbers are given
  full_since | none | since when it is full
  closed_at | none | when it was closed
  help_wanted_at | none | when the desk called an adviser
presence | visit since since_at | where an adviser was at an opening
  id | none | number of the row
  opening_id | none | at which opening
  adviser_id | staff | who
  station | staff | where
  state | staff | present, on break or gone
  since_at | staff | since when
ticket_counter | visit since local_on | the last number given at a place on a day
  place_id | none | where
  local_on | none | on which day
  last_number | none | the last number
turned_away | visit since at | somebody was told that waiting is in vain; then counted
  id | none | number of the row
  opening_id | none | at which opening
  at | none | when
visit | visit since local_on | one client, or a family, coming to one opening; then counted
  id | client | number of the row: the link follows from it and a secret
  opening_id | client | at which opening
  place_id | client | where
  local_on | client | on which day
  kind | client | appointment or walk-in
  state | client | what became of it
  age_group | client | under 27, older, or a family
  service_id | client | which service
  concern_id | client | what decides the length
  language | client | which language was asked for
  locale | client | language of pages and messages
  people | client | how many people
  urgent | client | whether it is urgent; not why
  fetch_in_person | client | whether the adviser fetches them; not why
  times_unreliable | none | whether its times were entered later
  ticket | client | number of the day
  starts_at | client | begin of the appointment
  ends_at | client | its end
  planned_adviser_id | client | with whom
  wished_adviser_id | client | who was asked for
  code | client | nine digits of an appointment
  link_epoch | none | raised to end the link
  sequence | none | counts moves and cancellations
  created_at | client | when it was booked | before
  changed_at | client | when it last changed | before
  coming_at | client | when they said that they come | before
  arrived_at | client | when they came
  ended_at | client | when it was over | before
step | visit since visit.local_on | one line of a visit's history
  id | none | number of the row
  visit_id | client | of which visit
  at | client | when | before
  verb | client | what happened
  from_state | client | how it stood before
  to_state | client | how it stood then
  actor | none | client, staff or rule
  account_id | staff | which account
  consultation_id | client | in which consultation
  released_adviser_id | client | whose time it gave back
  released_opening_id | client | at which opening
  released_starts_at | client | from when | before
  former_service_id | client | service before a hand-over
  former_wished_adviser_id | client | who was asked for before it
  undoes_step_id | none | which step it takes back
  by_rule | none | whether the night did it
consultation | visit since visit.local_on | one adviser with one visit, and what came of it
  id | none | number of the row
  visit_id | client | which visit
  adviser_id | client | which adviser
  carrier_id | client | of which carrier
  station | client | where
  called_at | client | when it was called first
  last_called_at | client | when last
  calls | client | how often
  started_at | client | when it began
  ended_at | client | when it ended
  ended_as | client | how
  times_unreliable | none | whether its times are known
  case_kind | client | new case or a known one
  family_members | client | how many of the family were advised with them
  topics | client | what it was about, from a list
  referred_from | client | which office sent them, from a list
  referred_to | client | to which offices they go on, from a list
  outcome_at | client | when that was entered
contact | contact since visit.ended_at | how a client may be reached, without a name
  visit_id | client | of which visit
  email | client | e-mail address, encrypted
  phone | client | phone number, encrypted
  email_key | client | keyed hash of the address: finds the same one again
  phone_key | client | keyed hash of the number
  reminders | client | consent to reminders
  nearly | client | consent to one message when it is nearly their turn
  confirmed_at | client | when they said that the address is theirs | before
  created_at | client | when they left it | before
case_mark | visit since visit.local_on | an adviser's own mark, by which they know whom they expect
  visit_id | client | on which visit
  adviser_id | staff | whose mark: nobody else reads it
  mark | client | twenty characters, encrypted
shown_forecast | visit since visit.local_on | how long a walk-in was told to wait
  visit_id | client | which visit
  made_at | client | when
  ahead | none | how many were before them
  simulated | none | minutes by the simulation
  spread | none | how sure it was
  closed_form | none | minutes by the formula
  low | none | at least
  high | none | at most
  chance | none | of being served
  basis | none | learned from how much
message | visit since visit.local_on | a message about a visit: neither address nor text
  id | none | number of the row
  visit_id | client | about which visit
  kind | client | of what kind
  channel | client | e-mail, text message or call
  sequence | none | which state of the visit it tells
  due_at | client | when it is due | before
  expires_at | client | when it helps nobody any more | before
  unasked | client | whether the office changed something
  state | client | whether it was sent
  claimed_until | none | by when the sender must be done | before
  attempts | none | failed attempts
  sent_at | client | when it was sent | before
  last_error | client | why it was not, without the address
sent_text | day since at | text messages that left for visits which were erased since: only when
  id | none | number of the row
  at | none | when
freed_time | day since offered_from | a time that was given back, until it is offered again
  id | none | number of the row
  visit_id | client | who gave it back
  opening_id | none | at which opening
  adviser_id | staff | whose time
  starts_at | none | from when
  ends_at | none | until when
  offered_from | none | when it is offered again
idempotency_key | day since created_at | makes a double click one booking
  key_hash | none | hash of a random text of the page
  request_hash | client | hash of what was booked
  visit_id | client | which visit came of it
  created_at | client | when
monthly_count | counts | what is left of visits: how many in a month
  month | none | which month
  place | none | where
  carrier | none | of which carrier
  service | none | which service
  measure | none | what is counted
  value | none | of what
  number | none | how many
"""

"""The front desk of one place: who waits, the register panel, times for callers. One module a topic."""

from scheduler.web.desk import booking as booking
from scheduler.web.desk import day_sheet as day_sheet
from scheduler.web.desk import doors as doors
from scheduler.web.desk import late_entry as late_entry
from scheduler.web.desk import page as page
from scheduler.web.desk import quiet_call as quiet_call
from scheduler.web.desk import signs as signs
from scheduler.web.desk import visits as visits
from scheduler.web.desk.blueprint import pages as pages

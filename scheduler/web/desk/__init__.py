"""The front desk of one place: who waits, the register panel, times for callers. One module a topic."""

from scheduler.web.desk import booking as booking
from scheduler.web.desk import page as page
from scheduler.web.desk import visits as visits
from scheduler.web.desk.blueprint import pages as pages

"""JSON API, version 1: the same actions as the pages, described in docs/api.md. One module a topic."""

from scheduler.web.api import bookings as bookings
from scheduler.web.api import openings as openings
from scheduler.web.api import queue as queue
from scheduler.web.api import slots as slots
from scheduler.web.api.blueprint import pages as pages

"""An adviser's own day: where I sit, whom I call next, my appointments, and the counter where no desk is staffed."""

from scheduler.web.my import calls as calls
from scheduler.web.my import hand_over as hand_over
from scheduler.web.my import own_times as own_times
from scheduler.web.my import page as page
from scheduler.web.my import presence as presence
from scheduler.web.my import quiet_call as quiet_call
from scheduler.web.my.blueprint import pages as pages
from scheduler.web.my.calls import own_consultation as own_consultation

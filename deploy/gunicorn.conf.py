"""How gunicorn serves Sprechstunde: two processes with a few threads each carry a town. Bind it behind a proxy."""

import os
import shutil
import tempfile

from gunicorn.glogging import Logger

from scheduler.logs import make_formatter

workers = 2
threads = 4
worker_class = "gthread"
timeout = 30
graceful_timeout = 5
keepalive = 5
limit_request_line = 4094  # bytes; our longest address has some hundreds
limit_request_fields = 60
limit_request_field_size = 8190
worker_tmp_dir = None
accesslog = None
errorlog = "-"
loglevel = "warning"

_TELLS_AN_ADDRESS = ("Error handling request", "Invalid request")

# Each process counts into a file of its own here, and whichever is asked for metrics adds them up.
_COUNTS = "sprechstunde-metrics-"
if os.environ.get("METRICS_TOKEN") and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=_COUNTS)


class QuietLogger(Logger):
    """Writes as the application does. Nothing of a request that could not be served: its address may hold a token."""

    def setup(self, cfg):
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(make_formatter("json" if os.environ.get("LOG_FORMAT") == "json" else "text"))
            handler.addFilter(_without_addresses)

    def access(self, resp, req, environ, request_time):
        """The application has a line for each request."""


def _without_addresses(record):
    if str(record.msg).startswith(_TELLS_AN_ADDRESS):
        record.msg, record.args = "a request could not be read or answered", ()
    return True


def on_exit(server):  # noqa: ARG001 - gunicorn passes it
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if _COUNTS in folder:
        shutil.rmtree(folder, ignore_errors=True)


logger_class = QuietLogger

"""How gunicorn serves Sprechstunde: two processes with a few threads each carry a town. Bind it behind a proxy."""

workers = 2
threads = 4
worker_class = "gthread"
timeout = 30
graceful_timeout = 5
worker_tmp_dir = None
accesslog = None
errorlog = "-"
loglevel = "warning"

"""What web servers and `flask --app wsgi` start: the application with the settings of the environment."""

import os
import sys

from config import Config, with_throwaway_secrets
from scheduler import create_app, logs
from scheduler.cli import needs_secrets

config = Config.from_env(os.environ if needs_secrets(sys.argv) else with_throwaway_secrets(os.environ))
logs.set_up(config.log_format, requests=not config.demo)  # the demo's terminal is for people
app = create_app(config)

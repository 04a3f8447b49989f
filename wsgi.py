"""What web servers and `flask --app wsgi` start: the application with the settings of the environment."""

import os
import sys

from config import Config, with_throwaway_secrets
from scheduler import create_app
from scheduler.cli import needs_secrets

app = create_app(Config.from_env(os.environ if needs_secrets(sys.argv) else with_throwaway_secrets(os.environ)))

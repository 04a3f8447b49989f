"""What web servers and `flask --app wsgi` start: the application with the settings of the environment."""

import os

from config import Config
from scheduler import create_app

app = create_app(Config.from_env(os.environ))

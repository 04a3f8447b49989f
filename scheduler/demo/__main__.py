"""`make run`: prepare the demo, start web and jobs, say where everything is, stop both on Ctrl-C."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from cryptography.fernet import Fernet

from config import Config
from scheduler import schema
from scheduler.actions.heartbeat import beat
from scheduler.db import Database, use_contact_keys
from scheduler.demo.morning import LOG_INS, fill_opening, make_accounts
from scheduler.demo.town import PLACE, load_town

ROOT = Path(__file__).parents[2]
VAR = Path(os.environ.get("DEMO_FOLDER", ROOT / "var"))
"""Where the demo keeps its database, secrets and mail."""
START_WITHIN_SECONDS = 30
STOP_WITHIN_SECONDS = 10


def main() -> int:
    port = int(os.environ.get("PORT", "8000"))
    if _is_taken(port):
        say(f"Port {port} is in use. Choose another one: PORT=8080 make run")
        return 1
    environ = _environment(port)
    say("[1/4] Settings and database")
    config = Config.from_env(environ)
    use_contact_keys(config.contact_keys)
    database = Database(config.database_url, **config.ways)
    schema.upgrade(database.engine)
    say("[2/4] Offenbach, and an opening that is live right now")
    _prepare(database, config)
    database.engine.dispose()
    say("[3/4] Web and jobs")
    return _run(environ, config, port)


def _prepare(database: Database, config: Config) -> None:
    now = datetime.now(UTC)
    with database.writing() as session:
        hours_key = load_town(session, now)
        make_accounts(session, now)
        fill_opening(session, hours_key, config.secret_key, now)
        beat(session, now)  # jobs begin in a moment: nobody is warned before
        session.commit()


def _run(environ: dict[str, str], config: Config, port: int) -> int:
    """Start both processes and wait: for Ctrl-C, or for one of them to end by itself."""
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, _raise_interrupt)
    commands = (
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "deploy/gunicorn.conf.py",
            "--bind",
            f"127.0.0.1:{port}",
            "wsgi:app",
        ],
        [sys.executable, "-m", "jobs"],
    )
    # Sessions of their own: Ctrl-C reaches this process alone, which then ends the others in order.
    processes = [subprocess.Popen(each, cwd=ROOT, env=environ, start_new_session=True) for each in commands]
    try:
        if _wait_for_web(port, processes):
            _show_addresses(config)
        while all(each.poll() is None for each in processes):
            time.sleep(0.3)
        say("A process has ended by itself; its last lines above say why.")
        return 1
    except KeyboardInterrupt:
        say("\nStopping web and jobs")
        return 0
    finally:
        _stop(processes)


def _wait_for_web(port: int, processes: list[subprocess.Popen[bytes]]) -> bool:
    deadline = time.monotonic() + START_WITHIN_SECONDS
    while time.monotonic() < deadline and all(each.poll() is None for each in processes):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=2):
                return True
        except OSError:
            time.sleep(0.2)
    return False


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for each in processes:
        each.terminate()
    for each in processes:
        try:
            each.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            each.kill()


def _show_addresses(config: Config) -> None:
    base = config.base_url
    say("[4/4] Ready. Open one of these; Ctrl-C stops everything.\n")
    for words, address in (
        ("Clients: come or book", f"{base}/"),
        ("Front desk", f"{base}/desk"),
        ("Adviser", f"{base}/my"),
        ("Accounts of staff", f"{base}/accounts"),
        ("Waiting room's screen", f"{base}/board/{PLACE}"),
        ("Mail that would be sent", f"{base}/demo/mail"),
    ):
        say(f"  {words:<24} {address}")
    say("\n  Log-ins (they exist only in this demo):")
    for each in LOG_INS:
        say(f"  {each.name:<24} {each.login:<14} {each.password}")
    say("")


def _environment(port: int) -> dict[str, str]:
    """The environment of web and jobs: what is set already stays, the rest is the demo's own."""
    VAR.mkdir(parents=True, exist_ok=True)
    return {
        "DATABASE_URL": f"sqlite:///{VAR / 'demo.db'}",
        "BASE_URL": f"http://127.0.0.1:{port}",
        **_secrets(),
        **os.environ,
        "DEMO": "1",
        "MAIL_SINK": str(VAR / "mail"),
        "SMS_URL": "https://sms.example.invalid",  # never asked: text messages are kept beside the mail
    }


def _secrets() -> dict[str, str]:
    """Made at the first run and kept, so that links and log-ins outlive a restart."""
    path = VAR / "demo-secrets"
    if not path.exists():
        path.write_text(f"SECRET_KEY={secrets.token_urlsafe(48)}\nCONTACT_KEYS={Fernet.generate_key().decode()}\n")
        path.chmod(0o600)
    return dict(line.partition("=")[::2] for line in path.read_text().splitlines())


def _is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _raise_interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def say(words: str) -> None:
    """One line of progress, at once."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Whether settings, servers, disk and backups are in order: what needs no row of the database."""

from __future__ import annotations

import shutil
import stat
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from config import Config
from scheduler import backup, schema
from scheduler.backup import sqlite
from scheduler.delivery import sms, smtp
from scheduler.doctor.finding import Check, Finding, Patient, said

OLD_BACKUP, LOST_BACKUP = timedelta(hours=26), timedelta(days=7)
"""A daily one has some time to be late."""
LITTLE_SPACE, NO_SPACE = 1_000_000_000, 100_000_000
"""Bytes."""


def check_database(patient: Patient) -> Finding:
    try:
        with patient.database.reading() as session:
            session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as error:
        return Finding(
            "broken", f"does not answer ({type(error).__name__}): look at DATABASE_URL, and start the server"
        )
    return Finding("ok", f"{patient.database.engine.dialect.name} answers")


def check_schema(patient: Patient) -> Finding:
    revision = schema.revision_of(patient.database.engine)
    if revision == schema.newest():
        return Finding("ok", f"is at {revision}, the newest")
    if revision and not schema.is_known(revision):
        return Finding("broken", f"{revision} is of a newer version: install that one, or restore an older backup")
    return Finding("broken", "a migration is pending: flask --app wsgi upgrade")


def check_address(patient: Patient) -> Finding:
    config = patient.config
    host = urlsplit(config.base_url).hostname or ""
    if not config.secure and host not in ("localhost", "127.0.0.1", "::1"):
        return Finding("warning", "BASE_URL is http: put a proxy with TLS in front, and say https (deploy/)")
    if config.secure and config.trusted_proxies == 0:
        return Finding(
            "warning", "TRUSTED_PROXIES is 0 behind TLS: all clients share the proxy's address, and its limits"
        )
    return Finding("ok", f"{config.base_url}, {config.trusted_proxies} trusted proxies")


def check_demo(patient: Patient) -> Finding:
    if patient.config.demo:
        return Finding("warning", "DEMO is on: anybody can log in. Real clients' data must not come here")
    return Finding("ok", "is off")


def check_mail(patient: Patient) -> Finding:
    """Connects, says hello and logs in, as for a letter."""
    config = patient.config
    if not config.smtp_host:
        return Finding(
            "broken" if patient.mail_to else "ok",
            "SMTP_HOST is empty: no mail is sent, and no e-mail address is asked for",
        )
    try:
        connection = smtp.Connection(config)
        if patient.mail_to:
            connection.send(_test_letter(config, patient))
            connection.close()
        else:
            connection.greet()
    except Exception as error:
        return Finding("broken", f"{config.smtp_host}:{config.smtp_port} fails: {smtp.reason_of(error)}")
    if config.mail_from == Config.mail_from:
        return Finding("warning", "the server takes mail, but MAIL_FROM is not set: many will refuse that sender")
    return Finding("ok", "the server took the test letter" if patient.mail_to else "the server lets us in")


def _test_letter(config: Config, patient: Patient) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = "Test", config.mail_from, patient.mail_to
    letter["Date"] = format_datetime(patient.now)
    letter.set_content("Mail from Sprechstunde arrives. Nothing needs to be done.\n")
    return letter


def check_text_messages(patient: Patient) -> Finding:
    """Only connects: no message is sent, and nothing is asked."""
    if not patient.config.sends_sms:
        return Finding("ok", "SMS_URL is empty: none are sent")
    try:
        sms.reach(patient.config)
    except Exception as error:
        return Finding("broken", f"the gateway cannot be reached: {sms.reason_of(error)}")
    return Finding("ok", "the gateway can be reached (nothing was sent)")


def check_space(patient: Patient) -> Finding:
    folders = [_existing(patient.config.backup_folder)]
    if file := _sqlite_file(patient):
        folders.append(_existing(file.parent))
    free = min(shutil.disk_usage(each).free for each in folders)
    words = f"{free / 1_000_000_000:.1f} GB free where database and backups are"
    if free < NO_SPACE:
        return Finding("broken", f"{words}: bookings will fail soon")
    return Finding("warning" if free < LITTLE_SPACE else "ok", words)


def check_file_mode(patient: Patient) -> Finding:
    file = _sqlite_file(patient)
    if file is None or not file.exists():
        return Finding("ok", "no file of ours")
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding("warning", f"others on this machine can open {file.name}: chmod 600 it")
    if left := sqlite.put_away(file):
        return Finding("warning", f"{len(left)} replaced databases are still there: delete {left[0].name}")
    return Finding("ok", "nobody else can open the database's file")


def check_backup(patient: Patient) -> Finding:
    folder = patient.config.backup_folder
    try:
        found = backup.list_backups(folder)
    except OSError as error:
        return Finding("warning", f"{folder} cannot be read: {error.strerror}")
    if not found:
        return Finding("warning", f"there is none in {folder}: flask --app wsgi backup")
    age = patient.now - found[-1].at
    words = f"the newest of {len(found)} is {said(age)} old"
    if age > LOST_BACKUP:
        return Finding("broken", f"{words}: see why the timer does not run")
    return Finding("warning" if age > OLD_BACKUP else "ok", words)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(each for each in (folder.resolve(), *folder.resolve().parents) if each.is_dir())


def _sqlite_file(patient: Patient) -> Path | None:
    url = patient.database.engine.url
    return Path(url.database).resolve() if url.get_backend_name() == "sqlite" and url.database else None


SETTINGS_CHECKS: tuple[tuple[str, Check], ...] = (
    ("address", check_address),
    ("demo", check_demo),
    ("mail", check_mail),
    ("text messages", check_text_messages),
    ("disk", check_space),
    ("file", check_file_mode),
    ("backup", check_backup),
)

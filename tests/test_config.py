"""Settings from the environment: what is refused, in words that name the variable, and what the defaults are."""

from __future__ import annotations

import base64
import secrets
from dataclasses import fields
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

import config
from config import Config, ConfigError, build_id

KEY = base64.urlsafe_b64encode(bytes(range(100, 132))).decode()
SECRET = "kq3Vw8ZrT0mYbN5xLc7JfH2dGs9PuA4e"
GOOD = {"SECRET_KEY": SECRET, "CONTACT_KEYS": KEY}


def test_two_secrets_are_all_that_is_needed() -> None:
    found = Config.from_env(GOOD)
    assert (found.secret_key, found.contact_keys) == (SECRET, (KEY,))
    assert found == Config(secret_key=SECRET, contact_keys=(KEY,))
    assert not found.demo and not found.sends_mail and not found.secure


def test_every_setting_is_read_from_its_own_variable() -> None:
    environ = {
        **GOOD,
        "CONTACT_KEYS": f" {KEY} , {KEY}",
        "DATABASE_URL": "postgresql:///town",
        "BASE_URL": "https://termine.example.org/",
        "SMTP_HOST": "mail.example.org",
        "SMTP_PORT": "25",
        "SMTP_USER": "user",
        "SMTP_PASSWORD": "password",
        "SMTP_SECURITY": "tls",
        "MAIL_FROM": "termine@example.org",
        "MAIL_SINK": "sink",
        "DEMO": "1",
        "TRUSTED_PROXIES": "1",
        "CODE_LIMIT": "5 per hour",
        "LOCK_AFTER_MINUTES": "5",
        "BOOKING_WORK": "1000",
        "BOOKINGS_A_MINUTE": "10",
        "BOOKINGS_FROM_ONE_ADDRESS": "500",
        "WAIT_SECONDS": "30",
        "WAITING_A_MINUTE": "3",
        "SECOND_FACTOR_FOR": "administrator, desk",
        "BACKUP_FOLDER": "/var/backups/town",
        "LOG_FORMAT": "json",
        "METRICS_TOKEN": "a token of the town",
        "SMS_URL": "https://sms.example.org/send",
        "SMS_TEMPLATE": "to={to}&text={text}",
        "SMS_AUTHORIZATION": "Bearer secret",
        "SMS_A_DAY": "50",
        "CALENDAR_HOSTS": "cloud.example.org, 10.0.0.5:8443",
    }
    found, unset = Config.from_env(environ), Config.from_env(GOOD)
    unchanged = [each.name for each in fields(Config) if getattr(found, each.name) == getattr(unset, each.name)]
    assert unchanged == ["secret_key"]
    assert found.contact_keys == (KEY, KEY)
    assert (found.base_url, found.secure, found.sends_mail) == ("https://termine.example.org", True, True)
    assert (found.sends_sms, unset.sends_sms) == (True, False)
    assert found.calendar_hosts == {"cloud.example.org", "10.0.0.5:8443"}
    assert (found.smtp_port, found.trusted_proxies, found.mail_sink) == (25, 1, Path("sink"))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"SECRET_KEY": ""}, ["SECRET_KEY"]),
        ({"SMS_URL": "http://sms.example.org"}, ["SMS_URL"]),
        ({"SMS_TEMPLATE": '{"to": "{to}"}'}, ["SMS_TEMPLATE"]),
        ({"SMS_TEMPLATE": "text={text}"}, ["SMS_TEMPLATE"]),
        ({"SMS_TEMPLATE": '{"to": {to}, "text": "{text}"}'}, ["SMS_TEMPLATE"]),
        ({"SMS_TEMPLATE": '{"to": "{to}", "text": "{text}"'}, ["SMS_TEMPLATE"]),
        ({"SECRET_KEY": SECRET[:31]}, ["SECRET_KEY"]),
        ({"CONTACT_KEYS": ""}, ["CONTACT_KEYS"]),
        ({"CONTACT_KEYS": f"{KEY},"}, ["CONTACT_KEYS"]),
        ({"CONTACT_KEYS": "not a key"}, ["CONTACT_KEYS"]),
        ({"CONTACT_KEYS": base64.urlsafe_b64encode(b"short").decode()}, ["CONTACT_KEYS"]),
        ({"CONTACT_KEYS": "ü" * 44}, ["CONTACT_KEYS"]),
        ({"MAIL_FROM": "Beratung <termine@example.org>"}, ["MAIL_FROM"]),
        ({"MAIL_FROM": "termine"}, ["MAIL_FROM"]),
        ({"MAIL_FROM": "termine@bücher.example"}, ["MAIL_FROM"]),
        ({"MAIL_FROM": "a@example.org\nBcc: b@example.org"}, ["MAIL_FROM"]),
        ({"SMTP_PORT": "smtp"}, ["SMTP_PORT"]),
        ({"SMTP_PORT": ""}, ["SMTP_PORT"]),
        ({"SMTP_PORT": "²"}, ["SMTP_PORT"]),
        ({"TRUSTED_PROXIES": "-1"}, ["TRUSTED_PROXIES"]),
        ({"LOCK_AFTER_MINUTES": "soon"}, ["LOCK_AFTER_MINUTES"]),
        ({"BOOKING_WORK": "0"}, ["BOOKING_WORK"]),
        ({"BOOKINGS_A_MINUTE": "few"}, ["BOOKINGS_A_MINUTE"]),
        ({"BOOKINGS_FROM_ONE_ADDRESS": "0"}, ["BOOKINGS_FROM_ONE_ADDRESS"]),
        ({"WAITING_A_MINUTE": "-1"}, ["WAITING_A_MINUTE"]),
        ({"WAIT_SECONDS": "9" * 20}, ["WAIT_SECONDS"]),
        ({"SECOND_FACTOR_FOR": "administrator,boss"}, ["SECOND_FACTOR_FOR"]),
        ({"SMTP_SECURITY": "ssl"}, ["SMTP_SECURITY"]),
        ({"LOG_FORMAT": "xml"}, ["LOG_FORMAT"]),
        ({"METRICS_TOKEN": "short"}, ["METRICS_TOKEN"]),
        ({"BASE_URL": "termine.example.org"}, ["BASE_URL"]),
        ({"SECRET_KEY": "", "SMTP_PORT": "x", "BASE_URL": "x"}, ["SECRET_KEY", "SMTP_PORT", "BASE_URL"]),
    ],
)
def test_each_unusable_setting_is_named_in_a_line_of_its_own(change: dict[str, str], names: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        Config.from_env({**GOOD, **change})
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == names


@pytest.mark.parametrize(
    "secret",
    [
        "s" * 64,
        "ab" * 32,
        "0123456789abcdef" * 4,
        "abcabcabdabcabcabdabcabcabeabcabcabf",
        "please-change-me-0123456789-qwertzuiop",
        "CHANGE-THIS-TO-SOMETHING-1234567890",
        "this-is-the-secret-of-our-town-0815",
        "my password is longer than 32 characters",
        "only an EXAMPLE, longer than 32 characters",
        "your-own-key-here-0123456789-abcdefgh",
        "…………………………………………………………………………………………abcdefghijkl",
    ],
)
def test_a_secret_that_was_typed_rather_than_drawn_is_for_the_demo_alone(secret: str) -> None:
    with pytest.raises(ConfigError, match="SECRET_KEY"):
        Config.from_env({**GOOD, "SECRET_KEY": secret})
    assert Config.from_env({**GOOD, "SECRET_KEY": secret, "DEMO": "1"}).demo


def test_a_contact_key_that_was_typed_rather_than_drawn_is_for_the_demo_alone() -> None:
    typed = base64.urlsafe_b64encode(b"0123" * 8).decode()
    with pytest.raises(ConfigError, match="CONTACT_KEYS"):
        Config.from_env({**GOOD, "CONTACT_KEYS": f"{KEY},{typed}"})
    assert Config.from_env({**GOOD, "CONTACT_KEYS": typed, "DEMO": "1"}).demo


def test_every_secret_that_we_draw_is_good() -> None:
    for _ in range(500):
        drawn = {"SECRET_KEY": secrets.token_urlsafe(48), "CONTACT_KEYS": Fernet.generate_key().decode()}
        assert Config.from_env(drawn)


def test_no_refusal_tells_a_secret() -> None:
    with pytest.raises(ConfigError) as refused:
        Config.from_env({"SECRET_KEY": "hunter2", "CONTACT_KEYS": "hunter3"})
    assert "hunter" not in str(refused.value)


def test_a_weak_secret_and_a_sink_for_mail_are_for_the_demo_alone() -> None:
    weak = {**GOOD, "SECRET_KEY": "weak", "MAIL_SINK": "sink"}
    assert Config.from_env({**weak, "DEMO": "1"}).mail_sink == Path("sink")
    with pytest.raises(ConfigError):
        Config.from_env(weak)
    assert Config.from_env({**GOOD, "MAIL_SINK": "sink"}).mail_sink is None
    assert not Config.from_env({**GOOD, "DEMO": "yes"}).demo


def test_every_setting_is_documented() -> None:
    source = Path(config.__file__).read_text()
    for each in fields(Config):
        assert f'"""{each.name.upper()}: ' in source, each.name


def test_the_build_has_another_name_when_a_file_of_it_changes(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    page = tmp_path / "templates" / "page.html"
    page.write_text("one")
    first = build_id(tmp_path)
    assert first == build_id(tmp_path)
    page.write_text("two")
    assert build_id(tmp_path) != first
    assert first.isalnum()


@pytest.mark.parametrize(
    ("environ", "roles"),
    [
        ({}, {"carrier_coordinator", "hours_coordinator", "administrator"}),
        ({"SECOND_FACTOR_FOR": ""}, set()),
        ({"SECOND_FACTOR_FOR": " desk ,administrator"}, {"desk", "administrator"}),
        ({"DEMO": "1"}, set()),
        ({"DEMO": "1", "SECOND_FACTOR_FOR": "desk"}, {"desk"}),
    ],
)
def test_who_needs_a_second_factor(environ: dict[str, str], roles: set[str]) -> None:
    assert Config.from_env({**GOOD, **environ}).second_factor_for == roles

"""The files in deploy/: the example of settings is that of config.py, and units and proxies mean what they should.

Where systemd or nginx is installed they read the files themselves. Elsewhere a small reader of our own must do.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from config import Config
from scheduler import environment_file
from scheduler.web.app import LARGEST_BODY
from tests.conftest import CONTACT_KEY

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service")) + sorted((DEPLOY / "systemd").glob("*.timer"))
SERVICES = [each for each in UNITS if each.suffix == ".service"]
EXAMPLE = DEPLOY / "sprechstunde.env.example"
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "CapabilityBoundingSet": "",
    "UMask": "0077",
    "User": "sprechstunde",
    "LogNamespace": "sprechstunde",
    "EnvironmentFile": "/etc/sprechstunde/sprechstunde.env",
}


# Settings


def test_the_example_of_settings_is_what_the_settings_say() -> None:
    made = environment_file.write_file()
    assert EXAMPLE.read_text("utf-8") == made, (
        "run: python -m scheduler.environment_file > deploy/sprechstunde.env.example"
    )


def test_every_setting_of_a_town_stands_in_the_example_once() -> None:
    named = re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    assert named == [each.name.upper() for each in fields(Config) if each.name not in environment_file.NOT_FOR_A_TOWN]


def test_the_example_s_defaults_are_the_defaults(tmp_path: Path) -> None:
    """A shell reads it with every setting switched on; what comes of it is what comes of none."""
    switched_on = re.sub(r"^#([A-Z_]+=)", r"\1", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE)
    (tmp_path / "all.env").write_text(switched_on)
    read = "import json, os; print(json.dumps(dict(os.environ)))"
    command = ["sh", "-c", f'set -a; . {tmp_path / "all.env"}; exec {sys.executable} -c "{read}"']
    done = subprocess.run(command, env={}, capture_output=True, text=True, timeout=30)
    own = {"SECRET_KEY": secrets.token_urlsafe(48), "CONTACT_KEYS": CONTACT_KEY}
    assert Config.from_env({**json.loads(done.stdout), **own}) == Config.from_env(own)


# systemd


def entries(text: str) -> list[tuple[str, str, str]]:
    """Section, name and value of each line of a unit. Raises ValueError for a line that is none."""
    found, section = [], ""
    for line in text.splitlines():
        if not line or line.startswith(("#", ";")):
            continue
        if match := re.fullmatch(r"\[(\w+)\]", line):
            section = match[1]
        elif (match := re.fullmatch(r"(\w+)=(.*)", line)) and section:
            found.append((section, match[1], match[2]))
        else:
            raise ValueError(line)
    return found


def names(unit: Path) -> dict[str, str]:
    return {name: value for _, name, value in entries(unit.read_text("utf-8"))}


@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.stem)
def test_each_service_is_hardened(service: Path) -> None:
    found = names(service)
    assert {name: found.get(name) for name in HARDENED} == HARDENED
    assert found["WorkingDirectory"] == "/opt/sprechstunde"


def test_services_start_what_is_there() -> None:
    starts = {each.stem: names(each)["ExecStart"] for each in SERVICES}
    assert set(starts) == {f"sprechstunde-{name}" for name in ("web", "jobs", "backup")}
    assert "--config deploy/gunicorn.conf.py --bind 127.0.0.1:8000 wsgi:app" in starts["sprechstunde-web"]
    assert starts["sprechstunde-jobs"].endswith("python -m jobs")
    assert "flask --app wsgi backup --keep" in starts["sprechstunde-backup"]
    for name in ("web", "jobs"):
        assert names(DEPLOY / "systemd" / f"sprechstunde-{name}.service")["Restart"] == "always"


def test_no_line_of_the_log_is_kept_longer_than_fourteen_days() -> None:
    """A file of the journal goes when its newest line is too old: so its oldest is older by what one file spans."""
    found = names(DEPLOY / "systemd" / "journald@sprechstunde.conf")
    days = [int(found[each].removesuffix("day")) for each in ("MaxRetentionSec", "MaxFileSec")]
    assert sum(days) <= 14


def verified(*units: Path) -> str:
    """What systemd says of these units; empty: nothing."""
    command = ["systemd-analyze", "verify", *units]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60).stderr
    return "".join(line for line in said.splitlines() if any(each.name in line for each in units))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    here = [tmp_path / each.name for each in UNITS]
    for unit, copy in zip(UNITS, here, strict=True):
        copy.write_text(unit.read_text("utf-8").replace("/opt/sprechstunde/.venv/bin/", "/bin/true "))
    assert verified(*here) == ""
    broken = tmp_path / "broken.service"
    broken.write_text(here[0].read_text("utf-8").replace("ProtectSystem=strict", "ProtectSystem=hard"))
    assert "protect system" in verified(broken)


# Reverse proxies


def faults_in_blocks(text: str, ends: str) -> list[str]:
    """Braces that do not fit together, and lines that end in none of `ends`, of a file of nested blocks."""
    faults, depth = [], 0
    for number, line in enumerate(text.splitlines(), 1):
        bare = re.sub(r"'[^']*'|\"[^\"]*\"|(?:^|\s)#.*$|\{[\w.]+\}", "", line).strip()
        depth += bare.count("{") - bare.count("}")
        if depth < 0:
            faults.append(f"line {number} closes what is not open")
        if ends and bare and not bare.endswith(tuple(ends)):
            faults.append(f"line {number} has no end")
    return [*faults, *(["a block is not closed"] if depth else [])]


@pytest.mark.parametrize(("name", "ends"), [("nginx.conf", ";{}"), ("sprechstunde-proxy.conf", ";"), ("Caddyfile", "")])
def test_a_proxy_s_file_is_whole(name: str, ends: str) -> None:
    text = (DEPLOY / "proxy" / name).read_text("utf-8")
    assert faults_in_blocks(text, ends) == []
    assert faults_in_blocks(text + "\n}", ends) != []
    if ends:
        assert faults_in_blocks(
            text.replace(";", "", 1) if name != "nginx.conf" else text.replace(" off;", " off", 1), ends
        )


def test_nginx_hands_on_what_the_application_believes() -> None:
    handed = (DEPLOY / "proxy" / "sprechstunde-proxy.conf").read_text("utf-8")
    assert "X-Forwarded-For $remote_addr;" in handed, "else a client could add an address of its own"
    assert "X-Forwarded-Proto $scheme;" in handed and "X-Request-Id $request_id;" in handed
    server = (DEPLOY / "proxy" / "nginx.conf").read_text("utf-8")
    assert f"client_max_body_size {LARGEST_BODY // 1024}k;" in server
    assert "Strict-Transport-Security" not in server + handed, "the application sends it"


def test_no_proxy_writes_down_an_address() -> None:
    server = (DEPLOY / "proxy" / "nginx.conf").read_text("utf-8")
    (log_format,) = re.findall(r"log_format sprechstunde ('.*?');", server, re.DOTALL)
    variables = set(re.findall(r"\$(\w+)", log_format))
    assert variables <= {
        "time_iso8601", "request_method", "status", "request_time", "body_bytes_sent", "request_id",
    }  # fmt: skip
    for kind, rest in re.findall(r"^\s*(access_log|error_log) (.*);", server, re.MULTILINE):
        assert rest == "off" or rest.endswith((" sprechstunde", " crit")), (kind, rest)
    caddy = (DEPLOY / "proxy" / "Caddyfile").read_text("utf-8")
    for field in ("uri", "headers", "remote_ip", "client_ip"):
        assert f"request>{field} delete" in caddy
    assert re.findall(r"^\s*log\b.*", caddy, re.MULTILINE) == ["\tlog default {"], "no log of requests"


def test_caddy_answers_nothing_outside_a_block_of_its_own() -> None:
    """It sorts: whatever stands in `handle` comes before a bare `respond`, which `handle {}` then never lets come."""
    text = (DEPLOY / "proxy" / "Caddyfile").read_text("utf-8")
    site = text.partition("termine.stadt.example {\n")[2]
    assert re.findall(r"^\t(respond|reverse_proxy|file_server)\b", site, re.MULTILINE) == []
    assert re.search(r"@elsewhere \{\s+path /metrics\s+not remote_ip 127.0.0.1 ::1\s+\}", site)
    assert re.search(r"handle @elsewhere \{\s+respond 404\s+\}", site)


@pytest.fixture
def nginx(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Reads a changed server block as nginx does, with a certificate for a day."""
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test"]
    subprocess.run(
        [*certificate, "-keyout", tmp_path / "key", "-out", tmp_path / "cert"],
        check=True,
        capture_output=True,
        timeout=60,
    )

    def test_file(text: str) -> subprocess.CompletedProcess[str]:
        for old, new in (
            (r"/etc/letsencrypt/\S+/fullchain.pem", tmp_path / "cert"),
            (r"/etc/letsencrypt/\S+/privkey.pem", tmp_path / "key"),
            ("/etc/nginx/sprechstunde-proxy.conf", DEPLOY / "proxy" / "sprechstunde-proxy.conf"),
            ("/var/log/nginx/", f"{tmp_path}/"),
        ):
            text = re.sub(old, str(new), text)
        (tmp_path / "server.conf").write_text(text)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "".join(f"{each}_temp_path {tmp_path}/{each};\n" for each in kinds)
        whole = f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{folders}include {tmp_path}/server.conf;\n}}\n"
        (tmp_path / "nginx.conf").write_text(whole)
        command = ["nginx", "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    return test_file


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_takes_the_file(nginx: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    text = (DEPLOY / "proxy" / "nginx.conf").read_text("utf-8")
    done = nginx(text)
    assert done.returncode == 0, done.stderr
    assert nginx(text.replace("limit_req_status", "limit_req_stat")).returncode != 0

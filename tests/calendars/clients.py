"""Real calendar apps on the command line: vdirsyncer fetches by HTTP into a folder, khal lists it; calcurse imports.

Each runs as a process of its own with its own home: nothing of whoever runs the tests is read or written.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from scheduler.texts import translations_for
from tests.calendars.sunday_town import YEAR, Occurrence

_BESIDE_PYTHON = Path(sys.executable).parent
_KHAL_TIME = "%Y-%m-%dT%H:%M"
CANCELLED = translations_for("de").gettext("Cancelled: %(what)s") % {"what": ""}
CALCURSE_MISSING = "calcurse is not installed: run `make test`, which installs it where there is apt-get"


class Listed(NamedTuple):
    """One line of an app's list."""

    uid: str
    """vdirsyncer makes its own from all that the event says; calcurse keeps none."""
    summary: str
    is_cancelled: bool
    """calcurse knows no status: the prefix of the name tells it there."""
    when: Occurrence


class CalendarApp:
    """vdirsyncer and khal, subscribed to these addresses (by name), in this folder."""

    def __init__(self, folder: Path, addresses: dict[str, str]) -> None:
        self.folder = folder
        self.names = list(addresses)
        for name in addresses:
            (folder / "calendars" / name).mkdir(parents=True)
        (folder / "vdirsyncer.ini").write_text(_vdirsyncer_settings(folder, addresses))
        (folder / "khal.ini").write_text(_khal_settings(folder, self.names))
        self._run("vdirsyncer", "--config", "vdirsyncer.ini", "discover")

    def sync(self) -> None:
        self._run("vdirsyncer", "--config", "vdirsyncer.ini", "sync")

    def files_of(self, name: str) -> list[Path]:
        """vdirsyncer stores one file for each UID."""
        return sorted((self.folder / "calendars" / name).glob("*.ics"))

    def list_year(self) -> dict[str, list[Listed]]:
        """All events by the name of their calendar, in order of time; every date of a recurring one by itself."""
        fields = ("calendar", "uid", "title", "status", "start-long-full", "end-long-full")
        asked = [word for field in fields for word in ("--json", field)]
        span = [each.strftime(_KHAL_TIME) for each in YEAR]
        found: dict[str, set[Listed]] = {name: set() for name in self.names}
        for day in self._run("khal", "--config", "khal.ini", "list", *asked, *span).splitlines():
            for each in json.loads(day):
                found[each["calendar"]].add(_listed(each))  # an event over midnight stands on both days
        return {name: sorted(each, key=lambda listed: listed.when) for name, each in found.items()}

    def _run(self, program: str, *arguments: str) -> str:
        return run(self.folder, str(_BESIDE_PYTHON / program), *arguments)


def list_by_calcurse(folder: Path, body: bytes, zone: str) -> list[Listed]:
    """What calcurse shows within the year after importing this file. It keeps no UID and no status."""
    (folder / "data").mkdir(parents=True)
    (folder / "feed.ics").write_bytes(body)
    places = ("-D", "data", "-C", "data")
    report = run(folder, "calcurse", *places, "-i", "feed.ics", zone=zone)
    assert "0 skipped" in report, report
    line = r"= %(start:epoch) %(end:epoch) %m\n"
    formats = ("--format-apt", line, "--format-recur-apt", line)
    span = ("--input-datefmt", "4", "--from", f"{YEAR[0]:%Y-%m-%d}", "--to", f"{YEAR[1] - timedelta(days=1):%Y-%m-%d}")
    found = run(folder, "calcurse", *places, "-Q", *span, *formats, zone=zone)
    return [_from_calcurse(each) for each in found.splitlines() if each.startswith("=")]


def has_calcurse() -> bool:
    return shutil.which("calcurse") is not None


def run(folder: Path, *command: str, zone: str = "UTC") -> str:
    """The program's output. Raises with what it said where it failed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TZ": zone,
        **{f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "CACHE", "STATE")},
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


def _listed(line: dict[str, Any]) -> Listed:
    starts_at, ends_at = (_from_khal(line[f"{end}-long-full"]) for end in ("start", "end"))
    return Listed(line["uid"], line["title"], line["status"].strip() == "CANCELLED", Occurrence(starts_at, ends_at))


def _from_khal(text: str) -> datetime:
    return datetime.strptime(text, _KHAL_TIME).replace(tzinfo=UTC)


def _from_calcurse(line: str) -> Listed:
    _mark, begins, ends, summary = line.split(" ", 3)
    return Listed(
        "",
        summary,
        summary.startswith(CANCELLED),
        Occurrence(*(datetime.fromtimestamp(int(each), UTC) for each in (begins, ends))),
    )


def _vdirsyncer_settings(folder: Path, addresses: dict[str, str]) -> str:
    sections = [f"""[general]\nstatus_path = "{folder / "status"}"\n"""]
    for name, address in addresses.items():
        pair = name.replace("-", "_")
        sections.append(f"""
[pair {pair}]
a = "{pair}_web"
b = "{pair}_here"
collections = null
conflict_resolution = "a wins"
[storage {pair}_web]
type = "http"
url = "{address}"
[storage {pair}_here]
type = "filesystem"
path = "{folder / "calendars" / name}"
fileext = ".ics"
""")
    return "".join(sections)


def _khal_settings(folder: Path, names: list[str]) -> str:
    """Times are shown in UTC, so that every instant reads in one way only, by night too."""
    calendars = "".join(f"[[{name}]]\npath = {folder / 'calendars' / name}\nreadonly = True\n" for name in names)
    times = "timeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n"
    times += f"datetimeformat = {_KHAL_TIME}\nlongdatetimeformat = {_KHAL_TIME}\n"
    return f"[calendars]\n{calendars}[locale]\n{times}local_timezone = UTC\n[sqlite]\npath = {folder / 'khal.db'}\n"

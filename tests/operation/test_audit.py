"""What `make audit` makes of pip-audit's answers. pip-audit itself is not run: it asks the network."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests import audit_dependencies as audit

SOUND = {"name": "flask", "version": "3.1.3", "vulns": []}
WEAK = {
    "name": "werkzeug",
    "version": "3.0",
    "vulns": [{"id": "PYSEC-2026-7", "aliases": ["CVE-2026-4711"], "fix_versions": ["3.1"]}],
}
UNKNOWN = {"name": "alembic", "skip_reason": "Dependency not found on PyPI and could not be audited: alembic (1.20.1)"}


def judged(code: int, *dependencies: dict[str, Any], stderr: str = "") -> audit.Verdict:
    return audit.judge(code, json.dumps({"dependencies": list(dependencies), "fixes": []}), stderr)


def test_a_known_weakness_fails_and_is_named_with_its_remedy() -> None:
    code, lines = judged(1, SOUND, WEAK, stderr="Found 1 known vulnerability in 1 package")
    assert code == 1
    assert lines == ["  werkzeug 3.0: PYSEC-2026-7 (mended in: 3.1)", "audit: 1 known weaknesses in requirements.lock"]


def test_a_weakness_fails_also_where_other_libraries_are_not_known() -> None:
    assert judged(1, UNKNOWN, UNKNOWN, WEAK).code == 1
    assert judged(0, WEAK).code == 1


@pytest.mark.parametrize("named", ["PYSEC-2026-7", "CVE-2026-4711"])
def test_one_that_was_looked_at_may_be_accepted(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setattr(audit, "ACCEPTED", {named: "we do not use its development server"})
    assert judged(1, SOUND, WEAK).code == 0


def test_no_weakness_says_of_how_many() -> None:
    assert judged(0, SOUND, SOUND) == (0, ["audit: no known weakness in 2 libraries"])
    assert judged(0, SOUND, UNKNOWN).lines[0].endswith("advisory service: alembic")


def test_a_mirror_without_advisories_is_not_taken_for_good_news() -> None:
    code, lines = judged(0, UNKNOWN, UNKNOWN, stderr="No known vulnerabilities found")
    assert code == 0
    assert "not reachable" in lines[-1] and lines[-1].endswith("skipped")


@pytest.mark.parametrize(
    "stderr",
    [
        "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='x'): Max retries exceeded",
        "pip_audit._service.interface.ConnectionError: Could not connect to PyPI's vulnerability feed",
        "urllib3.exceptions.NameResolutionError: Failed to resolve",
        "requests.exceptions.HTTPError: 503 Server Error: Service Unavailable",
        "read timed out",
    ],
)
def test_a_service_that_does_not_answer_is_skipped_in_plain_words(stderr: str) -> None:
    assert audit.judge(1, "", stderr) == (0, ["audit: the advisory service is not reachable: skipped"])


@pytest.mark.parametrize("stdout", ["", "{}", "[]", "no JSON", "null"])
def test_an_answer_that_nobody_understands_fails(stdout: str) -> None:
    code, lines = audit.judge(2, stdout, "ERROR: requirements.lock: no such file")
    assert code == 1 and "no such file" in lines[0]


def test_a_failure_without_a_weakness_fails() -> None:
    assert judged(1, SOUND, stderr="hash mismatch").code == 1


def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def hang(command: list[str], **options: Any) -> None:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    assert audit.main() == 0
    assert capsys.readouterr().out == "audit: not reachable within 60 s: skipped\n"

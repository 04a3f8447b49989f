"""`make audit`: known weaknesses of the pinned libraries, by pip-audit. Fails on one; says where nobody could tell.

An advisory service that cannot be reached stops nobody's work, and neither does a mirror that knows no advisories: but
then nothing was audited, and the last line says so instead of "no known weakness".
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
LOCK = "requirements.lock"
SECONDS = 60
ACCEPTED: dict[str, str] = {}
"""By its id, why a known weakness does not concern us. Looked at anew with each release."""
_UNREACHABLE = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|timed out|Max retries|NameResolution|Name or service not known"
    r"|SSLError|ProxyError|Connection refused|Connection reset|Service Unavailable|Bad Gateway|5\d\d Server Error"
)


class Verdict(NamedTuple):
    code: int
    lines: list[str]


def main() -> int:
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--requirement", LOCK]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
        verdict = judge(done.returncode, done.stdout, done.stderr)
    except subprocess.TimeoutExpired:
        verdict = Verdict(0, [f"audit: not reachable within {SECONDS} s: skipped"])
    sys.stdout.write("".join(f"{each}\n" for each in verdict.lines))
    return verdict.code


def judge(code: int, stdout: str, stderr: str) -> Verdict:
    """What pip-audit's answer means for `make check`."""
    try:
        found: list[dict[str, Any]] = json.loads(stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        if _UNREACHABLE.search(stderr):
            return Verdict(0, ["audit: the advisory service is not reachable: skipped"])
        return Verdict(1, [*stderr.splitlines()[-5:], f"audit: pip-audit failed with code {code}"])
    weak = [_line(each, one) for each in found for one in each.get("vulns", []) if not _accepted(one)]
    unknown = [each["name"] for each in found if "skip_reason" in each]
    if weak:
        return Verdict(1, [*weak, f"audit: {len(weak)} known weaknesses in {LOCK}"])
    if len(unknown) == len(found):
        return Verdict(0, ["audit: the advisory service is not reachable (it knows none of our libraries): skipped"])
    if code != 0 and not any(each.get("vulns") for each in found):
        return Verdict(1, [*stderr.splitlines()[-5:], f"audit: pip-audit failed with code {code}"])
    lines = [f"audit: not known to the advisory service: {', '.join(unknown)}"] if unknown else []
    return Verdict(0, [*lines, f"audit: no known weakness in {len(found) - len(unknown)} libraries"])


def _line(library: dict[str, Any], weakness: dict[str, Any]) -> str:
    mended = ", ".join(weakness.get("fix_versions", [])) or "not yet"
    return f"  {library['name']} {library.get('version', '?')}: {weakness['id']} (mended in: {mended})"


def _accepted(weakness: dict[str, Any]) -> bool:
    return bool({weakness["id"], *weakness.get("aliases", [])} & ACCEPTED.keys())


if __name__ == "__main__":
    sys.exit(main())

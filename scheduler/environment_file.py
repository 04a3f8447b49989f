"""`python -m scheduler.environment_file > deploy/sprechstunde.env.example`: every setting with its words and default.

Read from config.py itself, so that the file cannot tell other than the settings do; a test compares the two.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from dataclasses import MISSING, fields
from itertools import pairwise
from pathlib import Path

import config
from config import Config

NOT_FOR_A_TOWN = ("demo", "mail_sink")
"""Set by the demo alone."""
_FIRST = """\
# Settings of one installation, for systemd's EnvironmentFile and for `set -a; . FILE; set +a` in a shell.
# Copy it to /etc/sprechstunde/sprechstunde.env, owned by root, readable by the group of the service: chmod 640.
# What is commented out shows the default. Values with spaces or {braces} stand in single quotes.
"""


def write_file() -> str:
    """The whole file."""
    docs = _documented()
    return "\n".join([_FIRST, *(_entry(name, docs[name]) for name in docs if name not in NOT_FOR_A_TOWN)])


def _documented() -> dict[str, str]:
    """By the field's name, in order, what config.py says of it."""
    tree = ast.parse(Path(config.__file__).read_text("utf-8"))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Config").body
    found = {}
    for field, words in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(words, ast.Expr) and isinstance(words.value, ast.Constant):
            said = " ".join(str(words.value.value).partition(": ")[2].split())
            found[ast.unparse(field.target)] = said[:1].upper() + said[1:]
    return found


def _entry(name: str, words: str) -> str:
    default = next(each.default for each in fields(Config) if each.name == name)
    lines = textwrap.wrap(words, 116, initial_indent="# ", subsequent_indent="# ")
    setting = f"{name.upper()}=" if default is MISSING else f"#{name.upper()}={_shown(default)}"
    return "\n".join([*lines, setting, ""])


def _shown(default: object) -> str:
    """As it is written in the environment."""
    if isinstance(default, bool):
        return str(int(default))
    text = ",".join(sorted(default)) if isinstance(default, frozenset) else str(default)
    return f"'{text}'" if any(each in text for each in ' {}";$`') else text


if __name__ == "__main__":
    sys.stdout.write(write_file())

"""What README and docs say exists: settings, commands, files, addresses."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from config import Config
from scheduler import create_app
from tests.conftest import make_config

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_readme_names_every_setting() -> None:
    missing = [each.name.upper() for each in fields(Config) if f"`{each.name.upper()}`" not in README]
    assert missing == []


def test_every_field_of_the_settings_says_what_it_does() -> None:
    source = (ROOT / "config.py").read_text("utf-8")
    undocumented = [each.name for each in fields(Config) if f'"""{each.name.upper()}: ' not in source]
    assert undocumented == []


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_links_and_pictures_lead_to_files(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    assert [each for each in targets if not each.startswith("http") and not (ROOT / each).exists()] == []


def test_readme_s_flask_commands_exist(tmp_path: Path) -> None:
    app = create_app(make_config(f"sqlite:///{tmp_path / 'none.db'}"))
    named = set(re.findall(r"flask --app wsgi ([a-z-]+)", README))
    assert named
    assert named <= set(app.cli.commands)
    app.extensions["database"].engine.dispose()


def test_architecture_s_map_matches_the_folders() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    folders = [each.name for each in (ROOT / "scheduler").iterdir() if (each / "__init__.py").exists()]
    unnamed = [each for each in folders if each not in text and each not in ("migrations", "translations")]
    assert unnamed == []


def test_the_api_document_names_every_route(tmp_path: Path) -> None:
    app = create_app(make_config(f"sqlite:///{tmp_path / 'none.db'}"))
    document = (ROOT / "docs" / "api.md").read_text("utf-8")
    routes = [each for each in app.url_map.iter_rules() if each.rule.startswith("/api/")]
    assert routes
    for route in routes:
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}:
            assert f"{method} {route.rule}" in document
    app.extensions["database"].engine.dispose()

"""The small town's file, parsed, for each test to change."""

from __future__ import annotations

import tomllib

import pytest

from tests.town_file.small_file import SMALL, Data


@pytest.fixture
def data() -> Data:
    """The small town as parsed TOML, to be changed."""
    return tomllib.loads(SMALL.read_text())

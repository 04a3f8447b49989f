"""A server on loopback for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.busy_calendars.server import Server, running_server


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as found:
        yield found

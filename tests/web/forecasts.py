"""Forecasts as a test wants them: what the pages make of one, not how it is worked out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scheduler.actions.forecasting import OpeningForecast
from scheduler.web import board, tickets


def change_forecasts(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Every forecast that board and ticket pages show has these values from now on."""

    def changed(real: Callable[..., OpeningForecast]) -> Callable[..., OpeningForecast]:
        def answer(*args: Any) -> OpeningForecast:
            found = real(*args)
            return OpeningForecast(
                replace(found.newcomer, **changes),
                {visit_id: replace(each, **changes) for visit_id, each in found.waiting.items()},
            )

        return answer

    for module in (board, tickets):
        monkeypatch.setattr(module, "forecast_of", changed(module.forecast_of))

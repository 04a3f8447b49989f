"""The pictures of stations: different, stable, with a name in words."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from flask import Flask

from scheduler.models import Place
from scheduler.web.stations import SYMBOLS, say_symbol, symbol_of

SHEET = Path(__file__).parents[2] / "static" / "img" / "symbols.svg"
SVG = "{http://www.w3.org/2000/svg}"


def place_with(*stations: str) -> Place:
    return Place(key="p", name="P", address="", stations=list(stations))


def test_each_station_has_a_picture_of_its_own_by_its_place_in_the_file() -> None:
    place = place_with(*(f"Tisch {number}" for number in range(1, 13)))
    found = [symbol_of(place, each) for each in place.stations]
    assert found == list(SYMBOLS[:12])


def test_a_new_station_at_the_end_changes_no_picture() -> None:
    before, after = place_with("Tisch 1", "Tisch 2"), place_with("Tisch 1", "Tisch 2", "Zimmer 3")
    assert [symbol_of(before, each) for each in before.stations] == [symbol_of(after, each) for each in before.stations]


def test_more_stations_than_pictures_begin_anew() -> None:
    place = place_with(*(str(number) for number in range(len(SYMBOLS) + 1)))
    assert symbol_of(place, str(len(SYMBOLS))) == SYMBOLS[0]


def test_a_station_that_left_the_file_has_none() -> None:
    assert symbol_of(place_with("Tisch 1"), "Tisch 9") == ""


def test_every_picture_is_drawn_once_in_the_colour_of_the_text_around() -> None:
    text = SHEET.read_text()
    sheet = ElementTree.fromstring(text)
    drawn = {each.attrib["id"]: "".join(part.attrib.get("d", part.tag) for part in each) for each in sheet}
    assert set(drawn) == set(SYMBOLS)
    assert len(set(drawn.values())) == len(SYMBOLS) >= 12
    assert not re.search(r"fill=|stroke|<image|href|style", text)
    assert {each.attrib["viewBox"] for each in sheet} == {"0 0 48 48"}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_picture_has_a_name_in_words(shared_app: Flask, symbol: str) -> None:
    with shared_app.test_request_context(headers={"Accept-Language": "en"}):
        assert say_symbol(symbol) == symbol

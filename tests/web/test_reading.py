"""Opening an address changes nothing: mail scanners and link previews open all of them."""

from __future__ import annotations

import re

from flask import Flask

from tests.actions.small_town import SESSION, WEDNESDAY
from tests.web.addresses import all_addresses, make_rows, staff
from tests.web.live_town import LiveTown


def test_no_address_that_is_opened_changes_anything(app: Flask, town: LiveTown, open_day: None) -> None:
    rows, visitor = make_rows(town), staff(app, town)
    addresses = all_addresses(app, town, rows)
    for endpoint in ("feeds.show_feed", "places.show_feed"):
        visitor.open(addresses[endpoint])  # that somebody came is noted once in a while, after the answer
    before = town.dump()
    for endpoint, address in addresses.items():
        for method in ("GET", "HEAD", "OPTIONS"):
            assert visitor.open(address, method=method).status < 400, (endpoint, method)
        assert town.dump() == before, endpoint


def test_an_address_that_takes_forms_alone_cannot_be_opened(app: Flask, town: LiveTown, open_day: None) -> None:
    rows, visitor = make_rows(town), staff(app, town)
    only_post = {rule.rule for rule in app.url_map.iter_rules() if "POST" in rule.methods}
    only_post -= {rule.rule for rule in app.url_map.iter_rules() if "GET" in rule.methods}
    assert len(only_post) > 15
    before = town.dump()
    for rule in only_post:
        address = rule.replace("<id:visit_id>", str(rows.waiting)).replace("<token>", town.token(rows.booked))
        address = address.replace("<id:consultation_id>", str(rows.consultation))
        address = re.sub("<id:[a-z_]+>", "1", address).replace("<hours_key>/<original_on>", f"{SESSION}/{WEDNESDAY}")
        page = visitor.open(address)
        assert page.status == 405, address
        assert "/" in page.links or address.startswith("/api/")
    assert town.dump() == before

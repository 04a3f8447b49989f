"""Somebody at a browser: opens addresses, sends forms as the page shows them, is logged in or not."""

from __future__ import annotations

from typing import Any

from flask import Flask

from scheduler.domain.proofs import solve
from scheduler.models import Account
from tests.web.page import Form, Page


def solved(form: Form, changes: dict[str, Any]) -> dict[str, Any]:
    """What is sent, with the proof that a browser finds by itself; `proof=""`: as without JavaScript."""
    given = form.element.attrs
    if "data-challenge" in given and "proof" not in changes:
        number = solve(given["data-salt"], given["data-hash"], int(given["data-numbers"]))
        changes = {**changes, "proof": f"{given['data-challenge']}.{number}"}
    return form.filled(**changes)


class Visitor:
    """One browser with its cookies. `https`: behind a proxy that speaks TLS."""

    def __init__(self, app: Flask, languages: str = "en", https: bool = False) -> None:
        self.client = app.test_client()
        self.languages = languages
        self.base_url = "https://localhost" if https else "http://localhost"

    def open(self, address: str, *, method: str = "GET", **options: Any) -> Page:
        headers = {"Accept-Language": self.languages, **options.pop("headers", {})}
        response = self.client.open(address, method=method, base_url=self.base_url, headers=headers, **options)
        return Page(response)

    def post(self, address: str, /, page: Page | None = None, **fields: Any) -> Page:
        """A form that no page shows: a hostile one. Its token is that of `page`, or of the page for codes."""
        token = (page or self.open("/code")).root.all("input", name="csrf_token")[0].attrs["value"]
        return self.open(address, method="POST", data={"csrf_token": token, **fields})

    def send(self, form: Form, **changes: Any) -> Page:
        """Send a form as the page shows it, with these fields changed."""
        return self.open(form.action.split("#")[0], method=form.method.upper(), data=solved(form, changes))

    def press(self, page: Page, action: str, **changes: Any) -> Page:
        return self.send(page.form(action), **changes)

    def follow(self, page: Page) -> Page:
        assert page.status in (302, 303), (page.status, page.text)
        return self.open(page.location.split("#")[0])

    def log_in_as(self, account_id: int) -> Visitor:
        """As after the log-in page, without the slow password hash."""
        with self.client.application.extensions["database"].reading() as reading:
            epoch = reading.get_one(Account, account_id).epoch
        with self.client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = f"{account_id}:{epoch}", True
        return self

    def stay_logged_in(self) -> None:
        """As if this log-in had just begun: it lasts for twelve hours, however much it is used."""
        with self.client.session_transaction() as session:
            session.pop("began_at", None)

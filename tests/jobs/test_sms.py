"""Text messages at the gateway: what is posted, which answers are final, and what is never repeated in a log."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs

import pytest

from config import Config
from scheduler.delivery import sms
from scheduler.delivery.sms import Refused, reason_of, send
from tests.conftest import make_config
from tests.jobs.sms_gateway import Gateway, running_gateway

PHONE, KEY = "+4915112345678", "7.reminder.2"
NASTY = 'Zeile 1\nموعدك "{key}" \\ & = +'


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with running_gateway() as running:
        yield running


def config_for(gateway: Gateway, **changes: Any) -> Config:
    return make_config("sqlite://", sms_url=gateway.url, **changes)


def send_to(gateway: Gateway, text: str = "Termin", **changes: Any) -> None:
    send(config_for(gateway, **changes), phone=PHONE, text=text, key=KEY)


def test_json_is_filled_whatever_the_text_holds(gateway: Gateway) -> None:
    send_to(
        gateway, NASTY, sms_template='{"to": ["{to}"], "content": {"body": "{text}"}, "ref": "x-{key}", "flash": false}'
    )
    (received,) = gateway.received
    assert received.headers["Content-Type"] == "application/json"
    assert json.loads(received.body) == {
        "to": [PHONE],
        "content": {"body": NASTY},
        "ref": f"x-{KEY}",
        "flash": False,
    }


def test_a_form_is_filled_whatever_the_text_holds(gateway: Gateway) -> None:
    send_to(gateway, NASTY, sms_template="to={to}&text={text}&sender=Stadt")
    (received,) = gateway.received
    assert received.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(received.body.decode()) == {"to": [PHONE], "text": [NASTY], "sender": ["Stadt"]}


def test_every_attempt_carries_the_same_key_and_the_secret(gateway: Gateway) -> None:
    for _ in range(2):
        send_to(gateway, sms_authorization="Bearer secret")
    assert [each.headers["Idempotency-Key"] for each in gateway.received] == [KEY, KEY]
    assert {each.headers["Authorization"] for each in gateway.received} == {"Bearer secret"}


def test_without_a_secret_no_such_header_goes(gateway: Gateway) -> None:
    send_to(gateway)
    assert "Authorization" not in gateway.received[0].headers


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_taken(gateway: Gateway, status: int) -> None:
    gateway.status = status
    send_to(gateway)
    assert len(gateway.received) == 1


@pytest.mark.parametrize("status", [400, 410, 413, 422])
def test_what_is_wrong_with_the_message_is_final(gateway: Gateway, status: int) -> None:
    gateway.status = status
    with pytest.raises(Refused) as refused:
        send_to(gateway)
    assert reason_of(refused.value) == f"Refused {status}"


@pytest.mark.parametrize("status", [401, 402, 403, 404, 408, 409, 425, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(gateway: Gateway, status: int) -> None:
    """A wrong secret or no credit, too: that is mended in an hour, and no message is to blame."""
    gateway.status = status
    with pytest.raises(HTTPError) as failed:
        send_to(gateway)
    assert reason_of(failed.value) == f"HTTPError {status}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(gateway: Gateway, status: int) -> None:
    gateway.status, gateway.answer_headers = status, {"Location": f"{gateway.url}/elsewhere"}
    with pytest.raises(HTTPError):
        send_to(gateway, sms_authorization="Bearer secret")
    assert [each.path for each in gateway.received] == ["/send"]


def test_a_gateway_that_does_not_answer_is_given_up(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sms.TIMEOUT_SECONDS == 20
    monkeypatch.setattr(sms, "TIMEOUT_SECONDS", 0.2)
    gateway.delay = threading.Event()
    with pytest.raises(OSError) as failed:
        send_to(gateway)
    assert "Timeout" in reason_of(failed.value) or "timeout" in reason_of(failed.value)


def test_a_gateway_that_is_not_there_is_tried_again() -> None:
    with running_gateway() as gone:
        pass
    with pytest.raises(URLError) as failed:
        send_to(gone)
    assert reason_of(failed.value) == "URLError ConnectionRefusedError"


def test_no_reason_repeats_number_text_or_secret(gateway: Gateway) -> None:
    for gateway.status in (400, 429, 500):
        with pytest.raises((Refused, HTTPError)) as failed:
            send_to(gateway, "geheim", sms_authorization="Bearer geheim")
        assert PHONE not in reason_of(failed.value) and "geheim" not in reason_of(failed.value)
    assert PHONE not in reason_of(ValueError(PHONE))


def test_in_the_demo_nothing_leaves_and_the_text_is_kept(gateway: Gateway, tmp_path: Path) -> None:
    send_to(gateway, "Termin: Mi 25.11. 9:15\nBürgerbüro", mail_sink=tmp_path)
    assert gateway.received == []
    (path,) = tmp_path.glob("*.eml")
    kept = message_from_bytes(path.read_bytes(), policy=default)
    assert (str(kept["To"]), kept["Subject"]) == (PHONE, None)
    assert kept.get_content().replace("\r\n", "\n").strip() == "Termin: Mi 25.11. 9:15\nBürgerbüro"

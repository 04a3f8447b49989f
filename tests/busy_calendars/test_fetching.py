"""Fetching: which addresses are asked at all, and by which IP address; redirects, secrets, the deadline."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scheduler.busy_calendars import CalendarProblem, fetching
from scheduler.busy_calendars.addresses import is_public, normal_address
from scheduler.busy_calendars.fetching import Fetched, Known, fetch
from tests.busy_calendars.server import Server, drips, running_server, says_nothing, sends_body

NAME = "calendar.example"
NOTHING = Known()
KNOWN = Known('"abc"', "Tue, 24 Nov 2026 08:00:00 GMT")


def fetch_from(server: Server, url: str | None = None, known: Known = NOTHING, seconds: float = 10) -> Fetched:
    return fetch(url or server.url(), known, allowed_hosts=frozenset({server.name}), seconds=seconds)


def problem_of(url: str, *allowed: str) -> str:
    with pytest.raises(CalendarProblem) as caught:
        fetch(url, allowed_hosts=frozenset(allowed), seconds=5)
    return caught.value.key


def answering(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names lead to these addresses, each look-up to the next; gives the names that were asked."""
    asked: list[str] = []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    monkeypatch.setattr(fetching, "look_up", look_up)
    return asked


def test_a_calendar_comes_with_what_the_server_says_of_it(server: Server) -> None:
    server.serve(sends_body(b"BEGIN", 'ETag: "abc"', f"Last-Modified: {KNOWN.last_modified}"))
    assert fetch_from(server) == Fetched(b"BEGIN", KNOWN)
    assert "Accept-Encoding: identity" in server.requests[0]
    assert f"Host: {server.name}" in server.requests[0]


def test_what_is_known_is_asked_for_only_if_it_changed(server: Server) -> None:
    server.serve(lambda connection: connection.sendall(b"HTTP/1.1 304 Not Modified\r\n\r\n"))
    assert fetch_from(server, known=KNOWN) == Fetched(None, KNOWN)
    assert 'If-None-Match: "abc"' in server.requests[0]
    assert f"If-Modified-Since: {KNOWN.last_modified}" in server.requests[0]


def test_an_answer_that_nobody_asked_for_is_none(server: Server) -> None:
    server.serve(lambda connection: connection.sendall(b"HTTP/1.1 304 Not Modified\r\n\r\n"))
    with pytest.raises(CalendarProblem, match="server_error"):
        fetch_from(server)


def test_headers_that_could_not_be_sent_back_are_not_kept(server: Server) -> None:
    server.serve(sends_body(b"BEGIN", "ETag: \xe4", f"Last-Modified: {'x' * 201}"))
    assert fetch_from(server).known == Known()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_redirects_are_followed_also_relative_ones(server: Server, status: str) -> None:
    server.serve(sends_body(b"", "Location: there.ics?a=b c", status=status), "/in/calendar.ics")
    server.serve(sends_body(b"BEGIN"), "/in/there.ics?a=b%20c")
    assert fetch_from(server, server.url("/in/calendar.ics")).body == b"BEGIN"


def test_a_password_goes_to_the_first_host_alone(server: Server) -> None:
    with running_server() as other:
        server.serve(sends_body(b"", f"Location: {other.url()}", status="302 Found"))
        other.serve(sends_body(b"BEGIN"))
        url = server.url().replace("//", "//ada:s%20cret@")
        assert fetch(url, allowed_hosts=frozenset({server.name, other.name})).body == b"BEGIN"
        assert "Authorization: Basic YWRhOnMgY3JldA==" in server.requests[0]
        assert "Authorization" not in other.requests[0]


def test_a_redirect_that_names_another_user_there_sends_no_password(server: Server) -> None:
    with running_server() as other:
        server.serve(sends_body(b"", f"Location: {other.url().replace('//', '//x:y@')}", status="302 Found"))
        other.serve(sends_body(b"BEGIN"))
        fetch(server.url(), allowed_hosts=frozenset({server.name, other.name}))
        assert "Authorization" not in other.requests[0]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2a00:1450:4001:800::200e", True),
        ("64:ff9b::808:808", True),
        ("::ffff:8.8.8.8", True),
        *(
            (each, False)
            for each in (
                "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
                "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "::", "::1", "::7f00:1", "::ffff:127.0.0.1",
                "::ffff:10.1.2.3", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "fe80::1", "fe80::1%eth0",
                "fd00::1", "fec0::1", "ff02::1", "ff0e::1",
            )
        ),
    ],
)  # fmt: skip
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0", "[::]"]
)
def test_our_own_machine_is_not_asked_however_it_is_written(server: Server, host: str) -> None:
    assert problem_of(f"https://{host}:{server.port}/calendar.ics") in ("private_address", "unknown_host")
    assert server.requests == []


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://calendar.example/a.ics", "not_https"),
        ("ftp://calendar.example/a.ics", "not_https"),
        ("file:///etc/passwd", "not_https"),
        ("gopher://127.0.0.1:70/x", "not_https"),
        ("https:///a.ics", "unknown_host"),
        ("https://calendar.example:99999/", "unknown_host"),
        ("https://[::1/", "unknown_host"),
        ("https://a..b/", "unknown_host"),
        ("https://nowhere.invalid/", "unknown_host"),
    ],
)
def test_what_is_no_safe_address_is_not_asked(monkeypatch: pytest.MonkeyPatch, url: str, problem: str) -> None:
    answering(monkeypatch, [])
    assert problem_of(url) == problem


def test_a_host_of_the_settings_is_allowed_with_its_port_alone(server: Server) -> None:
    server.serve(sends_body(b"BEGIN"))
    with running_server() as other:
        other.serve(sends_body(b"BEGIN"))
        assert problem_of(other.url(), server.name) == "not_https"
        assert problem_of(other.url().replace("http:", "https:"), server.name, "127.0.0.1") == "private_address"
        assert other.requests == []


def test_the_name_is_looked_up_once_and_the_checked_address_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = answering(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])  # the second answer is the trap
    reached: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    assert problem_of(f"https://{NAME}/a.ics") == "unreachable"
    assert asked == [NAME]
    assert reached == [("8.8.8.8", 443)]


def test_of_several_addresses_the_private_ones_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["10.0.0.1", "8.8.8.8", "::1", "1.1.1.1"])
    reached: list[str] = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        reached.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    assert problem_of(f"https://{NAME}/a.ics") == "unreachable"
    assert reached == ["8.8.8.8", "1.1.1.1"]


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate for `calendar.example`, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_by_tls_the_certificate_must_be_that_of_the_name(monkeypatch: pytest.MonkeyPatch, authority: Path) -> None:
    answering(monkeypatch, ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    trusting = ssl.create_default_context(cafile=str(authority))
    with running_server(lambda plain: context.wrap_socket(plain, server_side=True)) as server:
        server.serve(sends_body(b"BEGIN"))
        allowed = frozenset({f"{NAME}:{server.port}", f"other.example:{server.port}"})
        url = f"webcal://{NAME}:{server.port}/calendar.ics"
        assert fetch(url, allowed_hosts=allowed, tls=trusting, seconds=10).body == b"BEGIN"
        assert f"Host: {NAME}:{server.port}" in server.requests[0]
        for wrong, tls in ((url, None), (url.replace(NAME, "other.example"), trusting)):
            with pytest.raises(CalendarProblem, match="bad_certificate"):
                fetch(wrong, allowed_hosts=allowed, tls=tls, seconds=10)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        says_nothing,
        drips(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_the_deadline_holds_however_slowly_it_drips(server: Server, answer: object) -> None:
    server.answers["/calendar.ics"] = answer  # type: ignore[assignment]
    began = time.monotonic()
    with pytest.raises(CalendarProblem, match="too_slow"):
        fetch_from(server, seconds=0.4)
    assert time.monotonic() - began < 3


def test_the_deadline_holds_for_the_look_up_and_the_handshake_too(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.monotonic()
    with pytest.raises(CalendarProblem, match="too_slow"):
        fetch(f"https://{server.name}/", allowed_hosts=frozenset({server.name}), seconds=0.4)

    def look_up(_host: str, _port: int) -> list[str]:
        time.sleep(2)
        return []

    monkeypatch.setattr(fetching, "look_up", look_up)
    with pytest.raises(CalendarProblem, match="too_slow"):
        fetch(f"https://{NAME}/", seconds=0.2)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        (" https://Calendar.example/a.ics#top ", "https://calendar.example/a.ics"),
        ("https://calendar.example.:443/a.ics", "https://calendar.example/a.ics"),
        ("https://me:a%2Fb@calendar.example:8443", "https://me:a%2Fb@calendar.example:8443/"),
        ("webcal://calendar.example/a.ics?b=c", "https://calendar.example/a.ics?b=c"),
        ("WEBCALS://calendar.example/a.ics", "https://calendar.example/a.ics"),
        ("calendar.example/a.ics", "https://calendar.example/a.ics"),
    ],
)
def test_an_address_is_taken_as_people_paste_it(typed: str, url: str) -> None:
    assert normal_address(typed) == (url, "calendar.example")


@pytest.mark.parametrize(
    "typed",
    ["", "   ", "https://", "http://calendar.example/", "javascript:alert(1)", "https://a b.example/", "ftp://a.example/",
     "https://calendar.example/\r\nX: y", f"https://calendar.example/{'x' * 2000}", "https://\u202ea.example/"],
)  # fmt: skip
def test_what_is_no_address_is_not_taken(typed: str) -> None:
    with pytest.raises(CalendarProblem):
        normal_address(typed)


def test_no_error_repeats_the_address(server: Server) -> None:
    with pytest.raises(CalendarProblem) as caught:
        fetch_from(server, server.url("/very-secret"))
    assert "secret" not in str(caught.value)

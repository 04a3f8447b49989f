"""A few seconds of the soak, so that it still runs when somebody needs it, and hears of what it is there to find."""

from __future__ import annotations

from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from bench.soak import Load, Result, limit, soak
from bench.soak_people import Call, Tally, Watcher


def test_a_few_seconds_under_load_fail_no_request_and_lose_no_step() -> None:
    result = soak(Load(seconds=3, watchers=10, hurry=20))
    assert result.failed == []
    assert result.acknowledged == result.stored
    assert all(result.stored[verb] >= 1 for verb in ("register", "call", "start", "finish"))
    polls = Counter((each.kind, each.status) for each in result.calls if each.kind.endswith("poll"))
    assert {kind for kind, _ in polls} == {"board, poll", "ticket page, poll"}
    assert any(status == 304 for _, status in polls), "an unchanged poll is answered in full"


def test_what_is_refused_broken_or_silent_counts_as_failed() -> None:
    calls = [Call("board, poll", 0.1, status) for status in (200, 303, 304, 0, 404, 409, 500)]
    assert [each.status for each in Result(calls, Counter(), Counter()).failed] == [0, 404, 409, 500]


def test_polls_and_steps_have_a_limit_but_log_ins_have_none() -> None:
    assert [limit(each) for each in ("ticket page, poll", "desk, step register", "log-in")] == [0.5, 1.0, float("inf")]


def test_whoever_falls_over_is_noticed() -> None:
    def live(_: Event) -> None:
        raise LookupError("no such button")

    tally = Tally()
    tally.watch_over(live, Event())
    assert [(each.kind, each.is_fine) for each in tally.calls] == [("LookupError: no such button", False)]


def test_a_watcher_polls_with_its_etag_as_often_as_the_page_asks() -> None:
    stop, asked = Event(), list[tuple[str, str | None]]()

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("If-None-Match")))
            known = self.headers.get("If-None-Match") == '"one"'
            body = b"" if known else b'<div data-poll="/part" data-poll-seconds="0.02" data-poll-again="0.01">'
            self.send_response(304 if known else 200)
            self.send_header("ETag", '"one"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            if len(asked) == 4:
                stop.set()

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    serving = Thread(target=server.serve_forever)
    serving.start()
    tally = Tally()
    Watcher(f"http://127.0.0.1:{server.server_port}", "board", "/board", 0, 1000, tally).live(stop)
    server.shutdown()
    serving.join()
    server.server_close()
    assert asked[:4] == [("/board", None), ("/part", None), ("/part", '"one"'), ("/part", '"one"')]
    assert len(asked) <= 5, "one may have been on its way when it was stopped"
    assert [each.status for each in tally.calls] == [200, 200, 304, 304]

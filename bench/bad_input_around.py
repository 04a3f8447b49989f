"""What stands around the fields of a request: names in its address, types of its body, headers, methods."""

from __future__ import annotations

import re
from pathlib import Path

from bench.bad_input_requests import FORM, JSON

ROOT = Path(__file__).parents[1]
_READ = re.compile(r"""(?:form|args|values|given|typed)(?:\.get(?:list)?\(|\[)"(\w+)\"""")


def names_read() -> list[str]:
    """Names that some view reads from a form or an address, as its source says."""
    sources = (path.read_text("utf-8") for path in sorted((ROOT / "scheduler" / "web").rglob("*.py")))
    return sorted({name for source in sources for name in _READ.findall(source)} | {"locale", "next", "page", "q"})


BROKEN_BOUNDARY = "multipart/form-data; boundary=b"
CONTENT_TYPES = (
    "", "text/plain", JSON, "application/json; charset=utf-16", f"{FORM}; charset=utf-16", "a/b/c",
    f"{FORM}; charset=\"",
    "multipart/form-data", "multipart/form-data; boundary=", f"multipart/form-data; boundary={'x' * 300}",
    "/", ";", "é",
    "application/xml", "multipart/mixed; boundary=b", "application/octet-stream", f"{FORM}, {JSON}",
)  # fmt: skip
HEADERS: dict[str, tuple[str, ...]] = {
    "Accept-Language": ("", "*", "ar", "xx-YY", "de;q=9", "de;q=NaN", "de;q=-1", ",,,", "a" * 5000, "\xe9"),
    "Accept": ("", "*", "text/html;q=x", "application/json", "a/b;c=\"", ","),
    "Accept-Encoding": ("gzip", "gzip;q=nan", "*", ";", "gzip;q=1e400", "identity;q=0, *;q=0"),
    "If-None-Match": ("*", "W/", "\"", '""', "W/\"a\", b", "a" * 5000, "\xff"),
    "If-Match": ("*", "\"a\"", ""),
    "If-Modified-Since": ("Thu, 01 Jan 1970 00:00:00 GMT", "x", "Wed, 99 Nov 2026 99:99:99 GMT", "9" * 40),
    "If-Unmodified-Since": ("Fri, 31 Dec 9999 23:59:59 GMT", "-1"),
    "If-Range": ("\"a\"", "x"),
    "Range": ("bytes=0-0", "bytes=-1", "bytes=9-1", "bytes=0-,0-,0-", "x=1-2", f"bytes={'9' * 40}-", "bytes=a-b"),
    "Idempotency-Key": ("", "short", "\"" * 20, "a" * 16, "a" * 201, "\xe9" * 20, "0123456789abcdef", "\t" * 20),
    "X-Forwarded-For": ("127.0.0.1", "x", "::1, 1.2.3.4", "'", "a" * 300),
    "X-Forwarded-Proto": ("https", "javascript"),
    "X-Forwarded-Host": ("evil.example", "evil.example\""),
    "Host": ("evil.example", "", "localhost:99999", "[::1", "a b", "\xe9.example", "localhost:", "..", "a" * 300),
    "Cookie": (
        "session=", "session=x", "session=.eJw.x.y", "session=a; session=b", "locale=de", "locale=xx", "locale=../..",
        "paper=1", "paper=9999", "paper=\xe9", "=;;=,", "remember_token=1|x", "session=" + "a" * 9000, "\"", "a" * 5000,
    ),
    "Content-Length": ("-1", "x", "99999999999999999999", "5", "0", "", "1e3"),
    "Transfer-Encoding": ("chunked", "x"),
    "Content-Encoding": ("gzip", "deflate"),
    "X-HTTP-Method-Override": ("DELETE",),
    "X-CSRFToken": ("x", ""),
    "Referer": ("https://evil.example/", "x"),
    "Origin": ("https://evil.example", "null"),
    "Expect": ("100-continue",),
    "User-Agent": ("", "\xe9", "'\"<b>", "a" * 5000),
    "Authorization": ("Bearer only-for-this-run", "Basic x", "Bearer x", "Basic \xe9", "Digest username=\""),
    "Sec-Fetch-Site": ("cross-site",),
    "X-Requested-With": ("XMLHttpRequest",),
}  # fmt: skip
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "QUERY", "post", "X")

"""Values that no honest client sends, by kind: what a field, a part of an address or a JSON value may be made of.

Every maker takes the source of chance and what an honest client would send, and gives the raw bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from urllib.parse import quote_from_bytes

from scheduler.web.app import LARGEST_BODY

Make = Callable[[Random, bytes], bytes]

TAG, ATTRIBUTE, HEADER = "data-x", "data-y", "X-Injected"
"""What would stand in an answer that sent markup or a header back as it came."""

_MARKUP = (
    f"<b {TAG}>", f"\"><b {TAG}>", f"'><b {TAG}>", f"</title><b {TAG}>", f"</textarea><b {TAG}>", f"\" {ATTRIBUTE}=\"",
    f"' {ATTRIBUTE}='", f"<!--><b {TAG}>", f"&lt;b {TAG}&gt;", f"]]><b {TAG}>", "javascript:alert(1)",
    "data:text/html,<b>", "{{ 7 * 7 }}", "${7*7}", "{%raw%}", "%(name)s %s %d", "{0.__class__}", "\\u003cb\\u003e",
)  # fmt: skip
_SQL = (
    "'", "''", "\"", "' OR '1'='1", "'; DROP TABLE visit; --", "1 OR 1=1", "%' OR '%'='", "\\", "\\'", "$1", ":id",
    "1); DELETE FROM visit; --", "/**/", "0x27", "_%", "NULL", "admin'--",
)  # fmt: skip
_PATHS = (
    "../../../../etc/passwd", "..\\..\\win.ini", "/etc/passwd", "....//....//", "%2e%2e%2f", "file:///etc/passwd",
    "//evil.example", "/\\evil.example", "https://evil.example/", "http:evil.example", "///evil.example", "?", "#",
    "..",
    ".", "/", "a/b", "a/../b", "~", "C:\\", "http://127.0.0.1:1/", "http://[::1", "https://[v1.x]/", "webcal://\u2100/",
    "/\t/evil.example", "/login?next=/login?next=/", "https:///", "//[", "https://user:p@ss@host:99999/x",
)  # fmt: skip
_NUMBERS = (
    "-1", "0", "-0", "1", "00", "007", "+1", " 1 ", "1 ", "1.0", "1.5", ".5", "1.", "1e3", "1e400", "-1e400", "1_000",
    "1,000", "0x10", "0b1", "0o7", "NaN", "nan", "inf", "-Infinity", "2147483647", "2147483648", "-2147483649",
    "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1" * 100, "9" * 5000, "²", "½",
    "1\u00a0", "\u0663", "1\n2", "21", "20", "99", "100", "1440", "3600", "86400",
)  # fmt: skip
_DIGITS = (
    "٠١٢٣٤٥٦٧٨٩",
    "۰۱۲۳۴۵۶۷۸۹",
    "０１２３４５６７８９",
    "०१२३४५६७८९",
    "๐๑๒๓๔๕๖๗๘๙",
    "⁰¹²³⁴⁵⁶⁷⁸⁹",
    "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
    "①②③④⑤⑥⑦⑧⑨⓪",
)
_WORDS = (
    "true", "false", "True", "None", "null", "undefined", "on", "off", "yes", "[]", "{}", "[null]", "NaN", "any",
    "other", "unknown", "all", "self", "me", "admin", "root", "default", "__proto__", "constructor",
)  # fmt: skip
_DATES = (
    "0000-00-00", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "-0001-01-01", "2026-02-30", "2024-02-29",
    "2026-02-29", "2026-13-01", "2026-00-10", "2026-11-31", "2026-W48-3", "2026-W48", "2026-330", "20261125",
    "26-11-25",
    "25.11.2026", "11/25/2026", "2026-11-25T00:00", "2026-11-25 ", "2026-11-25\u200f", "２０２６-11-25", "1969-12-31",
    "2026-03-29", "2026-10-25", "2026-12-24", "2027-01-01", "2026-11-18", "2026-11-26", "2500-01-01", "1900-01-01",
    "today", "2026-11-25/2026-11-26", "2026-11", "2026",
)  # fmt: skip
_TIMES = (
    "24:00", "23:59", "00:00", "25:00", "12:60", "9:5", "09:00:00", "09:00:60", "09:00:00.123456789", "0900", "9",
    "02:30", "-01:00", "09:00Z", "09:00+25:00", "9 Uhr", "٠٩:٠٠", "09:00:00+01:00", "T09:00", "12:00 PM",
    "00:00:00.0000001",
)  # fmt: skip
_INSTANTS = (
    "2026-11-25T09:00", "2026-11-25T09:00:00", "2026-11-25T09:00:00Z", "2026-11-25T09:00:00+01:00",
    "2026-11-25T09:00:00+24:00", "2026-11-25T09:00:00-23:59", "2026-11-25T09:00:00+01:00:30",
    "2026-11-25T09:00:61+01:00",
    "2026-03-29T02:30:00+01:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2027-03-28T02:30:00+02:00",
    "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59.999999Z",
    "1969-12-31T23:59:59Z", "2500-01-01T00:00:00Z", "2026-11-25T09:00:00+01:00[Europe/Berlin]",
    "2026-W48-3T09:00:00+01:00",
    "20261125T090000Z", "2026-11-25 09:00:00 01:00", "1764057600", "1e10", "2026-11-25T09:00:00.1234567891Z", "T", "Z",
    "2026-11-25T24:00:00+01:00", "2026-11-25t09:00:00z", "2026-11-25T09:15:00+01:00", "2026-11-25T09:07:00+01:00",
)  # fmt: skip
_HEADERS = (
    f"a\r\n{HEADER}: 1", f"a\n{HEADER}: 1", f"a\r{HEADER}: 1", f"/desk\r\n{HEADER}: 1", f"\r\n\r\n<b {TAG}>",
    f"%0d%0a{HEADER}:%201", f"a\u560d\u560a{HEADER}: 1", f"a\u2028{HEADER}: 1", f"a\x85{HEADER}: 1",
    f"a\x0b{HEADER}: 1",
    f"a;{HEADER}=1", "a, b", "\"", "=?utf-8?q?=0A?=", "ada@example.org\r\nBcc: eve@example.org",
    "ada@example.org, b@c.de",
)  # fmt: skip
_MARKS = (
    "\u202eabc", "\u200f", "\u061c1", "\u2066a\u2069", "\ufeff", "\u200b", "\u00ad", "\u2028", "\u2029", "\u0085",
    "\u00a0", "\u3000", "مرحبا", "שלום", "\u202a\u202b\u202c\u202d\u202e", "a\u200db", "\u034f", "\U000e0001",
)  # fmt: skip
_SMALL_PICTURES = (
    "😀",
    "👨‍👩‍👧‍👦",
    "🇩🇪",
    "👍🏿",
    "1️⃣",
    "☃",
    "\U0010ffff",
    "\U0001f574\ufe0f",
    "\uffff",
    "\ufffe",
    "\ufdd0",
)
_COMBINING = (
    "e\u0301",
    "Z" + "\u0351\u0300" * 50,
    "\u0301",
    "\u1100\u1161\u11a8",
    "ﷺ",
    "ŉ",
    "ß",
    "İ",
    "ı",
    "ﬃ",
    "Å",
    "ǆ",
)
_BROKEN = (
    b"\xff\xfe", b"\xc0\xaf", b"\xe2\x82", b"\xf5\x80\x80\x80", b"\x80", b"\xf0\x9f", b"a\xe9b", b"\xfe",
    b"\xf8\x88\x80",
)  # fmt: skip
_SURROGATES = (b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xed\xa0\xbd\xed\xb8\x80", b"a\xed\xa0\x80b", b"\\ud800", b"%uD800")
_LENGTHS = (100, 200, 201, 254, 255, 256, 1_000, 5_000, 20_000, LARGEST_BODY // 2)


def _one_of(texts: Sequence[str]) -> Make:
    return lambda chance, _honest: chance.choice(texts).encode("utf-8", "surrogatepass")


def _one_of_bytes(values: Sequence[bytes]) -> Make:
    return lambda chance, _honest: chance.choice(values)


def _beside(make: Make) -> Make:
    """By itself, or before, after or within what an honest client sends."""

    def put(chance: Random, honest: bytes) -> bytes:
        made, where = make(chance, honest), chance.randint(0, len(honest))
        return made if chance.random() < 0.6 else honest[:where] + made + honest[where:]

    return put


def _long(chance: Random, honest: bytes) -> bytes:
    unit = chance.choice([b"a", b"1", b" ", "ä".encode(), "😀".encode(), b"-", b"<", b"/", honest[:20] or b"0"])
    return unit * (chance.choice(_LENGTHS) // len(unit) + 1)


def _control(chance: Random, honest: bytes) -> bytes:
    each = bytes([chance.choice([*range(1, 32), 127])])
    where = chance.randint(0, len(honest))
    return chance.choice([each, honest[:where] + each + honest[where:], each * 50])


def _nul(chance: Random, honest: bytes) -> bytes:
    where = chance.randint(0, len(honest))
    return chance.choice([b"\0", honest + b"\0", b"\0" + honest, honest[:where] + b"\0" + honest[where:], b"\0" * 300])


def _other_digits(chance: Random, honest: bytes) -> bytes:
    script, text = chance.choice(_DIGITS), honest.decode("utf-8", "replace")
    if not any(each in "0123456789" for each in text):
        text = "".join(chance.choice("0123456789") for _ in range(chance.choice([1, 6, 9])))
    return "".join(script[ord(each) - 48] if each in "0123456789" else each for each in text).encode()


def _near(chance: Random, honest: bytes) -> bytes:
    """One slip away from what is right."""
    if not honest:
        return bytes([chance.randrange(32, 127)])
    where, other = chance.randrange(len(honest)), bytes([chance.randrange(32, 127)])
    head, tail = honest[:where], honest[where + 1 :]
    slips = [head + tail, head + other + tail, head + other + honest[where:], honest + honest, honest[::-1]]
    slips += [honest.upper(), honest.swapcase(), b" " + honest, honest + b"\t", honest[:where], honest + b"/" + honest]
    return chance.choice(slips)


def _percent(chance: Random, honest: bytes) -> bytes:
    once = quote_from_bytes(honest, safe="").encode()
    return chance.choice(
        [once, once.replace(b"%", b"%25"), b"%", b"%zz", b"%00", b"%u0041", b"+", b"&", b"=", b"a&b=c"]
    )


def _any_text(chance: Random, _honest: bytes) -> bytes:
    """Code points from everywhere."""
    ends = chance.choice([(0x20, 0x7F), (0x80, 0x2FF), (0x370, 0x1FFF), (0x2000, 0xD7FF), (0xE000, 0x10FFFF)])
    return "".join(chr(chance.randint(*ends)) for _ in range(chance.randint(1, 40))).encode("utf-8", "surrogatepass")


def _any_bytes(chance: Random, _honest: bytes) -> bytes:
    return chance.randbytes(chance.randint(1, 60))


KINDS: dict[str, Make] = {
    "empty": lambda _chance, _honest: b"",
    "blank": _one_of((" ", "\t", "  \n ", "\u00a0", "\u3000")),
    "long": _long,
    "control": _control,
    "NUL": _nul,
    "surrogates": _beside(_one_of_bytes(_SURROGATES)),
    "broken UTF-8": _beside(_one_of_bytes(_BROKEN)),
    "marks": _beside(_one_of(_MARKS)),
    "pictures": _beside(_one_of(_SMALL_PICTURES)),
    "combining": _beside(_one_of(_COMBINING)),
    "other digits": _other_digits,
    "number": _one_of(_NUMBERS),
    "word": _one_of(_WORDS),
    "date": _one_of(_DATES),
    "time": _one_of(_TIMES),
    "instant": _one_of(_INSTANTS),
    "SQL": _beside(_one_of(_SQL)),
    "markup": _beside(_one_of(_MARKUP)),
    "path": _beside(_one_of(_PATHS)),
    "percent": _percent,
    "header": _beside(_one_of(_HEADERS)),
    "near": _near,
    "any text": _any_text,
    "any bytes": _any_bytes,
}
"""How each kind of value is made."""

_DEEP = 2_000
JSON_VALUES = (
    "null", "true", "false", "0", "-0", "-1", "1", "1.0", "1.5", "1e400", "-1e400", "NaN", "Infinity", "2147483648",
    "9223372036854775808", "9" * 400, "1E-400", "01", "0x10", "[]", "{}", "[null]", '[""]', '{"":null}', '[[["a"]]]',
    '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\u202e"', '"\\uD83D\\uDE00"', '"\\x"', "'a'", '"', '"a',
    "undefined",
    "[" * _DEEP + "]" * _DEEP, '{"a":' * _DEEP + "1" + "}" * _DEEP, "[" * _DEEP, '"a" "b"', "1 2", '{"a":1,"a":2}',
    "/* */1", "[1,]", '{"a":1,}', "\ufeff1", '"\t"', '"\\/"', "",
)  # fmt: skip
"""Written as they stand, be they JSON or not."""


def json_value(chance: Random, honest: object) -> bytes:
    """One JSON value in the place of an honest one: of another type, or a hostile text."""
    if chance.random() < 0.5:
        return chance.choice(JSON_VALUES).encode("utf-8", "surrogatepass")
    made = chance.choice(list(KINDS.values()))(chance, str(honest).encode())
    if chance.random() < 0.1:
        return b'"' + made + b'"'  # not escaped: broken UTF-8 and raw control characters reach the parser
    return json.dumps(made.decode("utf-8", "replace")).encode()

"""Problem documents (RFC 9457): how the API says that something did not work."""

from __future__ import annotations

import json
from typing import Any

from flask import Response


def problem(status: int, title: str, *, detail: str = "", **members: Any) -> Response:
    """One problem document. `members`: what this kind of problem adds, such as `errors` or `alternatives`."""
    document = {"type": "about:blank", "title": title, "status": status, **members}
    if detail:
        document["detail"] = detail
    return Response(json.dumps(document, ensure_ascii=False), status=status, content_type="application/problem+json")

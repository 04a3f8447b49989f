"""QR codes as pictures: an address that a phone takes over from a screen or from paper."""

from __future__ import annotations

import io

import segno
from flask import Response

_KEPT_SECONDS = 3600


def draw_qr(text: str) -> Response:
    """The text as an SVG, which the browser may keep for itself for an hour."""
    picture = io.BytesIO()
    # XML without styles: the page's policy allows none.
    segno.make(text, error="m").save(picture, kind="svg", scale=4, border=2, svgclass=None, lineclass=None)
    response = Response(picture.getvalue(), content_type="image/svg+xml")
    response.cache_control.private = True
    response.cache_control.max_age = _KEPT_SECONDS
    return response

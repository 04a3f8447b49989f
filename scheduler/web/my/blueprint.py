"""The addresses of an adviser's own day."""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint("my", __name__, url_prefix="/my")

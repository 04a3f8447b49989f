"""Codes that are said on the phone, and links that cannot be guessed."""

from __future__ import annotations

import base64
import hmac

CODE_DIGITS = 9
_MAC_BYTES = 15
_LARGEST_ID = 2**31 - 1
"""PostgreSQL refuses to compare an id with more than its column holds."""


def spoken(code: str) -> str:
    """Nine digits in threes: 482 917 305."""
    return " ".join(code[start : start + 3] for start in range(0, len(code), 3))


def typed_code(text: str) -> str | None:
    """The nine digits that somebody typed, with whatever between them and in any script's digits; None: not a code."""
    digits = "".join(str(int(each)) for each in text if each.isdecimal())
    return digits if len(digits) == CODE_DIGITS else None


def link_token(secret: str, visit_id: int, epoch: int) -> str:
    """The visit's link: its id and a keyed hash over id and epoch. Derived when needed, never stored."""
    return _token(secret, visit_id, f"visit-link:{visit_id}:{epoch}")


def contact_token(secret: str, visit_id: int, epoch: int, channel: str, key: str) -> str:
    """The link by which one address is confirmed or erased, and that opens nothing else.

    `key` is the address's keyed hash: with another address, or none, the link is no longer one.
    """
    return _token(secret, visit_id, f"contact-link:{visit_id}:{epoch}:{channel}:{key}")


def linked_visit_id(token: str) -> int | None:
    """The visit that a token claims to be for. Compare it with the true one before believing it."""
    head, _, _ = token.partition("-")
    visit_id = int(head) if head.isascii() and head.isdigit() and len(head) <= len(str(_LARGEST_ID)) else None
    return visit_id if visit_id is not None and visit_id <= _LARGEST_ID else None


def _token(secret: str, visit_id: int, message: str) -> str:
    digest = hmac.digest(secret.encode(), message.encode(), "sha256")
    return f"{visit_id}-{base64.urlsafe_b64encode(digest[:_MAC_BYTES]).decode()}"


def keyed_hash(secret: str, purpose: str, value: str) -> str:
    """A hash that only this installation can make: finds equal values without keeping them."""
    return hmac.digest(secret.encode(), f"{purpose}:{value}".encode(), "sha256").hex()

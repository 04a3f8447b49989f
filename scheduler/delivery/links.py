"""The addresses that stand in messages. The visit's own link is `ical.visit_url`: the same in all of them."""

from __future__ import annotations

from config import Config
from scheduler.domain.codes import contact_token
from scheduler.models import Contact, Visit
from scheduler.models.outbox import Channel


def contact_url(visit: Visit, channel: Channel, config: Config) -> str:
    """Where this address is confirmed, or erased because it is a stranger's. Raises LookupError where there is none."""
    key = address_key(visit.contact, channel)
    if key is None:
        raise LookupError(f"visit {visit.id} has no address for {channel}")
    token = contact_token(config.secret_key, visit.id, visit.link_epoch, channel, key)
    return f"{config.base_url}/contacts/{token}"


def address_key(contact: Contact | None, channel: Channel) -> str | None:
    """The keyed hash of the address that this channel writes to."""
    if contact is None:
        return None
    return contact.email_key if channel == "email" else contact.phone_key

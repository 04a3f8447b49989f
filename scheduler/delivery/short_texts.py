"""One message as a text for a phone, in the client's language, within one segment where that is possible.

As neutral as a letter: day, time or number, place, code or link. Each stands in a line of its own, so that languages
written from the right keep the order. Of several wordings, the fullest that fits is taken: Arabic and Cyrillic leave
room for 70 characters, which no link fits into, so there the code stands in its place. A reminder to a number that
nobody confirmed tells nothing; and whoever is written to for the first time reads from whom it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from config import Config
from scheduler.delivery.letters import tells_nothing
from scheduler.delivery.links import contact_url
from scheduler.domain.codes import spoken
from scheduler.ical import visit_url
from scheduler.models import Message, Town, Visit
from scheduler.texts import isolated, short_date, spoken_time, translations_for

MOST_SEGMENTS = 2
Lines = tuple[str, ...]

# GSM 03.38 (ETSI): its basic alphabet, and what takes two places since an escape goes before it.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")


def write_text(message: Message, *, config: Config, town: Town) -> str:
    """The fullest wording that fits into one segment; where none does, into two."""
    wordings = ["\n".join(lines) for lines in _wordings(message, config, town)]
    for most in range(1, MOST_SEGMENTS + 1):
        for each in wordings:
            if segments(each) <= most:
                return each
    return min(wordings, key=segments)


def segments(text: str) -> int:
    """How many messages a phone network makes of it, and bills. No character is cut in two."""
    if _BASIC.union(_EXTENSION).issuperset(text):
        return _segments([2 if each in _EXTENSION else 1 for each in text], 160, 153)
    return _segments([len(each.encode("utf-16-be")) // 2 for each in text], 70, 67)


def _segments(sizes: list[int], alone: int, joined: int) -> int:
    """`alone` places in a single segment, `joined` in each of several: they say which one they are."""
    if sum(sizes) <= alone:
        return 1
    count, used = 1, 0
    for size in sizes:
        if used + size > joined:
            count, used = count + 1, 0
        used += size
    return count


def _wordings(message: Message, config: Config, town: Town) -> Iterator[Lines]:
    if tells_nothing(message):
        return _asks_to_confirm(message.visit, config, town)
    match message.kind:
        case "cancelled":
            return _cancelled(message.visit, config, town.zone)
        case "nearly":
            return _nearly(message.visit, config)
    return _appointment(message, config, town)


def _asks_to_confirm(visit: Visit, config: Config, town: Town) -> Iterator[Lines]:
    """To a number that may be a stranger's: who asks, and where to say that it is theirs, or not."""
    _ = translations_for(visit.locale).gettext
    yield town.name, _("Is this number yours? Please confirm it:"), contact_url(visit, "sms", config)


def _appointment(message: Message, config: Config, town: Town) -> Iterator[Lines]:
    """When, where, and how to change it. A first message names the place, or else the town."""
    visit = message.visit
    _ = translations_for(visit.locale).gettext
    when = _when(visit, town.zone)
    told = {
        "confirmation": _("Appointment: %(when)s"),
        "reminder": _("Reminder: %(when)s"),
        "moved": _("New time: %(when)s"),
    }[message.kind] % {"when": when}
    link = _link(visit, config)
    code = _("Your code: %(code)s") % {"code": isolated(spoken(visit.code or ""), visit.locale)}
    yield told, visit.place.name, *link
    if message.kind == "confirmation":
        yield told, visit.place.name, code
        yield told, town.name, *link
        yield told, town.name, code
        return
    yield told, *link
    yield told, visit.place.name, code
    yield told, code


def _cancelled(visit: Visit, config: Config, zone: ZoneInfo) -> Iterator[Lines]:
    _ = translations_for(visit.locale).gettext
    told = _("Cancelled: %(what)s") % {"what": _when(visit, zone)}
    yield told, visit.place.name, _("Please do not come."), _("Book again:"), config.base_url
    yield told, visit.place.name, _("Please do not come.")
    yield told, visit.place.name
    yield (told,)


def _nearly(visit: Visit, config: Config) -> Iterator[Lines]:
    _ = translations_for(visit.locale).gettext
    told = _("Number %(number)s: it is nearly your turn") % {"number": visit.ticket}
    come = _("Please come now.")
    yield told, come, visit.place.name, visit_url(visit, config.base_url, config.secret_key)
    yield told, come, visit.place.name
    yield told, come
    yield (told,)


def _link(visit: Visit, config: Config) -> Lines:
    """Where it can be changed; before that, who has not confirmed the number yet is asked whether it is theirs."""
    _ = translations_for(visit.locale).gettext
    if visit.contact is not None and visit.contact.confirmed_at is None:
        return _("Please confirm this number:"), contact_url(visit, "sms", config)
    return _("Change or cancel:"), visit_url(visit, config.base_url, config.secret_key)


def _when(visit: Visit, zone: ZoneInfo) -> str:
    assert visit.starts_at is not None  # planned for appointments alone
    return f"{short_date(visit.starts_at, visit.locale, zone)} {spoken_time(visit.starts_at, visit.locale, zone)}"

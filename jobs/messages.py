"""Send what is due. Messages are claimed and marked in transactions of their own, and sent outside of any.

Some are claimed at once, and each is leased anew before it is sent: a slow server may need a good part of the lease.
E-mails and text messages have a job each, so that a gateway that answers slowly holds no letter up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from jobs.work import Work, describe, log
from scheduler.actions.sending import (
    LEASE,
    check_again,
    claim_due,
    count_texts,
    give_back,
    keep_claim,
    mark_failed,
    mark_sent,
)
from scheduler.delivery import Mailer, sms, smtp
from scheduler.delivery.letters import message_id, write_letter
from scheduler.delivery.short_texts import write_text
from scheduler.models import Message, Town
from scheduler.models.outbox import Channel

AT_ONCE = 5
"""Messages that one process claims: few, so that another one finds something to do at its next look."""

Send = Callable[[], None]


@dataclass(frozen=True)
class Way:
    """How messages of one channel leave. `prepare` writes one while its rows are read, and gives what then sends it."""

    channel: Channel
    prepare: Callable[[Message, Town, datetime], Send]
    reason_of: Callable[[Exception], str]
    is_permanent: Callable[[Exception], bool]
    is_lost: Callable[[], bool] = lambda: False
    """Whether nothing at all can leave this way just now."""


def send_mail(work: Work) -> None:
    """Send all e-mails that are due. One that fails is tried again later; the others go on."""
    if not work.config.sends_mail:
        return
    with Mailer(work.config) as mailer:

        def prepare(message: Message, town: Town, now: datetime) -> Send:
            return partial(mailer.send, write_letter(message, config=work.config, town=town, now=now))

        _send_all(work, Way("email", prepare, smtp.reason_of, smtp.is_permanent, lambda: mailer.lost))


def send_texts(work: Work) -> None:
    """Send all text messages that are due."""
    if not work.config.sends_sms:
        return

    def prepare(message: Message, town: Town, _now: datetime) -> Send:
        contact = message.visit.contact
        assert contact is not None and contact.phone is not None  # checked again just before
        text = write_text(message, config=work.config, town=town)
        key = message_id(message, work.config.base_url).strip("<>")
        return partial(sms.send, work.config, phone=contact.phone, text=text, key=key)

    _send_all(work, Way("sms", prepare, sms.reason_of, sms.is_permanent, partial(_is_day_full, work)))


def _is_day_full(work: Work) -> bool:
    """Whether as many texts as the settings allow have left in the last 24 hours: each costs the town money."""
    with work.database.reading() as session:
        full = count_texts(session, work.clock()) >= work.config.sms_a_day
    if full:
        log.warning("%d text messages have left in 24 hours (SMS_A_DAY): the others wait", work.config.sms_a_day)
    return full


def _send_all(work: Work, way: Way) -> None:
    while not work.stopping.is_set() and not way.is_lost():
        claimed, until = _claim(work, way.channel)
        if not claimed:
            return
        for position, each in enumerate(claimed):
            if work.stopping.is_set() or way.is_lost():
                _give_back(work, claimed[position:], until)
                return
            _send(work, way, each, until)


def _claim(work: Work, channel: Channel) -> tuple[list[int], datetime]:
    """What this process may send, and until when the others leave it alone."""
    now = work.clock()
    with work.database.writing() as session:
        claimed = claim_due(session, now, AT_ONCE, [channel])
        session.commit()
    return claimed, now + LEASE


def _give_back(work: Work, ids: list[int], until: datetime) -> None:
    with work.database.writing() as session:
        give_back(session, ids, until)
        session.commit()


def _send(work: Work, way: Way, id_: int, until: datetime) -> None:
    try:
        send = _prepare(work, way, id_, until)
        if send is None:
            log.info("message %d is not to be sent, or not now", id_)
            return
        # No transaction is open here: on SQLite it would keep every writer waiting for the server.
        send()
    except Exception as error:
        log.warning("message %d was not sent: %s", id_, describe(error))
        _mark_failed(work, id_, way.reason_of(error), way.is_permanent(error))
    else:
        _mark_sent(work, id_)
        log.info("message %d was sent", id_)


def _prepare(work: Work, way: Way, id_: int, until: datetime) -> Send | None:
    """What sends the message; None: it is no longer right, or no longer this process's to send."""
    now = work.clock()
    with work.database.writing() as session:
        message = keep_claim(session, id_, until, now)
        right = message is not None and check_again(session, message, now)
        send = way.prepare(message, session.get_one(Town, 1), now) if message is not None and right else None
        session.commit()
    return send


def _mark_sent(work: Work, id_: int) -> None:
    with work.database.writing() as session:
        message = session.get(Message, id_)
        if message is not None:  # else its visit was erased while it was on its way
            mark_sent(session, message, work.clock())
        session.commit()


def _mark_failed(work: Work, id_: int, reason: str, permanent: bool) -> None:
    with work.database.writing() as session:
        message = session.get(Message, id_, with_for_update=True)
        if message is not None:
            mark_failed(session, message, reason, work.clock(), permanent=permanent)
        session.commit()

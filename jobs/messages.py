"""Send what is due. A message is claimed and marked in transactions of their own, and sent outside of any.

One is claimed at a time, because the claim is a lease of two minutes and a slow mail server may need a good part of it.
"""

from __future__ import annotations

from email.message import EmailMessage

from jobs.work import Work, describe, log
from scheduler.actions.messages import check_again, claim_due, mark_failed, mark_sent
from scheduler.delivery import deliver
from scheduler.delivery.letters import write_letter
from scheduler.delivery.smtp import reason_of
from scheduler.models import Message, Town


def send_due(work: Work) -> None:
    """Send all that is due. A message that fails is tried again later; the others go on."""
    if not work.config.sends_mail:
        return
    while not work.stopping.is_set():
        message_id = _claim(work)
        if message_id is None:
            return
        _send(work, message_id)


def _claim(work: Work) -> int | None:
    with work.database.writing() as session:
        claimed = claim_due(session, work.clock(), most=1)
        session.commit()
    return claimed[0] if claimed else None


def _send(work: Work, message_id: int) -> None:
    try:
        letter = _write(work, message_id)
        if letter is None:
            log.info("message %d is no longer right and was dropped", message_id)
            return
        # No transaction is open here: on SQLite it would keep every writer waiting for the mail server.
        deliver(work.config, letter)
    except Exception as error:
        log.warning("message %d was not sent: %s", message_id, describe(error))
        _mark_failed(work, message_id, reason_of(error))
    else:
        _mark_sent(work, message_id)
        log.info("message %d was sent", message_id)


def _write(work: Work, message_id: int) -> EmailMessage | None:
    """The letter; None: the message is no longer right to send, and is dropped."""
    now = work.clock()
    with work.database.writing() as session:
        message = session.get_one(Message, message_id)
        right = check_again(session, message, now)
        zone = session.get_one(Town, 1).zone
        letter = write_letter(message, config=work.config, zone=zone, now=now) if right else None
        session.commit()
    return letter


def _mark_sent(work: Work, message_id: int) -> None:
    with work.database.writing() as session:
        mark_sent(session, session.get_one(Message, message_id), work.clock())
        session.commit()


def _mark_failed(work: Work, message_id: int, reason: str) -> None:
    with work.database.writing() as session:
        mark_failed(session, session.get_one(Message, message_id), reason, work.clock())
        session.commit()

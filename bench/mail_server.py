"""A real mail server for soak and tests, in a process of its own: `python -m bench.mail_server TAKEN`.

Prints its port. It writes down each letter that it takes, one line of JSON in the file TAKEN, before it says so. Then
it may rest, so that whoever sends can be killed between the two. What else it does on request, `--help` says.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import sys
import time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

USUALLY, SOMETIMES = (0.0, 0.005), (0.05, 0.3)
"""Seconds that an answer takes with --dawdle; every fourth is a slow one."""


class Mailbox:
    """Takes all mail, but for what it is told to refuse."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.stalls = options, options.stall_first
        self.chance = random.Random(options.taken.name)
        self.begun: dict[int, float] = {}
        """When each connection's letter began: nothing was checked by its sender after that."""
        self.brought: dict[str, int] = {}
        """How many letters each connection has brought."""

    async def handle_MAIL(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.begun[id(session)] = time.monotonic()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == self.options.refuse:
            return f"550 {address} does not live here"
        if address == self.options.busy:
            return "451 try again later"
        if self.options.letters_each and self.brought.get(str(session.peer), 0) >= self.options.letters_each:
            return "421 too many letters"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=default)
        connection = str(session.peer)
        self.brought[connection] = self.brought.get(connection, 0) + 1
        line = {"began": self.begun.pop(id(session)), "to": envelope.rcpt_tos, "connection": connection}
        with self.options.taken.open("a") as file:
            file.write(json.dumps(line | described(letter)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        await self.rest()
        return "250 OK"

    async def rest(self) -> None:
        """Before it says that it has taken a letter."""
        if self.stalls:
            self.stalls = False
            await asyncio.Event().wait()
        seconds = self.options.seconds
        if self.options.dawdle:
            seconds = self.chance.uniform(*(SOMETIMES if self.chance.random() < 0.25 else USUALLY))
        await asyncio.sleep(seconds)


def described(letter: EmailMessage) -> dict[str, str]:
    """What checks want to know: the letter's name, and what its calendar file says."""
    calendar = next((part for part in letter.walk() if part.get_content_type() == "text/calendar"), None)
    body = calendar.get_payload(decode=True) if calendar else b""
    assert isinstance(body, bytes)
    lines = re.sub("\r?\n ", "", body.decode()).splitlines()
    found = dict(line.split(":", 1) for line in lines if line.startswith(("METHOD:", "SEQUENCE:", "DTSTART:")))
    return {
        "message_id": letter["Message-ID"],
        "method": found.get("METHOD", ""),
        "sequence": found.get("SEQUENCE", ""),
        "starts_at": found.get("DTSTART", ""),
    }


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.mail_server")
    parser.add_argument("taken", type=Path)
    parser.add_argument("--port", type=int, default=0, help="by default one that is free")
    parser.add_argument("--refuse", default="", metavar="ADDRESS", help="which does not live here")
    parser.add_argument("--busy", default="", metavar="ADDRESS", help="which cannot be reached for the moment")
    parser.add_argument("--letters-each", type=int, default=0, help="that a connection may bring; then it hangs up")
    parser.add_argument("--seconds", type=float, default=0, help="that each answer takes")
    parser.add_argument("--dawdle", action="store_true", help="answer at once, and sometimes slowly")
    parser.add_argument("--stall-first", action="store_true", help="take a letter and never answer, as if it had died")
    return parser.parse_args()


async def main(options: argparse.Namespace) -> None:
    mailbox = Mailbox(options)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, hostname="localhost"), "127.0.0.1", options.port
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(read_options()))

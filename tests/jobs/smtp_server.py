"""A real mail server for tests, in a process of its own: `python smtp_server.py TAKEN [--refuse ADDRESS]`.

Prints its port; writes one line `Message-ID recipient` to the file TAKEN for each message that it takes. With
--stall-first it takes the first message and then never answers, as a connection that died would; with --seconds each
answer takes that long.
"""

import argparse
import asyncio
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """Takes mail and notes whose."""

    def __init__(self, taken: Path, refused: str, stalls: bool, seconds: float) -> None:
        self.taken, self.refused, self.stalls, self.seconds = taken, refused, stalls, seconds

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == self.refused:
            return f"550 {address} does not live here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content)
        with self.taken.open("a") as file:
            file.write(f"{letter['Message-ID']} {envelope.rcpt_tos[0]}\n")
        if self.stalls:
            self.stalls = False
            await asyncio.Event().wait()
        await asyncio.sleep(self.seconds)
        return "250 OK"


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("taken", type=Path)
    parser.add_argument("--refuse", default="")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--stall-first", action="store_true")
    options = parser.parse_args()
    mailbox = Mailbox(options.taken, options.refuse, options.stall_first, options.seconds)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, hostname="localhost"), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - how the test learns the port
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

"""Handler of the local mail sink: keeps every mail as a file of a Maildir.

Unlike aiosmtpd's own Mailbox it does not wait for the disk: the sink stands in for a mail server on
another machine, and its disk is not what a test here waits for.
"""

import itertools
import os
import time
from pathlib import Path


class Sink:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.numbers = itertools.count()
        for part in ("tmp", "new", "cur"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)

    @classmethod
    def from_cli(cls, parser, *args):
        if len(args) != 1:
            parser.error("the sink wants the folder of its Maildir")
        return cls(args[0])

    async def handle_DATA(self, server, session, envelope):
        name = f"{time.time_ns()}.{os.getpid()}_{next(self.numbers)}.kefu"
        peer = f"X-Peer: {session.peer!r}\r\nX-MailFrom: {envelope.mail_from}\r\n"
        peer += f"X-RcptTo: {', '.join(envelope.rcpt_tos)}\r\n"
        part = self.folder / "tmp" / name
        part.write_bytes(peer.encode() + envelope.original_content)
        part.rename(self.folder / "new" / name)
        return "250 OK"

"""A real mail server on this machine, and what it was handed."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Mailbox:
    """What a mail server was handed. `closed`: to whoever has not logged in; `refuses`: the addresses that it does not
    know."""

    def __init__(self, closed: bool = False, refuses: tuple[str, ...] = ()) -> None:
        self.mails: list[EmailMessage] = []
        self.to: list[list[str]] = []
        self.closed, self.refuses = closed, refuses

    async def handle_RCPT(self, server: object, session: Any, envelope: Any, address: str, options: object) -> str:
        if self.closed and not session.authenticated:
            return "530 Log in first"
        if address in self.refuses:
            return "550 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.to.append(envelope.rcpt_tos)
        return "250 OK"


@contextmanager
def mail_server(login: tuple[str, str] | None = None, *refuses: str) -> Iterator[tuple[Mailbox, int]]:
    """`login`: the name and password without which it takes nothing."""

    def knows(server: object, session: object, envelope: object, mechanism: str, data: LoginPassword) -> AuthResult:
        name, password = login or ("", "")
        return AuthResult(success=(data.login, data.password) == (name.encode(), password.encode()))

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(
        Mailbox(login is not None, refuses), hostname="127.0.0.1", port=port, authenticator=knows, auth_require_tls=False
    )  # fmt: skip
    controller.start()
    try:
        yield controller.handler, port
    finally:
        controller.stop()

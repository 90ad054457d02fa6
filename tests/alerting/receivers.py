"""What stands at the other end: a webhook such as Slack's, and an SMTP server."""

from __future__ import annotations

import email
import email.policy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.e2e.asking import free_port

if TYPE_CHECKING:
    from email.message import EmailMessage


class SlackReceiver:
    """Keeps the messages that are posted to a webhook; a context manager."""

    def __init__(self) -> None:
        self.messages: list[dict] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.messages.append(json.loads(body))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_arguments):
                """Keep the test's output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/hook"

    @property
    def attachments(self) -> list[dict]:
        """The one attachment of each message."""
        return [attachment for message in self.messages for attachment in message["attachments"]]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class MailReceiver:
    """Keeps the messages that an SMTP server is sent by whoever knows the password."""

    def __init__(self, user: str, password: str) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.port = free_port()
        self._known = (user.encode(), password.encode())
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            authenticator=self._authenticate,
            auth_require_tls=False,
            auth_exclude_mechanism=["LOGIN"],
        )

    def _authenticate(self, _server, _session, _envelope, _mechanism, given):
        known = (given.login, given.password) == self._known
        return AuthResult(success=known, handled=False)  # the server is to answer

    async def handle_MAIL(  # noqa: N802 (the name that aiosmtpd asks for)
        self, server, session, envelope, address, options
    ):
        """Refuse senders that have not logged in."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.recipients += envelope.rcpt_tos
        self.messages.append(message)
        return "250 OK"

    def __enter__(self):
        self._controller.start()
        return self

    def __exit__(self, *_error):
        self._controller.stop()


def texts(message: EmailMessage) -> dict[str, str]:
    """Return the parts of a message by their kind."""
    return {
        part.get_content_subtype(): part.get_content().replace("\r\n", "\n")
        for part in message.walk()
        if part.get_content_maintype() == "text"
    }

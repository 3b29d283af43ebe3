"""Ways to a person: e-mail by SMTP; SMS and calls by an adapter, by default the log of the server."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import SplitResult, unquote, urlsplit

from accounts.outgoing.sending import SQL, NotSent
from plumbing import logs
from plumbing.postgres import Pool, Record

TIMEOUT_S = 20

log = logs.get(__name__)


def _deliver(server: SplitResult, message: EmailMessage) -> None:
    host, port = server.hostname or "localhost", server.port
    trusted = ssl.create_default_context()
    if server.scheme == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_S, context=trusted)
    else:
        smtp = smtplib.SMTP(host, port or 587, timeout=TIMEOUT_S)
    with smtp:
        if server.scheme == "smtp+starttls":
            smtp.starttls(context=trusted)
        if server.username:
            smtp.login(unquote(server.username), unquote(server.password or ""))
        smtp.send_message(message)


class Mail:
    """E-mail 邮件 by the SMTP server of ``url``: smtp:// (within one's own network), smtp+starttls://, smtps://."""

    def __init__(self, pool: Pool, url: str, sender: str) -> None:
        self._pool, self._server, self._sender = pool, urlsplit(url), sender

    async def __call__(self, row: Record) -> str:
        """Send one. A refused recipient is final."""
        contact = await self._pool.fetchrow(SQL["contact"], row["person_id"])
        if contact is None or not contact["by_email"]:
            raise NotSent("not wanted", final=True)
        message = EmailMessage()
        message["From"], message["To"] = self._sender, contact["email"]
        message["Subject"] = " ".join(row["subject"].split())
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(str(row["id"]), "yangcai")
        message.set_content(row["body"])
        try:
            await asyncio.to_thread(_deliver, self._server, message)
        except smtplib.SMTPRecipientsRefused:
            raise NotSent("recipient refused", final=True) from None
        except smtplib.SMTPException as error:
            raise NotSent(f"{type(error).__name__}") from None
        return "accepted"


class Console:
    """短信、语音: until an operator's gateway is put in its place, a line in the log, the number masked."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __call__(self, row: Record) -> str:
        """Write it down."""
        contact = await self._pool.fetchrow(SQL["contact"], row["person_id"])
        if contact is None or not contact[f"by_{row['channel']}"]:
            raise NotSent("not wanted", final=True)
        phone = contact["phone"]
        log.info("reminder", channel=row["channel"], phone=phone[:3] + "****" + phone[-4:], subject=row["subject"])
        return "written to the log"


async def nowhere(row: Record) -> str:
    """Where no mail server is set: said on the log page, tried no more."""
    raise NotSent("no mail server is set", final=True)

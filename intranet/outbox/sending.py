"""Sending 发送: one message after the other, each until it is answered, under an HMAC of a shared secret."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import msgspec

from accounts.records import moment
from intranet.outbox.writing import SQL
from plumbing.postgres import Connection, Pool, Record

CONTEXT = b"yangcai fiscal outbox 1\n"
"""Goes before the body, so that no code made for something else is one here."""
BATCH_MAX = 50
ANSWER_WITHIN_S = 5.0
WAIT_FIRST_MS, WAIT_MAX_MS = 1_000, 300_000


class Answer(msgspec.Struct, frozen=True):
    """The other side's answer: 200 with the number and what became of it."""

    seq: int
    outcome: str


class Gap(msgspec.Struct, frozen=True):
    """The other side's 409: it wants the messages from ``seq`` on."""

    seq: int


def secret_of(secret_key: str, peer: str) -> bytes:
    """What we share with ``peer``: made of the installation's secret key, kept nowhere."""
    return hmac.digest(secret_key.encode(), b"yangcai fiscal secret 1\n" + peer.encode(), "sha256")


def code_of(secret: bytes, body: bytes) -> str:
    """The code of a message 报文校验码, in hex."""
    return hmac.new(secret, CONTEXT + body, sha256).hexdigest()


async def send_due(pool: Pool, http: httpx.AsyncClient, secret_key: str, now_ms: Callable[[], int]) -> int:
    """Send what waits, to every system whose time it is; how many messages were answered."""
    answered = 0
    for row in await pool.fetch(SQL["links_due"], moment(now_ms())):
        peer = row["peer"]
        async with pool.acquire() as conn, conn.transaction():
            await _number(conn, peer, now_ms())
        async with pool.acquire() as conn, conn.transaction():
            link = await conn.fetchrow(SQL["link_locked"], peer, moment(now_ms()))
            if link is not None:
                answered += await _send(conn, link, http, secret_of(secret_key, peer), now_ms)
    return answered


async def _number(conn: Connection, peer: str, now_ms: int) -> None:
    """Give what is new its number and its text; both stand before anything is sent."""
    link = await conn.fetchrow(SQL["link_locked"], peer, moment(now_ms))
    if link is None:
        return
    seq = link["seq"]
    for row in await conn.fetch(SQL["unnumbered"], peer, BATCH_MAX):
        seq += 1
        made = {name: row[name] for name in ("type", "biz_key", "ver", "fen", "day", "data")}
        await conn.execute(SQL["number"], row["id"], seq, msgspec.json.encode({"seq": seq, **made}))
    await conn.execute(SQL["numbered"], peer, seq)


async def _send(
    conn: Connection, link: Record, http: httpx.AsyncClient, secret: bytes, now_ms: Callable[[], int]
) -> int:
    peer, sent = link["peer"], 0
    for row in await conn.fetch(SQL["to_send"], peer, link["acked"], BATCH_MAX):
        said = await _ask(http, link["url"], peer, row["body"], secret)
        at = moment(now_ms())
        if isinstance(said, Answer) and said.seq == row["seq"]:
            await conn.execute(SQL["answered"], peer, row["seq"], said.outcome[:100], at)
            await conn.execute(SQL["heard"], peer, row["seq"], at)
            sent += 1
            continue
        if isinstance(said, Gap) and 1 <= said.seq <= link["seq"] and said.seq != row["seq"]:
            await conn.execute(SQL["back_to"], peer, said.seq - 1, f"sent again from {said.seq}", at)
            break
        fault = said if isinstance(said, str) else "out of order"
        wait_ms = min(WAIT_MAX_MS, WAIT_FIRST_MS << min(link["tries"], 9))
        await conn.execute(SQL["unheard"], peer, fault[:200], moment(now_ms() + wait_ms))
        break
    return sent


async def _ask(http: httpx.AsyncClient, url: str, peer: str, body: bytes, secret: bytes) -> Answer | Gap | str:
    """What the other side says, or why it says nothing that counts."""
    headers: dict[str, Any] = {
        "Content-Type": "application/json", "Fiscal-Peer": peer, "Fiscal-Code": code_of(secret, body),
    }  # fmt: skip
    try:
        answer = await http.post(url, content=body, headers=headers, timeout=ANSWER_WITHIN_S)
        if answer.status_code == 200:
            return msgspec.json.decode(answer.content, type=Answer)
        if answer.status_code == 409:
            return msgspec.json.decode(answer.content, type=Gap)
    except (httpx.HTTPError, msgspec.MsgspecError) as error:
        return f"{type(error).__name__}: {error}"
    return f"HTTP {answer.status_code}"

"""What a run writes to its logs holds no ticket, cookie, password, key or sealed price, in any encoding."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from uuid import uuid4

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from accounts import sessions
from auction.case import approving
from auction.case.quoting import BoothOut
from auction.sealed import crypt
from auction.sealed.model import Context
from plumbing.clock import Clock
from plumbing.logs import JsonLines
from plumbing.postgres import Pool
from tests.auction.sealed.walk import a_sealed_cast, drafted, entered
from tests.auction.walk import MINUTE, within
from tests.flows.test_no_price_before_the_opening import encodings_of
from tests.live import Site, a_live_site, a_page, a_program, a_started_lot, quick_rules
from tests.support import eventually

SEALED_PRICE, PASSWORD = 73_194_628, "eine geheime Losung 9174"


def forms_of(secret: bytes) -> set[bytes]:
    """A secret as it may stand in a line."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret).rstrip(b"=")}
    return found | {base64.urlsafe_b64encode(secret).rstrip(b"=")}


async def seal_a_price(site: Site, pool: Pool) -> bytes:
    """One supplier seals; the bytes he sent."""
    cast, now = await a_sealed_cast(pool), Clock().now_ms()
    auction_id, lot_id = await drafted(pool, cast, now + 60 * MINUTE)
    await within(pool, approving.submit, cast.buyer, auction_id, now)
    await within(pool, approving.decide, cast.head, auction_id, True, "", now)
    await eventually(lambda: pool.fetchval("SELECT published_at FROM auction WHERE id = $1", auction_id), within_s=15)
    await entered(pool, cast, auction_id, lot_id)
    async with a_program(site, cast.suppliers[0].login) as program:
        found = msgspec.convert((await program.get(f"/api/lots/{lot_id}/booth")).json(), BoothOut)
        context = Context(lot_id, found.alias, found.deadline_at, found.roster_sha256)
        sealed = crypt.seal(context, found.seats, SEALED_PRICE)
        headers = {"Content-Type": "application/json", "Origin": site.origin}
        answer = await program.post(f"/api/lots/{lot_id}/quote", content=msgspec.json.encode(sealed), headers=headers)
        assert answer.status_code == 201
    return msgspec.json.encode(sealed)


class Kept(logging.Handler):
    """Every line as the product writes it; the clients of this test write to the same loggers and are left out."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(("asyncio", "httpx", "httpcore", "websockets", "hpack")):
            self.lines.append(self.format(record))


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler, root = Kept(), logging.getLogger()
    level, disabled = root.level, root.manager.disable
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.disable(logging.NOTSET)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
    logging.disable(disabled)


async def test_no_line_of_the_log_has_a_secret(pool: Pool, valkey_url: str, postgres_url: str, kept: Kept) -> None:
    secrets: set[bytes] = forms_of(PASSWORD.encode())
    async with a_live_site(pool, valkey_url, postgres_url) as site:
        async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as nobody:
            for path, body in (("/api/session", {"login": "supplier1", "password": PASSWORD}), ("/api/me", {})):
                await nobody.post(path, json=body)
            await nobody.post("/login", data={"login": "supplier1", "password": PASSWORD})
            await nobody.get(f"/?password={PASSWORD}")
        lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
        async with a_program(site, "supplier1") as program:
            secrets |= forms_of(program.headers["Cookie"].partition("=")[2].encode())
            ticket = (await program.post("/api/tickets", json={"purpose": "lots"})).json()["ticket"]
            secrets |= forms_of(ticket.encode())
            async with a_page(site, query=f"?ticket={ticket}") as page:
                assert (await page.bid(lot_id, 47_000_000))["t"] == "taken"
                await page.send('{"t":"bid","lot":"x","id":"' + PASSWORD + '"}')
                await page.fault()
            async with connect(site.origin.replace("http", "ws") + f"/ws?ticket={ticket}", proxy=None) as again:
                with pytest.raises(WebSocketException):  # the ticket a second time
                    await again.recv()
        sealed = await seal_a_price(site, pool)
        person = await pool.fetchval("SELECT id FROM person WHERE login = 'supplier2'")
        token = await sessions.begin(pool, person, Clock().now_ms(), agent=str(uuid4()))
        secrets |= forms_of(token.encode())
    keys = [row["key"] for row in await pool.fetch("SELECT key FROM lot_salt")]
    secrets |= set().union(*(forms_of(bytes(key)) for key in keys), encodings_of(SEALED_PRICE))
    lines = "\n".join(kept.lines).encode()
    assert b"/api/session" in lines, "the log was caught"
    assert [secret[:12] for secret in secrets if len(secret) >= 8 and secret in lines] == []
    assert sealed[200:260] not in lines

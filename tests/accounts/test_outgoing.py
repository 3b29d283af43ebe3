"""What leaves the house: reminders to a real mail server, webhooks to a real receiver, signed, and tried again."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiosmtpd.controller import Controller
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn import Config, Server

from accounts.model import Actor, Role
from accounts.outgoing.people import Console, Mail
from accounts.outgoing.rules import AGAIN_MS, again_after_ms
from accounts.outgoing.sending import Sender
from accounts.webhooks import endpoints
from accounts.webhooks.posting import Webhooks
from accounts.webhooks.rules import OVERLAP_MS, secret_of, signature
from plumbing import outbound
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from server import site
from server.todo import Marks
from tests.accounts.test_todo import NOW, submitted
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import Cast, a_cast, within
from tests.site import LaterClock
from tests.support import eventually, free_port

LOOPBACK = "127.0.0.0/8"
SETTINGS = SimpleNamespace(
    secret_key="a secret of tests, 32 signs long", secret_key_before="", webhook_networks=LOOPBACK
)
ALL = ["notice.published", "lot.stage", "award.offered", "deal.made"]


class Receiver:
    """An organisation's own system: what came in, and what it answers."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.headers: dict[str, str] = {}

    async def take(self, request: Request) -> Response:
        self.taken.append((dict(request.headers), await request.body()))
        return Response(status_code=self.status, headers=self.headers)


@asynccontextmanager
async def a_receiver() -> AsyncIterator[tuple[Receiver, str]]:
    receiver, port = Receiver(), free_port()
    app = Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])
    server = Server(Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve())
    await eventually(lambda: server.started, within_s=15)
    try:
        yield receiver, f"http://127.0.0.1:{port}/hook"
    finally:
        server.should_exit = True
        await task


async def an_endpoint(pool: Pool, actor: Actor, url: str) -> tuple[UUID, bytes]:
    endpoint_id = uuid4()
    text = await within(pool, endpoints.make, SETTINGS, actor, endpoint_id, url, ALL, NOW())
    secret = secret_of(text)
    assert secret is not None
    return endpoint_id, secret


def a_later_clock() -> LaterClock:
    """A second ahead: what Postgres has just dated by its own clock, to the microsecond, is due by it."""
    clock = LaterClock(Clock())
    clock.ahead_ms = 1_000
    return clock


def sends(pool: Pool, clock: Any = None) -> Sender:
    clock = clock or a_later_clock()
    channels = {"webhook": Webhooks(pool, clock, SETTINGS), "sms": Console(pool), "voice": Console(pool)}
    return Sender(pool, clock, channels)


def is_signed(secret: bytes, headers: dict[str, str], body: bytes) -> bool:
    """As a receiver checks it, written from the specification."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return wanted in [part.removeprefix("v1,") for part in headers["webhook-signature"].split()]


def test_the_signature_is_the_one_of_the_specification() -> None:
    secret = secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert secret is not None
    body = b'{"test": 2432232314}'
    signed = signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_stage_is_told_to_the_host_signed_and_to_nobody_else(fresh_pool: Pool) -> None:
    cast = await a_cast(fresh_pool, suppliers=1)
    async with a_receiver() as (receiver, url):
        _, secret = await an_endpoint(fresh_pool, cast.buyer, url)
        await an_endpoint(fresh_pool, cast.suppliers[0], url + "?supplier")
        await submitted(fresh_pool, cast)
        assert await sends(fresh_pool).once() == 1
    ((headers, body),) = receiver.taken
    told = json.loads(body)
    assert (told["type"], told["data"]["from"], told["data"]["to"]) == ("lot.stage", "draft", "approving")
    assert is_signed(secret, headers, body)
    assert not is_signed(secret, headers, body + b" ")


async def test_a_step_undone_tells_nobody(fresh_pool: Pool) -> None:
    cast = await a_cast(fresh_pool, suppliers=0)
    async with a_receiver() as (_, url):
        await an_endpoint(fresh_pool, cast.buyer, url)
        async with fresh_pool.acquire() as conn:
            transaction = conn.transaction()
            await transaction.start()
            await conn.execute("SELECT webhook_announce(ARRAY[$1::uuid], 'deal.made', '{}')", cast.buyer.org_id)
            await transaction.rollback()
        assert await sends(fresh_pool).once() == 0


async def test_a_receiver_that_fails_is_tried_later_under_the_same_id_and_then_given_up(fresh_pool: Pool) -> None:
    buyer = await an_actor(fresh_pool, await an_organisation(fresh_pool), Role.BUYER)
    clock = a_later_clock()
    async with a_receiver() as (receiver, url):
        endpoint_id, _ = await an_endpoint(fresh_pool, buyer, url)
        await within(fresh_pool, endpoints.test, buyer, endpoint_id)
        receiver.status = 500
        sender = sends(fresh_pool, clock)
        assert (await sender.once(), await sender.once()) == (1, 0)
        for wait_ms in AGAIN_MS:
            clock.ahead_ms += wait_ms + 1_000
            await sender.once()
        row = await fresh_pool.fetchrow("SELECT id, state, attempts, said FROM outgoing")
        assert (row["state"], row["attempts"], row["said"]) == ("dead", len(AGAIN_MS) + 1, "500")
        receiver.status = 200
        await within(fresh_pool, endpoints.replay, buyer, row["id"], clock.now_ms())
        await sender.once()
    assert await fresh_pool.fetchval("SELECT state FROM outgoing") == "done"
    assert {headers["webhook-id"] for headers, _ in receiver.taken} == {f"msg_{row['id']}"}


async def test_both_secrets_sign_for_a_day_after_a_rotation(fresh_pool: Pool) -> None:
    buyer = await an_actor(fresh_pool, await an_organisation(fresh_pool), Role.BUYER)
    clock = a_later_clock()
    async with a_receiver() as (receiver, url):
        endpoint_id, old = await an_endpoint(fresh_pool, buyer, url)
        new = secret_of(await within(fresh_pool, endpoints.rotate, SETTINGS, buyer, endpoint_id, NOW()))
        assert new is not None
        sender = sends(fresh_pool, clock)
        for _ in range(2):
            await within(fresh_pool, endpoints.test, buyer, endpoint_id)
            await sender.once()
            clock.ahead_ms += OVERLAP_MS + 1_000
    found = [(is_signed(old, *one), is_signed(new, *one)) for one in receiver.taken]
    assert found == [(True, True), (False, True)]


async def test_a_redirect_is_not_followed_and_410_is_the_end(fresh_pool: Pool) -> None:
    buyer = await an_actor(fresh_pool, await an_organisation(fresh_pool), Role.BUYER)
    async with a_receiver() as (receiver, url):
        endpoint_id, _ = await an_endpoint(fresh_pool, buyer, url)
        receiver.status, receiver.headers = 302, {"Location": url}
        await within(fresh_pool, endpoints.test, buyer, endpoint_id)
        await sends(fresh_pool).once()
        assert len(receiver.taken) == 1
        receiver.status = 410
        await within(fresh_pool, endpoints.test, buyer, endpoint_id)
        await sends(fresh_pool).once()
    states = await fresh_pool.fetch("SELECT state, said FROM outgoing ORDER BY id")
    assert [tuple(row) for row in states] == [("waiting", "302"), ("dead", "410")]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/x", "scheme"), ("ftp://example.com/x", "scheme"), ("https://user@example.com/", "address"),
        ("https://127.0.0.1/x", "address"), ("https://localhost/x", "address"), ("https://10.0.0.1/x", "address"),
        ("https://169.254.169.254/latest/meta-data", "address"), ("https://[::1]/x", "address"),
        ("https://[::ffff:127.0.0.1]/x", "address"), ("https://[64:ff9b::7f00:1]/x", "address"),
        ("https://[fd00::1]/x", "address"), ("https://0x7f000001/x", "address"), ("https://0.0.0.0/x", "address"),
        ("https://[2002:7f00:1::]/x", "address"), ("https://8.8.8.8:22/x", "port"), ("https://exa mple/x", "address"),
        ("https://no-such-name.invalid/x", "unknown"),
    ],
)  # fmt: skip
async def test_nothing_is_sent_to_an_address_that_is_not_public(url: str, why: str) -> None:
    with pytest.raises(outbound.Refused, match=why):
        await outbound.post(url, b"{}", {})


def test_public_addresses_are_public() -> None:
    assert all(outbound.is_public(ipaddress.ip_address(text)) for text in ("8.8.8.8", "2606:4700::1111"))


async def test_an_endpoint_inside_is_refused_with_a_reason(pool: Pool) -> None:
    buyer = await an_actor(pool, await an_organisation(pool), Role.BUYER)
    inside = SimpleNamespace(**{**vars(SETTINGS), "webhook_networks": ""})
    with pytest.raises(Problem, match="webhook_address"):
        await within(pool, endpoints.make, inside, buyer, uuid4(), "https://127.0.0.1/hook", ALL, NOW())


async def test_the_secret_is_not_readable_in_the_store_nor_under_another_key(pool: Pool) -> None:
    buyer = await an_actor(pool, await an_organisation(pool), Role.BUYER)
    async with a_receiver() as (receiver, url):
        endpoint_id, secret = await an_endpoint(pool, buyer, url)
        row = await pool.fetchrow("SELECT secret FROM webhook_endpoint WHERE id = $1", endpoint_id)
        assert secret not in row["secret"]
    assert receiver.taken == []


async def test_another_organisation_sees_and_ends_nothing_of_it(pool: Pool) -> None:
    buyer, stranger = [await an_actor(pool, await an_organisation(pool), Role.BUYER) for _ in range(2)]
    async with a_receiver() as (_, url):
        endpoint_id, _ = await an_endpoint(pool, buyer, url)
    for act in (endpoints.end, endpoints.rotate, endpoints.test):
        given: tuple[Any, ...] = {
            endpoints.end: (stranger, endpoint_id, NOW()),
            endpoints.rotate: (SETTINGS, stranger, endpoint_id, NOW()),
            endpoints.test: (stranger, endpoint_id),
        }[act]  # type: ignore[index]
        with pytest.raises(Problem, match="webhook_gone"):
            await within(pool, act, *given)


def test_each_wait_is_longer_and_the_last_failure_is_the_end() -> None:
    waits = [again_after_ms(n) for n in range(1, len(AGAIN_MS) + 2)]
    assert waits == [*sorted(AGAIN_MS), None]


# ── reminders ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Box:
    """A mail server's inbox; ``refusing`` names whom it does not know."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refusing = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address == self.refusing:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@asynccontextmanager
async def a_mail_server() -> AsyncIterator[tuple[Box, str]]:
    box, port = Box(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


async def reachable(pool: Pool, actor: Actor, email: str) -> None:
    await pool.execute(
        "INSERT INTO person_contact (person_id, email, phone, by_email, by_sms, by_voice) "
        "VALUES ($1, $2, '13800001234', true, true, true)",
        actor.user_id, email,
    )  # fmt: skip


async def a_waiting_step(pool: Pool) -> Cast:
    cast = await a_cast(pool, suppliers=0)
    await reachable(pool, cast.head, "head@unit.example")
    await submitted(pool, cast)
    return cast


async def test_whoever_a_step_waits_for_is_reminded_at_each_rung_once(fresh_pool: Pool) -> None:
    await a_waiting_step(fresh_pool)
    clock = a_later_clock()
    marks = Marks(fresh_pool, clock, site.load_texts(), "https://yangcai.example")
    for ahead_ms in (0, 0, 20 * 86_400_000, 0):
        clock.ahead_ms += ahead_ms
        await marks.once()
    said = await fresh_pool.fetch("SELECT channel, subject FROM outgoing ORDER BY id")
    assert [row["channel"] for row in said] == ["email", "email", "sms", "voice"]
    assert "新待办" in said[0]["subject"]
    assert "已超期" in said[1]["subject"]
    async with a_mail_server() as (box, url):
        channels = {"email": Mail(fresh_pool, url, "阳采 <no-reply@yangcai.example>")}
        console = Console(fresh_pool)
        await Sender(fresh_pool, clock, channels | {"sms": console, "voice": console}).once()
    assert sorted(str(mail["Subject"]) for mail in box.mails) == sorted(row["subject"] for row in said[:2])
    assert {str(mail["To"]) for mail in box.mails} == {"head@unit.example"}
    assert all("https://yangcai.example/auctions/" in mail.get_content() for mail in box.mails)
    assert await fresh_pool.fetchval("SELECT bool_and(state = 'done') FROM outgoing")


async def test_who_cannot_be_reached_is_tried_no_more_and_an_absent_server_is(fresh_pool: Pool) -> None:
    await a_waiting_step(fresh_pool)
    clock = a_later_clock()
    await Marks(fresh_pool, clock, site.load_texts(), "").once()
    away = f"smtp://127.0.0.1:{free_port()}"
    await Sender(fresh_pool, clock, {"email": Mail(fresh_pool, away, "no-reply@yangcai.example")}).once()
    assert await fresh_pool.fetchval("SELECT state FROM outgoing") == "waiting"
    clock.ahead_ms += AGAIN_MS[0] + 1_000
    async with a_mail_server() as (box, url):
        box.refusing = "head@unit.example"
        await Sender(fresh_pool, clock, {"email": Mail(fresh_pool, url, "no-reply@yangcai.example")}).once()
    row = await fresh_pool.fetchrow("SELECT state, said FROM outgoing")
    assert tuple(row) == ("dead", "recipient refused")
    assert box.mails == []

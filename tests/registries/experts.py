"""Builders for the tests of the expert registry: experts as registered and reviewed, draws step by step."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec

from accounts import people
from accounts.model import Actor, Role
from accounts.records import moment
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.typed import moment_text
from registries.experts import draw, library, reading
from registries.experts.draw import Hand
from registries.experts.records import SQL, note
from standards.workdays import day_of
from tests.accounts.admin.people import PASSWORD, at, the_actor
from tests.site import WithState

MINUTE = 60_000


def a_form(**changed: Any) -> dict[str, str]:
    """The form of ``/experts/own``."""
    return {
        "region": "330106", "phone": "13800000000", "born": "1980-05-01", "title": "senior",
        "title_since": "2010-01-01", "categories": "A02090000",
        "job-1-unit": f"杭州第{uuid4().hex[:6]}医院", "job-1-since": "2005-01-01",
        **changed,
    }  # fmt: skip


async def an_expert(pool: Pool, name: str = "") -> Actor:
    """Somebody who was let in as an expert and filed nothing yet."""
    login = f"expert-{uuid4().hex[:8]}"
    person = await people.open_account(
        pool, org_id=None, org_name=login, org_kind="expert", region="330106", login=login, name=name or login,
        password=PASSWORD, roles=[Role.EXPERT],
    )  # fmt: skip
    return await the_actor(pool, person)


async def registered(app: WithState, pool: Pool, reviewer: Actor, **changed: Any) -> Actor:
    """An expert in the registry."""
    expert = await an_expert(pool, changed.pop("name", ""))
    async with at(app, pool, expert) as own, at(app, pool, reviewer) as home:
        answer = await own.post("/experts/own", data=a_form(**changed))
        assert answer.status_code == 303, answer.text
        path = f"/experts/{expert.user_id}"
        assert (await home.post(path, data={"deed": "approve"})).status_code == 303
    return expert


async def in_the_registry(pool: Pool, specialty: str, name: str = "") -> Actor:
    """An expert of a specialty in Xihu 西湖区, reviewed."""
    expert = await an_expert(pool, name)
    dossier, faults = reading.read_dossier(a_form(categories=specialty), expert.name, day_of(Clock().now_ms()))
    assert faults == []
    content = msgspec.to_builtins(dossier)
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute(library.SQL["put"], expert.user_id, expert.org_id, "330106", content)
        await conn.execute(library.SQL["carry"], expert.user_id, content, "330106", in_days(400))
    return expert


async def a_live_draw(pool: Pool, buyer: Actor, expert: Actor) -> UUID:
    """A draw of one expert under way: the buyer's, its second hand still free, the expert called and silent."""
    now_ms, kind = Clock().now_ms(), "A02090000"
    draw_id, later = uuid4(), moment(now_ms + 60 * MINUTE)
    async with pool.acquire() as conn, conn.transaction():
        given = (draw_id, "医疗设备采购", buyer.org_id, buyer.region, "other", 1, 1, kind, False, later, [])
        await conn.execute(SQL["add"], *given, buyer.user_id, b"", 10, 30, moment(now_ms), "", None)
        row = (draw_id, "t", 1, "u", expert.user_id, expert.name, "13800000000", "", "s", 0)
        await conn.execute(SQL["add_ticket"], *row)
        await conn.execute(SQL["call"], draw_id, ["t"], moment(now_ms), later)
        await conn.execute(SQL["set_stage"], draw_id, "calling")
        await note(conn, draw_id, "listed", {"need": 1, "tickets": [[1, "t", "u"]]}, now_ms)
    return draw_id


def a_request(specialty: str, **changed: Any) -> dict[str, str]:
    """The form of a request for a group of three, two of them drawn, in two hours."""
    return {
        "title": f"医疗设备采购 {uuid4().hex[:8]}", "specialty": specialty, "method": "other", "group": "3",
        "need": "2", "review_at": moment_text(Clock().now_ms() + 120 * MINUTE), **changed,
    }  # fmt: skip


async def asked(browser: httpx.AsyncClient, form: dict[str, str]) -> UUID:
    """The draw that was asked for."""
    answer = await browser.post("/draws", data=form)
    assert answer.status_code == 303, answer.text
    return UUID(answer.headers["location"].split("?")[0].rpartition("/")[2])


async def drawn(app: WithState, pool: Pool, one: Actor, two: Actor, draw_id: UUID) -> None:
    """Both officers commit, then both reveal."""
    held = {Hand.FIRST: (one, secrets.token_hex(32)), Hand.SECOND: (two, secrets.token_hex(32))}
    for deed in ("commit", "reveal"):
        for hand, (actor, secret) in held.items():
            given = draw.commitment(str(draw_id), hand, secret) if deed == "commit" else secret
            async with at(app, pool, actor) as browser:
                answer = await browser.post(f"/draws/{draw_id}", data={"deed": deed, "given": given})
                assert answer.status_code == 303, answer.text


async def answered(app: WithState, pool: Pool, draw_id: UUID, answer: str) -> UUID:
    """The first who was called and has not answered does so."""
    person: UUID = await pool.fetchval(
        "SELECT person_id FROM draw_ticket WHERE draw_id = $1 AND called_at IS NOT NULL AND answer IS NULL"
        " ORDER BY place LIMIT 1",
        draw_id,
    )
    async with at(app, pool, await the_actor(pool, person)) as own:
        assert (await own.post(f"/experts/own/calls/{draw_id}", data={"answer": answer})).status_code == 303
    return person


def in_days(days: int) -> date:
    """That many days from today."""
    return day_of(Clock().now_ms()) + timedelta(days=days)

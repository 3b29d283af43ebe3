"""Every message of the live socket is held to a rule of what it brings whom; one without a rule fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple, get_args
from uuid import UUID, uuid4

import pytest_asyncio

from accounts import sessions, tickets
from accounts.model import Role
from auction.case import drafting
from auction.lot import messages
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.people import a_supplier, an_actor, an_organisation
from tests.auction.walk import a_cast, a_draft, within
from tests.live import Page, Site, a_live_site, a_page, a_started_lot, quick_rules
from tests.support import eventually

PRICE, HOUR = 47_000_000, 3_600_000
# What each message brings each person, at a lot that runs. A new message needs a line, or the first test fails.
WATCHED = {
    "nobody": "public", "buyer": "host", "buyer elsewhere": "public", "agency elsewhere": "public",
    "operator": "public", "supervisor": "host", "supervisor elsewhere": "public", "bidder": "bidder",
    "supplier": "public",
}  # fmt: skip
BID = {
    "nobody": "AUTH", "buyer": "ROLE", "buyer elsewhere": "ROLE", "agency elsewhere": "ROLE", "operator": "ROLE",
    "supervisor": "ROLE", "supervisor elsewhere": "ROLE", "bidder": "taken", "supplier": "NOT_REGISTERED",
}  # fmt: skip
RULES: dict[type, dict[str, str]] = {
    messages.Watch: WATCHED,
    messages.PlaceBid: BID,
    messages.Unwatch: dict.fromkeys(WATCHED, "silence"),
    messages.AskTime: dict.fromkeys(WATCHED, "time"),
}
# At a draft, and at a lot of nobody: to all but the draft's own people and its supervisor there is no such lot.
AT_A_DRAFT = {messages.Watch: "lot_unknown", messages.PlaceBid: "LOT_UNKNOWN"}
# Who may ever be sent what.
EVERYONE = frozenset(WATCHED)
HEARD: dict[type, frozenset[str]] = {
    messages.Welcome: EVERYONE,
    messages.Snapshot: EVERYONE,
    messages.Delta: EVERYONE,
    messages.Current: EVERYONE,
    messages.BidAccepted: frozenset({"bidder"}),
    messages.BidRefused: EVERYONE,
    messages.TimeAnswer: EVERYONE,
    messages.Fault: EVERYONE,
    messages.Changed: frozenset({"buyer", "supervisor", "buyer elsewhere", "agency elsewhere", "supervisor elsewhere"}),
}


class Stage(NamedTuple):
    """A site, a running lot with its people and their like from elsewhere, by cookie, and a draft."""

    site: Site
    lot_id: UUID
    draft_id: UUID
    cookies: dict[str, str]


async def a_cookie_of(site: Site, user_id: UUID) -> str:
    token = await sessions.begin(site.pool, user_id, Clock().now_ms())
    return f"{sessions.cookie_name(site.settings)}={token}"


@pytest_asyncio.fixture(scope="module")
async def stage(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Stage]:
    async with a_live_site(pool, valkey_url, postgres_url) as site:
        lot_id = await a_started_lot(site, quick_rules(duration_ms=600_000))
        cast = await a_cast(pool, suppliers=1)
        draft = a_draft(Clock().now_ms() + HOUR)
        auction_id = await within(pool, drafting.create, cast.buyer, draft, Clock().now_ms())
        draft_id = await pool.fetchval("SELECT id FROM lot WHERE auction_id = $1", auction_id)
        far = await an_organisation(pool, "supervisor", "110101")
        people = {
            name: await pool.fetchval("SELECT id FROM person WHERE login = $1", login)
            for name, login in (("buyer", "buyer"), ("supervisor", "supervisor"), ("bidder", "supplier1"))
        }
        people["supplier"] = (await a_supplier(pool)).user_id
        people["buyer elsewhere"] = (await an_actor(pool, await an_organisation(pool), Role.BUYER)).user_id
        agency = await an_organisation(pool, "agency")
        people["agency elsewhere"] = (await an_actor(pool, agency, Role.AGENCY)).user_id
        people["supervisor elsewhere"] = (await an_actor(pool, far, Role.SUPERVISOR, grant_region="11")).user_id
        people["operator"] = (await an_actor(pool, await an_organisation(pool, "operator"), Role.OPERATOR)).user_id
        cookies = {name: await a_cookie_of(site, user_id) for name, user_id in people.items()}
        yield Stage(site, lot_id, draft_id, {"nobody": "", **cookies})


def kind_of_view(view: dict[str, Any]) -> str:
    return "host" if "rows" in view else "bidder" if "own" in view else "public" if "marks" not in view else "other"


def said(message: type, lot_id: UUID) -> dict[str, Any]:
    """A sound message of each make."""
    return {
        messages.Watch: {"t": "watch", "lot": str(lot_id)},
        messages.Unwatch: {"t": "unwatch", "lot": str(lot_id)},
        messages.AskTime: {"t": "time", "t0": 1},
        messages.PlaceBid: {"t": "bid", "lot": str(lot_id), "id": uuid4().hex, "price": PRICE},
    }[message]


async def outcome(page: Page, message: dict[str, Any]) -> str:
    """What a message brought: the first frame after it, and before the answer to a question of the time."""
    before = len(page.frames)
    await page.send(message)
    if message["t"] == "bid":
        await eventually(lambda: any(frame["t"] in ("taken", "refused") for frame in page.frames[before:]))
    await page.send({"t": "time", "t0": 777})
    await eventually(lambda: any(frame.get("t0") == 777 for frame in page.frames[before:]))
    told = [frame for frame in page.frames[before:] if frame["t"] not in ("welcome", "delta", "changed")]
    first: dict[str, Any] = told[0]
    if first["t"] == "snapshot":
        return kind_of_view(first["view"])
    if first["t"] in ("refused", "error"):
        return str(first["code"])
    return "silence" if first.get("t0") == 777 else str(first["t"])


def test_every_message_has_a_rule_and_every_rule_its_people() -> None:
    assert set(RULES) == set(get_args(messages.FromClient))
    assert set(HEARD) == set(get_args(messages.FromServer))
    assert {frozenset(rule) for rule in RULES.values()} == {EVERYONE}


async def test_every_message_brings_everyone_what_he_may_have_and_no_more(stage: Stage) -> None:
    faults: list[str] = []
    tags = {message.__struct_config__.tag: may for message, may in HEARD.items()}  # type: ignore[attr-defined]
    for name, cookie in stage.cookies.items():
        for message, rule in RULES.items():
            async with a_page(stage.site, cookie=cookie) as page:
                found = await outcome(page, said(message, stage.lot_id))
                faults += [] if found == rule[name] else [f"{name}, {message.__name__}: {found}"]
                faults += [f"{name} was sent {frame['t']}" for frame in page.frames if name not in tags[frame["t"]]]
    assert faults == []


async def test_of_a_draft_and_of_no_lot_strangers_learn_the_same(stage: Stage) -> None:
    faults: list[str] = []
    for name, cookie in stage.cookies.items():
        if name == "supervisor":  # of this region: sees drafts
            continue
        for message, wanted in AT_A_DRAFT.items():
            for lot_id in (stage.draft_id, uuid4()):
                async with a_page(stage.site, cookie=cookie) as page:
                    found = await outcome(page, said(message, lot_id))
                    faults += [] if found == wanted else [f"{name}, {message.__name__}: {found}"]
    assert faults == []


async def test_a_ticket_speaks_for_who_asked_for_it_whoever_brings_it(stage: Stage, valkey_client: Valkey) -> None:
    pool = stage.site.pool
    bidder = await pool.fetchval("SELECT id FROM person WHERE login = 'supplier1'")
    token = await sessions.begin(pool, bidder, Clock().now_ms())
    actor = await sessions.by_token(pool, token, Clock().now_ms())
    assert actor is not None
    ticket = await tickets.issue(valkey_client, {"session": str(actor.session)})
    async with a_page(stage.site, cookie=stage.cookies["buyer"], query=f"?ticket={ticket}") as page:
        assert await outcome(page, said(messages.Watch, stage.lot_id)) == "bidder"
    late = await tickets.issue(valkey_client, {"session": str(actor.session)})
    await valkey_client.pexpire(tickets._key(late), 1)
    await eventually(lambda: valkey_client.ttl(tickets._key(late)), why="until the ticket's time is over")
    async with a_page(stage.site, query=f"?ticket={late}") as page:
        await eventually(lambda: page.socket.close_code == 4401)

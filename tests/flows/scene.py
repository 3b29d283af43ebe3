"""A case in sign-up with the people around it, and a sound body for each door: what tests of rights knock with."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec

from accounts.model import Actor, Role
from auction.case import motions, signing
from auction.sealed import crypt
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.people import a_supplier, an_actor, an_organisation
from tests.auction.sealed.rosters import a_context, a_roster, some_keys
from tests.auction.walk import MINUTE, Cast, a_cast, a_draft, published, signed_up, within
from tests.registries.experts import a_live_draw, in_the_registry

HOUR = 60 * MINUTE
WHY = "有正当理由"
ROSTER = a_roster()
A_QUOTE = crypt.seal(a_context(ROSTER), ROSTER, 500)


class Scene(NamedTuple):
    """A published case in sign-up with one bidder, a question and a motion; and who looks at it."""

    auction_id: UUID
    lot_id: UUID
    motion_id: UUID
    question_id: UUID
    alias: str
    org_id: UUID = UUID(int=0)
    person_id: UUID = UUID(int=0)
    expert_id: UUID = UUID(int=0)
    draw_id: UUID = UUID(int=0)


class People(NamedTuple):
    """The people of the case, and their like from elsewhere."""

    cast: Cast
    by_name: dict[str, Actor | None]


async def the_people(pool: Pool) -> People:
    cast = await a_cast(pool, suppliers=1)
    other = await an_organisation(pool)
    agency = await an_actor(pool, await an_organisation(pool, "agency"), Role.AGENCY)
    far = await an_actor(pool, await an_organisation(pool, "supervisor", "110101"), Role.SUPERVISOR, grant_region="11")
    operator = await an_actor(pool, await an_organisation(pool, "operator"), Role.OPERATOR)
    auditor, admin, security = [
        await an_actor(pool, await an_organisation(pool, "supervisor"), role)
        for role in (Role.AUDITOR, Role.ADMIN, Role.SECURITY)
    ]
    return People(
        cast,
        {
            "nobody": None,
            "buyer": cast.buyer,
            "head": cast.head,
            "buyer elsewhere": await an_actor(pool, other, Role.BUYER),
            "head elsewhere": await an_actor(pool, other, Role.HEAD),
            "agency elsewhere": agency,
            "supervisor": cast.supervisor,
            "supervisor elsewhere": far,
            "operator": operator,
            "auditor": auditor,
            "admin": admin,
            "security": security,
            "bidder": cast.suppliers[0],
            "supplier": await a_supplier(pool),
            "expert": await in_the_registry(pool, "A02090000"),
        },
    )


async def a_scene(pool: Pool, valkey: Valkey, people: People) -> Scene:
    cast, expert = people.cast, people.by_name["expert"]
    assert expert is not None
    auction_id, lot_id = await published(pool, valkey, cast, a_draft(Clock().now_ms() + HOUR))
    alias = (await signed_up(pool, cast, auction_id, lot_id))[cast.suppliers[0].org_id]
    now = Clock().now_ms()
    question_id = await within(pool, signing.ask, cast.suppliers[0], lot_id, "交货地点在哪里？", now)
    motion_id = await within(pool, motions.propose, cast.buyer, lot_id, "cancel", WHY, {}, now)
    draw_id = await a_live_draw(pool, cast.buyer, expert)
    head = cast.head
    return Scene(
        auction_id, lot_id, motion_id, question_id, alias, head.org_id, head.user_id, expert.user_id, draw_id
    )  # fmt: skip


def sent(route: str, scene: Scene) -> dict[str, Any]:
    """A sound body for a door, so that nothing but the person decides; empty for doors that take none."""
    opens_at = Clock().now_ms() + 2 * HOUR
    practice = {"title": "演练", "lots": [{"title": "一包", "names": ["甲", "乙"]}]}
    yes = {"yes": True, "reason": WHY}
    bodies: dict[str, Any] = {
        "POST /api/parameters/values": {
            "key": "auction.rounds", "region": "330000", "value": 4, "valid_from": "2031-01-01", "reason": WHY,
        },
        "PUT /api/calendars/{year:int}": {"off": [], "on": [], "source": WHY},
        "POST /api/lots/{lot_id:uuid}/bids": {"id": uuid4().hex, "price": 9_000_000},
        "POST /api/practice": practice,
        "POST /api/practice/tickets": {"auction_id": str(scene.auction_id), "names": ["甲"]},
        "POST /api/auctions": msgspec.to_builtins(a_draft(opens_at)),
        "PUT /api/auctions/{auction_id:uuid}": msgspec.to_builtins(a_draft(opens_at)),
        "POST /api/auctions/{auction_id:uuid}/approval": yes,
        "POST /api/auctions/{auction_id:uuid}/amendment": {"opens_at": opens_at, "text": WHY},
        "POST /api/lots/{lot_id:uuid}/conformity": {"alias": scene.alias, **yes},
        "POST /api/lots/{lot_id:uuid}/low-price": {"alias": scene.alias, **yes},
        "POST /api/lots/{lot_id:uuid}/motions": {"kind": "cancel", "reason": WHY},
        "POST /api/motions/{motion_id:uuid}": yes,
        "POST /api/lots/{lot_id:uuid}/broadcast": {"text": WHY},
        "POST /api/lots/{lot_id:uuid}/questions/{question_id:uuid}": {"text": WHY},
        "POST /api/lots/{lot_id:uuid}/suspension": {"reason": WHY, "days": 3},
        "POST /api/lots/{lot_id:uuid}/hold": {"reason": WHY, "days": 3},
        "POST /api/lots/{lot_id:uuid}/choice": yes,
        "POST /api/lots/{lot_id:uuid}/contract": {"contract_no": "HT-1"},
        "POST /api/lots/{lot_id:uuid}/rerun": {"opens_at": opens_at},
        "POST /api/auctions/{auction_id:uuid}/signup": {},
        "PUT /api/lots/{lot_id:uuid}/offer": {"brand": "品牌", "model": "型号"},
        "POST /api/lots/{lot_id:uuid}/questions": {"text": WHY},
        "POST /api/lots/{lot_id:uuid}/explanation": {"text": WHY},
        "POST /api/lots/{lot_id:uuid}/award": yes,
        "POST /api/sealing-key": {"public_key": base64.b64encode(some_keys().public).decode()},
        "POST /api/auctions/{auction_id:uuid}/offices": {"office": "group", "login": "nobody"},
        "POST /api/lots/{lot_id:uuid}/quote": msgspec.to_builtins(A_QUOTE),
        "POST /api/lots/{lot_id:uuid}/shares": {"quote": str(scene.lot_id), "share": "A" * 44},
    }  # fmt: skip
    return {"json": bodies[route]} if route in bodies else {}

"""再次验证: whoever has a second factor proves that it is he before he awards, opens, spends, or gives rights."""

from __future__ import annotations

from uuid import uuid4

import httpx

from accounts import sessions
from accounts.model import Actor
from auction.lot import live
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.flows.scene import Scene, a_scene, sent, the_people
from tests.live import Site, a_live_site

BINDING = {
    "supplier": ("POST /api/lots/{lot_id:uuid}/award", "POST /lots/{lot_id:uuid}/award"),
    "buyer": (
        "POST /api/lots/{lot_id:uuid}/choice", "POST /api/lots/{lot_id:uuid}/buyer-confirmation",
        "POST /api/lots/{lot_id:uuid}/contract", "GET /api/lots/{lot_id:uuid}/envelopes",
        "POST /api/lots/{lot_id:uuid}/shares", "POST /lots/{lot_id:uuid}/choice", "POST /lots/{lot_id:uuid}/confirm",
        "POST /lots/{lot_id:uuid}/contract",
    ),
    "head": (
        "POST /plans/{plan_id:uuid}/decision", "POST /payments/{payment_id:uuid}/decision", "POST /approvals",
    ),
    "admin": ("POST /admin/people/{person_id:uuid}/invitation",),
    "security": (
        "POST /admin/people/{person_id:uuid}/grants", "POST /admin/people/{person_id:uuid}/delegations",
        "POST /admin/people/{person_id:uuid}/factors", "POST /admin/roles",
    ),
    "supervisor": (
        "POST /budget", "POST /budget/{indicator_id:uuid}/adjustment", "POST /budget/year-end",
        "POST /budget/year-end/{close_id:uuid}", "POST /suppliers/{org_id:uuid}/bans",
        "POST /suppliers/bans/{ban_id:uuid}/end", "POST /agencies/{org_id:uuid}/marks",
        "POST /agencies/marks/{mark_id:uuid}/end", "POST /draws/{draw_id:uuid}",
    ),
}  # fmt: skip


async def asked(site: Site, actor: Actor, door: str, scene: Scene, proved: bool) -> str:
    """What the door says to a program of this person, who has proved himself just now or never."""
    method, path = door.split(" ")
    path = path.replace("{lot_id:uuid}", str(scene.lot_id))
    for place in (
        "{plan_id:uuid}",
        "{indicator_id:uuid}",
        "{person_id:uuid}",
        "{payment_id:uuid}",
        "{close_id:uuid}",
        "{org_id:uuid}",
        "{ban_id:uuid}",
        "{mark_id:uuid}",
        "{draw_id:uuid}",
    ):
        path = path.replace(place, str(uuid4()))
    given = sent(door, scene)
    if method == "POST" and "/api/" not in path:
        given = {"data": {"yes": "1", "contract_no": "1"}}
    token = await sessions.begin(site.pool, actor.user_id, Clock().now_ms(), proved=proved)
    headers = {
        "Accept": "application/json", "Origin": site.origin,
        "Cookie": f"{sessions.cookie_name(site.settings)}={token}",
    }  # fmt: skip
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.request(method, site.origin + path, headers=headers, **given)
    return str(answer.json().get("code", "")) if answer.headers.get("content-type", "").endswith("json") else ""


async def test_every_door_that_binds_asks_whoever_has_a_second_factor(
    pool: Pool, valkey_client: Valkey, valkey_url: str, postgres_url: str
) -> None:
    await live.load(valkey_client)
    people = await the_people(pool)
    scene = await a_scene(pool, valkey_client, people)
    faults = []
    async with a_live_site(pool, valkey_url, postgres_url) as site:
        for name, doors in BINDING.items():
            actor = people.by_name[name]
            assert actor is not None
            key = ("INSERT INTO passkey (id, person_id, name, public_key, sign_count) VALUES ($1, $2, '钥匙', $1, 0)",)
            await pool.execute(*key, uuid4().bytes, actor.user_id)
            for door in doors:
                if await asked(site, actor, door, scene, proved=False) != "step_up_needed":
                    faults.append(f"{door} lets in who has not proved himself")
                if await asked(site, actor, door, scene, proved=True) == "step_up_needed":
                    faults.append(f"{door} keeps out who has")
    assert faults == []

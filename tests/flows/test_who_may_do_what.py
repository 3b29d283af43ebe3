"""角色×对象: every door, every kind of person, over his own case and another's. No door is without a rule."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
from starlette.routing import BaseRoute, Route

from accounts import sessions
from accounts.model import Actor
from auction.case import drafting
from auction.lot import live
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from server import app as composition
from tests.auction.walk import MINUTE, a_draft, within
from tests.flows.scene import WHY, Scene, a_scene, sent, the_people
from tests.live import Site, a_live_site

HOUR = 60 * MINUTE

EVERYONE = frozenset({
    "nobody", "buyer", "head", "buyer elsewhere", "head elsewhere", "agency elsewhere", "supervisor",
    "supervisor elsewhere", "operator", "auditor", "bidder", "supplier", "admin", "security", "expert",
})  # fmt: skip
BUYERS, SUPPLIERS = frozenset({"buyer", "buyer elsewhere"}), frozenset({"bidder", "supplier"})
OWN = frozenset({"buyer", "head"})
OFFICERS = frozenset({"buyer", "head", "buyer elsewhere", "head elsewhere", "agency elsewhere"})

# Who is let in where, over a published case in sign-up that is the buyer's and the head's. Whoever is not named gets
# 401, 403 or 404 (pages of a seat: is led to the page he may see) and leaves no trace. A new door needs a line here.
RULES: dict[frozenset[str], str] = {
    EVERYONE: """
        GET /login/second | GET /login/enrol
        DELETE /api/session | GET /login | POST /login | POST /logout | GET /lang/{lang}
        GET /healthz | GET /api/parameters | GET /api/parameters/values | GET /api/calendars/{year:int}
        GET /api/categories | GET /api/regions | GET /preflight
        GET /standards | GET /standards/categories | GET /standards/calendar | GET /standards/parameters/{key}
        GET /standards/regions | GET /standards/forms | GET /standards/elements
        GET /api/auctions | GET /auctions | GET /api/auctions/{auction_id:uuid} | GET /auctions/{auction_id:uuid}
        GET /verify | GET /api/transcript-keys | GET /api/lots/{lot_id:uuid}/transcript.jsonl
        GET /lots/{lot_id:uuid} | GET /api/lots/{lot_id:uuid}/result | GET /lots/{lot_id:uuid}/result
        GET /suppliers | GET /suppliers/bans | GET /api/suppliers | GET /agencies | GET /api/agencies
        GET /products | GET /api/products | GET /products/compare
        GET /invitation | POST /invitation | GET /register | POST /register
        GET /draws/{draw_id:uuid} | GET /draws/{draw_id:uuid}/record.json
    """,
    EVERYONE - {"nobody"}: """
        GET /approvals | POST /approvals
        GET /todo/away | POST /todo/away | POST /todo/contact | GET /keys | POST /keys
        GET /api/me | POST /api/tickets | GET /todo | GET /api/sealing-key | GET /account | POST /account/sessions
        GET /account/factors | GET /prove | GET /suppliers/export.csv | GET /agencies/export.csv
        GET /products/export.csv
    """,
    OFFICERS | {"supervisor", "supervisor elsewhere"}: "GET /draws",
    BUYERS | {"agency elsewhere"}: "GET /draws/new | POST /draws",
    frozenset({"expert"}): """
        GET /experts/own | POST /experts/own | POST /experts/own/leave | POST /experts/own/calls/{draw_id:uuid}
        POST /experts/own/after/{draw_id:uuid}
    """,
    OFFICERS | {"expert"}: "GET /opening-key | POST /api/sealing-key",
    EVERYONE - {"nobody", "auditor", "admin", "security", "expert"} - SUPPLIERS: "GET /board",
    frozenset({"operator"}): """
        GET /metrics | GET /api/operations | GET /operations | POST /api/parameters/values
        PUT /api/calendars/{year:int} | POST /api/categories/import | POST /standards/parameters/{key}
        POST /api/regions/import | POST /standards/calendar
        POST /standards/forms
    """,
    OFFICERS - {"agency elsewhere"} | {"operator"}: "GET /recovery",
    BUYERS | SUPPLIERS | {"head", "head elsewhere", "supervisor", "supervisor elsewhere"}: """
        GET /vehicles | GET /vehicles/export.csv | GET /vehicles/statistics | GET /vehicles/quotas
        GET /vehicles/points | GET /api/vehicles
    """,
    BUYERS: """
        GET /vehicles/new | POST /vehicles/new
        POST /api/auctions | GET /auctions/new | POST /auctions/new | GET /plans/new | POST /plans | POST /payments
    """,
    BUYERS | {"head", "head elsewhere", "supervisor", "supervisor elsewhere"}: """
        GET /budget | GET /plans | GET /payments
    """,
    frozenset({"supervisor", "supervisor elsewhere"}): """
        POST /budget | GET /suppliers/filings | GET /reconciliation | POST /reconciliation | GET /budget/year-end
        POST /budget/year-end | GET /agencies/filings | POST /vehicles/quotas | POST /vehicles/points
        GET /experts | GET /experts/statistics | GET /experts/export.csv | GET /api/experts | GET /products/waiting
        GET /products/same | POST /products/same | POST /api/products/same/step
        GET /products/alerts | GET /products/statistics
    """,
    BUYERS | {"agency elsewhere", "supervisor", "supervisor elsewhere"}: "POST /standards/elements",
    BUYERS | {"agency elsewhere", "operator"}: "POST /api/practice",
    frozenset({"buyer"}): """
        PUT /api/auctions/{auction_id:uuid} | POST /api/auctions/{auction_id:uuid}/submit
        POST /api/auctions/{auction_id:uuid}/recall
        GET /auctions/{auction_id:uuid}/edit | POST /api/lots/{lot_id:uuid}/motions
    """,
    frozenset({"head"}): "POST /api/motions/{motion_id:uuid} | POST /motions/{motion_id:uuid}",
    OWN: """
        POST /api/auctions/{auction_id:uuid}/approval | POST /api/auctions/{auction_id:uuid}/amendment
        POST /api/lots/{lot_id:uuid}/conformity | POST /api/lots/{lot_id:uuid}/low-price
        POST /api/lots/{lot_id:uuid}/broadcast | POST /api/lots/{lot_id:uuid}/questions/{question_id:uuid}
        POST /api/lots/{lot_id:uuid}/hold | POST /api/lots/{lot_id:uuid}/choice | POST /api/lots/{lot_id:uuid}/contract
        POST /api/lots/{lot_id:uuid}/buyer-confirmation | POST /api/lots/{lot_id:uuid}/rerun
        GET /api/auctions/{auction_id:uuid}/offices | POST /api/auctions/{auction_id:uuid}/offices
        POST /draws/{draw_id:uuid}/after/{person_id:uuid}
        DELETE /api/auctions/{auction_id:uuid}/offices/{person_id:uuid}
    """,
    OWN | {"supervisor"}: """
        GET /lots/{lot_id:uuid}/watch | GET /api/lots/{lot_id:uuid}/award-notice.pdf
        GET /api/lots/{lot_id:uuid}/activity-record.pdf | GET /api/lots/{lot_id:uuid}/archive.zip
        GET /api/auctions/{auction_id:uuid}/archive.zip
        POST /draws/{draw_id:uuid} | GET /draws/{draw_id:uuid}/after | GET /draws/{draw_id:uuid}/fees.csv
    """,
    OWN | {"bidder"}: "GET /api/lots/{lot_id:uuid}/questions",
    frozenset(
        {"supervisor", "supervisor elsewhere", "auditor"}
    ): "GET /audit | GET /audit/export.csv | GET /audit/chain",
    frozenset({"admin", "security", "auditor"}): """
        GET /admin | GET /admin/people | GET /admin/roles | GET /admin/who | GET /flows
        GET /admin/organisations/{org_id:uuid} | GET /admin/people/{person_id:uuid}
    """,
    frozenset({"admin", "security"}): """
        POST /admin/roles | POST /admin/people/{person_id:uuid}/grants
        POST /admin/people/{person_id:uuid}/delegations
    """,
    frozenset({"security"}): "POST /admin/people/{person_id:uuid}/factors",
    frozenset({"admin"}): """
        GET /admin/registrations
        POST /admin/organisations/{org_id:uuid}/state
        POST /flows | POST /admin/organisations | POST /admin/organisations/{org_id:uuid}/people
        POST /admin/people/{person_id:uuid}/state | POST /admin/people/{person_id:uuid}/invitation
    """,
    frozenset({"supervisor"}): """
        POST /api/lots/{lot_id:uuid}/suspension | DELETE /api/lots/{lot_id:uuid}/suspension
        GET /experts/{person_id:uuid} | POST /experts/{person_id:uuid}
    """,
    frozenset({"agency elsewhere"}): """
        GET /agencies/own | POST /agencies/own | POST /agencies/own/closing
    """,
    OFFICERS | SUPPLIERS | {"admin"}: "GET /webhooks | POST /webhooks | GET /webhooks/log",
    SUPPLIERS: """
        POST /api/auctions/{auction_id:uuid}/signup | GET /practice | POST /practice | GET /products/own
        GET /products/own/statistics
        GET /products/own/alerts | GET /products/new | POST /products/new
        POST /api/products/imports
        POST /api/papers | GET /suppliers/own | POST /suppliers/own | POST /suppliers/own/registers
        POST /suppliers/own/closing | GET /registration
    """,
    frozenset({"bidder"}): """
        GET /lots/{lot_id:uuid}/room | DELETE /api/auctions/{auction_id:uuid}/signup
        PUT /api/lots/{lot_id:uuid}/offer | POST /api/lots/{lot_id:uuid}/questions
        POST /api/lots/{lot_id:uuid}/explanation
    """,
    frozenset({"supplier"}): "POST /api/lots/{lot_id:uuid}/bids",  # 409 NOT_REGISTERED; the bidder: not live yet
    # Nobody, for want of the thing: no practice, hold, award, form, plan, indicator, signature, sealed quotes, right.
    frozenset(): """
        POST /admin/grants/{grant_id:uuid}/end | POST /admin/delegations/{delegation_id:uuid}/end
        POST /admin/roles/{role_id:uuid}/retirement
        POST /admin/registrations/{registration_id:uuid}
        GET /suppliers/filings/{filing_id:uuid} | POST /suppliers/filings/{filing_id:uuid}
        GET /api/vehicles/{vehicle_id:uuid}
        GET /vehicles/{vehicle_id:uuid} | POST /vehicles/{vehicle_id:uuid}/decision
        POST /vehicles/{vehicle_id:uuid}/asset | POST /vehicles/{vehicle_id:uuid}/transfer
        POST /vehicles/{vehicle_id:uuid}/dispatch | POST /vehicles/{vehicle_id:uuid}/service
        POST /vehicles/{vehicle_id:uuid}/withdrawal | POST /vehicles/{vehicle_id:uuid}/correction
        POST /vehicles/{vehicle_id:uuid}/clearing | POST /vehicles/points/{point_id:uuid}/end
        GET /agencies/filings/{filing_id:uuid} | POST /agencies/filings/{filing_id:uuid}
        GET /agencies/{org_id:uuid} | GET /api/agencies/{org_id:uuid} | POST /agencies/{org_id:uuid}/marks
        POST /agencies/marks/{mark_id:uuid}/end | POST /agencies/{org_id:uuid}/appraisals
        GET /suppliers/{org_id:uuid} | GET /api/suppliers/{org_id:uuid}
        GET /products/{product_id:uuid} | GET /api/products/{product_id:uuid} | POST /products/imports/{import_id:uuid}
        GET /products/imports/{import_id:uuid} | POST /api/products/imports/{import_id:uuid}/step
        POST /products/{product_id:uuid}/decision | POST /products/same/{good_id:uuid}/{standard_id:uuid}
        POST /products/alerts/{product_id:uuid}/{against} | POST /products/own/alerts/{product_id:uuid}/{against}
        POST /products/{product_id:uuid}/flags/{flag} | POST /products/{product_id:uuid}/flags
        GET /products/{product_id:uuid}/edit | POST /products/{product_id:uuid}/edit
        POST /products/{product_id:uuid}/shelf | POST /products/{product_id:uuid}/reviews
        POST /products/{product_id:uuid}/reviews/{person_id:uuid}/answer
        POST /products/{product_id:uuid}/reviews/{person_id:uuid}/hiding
        POST /suppliers/{org_id:uuid}/bans | POST /suppliers/bans/{ban_id:uuid}/end
        POST /suppliers/doubts/{doubt_id:uuid} | GET /papers/{paper_id:uuid}
        POST /api/fiscal/messages | GET /todo/hand | POST /todo/hand
        POST /keys/{key_id:uuid}/revocation | POST /webhooks/{endpoint_id:uuid}/secret
        POST /webhooks/{endpoint_id:uuid}/end | POST /webhooks/{endpoint_id:uuid}/test
        POST /webhooks/log/{sending_id:uuid}/replay
        GET /budget/{indicator_id:uuid} | POST /budget/{indicator_id:uuid}/adjustment
        GET /plans/{plan_id:uuid} | GET /plans/{plan_id:uuid}/edit | POST /plans/{plan_id:uuid}
        POST /budget/year-end/{close_id:uuid}
        GET /payments/{payment_id:uuid} | POST /payments/{payment_id:uuid}/decision
        POST /payments/{payment_id:uuid}/withdrawal
        POST /plans/{plan_id:uuid}/decision | POST /plans/{plan_id:uuid}/withdrawal
        GET /auctions/{auction_id:uuid}/offices
        POST /auctions/{auction_id:uuid}/offices | GET /api/lots/{lot_id:uuid}/booth
        POST /api/lots/{lot_id:uuid}/quote
        GET /api/lots/{lot_id:uuid}/opening | GET /api/lots/{lot_id:uuid}/envelopes
        POST /api/lots/{lot_id:uuid}/shares
        GET /lots/{lot_id:uuid}/quote | GET /lots/{lot_id:uuid}/opening
        POST /recovery/{lot_id:uuid} | POST /standards/elements/{request_id:uuid}
        POST /api/practice/tickets | POST /api/practice/lots/{lot_id:uuid}/close | DELETE /api/lots/{lot_id:uuid}/hold
        POST /api/lots/{lot_id:uuid}/award | GET /auctions/new/{form_id:uuid}/{step}
        GET /api/lots/{lot_id:uuid}/receipt.json
        POST /auctions/new/{form_id:uuid}/{step} | POST /auctions/new/{form_id:uuid}/drop
        GET /practice/{auction_id:uuid}/join | POST /practice/{auction_id:uuid}/join
    """,
}
# Doors behind which the operation is named by the form; each operation stands here like a door.
FORMS: dict[frozenset[str], str] = {
    frozenset({"buyer"}): "/auctions/A/submit /auctions/A/recall /lots/L/cancel",
    OWN: """/auctions/A/decide /auctions/A/amend /lots/L/answer /lots/L/conformity /lots/L/low-price /lots/L/choice
        /lots/L/confirm /lots/L/contract /lots/L/hold /lots/L/rerun""",
    SUPPLIERS: "/auctions/A/signup",
    frozenset({"bidder"}): "/auctions/A/withdraw /lots/L/offer /lots/L/ask /lots/L/explain",
    frozenset({"supervisor"}): "/lots/L/suspend /lots/L/release",
    frozenset(): "/lots/L/award /lots/L/no-such-thing /auctions/A/no-such-thing",
}
BY_FORM = {"POST /auctions/{auction_id:uuid}/{what:str}", "POST /lots/{lot_id:uuid}/{what:str}"}
ELSEWHERE = {  # tests/auction/doors, tests/auction/transcript, tests/accounts
    # Second factors ask for a fresh proof first; the second step for the first (tests/accounts/test_second_factors.py).
    "POST /login/second",
    "POST /login/enrol",
    "POST /prove",
    "GET /prove/kept",
    "GET /account/factors/totp",
    "POST /account/factors/totp",
    "POST /account/factors/totp/removal",
    "POST /account/factors/passkeys/removal",
    "POST /account/factors/recovery",
    "POST /api/passkeys/asking",
    "POST /api/passkeys/answer",
    "POST /api/passkeys/making",
    "POST /api/passkeys/enrolment",
    "POST /api/passkeys",
    "POST /account/sessions/{session_id:uuid}/end",
    "GET /login/oidc",
    "GET /login/oidc/return",
    "GET /account/identity",
    "POST /account/identity",
    "POST /account/identity/removal",
    "GET /api/lots/{lot_id:uuid}/stream",
    "POST /api/session",
    "POST /account/password",
    "GET /api/lots/{lot_id:uuid}/checkpoint",
}


def routes_of_the_product() -> list[BaseRoute]:
    from accounts import pages, routes
    from accounts.admin import doors as admin
    from accounts.audit import pages as audit_pages
    from accounts.factors import pages as factor_pages
    from accounts.factors import routes as factor_routes
    from accounts.flows import pages as flow_pages
    from accounts.flows import screen as approval_pages
    from accounts.keys import pages as key_pages
    from accounts.oidc import pages as oidc_pages
    from accounts.todo import pages as todo_pages
    from accounts.webhooks import pages as webhook_pages

    accounts = [*routes.ROUTES, *pages.ROUTES, *factor_routes.ROUTES, *factor_pages.ROUTES]
    return [
        *accounts,
        *oidc_pages.ROUTES,
        *audit_pages.ROUTES,
        *admin.ROUTES,
        *todo_pages.ROUTES,
        *key_pages.ROUTES,
        *webhook_pages.ROUTES,
        *flow_pages.ROUTES,
        *approval_pages.ROUTES,
        *composition.ROUTES,
    ]


def doors() -> list[str]:
    """Every door of the product: method and path; a door with several methods counts for each."""
    found = []
    for route in routes_of_the_product():
        methods = (route.methods or set()) - {"HEAD"} if isinstance(route, Route) else {"SOCKET"}
        found += [f"{method} {route.path}" for method in sorted(methods)]
    return found


def address(route: str, scene: Scene) -> tuple[str, str]:
    method, path = route.split(" ", 1)
    places = {
        "{auction_id:uuid}": str(scene.auction_id), "{lot_id:uuid}": str(scene.lot_id), "{year:int}": "2031",
        "{motion_id:uuid}": str(scene.motion_id), "{question_id:uuid}": str(scene.question_id),
        "{lang}": "zh", "{form_id:uuid}": str(uuid4()), "{step}": "need", "{key}": "auction.rounds",
        "{person_id:uuid}": str(
            scene.person_id
            if path.startswith("/admin")
            else scene.expert_id
            if path.startswith(("/experts", "/draws"))
            else uuid4()
        ),
        "{org_id:uuid}": str(scene.org_id), "{grant_id:uuid}": str(uuid4()),
        "{role_id:uuid}": str(uuid4()), "{registration_id:uuid}": str(uuid4()),
        "{delegation_id:uuid}": str(uuid4()), "{filing_id:uuid}": str(uuid4()), "{ban_id:uuid}": str(uuid4()),
        "{doubt_id:uuid}": str(uuid4()), "{paper_id:uuid}": str(uuid4()),
        "{product_id:uuid}": str(uuid4()), "{good_id:uuid}": str(uuid4()), "{standard_id:uuid}": str(uuid4()),
        "{against}": "peers", "{flag}": "energy",
        "{import_id:uuid}": str(uuid4()),
        "{vehicle_id:uuid}": str(uuid4()), "{point_id:uuid}": str(uuid4()), "{mark_id:uuid}": str(uuid4()),
        "{key_id:uuid}": str(uuid4()), "{endpoint_id:uuid}": str(uuid4()), "{sending_id:uuid}": str(uuid4()),
        "{indicator_id:uuid}": str(uuid4()), "{plan_id:uuid}": str(uuid4()),
        "{payment_id:uuid}": str(uuid4()), "{draw_id:uuid}": str(scene.draw_id), "{close_id:uuid}": str(uuid4()),
    }  # fmt: skip
    for place, value in places.items():
        path = path.replace(place, value)
    return method, path


class Visitor:
    """One person's program."""

    def __init__(self, site: Site, name: str, actor: Actor | None, client: httpx.AsyncClient) -> None:
        self.site, self.name, self.actor, self.client = site, name, actor, client
        self.headers = {"Accept": "application/json", "Origin": site.origin}

    async def knock(self, route: str, scene: Scene) -> int:
        """The status of his request."""
        method, path = address(route, scene)
        given = sent(route, scene) or ({"data": {"yes": "1"}} if method == "POST" and "/api/" not in path else {})
        return (await self._ask(method, path, given)).status_code

    async def _ask(self, method: str, path: str, given: dict[str, Any]) -> httpx.Response:
        headers = dict(self.headers)
        if self.actor is not None:
            token = await sessions.begin(self.site.pool, self.actor.user_id, Clock().now_ms())
            headers["Cookie"] = f"{sessions.cookie_name(self.site.settings)}={token}"
        return await self.client.request(method, self.site.origin + path, headers=headers, **given)

    async def send(self, path: str, scene: Scene) -> int:
        """The status of his form: 303 when done, the page with the refusal otherwise."""
        form = {
            "yes": "1", "reason": WHY, "text": WHY, "alias": scene.alias, "question": str(scene.question_id),
            "days": "3", "contract_no": "HT-1", "opens_at": "2031-05-06T09:00", "brand": "品牌", "model": "型号",
        }  # fmt: skip
        return (await self._ask("POST", path, {"data": form})).status_code


def ruled(rules: dict[frozenset[str], str], separator: str | None) -> dict[str, frozenset[str]]:
    return {
        door.strip(): may
        for may, text in rules.items()
        for line in text.splitlines()
        for door in line.split(separator)
        if door.strip()
    }


async def trace(pool: Pool, scene: Scene) -> list[Any]:
    """What stands of the case in every table that knows it."""
    found: list[Any] = []
    columns = (
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name"
    )
    for column, value in (("auction_id", scene.auction_id), ("lot_id", scene.lot_id)):
        for row in await pool.fetch(f"{columns} = $1 ORDER BY table_name", column):
            table = row["table_name"]
            found.append((table, await pool.fetch(f'SELECT to_jsonb(t) FROM "{table}" t WHERE {column} = $1', value)))
    for table, value in (("auction", scene.auction_id), ("lot", scene.lot_id), ("motion", scene.motion_id)):
        found.append((table, await pool.fetch(f'SELECT to_jsonb(t) FROM "{table}" t WHERE id = $1', value)))
    return [(table, sorted(str(row) for row in rows)) for table, rows in found]


def test_every_door_has_a_rule_and_every_rule_a_door() -> None:
    assert set(doors()) == set(ruled(RULES, "|")) | BY_FORM | ELSEWHERE


async def refused(site: Site, pool: Pool, valkey: Valkey, ask: Any, may: frozenset[str]) -> list[str]:
    """Who was let in against the rule, and who was kept out; a trace left by somebody who was refused."""
    people = await the_people(pool)
    scene = await a_scene(pool, valkey, people)
    faults, before = [], await trace(pool, scene)
    async with httpx.AsyncClient(trust_env=False) as client:
        visitors = {name: Visitor(site, name, actor, client) for name, actor in people.by_name.items()}
        for name in sorted(visitors, key=lambda one: one in may):
            if name in may and before is not None:
                faults += [f"{name} and his like left a trace"] if await trace(pool, scene) != before else []
                before = None
            status = await ask(visitors[name], scene)
            if (status in (401, 403, 404)) == (name in may) or status >= 500:
                faults.append(f"{name}: {status}")
    return faults


async def test_everyone_is_let_in_where_he_may_and_nowhere_else(
    pool: Pool, valkey_client: Valkey, valkey_url: str, postgres_url: str
) -> None:
    await live.load(valkey_client)
    faults = {}
    async with a_live_site(pool, valkey_url, postgres_url) as site:
        for route, may in ruled(RULES, "|").items():

            async def knock(visitor: Visitor, scene: Scene, route: str = route) -> int:
                status = await visitor.knock(route, scene)
                led_away = status == 303 and route.endswith(("/room", "/watch"))
                return 404 if led_away else status

            if found := await refused(site, pool, valkey_client, knock, may):
                faults[route] = found
    assert faults == {}


async def test_everyone_may_send_the_forms_he_may_and_no_others(
    pool: Pool, valkey_client: Valkey, valkey_url: str, postgres_url: str
) -> None:
    await live.load(valkey_client)
    faults = {}
    async with a_live_site(pool, valkey_url, postgres_url) as site:
        for path, may in ruled(FORMS, None).items():

            async def send(visitor: Visitor, scene: Scene, path: str = path) -> int:
                where = path.replace("/A/", f"/{scene.auction_id}/").replace("/L/", f"/{scene.lot_id}/")
                return await visitor.send(where, scene)

            if found := await refused(site, pool, valkey_client, send, may):
                faults[path] = found
    assert faults == {}


async def test_a_draft_is_known_to_its_own_people_and_to_nobody_else(
    pool: Pool, valkey_client: Valkey, valkey_url: str, postgres_url: str
) -> None:
    people = await the_people(pool)
    auction_id = await within(
        pool, drafting.create, people.cast.buyer, a_draft(Clock().now_ms() + HOUR), Clock().now_ms()
    )
    lot_id = await pool.fetchval("SELECT id FROM lot WHERE auction_id = $1", auction_id)
    scene = Scene(auction_id, lot_id, uuid4(), uuid4(), "A11")
    faults = []
    async with a_live_site(pool, valkey_url, postgres_url) as site, httpx.AsyncClient(trust_env=False) as client:
        for route in doors():
            if (
                not route.startswith("GET")
                or ("{auction_id" not in route and "{lot_id" not in route)
                or route in ELSEWHERE
            ):
                continue
            for name, actor in people.by_name.items():
                status = await Visitor(site, name, actor, client).knock(route, scene)
                hidden = status in (401, 403, 404) or (status == 303 and route.endswith(("/room", "/watch")))
                if not hidden and name not in OWN | {"supervisor"}:
                    faults.append(f"{route} shows a draft to {name}: {status}")
    assert faults == []

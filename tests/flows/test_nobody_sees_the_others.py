"""互不可见, through the whole product: two lots that differ only in what is hidden answer an observer the same.

Every door that can be read, and every frame, of a running lot and of a sealed inquiry before its opening: what others
bid or sealed, how many they are, what they asked and what the hosts intend must change no byte. Ids, hours and aliases
of the two lots, which are different for everybody, are made alike before they are compared.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import msgspec

from auction.case import signing
from auction.case.quoting import BoothOut
from auction.lot.model import Decrement
from auction.sealed import crypt
from auction.sealed.model import Context
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.sealed.walk import SealedCast, a_sealed_cast, drafted, entered
from tests.auction.walk import MINUTE, within
from tests.flows.test_who_may_do_what import doors
from tests.live import Site, a_cookie, a_live_site, a_page, a_program, a_started_lot, quick_rules
from tests.support import eventually

PUBLISHED = "SELECT published_at FROM auction WHERE id = $1"
ENDLESS = ("/stream",)
CHANCE = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\b1[78]\d{11}\b"), "MS"),
    (re.compile(r"\b20\d\d[-年/]\d{1,2}[-月/]\d{1,2}日?"), "DAY"),
    (re.compile(r"\b\d{1,2}:\d\d(:\d\d)?(\.\d+)?\b"), "HOUR"),
    (re.compile(r"\b[A-Z]{2,4}-20\d\d-\d+|\b[A-Z]{2,4}\d{6,}[-\d]*|\b\d{6}-\d{4}-\d+|ocds-[\w-]+"), "NUMBER"),
    (re.compile(r'"epoch":"[0-9a-f]{8}"'), "EPOCH"),
    (re.compile(r"\+[0-9a-f]{8}\+?"), "KEY"),
    (re.compile(r"[A-Za-z0-9+/]{40,}={0,2}"), "HASH"),  # salted leaves and signatures over them
    (re.compile(r"\b[0-9a-f]{16}\b"), "REQUEST"),
    (re.compile(r"\b[0-9a-f]{12}…|\b[0-9a-f]{32} [0-9a-f]{32}\b"), "FINGERPRINT"),
    (re.compile(r"单位\d+|person\d+-[0-9a-f]{6}|\b[0-9a-f]{64}\b"), "WHO"),
)


class Lot(NamedTuple):
    """One of the two worlds."""

    auction_id: UUID
    lot_id: UUID
    alias: str

    def alike(self, text: str) -> str:
        """Without what is different for everybody."""
        for pattern, word in CHANCE:
            text = pattern.sub(word, text)
        return re.sub(rf"(?<![A-Z0-9]){self.alias}(?![A-Z0-9])", "ALIAS", text) if self.alias else text


async def seen(client: httpx.AsyncClient, lot: Lot) -> dict[str, str]:
    """What every door that can be read answers."""
    found: dict[str, str] = {}
    for door in doors():
        method, path = door.split(" ", 1)
        if method != "GET" or path.endswith(ENDLESS) or not ("{lot_id" in path or "{auction_id" in path):
            continue
        where = path.replace("{auction_id:uuid}", str(lot.auction_id)).replace("{lot_id:uuid}", str(lot.lot_id))
        if "{" in where:
            continue
        for accept in ("text/html", "application/json"):
            answer = await client.get(where, headers={"Accept": accept})
            sizes = f"{answer.status_code} {len(lot.alike(answer.text))}"
            found[f"{path} {accept}"] = f"{sizes} {lot.alike(answer.text)}"
    return found


async def the_lot(site: Site, lot_id: UUID, org_of: str) -> Lot:
    row = await site.pool.fetchrow(
        "SELECT l.auction_id, u.alias FROM lot l LEFT JOIN signup u ON u.auction_id = l.auction_id AND u.org_id = "
        "(SELECT org_id FROM person WHERE login = $2) WHERE l.id = $1",
        lot_id,
        org_of,
    )
    assert row is not None
    return Lot(row["auction_id"], lot_id, row["alias"] or "")


async def seen_by(site: Site, lot_id: UUID, login: str) -> dict[str, str]:
    """What every door answers ``login`` (empty: nobody)."""
    headers = {"Cookie": await a_cookie(site, login)} if login else {}
    async with httpx.AsyncClient(base_url=site.origin, headers=headers, trust_env=False) as client:
        return await seen(client, await the_lot(site, lot_id, login))


async def differences(site: Site, one: UUID, two: UUID, logins: tuple[tuple[str, str], ...]) -> list[str]:
    """The doors at which the two lots look different to any of ``logins``, his name here and there."""
    faults: list[str] = []
    for login, there in logins:
        first, second = await seen_by(site, one, login), await seen_by(site, two, there)
        assert len(first) > 30
        for door, text in first.items():
            if text != second[door]:
                pairs = enumerate(zip(text[9:], second[door][9:], strict=False), 9)  # past the sizes
                at = next((i for i, (a, b) in pairs if a != b), min(len(text), len(second[door])))
                around = slice(max(0, at - 60), at + 60)
                faults.append(f"{login or 'nobody'} {door}: {text[around]!r} or {second[door][around]!r}")
    return faults


async def bid_in(site: Site, lot_id: UUID, mine: list[int], others: dict[str, list[int]]) -> list[str]:
    """The observer's frames in one world: he bids ``mine`` after the others have bid theirs."""
    lot = await the_lot(site, lot_id, "supplier2")
    async with a_page(site, "supplier2") as page:
        await page.watch(lot_id)
        for price in mine:
            assert (await page.bid(lot_id, price, id=f"mine-{price}"))["t"] == "taken"
            await eventually(lambda price=price: page.view(lot_id).get("price") == price)
        for login, prices in others.items():
            async with a_page(site, login) as other:
                for price in prices:
                    assert (await other.bid(lot_id, price))["t"] == "taken"
        await eventually(lambda: page.view(lot_id).get("rank") == 2)
        await page.send({"t": "time", "t0": 1})
        await eventually(lambda: page.frames[-1]["t"] == "time")
        told: list[Any] = page.frames[:-1]
        return [lot.alike(msgspec.json.encode(frame).decode()) for frame in told]


async def signed_for_supplier2(site: Site, *lots: UUID) -> bool:
    """Whether his receipt is there in each of the lots: it comes within two seconds of his bid, sooner or later."""
    aliases = [(await the_lot(site, lot_id, "supplier2")).alias for lot_id in lots]
    receipt = "SELECT count(*) FROM transcript_receipt WHERE lot_id = $1 AND alias = $2"
    return all([await site.pool.fetchval(receipt, *each) for each in zip(lots, aliases, strict=True)])


async def test_a_running_lot_tells_an_observer_nothing_of_the_others(
    pool: Pool, valkey_url: str, postgres_url: str
) -> None:
    async with a_live_site(pool, valkey_url, postgres_url) as site:
        rules = quick_rules(duration_ms=600_000, decrement=Decrement(amount=100))
        one, two = await a_started_lot(site, rules, bidders=3), await a_started_lot(site, rules, bidders=5)
        frames = await bid_in(site, one, [47_000_000], {"supplier1": [40_000_000]})
        more = {"supplier1": [46_999_000, 38_123_456, 37_000_000], "supplier4": [47_900_000, 47_500_000]}
        assert await bid_in(site, two, [47_000_000], more) == frames
        async with a_program(site, "supplier1") as rival, a_program(site, "buyer") as host:
            asked = await rival.post(f"/api/lots/{two}/questions", json={"text": "交货地点在哪里？"})
            assert asked.status_code < 300, asked.text
            moved = await host.post(f"/api/lots/{two}/motions", json={"kind": "pause", "reason": "核对一处情况"})
            assert moved.status_code < 300, moved.text
        await eventually(lambda: signed_for_supplier2(site, one, two), within_s=10)
        assert (
            await differences(site, one, two, (("supplier2", "supplier2"), ("supplier6", "supplier6"), ("", ""))) == []
        )
        assert await differences(site, one, two, (("buyer", "buyer"),)) != [], "the comparison is not asleep"


async def seal(site: Site, cast: SealedCast, lot_id: UUID, prices: list[int]) -> None:
    """So many suppliers bring a sealed quote."""
    for supplier, price in zip(cast.suppliers, prices, strict=False):
        async with a_program(site, supplier.login) as program:
            found = msgspec.convert((await program.get(f"/api/lots/{lot_id}/booth")).json(), BoothOut)
            context = Context(lot_id, found.alias, found.deadline_at, found.roster_sha256)
            sealed = msgspec.json.encode(crypt.seal(context, found.seats, price))
            headers = {"Content-Type": "application/json", "Origin": site.origin}
            assert (await program.post(f"/api/lots/{lot_id}/quote", content=sealed, headers=headers)).status_code == 201


async def test_a_sealed_inquiry_tells_nobody_who_sealed_what_or_how_many_did(
    pool: Pool, valkey_client: Valkey, valkey_url: str, postgres_url: str
) -> None:
    from auction.case import approving

    async with a_live_site(pool, valkey_url, postgres_url) as site:
        worlds: list[tuple[SealedCast, UUID]] = []
        for prices in ([99_000_000], [99_000_000, 73_194_628, 81_940_357]):
            cast, now = await a_sealed_cast(pool), Clock().now_ms()
            auction_id, lot_id = await drafted(pool, cast, now + 60 * MINUTE)
            await within(pool, approving.submit, cast.buyer, auction_id, now)
            await within(pool, approving.decide, cast.head, auction_id, True, "", now)
            await eventually(lambda one=auction_id: pool.fetchval(PUBLISHED, one), within_s=15)
            await entered(pool, cast, auction_id, lot_id)
            await seal(site, cast, lot_id, prices)
            worlds.append((cast, lot_id))
        (one, first), (two, second) = worlds
        await within(pool, signing.ask, two.suppliers[1], second, "交货地点在哪里？", Clock().now_ms())
        observers = ((one.suppliers[0].login, two.suppliers[0].login), ("supplier6", "supplier6"), ("", ""))
        assert await differences(site, first, second, observers) == []

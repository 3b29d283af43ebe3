"""密封: a dump of everything the product keeps, taken before the opening, has no price in any encoding."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from auction.case import approving
from auction.case.quoting import BoothOut
from auction.sealed import crypt
from auction.sealed.model import Context, Office
from plumbing import valkey
from plumbing.clock import Clock
from plumbing.postgres import Pool
from standards.money import upper
from tests.auction.sealed.walk import Member, SealedCast, a_sealed_cast, drafted, entered, open_for
from tests.auction.walk import within
from tests.flows.test_kills import House, a_house
from tests.live import a_program
from tests.support import eventually

PRICES = (73_194_628, 81_940_357, 96_285_143)
TO_THE_DEADLINE_MS = 20_000
EMPTY_PAGE = bytes(8_192)


def written(fen: int) -> Iterator[str]:
    """How people and programs write an amount."""
    yuan, cents = divmod(fen, 100)
    yield str(fen)
    yield f"{yuan}.{cents:02d}"
    yield f"{yuan:,}.{cents:02d}"
    yield f"{fen:,}"
    yield str(fen)[::-1]
    yield upper(fen)
    yield upper(fen).removesuffix("整")


def in_base64(raw: bytes) -> Iterator[bytes]:
    """What of ``raw`` stands in base64 whatever stands before and behind it."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw)
        begin, end = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        yield whole[begin:end]


def encodings_of(fen: int) -> set[bytes]:
    """Every way in which the price may stand in a file."""
    found: set[bytes] = set()
    for text in written(fen):
        for codec in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "gb18030"):
            raw = text.encode(codec)
            found |= {raw, raw.hex().encode(), raw.hex().upper().encode(), *in_base64(raw)}
    for form in (">q", "<q", ">d", "<d"):
        raw = struct.pack(form, fen)
        found |= {raw, raw.hex().encode(), *in_base64(raw)}
    found |= {struct.pack(">d", fen / 100), struct.pack("<d", fen / 100), b"\xce" + struct.pack(">I", fen)}
    found |= {f"{fen:x}".encode(), f"{fen:X}".encode(), f"{fen:o}".encode(), f"{fen:b}".encode()}
    return found


async def dump(house: House, data: Path) -> dict[str, bytes]:
    """All that is kept: every file on disk, every row of every table, every key of Valkey, all that was printed."""
    pool: Pool = house.site.pool
    await pool.execute("CHECKPOINT")
    found = {"printed": house.product.said}
    tables = "SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public'"
    for row in await pool.fetch(tables):
        rows = await pool.fetch(f"SELECT to_jsonb(t)::text AS row FROM {row['name']} t")
        found["table " + row["name"]] = "\n".join(one["row"] for one in rows).encode()
    client = valkey.connect(house.site.settings.valkey_url)
    async for key in client.scan_iter(count=1_000):
        found[f"key {key!r}"] = await client.dump(key) or b""
    await client.aclose()
    for path in data.rglob("*"):
        if path.is_file() and not path.is_socket():
            found[str(path)] = path.read_bytes().replace(EMPTY_PAGE, b"")
    return found


def holders(kept: dict[str, bytes], *prices: int) -> set[str]:
    """Where any of the prices stands."""
    forms = set().union(*(encodings_of(fen) for fen in prices))
    known: dict[bytes, bool] = {}  # the engines keep many files twice
    for content in kept.values():
        if content not in known:
            known[content] = any(form in content for form in forms)
    return {place for place, content in kept.items() if known[content]}


async def bring(house: House, cast: SealedCast, lot_id: UUID) -> None:
    """Every supplier brings his sealed quote through the door."""
    for supplier, price in zip(cast.suppliers, PRICES, strict=True):
        async with a_program(house.site, supplier.login) as program:
            found = msgspec.convert((await program.get(f"/api/lots/{lot_id}/booth")).json(), BoothOut)
            context = Context(lot_id, found.alias, found.deadline_at, found.roster_sha256)
            sealed = msgspec.json.encode(crypt.seal(context, found.seats, price))
            headers = {"Content-Type": "application/json"}
            answer = await program.post(f"/api/lots/{lot_id}/quote", content=sealed, headers=headers)
            assert answer.status_code == 201, answer.text


async def try_early(house: House, member: Member, lot_id: UUID) -> None:
    """A member of an office tries before the deadline; it is refused and on record."""
    async with a_program(house.site, member.actor.login) as program:
        for door in ("opening", "envelopes"):
            answer = await program.get(f"/api/lots/{lot_id}/{door}")
            assert (answer.status_code, answer.json()["code"]) == (409, "sealed_not_yet")
        share = {"quote": str(lot_id), "share": base64.b64encode(bytes(33)).decode()}
        assert (await program.post(f"/api/lots/{lot_id}/shares", json=share)).status_code == 409
    trail = "SELECT count(*) FROM audit_event WHERE event = 'sealed.refused' AND object = $1 AND person_id = $2"
    assert await house.site.pool.fetchval(trail, f"lot:{lot_id}", member.actor.user_id) == 3


@pytest.mark.slow
async def test_no_price_is_anywhere_until_two_offices_have_opened(short_tmp: Path) -> None:
    data = short_tmp / "sealed"
    async with a_house(data) as house:
        pool = house.site.pool
        cast = await a_sealed_cast(pool)
        auction_id, lot_id = await drafted(pool, cast, Clock().now_ms() + TO_THE_DEADLINE_MS)
        now = Clock().now_ms()
        await within(pool, approving.submit, cast.buyer, auction_id, now)
        await within(pool, approving.decide, cast.head, auction_id, True, "", now)
        await eventually(lambda: pool.fetchval("SELECT published_at FROM auction WHERE id = $1", auction_id))
        await entered(pool, cast, auction_id, lot_id)
        await bring(house, cast, lot_id)
        await try_early(house, cast.of(Office.PURCHASER), lot_id)
        before = await dump(house, data)
        assert holders(before, *PRICES) == set()

        opening = "SELECT true FROM lot WHERE id = $1 AND stage = 'opening'"
        await eventually(lambda: pool.fetchval(opening, lot_id), within_s=30)
        await open_for(pool, cast.of(Office.PURCHASER), lot_id, Clock().now_ms())
        one_office = await dump(house, data)
        assert holders(one_office, *PRICES) == set()

        await open_for(pool, cast.of(Office.GROUP), lot_id, Clock().now_ms())
        after = await dump(house, data)
        found = holders(after, PRICES[1])  # the search is not asleep
        assert {"table sealed_opening", "table standing", "table lot_event"} <= found
        assert any("/base/" in place for place in found), "the files of the tables themselves"

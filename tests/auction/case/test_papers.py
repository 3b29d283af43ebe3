"""Papers and archive of a settled lot: made from the record alone, the same bytes each time, for the right eyes."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from uuid import UUID

import pytest
import pytest_asyncio

from auction.case import award, papers, signing
from auction.lot import live
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from server.site import load_texts
from tests.auction.walk import Cast, a_cast, bids, closed, nothing, opened, published, within

NOW = Clock().now_ms
TEXTS = load_texts()


@pytest_asyncio.fixture(scope="session")
async def valkey(valkey_client: Valkey) -> Valkey:
    await live.load(valkey_client)
    return valkey_client


async def a_deal(pool: Pool, valkey: Valkey) -> tuple[Cast, UUID]:
    cast = await a_cast(pool)
    lot_id, aliases = await opened(pool, valkey, cast)
    await bids(valkey, lot_id, dict(zip(aliases.values(), (9_000_000, 8_765_432, 8_900_000), strict=True)))
    await closed(pool, valkey, lot_id)
    await within(pool, award.answer, cast.suppliers[1], lot_id, True, "", NOW())
    row = await within(pool, signing.hosted, cast.buyer, lot_id, NOW())
    await within(pool, award.buyer_confirm, row, cast.buyer, NOW(), nothing)
    return cast, lot_id


async def test_papers_and_archive_say_what_the_record_says_and_never_change(pool: Pool, valkey: Valkey) -> None:
    _, lot_id = await a_deal(pool, valkey)
    _, facts = await papers.facts_of(pool, lot_id, TEXTS)
    assert (facts["amount"], facts["amount_upper"]) == ("¥87,654.32", "捌万柒仟陆佰伍拾肆元叁角贰分")
    notice = await papers.award_notice(pool, lot_id, TEXTS)
    assert notice.startswith(b"%PDF-")
    assert notice == await papers.award_notice(pool, lot_id, TEXTS)
    whole = await papers.archive(pool, lot_id, TEXTS)
    assert whole == await papers.archive(pool, lot_id, TEXTS)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert set(manifest["files"]) == set(archive.namelist()) - {"manifest.json"}
        for name, digest in manifest["files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
        log = archive.read("log.jsonl")
        assert hashlib.sha256(log.rstrip(b"\n")).hexdigest() == manifest["log_sha256"]
        standings = json.loads(archive.read("standings.json"))
    assert [s["price"] for s in standings] == [8_765_432, 8_900_000, 9_000_000]
    assert "org" not in json.dumps(standings)


async def test_there_are_no_papers_before_settlement(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    _, lot_id = await published(pool, valkey, cast)
    with pytest.raises(Problem) as refused:
        await papers.activity_record(pool, lot_id, TEXTS)
    assert refused.value.code == "not_settled"

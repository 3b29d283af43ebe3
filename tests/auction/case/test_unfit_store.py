"""A live store that may lose acknowledged bids opens no lot; put right, it opens it in full."""

from __future__ import annotations

from auction.case import dues
from auction.lot import live
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.walk import a_cast, a_draft, nothing, published, rules, signed_up, stage


async def test_no_lot_opens_on_a_store_that_may_lose_bids_and_it_opens_once_that_is_put_right(
    fresh_pool: Pool, valkey_client: Valkey
) -> None:
    await live.load(valkey_client)
    cast = await a_cast(fresh_pool)
    now = Clock().now_ms()
    auction_id, lot_id = await published(fresh_pool, valkey_client, cast, a_draft(now + 60_000, rules()))
    await signed_up(fresh_pool, cast, auction_id, lot_id)
    due_now = "UPDATE lot SET opens_at = now(), due_at = now() - '20 ms'::interval WHERE id = $1"
    await fresh_pool.execute(due_now, lot_id)
    await valkey_client.config_set("appendfsync", "everysec")
    try:
        assert await dues.take_one(fresh_pool, valkey_client, Clock().now_ms(), nothing)
        assert await stage(fresh_pool, lot_id) == "signup"
        assert await live.read_tally(valkey_client, lot_id) is None
    finally:
        await valkey_client.config_set("appendfsync", "always")
    await fresh_pool.execute(due_now, lot_id)
    assert await dues.take_one(fresh_pool, valkey_client, Clock().now_ms(), nothing)
    assert await stage(fresh_pool, lot_id) == "running"
    assert await live.read_tally(valkey_client, lot_id) is not None

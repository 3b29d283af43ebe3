"""滚动升级: server processes are replaced by those of another release while suppliers bid, one after another."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from auction.lot import live
from plumbing.engines.process import alive
from plumbing.valkey import connect
from tests.flows.bidding import Auction, a_practice
from tests.flows.test_kills import House, a_house, close_and_compare
from tests.live import quick_rules
from tests.support import ROOT, eventually

LONG = quick_rules(duration_ms=600_000, outage_pause_after_ms=20_000)
AGAIN_WITHIN_S = 10.0
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "tests", "docs", "loadtests")


@pytest.fixture(scope="module")
def next_release(short_tmp: Path) -> Path:
    """The same tree elsewhere, in which the referee refuses a bid over the ceiling by another code."""
    folder = short_tmp / "next"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    referee = folder / "auction" / "lot" / "live.lua"
    source = referee.read_text(encoding="utf-8")
    assert "OVER_CEILING" in source
    referee.write_text(source.replace("OVER_CEILING", "CONFLICT"), encoding="utf-8")
    return folder


async def restarted(house: House, folder: Path) -> tuple[int, str]:
    """``yangcai restart --rolling`` of the release in ``folder``: exit code and what it said."""
    data = str(house.log.parent.parent)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("YANGCAI_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yangcai", "restart", "--rolling", "--data-dir", data, cwd=folder, env=clean,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def over_the_ceiling(auction: Auction) -> str:
    """The code by which a bid over the lot's ceiling is refused."""
    socket = await auction.bidders[0]._enter()
    rid = uuid4().hex
    await socket.send(
        msgspec.json.encode({"t": "bid", "lot": str(auction.lot_id), "id": rid, "price": 900_000_000}).decode()
    )
    async for text in socket:
        frame = msgspec.json.decode(text)
        if frame.get("id") == rid:
            await socket.close()
            return str(frame["code"])
    raise AssertionError("no answer")


async def version_of(house: House, lot_id: UUID) -> str:
    """The function library the live store keeps for the lot."""
    client = connect(house.site.settings.valkey_url)
    try:
        return await live.version_of(client, lot_id)
    finally:
        await client.aclose()


async def test_the_next_release_takes_over_under_load_and_lots_play_on_by_the_rules_they_opened_with(
    short_tmp: Path, next_release: Path
) -> None:
    async with (
        a_house(short_tmp / "roll", workers=2) as house,
        a_practice(house.site, 4, LONG) as older,
    ):
        await older.taken(10)
        before = house.product.children("yangcai worker")
        assert await restarted(house, next_release) == (0, "done\n")
        after = house.product.children("yangcai worker")
        assert (len(after), set(before) & set(after)) == (2, set())
        assert not [pid for pid in before if alive(pid)]
        await older.all_have_bid_since(asyncio.get_running_loop().time(), AGAIN_WITHIN_S)
        async with a_practice(house.site, 2, LONG) as newer:
            await newer.taken(5)
            assert await version_of(house, older.lot_id) == live.VERSION
            assert await version_of(house, newer.lot_id) != live.VERSION
            assert await over_the_ceiling(older) == "OVER_CEILING"
            assert await over_the_ceiling(newer) == "CONFLICT"
            await close_and_compare(newer)
        log = await close_and_compare(older)
        assert [event["kind"] for event in log if "closes_at" in event] == ["opened"], "no outage"
        os.kill(after[0], signal.SIGKILL)  # what replaces it is of the new release too
        await eventually(lambda: len(set(house.product.children("yangcai worker")) - set(after)) == 1)
        assert await house.product.healthy()
    assert "Traceback" not in house.log.read_text(encoding="utf-8")


async def test_a_release_that_does_not_start_replaces_nothing_and_the_auction_goes_on(
    short_tmp: Path, next_release: Path
) -> None:
    broken = short_tmp / "broken-release"
    shutil.copytree(next_release, broken)
    (broken / "server" / "app.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    async with a_house(short_tmp / "stay") as house, a_practice(house.site, 2, LONG) as auction:
        await auction.taken(5)
        before = house.product.children("yangcai worker")
        code, said = await restarted(house, broken)
        assert (code, "0 of 3 are replaced" in said) == (1, True), said
        assert house.product.children("yangcai worker") == before
        await auction.all_have_bid_since(asyncio.get_running_loop().time(), AGAIN_WITHIN_S)
        await close_and_compare(auction)
        assert all(bidder.lost == 0 for bidder in auction.bidders)


async def test_where_nothing_runs_a_restart_says_so(short_tmp: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yangcai", "restart", "--data-dir", str(short_tmp / "nothing"), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert (process.returncode, "no Yangcai runs" in said.decode()) == (1, True)

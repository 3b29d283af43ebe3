"""备份与恢复演练: a running installation is backed up, lost, and restored elsewhere; its auction goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
from websockets.asyncio.client import ClientConnection

from tests.flows.bidding import Auction, a_practice, faults, settled_log
from tests.flows.test_kills import a_house, kill
from tests.live import a_started_lot, quick_rules
from tests.support import ROOT, eventually

RULES = quick_rules(duration_ms=600_000, left_after_outage_min_ms=0)


async def said_by(*arguments: str) -> tuple[int, str]:
    """The command line with ``arguments``: exit code and what it said."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("YANGCAI_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yangcai", *arguments, cwd=ROOT, env=clean,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def a_bid(socket: ClientConnection, lot_id: UUID, price: int, rid: str) -> Any:
    """The answer to a bid."""
    bid = {"t": "bid", "lot": str(lot_id), "id": rid, "price": price}
    await socket.send(msgspec.json.encode(bid).decode())
    async for text in socket:
        frame = msgspec.json.decode(text)
        if frame.get("id") == rid:
            return frame
    raise AssertionError("no answer")


async def all_is_there(auction: Auction, house: Any) -> None:
    """The restored auction gives first answers again, takes new bids, and closes with every bid that was taken."""
    bidder = auction.bidders[0]
    kept = [tried.kept for one in auction.bidders for tried in one.taken]
    socket = await bidder._enter()
    last = bidder.taken[-1].kept
    again = await a_bid(socket, auction.lot_id, last.price, last.rid)
    assert (again["t"], again["repeat"], again["at"]) == ("taken", True, last.at)
    rid = uuid4().hex
    new = await a_bid(socket, auction.lot_id, bidder.price - 1_000_000, rid)
    assert new["t"] == "taken", new
    await socket.close()
    (await auction.host.post(f"/api/practice/lots/{auction.lot_id}/close")).raise_for_status()
    log = await settled_log(house.site, auction.lot_id)
    assert faults(log, [*kept, type(last)(last.who, rid, new["price"], new["at"])]) == []
    outages = [event for event in log if event["kind"] == "outage"]
    assert len(outages) == 1, log
    assert outages[0]["closes_at"] - log[0]["closes_at"] == outages[0]["to_ms"] - outages[0]["from_ms"] > 3_000


async def damaged_is_refused(folder: Path, copy: Path, new: Path) -> None:
    """One bit of one file is another, and nothing is written."""
    shutil.copytree(folder, copy)
    with (copy / "postgres.dump").open("r+b") as file:
        byte = file.read(1_000)[-1]
        file.seek(999)
        file.write(bytes([byte ^ 1]))
    code, said = await said_by("restore", str(copy), "--data-dir", str(new))
    assert (code, "is damaged" in said, new.exists()) == (1, True, False), said


async def test_a_running_installation_comes_back_from_its_backup_with_every_root_and_every_bid(short_tmp: Path) -> None:
    data, folder, new = short_tmp / "lost", short_tmp / "backup", short_tmp / "found"
    async with a_house(data) as house:
        port = int(house.product.url.rsplit(":", 1)[1])
        done = await a_started_lot(house.site, quick_rules(duration_ms=1_000))
        await settled_log(house.site, done)
        async with a_practice(house.site, 2, RULES) as auction:
            await auction.taken(5)
            await auction.stop_bidding()
            code, said = await said_by("backup", str(folder), "--data-dir", str(data))
            assert code == 0, said
            assert {path.name: oct(path.stat().st_mode)[-3:] for path in folder.iterdir()} == dict.fromkeys(
                ("manifest.json", "postgres.dump", "settings.json", "transcript.keys", "valkey.jsonl"), "600"
            )
            code, said = await said_by("backup", str(folder), "--data-dir", str(data))
            assert (code, "is not empty" in said) == (1, True), said
            kill(house.product.process.pid)
            await house.product.process.wait()
            code, said = await said_by("restore", str(folder), "--data-dir", str(data))
            assert (code, "is not empty" in said) == (1, True), said
            await damaged_is_refused(folder, short_tmp / "damaged", new)
            code, said = await said_by("restore", str(folder), "--data-dir", str(new))
            assert (code, said.splitlines()[-1].split(":")[0]) == (0, "verified"), said
            async with a_house(new, port=port) as found:
                await all_is_there(auction._replace(site=found.site), found)
                stage = await found.site.pool.fetchval("SELECT stage FROM lot WHERE id = $1", done)
                assert stage not in ("running", "closing")
                await eventually(found.product.healthy)


async def test_what_is_no_backup_is_refused_before_anything_is_written(short_tmp: Path) -> None:
    folder, new = short_tmp / "nothing", short_tmp / "never"
    folder.mkdir()
    code, said = await said_by("restore", str(folder), "--data-dir", str(new))
    assert (code, "is no backup" in said, new.exists()) == (1, True, False), said

"""断电断网: any part killed in mid-auction. The auction goes on, nothing acknowledged is lost, remaining time is kept.

The product runs as processes of its own; suppliers bid over real sockets without pause, and repeat an unanswered bid
under the same id. ``kill -9`` and a stopped process are the faults.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from plumbing import postgres
from server.settings import load
from tests.flows.bidding import Auction, Kept, a_practice, faults, settled_log
from tests.live import Site, a_cookie, a_page, a_started_lot, quick_rules
from tests.product import Product, running
from tests.support import eventually

measured = logging.getLogger("tests.measured")  # shown with --log-cli-level=INFO
AGAIN_WITHIN_S = 5.0
LINES_MAX = 120
COME_BACK = 1013
LONG = quick_rules(duration_ms=600_000, outage_pause_after_ms=20_000)
MARKS = {
    "valkey": "valkey.sock", "postgres": "/postgres -D", "worker": "yangcai worker", "notary": "yangcai notary",
}  # fmt: skip


class House(NamedTuple):
    """A product of its own and the way into it."""

    product: Product
    site: Site
    log: Path

    def part(self, name: str) -> int:
        """The process id of one part."""
        return self.product.children(MARKS[name])[0]

    def replaced(self, name: str, pid: int) -> bool:
        """Whether another process stands in the place of ``pid``."""
        return self.product.children(MARKS[name]) not in ([], [pid])


@asynccontextmanager
async def a_house(data: Path, workers: int = 1, port: int = 0) -> AsyncIterator[House]:
    """The demonstration on a data folder of its own, its engines embedded; nobody is simulated."""
    given = ("up", "--workers", str(workers), "--data-dir", str(data))
    async with running(*given, port=port, YANGCAI_SIMULATE="no") as product:
        url = f"postgresql://yangcai@/yangcai?host={data}/run"
        settings = load(mode="demo", valkey_url=f"unix://{data}/run/valkey.sock", postgres_url=url)
        pool = await postgres.open_pool(url, application_name="tests")
        try:
            yield House(product, Site([product.url], pool, settings), data / "log" / "server.log")
        finally:
            await pool.close()


@pytest_asyncio.fixture(scope="module")
async def house(short_tmp: Path) -> AsyncIterator[House]:
    async with a_house(short_tmp / "kills") as house:
        yield house


def kill(pid: int) -> float:
    """``kill -9``; the loop's time of it."""
    os.kill(pid, signal.SIGKILL)
    return asyncio.get_running_loop().time()


def no_tracebacks(house: House, since: int) -> None:
    """The servers' log, from byte ``since`` on, tells of the fault in words."""
    with house.log.open("rb") as file:
        file.seek(since)
        said = file.read().decode()
    assert "Traceback" not in said, said
    assert said.count("\n") < LINES_MAX, said


async def close_and_compare(auction: Auction) -> list[dict[str, Any]]:
    """End the auction, and hold the settled log against what the bidders were told."""
    taken = await auction.stop_bidding()
    (await auction.host.post(f"/api/practice/lots/{auction.lot_id}/close")).raise_for_status()
    log = await settled_log(auction.site, auction.lot_id)
    assert faults(log, taken) == []
    assert [dict(bidder.refused) for bidder in auction.bidders] == [{}] * len(auction.bidders)
    return log


def ends(log: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Every event that sets or moves the planned end."""
    return [(event["kind"], event["closes_at"]) for event in log if "closes_at" in event]


@pytest.mark.parametrize("parts", ["worker", "valkey", "postgres", "worker valkey postgres"])
async def test_a_part_killed_in_mid_auction_comes_back_and_no_acknowledged_bid_is_missing(
    house: House, parts: str
) -> None:
    async with a_practice(house.site, 4, LONG) as auction:
        await auction.taken(10)
        began = os.path.getsize(house.log)
        pids = {part: house.part(part) for part in parts.split()}
        moment_s = max(map(kill, pids.values()))
        again_s = await auction.all_have_bid_since(moment_s, AGAIN_WITHIN_S)
        measured.info("%s killed: all bid again after %.2f s", parts, again_s)
        await eventually(lambda: all(house.replaced(part, pid) for part, pid in pids.items()), within_s=10)
        await auction.taken(len(auction.bidders[0].taken) + 10)
        await eventually(house.product.healthy, within_s=10)
        log = await close_and_compare(auction)
        if "worker" in pids:
            assert all(bidder.lost for bidder in auction.bidders)
        assert [kind for kind, _ in ends(log)] == ["opened"], "an outage below its parameter moves no end"
    no_tracebacks(house, began)


async def test_a_killed_notary_is_replaced_and_what_was_bid_meanwhile_is_signed(house: House) -> None:
    async with a_practice(house.site, 4, LONG) as auction:
        await auction.taken(10)
        pid = house.part("notary")
        kill(pid)
        await auction.taken(len(auction.bidders[0].taken) + 10)
        taken = sum(len(bidder.taken) for bidder in auction.bidders)

        async def signed() -> bool:
            size = "SELECT max(size) FROM transcript_checkpoint WHERE lot_id = $1"
            return (await house.site.pool.fetchval(size, UUID(str(auction.lot_id))) or 0) > taken

        await eventually(signed, within_s=10)
        assert house.replaced("notary", pid)
        await close_and_compare(auction)


async def test_of_two_servers_one_is_killed_and_the_bidders_of_the_other_notice_nothing(
    short_tmp: Path,
) -> None:
    async with (
        a_house(short_tmp / "two", workers=2) as house,
        a_practice(house.site, 6, quick_rules(duration_ms=600_000)) as auction,
    ):
        await auction.taken(10)
        before = house.product.children(MARKS["worker"])
        moment_s = kill(before[0])
        again_s = await auction.all_have_bid_since(moment_s, AGAIN_WITHIN_S)
        measured.info("one of two servers killed: all bid again after %.2f s", again_s)
        await eventually(lambda: len(set(house.product.children(MARKS["worker"])) - {before[0]}) == 2)
        log = await close_and_compare(auction)
        assert [kind for kind, _ in ends(log)] == ["opened"]
        undisturbed = [bidder for bidder in auction.bidders if not bidder.lost]
        assert all(tried.tries == 1 for bidder in undisturbed for tried in bidder.taken)


@asynccontextmanager
async def held_down(house: House, how: str) -> AsyncIterator[None]:
    """A fault that lasts: a stopped Valkey, or a killed part that is not replaced because the supervisor is stopped."""
    stopped = house.part("valkey") if how == "valkey stopped" else house.product.process.pid
    os.kill(stopped, signal.SIGSTOP)
    if how != "valkey stopped":
        kill(house.part(how.split()[0]))
    try:
        yield
    finally:
        os.kill(stopped, signal.SIGCONT)


@pytest.mark.parametrize("how", ["valkey stopped", "valkey killed", "worker killed"])
async def test_an_outage_over_its_parameter_moves_the_end_by_its_length_and_every_bidder_is_told(
    house: House, how: str
) -> None:
    rules = quick_rules(duration_ms=6_000, left_after_outage_min_ms=0)
    async with a_practice(house.site, 2, rules) as auction:
        await auction.taken(5)
        async with held_down(house, how):
            await asyncio.sleep(3.5)  # the fault itself: nothing is served for three and a half seconds
            moment_s = asyncio.get_running_loop().time()
        await auction.all_have_bid_since(moment_s, AGAIN_WITHIN_S)
        async with asyncio.timeout(20):
            await asyncio.gather(*auction.tasks)
        log = await settled_log(house.site, auction.lot_id)
    assert faults(log, [tried.kept for bidder in auction.bidders for tried in bidder.taken]) == []
    assert [dict(bidder.refused) for bidder in auction.bidders] == [{"LOT_CLOSED": 1}] * 2
    outages = [event for event in log if event["kind"] == "outage"]
    assert len(outages) == 1, log
    outage = outages[0]
    planned, lasted = log[0]["closes_at"], outage["to_ms"] - outage["from_ms"]
    assert ends(log) == [("opened", planned), ("outage", planned + lasted)]
    assert lasted >= 3_400
    assert {tried.closes_at for bidder in auction.bidders for tried in bidder.taken} == {planned, planned + lasted}
    assert log[-1]["at"] >= planned + lasted


async def close_code_of_a_new_socket(site: Site, cookie: str) -> int:
    """With which code the server ends a socket that connects now; 0 when it lets it in."""
    given: dict[str, Any] = {"additional_headers": {"Cookie": cookie}, "origin": site.origin, "proxy": None}
    async with connect(site.origin.replace("http", "ws") + "/ws", **given) as socket:
        with suppress(ConnectionClosed):
            await socket.recv()
            return 0
        return socket.close_code or 0


async def test_while_postgres_is_away_a_lot_goes_on_and_closes_and_is_settled_when_it_is_back(house: House) -> None:
    lot_id = await a_started_lot(house.site, quick_rules(duration_ms=3_000))
    async with a_page(house.site, "supplier1") as one, a_page(house.site, "supplier2") as two:
        await one.watch(lot_id)
        assert (await one.bid(lot_id, 47_000_000))["t"] == "taken"
        assert (await two.bid(lot_id, 46_500_000))["t"] == "taken"
        began, cookie = os.path.getsize(house.log), await a_cookie(house.site, "supplier1")
        async with held_down(house, "postgres killed"):
            while (code := await close_code_of_a_new_socket(house.site, cookie)) == 0:
                pass  # the parts of a killed Postgres answer on for a moment
            assert code == COME_BACK
            assert (await one.bid(lot_id, 46_000_000))["t"] == "taken"
            assert (await two.bid(lot_id, 45_000_000))["t"] == "taken"
            await eventually(lambda: one.view(lot_id)["stage"] == "closing")
        moment_s = asyncio.get_running_loop().time()
        log = await settled_log(house.site, lot_id)
        measured.info("postgres is back: settled after %.2f s", asyncio.get_running_loop().time() - moment_s)
        stage = await house.site.pool.fetchval("SELECT stage FROM lot WHERE id = $1", lot_id)
        assert stage != "closing"
        await eventually(lambda: one.view(lot_id)["stage"] == stage, why="the page is told of the settlement")
    assert [event["kind"] for event in log] == ["opened", "bid", "bid", "bid", "bid", "closed"]
    no_tracebacks(house, began)


async def test_a_lot_due_while_valkey_is_away_opens_when_it_is_back_and_in_full(house: House) -> None:
    began, moment = os.path.getsize(house.log), asyncio.get_running_loop().time
    async with held_down(house, "valkey killed"):
        opening = asyncio.create_task(a_started_lot(house.site, quick_rules(duration_ms=1_500)))
        await asyncio.sleep(3.5)  # the fault itself, longer than an opening may be late without being moved
        assert not opening.done()
    back_s = moment()
    lot_id = await opening
    measured.info("valkey is back: the lot due meanwhile opened after %.2f s", moment() - back_s)
    log = await settled_log(house.site, lot_id)
    assert log[0]["closes_at"] - log[0]["opens_at"] == 1_500
    assert log[0]["at"] - log[0]["opens_at"] < 1_000, house.log.read_text()[began:]
    opens_at = "SELECT extract(epoch FROM opens_at) * 1000 FROM lot WHERE id = $1"
    assert await house.site.pool.fetchval(opens_at, lot_id) == log[0]["opens_at"]
    no_tracebacks(house, began)


async def test_the_whole_product_beheaded_and_started_again_goes_on_where_it_was(
    short_tmp: Path,
) -> None:
    data = short_tmp / "again"
    async with a_house(data) as house:
        port = int(house.product.url.rsplit(":", 1)[1])
        async with a_practice(house.site, 4, LONG) as auction:
            await auction.taken(10)
            moment_s = kill(house.product.process.pid)
            await house.product.process.wait()
            async with a_house(data, port=port) as house:
                ready_s = asyncio.get_running_loop().time()
                again_s = await auction.all_have_bid_since(ready_s, 20)
                measured.info("all killed, started: all bid again after %.2f s", ready_s - moment_s + again_s)
                log = await close_and_compare(auction._replace(site=house.site))
    assert [kind for kind, _ in ends(log)] == ["opened"]


A, B = Kept("A1", "r1", 900, 20), Kept("B2", "r2", 800, 30)


def a_log(*bids: Kept) -> list[dict[str, Any]]:
    """A settled log that holds ``bids``."""
    log: list[dict[str, Any]] = [{"kind": "opened", "at": 10}]
    log += [{"kind": "bid", **bid._asdict()} for bid in bids]
    log += [{"kind": "closed", "at": 40}]
    return [{"n": n, **event} for n, event in enumerate(log, 1)]


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (a_log(A, B), []),
        (a_log(A), [f"acknowledged and lost: {B}"]),
        (a_log(A, B, B), [f"stored 2 times: {B}"]),
        (a_log(A, B._replace(price=700)),
         [f"acknowledged and lost: {B}", f"stored and never acknowledged: {B._replace(price=700)}"]),
        (a_log(B, A), ["time runs backwards"]),
        (a_log(A, B)[:-1], ["not exactly one closed, at the end"]),
        ([a_log(A, B)[0], *a_log(A, B)[2:]], ["positions have gaps", f"acknowledged and lost: {A}"]),
    ],
)  # fmt: skip
def test_the_comparison_itself_sees_what_is_lost_doubled_or_changed(log: list[dict[str, Any]], said: list[str]) -> None:
    assert faults(log, [A, B]) == said

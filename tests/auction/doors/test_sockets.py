"""The live socket with real clients: bids, refusals, resumption, several servers, and the defects known of peers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from accounts import tickets
from auction.lot.model import Decrement, StepAgainst, Visibility
from ledger import log as ledger
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.live import Page, Site, a_live_site, a_page, a_program, a_started_lot, quick_rules
from tests.support import eventually


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url, servers=2) as site:
        yield site


async def test_a_bid_is_taken_and_every_page_moves(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    async with a_page(site, "supplier1") as one, a_page(site, "supplier2", 1) as two, a_page(site, "buyer", 1) as host:
        for page in (one, two, host):
            await page.watch(lot_id)
        taken = await one.bid(lot_id, 47_000_000)
        assert (taken["t"], taken["rank"], taken["price"]) == ("taken", 1, 47_000_000)
        assert "n" not in taken, "a bidder learns no position of the log before the close"
        await eventually(lambda: host.view(lot_id).get("n") == 2)
        assert (await two.bid(lot_id, 40_000_000))["rank"] == 1
        await eventually(lambda: one.view(lot_id)["rank"] == 2)
        row = next(row for row in host.view(lot_id)["rows"].values() if row["rank"] == 2)
        assert (row["price"], row["effective"]) == (47_000_000, 42_300_000)


async def test_a_bidder_is_told_nothing_when_nothing_he_may_see_changes(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000, visibility=Visibility.COLOUR))
    async with a_page(site, "supplier2") as me, a_page(site, "supplier4") as other, a_page(site, "buyer") as host:
        await me.watch(lot_id)
        await host.watch(lot_id)
        await me.bid(lot_id, 40_000_000)
        await eventually(lambda: "price" in me.view(lot_id))
        before = len(me.frames)
        for price in (47_000_000, 46_000_000, 45_000_000):
            await other.bid(lot_id, price)
        await eventually(lambda: host.view(lot_id)["n"] == 5)
        await me.send({"t": "time", "t0": 1})
        await eventually(lambda: me.frames[-1]["t"] == "time")
        assert len(me.frames) == before + 1


@pytest.mark.parametrize(
    "price", ["abc", "428600.00", -5, 0, 10**18, 1.5, "４２８６００", None, True, 1e300, [1], {"fen": 1}]
)
async def test_what_is_no_price_is_refused_in_words_and_the_socket_lives(site: Site, price: Any) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000)) if price == "abc" else uuid4()
    async with a_page(site, "supplier1") as page:
        refused = await page.bid(lot_id, price)
        assert refused["code"] == "FORMAT"
        assert refused["zh"]
        assert refused["en"]
        await page.send({"t": "time", "t0": 7})
        await eventually(lambda: page.frames[-1].get("t0") == 7)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '"bid"', "{}", '{"t":"steal"}', '{"t":"watch","lot":"x"}', '{"t":"time","t0":NaN}',
     '{"t":"watch","lot":"00000000-0000-0000-0000-000000000000","more":1}', "\u0000",
     "[" * 5_000, '{"a":' * 1_100 + "1" + "}" * 1_100],
)  # fmt: skip
async def test_what_is_no_message_is_answered_with_a_fault(site: Site, text: str) -> None:
    async with a_page(site, "supplier1") as page:
        await page.send(text)
        assert (await page.fault())["code"] == "message_malformed"


async def test_a_message_too_large_is_told_so(site: Site) -> None:
    async with a_page(site) as page:
        await page.send('{"t":"time","t0":' + "1" * 17_000 + "}")
        assert (await page.fault())["code"] == "message_too_large"


async def test_strangers_are_refused_each_with_his_reason(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    for login, code in (("", "AUTH"), ("buyer", "ROLE"), ("supervisor", "ROLE"), ("supplier6", "NOT_REGISTERED")):
        async with a_page(site, login) as page:
            assert (await page.bid(lot_id, 47_000_000))["code"] == code
    async with a_page(site, "supplier1") as page:
        assert (await page.bid(uuid4(), 47_000_000))["code"] == "LOT_UNKNOWN"


async def test_a_refusal_says_what_would_be_accepted(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000, big_drop_bp=2_000))
    async with a_page(site, "supplier1") as page:
        refused = await page.bid(lot_id, 48_000_001)
        assert (refused["code"], refused["price_max"]) == ("OVER_CEILING", 48_000_000)
        assert "¥480,000.00" in refused["zh"]
        await page.bid(lot_id, 43_100_000)
        refused = await page.bid(lot_id, 43_099_999)
        assert (refused["code"], refused["price_max"]) == ("STEP", 43_099_900)
        asked = await page.bid(lot_id, 100)
        assert asked["code"] == "NEEDS_CONFIRM"
        assert (await page.bid(lot_id, 100, token=asked["token"]))["t"] == "taken"


async def test_the_same_id_again_gets_the_first_answer_even_after_the_close(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=1_500))
    rid = uuid4().hex
    async with a_page(site, "supplier1") as page, a_page(site, "supplier1", 1) as second_tab:
        await page.watch(lot_id)
        first = await page.bid(lot_id, 47_000_000, id=rid)
        again = await second_tab.bid(lot_id, 47_000_000, id=rid)
        assert again == {**first, "repeat": True}
        assert (await page.bid(lot_id, 46_000_000, id=rid))["code"] == "ID_REUSED"
        await eventually(lambda: page.view(lot_id)["stage"] not in ("running", "signup"))
        assert await page.bid(lot_id, 47_000_000, id=rid) == {**first, "repeat": True}
        assert (await page.bid(lot_id, 46_000_000))["code"] == "LOT_CLOSED"


async def test_no_bid_acknowledged_at_the_closing_moment_is_lost(site: Site) -> None:
    """Peer defect 1: bids acknowledged while a turn ends were not in the result."""
    lot_id = await a_started_lot(site, quick_rules(duration_ms=2_500))
    taken: dict[str, int] = {}
    async with a_page(site, "supplier1") as one, a_page(site, "supplier2", 1) as two:

        async def pour(page: Page, price: int) -> None:
            while True:
                answer = await page.bid(lot_id, price, id=(rid := uuid4().hex))
                if answer["t"] == "taken":
                    taken[rid] = answer["at"]
                elif answer["code"] == "LOT_CLOSED":
                    return
                price -= 100 if answer["t"] == "taken" else 0

        await asyncio.gather(pour(one, 47_000_000), pour(two, 46_000_000))
    await eventually(lambda: site.pool.fetchval("SELECT true FROM result WHERE lot_id = $1", lot_id), within_s=10)
    rows = await site.pool.fetch("SELECT n, kind, body::text FROM lot_event WHERE lot_id = $1 ORDER BY n", lot_id)
    assert [row["n"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["kind"] for row in rows].count("closed") == 1
    assert rows[-1]["kind"] == "closed"
    stored = "".join(row["body"] for row in rows)
    assert len(taken) > 10
    assert [rid for rid in taken if rid not in stored] == []
    closes_at = await site.pool.fetchval("SELECT extract(epoch FROM closes_at) * 1000 FROM lot WHERE id = $1", lot_id)
    assert max(taken.values()) < closes_at


async def test_a_page_that_was_away_comes_back_to_the_true_state(site: Site) -> None:
    """Peer defect 2: a browser that was offline stayed on stale state."""
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    async with a_page(site, "supplier1") as page:
        await page.watch(lot_id)
        await page.bid(lot_id, 47_000_000)
        await eventually(lambda: page.view(lot_id).get("rank") == 1)
    async with a_page(site, "supplier2") as other:
        await other.bid(lot_id, 30_000_000)
    async with a_page(site, "supplier1", 1) as page:
        await page.send({"t": "watch", "lot": str(lot_id), "since": "deadbeef:7"})
        await eventually(lambda: page.views.get(str(lot_id), {}).get("rank") == 2)


async def test_ranking_is_by_effective_price_and_ties_go_to_the_earlier(site: Site, pool: Pool) -> None:
    """Peer defects 3 and 4: ranking by the wrong score, ties to the later bid."""
    lot_id = await a_started_lot(site, quick_rules(duration_ms=2_000))
    pages = {}
    async with (
        a_page(site, "supplier1") as pages["supplier1"],
        a_page(site, "supplier2") as pages["supplier2"],
        a_page(site, "supplier4") as pages["supplier4"],
    ):
        assert (await pages["supplier2"].bid(lot_id, 45_000_000))["t"] == "taken"
        assert (await pages["supplier4"].bid(lot_id, 45_000_000))["rank"] == 2
        assert (await pages["supplier1"].bid(lot_id, 46_000_000))["rank"] == 1
    await eventually(lambda: pool.fetchval("SELECT true FROM result WHERE lot_id = $1", lot_id), within_s=10)
    rows = await pool.fetch(
        "SELECT s.rank, p.login FROM standing s JOIN signup u ON u.alias = s.alias "
        "JOIN lot l ON l.id = s.lot_id AND l.auction_id = u.auction_id JOIN person p ON p.org_id = u.org_id "
        "WHERE s.lot_id = $1 ORDER BY s.rank",
        lot_id,
    )
    assert [row["login"] for row in rows] == ["supplier1", "supplier2", "supplier4"]


async def test_against_the_lead_an_equal_price_is_refused_live(site: Site) -> None:
    lead = Decrement(amount=0, against=StepAgainst.LEAD)
    lot_id = await a_started_lot(
        site, quick_rules(duration_ms=60_000, decrement=lead, visibility=Visibility.LEAD_PRICE)
    )
    async with a_page(site, "supplier2") as one, a_page(site, "supplier4") as two:
        await one.bid(lot_id, 45_000_000)
        assert (await two.bid(lot_id, 45_000_000))["code"] == "EQUAL_LEAD"


async def test_a_ticket_opens_one_socket_once(site: Site, valkey_client: Valkey) -> None:
    person = await site.pool.fetchval("SELECT id FROM person WHERE login = 'supplier1'")
    from accounts import sessions
    from plumbing.clock import Clock

    token = await sessions.begin(site.pool, person, Clock().now_ms())
    actor = await sessions.by_token(site.pool, token, Clock().now_ms())
    assert actor is not None
    ticket = await tickets.issue(valkey_client, {"session": str(actor.session)})
    async with a_page(site, query=f"?ticket={ticket}") as page:
        await eventually(lambda: page.frames)
        assert page.frames[0]["who"] == "supplier"
    with pytest.raises(ConnectionClosed) as closed:
        async with a_page(site, query=f"?ticket={ticket}") as page:
            await page.task
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


async def test_a_foreign_origin_opens_no_socket(site: Site) -> None:
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        async with a_page(site, "supplier1", origin="https://evil.example") as page:
            await page.task


async def test_bidding_too_fast_is_refused_and_nothing_is_lost(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    async with a_page(site, "supplier1") as page:
        answers = await asyncio.gather(*(page.bid(lot_id, 47_000_000 - 100 * i) for i in range(40)))
    codes = {answer.get("code") for answer in answers}
    assert "RATE" in codes
    assert sum(answer["t"] == "taken" for answer in answers) >= 1


async def test_where_sockets_are_blocked_a_stream_and_a_plain_request_do(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    async with a_program(site, "supplier1") as program:
        url, rid = f"/api/lots/{lot_id}/bids", uuid4().hex
        async with program.stream("GET", f"/api/lots/{lot_id}/stream") as stream:
            lines = stream.aiter_lines()
            assert '"welcome"' in await anext(lines)
            taken = await program.post(url, json={"id": rid, "price": 47_000_000})
            assert (taken.status_code, taken.json()["rank"]) == (201, 1)
            async for line in lines:
                if '"delta"' in line and '"price":47000000' in line:
                    break
        again = await program.post(url, json={"id": rid, "price": 47_000_000})
        assert again.json() == {**taken.json(), "repeat": True}
        refused = await program.post(url, json={"id": uuid4().hex, "price": 47_000_000})
        assert (refused.status_code, refused.json()["code"]) == (409, "NOT_IMPROVING_OWN")
        assert refused.json()["accept"]["price_max"] == 46_999_900
        assert "¥469,999.00" in refused.json()["zh"]
        assert (await program.post(url, json={"id": rid, "price": "４７"})).status_code == 422


def told(page: Page) -> list[str | None]:
    """Which lots the page heard the bell of, None for the list of lots."""
    return [frame.get("lot") for frame in page.frames if frame["t"] == "changed"]


async def test_hosts_and_supervisors_hear_of_questions_motions_and_holds_and_bidders_never(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    lot = str(lot_id)
    async with (
        a_page(site, "supplier1") as bidder,
        a_page(site, "buyer", 1) as host,
        a_page(site, "supervisor") as overseer,
        a_program(site, "supplier1") as supplier,
        a_program(site, "supervisor") as supervisor,
    ):
        for page in (bidder, host, overseer):
            await page.watch(lot_id)
        await supplier.post(f"/api/lots/{lot}/questions", json={"text": "发票抬头是什么？"})
        await eventually(lambda: lot in told(host) and lot in told(overseer))
        held = await supervisor.post(f"/api/lots/{lot}/suspension", json={"reason": "收到投诉", "days": 3})
        assert held.status_code == 204
        for page in (bidder, host):
            await eventually(lambda page=page: page.view(lot_id)["stage"] == "on_hold")
        await eventually(lambda: None in told(host))
        assert f'data-lot="{lot}"' in (await supervisor.get("/board")).text, "a lot on hold stays on the board"
        assert (await supervisor.delete(f"/api/lots/{lot}/suspension")).status_code == 204
        await eventually(lambda: bidder.view(lot_id)["stage"] == "running")
        assert "released" not in str(bidder.view(lot_id)["marks"]), "what people read stands in the catalogue"
        assert told(bidder) == []


async def test_who_watches_no_lot_yet_hears_that_the_list_of_lots_is_another(site: Site) -> None:
    async with a_page(site, "supervisor") as board, a_page(site, "supplier1") as bidder:
        await a_started_lot(site, quick_rules(duration_ms=60_000))
        await eventually(lambda: None in told(board))
        assert told(bidder) == []


async def test_who_watches_a_lot_and_who_was_not_let_is_in_the_audit_trail(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    async with a_page(site, "supplier1") as page, a_page(site) as public:
        await page.watch(lot_id)
        await page.watch(lot_id)
        await public.send({"t": "watch", "lot": str(unknown := uuid4())})
        assert (await page.bid(lot_id, 47_000_000))["t"] == "taken"
        assert (await public.fault())["code"] == "lot_unknown"
    trail = "SELECT login, result FROM audit_event WHERE object = $1 AND door = 'WS watch'"

    async def written() -> bool:
        seen = [tuple(row) for row in await site.pool.fetch(trail, f"lot:{lot_id}")]
        refused = [tuple(row) for row in await site.pool.fetch(trail, f"lot:{unknown}")]
        return seen == [("supplier1", "done")] and refused == [("", "refused")]

    await eventually(written)
    doubled = "SELECT count(*) FROM audit_event WHERE object = $1 AND detail::text LIKE '%47000000%'"
    assert await site.pool.fetchval(doubled, f"lot:{lot_id}") == 0, "bids stand in the lot's own log"


async def test_who_names_lots_without_end_does_not_keep_postgres_busy(site: Site) -> None:
    async with a_page(site) as page:
        for _ in range(260):
            await page.send({"t": "watch", "lot": str(uuid4())})
        await page.send({"t": "time", "t0": 9})
        await eventually(lambda: any(frame.get("t0") == 9 for frame in page.frames), within_s=30)
        codes = [frame["code"] for frame in page.frames if frame["t"] == "error"]
        assert len(codes) == 260
        assert "asking_too_often" in codes


async def test_whoever_watches_a_lot_that_cannot_be_read_is_told_so_and_stays(
    site: Site, valkey_client: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    key, log = ledger.keys_of(lot_id)[0], ledger.keys_of(lot_id)[4]
    await valkey_client.xadd(log, {"e": b'[{"n":2,"at":1,"ki\xeed":"bid"}]'}, id="2-0")
    await valkey_client.hset(key, "n", 2)
    try:
        async with a_page(site, "buyer") as host:
            await host.send({"t": "watch", "lot": str(lot_id)})
            assert (await host.fault())["code"] == "lot_unreadable"
            await host.send({"t": "time", "t0": 1})
            await eventually(lambda: host.frames[-1]["t"] == "time")
        assert "Traceback" not in caplog.text
        assert caplog.text.count(f"lot {lot_id} cannot be shown") == 1
    finally:
        for each in ledger.keys_of(lot_id)[:5]:
            await valkey_client.delete(each)

"""旁路审计: the watchman keeps his own copy, finds what the main store alone cannot, warns, bars, and does no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from accounts import records, sessions
from accounts.audit import Here, audit, here
from accounts.audit.chain import Chain
from accounts.audit.check import check
from accounts.model import Role
from ledger.note import Signer, VerifierKey, opened, read_checkpoint
from plumbing import postgres
from plumbing.clock import Clock
from plumbing.postgres import Pool
from standards.workdays import SHANGHAI, seed
from supervision.watchman import following
from supervision.watchman.following import NAME, SQL, Follower, bar
from supervision.watchman.model import Alert, Limits, Seen
from supervision.watchman.rules import AGAIN_MS, MINUTE_MS, Rules
from supervision.watchman.store import Store, StoreBroken
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import MINUTE, a_cast, a_draft, published, signed_up
from tests.site import LaterClock, a_client, a_person, a_site, log_in

SIGNER, OWN = Signer(b"\x07" * 32), Signer(b"\x09" * 32)
NOON = int(datetime(2026, 11, 23, 12, tzinfo=SHANGHAI).timestamp() * 1000)  # a Monday


class Watch:
    """A main store with its chain, and a watchman who connects to it with his own role alone."""

    def __init__(self, main: Pool, theirs: Pool, folder: Path, clock: LaterClock) -> None:
        self.main, self.theirs, self.folder, self.clock = main, theirs, folder, clock
        self.chain = Chain([SIGNER], "yangcai.test")
        self.store: Store
        self.man: Follower
        self.begin()

    def begin(self, **limits: Any) -> None:
        """Start the watchman (again) on what is in his folder."""
        self.store = Store(self.folder / "watchman.db")
        self.store.start()
        rules = Rules(Limits(**limits), seed())
        self.man = Follower(self.theirs, self.store, rules, OWN, self.clock.now_ms)

    async def acts(self, many: int, **about: Any) -> None:
        for i in range(many):
            await audit(
                self.main, about.get("actor"), about.get("event", "test.act"), f"lot:{uuid4()}", detail={"i": i}
            )
        await self.chain.look(self.main)

    def alerts(self, kind: str = "broken") -> list[str]:
        return [row["text"] for row in self.store.all("SELECT text FROM warning WHERE kind = ? ORDER BY id", kind)]

    async def tamper(self, *statements: str) -> None:
        async with self.main.acquire() as conn:
            await conn.execute("SET session_replication_role = replica")
            for statement in statements:
                await conn.execute(statement)
            await conn.execute("SET session_replication_role = origin")


@pytest_asyncio.fixture
async def watch(fresh_pool: Pool, fresh_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Watch]:
    await fresh_pool.execute("INSERT INTO transcript_key (public) VALUES ($1)", SIGNER.public)
    await fresh_pool.execute("DROP ROLE IF EXISTS a_watchman")
    await fresh_pool.execute("CREATE ROLE a_watchman LOGIN IN ROLE yangcai_watchman")
    theirs = await postgres.open_pool(fresh_url.replace("yangcai@", "a_watchman@"), size_max=2)
    found = Watch(fresh_pool, theirs, tmp_path, LaterClock(clock))
    yield found
    found.store.close()
    await theirs.close()


async def test_every_act_reaches_the_copy_once_and_in_order_also_over_an_outage(watch: Watch) -> None:
    await watch.acts(3)
    await watch.man.look()
    watch.store.close()
    await watch.acts(4)
    watch.begin()
    await watch.man.look()
    await watch.man.look()
    there = await watch.main.fetch("SELECT n, hash FROM audit_entry ORDER BY n")
    assert [(row["n"], row["hash"]) for row in watch.store.all("SELECT * FROM entry ORDER BY n")] == [
        (row["n"], row["hash"]) for row in there
    ]
    assert len(there) >= 7
    assert watch.man.state == "good"
    assert watch.alerts() == []


async def test_heads_are_confirmed_with_the_watchmans_own_key(watch: Watch) -> None:
    await watch.acts(2)
    await watch.man.look()
    row = await watch.main.fetchrow("SELECT size, state, note FROM audit_witness")
    assert row is not None
    head = read_checkpoint(opened(row["note"], VerifierKey(NAME, OWN.public)))
    assert (head.size, row["state"]) == (row["size"], "good")
    assert head.root == await watch.main.fetchval("SELECT root FROM audit_checkpoint WHERE size = $1", head.size)


async def test_a_trail_cut_off_with_its_heads_is_found(watch: Watch) -> None:
    await watch.acts(3)
    await watch.man.look()
    await watch.acts(3)
    await watch.man.look()
    cut = (
        "DELETE FROM audit_event WHERE id IN (SELECT event_id FROM audit_entry WHERE n > 3)",
        "DELETE FROM audit_entry WHERE n > 3",
        "DELETE FROM audit_checkpoint WHERE size > 3",
    )
    await watch.tamper(*cut)
    async with watch.main.acquire() as conn:
        assert (await check(conn, [VerifierKey("yangcai.test/audit", SIGNER.public)])).good, "it alone cannot tell"
    await watch.man.look()
    assert "end" in watch.alerts()
    assert watch.man.state == "bad"


async def test_a_trail_written_anew_by_whoever_has_the_key_is_found(watch: Watch) -> None:
    await watch.acts(4)
    await watch.man.look()
    await watch.tamper(
        "UPDATE audit_event SET result = 'refused' WHERE id = (SELECT event_id FROM audit_entry WHERE n = 2)",
        "INSERT INTO audit_pending SELECT event_id FROM audit_entry",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_checkpoint",
    )
    await Chain([SIGNER], "yangcai.test").look(watch.main)
    async with watch.main.acquire() as conn:
        assert (await check(conn, [VerifierKey("yangcai.test/audit", SIGNER.public)])).good
    await watch.man.look()
    assert watch.alerts() == ["root"]


async def test_an_act_changed_long_after_it_was_taken_in_is_found_by_the_sweep(watch: Watch) -> None:
    await watch.acts(5)
    await watch.man.look()
    await watch.tamper("UPDATE audit_event SET login = 'x' WHERE id = (SELECT event_id FROM audit_entry WHERE n = 2)")
    await watch.man.look()
    assert watch.alerts() == [], "the next sweep has not come yet"
    watch.clock.ahead_ms = following.SWEEP_EVERY_MS
    await watch.man.look()
    await watch.man.look()
    assert watch.alerts() == ["changed"], "told once"


async def test_an_own_copy_that_was_damaged_is_not_used(watch: Watch) -> None:
    await watch.acts(3)
    await watch.man.look()
    with pytest.raises(Exception, match="append only"):
        watch.store.all("UPDATE entry SET hash = x'00' WHERE n = 2")
    watch.store.all("DROP TRIGGER entry_UPDATE")
    watch.store.all("UPDATE entry SET hash = zeroblob(32) WHERE n = 2")
    watch.store.close()
    with pytest.raises(StoreBroken, match="damaged"):
        watch.begin()


async def test_another_signing_key_is_told(watch: Watch) -> None:
    await watch.acts(1)
    await watch.man.look()
    await watch.main.execute("INSERT INTO transcript_key (public) VALUES ($1)", b"\x01" * 32)
    await watch.man.look()
    assert len(watch.alerts("new_key")) == 1


async def test_a_main_store_out_of_reach_is_told_once_it_lasts(watch: Watch, clock: Clock) -> None:
    await watch.acts(1)
    await watch.man.look()
    watch.man._away(OSError("gone"))
    assert watch.man.state == "good"
    watch.clock.ahead_ms = 31_000
    watch.man._away(OSError("gone"))
    watch.man._away(OSError("gone"))
    assert watch.man.state == "away"
    assert len(watch.alerts("away")) == 1
    await watch.man.look()
    assert watch.man.state == "good"


async def test_his_role_reads_the_trail_orders_bars_and_does_nothing_else(watch: Watch) -> None:
    for attempt in (
        "SELECT password_hash FROM person",
        "SELECT * FROM signup",
        "SELECT * FROM login_session",
        "INSERT INTO audit_event (event, result) VALUES ('test.act', 'done')",
        "DELETE FROM audit_pending",
        "UPDATE audit_block SET reason = 'x'",
        "DELETE FROM login_session",
        "INSERT INTO transcript_key (public) VALUES (decode(repeat('00', 32), 'hex'))",
    ):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RaiseError)):
            await watch.theirs.execute(attempt)


async def someone(pool: Pool, kind: str = "buyer", role: Role = Role.BUYER) -> Any:
    return await an_actor(pool, await an_organisation(pool, kind), role)


async def test_a_bar_ends_the_sessions_at_once_and_is_in_the_trail(watch: Watch) -> None:
    person, now = await someone(watch.main), Clock().now_ms()
    token = await sessions.begin(watch.main, person.user_id, now)
    assert await sessions.by_token(watch.main, token, now)
    assert await bar(watch.theirs, person.user_id, "批量拷贝", "audit1")
    assert not await bar(watch.theirs, person.user_id, "again", "audit1"), "he is barred already"
    assert await sessions.by_token(watch.main, token, now) is None
    assert await watch.main.fetchval("SELECT count(*) FROM login_session WHERE person_id = $1", person.user_id) == 0
    later = await sessions.begin(watch.main, person.user_id, now)
    assert await sessions.by_token(watch.main, later, now) is None
    row = await watch.main.fetchrow("SELECT * FROM audit_event WHERE event = 'person.barred'")
    assert row is not None
    assert (row["object"], row["detail"]["by"]) == (f"person:{person.user_id}", "audit1")


async def test_one_person_cannot_release_and_two_can(watch: Watch) -> None:
    person = await someone(watch.main)
    await bar(watch.theirs, person.user_id, "越权", "audit1")
    block = (await watch.theirs.fetch(SQL["blocks"]))[0]["id"]
    with pytest.raises(asyncpg.CheckViolationError):
        await watch.theirs.execute(SQL["release"], block, "误报", "audit1", "audit1")
    await watch.theirs.execute(SQL["release"], block, "误报", "audit1", "audit2")
    assert await records.actor(watch.main, person.user_id, uuid4(), 0, Clock().now_ms())
    assert await watch.main.fetchval("SELECT true FROM audit_event WHERE event = 'person.released'")


async def test_a_bidder_is_not_taken_out_of_a_competition_and_is_barred_when_it_is_over(
    watch: Watch, valkey_client: Any
) -> None:
    cast, now = await a_cast(watch.main, suppliers=1), Clock().now_ms()
    auction_id, lot_id = await published(watch.main, valkey_client, cast, a_draft(now + 60 * MINUTE))
    await signed_up(watch.main, cast, auction_id, lot_id)
    bidder = cast.suppliers[0]
    token = await sessions.begin(watch.main, bidder.user_id, now)
    await bar(watch.theirs, bidder.user_id, "批量拷贝", "audit1")
    for stage in ("signup", "running", "paused", "opening"):
        await watch.main.execute("UPDATE lot SET stage = $2 WHERE id = $1", lot_id, stage)
        confined = await sessions.by_token(watch.main, token, now)
        assert confined is not None, stage
        assert confined.confined, stage
    await watch.main.execute("UPDATE lot SET stage = 'closing' WHERE id = $1", lot_id)
    assert await sessions.by_token(watch.main, token, now) is None


async def test_a_confined_bidder_keeps_the_doors_of_lots_and_is_nobody_elsewhere(
    watch: Watch, valkey_client: Any
) -> None:
    cast, now = await a_cast(watch.main, suppliers=1), Clock().now_ms()
    auction_id, lot_id = await published(watch.main, valkey_client, cast, a_draft(now + 60 * MINUTE))
    await signed_up(watch.main, cast, auction_id, lot_id)
    token = await sessions.begin(watch.main, cast.suppliers[0].user_id, now)
    app = a_site(watch.main, valkey_client, Clock())
    async with a_client(app, cookies={"yangcai": token}) as client:
        assert [(await client.get(path)).status_code for path in ("/api/me", "/account")] == [200, 200]
        await bar(watch.theirs, cast.suppliers[0].user_id, "批量拷贝", "audit1")
        assert [(await client.get(path)).status_code for path in ("/api/me", "/account")] == [200, 401]
        await watch.main.execute("UPDATE lot SET stage = 'closing' WHERE id = $1", lot_id)
        assert (await client.get("/api/me")).status_code == 401


async def test_a_barred_person_is_told_so_when_he_logs_in(watch: Watch, valkey_client: Any) -> None:
    person = await a_person(watch.main, Role.BUYER)
    async with a_client(a_site(watch.main, valkey_client, Clock()), "10.66.0.1") as client:
        await bar(watch.theirs, person.user_id, "越权", "audit1")
        answer = await log_in(client, person.login)
        assert (answer.status_code, answer.json()["code"]) == (403, "barred")
        assert (await log_in(client, person.login, "a wrong password")).status_code == 401


async def test_a_rule_may_bar_by_itself_when_it_is_set_to(watch: Watch) -> None:
    person, quiet = await someone(watch.main), await someone(watch.main)
    watch.store.close()
    watch.begin(objects_per_minute=10, auto_block=("bulk_read",))
    for actor, many in ((person, 12), (quiet, 9)):
        token = here.set(Here("10.0.0.9", "GET /lots/{lot_id}"))
        await watch.acts(many, actor=actor, event="door.read")
        here.reset(token)
    await watch.man.look()
    barred = {row["person_id"] for row in await watch.theirs.fetch(SQL["blocks"])}
    assert barred == {person.user_id}
    assert watch.alerts("bulk_read") == ["11"]


def seen(at: int = NOON, **changed: Any) -> Seen:
    given: dict[str, Any] = {
        "n": 1, "at": at, "person": "p1", "login": "one", "address": "10.0.0.1", "door": "GET /x", "event": "door.read",
        "object": "lot:1", "result": "done",
    }  # fmt: skip
    return Seen(**(given | changed))


def told(rules: Rules, acts: list[Seen]) -> list[Alert]:
    return [alert for act in acts for alert in rules.see(act)]


def test_bulk_reading_is_different_things_within_a_minute() -> None:
    limits = Limits(objects_per_minute=3)
    same = [seen(NOON + i) for i in range(50)]
    slow = [seen(NOON + i * MINUTE_MS // 3, object=f"lot:{i}") for i in range(50)]
    fast = [seen(NOON + i, object=f"lot:{i}") for i in range(50)]
    assert told(Rules(limits, seed()), same) == []
    assert told(Rules(limits, seed()), slow) == []
    assert [(one.kind, one.person, one.text) for one in told(Rules(limits, seed()), fast)] == [("bulk_read", "p1", "4")]


def test_refusals_are_counted_by_person_and_where_nobody_is_known_by_address() -> None:
    rules = Rules(Limits(refusals_per_10_minutes=2), seed())
    nobody = [seen(NOON + i, person="", login="", result="refused", event="account.login") for i in range(3)]
    assert [(one.kind, one.subject, one.person) for one in told(rules, nobody)] == [("refused", "10.0.0.1", "")]
    spread = [seen(NOON + i * 6 * MINUTE_MS, result="refused") for i in range(9)]
    assert told(Rules(Limits(refusals_per_10_minutes=2), seed()), spread) == []


def test_the_same_warning_is_not_raised_again_for_ten_minutes() -> None:
    rules = Rules(Limits(objects_per_minute=1), seed())
    acts = [seen(NOON + i * 1_000, object=f"lot:{i}") for i in range(AGAIN_MS // 1_000 + 5)]
    assert len(told(rules, acts)) == 2


@pytest.mark.parametrize(
    ("at", "operator", "door", "many"),
    [
        (datetime(2026, 11, 23, 7, 59), True, "POST /x", 1),
        (datetime(2026, 11, 23, 8, 0), True, "POST /x", 0),
        (datetime(2026, 11, 23, 17, 59), True, "POST /x", 0),
        (datetime(2026, 11, 23, 18, 0), True, "POST /x", 1),
        (datetime(2026, 11, 22, 12, 0), True, "POST /x", 1),  # a Sunday
        (datetime(2026, 10, 1, 12, 0), True, "POST /x", 1),  # a holiday
        (datetime(2026, 11, 22, 12, 0), False, "POST /x", 0),
        (datetime(2026, 11, 22, 12, 0), False, "yangcai migrate", 1),
    ],
)
def test_operators_work_in_office_hours(at: datetime, operator: bool, door: str, many: int) -> None:
    when = int(at.replace(tzinfo=SHANGHAI).timestamp() * 1000)
    alerts = Rules(Limits(), seed()).see(seen(when, operator=operator, door=door, event="parameter.set"))
    assert [one.kind for one in alerts] == ["off_hours"] * many

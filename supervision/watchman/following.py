"""Follows the trail 跟踪比对: takes in each act as it is chained, resumes where it left off, compares what it knows.

At least once: acts are asked for behind the last one that is safe in the own store. Three comparisons: each act with
its leaf and each head with the tree of the own copy; the newest own head with what the main store says now (a trail
cut off or written anew); and, slice by slice, every act there again with the own copy (one changed afterwards).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from accounts.audit.check import fault_of, head_of
from accounts.audit.model import act_of, leaf_text
from accounts.audit.records import SQL as TRAIL
from ledger.note import Signer, VerifierKey, packed
from ledger.tree import Frontier
from plumbing import logs, sql
from plumbing.faults import BROKEN_PIPES
from plumbing.postgres import Connection, Pool
from plumbing.stopping import heed
from supervision.watchman.model import Alert, Seen
from supervision.watchman.rules import Rules
from supervision.watchman.store import Store

SQL = sql.load(Path(__file__).with_name("records.sql"))
AT_ONCE = 500
SWEPT_AT_ONCE = 1_000
LOOK_EVERY_S = 1.0
SWEEP_EVERY_MS = 10_000
FRESH_MS = 10 * 60_000
"""Nobody is barred by a rule for what is older, as when a new watchman takes in an old trail."""
AWAY_AFTER_S = 30.0
WITNESS_EVERY_MS = 60_000
NAME = "yangcai-watchman"

log = logs.get(__name__)


class Follower:
    """The watchman at work on one main store (``pool``); what he knows is in ``store``. ``signer`` confirms heads."""

    def __init__(self, pool: Pool, store: Store, rules: Rules, signer: Signer, now_ms: Callable[[], int]) -> None:
        self._pool, self.store, self._rules, self._signer, self._now_ms = pool, store, rules, signer, now_ms
        self._swept, self._swept_ms = 0, 0
        self._told: set[tuple[str, int]] = set()
        self._last_ms = now_ms()
        self._witnessed_ms = 0
        self._woken = asyncio.Event()
        self.state = "starting"
        """starting, good, bad or away."""

    def wake(self, _text: str = "") -> None:
        """Acts were chained: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Follow until cancelled. An outage is told once it lasts, and what was missed is taken in afterwards."""
        while True:
            heed()
            try:
                await self.look()
            except BROKEN_PIPES as error:
                self._away(error)
            except Exception:
                log.error("watchman.broke", exc_info=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._woken.wait()
            self._woken.clear()

    async def look(self) -> None:
        """Take in what is new and compare."""
        async with self._pool.acquire() as conn:
            for row in await conn.fetch(TRAIL["public_keys"]):
                self._pin(row["public"])
            await self._newest_holds(conn)
            taken = AT_ONCE
            while taken == AT_ONCE:
                taken = await self._take_in(conn)
            if self._now_ms() - self._swept_ms >= SWEEP_EVERY_MS:
                self._swept_ms = self._now_ms()
                await self._sweep(conn)
            self._last_ms = self._now_ms()
            self.state = "bad" if self._told_of("broken") else "good"
            await self._witness(conn)

    def _told_of(self, kind: str) -> bool:
        open_ = (
            "SELECT count(*) FROM warning w LEFT JOIN seen_to s ON s.warning = w.id WHERE w.kind = ? AND s.by IS NULL"
        )
        return bool(self.store.one(open_, kind))

    def _away(self, error: Exception) -> None:
        if self._now_ms() - self._last_ms > AWAY_AFTER_S * 1000 and self.state != "away":
            self.state = "away"
            self.store.warn([Alert("away", self._now_ms(), "", "", f"{type(error).__name__}"[:200])])

    def _broken(self, code: str, n: int) -> list[Alert]:
        """The warning that the trail is not what it was; of each place once."""
        if (code, n) in self._told:
            return []
        self._told.add((code, n))
        log.error("watchman.trail_broken", code=code, n=n)
        return [Alert("broken", self._now_ms(), code, "", code, n)]

    def _pin(self, public: bytes) -> None:
        """Know a signing key of the trail; one that comes later than the first is told."""
        if self.store.pin(public) and self.store.tree.size:
            self.store.warn(
                [Alert("new_key", self._now_ms(), packed(public), "", packed(public), self.store.tree.size)]
            )

    def _keys(self, origin: str) -> list[VerifierKey]:
        return [VerifierKey(origin, row["public"]) for row in self.store.all("SELECT public FROM signer")]

    async def _newest_holds(self, conn: Connection) -> None:
        """The main store still says what it said when the own newest head was signed."""
        size = self.store.one("SELECT max(size) FROM head")
        if size is None:
            return
        if await conn.fetchval(SQL["newest_size"]) < size:
            self.store.warn(self._broken("end", size))
        elif await conn.fetchval(SQL["root_at"], size) != self.store.one("SELECT root FROM head WHERE size = ?", size):
            self.store.warn(self._broken("root", size))

    async def _take_in(self, conn: Connection) -> int:
        """The next acts, with the heads over them; how many. Nothing is taken in behind a place that does not fit."""
        rows = await conn.fetch(TRAIL["chain_after"], self.store.tree.size, AT_ONCE)
        if not rows:
            return 0
        heads = {
            row["size"]: row for row in await conn.fetch(SQL["heads_between"], self.store.tree.size, rows[-1]["n"])
        }
        operators = await self._operators(conn, rows)
        tree = Frontier.grown(self.store.tree.size, self.store.tree.peaks)
        entries, confirmed, warnings = [], [], []
        for row in rows:
            n, code = tree.size + 1, fault_of(tree.size + 1, row)
            if code == "gap":
                warnings += self._broken(code, n)
                break
            leaf = "" if code == "gone" else leaf_text(n, act_of(row))
            warnings += self._broken(code, n) if code else self._rules.see(_seen(n, row, operators))
            tree.add(row["hash"])
            entries.append((n, row["hash"], leaf))
            if n in heads:
                wrong = self._head_fault(heads[n], tree)
                warnings += self._broken(wrong, n) if wrong else []
                if not wrong:
                    confirmed.append((n, heads[n]["root"], heads[n]["note"], self._confirm(heads[n]["note"])))
        self.store.take(entries, confirmed, warnings)
        await self._auto_block(conn, warnings)
        return len(rows) if len(entries) == len(rows) else 0

    async def _operators(self, conn: Connection, rows: Sequence[Any]) -> set[UUID]:
        people = list({row["person_id"] for row in rows if row["person_id"]})
        return {row["id"] for row in await conn.fetch(SQL["operators"], people)} if people else set()

    def _head_fault(self, row: Any, tree: Frontier) -> str:
        head = head_of(row["note"], self._keys(row["note"].split("\n", 1)[0]))
        if head is None or (head.size, head.root) != (row["size"], row["root"]):
            return "head"
        return "" if tree.root() == head.root else "root"

    def _confirm(self, note: str) -> str:
        """The head in the watchman's own signature."""
        return self._signer.sign(note.partition("\n\n")[0] + "\n", NAME)

    async def _sweep(self, conn: Connection) -> None:
        """The next slice of the main store, compared with the own copy; after the last slice begins the first."""
        rows = await conn.fetch(TRAIL["chain_after"], self._swept, SWEPT_AT_ONCE)
        known = {
            row["n"]: row["hash"]
            for row in self.store.all(
                "SELECT n, hash FROM entry WHERE n > ? AND n <= ?", self._swept, self._swept + SWEPT_AT_ONCE
            )
        }
        warnings = []
        there = {row["n"]: row for row in rows}
        for n, hash_ in known.items():
            row = there.get(n)
            code = "gap" if row is None else fault_of(n, row) or ("changed" if row["hash"] != hash_ else "")
            warnings += self._broken(code, n) if code else []
        if warnings:
            self.store.warn(warnings)
        self._swept = self._swept + SWEPT_AT_ONCE if len(rows) == SWEPT_AT_ONCE else 0
        if not self._swept:
            avoided = await conn.fetch(TRAIL["unchained"])
            self.store.warn(self._broken("unchained", len(avoided)) if avoided else [])

    async def _auto_block(self, conn: Connection, warnings: Sequence[Alert]) -> None:
        for warning in warnings:
            fresh = self._now_ms() - warning.at < FRESH_MS
            if fresh and warning.person and warning.kind in self._rules.limits.auto_block:
                await bar(conn, UUID(warning.person), f"rule {warning.kind}: {warning.text}", NAME)

    async def _witness(self, conn: Connection) -> None:
        """Tell the main store, at most once a minute, up to where the trail was found good."""
        newest = self.store.all("SELECT size, seen FROM head ORDER BY size DESC LIMIT 1")
        if newest and self._now_ms() - self._witnessed_ms >= WITNESS_EVERY_MS:
            self._witnessed_ms = self._now_ms()
            await conn.execute(SQL["witness"], newest[0]["size"], self.state, newest[0]["seen"])


async def bar(conn: Connection | Pool, person: UUID, reason: str, by: str) -> bool:
    """Order a person barred 阻断, unless he is already; whether it was ordered now."""
    if await conn.fetchval(SQL["is_barred"], person):
        return False
    await conn.execute(SQL["block"], person, reason[:1_000], by)
    return True


def _seen(n: int, row: Any, operators: set[UUID]) -> Seen:
    at = int(row["at"].timestamp() * 1000)
    person = str(row["person_id"] or "")
    return Seen(
        n, at, person, row["login"], row["address"], row["door"], row["event"], row["object"], row["result"],
        row["person_id"] in operators,
    )  # fmt: skip

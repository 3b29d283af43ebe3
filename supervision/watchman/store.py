"""The watchman's own store 独立副本: one SQLite file, written through to disk; what was received is never changed.

Used by one process. Triggers refuse every change of acts and heads; what the file itself goes through is found by
``start``, which builds the tree anew from what is stored.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from ledger.tree import Frontier
from supervision.watchman.model import Alert

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (n INTEGER PRIMARY KEY, hash BLOB NOT NULL, leaf TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS head (size INTEGER PRIMARY KEY, root BLOB NOT NULL, note TEXT NOT NULL, seen TEXT NOT NULL)
    STRICT;
CREATE TABLE IF NOT EXISTS signer (public BLOB PRIMARY KEY, n INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS warning (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL,
    subject TEXT NOT NULL, person TEXT NOT NULL, text TEXT NOT NULL, n INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS seen_to (warning INTEGER PRIMARY KEY, by TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS release (block TEXT PRIMARY KEY, reason TEXT NOT NULL, asked_by TEXT NOT NULL,
    at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS admin (login TEXT PRIMARY KEY, hash TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS own_act (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, login TEXT NOT NULL,
    address TEXT NOT NULL, what TEXT NOT NULL) STRICT;
"""
_STAYS = ("entry", "head", "signer", "warning", "seen_to", "own_act")


class StoreBroken(Exception):
    """What stands in the file does not lead to the heads that were signed; the sentence says where."""


class Store:
    """The file. ``start`` before anything else."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)
        for table in _STAYS:
            for verb in ("UPDATE", "DELETE"):
                self._db.execute(
                    f"CREATE TRIGGER IF NOT EXISTS {table}_{verb} BEFORE {verb} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'append only'); END"
                )
        if "secret" not in {row["name"] for row in self.all("PRAGMA table_info(admin)")}:
            self._db.execute("ALTER TABLE admin ADD COLUMN secret TEXT NOT NULL DEFAULT ''")
            self._db.execute("ALTER TABLE admin ADD COLUMN last_step INTEGER NOT NULL DEFAULT 0")
        self.tree = Frontier()

    def start(self) -> None:
        """Build the tree from what is stored and compare it with the heads. Raises ``StoreBroken``."""
        roots = {row["size"]: row["root"] for row in self.all("SELECT size, root FROM head")}
        self.tree = Frontier()
        for row in self._db.execute("SELECT n, hash FROM entry ORDER BY n"):
            self.tree.add(row["hash"])
            if self.tree.size != row["n"] or roots.get(self.tree.size, root := self.tree.root()) != root:
                raise StoreBroken(f"the watchman's own copy is damaged at {row['n']}")
        if max(roots, default=0) > self.tree.size:
            raise StoreBroken("the watchman's own copy is shorter than what he signed")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def all(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """The rows of a query."""
        return self._db.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        """The first value of a query; None when there is no row."""
        row = self._db.execute(query, values).fetchone()
        return row[0] if row else None

    def take(
        self,
        entries: Sequence[tuple[int, bytes, str]],
        heads: Sequence[tuple[int, bytes, str, str]],
        warnings: Iterable[Alert],
    ) -> None:
        """Keep acts, heads and warnings together, on disk when this returns; the tree goes on with them."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO entry VALUES (?, ?, ?)", entries)
            self._db.executemany("INSERT INTO head VALUES (?, ?, ?, ?)", heads)
            self._warn(warnings)
        for _, hash_, _ in entries:
            self.tree.add(hash_)

    def warn(self, warnings: Iterable[Alert]) -> None:
        """Keep warnings alone."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._warn(warnings)

    def _warn(self, warnings: Iterable[Alert]) -> None:
        self._db.executemany(
            "INSERT INTO warning (kind, at, subject, person, text, n) VALUES (?, ?, ?, ?, ?, ?)",
            [(w.kind, w.at, w.subject, w.person, w.text, w.n) for w in warnings],
        )

    def pin(self, public: bytes) -> bool:
        """Remember a signing key of the trail, with how many acts were known then; whether it is a new one."""
        done = self._db.execute("INSERT OR IGNORE INTO signer VALUES (?, ?)", (public, self.tree.size))
        return done.rowcount == 1

    def note(self, at: int, login: str, address: str, what: str) -> None:
        """Write down an act of the watchman's own administrators."""
        self._db.execute(
            "INSERT INTO own_act (at, login, address, what) VALUES (?, ?, ?, ?)", (at, login, address, what)
        )

    def see_to(self, warning: int, by: str, at: int) -> None:
        """Somebody took note of a warning."""
        self._db.execute("INSERT OR IGNORE INTO seen_to VALUES (?, ?, ?)", (warning, by, at))

    def ask_release(self, block: UUID, reason: str, by: str, at: int) -> None:
        """One administrator asks that a person be released; the first to ask stands."""
        self._db.execute("INSERT OR IGNORE INTO release VALUES (?, ?, ?, ?)", (str(block), reason, by, at))

    def release_asked(self, block: UUID) -> sqlite3.Row | None:
        """Who asked for the release of a bar, and why."""
        found: sqlite3.Row | None = self._db.execute("SELECT * FROM release WHERE block = ?", (str(block),)).fetchone()
        return found

    def drop_release(self, block: UUID) -> None:
        """The release was done, or declined."""
        self._db.execute("DELETE FROM release WHERE block = ?", (str(block),))

    def put_admin(self, login: str, hash_: str, secret: str) -> None:
        """Open an administrator's account, or give it another password and another authenticator's ``secret``."""
        given = (login, hash_, secret)
        self._db.execute("INSERT OR REPLACE INTO admin (login, hash, secret, last_step) VALUES (?, ?, ?, 0)", given)

    def admin(self, login: str) -> sqlite3.Row | None:
        """An administrator's password hash, authenticator and the last step of it he used."""
        found: sqlite3.Row | None = self._db.execute("SELECT * FROM admin WHERE login = ?", (login,)).fetchone()
        return found

    def use_step(self, login: str, step: int) -> bool:
        """Use up the code of a step; False when it, or a later one, was used before."""
        used = "UPDATE admin SET last_step = ? WHERE login = ? AND last_step < ?"
        return self._db.execute(used, (step, login, step)).rowcount == 1

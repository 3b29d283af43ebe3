"""The simulator's book, a file of its own: what it was told, what it tells, which faults it is to make.

``book``: what it booked of what it heard; ``said``: of what it told. A fault spoils a line of either, never a message.
"""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

FAULTS = ("lost", "doubled", "amount", "order", "late", "unknown")
"""What may be wrong with a line: missing, twice, a fen more, another number, the next day's, one besides of nothing."""
HEARD, TOLD = "book", "said"
UNKNOWN = "unknown-"
DISPLACED = 10_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS heard (
    seq INTEGER PRIMARY KEY, type TEXT, biz_key TEXT, ver INTEGER, fen INTEGER, day TEXT, body BLOB);
CREATE TABLE IF NOT EXISTS book (
    place INTEGER PRIMARY KEY, seq INTEGER, type TEXT, biz_key TEXT, fen INTEGER, day TEXT);
CREATE TABLE IF NOT EXISTS said (
    place INTEGER PRIMARY KEY, seq INTEGER, type TEXT, biz_key TEXT, fen INTEGER, day TEXT);
CREATE TABLE IF NOT EXISTS told (
    seq INTEGER PRIMARY KEY, type TEXT, biz_key TEXT, fen INTEGER, day TEXT, body BLOB, outcome TEXT);
CREATE TABLE IF NOT EXISTS fault (n INTEGER PRIMARY KEY, kind TEXT, side TEXT);
CREATE TABLE IF NOT EXISTS made (fault TEXT, biz_key TEXT);
"""


class Store:
    """One SQLite file; every call is one transaction."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(SCHEMA)

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """What a query gives."""
        return self._db.execute(query, values).fetchall()

    def last(self, table: str) -> int:
        """The last number in ``heard`` or ``told``."""
        found: int = self.rows(f"SELECT coalesce(max(seq), 0) FROM {table}")[0][0]
        return found

    def hear(self, message: dict[str, Any], raw: bytes) -> None:
        """Keep a message and book it, with the fault that is due."""
        name = (message["type"], f"{message['biz_key']}#{message['ver']}", message["fen"], message["day"])
        given = (message["seq"], message["type"], message["biz_key"], message["ver"], message["fen"], message["day"])
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT INTO heard VALUES (?, ?, ?, ?, ?, ?, ?)", (*given, raw))
            self._enter(HEARD, message["seq"], *name)

    def tell(self, type_: str, biz_key: str, fen: int, day: str, at: int, data: dict[str, Any]) -> int:
        """Write the next message to the platform; its number."""
        seq = self.last("told") + 1
        body = msgspec.json.encode({"seq": seq, "biz_key": biz_key, "at": at, "data": {"type": type_, **data}})
        given = (seq, type_, biz_key, fen, day, body)
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT INTO told VALUES (?, ?, ?, ?, ?, ?, NULL)", given)
            if not type_.startswith("statement"):
                self._enter(TOLD, seq, type_, biz_key, fen, day)
        return seq

    def inject(self, kind: str, side: str = HEARD) -> None:
        """Spoil the line of the next message of a side as ``FAULTS`` says; a ``kind`` that is none of them: not."""
        self._db.execute("INSERT INTO fault (kind, side) VALUES (?, ?)", (kind, side))

    def take_fault(self, side: str, biz_key: str) -> str:
        """The fault that is due on a side, noted as made for ``biz_key``; empty without one."""
        due = self.rows("SELECT * FROM fault WHERE side = ? ORDER BY n LIMIT 1", side)
        if not due:
            return ""
        self._db.execute("DELETE FROM fault WHERE n = ?", (due[0]["n"],))
        if due[0]["kind"] in FAULTS:
            self._db.execute("INSERT INTO made VALUES (?, ?)", (due[0]["kind"], biz_key))
        return str(due[0]["kind"])

    def _enter(self, side: str, seq: int, type_: str, biz_key: str, fen: int, day: str) -> None:
        """Book a message on its side, with the fault that is due."""
        fault = self.take_fault(side, biz_key)
        if fault == "order":
            seq += DISPLACED
        if fault == "amount":
            fen += 1
        if fault == "late":
            day = str(date.fromisoformat(day) + timedelta(days=1))
        lines = {"lost": [], "doubled": [biz_key, biz_key], "unknown": [biz_key, f"{UNKNOWN}{biz_key}"]}
        for key in lines.get(fault, [biz_key]):
            given = (seq, type_, key, fen, day)
            self._db.execute(f"INSERT INTO {side} (seq, type, biz_key, fen, day) VALUES (?, ?, ?, ?, ?)", given)

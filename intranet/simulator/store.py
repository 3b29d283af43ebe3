"""The simulator's book, a file of its own: what it was told, what it tells, which faults it is to make."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

SCHEMA = """
CREATE TABLE IF NOT EXISTS heard (
    seq INTEGER PRIMARY KEY, type TEXT, biz_key TEXT, ver INTEGER, fen INTEGER, day TEXT, body BLOB);
CREATE TABLE IF NOT EXISTS book (
    place INTEGER PRIMARY KEY, seq INTEGER, type TEXT, biz_key TEXT, fen INTEGER, day TEXT);
CREATE TABLE IF NOT EXISTS told (
    seq INTEGER PRIMARY KEY, type TEXT, biz_key TEXT, fen INTEGER, day TEXT, body BLOB, outcome TEXT);
CREATE TABLE IF NOT EXISTS fault (n INTEGER PRIMARY KEY, kind TEXT);
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
            fault = self._next_fault(name[1])
            seq, fen = message["seq"], name[2] + (1 if fault == "amount" else 0)
            booked = {"lost": 0, "doubled": 2}.get(fault, 1)
            for _ in range(booked):
                self._book(seq + (10_000 if fault == "order" else 0), name[0], name[1], fen, name[3])

    def tell(self, type_: str, biz_key: str, fen: int, day: str, at: int, data: dict[str, Any]) -> int:
        """Write the next message to the platform; its number."""
        seq = self.last("told") + 1
        body = msgspec.json.encode({"seq": seq, "biz_key": biz_key, "at": at, "data": {"type": type_, **data}})
        given = (seq, type_, biz_key, fen, day, body)
        self._db.execute("INSERT INTO told VALUES (?, ?, ?, ?, ?, ?, NULL)", given)
        return seq

    def inject(self, kind: str) -> None:
        """The next message is lost, doubled, changed in amount or out of order in the book."""
        self._db.execute("INSERT INTO fault (kind) VALUES (?)", (kind,))

    def _next_fault(self, biz_key: str) -> str:
        due = self.rows("SELECT * FROM fault ORDER BY n LIMIT 1")
        if not due:
            return ""
        self._db.execute("DELETE FROM fault WHERE n = ?", (due[0]["n"],))
        self._db.execute("INSERT INTO made VALUES (?, ?)", (due[0]["kind"], biz_key))
        return str(due[0]["kind"])

    def _book(self, seq: int, type_: str, biz_key: str, fen: int, day: str) -> None:
        given = (seq, type_, biz_key, fen, day)
        self._db.execute("INSERT INTO book (seq, type, biz_key, fen, day) VALUES (?, ?, ?, ?, ?)", given)

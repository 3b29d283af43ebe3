"""The files people take away 存证文件: the transcript of a settled lot, and a bidder's signed receipts.

Both are made from what Postgres keeps and are the same bytes for the same reader each time. ``docs/transcript.md`` says
what every line means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from auction.lot import leaves, live
from auction.lot.leaves import Opening, Subject
from auction.lot.model import BidTaken, Event, Opened
from auction.transcript.notary import SQL
from ledger.note import DASH, VerifierKey, unpacked
from plumbing.postgres import Connection, Pool

FORMAT = "yangcai-transcript/1"
RECEIPTS = "yangcai-receipts/1"
_PUBLIC = ("published", "contracted")
_encode = msgspec.json.Encoder().encode


class Reader(Struct, frozen=True):
    """For whom the file is made: ``kind`` as a seat's, and his own alias if he is a bidder."""

    kind: str
    alias: str = ""


async def transcript(conn: Connection | Pool, lot_id: UUID, reader: Reader) -> bytes | None:
    """The transcript of a lot as JSON lines, opened as far as ``reader`` may see; None when there is none."""
    facts = await conn.fetchrow(SQL["file_facts"], lot_id)
    row = await conn.fetchrow(SQL["subject_of"], lot_id)
    if facts is None or row is None:
        return None
    subject, origin = msgspec.convert(row["body"], Subject), row["origin"]
    entries = await conn.fetch(SQL["leaves_of"], lot_id)
    events = [event for entry in entries for event in live.decode(f"[{entry['line']}]".encode())]
    notes = [note["note"] for note in await conn.fetch(SQL["checkpoints_of"], lot_id)]
    key = await conn.fetchval(SQL["salt_of"], lot_id)
    seen = {reader.alias, facts["winner"] if facts["stage"] in _PUBLIC else ""} - {"", None}
    rules, keys = live.rules_text(facts["rules"]), await _keys(conn, origin, notes)
    lines: list[Any] = [{"format": FORMAT, "origin": origin, "rules": rules, "keys": keys}]
    lines += [{"leaf": entry["leaf"]} for entry in entries]
    lines += [{"open": opening} for opening in _openings(events, key, subject, reader.kind, seen)]
    lines += [{"checkpoint": note} for note in notes]
    lines += [{"standing": dict(one)} for one in await conn.fetch(SQL["standings_of"], lot_id)]
    return b"".join(_encode(line) + b"\n" for line in lines)


def _openings(events: Sequence[Event], key: bytes, subject: Subject, kind: str, seen: set[str]) -> Iterator[Opening]:
    """All to supervisors; all but names to hosts; of one's own and of the winner to everyone."""
    inside = kind in ("host", "supervisor")
    for event in events:
        if isinstance(event, Opened):
            for entrant in event.entrants:
                if inside or entrant.alias in seen:
                    yield leaves.terms_of(entrant, key)
                if kind == "supervisor" or entrant.alias in seen:
                    yield leaves.name_of(entrant.alias, key, subject)
        elif inside or (isinstance(event, BidTaken) and event.who in seen):
            opening = leaves.opening_of(event, key)
            if opening:
                yield opening


async def _keys(conn: Connection | Pool, origin: str, notes: Sequence[str]) -> list[str]:
    """The verifier keys of all who signed ``notes``, oldest first."""
    ids = {unpacked(line.rpartition(" ")[2])[:4] for note in notes for line in note.split("\n") if line[:2] == DASH}
    known = [VerifierKey(origin, row["public"]) for row in await conn.fetch(SQL["keys"])]
    return [str(key) for key in known if key.id in ids]


async def receipts(conn: Connection | Pool, lot_id: UUID, alias: str) -> bytes | None:
    """A bidder's signed receipts 回执 so far; None when he has none. Nothing in it tells of others."""
    notes = [row["note"] for row in await conn.fetch(SQL["receipts_of"], lot_id, alias)]
    row = await conn.fetchrow(SQL["subject_of"], lot_id)
    if not notes or row is None:
        return None
    keys = await _keys(conn, row["origin"], notes)
    return _encode({"format": RECEIPTS, "origin": row["origin"], "keys": keys, "receipts": notes}) + b"\n"

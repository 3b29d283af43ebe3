"""From a folder of CSV files to sessions: strict about form, and every row that is not played is counted.

Layout: ``sessions``, ``items``, ``bids`` and ``events``, each ``NAME.csv.gz`` or ``NAME.csv`` (UTF-8, with a header).
Other files and columns are ignored. ``FolderError`` names the file, the line and the column; nothing is half-read.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TextIO

import msgspec

from loadtests.replay.record import VALUE_MAX, VALUE_UNIT, Item, Note, RecordedBid, Session

COLUMNS: dict[str, tuple[str, ...]] = {
    "sessions": ("pregao", "object"),
    "items": ("pregao", "item", "group", "name", "status", "winner", "best_bid"),
    "bids": ("pregao", "item", "phase", "seq", "value", "supplier", "time", "excluded"),
    "events": ("pregao", "item", "event", "time", "note"),
}
CLOSED_EVENT = "Encerrado"
_VALUE = re.compile(r"(\d{1,12})(?:\.(\d{1,4}))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Key = tuple[str, str]
_Row = dict[str, str]


class FolderError(Exception):
    """The folder cannot be replayed; the message is for the user, with file, line and column."""


class _Line(NamedTuple):
    """Where a row stands, for messages."""

    file: str
    number: int
    row: _Row

    def refuse(self, column: str, why: str) -> FolderError:
        return FolderError(f"{self.file}, line {self.number}, column {column}: {why} ({self.row[column][:40]!r})")


def _find(folder: Path, name: str) -> Path:
    for candidate in (folder / f"{name}.csv.gz", folder / f"{name}.csv"):
        if candidate.is_file():
            return candidate
    raise FolderError(f"{folder}: the file {name}.csv.gz (or {name}.csv) is missing")


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _rows(folder: Path, name: str) -> Iterator[_Line]:
    path = _find(folder, name)
    try:
        with _open(path) as text:
            reader = csv.reader(text, strict=True)
            header = next(reader, [])
            missing = [column for column in COLUMNS[name] if column not in header]
            if missing:
                raise FolderError(f"{path.name}: missing column {', '.join(missing)}; it has {', '.join(header)}")
            for cells in reader:
                if len(cells) != len(header):
                    why = f"{len(cells)} columns where the header has {len(header)}"
                    raise FolderError(f"{path.name}, line {reader.line_num}: {why}")
                yield _Line(path.name, reader.line_num, dict(zip(header, cells, strict=True)))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise FolderError(f"{path.name}: cannot be read: {error}") from error


def value_of(text: str) -> int | None:
    """``"12.3400"`` reais as 123,400 units; None when it is not a plain decimal of at most four places."""
    match = _VALUE.fullmatch(text)
    if match is None or not text.isascii():
        return None
    return int(match[1]) * VALUE_UNIT + int((match[2] or "").ljust(4, "0"))


def _value(line: _Line, column: str) -> int:
    value = value_of(line.row[column])
    if value is None:
        raise line.refuse(column, "not a decimal number with at most four places")
    return value


def _time(line: _Line) -> int:
    try:
        stamp = datetime.fromisoformat(line.row["time"])
    except ValueError:
        raise line.refuse("time", "not an ISO 8601 time") from None
    # The record's stamps are local and without an offset; only their differences matter.
    return round((stamp.replace(tzinfo=UTC) - _EPOCH).total_seconds() * 1000)


def _why_left_out(line: _Line) -> str:
    """Why a bid of the record is not sent; empty when it is."""
    row = line.row
    if row["excluded"] not in ("0", "1"):
        raise line.refuse("excluded", "neither 0 nor 1")
    if not row["value"]:
        return "value blank"
    if row["phase"] != "open":
        return f"phase {row['phase']}"
    if row["excluded"] == "1":
        return "struck by the buyer"
    value = _value(line, "value")
    if value < 1:
        return "value zero"
    return "value too large" if value > VALUE_MAX else ""


class _Bids(NamedTuple):
    sent: dict[_Key, list[RecordedBid]]
    left_out: dict[str, Counter[str]]
    struck: Counter[_Key]
    tiebreaks: Counter[_Key]


def _read_bids(folder: Path, known: dict[_Key, Item], wanted: set[str]) -> _Bids:
    bids = _Bids(defaultdict(list), defaultdict(Counter), Counter(), Counter())
    for line in _rows(folder, "bids"):
        row = line.row
        if row["pregao"] not in wanted:
            continue
        key = row["pregao"], row["item"]
        bids.tiebreaks[key] += row["phase"] != "open" and bool(row["value"])
        bids.struck[key] += row["excluded"] == "1"
        why = _why_left_out(line) or ("" if key in known else "item not listed")
        if why:
            bids.left_out[row["pregao"]][why] += 1
            continue
        if not row["supplier"]:
            raise line.refuse("supplier", "empty")
        if not row["seq"].isdecimal():
            raise line.refuse("seq", "not a number")
        bid = RecordedBid(int(row["seq"]), row["supplier"], _value(line, "value"), _time(line))
        bids.sent[key].append(bid)
    for found in bids.sent.values():
        found.sort(key=lambda bid: (bid.at_ms, bid.seq))
    return bids


def _read_notes(folder: Path, wanted: set[str]) -> dict[_Key, list[Note]]:
    notes: dict[_Key, list[Note]] = defaultdict(list)
    for line in _rows(folder, "events"):
        row = line.row
        if row["pregao"] in wanted:
            notes[row["pregao"], row["item"]].append(Note(row["event"], _time(line), row["note"]))
    return notes


def _read_items(folder: Path, wanted: set[str]) -> dict[_Key, Item]:
    items: dict[_Key, Item] = {}
    for line in _rows(folder, "items"):
        row = line.row
        key = row["pregao"], row["item"]
        if row["pregao"] not in wanted:
            continue
        if key in items:
            raise line.refuse("item", f"listed twice in session {row['pregao']}")
        best = _value(line, "best_bid") if row["best_bid"] else None
        items[key] = Item(*key, row["name"], row["group"], row["status"], row["winner"], best)
    return items


def _joined(item: Item, bids: _Bids, notes: list[Note]) -> Item:
    key = item.session, item.number
    closings = [note.at_ms for note in notes if note.event == CLOSED_EVENT]
    # An item that was reopened closes at its last Encerrado.
    closed = max(closings) if closings else None
    return msgspec.structs.replace(
        item,
        closed_s_ms=closed,
        closings=len(closings),
        struck=bids.struck[key],
        tiebreaks=bids.tiebreaks[key],
        bids=tuple(bids.sent.get(key, ())),
        notes=tuple(notes),
    )


def read(folder: Path, only: str | None = None) -> list[Session]:
    """The sessions of ``folder`` in the order of ``sessions.csv``, or the one named ``only``.

    Raises ``FolderError`` for a folder, file, column, line or session that is not as it should be.
    """
    if not folder.is_dir():
        raise FolderError(f"{folder}: not a folder")
    titles = {line.row["pregao"]: line.row["object"] for line in _rows(folder, "sessions")}
    if only is not None and only not in titles:
        raise FolderError(f"sessions: there is no session {only}; there are {len(titles)}, e.g. {next(iter(titles))}")
    wanted = {only} if only is not None else set(titles)
    items = _read_items(folder, wanted)
    bids = _read_bids(folder, items, wanted)
    notes = _read_notes(folder, wanted)
    by_session: dict[str, list[Item]] = defaultdict(list)
    for key, item in items.items():
        by_session[key[0]].append(_joined(item, bids, notes[key]))
    return [
        Session(name, title, tuple(by_session[name]), bids.left_out[name])
        for name, title in titles.items()
        if name in wanted
    ]

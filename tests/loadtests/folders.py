"""A small recorded folder with every pitfall of the real one, written by the test itself."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from pathlib import Path

from loadtests.replay.record import Item, RecordedBid

HEADERS = {
    "sessions": ["pregao", "object"],
    "items": ["pregao", "item", "group", "name", "status", "winner", "best_bid"],
    "bids": ["pregao", "item", "phase", "seq", "value", "supplier", "time", "excluded"],
    "events": ["pregao", "item", "event", "time", "note"],
}
ROWS: dict[str, list[list[str]]] = {
    "sessions": [["P1", "Office paper"], ["P2", "Nobody came"]],
    "items": [
        ["P1", "1", "", "Paper", "Aceito e Habilitado", "S2", "9.5000"],
        ["P1", "2", "", "Labels", "Aceito e Habilitado", "S3", "4.0000"],
        ["P1", "3", "", "Pens", "Cancelado por inexistência de proposta", "", ""],
        ["P2", "1", "", "Tonner", "Cancelado por inexistência de proposta", "", ""],
    ],
    "bids": [
        # Opening proposals share one millisecond; the file's order decides.
        ["P1", "1", "open", "1", "12.0000", "S1", "2016-01-21T10:00:00.343", "0"],
        ["P1", "1", "open", "2", "11.0000", "S2", "2016-01-21T10:00:00.343", "0"],
        ["P1", "1", "open", "3", "9.5", "S2", "2016-01-21T10:00:01.000", "0"],
        # Equal to the lead: taken, and second.
        ["P1", "1", "open", "4", "9.5000", "S1", "2016-01-21T10:00:01.001", "0"],
        # Not below the own last.
        ["P1", "1", "open", "5", "9.5000", "S2", "2016-01-21T10:00:02.000", "0"],
        # Struck by the buyer, blank, and the tie-break of small suppliers: not sent.
        ["P1", "1", "open", "6", "0.0100", "S1", "2016-01-21T10:00:03.000", "1"],
        ["P1", "1", "tiebreak_sme", "7", "", "S1", "2016-01-21T10:00:04.000", "0"],
        ["P1", "1", "tiebreak_sme", "8", "9.4000", "S1", "2016-01-21T10:00:04.000", "0"],
        # Within the second of Encerrado (10:05:00): in time. A second later: too late.
        ["P1", "1", "open", "9", "9.6000", "S4", "2016-01-21T10:05:00.999", "0"],
        ["P1", "1", "open", "10", "1.0000", "S4", "2016-01-21T10:05:01.000", "0"],
        # No Encerrado; the best bidder is refused later; values with four places.
        ["P1", "2", "open", "1", "3.0001", "S1", "2016-01-21T10:00:00.343", "0"],
        ["P1", "2", "open", "2", "4.0000", "S3", "2016-01-21T10:30:00.000", "0"],
    ],
    "events": [
        ["P1", "1", "Aberto", "2016-01-21T10:00:00", "Item aberto."],
        ["P1", "1", "Encerrado", "2016-01-21T10:02:00", "Item encerrado."],
        ["P1", "1", "Encerrado", "2016-01-21T10:05:00", "Item encerrado."],
        ["P1", "2", "Recusa", "2016-01-22T09:00:00", "Recusa da proposta. Fornecedor: S1, por R$ 3,0001."],
        ["P1", "", "Suspenso", "2016-01-21T12:00:00", "Almoço"],
    ],
}


def a_folder(
    path: Path, *, packed: bool = True, without: str = "", drop_column: str = "", **rows: list[list[str]]
) -> Path:
    """Write the folder; ``rows`` replaces the rows of a file, ``drop_column`` is ``file.column``."""
    for name, header in HEADERS.items():
        if name == without:
            continue
        keep = [i for i, column in enumerate(header) if f"{name}.{column}" != drop_column]
        write(path, name, ([row[i] for i in keep] for row in [header, *rows.get(name, ROWS[name])]), packed)
    return path


def write(path: Path, name: str, rows: Iterable[list[str]], packed: bool) -> None:
    """Write one file of the folder, gzipped or plain."""
    if packed:
        with gzip.open(path / f"{name}.csv.gz", "wt", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows)
    else:
        with (path / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows)


def an_item(*bids: tuple[str, int, int], closed_s_ms: int | None = None) -> Item:
    """An item with bids (supplier, value, at_ms) in the record's order."""
    rows = tuple(RecordedBid(seq, supplier, value, at) for seq, (supplier, value, at) in enumerate(bids, 1))
    return Item("P1", "1", "Paper", "", "", "", None, closed_s_ms, bids=rows)

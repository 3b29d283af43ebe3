"""表格导出: rows as CSV that every spreadsheet reads, and that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula: such a text gets an apostrophe in front (CSV injection)."""
    text = "" if value is None else str(value)
    return "'" + text if text.startswith(_FORMULA) else text


def as_csv(headings: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """The rows as CSV (RFC 4180, UTF-8 with mark, so that every spreadsheet reads the Chinese), every cell harmless."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()

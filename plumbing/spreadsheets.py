"""表格导出: rows as CSV that every spreadsheet reads, and that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

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


def csv_file(name: str, headings: Iterable[str], rows: Iterable[Iterable[Any]]) -> Response:
    """The rows as a file to be saved under ``name``, kept by nobody on the way."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(as_csv(headings, rows), headers=headers, media_type="text/csv; charset=utf-8")

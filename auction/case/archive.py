"""采购档案: one case whole, as a ZIP that is read without the product (政府采购法 §42: kept fifteen years and more).

Made only of what whoever gets it may see: suppliers by alias for a host, named for a supervisor; and only when every
lot is over, so that nothing of a running one is in it. The same case gives the same bytes, but for what was done since.
"""

from __future__ import annotations

import hashlib
import re
from html import escape
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from auction.case import papers
from auction.case.records import SQL, Db
from auction.transcript.files import Reader
from plumbing import sql
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.texts import Texts

OURS = sql.load(Path(__file__).with_name("archive.sql"))
OVER = frozenset({"published", "contracted", "failed", "cancelled", "rehearsed"})
CASE_MEMBERS = (
    "number", "ocid", "title", "region", "org_name", "agency_name", "category", "kind", "budget_fen", "budget_project",
    "plan_no", "in_framework", "legal_basis", "gate", "rule_set", "rule_set_sha256", "notice", "invitation_only",
    "posts", "signup_from", "opens_at", "published_at", "created_at",
)  # fmt: skip
LOT_MEMBERS = ("no", "title", "stage", "why", "rules", "opens_at", "closes_at", "round_no", "entrants", "award_rank")


def name_of(number: str) -> str:
    """The file's name, of letters, digits and dashes only."""
    return f"archive-{re.sub(r'[^A-Za-z0-9-]+', '-', number)[:80]}.zip"


async def case_named(conn: Db, given: str) -> UUID | None:
    """The case with this number or id; None when there is none."""
    found: UUID | None = await conn.fetchval(OURS["case_numbered"], given)
    return found


async def archive(conn: Db, auction_id: UUID, kind: str, texts: Texts) -> tuple[str, bytes]:
    """Name and content of the archive for a ``host`` or a ``supervisor``.

    Raises ``Problem``: 404 for an unknown case, 409 while a lot is not over.
    """
    row = await conn.fetchrow(SQL["auction_by_id"], auction_id)
    if row is None:
        raise Problem(404, "auction_unknown")
    lots = await conn.fetch(SQL["lots_of"], auction_id)
    if any(lot["stage"] not in OVER for lot in lots):
        raise Problem(409, "case_not_over")
    named = kind == "supervisor"
    contents = {
        "case.json": _json({name: row[name] for name in CASE_MEMBERS}),
        "approvals.json": await _rows(conn, SQL["approvals_of"], auction_id, leave_out=("decided_by",)),
        "signups.json": await _rows(conn, OURS["signups"], auction_id, named),
        "publications.json": await _rows(conn, SQL["publications_of"], auction_id),
        "acts.jsonl": b"".join(
            orjson.dumps(dict(act), option=orjson.OPT_APPEND_NEWLINE)
            for act in await conn.fetch(OURS["acts"], auction_id, named)
        ),
    }
    for lot in lots:
        inside = await _lot(conn, lot, Reader(kind), texts)
        contents |= {f"lot-{lot['no']}/{name}": content for name, content in inside.items()}
    files = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())}
    contents["index.html"] = _index(row, files, texts)
    contents["manifest.json"] = _json({"number": row["number"], "ocid": row["ocid"], "for": kind, "files": files})
    return name_of(row["number"]), papers.zipped(contents)


async def _lot(conn: Db, lot: Record, reader: Reader, texts: Texts) -> dict[str, bytes]:
    """The files of one lot; of one that never opened only its case side."""
    lot_id = lot["id"]
    lines = [dict(line) for line in await conn.fetch(SQL["lines_of"], lot_id)]
    contents = {
        "lot.json": _json({name: lot[name] for name in LOT_MEMBERS} | {"lines": lines}),
        "offers.json": await _rows(conn, OURS["offers"], lot_id),
        "questions.json": await _rows(conn, SQL["questions_of"], lot_id, None, leave_out=("id",)),
        "motions.json": await _rows(
            conn, SQL["motions_of"], lot_id, leave_out=("id", "lot_id", "proposed_by", "decided_by")
        ),
        "awards.json": await _rows(conn, SQL["awards_of"], lot_id),
    }
    if await conn.fetchval("SELECT true FROM result WHERE lot_id = $1", lot_id):
        contents |= await papers.contents(conn, lot_id, texts, reader)
        notes = [row["note"] for row in await conn.fetch(OURS["checkpoints"], lot_id)]
        contents["checkpoints.txt"] = "\n".join(notes).encode()
        contents["receipts.json"] = await _rows(conn, OURS["receipts"], lot_id)
    return contents


async def _rows(conn: Db, query: str, *given: Any, leave_out: tuple[str, ...] = ()) -> bytes:
    """What a query finds, as a list of objects."""
    rows = [dict(row) for row in await conn.fetch(query, *given)]
    return _json([{name: value for name, value in row.items() if name not in leave_out} for row in rows])


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def _index(row: Record, files: dict[str, str], texts: Texts) -> bytes:
    """The page to begin with, in both languages; it needs nothing but a browser."""

    def both(key: str, **given: Any) -> str:
        zh, en = (escape(texts.say(f"archive.{key}", lang, **given)) for lang in ("zh", "en"))
        return f'{zh}<br><span lang="en">{en}</span>'

    shown = "".join(
        f'<tr><td><a href="{escape(name)}">{escape(name)}</a></td><td><code>{digest}</code></td></tr>'
        for name, digest in files.items()
    )
    steps = "".join(f"<li>{both(key)}</li>" for key in ("check_files", "check_log", "check_keys"))
    page = (
        '<!doctype html><html lang="zh"><meta charset="utf-8">'
        f"<title>{escape(row['number'])}</title><style>body{{font:16px/1.6 sans-serif;max-width:70em;margin:2em auto}}"
        "td{padding:.2em 1em}code{font-size:.8em;word-break:break-all}span{color:#555}</style>"
        f"<h1>{both('title', number=row['number'])}</h1>"
        f"<p><b>{escape(row['title'])}</b> · {escape(row['org_name'])}</p>"
        f"<p>{both('lead')}</p><p>{both('keep')}</p><h2>{both('files')}</h2><table>{shown}</table>"
        f"<h2>{both('check')}</h2><ol>{steps}</ol></html>"
    )
    return page.encode()
